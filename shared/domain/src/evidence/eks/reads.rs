//! What is read of EKS clusters beside what is always read.

use std::str::FromStr;

use crate::model::cluster::{BadName, ClusterName};
use crate::model::run::{Platform, Target};
use crate::rules::pattern::Match;

/// How cAdvisor is read. It is not, unless the user says so: the right to it lets its holder run commands in every pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cadvisor {
    /// It is not asked.
    #[default]
    None,
    /// Through the API server, by the right `nodes/proxy`.
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
                what: "way to cAdvisor",
                expected: "proxy, which needs the right nodes/proxy, or none",
            }),
        }
    }
}

/// The section `eks` of the user's file. Without it, nothing more is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EksReads(Vec<(Match, Cadvisor)>);

impl EksReads {
    /// These entries; the first that fits a cluster decides.
    pub fn new(entries: Vec<(Match, Cadvisor)>) -> Self {
        Self(entries)
    }

    /// How cAdvisor of a cluster is read.
    pub fn cadvisor(&self, target: &Target, cluster: &ClusterName) -> Cadvisor {
        let Target { account, region, .. } = target;
        let fits = |matches: &Match| matches.fits(account, region, Platform::Eks, Some(cluster));
        self.0.iter().find(|(matches, _)| fits(matches)).map(|(_, cadvisor)| *cadvisor).unwrap_or_default()
    }

    /// Whether cAdvisor of any cluster is read.
    pub fn asks_cadvisor(&self) -> bool {
        self.0.iter().any(|(_, cadvisor)| *cadvisor == Cadvisor::Proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::Part;
    use crate::rules::pattern::NamePattern;

    #[test]
    fn the_first_entry_that_fits_a_cluster_says_whether_cadvisor_is_read() {
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
        assert!(reads.asks_cadvisor());
        let all = EksReads::new([&entries[..], &[entry("*", Cadvisor::Proxy)]].concat());
        assert_eq!(of(&all), [Cadvisor::Proxy, Cadvisor::None, Cadvisor::Proxy]);
        assert!(!EksReads::default().asks_cadvisor());
        assert!(!EksReads::new(vec![entry("*", Cadvisor::None)]).asks_cadvisor());
    }
}
