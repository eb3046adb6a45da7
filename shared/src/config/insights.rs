//! The section `insights`: what is wished of Container Insights.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::{CONFIG_KEY, Scalar};
use crate::cluster::{AccountId, BadName, ClusterName, Region};
use crate::insights::{BlastRadius, InsightsConfig, Wish, WishRule};
use crate::pattern::NamePattern;

/// Clusters that one run may be allowed to change.
const MAX_CHANGES: u32 = 1000;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawInsights {
    dry_run: Option<Spanned<Scalar>>,
    existing: Option<Spanned<Scalar>>,
    max_changes: Option<Spanned<Scalar>>,
    max_percent: Option<Spanned<Scalar>>,
    account_default: Option<Spanned<Scalar>>,
    wishes: Option<Vec<Spanned<RawWishRule>>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawWishRule {
    accounts: Option<Spanned<Vec<Spanned<String>>>>,
    regions: Option<Spanned<Vec<Spanned<String>>>>,
    clusters: Option<Spanned<Vec<Spanned<String>>>>,
    wish: Spanned<RawWish>,
    existing: Option<Spanned<Scalar>>,
}

/// A wish on one line: a word, or a key and its value.
struct RawWish(String);

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
            fn visit_bool<E>(self, flag: bool) -> Result<RawWish, E> {
                Ok(RawWish(flag.to_string()))
            }
            fn visit_unit<E>(self) -> Result<RawWish, E> {
                Ok(RawWish(String::new()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawWish, A::Error> {
                let mut pairs = Vec::new();
                while let Some((key, Scalar(value))) = map.next_entry::<String, Scalar>()? {
                    pairs.push(format!("{key}: {value}"));
                }
                Ok(RawWish(pairs.join(", ")))
            }
        }
        deserializer.deserialize_any(WordOrPair)
    }
}

/// Problems, each with its line.
struct Problems<'a>(&'a mut Vec<String>);

impl Problems<'_> {
    fn tell<T>(&mut self, place: &Spanned<T>, what: &str, why: &dyn fmt::Display) {
        let line = place.referenced.line();
        self.0.push(format!("{CONFIG_KEY}:{line}: {what}: {why}"));
    }

    /// Reads a value if there is one.
    fn read<T: FromStr<Err: fmt::Display>>(&mut self, key: &str, raw: Option<&Spanned<Scalar>>) -> Option<T> {
        let raw = raw?;
        raw.value.0.parse().map_err(|error| self.tell(raw, key, &error)).ok()
    }

    /// Reads a number within its limits.
    fn read_number(&mut self, key: &str, raw: Option<&Spanned<Scalar>>, most: u32) -> Option<u32> {
        let raw = raw?;
        let number = raw.value.0.parse().ok().filter(|number| (1..=most).contains(number));
        if number.is_none() {
            let text = &raw.value.0;
            self.tell(raw, key, &format!("`{text}` is no whole number from 1 to {most}"));
        }
        number
    }

    /// Reads each entry of a list; a list must have one.
    fn read_list<T>(
        &mut self,
        key: &str,
        raw: Option<Spanned<Vec<Spanned<String>>>>,
        read: impl Fn(&str) -> Result<T, BadName>,
    ) -> Option<Vec<T>> {
        let raw = raw?;
        if raw.value.is_empty() {
            self.tell(&raw, key, &"the list is empty; leave the key out to mean all of them");
        }
        let mut good = Vec::new();
        for entry in &raw.value {
            match read(&entry.value) {
                Ok(value) => good.push(value),
                Err(error) => self.tell(entry, key, &error),
            }
        }
        Some(good)
    }
}

/// The section, checked; every problem of it is added to `problems`.
pub(super) fn check_insights(raw: RawInsights, problems: &mut Vec<String>) -> InsightsConfig {
    let mut problems = Problems(problems);
    let key = |name: &str| format!("insights: {name}");
    let dry_run = raw.dry_run.is_some_and(|raw| match raw.value.0.as_str() {
        "true" => true,
        "false" => false,
        text => {
            problems.tell(&raw, &key("dry-run"), &format!("`{text}` is neither true nor false"));
            false
        }
    });
    let existing = problems.read(&key("existing"), raw.existing.as_ref()).unwrap_or_default();
    let BlastRadius { max_changes, max_percent } = BlastRadius::default();
    let limits = BlastRadius {
        max_changes: problems
            .read_number(&key("max-changes"), raw.max_changes.as_ref(), MAX_CHANGES)
            .unwrap_or(max_changes),
        max_percent: problems
            .read_number(&key("max-percent"), raw.max_percent.as_ref(), 100)
            .unwrap_or(max_percent),
    };
    let account_default =
        problems.read(&key("account-default"), raw.account_default.as_ref()).unwrap_or_default();
    let rules = raw.wishes.unwrap_or_default();
    let rules = rules.into_iter().filter_map(|rule| check_rule(rule, &mut problems)).collect();
    let mut config = InsightsConfig::new(existing, rules);
    (config.dry_run, config.limits, config.account_default) = (dry_run, limits, account_default);
    config
}

fn check_rule(rule: Spanned<RawWishRule>, problems: &mut Problems<'_>) -> Option<WishRule> {
    let line = rule.referenced.line();
    let RawWishRule { accounts, regions, clusters, wish, existing } = rule.value;
    let key = |name: &str| format!("wish: {name}");
    let accounts = problems.read_list(&key("accounts"), accounts, str::parse::<AccountId>);
    let regions = problems.read_list(&key("regions"), regions, region_pattern);
    let clusters = problems.read_list(&key("clusters"), clusters, cluster_pattern);
    let wish: Result<Wish, BadName> =
        wish.value.0.parse().inspect_err(|error| problems.tell(&wish, "wish", error));
    let existing = problems.read(&key("existing"), existing.as_ref());
    let source = format!("{CONFIG_KEY}:{line}");
    Some(WishRule { accounts, regions, clusters, wish: wish.ok()?, existing, source })
}

/// A pattern that some Region can fit.
fn region_pattern(text: &str) -> Result<NamePattern, BadName> {
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
fn cluster_pattern(text: &str) -> Result<NamePattern, BadName> {
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
        assert!(found[0].starts_with("fargaze.yaml:3: ") && found[0].contains("`wish`"), "{found:?}");
    }
}
