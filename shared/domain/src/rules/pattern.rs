//! Name patterns: `*` matches any sequence of characters, all other characters match themselves.

use std::fmt;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatchPattern;

use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::run::Platform;

/// A pattern over cluster and service names, such as `AWSBatch-*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamePattern(String);

impl NamePattern {
    /// A pattern from its text; any text is a pattern.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The only name that matches; `None` if it has a `*`.
    pub fn literal(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&self.0)
    }

    /// What every matching name begins with.
    pub fn prefix(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }

    /// Whether every name matches.
    pub fn is_everything(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// Whether the whole `name` matches, case-sensitive as in ECS.
    pub fn matches(&self, name: &str) -> bool {
        // There is no wildcard for a single character: `\0` never occurs in a name.
        WildMatchPattern::<'*', '\0'>::new(&self.0).matches(name)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A filter on accounts, Regions, clusters, platforms and log groups; a field that is `None` matches
/// everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Accounts.
    pub accounts: Option<Vec<AccountId>>,
    /// Patterns of Regions.
    pub regions: Option<Vec<NamePattern>>,
    /// Patterns of cluster names. If set, the filter does not match accounts as a whole.
    pub clusters: Option<Vec<NamePattern>>,
    /// Platforms.
    pub platforms: Option<Vec<Platform>>,
    /// Patterns of log group names. If set, the filter matches nothing else.
    pub log_groups: Option<Vec<NamePattern>>,
}

impl Match {
    /// Whether it matches the cluster, or the account as a whole if `cluster` is `None`.
    pub fn fits(
        &self,
        account: &AccountId,
        region: &Region,
        platform: Platform,
        cluster: Option<&ClusterName>,
    ) -> bool {
        self.fits_place(account, region)
            && self.log_groups.is_none()
            && self.platforms.as_ref().is_none_or(|platforms| platforms.contains(&platform))
            && among(self.clusters.as_ref(), cluster.map(ClusterName::as_str))
    }

    /// Whether it matches the log group, which belongs to no cluster or platform.
    pub fn fits_log_group(&self, account: &AccountId, region: &Region, name: &str) -> bool {
        self.fits_place(account, region)
            && self.clusters.is_none()
            && self.platforms.is_none()
            && among(self.log_groups.as_ref(), Some(name))
    }

    /// Whether it matches something in the account and Region.
    pub fn fits_place(&self, account: &AccountId, region: &Region) -> bool {
        self.accounts.as_ref().is_none_or(|accounts| accounts.contains(account))
            && among(self.regions.as_ref(), Some(region.as_str()))
    }
}

fn among(patterns: Option<&Vec<NamePattern>>, name: Option<&str>) -> bool {
    patterns
        .is_none_or(|patterns| name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_matches_any_sequence() {
        for (pattern, name, fits) in [
            ("AWSBatch-*", "AWSBatch-nightly-1", true),
            ("AWSBatch-*", "AWSBatch-", true),
            ("AWSBatch-*", "awsbatch-nightly", false),
            ("*", "", true),
            ("", "shop", false),
            ("shop", "shop", true),
            ("shop", "shops", false),
            ("*-prod", "eu-prod-prod", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name), fits, "{pattern} on {name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_with_any_part_starred(name in "[a-c-]{0,12}", from in 0usize..12, length in 0usize..12) {
            let from = from.min(name.len());
            let to = (from + length).min(name.len());
            let starred = format!("{}*{}", &name[..from], &name[to..]);
            prop_assert!(NamePattern::new(starred).matches(&name));
        }
    }
}
