//! The user's file `fargaze.yaml`: targets, rules and wishes. Unknown keys are errors, and all problems are told at once.

mod insights;
mod rules;
mod targets;

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use crate::cluster::{AccountId, Region};
use crate::insights::InsightsConfig;
use crate::rule::AlarmRule;
use crate::run::{Part, Target};

use insights::{RawInsights, check_insights};
use rules::{RawRule, check_rules};
use targets::{RawTarget, check_target};

/// Key of the user's file in the stack's bucket.
pub const CONFIG_KEY: &str = "fargaze.yaml";

/// The rules that hold while there is no such file, in the format of that file.
pub const DEFAULT_YAML: &str = include_str!("../default.yaml");

/// The user's file, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where to look; the home account and Region if the file names none.
    pub targets: Vec<Target>,
    /// What to judge; the rules of [`DEFAULT_YAML`] if the file names none.
    pub rules: Vec<AlarmRule>,
    /// What is wished of Container Insights; the built-in wishes if the file has none.
    pub insights: InsightsConfig,
}

/// Every problem of the file in one sentence each, with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct BadConfig(pub Vec<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawConfig {
    targets: Option<Vec<Spanned<RawTarget>>>,
    rules: Option<Vec<Spanned<RawRule>>>,
    insights: Option<RawInsights>,
}

/// A word or number, as written: YAML reads `80` as a number, `80 %` as a text and `true` as neither.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl serde::de::Visitor<'_> for AnyScalar {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a plain value: a word, a number, or a number with a unit such as `80 %`")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar(flag.to_string()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

impl Config {
    /// The configuration without a user's file.
    pub fn built_in(account: &AccountId, region: &Region) -> Result<Self, BadConfig> {
        Self::read(DEFAULT_YAML, account, region)
    }

    /// How far an alarms run must look back so that every period of the newest `judged` can be judged on its whole
    /// evaluation range.
    pub fn lookback(&self, judged: SignedDuration) -> SignedDuration {
        let range = |rule: &AlarmRule| i64::try_from(rule.condition.evaluation_range()).unwrap_or(0);
        let longest = self.rules.iter().map(|rule| range(rule) * rule.period.seconds()).max().unwrap_or(0);
        judged + SignedDuration::from_secs(longest)
    }

    /// Reads the user's file. `account` and `region` are home: the target if the file names none, and the account that
    /// needs no role.
    pub fn read(yaml: &str, account: &AccountId, region: &Region) -> Result<Self, BadConfig> {
        let raw = parse_yaml(yaml)?;
        let mut problems = Vec::new();
        let targets = match raw.targets {
            None => vec![Target {
                account: account.clone(),
                region: region.clone(),
                part: Part::WHOLE,
                role: None,
            }],
            Some(targets) => {
                let checked =
                    checked(targets, "target", &mut problems, |target| check_target(target, account));
                if checked.is_empty() && problems.is_empty() {
                    problems.push(format!(
                        "{CONFIG_KEY}: `targets` is empty; name a target or leave the key out"
                    ));
                }
                checked.into_iter().flatten().collect()
            }
        };
        let rules = match raw.rules {
            None => read_rules(DEFAULT_YAML)?,
            Some(rules) => check_rules(rules, &mut problems),
        };
        let insights = raw.insights.map(|section| check_insights(section, &mut problems)).unwrap_or_default();
        if problems.is_empty() { Ok(Self { targets, rules, insights }) } else { Err(BadConfig(problems)) }
    }
}

/// Reads only the rules of the user's file, for those who have their target already.
pub fn read_rules(yaml: &str) -> Result<Vec<AlarmRule>, BadConfig> {
    let mut problems = Vec::new();
    let rules = match parse_yaml(yaml)?.rules {
        // The built-in file has rules, so this ends.
        None => return read_rules(DEFAULT_YAML),
        Some(rules) => check_rules(rules, &mut problems),
    };
    if problems.is_empty() { Ok(rules) } else { Err(BadConfig(problems)) }
}

/// Reads only what the user's file wishes of Container Insights, for those who have their target already.
pub fn read_insights(yaml: &str) -> Result<InsightsConfig, BadConfig> {
    let mut problems = Vec::new();
    let section = parse_yaml(yaml)?.insights;
    let insights = section.map(|section| check_insights(section, &mut problems)).unwrap_or_default();
    if problems.is_empty() { Ok(insights) } else { Err(BadConfig(problems)) }
}

fn parse_yaml(yaml: &str) -> Result<RawConfig, BadConfig> {
    serde_saphyr::from_str(yaml).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        BadConfig(vec![format!("{CONFIG_KEY}:{line}: {}", first_line(&error.without_snippet().to_string()))])
    })
}

/// Error texts of the parser may go on with a picture of the place; the sentence is their first line.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// Checks each entry of a list; problems get the line where the entry begins.
fn checked<Raw, T>(
    entries: Vec<Spanned<Raw>>,
    what: &str,
    problems: &mut Vec<String>,
    mut check: impl FnMut(Raw) -> Result<T, Vec<String>>,
) -> Vec<T> {
    let mut good = Vec::new();
    for entry in entries {
        let line = entry.referenced.line();
        match check(entry.value) {
            Ok(value) => good.push(value),
            Err(found) => problems.extend(found.into_iter().map(|problem| {
                let problem = if problem.starts_with(what) { problem } else { format!("{what}: {problem}") };
                format!("{CONFIG_KEY}:{line}: {problem}")
            })),
        }
    }
    good
}

fn parse<T: std::str::FromStr<Err: fmt::Display>>(
    key: &str,
    text: &str,
    problems: &mut Vec<String>,
) -> Option<T> {
    text.parse().map_err(|error| problems.push(format!("{key}: {error}"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Config, BadConfig> {
        Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap())
    }

    pub(super) fn problems(yaml: &str) -> Vec<String> {
        read(yaml).unwrap_err().0
    }

    const RULE: &str = "
rules:
  - name: busy
    what: ECS/ContainerInsights CpuUtilized
    threshold: 0.8 vCPU
    comparison: GreaterThanOrEqualToThreshold
    evaluation-periods: 5
    datapoints-to-alarm: 5
";

    #[test]
    fn without_a_file_home_is_watched_by_the_default_rules() {
        let config = read("{}").unwrap();
        assert_eq!(config.targets.len(), 1);
        let names: Vec<&str> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["nothing-running", "memory-high", "cpu-high"]);
        // 5 periods and the 2 that CloudWatch looks at beyond them.
        assert_eq!(config.lookback(SignedDuration::from_mins(15)), SignedDuration::from_mins(15 + 7));
    }

    #[test]
    fn t2_a_rule_in_vcpu_is_read_as_cpu_units() {
        assert_eq!(read(RULE).unwrap().rules[0].condition.threshold, 819.2);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let found = problems(&RULE.replace("threshold:", "treshold:"));
        assert!(found[0].starts_with("fargaze.yaml:5: ") && found[0].contains("treshold"), "{found:?}");
    }

    #[test]
    fn all_problems_of_a_file_are_told_at_once() {
        let yaml = "
targets:
  - account: '999999999999'
    regions: [Ireland]
rules:
  - name: a
    what: memory
    threshold: 80
    comparison: GreaterThanThreshold
    evaluation-periods: 0
    datapoints-to-alarm: 3
  - name: a
    what: nothing-running
    scope: cluster
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: 3
    datapoints-to-alarm: 3
";
        let found = problems(yaml).join("\n");
        for part in [
            "fargaze.yaml:3: target: role-arn: missing",
            "`Ireland` is no Region",
            "fargaze.yaml:6: rule `a`: what: `memory` is no measure",
            "evaluation-periods: 0 is not between",
            "datapoints-to-alarm: 3 is not between",
            "fargaze.yaml:12: rule `a`: threshold: `80 %`",
            "is not published per cluster",
            "names must be unique",
        ] {
            assert!(found.contains(part), "{part} is not in:\n{found}");
        }
    }

    #[test]
    fn a_target_in_another_account_has_a_role_and_every_region_its_parts() {
        let yaml = "
targets:
  - account: '999999999999'
    regions: [eu-west-1, us-east-1]
    role-arn: arn:aws:iam::999999999999:role/fargaze-reader
    external-id: secret
    parts: 2
";
        let targets = read(yaml).unwrap().targets;
        assert_eq!(targets.len(), 4);
        assert_eq!(targets[0].role.as_ref().unwrap().external_id.as_deref(), Some("secret"));
        assert!(!problems(&yaml.replace("iam::999999999999", "iam::111111111111")).is_empty());
    }
}
