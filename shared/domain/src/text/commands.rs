//! Commands for users to copy: each on one line, quoted, and for one cluster in one account and
//! Region. fargaze runs none of them.

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

/// Operations of `aws eks` that name the cluster with `--name`; the others use `--cluster-name`.
const BY_NAME: [&str; 4] =
    ["describe-cluster", "update-cluster-config", "update-kubeconfig", "wait cluster-active"];

impl AtCluster<'_> {
    /// `aws eks OPERATION --region ... --cluster-name ...`, followed by `rest`, whose words are
    /// already quoted.
    pub fn eks(&self, operation: &str, rest: &str) -> String {
        let name = if BY_NAME.contains(&operation) { "--name" } else { "--cluster-name" };
        let Self { region, cluster, .. } = self;
        joined(&format!("aws eks {operation} --region {region} {name} {cluster}"), rest)
    }

    /// Creates the context that [`Self::kubectl`] uses. It has the AWS CLI's default name, so it
    /// neither replaces another context nor matches a cluster of the same name elsewhere (AWS CLI,
    /// `eks update-kubeconfig`, `--alias`).
    pub fn kubeconfig(&self) -> String {
        self.eks("update-kubeconfig", "")
    }

    /// `kubectl --context ARN`, followed by `rest`, whose words are already quoted.
    pub fn kubectl(&self, rest: &str) -> String {
        joined(&format!("kubectl --context {}", quoted(&self.arn())), rest)
    }

    /// The command that creates the context, then `kubectl` commands, one per line.
    pub fn kubectls<'a>(&self, rests: impl IntoIterator<Item = &'a str>) -> String {
        let commands = rests.into_iter().map(|rest| self.kubectl(rest));
        std::iter::once(self.kubeconfig()).chain(commands).collect::<Vec<_>>().join("\n")
    }

    /// Applies YAML, after the command that creates the context.
    pub fn apply(&self, yaml: &str) -> String {
        format!("{}\n{yaml}EOF", self.kubectls(["apply -f - <<'EOF'"]))
    }

    /// A Fargate profile for a namespace, and the wait until it is ACTIVE. A profile cannot be
    /// changed (Amazon EKS API, `CreateFargateProfile`), so a missing namespace needs another
    /// profile. `role` is the role of an existing profile.
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

    /// Each command of a remedy must name both Region and cluster, so that it can be copied.
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
