//! Where the pods of a namespace can run: on EC2 nodes or on Fargate.

use super::FargateProfile;
use crate::model::status::ProfileStatus;

/// Where pods without particular labels can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On EC2 nodes.
    Nodes,
    /// On Fargate.
    Fargate,
    /// On Fargate, once EKS has created the profile of this name.
    Soon(String),
    /// Nowhere.
    None {
        /// Whether a Fargate profile selects the namespace, but only for pods with certain labels.
        labels: bool,
        /// The pod execution role of an existing profile, which a new profile can reuse.
        role: Option<String>,
    },
}

impl Place {
    /// Where the pods of `namespace` can run. `nodes` says whether the cluster has EC2 nodes.
    pub fn of(namespace: &str, nodes: bool, profiles: &[FargateProfile]) -> Self {
        let of_status =
            |status: ProfileStatus| profiles.iter().filter(move |profile| profile.status == status);
        let takes = |profile: &&FargateProfile, any_labels: bool| {
            let mut selectors = profile.selectors.iter().filter(|selector| selector.is_about(namespace));
            selectors.any(|selector| any_labels || selector.labels.is_empty())
        };
        if nodes {
            Self::Nodes
        } else if of_status(ProfileStatus::Active).any(|profile| takes(&profile, false)) {
            Self::Fargate
        } else if let Some(profile) = of_status(ProfileStatus::Creating).find(|profile| takes(profile, false))
        {
            Self::Soon(profile.name.clone())
        } else {
            let role = profiles.iter().find_map(|profile| profile.pod_execution_role.clone());
            Self::None { labels: of_status(ProfileStatus::Active).any(|profile| takes(&profile, true)), role }
        }
    }
}
