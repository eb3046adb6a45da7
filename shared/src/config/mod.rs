//! The user's file `fargaze.yaml`: targets, rules and wishes. Unknown keys are errors, and all problems are told at once.

mod eks;
mod insights;
mod nearest;
mod read;
mod rules;
#[cfg(test)]
mod schema;
mod targets;
mod tree;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::cluster::{AccountId, Region};
use crate::insights::InsightsConfig;
use crate::insights::eks::EksConfig;
use crate::rule::{AlarmRule, Measure};
use crate::run::{Part, Platform, Target};

use eks::{RawEks, check_eks};
use insights::{RawInsights, check_insights};
use read::{At, Problems, read};
use rules::{RawRule, check_cadvisor, check_rules};
pub use targets::MAX_TARGETS;
use targets::{RawTarget, check_targets};
use tree::Node;

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
    /// What is wished of EKS clusters; the built-in wishes if the file has none.
    pub eks: EksConfig,
}

/// Every problem of the file in one sentence each, with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct BadConfig(pub Vec<String>);

/// fargaze.yaml: where to look, what to judge, and what is wished of ECS and EKS clusters. All of it is optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RawConfig {
    /// Where to look. Default: the stack's own account and Region.
    #[cfg_attr(test, schemars(length(min = 1)))]
    targets: Option<At<Vec<At<RawTarget>>>>,
    /// What to judge. Default: the built-in rules.
    rules: Option<At<Vec<At<RawRule>>>>,
    /// What is wished of Container Insights. Default: the built-in wishes.
    insights: Option<At<RawInsights>>,
    /// What is wished of EKS clusters. Default: the built-in wishes.
    eks: Option<At<RawEks>>,
}

impl Config {
    /// The configuration without a user's file.
    pub fn built_in(account: &AccountId, region: &Region) -> Result<Self, BadConfig> {
        Self::read(DEFAULT_YAML, account, region)
    }

    /// How far an alarms run must look back at CloudWatch so that points which come up to `late` late are judged, each
    /// on its whole evaluation range. Half of it again is for the periods that no point is expected for any more, which
    /// the runs of a schedule up to half as slow must find. Samples of EKS are kept longer if their rules need it: nobody
    /// is asked for them again.
    pub fn lookback(&self, late: SignedDuration) -> SignedDuration {
        late + late / 2 + longest_range(&self.rules, Platform::Ecs)
    }

    /// Reads the user's file. `account` and `region` are home: the target if the file names none, and the account that
    /// needs no role.
    pub fn read(yaml: &str, account: &AccountId, region: &Region) -> Result<Self, BadConfig> {
        let tree = parse_yaml(yaml)?;
        let problems = Problems::default();
        let raw: RawConfig = read(&tree, "", &problems).unwrap_or_default();
        let targets = match raw.targets {
            None => {
                let home = |platform| Target {
                    platform,
                    account: account.clone(),
                    region: region.clone(),
                    part: Part::WHOLE,
                    role: None,
                };
                Platform::ALL.map(home).to_vec()
            }
            Some(targets) => check_targets(&targets, account, &problems),
        };
        let section = raw.insights.and_then(|at| at.value);
        let insights = section.map(|section| check_insights(section, &problems)).unwrap_or_default();
        let section = raw.eks.and_then(|at| at.value);
        let eks = section.map(|section| check_eks(section, &problems)).unwrap_or_default();
        let rules = match raw.rules {
            None => read_rules(DEFAULT_YAML)?,
            Some(rules) => {
                let rules = rules.value.unwrap_or_default();
                if !eks.asks_cadvisor() {
                    check_cadvisor(&rules, &problems);
                }
                check_rules(rules, &problems)
            }
        };
        all_good(problems, Self { targets, rules, insights, eks })
    }
}

/// The most samples that one verdict of these rules looks at.
pub fn most_samples(rules: &[AlarmRule]) -> usize {
    let sampled = rules.iter().filter(|rule| matches!(rule.measure, Measure::Kubernetes(_)));
    sampled.map(|rule| rule.condition.evaluation_range()).max().unwrap_or(0)
}

/// The longest stretch of time that one verdict of these rules looks at.
pub fn longest_range(rules: &[AlarmRule], platform: Platform) -> SignedDuration {
    let of_platform = rules.iter().filter(|rule| rule.platform() == platform);
    of_platform.map(AlarmRule::range).max().unwrap_or_default()
}

/// Reads only the rules of the user's file, for those who have their target already.
pub fn read_rules(yaml: &str) -> Result<Vec<AlarmRule>, BadConfig> {
    let tree = parse_yaml(yaml)?;
    let problems = Problems::default();
    let section: Option<Option<Vec<At<RawRule>>>> =
        tree.get("rules").and_then(|node| read(node, "rules", &problems));
    match section.flatten() {
        Some(rules) => {
            let rules = check_rules(rules, &problems);
            all_good(problems, rules)
        }
        // The built-in file has rules, so this ends.
        None => all_good(problems, ()).and_then(|()| read_rules(DEFAULT_YAML)),
    }
}

/// Reads only what the user's file wishes of Container Insights, for those who have their target already.
pub fn read_insights(yaml: &str) -> Result<InsightsConfig, BadConfig> {
    let tree = parse_yaml(yaml)?;
    let problems = Problems::default();
    let section: Option<Option<RawInsights>> =
        tree.get("insights").and_then(|node| read(node, "insights", &problems));
    let insights = section.flatten().map(|section| check_insights(section, &problems)).unwrap_or_default();
    all_good(problems, insights)
}

/// Reads only what the user's file wishes of EKS clusters, for those who have their target already.
pub fn read_eks(yaml: &str) -> Result<EksConfig, BadConfig> {
    let tree = parse_yaml(yaml)?;
    let problems = Problems::default();
    let section: Option<Option<RawEks>> = tree.get("eks").and_then(|node| read(node, "eks", &problems));
    let eks = section.flatten().map(|section| check_eks(section, &problems)).unwrap_or_default();
    all_good(problems, eks)
}

fn all_good<T>(problems: Problems, value: T) -> Result<T, BadConfig> {
    let sentences = problems.into_sentences();
    if sentences.is_empty() { Ok(value) } else { Err(BadConfig(sentences)) }
}

/// What is no YAML at all has one problem, where reading ends.
fn parse_yaml(yaml: &str) -> Result<Node, BadConfig> {
    let options = serde_saphyr::options! {
        // Told by us, together with all else.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        BadConfig(vec![format!("{CONFIG_KEY}:{line}: {}", first_line(&error.without_snippet().to_string()))])
    })
}

/// Error texts of the parser may go on with a picture of the place; the sentence is their first line.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Condition;

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
        assert_eq!(config.targets.iter().map(|target| target.platform).collect::<Vec<_>>(), Platform::ALL);
        let names: Vec<&str> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "nothing-running",
                "memory-high",
                "cpu-high",
                "pod-memory-high",
                "pod-cpu-high",
                "restarts-grow",
                "crash-loop",
                "unstartable",
                "oom-killed",
                "pod-pending",
                "replicas-missing",
                "completed-pods",
                "metrics-server-down",
                "logging-disabled",
                "daemonset-on-fargate",
            ]
        );
        // 5 periods and the 2 that CloudWatch looks at beyond them.
        assert_eq!(config.lookback(SignedDuration::from_mins(20)), SignedDuration::from_mins(20 + 10 + 7));
    }

    #[test]
    fn t18_no_built_in_rule_fires_at_low_values() {
        for rule in read_rules(DEFAULT_YAML).unwrap() {
            let Condition { comparison, threshold, .. } = rule.condition;
            assert!(
                !comparison.breaches(0.0, threshold) && comparison.breaches(1000.0, threshold),
                "{}",
                rule.name
            );
        }
    }

    #[test]
    fn the_built_in_rules_ask_nothing_that_is_not_free_to_publish() {
        for rule in read_rules(DEFAULT_YAML).unwrap() {
            assert_eq!(rule.measure.needs(), crate::insights::InsightsLevel::Disabled, "{}", rule.name);
            assert!(rule.measure.metrics().all(|metric| metric.namespace == crate::catalogue::AWS_ECS));
        }
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
            "fargaze.yaml:3: target: roles: is missing",
            "`Ireland` is no Region",
            "fargaze.yaml:7: rule `a`: what: `memory` is no measure: did you mean `memory-percent`?",
            "evaluation-periods: 0 is not between",
            "fargaze.yaml:13: rule `a`: what: `nothing-running` is not published per cluster",
            "fargaze.yaml:15: rule `a`: threshold: `80 %`",
            "evaluation-periods: 3, but nothing-running is asked once a run",
            "names must be unique",
        ] {
            assert!(found.contains(part), "{part} is not in:\n{found}");
        }
    }

    #[test]
    fn a_file_without_anything_is_the_built_in_one() {
        for yaml in ["", "# only a comment\n", "---\n", "{}", "rules:\ntargets: ~\n"] {
            assert_eq!(read(yaml).unwrap().rules, read_rules(DEFAULT_YAML).unwrap(), "{yaml}");
        }
        for yaml in ["hello", "[]", "- rules", "42"] {
            assert!(problems(yaml)[0].starts_with("fargaze.yaml:1: "), "{yaml}");
        }
    }

    #[test]
    fn a_problem_of_a_value_taken_from_elsewhere_has_the_line_that_takes_it() {
        let yaml = "
rules:
  - &one
    name: one
    what: cpu-percent
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: &many 61
  - <<: *one
    name: two
  - <<: *one
    name: three
    evaluation-periods: *many
";
        let found = problems(yaml);
        let lines: Vec<&str> = found.iter().filter_map(|problem| problem.split(':').nth(1)).collect();
        assert_eq!(lines, ["8", "9", "13"], "{found:#?}");
    }

    #[test]
    fn only_the_problems_of_the_asked_section_stop_its_reader() {
        let yaml = "rules:\n  - name: a\ninsights:\n  existing: leave\n";
        let of = |found: Vec<String>, section: &str| found.iter().all(|problem| problem.contains(section));
        assert!(of(read_rules(yaml).unwrap_err().0, "rule `a`"));
        assert!(of(read_insights(yaml).unwrap_err().0, "insights"));
        assert!(read_rules("insights:\n  existing: leave\n").is_ok());
    }

    proptest::proptest! {
        /// Whatever stands in the file, reading it ends, and with lines that the file has.
        #[test]
        fn no_file_is_too_strange_to_be_told_of(lines in proptest::collection::vec(strange_line(), 0..12)) {
            let yaml = lines.join("\n");
            for problem in read(&yaml).err().map(|error| error.0).unwrap_or_default() {
                let line = problem.split(':').nth(1).and_then(|line| line.parse::<usize>().ok());
                proptest::prop_assert!(line.is_some_and(|line| line <= yaml.lines().count() + 1), "{}", problem);
            }
        }
    }

    fn strange_line() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        let keys = "(name|what|threshold|unless|maintenance|cron|tags|clusters|period|evaluation-periods|[a-z-]{1,9})";
        let values =
            "(80 %|cpu-percent|\\[\\]|\\{\\}|\\[a, b\\]|\\{a: b\\}|~|\"|0 2 \\* \\* \\*|[ -~]{0,9}|é)";
        prop_oneof![
            Just("rules:".to_owned()),
            Just("  - name: a".to_owned()),
            (0usize..4, keys, values)
                .prop_map(|(indent, key, value)| { format!("{}{key}: {value}", "  ".repeat(indent)) }),
        ]
    }

    #[test]
    fn a_target_in_another_account_has_a_role_and_every_region_its_parts() {
        let yaml = "
targets:
  - account: '999999999999'
    regions: [eu-west-1, us-east-1]
    roles: {read: 'arn:aws:iam::999999999999:role/fargaze-reader'}
    external-id: secret
    parts: 2
";
        let targets = read(yaml).unwrap().targets;
        assert_eq!(targets.len(), 2 * 2 * Platform::ALL.len());
        assert_eq!(read(&format!("{yaml}    platforms: [eks]\n")).unwrap().targets.len(), 4);
        assert!(problems(&format!("{yaml}    platforms: []\n"))[0].contains("both"));
        assert_eq!(targets[0].role.as_ref().unwrap().external_id.as_deref(), Some("secret"));
        assert!(!problems(&yaml.replace("iam::999999999999", "iam::111111111111")).is_empty());
    }

    /// Issue 14, point 6: who reads and who changes are two roles.
    #[test]
    fn a_target_has_a_role_to_read_and_perhaps_one_to_change() {
        let yaml = |roles: &str| {
            format!(
                "targets:\n  - account: '999999999999'\n    regions: [eu-west-1]\n    external-id: x\n    roles: {roles}\n"
            )
        };
        let arn = |name: &str| format!("arn:aws:iam::999999999999:role/{name}");
        let both = format!("{{read: '{}', change: '{}'}}", arn("reader"), arn("changer"));
        let target = read(&yaml(&both)).unwrap().targets.remove(0);
        let role_of = |target: &Target| target.role.clone().unwrap().arn;
        assert_eq!(
            (role_of(&target), role_of(&target.clone().for_changes())),
            (arn("reader"), arn("changer"))
        );
        assert_eq!(target.for_changes().role.unwrap().external_id.as_deref(), Some("x"));
        let one = read(&yaml(&format!("{{read: '{}'}}", arn("reader")))).unwrap().targets.remove(0);
        assert_eq!(role_of(&one.for_changes()), arn("reader"));
        for (roles, place) in [
            (format!("{{change: '{}'}}", arn("changer")), "fargaze.yaml:5: target: roles: read: is missing"),
            (
                "{read: nobody, change: nothing}".to_owned(),
                "fargaze.yaml:5: target: roles: change: `nothing` is no arn",
            ),
            ("{reads: x}".to_owned(), "`reads`"),
        ] {
            let found = problems(&yaml(&roles)).join("\n");
            assert!(found.contains(place), "{found}");
        }
    }
}
