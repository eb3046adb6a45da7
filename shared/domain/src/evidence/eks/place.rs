//! Where the pods of a namespace find a place: on nodes, or by a Fargate profile.

use super::FargateProfile;
use crate::model::status::ProfileStatus;

/// Where pods find a place that ask for no label in particular.
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
        /// Whether a Fargate profile selects the namespace, but only pods with certain labels.
        labels: bool,
        /// The pod execution role of another profile, which one more can use.
        role: Option<String>,
    },
}

impl Place {
    /// The place of the pods of `namespace`. `nodes` says whether there are EC2 nodes.
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
