//! Remedies: what an operator can do about a finding, as commands.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CONFIG_MAP, LABEL, NAMESPACE};
use crate::evidence::eks::{KUBE_SYSTEM, LogType};
use crate::model::fault::Fault;
use crate::model::fault::kubernetes::{
    FORBIDDEN, IMMUTABLE, NAMESPACE_TERMINATING, UNAUTHORIZED, is_of_setup,
};
use crate::model::operation::Operation;
use crate::text::commands::AtCluster;

/// Kubernetes group that the access entry assigns to the role of `EnableInsights`.
pub const SET_UP_GROUP: &str = "fargaze-setup";

/// What an operator can do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Create a Fargate profile for the `metrics-server` pods.
    FargateProfile {
        /// The pod execution role of another profile of the cluster.
        role: Option<String>,
    },
    /// Add the label to the namespace for Fargate pod logging.
    Label,
    /// Find out why that namespace stays Terminating.
    Namespace,
    /// Save a copy of the `ConfigMap`, and delete it.
    DeleteConfigMap,
    /// Create an access entry for the role of `EnableInsights`.
    AccessEntry,
    /// Delete the add-on of this name.
    DeleteAddon(String),
    /// Turn off these control-plane logs.
    LogsOff(BTreeSet<LogType>),
}

impl Remedy {
    /// The remedy for a fault of the Kubernetes API, if a command can help.
    pub fn of_fault(fault: &Fault) -> Option<Self> {
        if !is_of_setup(fault) {
            return None;
        }
        let is_deletion =
            matches!(&fault.operation, Operation::Kubernetes { method, .. } if &**method == "DELETE");
        match fault.code.as_str() {
            NAMESPACE_TERMINATING => Some(Self::Namespace),
            IMMUTABLE => Some(Self::DeleteConfigMap),
            FORBIDDEN if is_deletion => Some(Self::DeleteConfigMap),
            // Unauthorized means that there is no access entry; a forbidden role may have one.
            UNAUTHORIZED => Some(Self::AccessEntry),
            _ => None,
        }
    }

    /// What the commands do, and what the words in capitals stand for. `elsewhere` is whether the
    /// target is in another account, whose role fargaze.yaml names.
    pub fn purpose(&self, elsewhere: bool) -> String {
        match self {
            Self::FargateProfile { role } => {
                let role = if role.is_none() { "ROLE is its pod execution role, " } else { "" };
                format!(
                    "create a Fargate profile for the namespace {KUBE_SYSTEM}, without labels, because existing profiles cannot \
                     be changed; {role}SUBNET is a private subnet of the cluster"
                )
            }
            Self::Label => "label the namespace, which turns Fargate pod logging on".to_owned(),
            Self::Namespace => "find out what keeps the namespace Terminating".to_owned(),
            Self::DeleteConfigMap => {
                "keep a copy of the ConfigMap and delete it; the next sweep recreates it".to_owned()
            }
            Self::AccessEntry if elsewhere => "create an access entry for fargaze's role".to_owned(),
            Self::AccessEntry => {
                "create an access entry; ROLE is the stack's output EnableInsightsRoleArn".to_owned()
            }
            Self::DeleteAddon(_) => "delete the add-on".to_owned(),
            Self::LogsOff(_) => "turn these logs off".to_owned(),
        }
    }

    /// The commands, one per line. `role` is the target's role in another account; `None` in the
    /// home account, where the stack names the role.
    pub fn commands(&self, at: &AtCluster<'_>, role: Option<&str>) -> String {
        match self {
            Self::FargateProfile { role } => at.create_profile(KUBE_SYSTEM, role.as_deref()),
            Self::Label => {
                at.kubectls([format!("label --overwrite namespace {NAMESPACE} {LABEL}=enabled").as_str()])
            }
            Self::Namespace => at.kubectls([format!("describe namespace {NAMESPACE}").as_str()]),
            Self::DeleteConfigMap => {
                let of = |verb: &str| format!("--namespace {NAMESPACE} {verb} configmap {CONFIG_MAP}");
                let copy = format!("{} --output yaml > {CONFIG_MAP}.yaml", of("get"));
                at.kubectls([copy.as_str(), of("delete").as_str()])
            }
            Self::AccessEntry => access_entry(at, role),
            Self::DeleteAddon(name) => at.eks("delete-addon", &format!("--addon-name {name}")),
            Self::LogsOff(types) => {
                let types: Vec<&str> = types.iter().map(|log| log.as_str()).collect();
                let off = serde_json::json!({"clusterLogging": [{"types": types, "enabled": false}]});
                at.eks("update-cluster-config", &format!("--logging '{off}'"))
            }
        }
    }
}

/// In another account both functions may use the same role, and a role has only one entry, so the
/// entry gets both groups.
fn access_entry(at: &AtCluster<'_>, role: Option<&str>) -> String {
    let (role, groups) = match role {
        Some(role) => {
            (crate::text::shell::quoted(role), format!("{} {SET_UP_GROUP}", crate::evidence::pods::GROUP))
        }
        None => ("ROLE".to_owned(), SET_UP_GROUP.to_owned()),
    };
    at.eks("create-access-entry", &format!("--principal-arn {role} --kubernetes-groups {groups}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::commands::tests::assert_complete;

    fn commands(remedy: &Remedy, role: Option<&str>) -> String {
        let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
        let cluster = "payments".parse().unwrap();
        remedy.commands(&AtCluster { account: &account, region: &region, cluster: &cluster }, role)
    }

    #[test]
    fn the_commands_of_each_remedy_are_complete() {
        for remedy in [
            Remedy::FargateProfile { role: Some("arn:aws:iam::123456789012:role/pods".to_owned()) },
            Remedy::Label,
            Remedy::Namespace,
            Remedy::DeleteConfigMap,
            Remedy::AccessEntry,
            Remedy::DeleteAddon("metrics-server".to_owned()),
            Remedy::LogsOff([LogType::Api, LogType::Audit].into()),
        ] {
            assert_complete(&commands(&remedy, None), "payments");
            for placeholder in ["ROLE", "SUBNET"] {
                let is_used = commands(&remedy, None).contains(placeholder);
                assert_eq!(remedy.purpose(false).contains(placeholder), is_used, "{remedy:?}");
            }
            let json = serde_json::to_string(&remedy).unwrap();
            assert_eq!(serde_json::from_str::<Remedy>(&json).unwrap(), remedy);
        }
    }

    #[test]
    fn a_config_map_is_copied_before_it_is_deleted() {
        let commands = commands(&Remedy::DeleteConfigMap, None);
        let lines: Vec<&str> = commands.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].ends_with("get configmap aws-logging --output yaml > aws-logging.yaml"),
            "{commands}"
        );
        assert!(
            lines[2].ends_with("--namespace aws-observability delete configmap aws-logging"),
            "{commands}"
        );
    }

    /// The same role of another account reads and sets up, and one command sets all groups of its
    /// entry.
    #[test]
    fn the_role_of_another_account_gets_both_groups() {
        let role = "arn:aws:iam::999999999999:role/fargaze-reader";
        let of_other = commands(&Remedy::AccessEntry, Some(role));
        assert!(
            of_other.ends_with(&format!("{role} --kubernetes-groups fargaze-readers fargaze-setup")),
            "{of_other}"
        );
        assert!(commands(&Remedy::AccessEntry, None).ends_with("ROLE --kubernetes-groups fargaze-setup"));
    }
}
