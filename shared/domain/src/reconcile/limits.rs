//! How much fargaze may change, and whether it changes existing clusters.

use std::str::FromStr;

use crate::model::cluster::BadName;

/// Limits on all changes: the section `limits` of `fargaze.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Report what would be done, and change nothing.
    pub dry_run: bool,
    /// What to do with clusters that existed before fargaze, unless a policy overrides it.
    pub existing: Existing,
    /// Maximum number of clusters that one run changes in one target, 1 to 1,000. The rest waits
    /// for the next run.
    pub max_changes: u32,
    /// Maximum percentage of the target's clusters that one run changes, 1 to 100.
    pub max_percent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { dry_run: false, existing: Existing::Report, max_changes: 20, max_percent: 25 }
    }
}

impl Limits {
    /// How many of `clusters` clusters may be changed. At least one, so that small targets make
    /// progress.
    pub fn allows(self, clusters: usize) -> usize {
        let as_count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let share = clusters.saturating_mul(as_count(self.max_percent)) / 100;
        as_count(self.max_changes).min(share.max(1))
    }
}

/// What to do with clusters that existed before fargaze.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Existing {
    /// Report that they are out of policy, and change nothing.
    #[default]
    Report,
    /// Change them too.
    Change,
}

impl FromStr for Existing {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text {
            "report" => Ok(Self::Report),
            "change" => Ok(Self::Change),
            _ => Err(BadName {
                text: text.to_owned(),
                what: "setting for existing clusters",
                expected: "report or change",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_applies_and_at_least_one_cluster_is_allowed() {
        let at = |max_changes, max_percent| Limits { max_changes, max_percent, ..Limits::default() };
        for (limits, clusters, allowed) in [
            (Limits::default(), 1000, 20),
            (Limits::default(), 80, 20),
            (Limits::default(), 79, 19),
            (Limits::default(), 7, 1),
            (Limits::default(), 1, 1),
            (at(1000, 100), 1000, 1000),
            (at(1, 100), 1000, 1),
            (at(1000, 1), 250, 2),
        ] {
            assert_eq!(limits.allows(clusters), allowed, "{limits:?} of {clusters}");
        }
    }
}
