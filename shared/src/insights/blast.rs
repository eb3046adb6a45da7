//! How much one run may change.

/// Limits of one run of one target. What is beyond them waits for the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlastRadius {
    /// Clusters at most, 1 to 1,000.
    pub max_changes: u32,
    /// Percent of the target's clusters at most, 1 to 100.
    pub max_percent: u32,
}

impl Default for BlastRadius {
    fn default() -> Self {
        Self { max_changes: 20, max_percent: 25 }
    }
}

impl BlastRadius {
    /// How many of so many clusters may be changed. One always may, so that a small target gets done as well.
    pub fn allows(self, clusters: usize) -> usize {
        let as_count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let share = clusters.saturating_mul(as_count(self.max_percent)) / 100;
        as_count(self.max_changes).min(share.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_counts_and_one_cluster_always_may_be_changed() {
        let at = |max_changes, max_percent| BlastRadius { max_changes, max_percent };
        for (limits, clusters, allowed) in [
            (BlastRadius::default(), 1000, 20),
            (BlastRadius::default(), 80, 20),
            (BlastRadius::default(), 79, 19),
            (BlastRadius::default(), 7, 1),
            (BlastRadius::default(), 1, 1),
            (at(1000, 100), 1000, 1000),
            (at(1, 100), 1000, 1),
            (at(1000, 1), 250, 2),
        ] {
            assert_eq!(limits.allows(clusters), allowed, "{limits:?} of {clusters}");
        }
    }
}
