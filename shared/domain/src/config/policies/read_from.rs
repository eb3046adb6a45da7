//! The section `eks`: additional data to read from EKS clusters.

use super::{cluster_pattern, list, region_pattern, word};
use crate::config::read::{At, Problems, ScalarText};
use crate::evidence::eks::{Cadvisor, EksRead, EksReads, PodLogs};
use crate::model::cluster::AccountId;
use crate::rules::pattern::Match;

const CADVISOR: [&str; 2] = ["none", "proxy"];
const POD_LOGS: [&str; 2] = ["none", "read"];

/// Additional data to read from the matching EKS clusters. The first entry that matches a cluster
/// decides.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "eks", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::config) struct RawRead {
    /// Accounts. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    accounts: Option<At<Vec<At<AccountId>>>>,
    /// Region patterns. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    regions: Option<At<Vec<At<String>>>>,
    /// Cluster name patterns. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    clusters: Option<At<Vec<At<String>>>>,
    /// Whether cAdvisor on the nodes is queried: none, or proxy, which needs a permission that
    /// allows running commands in every pod of the cluster. Default: none.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["none", "proxy", null])))]
    cadvisor: Option<At<ScalarText>>,
    /// Whether the logs of pods are read: none, or read, for the log groups that they are sent to,
    /// and the last lines of a container that failed. Default: none.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["none", "read", null])))]
    pod_logs: Option<At<ScalarText>>,
}

/// The section, validated; every problem is added to `problems`.
pub(in crate::config) fn check_reads(entries: Vec<At<RawRead>>, problems: &Problems) -> EksReads {
    let entries = entries.into_iter().filter_map(|entry| {
        let RawRead { accounts, regions, clusters, cadvisor, pod_logs } = entry.value?;
        let matches = Match {
            accounts: list("eks: accounts", accounts, Ok, problems),
            regions: list("eks: regions", regions, |text| region_pattern(&text), problems),
            clusters: list("eks: clusters", clusters, |text| cluster_pattern(&text), problems),
            platforms: None,
            log_groups: None,
        };
        if cadvisor.is_none() && pod_logs.is_none() {
            problems.add(
                entry.line,
                "eks",
                "names nothing to read: write cadvisor: proxy or pod-logs: read, or remove the entry",
            );
        }
        let cadvisor: Option<Cadvisor> = word("eks: cadvisor", cadvisor, &CADVISOR, problems);
        let pod_logs: Option<PodLogs> = word("eks: pod-logs", pod_logs, &POD_LOGS, problems);
        Some((matches, EksRead { cadvisor, pod_logs }))
    });
    EksReads::new(entries.collect())
}
