//! What is wished of which cluster.

use std::fmt;
use std::str::FromStr;

use super::{BlastRadius, InsightsLevel};
use crate::cluster::{AccountId, BadName, ClusterName, Region};
use crate::pattern::NamePattern;

/// What is wished of a cluster's setting. Only an exact wish may lower it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Do not touch it and do not speak of it.
    HandsOff,
    /// Any level is right.
    OffIsFine,
    /// `enabled` or more.
    AtLeastEnabled,
    /// `enhanced`.
    AtLeastEnhanced,
    /// This level and no other.
    Exactly(InsightsLevel),
}

impl Wish {
    /// The wishes as the user's file spells them, for sentences about a wrong one.
    pub const WORDS: &str = "hands-off, off-is-fine, at-least-enabled, at-least-enhanced, or exactly: enabled, \
                             exactly: enhanced, exactly: disabled";

    /// The level that it asks for; none if any will do.
    pub fn wanted(self) -> Option<InsightsLevel> {
        match self {
            Self::HandsOff | Self::OffIsFine => None,
            Self::AtLeastEnabled => Some(InsightsLevel::Enabled),
            Self::AtLeastEnhanced => Some(InsightsLevel::Enhanced),
            Self::Exactly(level) => Some(level),
        }
    }

    /// Whether a cluster with this level is as wished.
    pub fn is_met_by(self, level: InsightsLevel) -> bool {
        match self {
            Self::HandsOff | Self::OffIsFine => true,
            Self::AtLeastEnabled => level >= InsightsLevel::Enabled,
            Self::AtLeastEnhanced => level >= InsightsLevel::Enhanced,
            Self::Exactly(wished) => level == wished,
        }
    }
}

/// The text of the user's file on one line, such as `at-least-enabled` or `exactly: enabled`. The ledger keeps it, so it
/// must stay what it is.
impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HandsOff => f.pad("hands-off"),
            Self::OffIsFine => f.pad("off-is-fine"),
            Self::AtLeastEnabled => f.pad("at-least-enabled"),
            Self::AtLeastEnhanced => f.pad("at-least-enhanced"),
            Self::Exactly(level) => f.pad(&format!("exactly: {level}")),
        }
    }
}

impl FromStr for Wish {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let levels = InsightsLevel::ALL.into_iter().map(Self::Exactly);
        let words = [Self::HandsOff, Self::OffIsFine, Self::AtLeastEnabled, Self::AtLeastEnhanced];
        words.into_iter().chain(levels).find(|wish| wish.to_string() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "wish",
            expected: Self::WORDS,
        })
    }
}

/// What to do about clusters that were there before fargaze.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExistingClusters {
    /// Tell that they are not as wished, and change nothing.
    #[default]
    Report,
    /// Bring them to the wished level as well.
    Change,
}

impl FromStr for ExistingClusters {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "report" => Ok(Self::Report),
            "change" => Ok(Self::Change),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "way with existing clusters",
                expected: "report or change",
            }),
        }
    }
}

/// What is wished of the account's default in each Region, which new clusters without a setting of their own get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccountDefaultWish {
    /// Leave it as it is.
    #[default]
    Leave,
    /// This level or more.
    AtLeast(InsightsLevel),
}

/// The text of the user's file: `leave`, `enabled` or `enhanced`.
impl fmt::Display for AccountDefaultWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave => f.pad("leave"),
            Self::AtLeast(level) => level.fmt(f),
        }
    }
}

impl FromStr for AccountDefaultWish {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "leave" => Ok(Self::Leave),
            "enabled" => Ok(Self::AtLeast(InsightsLevel::Enabled)),
            "enhanced" => Ok(Self::AtLeast(InsightsLevel::Enhanced)),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "wish for the account default",
                expected: "leave, enabled or enhanced; it is never lowered",
            }),
        }
    }
}

/// One entry of the user's `wishes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WishRule {
    /// Accounts that it is about; none means all.
    pub accounts: Option<Vec<AccountId>>,
    /// Patterns of Regions that it is about; none means all.
    pub regions: Option<Vec<NamePattern>>,
    /// Patterns of clusters that it is about; none means all.
    pub clusters: Option<Vec<NamePattern>>,
    /// What is wished of them.
    pub wish: Wish,
    /// What to do about those that were there before fargaze; none means what the section says.
    pub existing: Option<ExistingClusters>,
    /// Where it stands, such as `fargaze.yaml:12`.
    pub source: String,
}

impl WishRule {
    fn is_about(&self, account: &AccountId, region: &Region, cluster: &ClusterName) -> bool {
        let among = |patterns: &Option<Vec<NamePattern>>, name: &str| {
            patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(name)))
        };
        self.accounts.as_ref().is_none_or(|accounts| accounts.contains(account))
            && among(&self.regions, region.as_str())
            && among(&self.clusters, cluster.as_str())
    }
}

/// The section `insights` of the user's file. The default is what holds without that section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InsightsConfig {
    /// Say what would be done and what it would cost, and change nothing.
    pub dry_run: bool,
    /// How much one run of one target may change.
    pub limits: BlastRadius,
    /// What is wished of the account's default in each Region.
    pub account_default: AccountDefaultWish,
    existing: ExistingClusters,
    rules: Vec<WishRule>,
}

/// What is wished of one cluster, and where that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wished {
    /// The wish.
    pub wish: Wish,
    /// What to do about it if it was there before fargaze.
    pub existing: ExistingClusters,
    /// `built-in`, or place in the user's file such as `fargaze.yaml:12`.
    pub source: String,
}

/// The wish with its place: `at-least-enabled (built-in)`.
impl fmt::Display for Wished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.wish, self.source)
    }
}

/// Whether AWS Batch makes and deletes the cluster of that name by itself, for a compute environment:
/// `AWSBatch-NAME-UUID`, or `NAME_Batch_UUID` as it called them before (AWS Batch User Guide, "Compute
/// environments").
fn is_of_batch(cluster: &ClusterName) -> bool {
    let name = cluster.as_str();
    name.starts_with("AWSBatch-") || name.rsplit_once("_Batch_").is_some_and(|(_, end)| is_uuid(end))
}

/// Groups of 8, 4, 4, 4 and 12 hexadecimal digits (RFC 9562).
fn is_uuid(text: &str) -> bool {
    let groups =
        text.split('-').map(|group| (group.len(), group.bytes().all(|byte| byte.is_ascii_hexdigit())));
    groups.eq([8, 4, 4, 4, 12].map(|length| (length, true)))
}

impl InsightsConfig {
    /// The built-in configuration with these wishes before the built-in ones.
    pub fn new(existing: ExistingClusters, rules: Vec<WishRule>) -> Self {
        Self { existing, rules, ..Self::default() }
    }

    /// What is wished of a cluster: by the first of the user's wishes that is about it, else hands-off for the clusters
    /// of AWS Batch and at-least-enabled for all others.
    pub fn wished(&self, account: &AccountId, region: &Region, cluster: &ClusterName) -> Wished {
        self.wished_of(account, region, cluster, false)
    }

    /// The same of a cluster of which it may be known that AWS Batch made it, whatever its name.
    pub fn wished_of(
        &self,
        account: &AccountId,
        region: &Region,
        cluster: &ClusterName,
        by_batch: bool,
    ) -> Wished {
        if let Some(rule) = self.rules.iter().find(|rule| rule.is_about(account, region, cluster)) {
            let existing = rule.existing.unwrap_or(self.existing);
            return Wished { wish: rule.wish, existing, source: rule.source.clone() };
        }
        let is_batch = by_batch || is_of_batch(cluster);
        let wish = if is_batch { Wish::HandsOff } else { Wish::AtLeastEnabled };
        Wished { wish, existing: self.existing, source: "built-in".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(clusters: &[&str], wish: Wish, line: u32) -> WishRule {
        WishRule {
            accounts: None,
            regions: None,
            clusters: Some(clusters.iter().copied().map(NamePattern::new).collect()),
            wish,
            existing: None,
            source: format!("fargaze.yaml:{line}"),
        }
    }

    fn wished(config: &InsightsConfig, account: &str, region: &str, cluster: &str) -> Wished {
        config.wished(&account.parse().unwrap(), &region.parse().unwrap(), &cluster.parse().unwrap())
    }

    /// Issue 13, point 4.
    #[test]
    fn clusters_of_aws_batch_are_left_alone_by_both_forms_of_name_and_by_who_made_them() {
        let config = InsightsConfig::default();
        let uuid = "6fe563a1-0000-3544-a5c4-ec546712c2ba";
        for (cluster, by_batch, wish) in [
            (format!("nightly_Batch_{uuid}"), false, Wish::HandsOff),
            (format!("a_Batch_b_Batch_{uuid}"), false, Wish::HandsOff),
            (format!("AWSBatch-nightly-{uuid}"), false, Wish::HandsOff),
            ("nightly".to_owned(), true, Wish::HandsOff),
            ("nightly".to_owned(), false, Wish::AtLeastEnabled),
            ("my_Batch_jobs".to_owned(), false, Wish::AtLeastEnabled),
            (format!("nightly_Batch_{uuid}0"), false, Wish::AtLeastEnabled),
            (format!("nightly-Batch-{uuid}"), false, Wish::AtLeastEnabled),
            ("nightly_Batch_6fe563a1-0000-3544-a5c4-ec546712c2bz".to_owned(), false, Wish::AtLeastEnabled),
        ] {
            let name = cluster.parse().unwrap();
            let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
            let wished = config.wished_of(&account, &region, &name, by_batch);
            assert_eq!(wished.wish, wish, "{cluster}, by AWS Batch: {by_batch}");
        }
    }

    #[test]
    fn without_wishes_batch_is_left_alone_and_all_else_is_at_least_enabled() {
        let config = InsightsConfig::default();
        for (cluster, wish) in [
            ("shop", Wish::AtLeastEnabled),
            ("AWSBatch-nightly", Wish::HandsOff),
            ("awsbatch-mine", Wish::AtLeastEnabled),
        ] {
            let wished = wished(&config, "123456789012", "eu-west-1", cluster);
            assert_eq!((wished.wish, wished.existing), (wish, ExistingClusters::Report), "{cluster}");
            assert_eq!(wished.source, "built-in");
        }
    }

    #[test]
    fn the_first_wish_that_is_about_a_cluster_counts_also_for_batch() {
        let mut eu = rule(&["prod-*", "AWSBatch-paid"], Wish::AtLeastEnhanced, 3);
        eu.accounts = Some(vec!["123456789012".parse().unwrap()]);
        eu.regions = Some(vec![NamePattern::new("eu-*")]);
        eu.existing = Some(ExistingClusters::Change);
        let rest = rule(&["prod-*"], Wish::OffIsFine, 9);
        let config = InsightsConfig::new(ExistingClusters::Report, vec![eu, rest]);
        for (account, region, cluster, text) in [
            ("123456789012", "eu-west-1", "prod-shop", "at-least-enhanced (fargaze.yaml:3)"),
            ("123456789012", "eu-west-1", "AWSBatch-paid", "at-least-enhanced (fargaze.yaml:3)"),
            ("123456789012", "us-east-1", "prod-shop", "off-is-fine (fargaze.yaml:9)"),
            ("999999999999", "eu-west-1", "prod-shop", "off-is-fine (fargaze.yaml:9)"),
            ("123456789012", "eu-west-1", "lab", "at-least-enabled (built-in)"),
            ("123456789012", "us-east-1", "AWSBatch-paid", "hands-off (built-in)"),
        ] {
            assert_eq!(wished(&config, account, region, cluster).to_string(), text, "{region} {cluster}");
        }
        let own = wished(&config, "123456789012", "eu-west-1", "prod-shop").existing;
        assert_eq!(own, ExistingClusters::Change);
    }

    #[test]
    fn every_wish_reads_what_it_writes_and_a_wrong_one_is_told_all_of_them() {
        for text in [
            "hands-off",
            "off-is-fine",
            "at-least-enabled",
            "at-least-enhanced",
            "exactly: disabled",
            "exactly: enabled",
            "exactly: enhanced",
        ] {
            assert_eq!(text.parse::<Wish>().unwrap().to_string(), text);
            assert!("on".parse::<Wish>().unwrap_err().to_string().contains(text), "{text}");
        }
        for text in ["leave", "enabled", "enhanced"] {
            assert_eq!(text.parse::<AccountDefaultWish>().unwrap().to_string(), text);
        }
        assert!("disabled".parse::<AccountDefaultWish>().is_err());
    }
}
