//! How much fargaze may change, and whether it changes what was there before it.

use std::str::FromStr;

use crate::model::cluster::BadName;

/// Limits of everything that fargaze changes: the section `limits` of the user's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Say what would be done, and change nothing.
    pub dry_run: bool,
    /// What to do with clusters that were there before fargaze, where no policy says otherwise.
    pub existing: Existing,
    /// Clusters that one run of one target changes at most, 1 to 1,000. What is beyond waits for the next run.
    pub max_changes: u32,
    /// Percent of the target's clusters that it changes at most, 1 to 100.
    pub max_percent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { dry_run: false, existing: Existing::Report, max_changes: 20, max_percent: 25 }
    }
}

impl Limits {
    /// How many of so many clusters may be changed. One always may, so that a small target gets done as well.
    pub fn allows(self, clusters: usize) -> usize {
        let as_count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let share = clusters.saturating_mul(as_count(self.max_percent)) / 100;
        as_count(self.max_changes).min(share.max(1))
    }
}

/// What to do with clusters that were there before fargaze.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Existing {
    /// Report that they are out of policy, and change nothing.
    #[default]
    Report,
    /// Change them as well.
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
                what: "way with existing clusters",
                expected: "report or change",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_counts_and_one_cluster_always_may_be_changed() {
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
