//! What is wished of which EKS cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::super::{BlastRadius, ExistingClusters};
use super::{Cadvisor, EksAspect};
use crate::cluster::{AccountId, ClusterName, Region};
use crate::eks::LogType;
use crate::pattern::NamePattern;

/// What is wished of the logs of the control plane. No wish turns one off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogsWish {
    /// At least these types.
    AtLeast(BTreeSet<LogType>),
    /// Tell if none is on.
    Report,
    /// Do not speak of it.
    Leave,
}

/// What is wished of an add-on. No wish removes or downgrades one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddonWish {
    /// Install it where it is missing and can run.
    Install,
    /// Tell where it is missing.
    Report,
    /// Do not speak of it.
    Leave,
}

/// What is wished of the logging of Fargate pods. No wish overwrites what others wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsLoggingWish {
    /// Write a `ConfigMap` with this data where there is none.
    Write(BTreeMap<String, String>),
    /// Tell where there is none, or one that Fargate does not accept.
    Report,
    /// Do not speak of it.
    Leave,
}

/// What is wished of each aspect of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksWishes {
    /// Logs of the control plane.
    pub control_plane_logs: LogsWish,
    /// The add-on `metrics-server`.
    pub metrics_server: AddonWish,
    /// The add-on `amazon-cloudwatch-observability`.
    pub cloudwatch_observability: AddonWish,
    /// Logging of Fargate pods.
    pub aws_logging: AwsLoggingWish,
}

/// What holds without a wish: what costs little is set up, all else is reported.
impl Default for EksWishes {
    fn default() -> Self {
        Self {
            control_plane_logs: LogsWish::Report,
            metrics_server: AddonWish::Install,
            cloudwatch_observability: AddonWish::Report,
            aws_logging: AwsLoggingWish::Report,
        }
    }
}

impl EksWishes {
    /// The text of the wish for an aspect. The ledger keeps it and counts by it, so it must stay what it is.
    pub fn text(&self, aspect: EksAspect) -> String {
        match aspect {
            EksAspect::MetricsServer => self.metrics_server.to_string(),
            EksAspect::CloudwatchObservability => self.cloudwatch_observability.to_string(),
            EksAspect::AwsLogging => self.aws_logging.to_string(),
            EksAspect::ControlPlaneLogs => self.control_plane_logs.to_string(),
        }
    }
}

impl fmt::Display for LogsWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(types) => {
                let types = types.iter().map(|log| log.as_str()).collect::<Vec<_>>().join(", ");
                f.pad(&format!("at least {types}"))
            }
            Self::Report => f.pad("report"),
            Self::Leave => f.pad("leave"),
        }
    }
}

impl fmt::Display for AddonWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Install => "install",
            Self::Report => "report",
            Self::Leave => "leave",
        })
    }
}

/// Data is told by a checksum: another configuration is another wish.
impl fmt::Display for AwsLoggingWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(data) => f.pad(&format!("configuration {:08x}", checksum(data))),
            Self::Report => f.pad("report"),
            Self::Leave => f.pad("leave"),
        }
    }
}

/// FNV-1a of 32 bits over keys and values (RFC 9923), with an end after each.
fn checksum(data: &BTreeMap<String, String>) -> u32 {
    let parts = data.iter().flat_map(|(key, value)| [key, value]);
    let bytes = parts.flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// One entry of the user's `eks: wishes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksWishRule {
    /// Accounts that it is about; none means all.
    pub accounts: Option<Vec<AccountId>>,
    /// Patterns of Regions that it is about; none means all.
    pub regions: Option<Vec<NamePattern>>,
    /// Patterns of clusters that it is about; none means all.
    pub clusters: Option<Vec<NamePattern>>,
    /// What is wished of them.
    pub wishes: EksWishes,
    /// The aspects that the entry names; of the others its wishes are the built-in ones.
    pub named: BTreeSet<EksAspect>,
    /// What to do about those that were there before fargaze; none means what the section says.
    pub existing: Option<ExistingClusters>,
    /// How cAdvisor is read; none means what the section says.
    pub cadvisor: Option<Cadvisor>,
    /// Where it stands, such as `fargaze.yaml:12`.
    pub source: String,
}

impl EksWishRule {
    fn is_about(&self, account: &AccountId, region: &Region, cluster: &ClusterName) -> bool {
        let among = |patterns: &Option<Vec<NamePattern>>, name: &str| {
            patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(name)))
        };
        self.accounts.as_ref().is_none_or(|accounts| accounts.contains(account))
            && among(&self.regions, region.as_str())
            && among(&self.clusters, cluster.as_str())
    }
}

/// The section `eks` of the user's file. The default is what holds without that section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EksConfig {
    /// Say what would be done, and change nothing.
    pub dry_run: bool,
    /// How many EKS clusters one run of one target may change.
    pub limits: BlastRadius,
    /// How cAdvisor is read where no wish says otherwise.
    pub cadvisor: Cadvisor,
    existing: ExistingClusters,
    rules: Vec<EksWishRule>,
}

/// Where the built-in wishes are written.
const BUILT_IN: &str = "built-in";

/// What is wished of one cluster, and where that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksWished {
    /// The wishes.
    pub wishes: EksWishes,
    /// The aspects of which the user's file says something.
    pub named: BTreeSet<EksAspect>,
    /// What to do about the cluster if it was there before fargaze.
    pub existing: ExistingClusters,
    /// `built-in`, or place in the user's file such as `fargaze.yaml:12`.
    pub source: String,
}

impl EksWished {
    /// Whether the user's file says nothing of an aspect of the cluster.
    pub fn is_built_in(&self, aspect: EksAspect) -> bool {
        !self.named.contains(&aspect)
    }

    /// The wish for an aspect with its place: `install (built-in)`.
    pub fn placed(&self, aspect: EksAspect) -> String {
        let source = if self.is_built_in(aspect) { BUILT_IN } else { &self.source };
        format!("{} ({source})", self.wishes.text(aspect))
    }
}

impl EksConfig {
    /// The built-in configuration with these wishes before the built-in ones.
    pub fn new(existing: ExistingClusters, rules: Vec<EksWishRule>) -> Self {
        Self { existing, rules, ..Self::default() }
    }

    /// How cAdvisor is read of a cluster: as the first of the user's wishes that is about it says, else the section.
    pub fn cadvisor(&self, account: &AccountId, region: &Region, cluster: &ClusterName) -> Cadvisor {
        self.rule(account, region, cluster).and_then(|rule| rule.cadvisor).unwrap_or(self.cadvisor)
    }

    /// Whether cAdvisor is read of any cluster at all.
    pub fn asks_cadvisor(&self) -> bool {
        let of_wishes = self.rules.iter().filter_map(|rule| rule.cadvisor);
        of_wishes.chain([self.cadvisor]).any(|cadvisor| cadvisor == Cadvisor::Proxy)
    }

    fn rule(&self, account: &AccountId, region: &Region, cluster: &ClusterName) -> Option<&EksWishRule> {
        self.rules.iter().find(|rule| rule.is_about(account, region, cluster))
    }

    /// What is wished of a cluster: by the first of the user's wishes that is about it, else what is built in.
    pub fn wished(&self, account: &AccountId, region: &Region, cluster: &ClusterName) -> EksWished {
        match self.rule(account, region, cluster) {
            Some(rule) => EksWished {
                wishes: rule.wishes.clone(),
                named: rule.named.clone(),
                existing: rule.existing.unwrap_or(self.existing),
                source: rule.source.clone(),
            },
            None => EksWished {
                wishes: EksWishes::default(),
                named: BTreeSet::new(),
                existing: self.existing,
                source: BUILT_IN.to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(config: &EksConfig, account: &str, region: &str, cluster: &str) -> EksWished {
        config.wished(&account.parse().unwrap(), &region.parse().unwrap(), &cluster.parse().unwrap())
    }

    #[test]
    fn without_wishes_only_what_costs_little_is_set_up() {
        let wished = wished(&EksConfig::default(), "123456789012", "eu-west-1", "payments");
        let texts = EksAspect::ALL.map(|aspect| wished.placed(aspect));
        assert_eq!(texts, ["install", "report", "report", "report"].map(|text| format!("{text} (built-in)")));
        assert_eq!(wished.existing, ExistingClusters::Report);
    }

    #[test]
    fn the_first_wish_that_is_about_a_cluster_counts() {
        let rule = |clusters: &str, metrics_server, line: u32| EksWishRule {
            accounts: Some(vec!["123456789012".parse().unwrap()]),
            regions: Some(vec![NamePattern::new("eu-*")]),
            clusters: Some(vec![NamePattern::new(clusters)]),
            wishes: EksWishes { metrics_server, ..EksWishes::default() },
            named: [EksAspect::MetricsServer].into(),
            existing: (line == 3).then_some(ExistingClusters::Change),
            cadvisor: (line == 3).then_some(Cadvisor::Proxy),
            source: format!("fargaze.yaml:{line}"),
        };
        let rules = vec![rule("prod-*", AddonWish::Leave, 3), rule("*", AddonWish::Report, 9)];
        let config = EksConfig::new(ExistingClusters::Report, rules);
        for (account, region, cluster, text) in [
            ("123456789012", "eu-west-1", "prod-a", "leave (fargaze.yaml:3)"),
            ("123456789012", "eu-west-1", "lab", "report (fargaze.yaml:9)"),
            ("123456789012", "us-east-1", "prod-a", "install (built-in)"),
            ("999999999999", "eu-west-1", "prod-a", "install (built-in)"),
        ] {
            let wished = wished(&config, account, region, cluster);
            assert_eq!(wished.placed(EksAspect::MetricsServer), text, "{region} {cluster}");
            assert_eq!(wished.placed(EksAspect::AwsLogging), "report (built-in)", "no entry names it");
            assert_eq!(wished.existing == ExistingClusters::Change, text.ends_with(":3)"));
        }
    }

    #[test]
    fn cadvisor_is_off_unless_the_section_or_the_wish_of_the_cluster_says_otherwise() {
        let rule = |clusters: &str, cadvisor| EksWishRule {
            accounts: None,
            regions: None,
            clusters: Some(vec![NamePattern::new(clusters)]),
            wishes: EksWishes::default(),
            named: BTreeSet::new(),
            existing: None,
            cadvisor,
            source: "fargaze.yaml:3".to_owned(),
        };
        let of = |config: &EksConfig, cluster: &str| {
            let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
            config.cadvisor(&account, &region, &cluster.parse().unwrap())
        };
        let rules =
            vec![rule("lab", Some(Cadvisor::Proxy)), rule("prod-*", Some(Cadvisor::None)), rule("*", None)];
        let mut config = EksConfig::new(ExistingClusters::Report, rules);
        let clusters = ["lab", "prod-a", "shop"];
        assert_eq!(clusters.map(|name| of(&config, name)), [Cadvisor::Proxy, Cadvisor::None, Cadvisor::None]);
        assert!(config.asks_cadvisor());
        config.cadvisor = Cadvisor::Proxy;
        assert_eq!(
            clusters.map(|name| of(&config, name)),
            [Cadvisor::Proxy, Cadvisor::None, Cadvisor::Proxy]
        );
        assert_eq!(of(&EksConfig::default(), "lab"), Cadvisor::None);
        assert!(!EksConfig::default().asks_cadvisor());
    }

    #[test]
    fn another_configuration_is_another_wish() {
        let write = |value: &str| {
            AwsLoggingWish::Write(BTreeMap::from([("output.conf".to_owned(), value.to_owned())])).to_string()
        };
        assert_eq!(write("[OUTPUT]"), write("[OUTPUT]"));
        assert_ne!(write("[OUTPUT]"), write("[OUTPUT] "));
    }
}
