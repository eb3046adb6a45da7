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

/// The section `eks` of `fargaze.yaml`. Without it, nothing optional is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EksReads(Vec<(Match, Cadvisor)>);

impl EksReads {
    /// From these entries; the first one that matches a cluster decides.
    pub fn new(entries: Vec<(Match, Cadvisor)>) -> Self {
        Self(entries)
    }

    /// How cAdvisor is read in a cluster.
    pub fn cadvisor(&self, target: &Target, cluster: &ClusterName) -> Cadvisor {
        let Target { account, region, .. } = target;
        let fits = |matches: &Match| matches.fits(account, region, Platform::Eks, Some(cluster));
        self.0.iter().find(|(matches, _)| fits(matches)).map(|(_, cadvisor)| *cadvisor).unwrap_or_default()
    }

    /// Whether cAdvisor is read in any cluster.
    pub fn reads_cadvisor(&self) -> bool {
        self.0.iter().any(|(_, cadvisor)| *cadvisor == Cadvisor::Proxy)
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
            (Match { clusters, ..Match::default() }, cadvisor)
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
        assert!(!EksReads::default().reads_cadvisor());
        assert!(!EksReads::new(vec![entry("*", Cadvisor::None)]).reads_cadvisor());
    }
}
