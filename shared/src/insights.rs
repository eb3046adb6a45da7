//! The setting of Container Insights: what a cluster has, what is wished, and the one decision between them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cluster::{BadName, ClusterName};
use crate::pattern::NamePattern;

/// Value of a cluster's setting `containerInsights`, from less to more (ECS API, `ClusterSetting`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InsightsLevel {
    /// Off.
    #[default]
    Disabled,
    /// Metrics per cluster, service and task family.
    Enabled,
    /// Also per task and container ("enhanced observability", since December 2024).
    Enhanced,
}

impl InsightsLevel {
    /// ECS's own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enhanced => "enhanced",
        }
    }
}

impl FromStr for InsightsLevel {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "disabled" => Ok(Self::Disabled),
            "enabled" => Ok(Self::Enabled),
            "enhanced" => Ok(Self::Enhanced),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "level of Container Insights",
                expected: "disabled, enabled or enhanced",
            }),
        }
    }
}

impl fmt::Display for InsightsLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Tag by which the owner of a cluster opts out: `fargaze` = `hands-off`.
pub const OPT_OUT_TAG: (&str, &str) = ("fargaze", "hands-off");

/// Clusters that a sweep may change at most; the rest waits for the next one. `UpdateClusterSettings` allows a burst
/// of 20 (Amazon ECS API Reference, "Request throttling").
pub const MAX_CHANGES_PER_SWEEP: usize = 20;

/// What to do about clusters that were there before fargaze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingClusters {
    /// Tell that Container Insights is off, and change nothing.
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

/// Clusters that are never touched, as a comma-separated list of name patterns; `none` excludes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusions(Vec<NamePattern>);

impl FromStr for Exclusions {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.trim() == "none" {
            return Ok(Self(Vec::new()));
        }
        let patterns: Vec<&str> = text.split(',').map(str::trim).collect();
        if patterns.iter().any(|pattern| pattern.is_empty()) {
            return Err(BadName {
                text: text.to_owned(),
                what: "list of name patterns",
                expected: "patterns with commas between them, such as AWSBatch-*,sandbox-*, or none",
            });
        }
        Ok(Self(patterns.into_iter().map(NamePattern::new).collect()))
    }
}

/// What is wished of every cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Least level of a new cluster.
    pub at_least: InsightsLevel,
    /// What to do about clusters that were there before.
    pub existing: ExistingClusters,
    /// Clusters that are never touched.
    pub exclude: Exclusions,
}

/// What ECS says about a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCluster {
    /// Name of the cluster.
    pub name: ClusterName,
    /// Status such as `ACTIVE`.
    pub status: String,
    /// Its setting; only known if ECS was asked with `include = SETTINGS`.
    pub level: InsightsLevel,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// How we came to look at a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It is new: an event told of its creation, or the last sweep did not see it yet.
    New,
    /// It was there before.
    Existing,
}

/// What to do about one cluster, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Set Container Insights to this level, which is higher than what the cluster has.
    Raise(InsightsLevel),
    /// It is as wished.
    Right,
    /// It is lower than wished, but not ours to change; the reason in words.
    Report(&'static str),
    /// Not to be touched and not worth a word; the reason in words.
    Leave(&'static str),
}

/// The one decision of event path and sweep. It never lowers a setting.
pub fn decide(wish: &Wish, cluster: &ObservedCluster, occasion: Occasion) -> Decision {
    let (tag, value) = OPT_OUT_TAG;
    if cluster.status != "ACTIVE" {
        Decision::Leave("it is not ACTIVE")
    } else if wish.exclude.0.iter().any(|pattern| pattern.matches(cluster.name.as_str())) {
        Decision::Leave("its name is excluded by FARGAZE_EXCLUDE_CLUSTERS")
    } else if cluster.tags.get(tag).is_some_and(|v| v == value) {
        Decision::Leave("it carries the tag fargaze = hands-off")
    } else if cluster.level >= wish.at_least {
        Decision::Right
    } else if occasion == Occasion::New || wish.existing == ExistingClusters::Change {
        Decision::Raise(wish.at_least)
    } else {
        Decision::Report("it was there before fargaze, and ExistingClusters is `report`")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(existing: ExistingClusters) -> Wish {
        Wish { at_least: InsightsLevel::Enabled, existing, exclude: "AWSBatch-*".parse().unwrap() }
    }

    fn cluster(name: &str, level: InsightsLevel) -> ObservedCluster {
        ObservedCluster {
            name: name.parse().unwrap(),
            status: "ACTIVE".to_owned(),
            level,
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn a_new_cluster_with_insights_off_is_raised() {
        let decision =
            decide(&wish(ExistingClusters::Report), &cluster("shop", InsightsLevel::Disabled), Occasion::New);
        assert_eq!(decision, Decision::Raise(InsightsLevel::Enabled));
    }

    #[test]
    fn t5_enhanced_is_never_lowered_to_enabled() {
        for occasion in [Occasion::New, Occasion::Existing] {
            let decision = decide(
                &wish(ExistingClusters::Change),
                &cluster("search", InsightsLevel::Enhanced),
                occasion,
            );
            assert_eq!(decision, Decision::Right);
        }
    }

    #[test]
    fn excluded_tagged_and_inactive_clusters_are_left_alone() {
        let wish = wish(ExistingClusters::Change);
        let batch = cluster("AWSBatch-nightly", InsightsLevel::Disabled);
        let mut tagged = cluster("lab", InsightsLevel::Disabled);
        tagged.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
        let mut gone = cluster("old", InsightsLevel::Disabled);
        gone.status = "INACTIVE".to_owned();
        for cluster in [batch, tagged, gone] {
            assert!(matches!(decide(&wish, &cluster, Occasion::New), Decision::Leave(_)), "{}", cluster.name);
        }
    }

    #[test]
    fn an_existing_cluster_is_reported_unless_the_user_says_change() {
        let off = cluster("shop", InsightsLevel::Disabled);
        let report = decide(&wish(ExistingClusters::Report), &off, Occasion::Existing);
        assert!(matches!(report, Decision::Report(_)));
        let change = decide(&wish(ExistingClusters::Change), &off, Occasion::Existing);
        assert_eq!(change, Decision::Raise(InsightsLevel::Enabled));
    }

    #[test]
    fn a_list_of_exclusions_with_a_hole_is_refused() {
        assert!("AWSBatch-*,,x".parse::<Exclusions>().is_err());
        assert_eq!("none".parse::<Exclusions>().unwrap(), Exclusions(Vec::new()));
    }

    fn level() -> impl Strategy<Value = InsightsLevel> {
        prop_oneof![
            Just(InsightsLevel::Disabled),
            Just(InsightsLevel::Enabled),
            Just(InsightsLevel::Enhanced)
        ]
    }

    proptest! {
        #[test]
        fn no_decision_lowers_a_setting_and_deciding_twice_changes_nothing(
            at_least in level(), has in level(), change in any::<bool>(), new in any::<bool>(), batch in any::<bool>(),
        ) {
            let existing = if change { ExistingClusters::Change } else { ExistingClusters::Report };
            let wish = Wish { at_least, existing, exclude: "AWSBatch-*".parse().unwrap() };
            let occasion = if new { Occasion::New } else { Occasion::Existing };
            let mut cluster = cluster(if batch { "AWSBatch-1" } else { "shop" }, has);
            if let Decision::Raise(to) = decide(&wish, &cluster, occasion) {
                prop_assert!(to > has);
                cluster.level = to;
            }
            prop_assert!(!matches!(decide(&wish, &cluster, occasion), Decision::Raise(_)));
        }
    }
}
