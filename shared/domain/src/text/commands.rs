//! Commands that people copy: each on one line, quoted, and bound to one cluster in one account and Region. fargaze
//! runs none of them.

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::text::shell::quoted;

/// The EKS cluster that commands act on.
#[derive(Debug, Clone, Copy)]
pub struct AtCluster<'a> {
    /// Its account.
    pub account: &'a AccountId,
    /// Its Region.
    pub region: &'a Region,
    /// Its name.
    pub cluster: &'a ClusterName,
}

/// Operations of `aws eks` that call the cluster's name `--name`; the others call it `--cluster-name`.
const BY_NAME: [&str; 4] =
    ["describe-cluster", "update-cluster-config", "update-kubeconfig", "wait cluster-active"];

impl AtCluster<'_> {
    /// `aws eks OPERATION --region ... --cluster-name ...`, with `rest` behind it, whose words are quoted already.
    pub fn eks(&self, operation: &str, rest: &str) -> String {
        let name = if BY_NAME.contains(&operation) { "--name" } else { "--cluster-name" };
        let Self { region, cluster, .. } = self;
        joined(&format!("aws eks {operation} --region {region} {name} {cluster}"), rest)
    }

    /// Makes the context that [`Self::kubectl`] names. It is the one of the AWS CLI's own choice, so it neither
    /// replaces another nor fits a cluster of the same name elsewhere (AWS CLI, `eks update-kubeconfig`, `--alias`).
    pub fn kubeconfig(&self) -> String {
        self.eks("update-kubeconfig", "")
    }

    /// `kubectl --context ARN`, with `rest` behind it, whose words are quoted already.
    pub fn kubectl(&self, rest: &str) -> String {
        joined(&format!("kubectl --context {}", quoted(&self.arn())), rest)
    }

    /// Commands of `kubectl` behind the one that makes their context, as lines.
    pub fn kubectls<'a>(&self, rests: impl IntoIterator<Item = &'a str>) -> String {
        let commands = rests.into_iter().map(|rest| self.kubectl(rest));
        std::iter::once(self.kubeconfig()).chain(commands).collect::<Vec<_>>().join("\n")
    }

    /// Applies YAML, behind the command that makes the context.
    pub fn apply(&self, yaml: &str) -> String {
        format!("{}\n{yaml}EOF", self.kubectls(["apply -f - <<'EOF'"]))
    }

    /// A Fargate profile for a namespace, and the wait until it is ACTIVE. A profile cannot be changed (Amazon EKS API,
    /// `CreateFargateProfile`), so what an existing one lacks takes another. `role` is that of another profile.
    pub fn create_profile(&self, namespace: &str, role: Option<&str>) -> String {
        let (namespace, role) = (quoted(namespace), role.map_or_else(|| "ROLE".to_owned(), quoted));
        let create = format!(
            "--fargate-profile-name {namespace} --pod-execution-role-arn {role} --subnets SUBNET SUBNET --selectors namespace={namespace}"
        );
        let wait = format!("--fargate-profile-name {namespace}");
        format!(
            "{}\n{}",
            self.eks("create-fargate-profile", &create),
            self.eks("wait fargate-profile-active", &wait)
        )
    }

    fn arn(&self) -> String {
        let Self { account, region, cluster } = self;
        format!("arn:{}:eks:{region}:{account}:cluster/{cluster}", region.partition().as_str())
    }
}

fn joined(command: &str, rest: &str) -> String {
    if rest.is_empty() { command.to_owned() } else { format!("{command} {rest}") }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Nobody can copy what lacks Region or cluster: each command of a remedy names both.
    pub(crate) fn assert_complete(block: &str, cluster: &str) {
        let (mut in_yaml, mut commands) = (false, 0);
        for line in block.lines() {
            if in_yaml {
                in_yaml = line != "EOF";
                continue;
            }
            if line.starts_with('#') || line.starts_with("sam deploy") {
                continue;
            }
            in_yaml = line.ends_with("<<'EOF'");
            commands += 1;
            let names_both = if line.starts_with("kubectl") {
                line.starts_with("kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/")
                    && line.contains(cluster)
            } else {
                line.starts_with("aws ") && line.contains(" --region eu-west-1 ") && line.contains(cluster)
            };
            assert!(names_both, "{line}");
        }
        assert!(!in_yaml && commands > 0, "{block}");
    }

    #[test]
    fn a_command_names_its_cluster_and_region() {
        let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
        let cluster = "payments".parse().unwrap();
        let at = AtCluster { account: &account, region: &region, cluster: &cluster };
        assert_eq!(at.kubeconfig(), "aws eks update-kubeconfig --region eu-west-1 --name payments");
        let context = "arn:aws:eks:eu-west-1:123456789012:cluster/payments";
        assert_eq!(at.kubectl("get pods"), format!("kubectl --context {context} get pods"));
        assert_eq!(
            at.eks("create-addon", "--addon-name metrics-server"),
            "aws eks create-addon --region eu-west-1 --cluster-name payments --addon-name metrics-server"
        );
        for block in [
            at.kubectls(["get nodes", "top nodes"]),
            at.apply("kind: x\n"),
            at.create_profile("kube-system", None),
        ] {
            assert_complete(&block, "payments");
        }
        let china: Region = "cn-north-1".parse().unwrap();
        let there = AtCluster { region: &china, ..at };
        assert!(there.kubectl("").contains("arn:aws-cn:eks:cn-north-1:"));
    }
}
