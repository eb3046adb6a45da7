//! Optional reads of EKS clusters, in addition to what is always read.

use std::str::FromStr;

use crate::model::cluster::{BadName, ClusterName};
use crate::model::run::{Platform, Target};
use crate::rules::pattern::Match;

/// How cAdvisor is read. Off by default, because the permission it needs lets its holder run
/// commands in every pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cadvisor {
    /// cAdvisor is not read.
    #[default]
    None,
    /// Through the API server, with permission for `nodes/proxy`.
    Proxy,
}

impl FromStr for Cadvisor {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "none" => Ok(Self::None),
            "proxy" => Ok(Self::Proxy),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "cAdvisor mode",
                expected: "proxy, which needs permission for nodes/proxy, or none",
            }),
        }
    }
}

/// Whether the logs of pods are read. Off by default, because logs may hold secrets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PodLogs {
    /// They are not.
    #[default]
    None,
    /// Where they go, and the last lines of a container that failed, through the API server.
    Read,
}

impl FromStr for PodLogs {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "none" => Ok(Self::None),
            "read" => Ok(Self::Read),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "mode of pod logs",
                expected: "read, which needs permission for pods/log, or none",
            }),
        }
    }
}

/// What an entry of the section `eks` says; `None` leaves it to later entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EksRead {
    /// How cAdvisor is read.
    pub cadvisor: Option<Cadvisor>,
    /// Whether the logs of pods are read.
    pub pod_logs: Option<PodLogs>,
}

/// The section `eks` of `fargaze.yaml`. Without it, nothing optional is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EksReads(Vec<(Match, EksRead)>);

impl EksReads {
    /// From these entries; for each kind of read, the first one that matches a cluster and names it
    /// decides.
    pub fn new(entries: Vec<(Match, EksRead)>) -> Self {
        Self(entries)
    }

    /// How cAdvisor is read in a cluster.
    pub fn cadvisor(&self, target: &Target, cluster: &ClusterName) -> Cadvisor {
        self.first(target, cluster, |read| read.cadvisor)
    }

    /// Whether the logs of pods are read in a cluster.
    pub fn pod_logs(&self, target: &Target, cluster: &ClusterName) -> PodLogs {
        self.first(target, cluster, |read| read.pod_logs)
    }

    fn first<T: Default>(
        &self,
        target: &Target,
        cluster: &ClusterName,
        of: impl Fn(&EksRead) -> Option<T>,
    ) -> T {
        let Target { account, region, .. } = target;
        let fits = |matches: &Match| matches.fits(account, region, Platform::Eks, Some(cluster));
        let fitting = self.0.iter().filter(|(matches, _)| fits(matches));
        fitting.map(|(_, read)| of(read)).find_map(|value| value).unwrap_or_default()
    }

    /// Whether cAdvisor is read in any cluster.
    pub fn reads_cadvisor(&self) -> bool {
        self.0.iter().any(|(_, read)| read.cadvisor == Some(Cadvisor::Proxy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::Part;
    use crate::rules::pattern::NamePattern;

    #[test]
    fn the_first_entry_that_matches_a_cluster_decides_whether_cadvisor_is_read() {
        let target = Target {
            platform: Platform::Eks,
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        };
        let entry = |clusters: &str, cadvisor| {
            let clusters = Some(vec![NamePattern::new(clusters)]);
            let read = EksRead { cadvisor: Some(cadvisor), pod_logs: None };
            (Match { clusters, ..Match::default() }, read)
        };
        let entries = [entry("lab", Cadvisor::Proxy), entry("prod-*", Cadvisor::None)];
        let of = |reads: &EksReads| {
            ["lab", "prod-a", "shop"].map(|name| reads.cadvisor(&target, &name.parse().unwrap()))
        };
        let reads = EksReads::new(entries.to_vec());
        assert_eq!(of(&reads), [Cadvisor::Proxy, Cadvisor::None, Cadvisor::None]);
        assert!(reads.reads_cadvisor());
        let all = EksReads::new([&entries[..], &[entry("*", Cadvisor::Proxy)]].concat());
        assert_eq!(of(&all), [Cadvisor::Proxy, Cadvisor::None, Cadvisor::Proxy]);
        let logs = EksRead { cadvisor: None, pod_logs: Some(PodLogs::Read) };
        let entries = vec![(Match::default(), logs), entry("lab", Cadvisor::Proxy)];
        let both = EksReads::new(entries);
        let lab = "lab".parse().unwrap();
        assert_eq!(
            (both.cadvisor(&target, &lab), both.pod_logs(&target, &lab)),
            (Cadvisor::Proxy, PodLogs::Read)
        );
        assert!(!EksReads::default().reads_cadvisor());
        assert!(!EksReads::new(vec![entry("*", Cadvisor::None)]).reads_cadvisor());
    }
}
