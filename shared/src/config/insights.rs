//! The section `insights`: what is wished of Container Insights.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::CONFIG_KEY;
use super::nearest::nearest;
use super::read::{At, Problems, ScalarText};
use crate::cluster::{AccountId, BadName, ClusterName, Region};
use crate::insights::{BlastRadius, InsightsConfig, Wish, WishRule};
use crate::pattern::NamePattern;

/// Clusters that one run may be allowed to change.
pub(super) const MAX_CHANGES: u32 = 1000;

/// What is wished of Container Insights, and how much may be changed at once.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "insights", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawInsights {
    /// Say what would be done and what it would cost, and change nothing. Default: false.
    dry_run: Option<At<bool>>,
    /// What to do with clusters that were there before fargaze. Default: report.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["report", "change", null])))]
    existing: Option<At<ScalarText>>,
    /// Clusters that one run of one target may change, 1 to 1000. Default: 20.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(min = 1, max = 1000)))]
    max_changes: Option<At<ScalarText>>,
    /// Percent of the target's clusters that one run may change, 1 to 100. Default: 25.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(min = 1, max = 100)))]
    max_percent: Option<At<ScalarText>>,
    /// The account's default of each Region. Default: leave.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["leave", "enabled", "enhanced", null])))]
    account_default: Option<At<ScalarText>>,
    /// The first that fits a cluster counts. The built-in wishes stand after these.
    wishes: Option<At<Vec<At<RawWishRule>>>>,
}

/// A wish for some clusters.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "wish", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawWishRule {
    /// Accounts. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    accounts: Option<At<Vec<At<AccountId>>>>,
    /// Patterns of Regions. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    regions: Option<At<Vec<At<String>>>>,
    /// Patterns of cluster names. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    clusters: Option<At<Vec<At<String>>>>,
    /// hands-off, off-is-fine, at-least-enabled, at-least-enhanced, or exactly a level.
    #[cfg_attr(test, schemars(required))]
    wish: Option<At<RawWish>>,
    /// Instead of the section's.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["report", "change", null])))]
    existing: Option<At<ScalarText>>,
}

/// A wish on one line: a word, or a key and its value.
#[derive(Debug, Clone)]
pub(super) struct RawWish(String);

impl<'de> Deserialize<'de> for RawWish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrPair;
        impl<'de> Visitor<'de> for WordOrPair {
            type Value = RawWish;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a wish: {}", Wish::WORDS)
            }
            fn visit_str<E>(self, text: &str) -> Result<RawWish, E> {
                Ok(RawWish(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawWish, A::Error> {
                let mut pairs = Vec::new();
                while let Some((key, ScalarText(value))) = map.next_entry::<String, ScalarText>()? {
                    pairs.push(format!("{key}: {value}"));
                }
                Ok(RawWish(pairs.join(", ")))
            }
        }
        deserializer.deserialize_any(WordOrPair)
    }
}

/// Reads a word if there is one.
pub(super) fn word<T: FromStr<Err: fmt::Display>>(
    key: &str,
    raw: Option<At<ScalarText>>,
    words: &[&str],
    problems: &Problems,
) -> Option<T> {
    let At { line, value } = raw?;
    let ScalarText(text) = value?;
    text.parse().map_err(|error| problems.tell(line, key, near(error, &text, words))).ok()
}

pub(super) fn near(error: impl fmt::Display, text: &str, words: &[&str]) -> String {
    let near = nearest(text, words.iter().copied());
    near.map_or_else(|| error.to_string(), |near| format!("{error}; did you mean `{near}`?"))
}

/// Reads a number within its limits.
pub(super) fn number(key: &str, raw: Option<At<ScalarText>>, most: u32, problems: &Problems) -> Option<u32> {
    let At { line, value } = raw?;
    let ScalarText(text) = value?;
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    if number.is_none() {
        problems.tell(line, key, format_args!("`{text}` is no whole number from 1 to {most}"));
    }
    number
}

/// Reads each entry of a list; a list must have one.
pub(super) fn list<R, T>(
    key: &str,
    raw: Option<At<Vec<At<R>>>>,
    read: impl Fn(R) -> Result<T, BadName>,
    problems: &Problems,
) -> Option<Vec<T>> {
    let At { line, value } = raw?;
    let entries = value?;
    if entries.is_empty() {
        problems.tell(line, key, "the list is empty; leave the key out to mean all of them");
    }
    let mut good = Vec::new();
    for At { line, value } in entries {
        match value.map(&read) {
            Some(Ok(value)) => good.push(value),
            Some(Err(error)) => problems.tell(line, key, error),
            None => {}
        }
    }
    Some(good)
}

/// The section, checked; every problem of it is added to `problems`.
pub(super) fn check_insights(raw: RawInsights, problems: &Problems) -> InsightsConfig {
    let key = |name: &str| format!("insights: {name}");
    let existing = word(&key("existing"), raw.existing, &EXISTING, problems).unwrap_or_default();
    let BlastRadius { max_changes, max_percent } = BlastRadius::default();
    let limits = BlastRadius {
        max_changes: number(&key("max-changes"), raw.max_changes, MAX_CHANGES, problems)
            .unwrap_or(max_changes),
        max_percent: number(&key("max-percent"), raw.max_percent, 100, problems).unwrap_or(max_percent),
    };
    let default_words = ["leave", "enabled", "enhanced"];
    let account_default = word(&key("account-default"), raw.account_default, &default_words, problems);
    let rules = raw.wishes.and_then(|at| at.value).unwrap_or_default().into_iter();
    let rules = rules.filter_map(|rule| check_rule(rule.line, rule.value?, problems)).collect();
    let mut config = InsightsConfig::new(existing, rules);
    config.dry_run = raw.dry_run.and_then(|at| at.value).unwrap_or_default();
    (config.limits, config.account_default) = (limits, account_default.unwrap_or_default());
    config
}

pub(super) const EXISTING: [&str; 2] = ["report", "change"];
const WISHES: [&str; 7] = [
    "hands-off",
    "off-is-fine",
    "at-least-enabled",
    "at-least-enhanced",
    "exactly: enabled",
    "exactly: enhanced",
    "exactly: disabled",
];

fn check_rule(line: u64, rule: RawWishRule, problems: &Problems) -> Option<WishRule> {
    let RawWishRule { accounts, regions, clusters, wish, existing } = rule;
    let accounts = list("wish: accounts", accounts, Ok, problems);
    let regions = list("wish: regions", regions, |text| region_pattern(&text), problems);
    let clusters = list("wish: clusters", clusters, |text| cluster_pattern(&text), problems);
    let existing = word("wish: existing", existing, &EXISTING, problems);
    let Some(At { line: at, value }) = wish else {
        problems.tell(line, "wish", "is missing");
        return None;
    };
    let RawWish(text) = value?;
    let wish: Wish =
        text.parse().map_err(|error| problems.tell(at, "wish", near(error, &text, &WISHES))).ok()?;
    Some(WishRule { accounts, regions, clusters, wish, existing, source: format!("{CONFIG_KEY}:{line}") })
}

/// A pattern that some Region can fit.
pub(super) fn region_pattern(text: &str) -> Result<NamePattern, BadName> {
    let fits = |c: char| c == '*' || c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.contains('*') {
        text.parse::<Region>()?;
    } else if !text.chars().all(fits) {
        return Err(BadName {
            text: text.to_owned(),
            what: "pattern of Regions",
            expected: "a code such as eu-west-1, with * for any part of it",
        });
    }
    Ok(NamePattern::new(text))
}

/// A pattern that some cluster can fit.
pub(super) fn cluster_pattern(text: &str) -> Result<NamePattern, BadName> {
    text.replace('*', "x").parse::<ClusterName>().map_err(|_| BadName {
        text: text.to_owned(),
        what: "pattern of cluster names",
        expected: "letters, digits, hyphens and underscores, with * for any part",
    })?;
    Ok(NamePattern::new(text))
}

#[cfg(test)]
mod tests {
    use super::super::{read_insights, tests::problems};
    use super::*;
    use crate::insights::{AccountDefaultWish, ExistingClusters, InsightsLevel};

    const FULL: &str = "
insights:
  dry-run: true
  existing: change
  max-changes: 5
  max-percent: 10
  account-default: enhanced
  wishes:
    - accounts: ['012345678901']
      regions: [eu-*, us-east-1]
      clusters: [prod-*]
      wish: at-least-enhanced
      existing: report
    - clusters: [lab]
      wish: {exactly: disabled}
    - clusters: ['*']
      wish:
        exactly: enabled
";

    #[test]
    fn the_whole_section_is_read() {
        let config = read_insights(FULL).unwrap();
        assert!(config.dry_run);
        assert_eq!(config.limits, BlastRadius { max_changes: 5, max_percent: 10 });
        assert_eq!(config.account_default, AccountDefaultWish::AtLeast(InsightsLevel::Enhanced));
        let wished = |account: &str, region: &str, cluster: &str| {
            let wished =
                config.wished(&account.parse().unwrap(), &region.parse().unwrap(), &cluster.parse().unwrap());
            (wished.to_string(), wished.existing)
        };
        for (account, region, cluster, text, existing) in [
            (
                "012345678901",
                "eu-west-1",
                "prod-a",
                "at-least-enhanced (fargaze.yaml:9)",
                ExistingClusters::Report,
            ),
            (
                "999999999999",
                "eu-west-1",
                "lab",
                "exactly: disabled (fargaze.yaml:14)",
                ExistingClusters::Change,
            ),
            (
                "012345678901",
                "us-west-2",
                "prod-a",
                "exactly: enabled (fargaze.yaml:16)",
                ExistingClusters::Change,
            ),
        ] {
            assert_eq!(wished(account, region, cluster), (text.to_owned(), existing));
        }
    }

    #[test]
    fn without_the_section_the_built_in_wishes_hold() {
        for yaml in ["{}", "insights:", "insights: {}", "insights: {wishes: []}"] {
            assert_eq!(read_insights(yaml).unwrap(), InsightsConfig::default(), "{yaml}");
        }
    }

    #[test]
    fn all_problems_are_told_at_once_with_place_and_cure() {
        let yaml = "
insights:
  dry-run: perhaps
  existing: leave
  max-changes: 0
  max-percent: 200
  account-default: disabled
  wishes:
    - accounts: ['123']
      regions: [Ireland, 'EU-*']
      clusters: []
      wish: always
    - clusters: [a/b, '']
      wish: {at-most: enabled}
      existing: raise
";
        let found = problems(yaml);
        for part in [
            "fargaze.yaml:3: insights: dry-run: `perhaps` is neither true nor false",
            "fargaze.yaml:4: insights: existing: `leave` is no way with existing clusters: report or change",
            "fargaze.yaml:5: insights: max-changes: `0` is no whole number from 1 to 1000",
            "fargaze.yaml:6: insights: max-percent: `200` is no whole number from 1 to 100",
            "fargaze.yaml:7: insights: account-default: `disabled` is no wish for the account default: leave, enabled or enhanced",
            "fargaze.yaml:9: wish: accounts: `123` is no account id",
            "fargaze.yaml:10: wish: regions: `Ireland` is no Region",
            "fargaze.yaml:10: wish: regions: `EU-*` is no pattern of Regions",
            "fargaze.yaml:11: wish: clusters: the list is empty; leave the key out",
            "fargaze.yaml:12: wish: `always` is no wish: hands-off, off-is-fine, at-least-enabled, at-least-enhanced, or exactly: enabled",
            "fargaze.yaml:13: wish: clusters: `a/b` is no pattern of cluster names",
            "fargaze.yaml:13: wish: clusters: `` is no pattern of cluster names",
            "fargaze.yaml:14: wish: `at-most: enabled` is no wish: hands-off",
            "fargaze.yaml:15: wish: existing: `raise` is no way with existing clusters",
        ] {
            assert!(
                found.iter().any(|problem| problem.starts_with(part)),
                "{part} is not in:\n{}",
                found.join("\n")
            );
        }
        assert_eq!(found.len(), 14, "{found:#?}");
    }

    #[test]
    fn problems_of_all_sections_are_told_together() {
        let found = problems("targets: []\ninsights:\n  max-changes: many\n");
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn an_unknown_key_and_a_missing_wish_are_told_with_their_line() {
        let found = problems("insights:\n  dry_run: true\n");
        assert!(found[0].starts_with("fargaze.yaml:2: ") && found[0].contains("dry-run"), "{found:?}");
        let found = problems("insights:\n  wishes:\n    - clusters: [a]\n      wihs: hands-off\n");
        assert!(found[0].starts_with("fargaze.yaml:4: ") && found[0].contains("wihs"), "{found:?}");
        let found = problems("insights:\n  wishes:\n    - clusters: [a]\n");
        assert!(found[0].starts_with("fargaze.yaml:3: wish: is missing"), "{found:?}");
    }
}
