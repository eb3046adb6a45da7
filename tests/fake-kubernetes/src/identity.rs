//! Callers: AWS credentials, and their identities in the cluster.

use crate::rights::Rights;

/// A principal with an access entry of the cluster.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Access key id that signs.
    pub access_key_id: String,
    /// Its secret key.
    pub secret_access_key: String,
    /// Session token of a role.
    pub session_token: Option<String>,
    /// Whether the role's session has expired, so that STS refuses its signatures.
    pub session_ended: bool,
    /// A token that is accepted without a signature: for kubectl, and for tests of other things.
    pub static_token: Option<String>,
    /// Whether it represents every signer: the signature of a token is not checked then.
    pub any_signer: bool,
    /// Name of the user in the cluster.
    pub username: String,
    /// Groups in the cluster, in addition to `system:authenticated`.
    pub groups: Vec<String>,
    /// Its permissions.
    pub rights: Rights,
}

impl Identity {
    /// The role of fargaze with the `ClusterRole` from its documentation; the keys are AWS's
    /// examples.
    pub fn collector() -> Self {
        Self {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: Some("IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ+/==".to_owned()),
            session_ended: false,
            static_token: None,
            any_signer: false,
            username: "arn:aws:sts::111122223333:assumed-role/collector/fn".to_owned(),
            groups: vec!["fargate-collector".to_owned()],
            rights: Rights::collector(),
        }
    }

    /// Every caller that signs for the cluster, with these permissions: for a local AWS, whose keys
    /// only it knows.
    pub fn any_signer(rights: Rights) -> Self {
        Self { any_signer: true, rights, ..Self::collector() }
    }

    /// A caller with all permissions and a token without a signature.
    pub fn admin(static_token: &str) -> Self {
        Self {
            access_key_id: "AKIAI44QH8DHBEXAMPLE".to_owned(),
            secret_access_key: "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY".to_owned(),
            session_token: None,
            session_ended: false,
            static_token: Some(static_token.to_owned()),
            any_signer: false,
            username: "kubernetes-admin".to_owned(),
            groups: vec!["system:masters".to_owned()],
            rights: Rights::all(),
        }
    }
}
