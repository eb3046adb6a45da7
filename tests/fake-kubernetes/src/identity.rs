//! Who may ask: credentials of AWS, and what the cluster makes of them.

use crate::rights::Rights;

/// A principal with an access entry of the cluster.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Access key id that signs.
    pub access_key_id: String,
    /// Secret to it.
    pub secret_access_key: String,
    /// Session token of a role.
    pub session_token: Option<String>,
    /// Whether the role's session is over, so that STS refuses whatever it signed.
    pub session_ended: bool,
    /// A token that is taken as it is, without signature: for kubectl, and for tests of other things.
    pub static_token: Option<String>,
    /// Whether it stands for whoever signs: nobody looks then whose signature a token has.
    pub any_signer: bool,
    /// Name of the user in the cluster.
    pub username: String,
    /// Groups in the cluster, beside `system:authenticated`.
    pub groups: Vec<String>,
    /// What it may do.
    pub rights: Rights,
}

impl Identity {
    /// The role of fargaze with the `ClusterRole` that its documentation asks for; the keys are AWS's examples.
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

    /// Everybody who signs for the cluster, with these rights: for a local AWS, whose keys nobody but it knows.
    pub fn any_signer(rights: Rights) -> Self {
        Self { any_signer: true, rights, ..Self::collector() }
    }

    /// Somebody with all rights and a token that needs no signature.
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
