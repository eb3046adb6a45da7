//! The user's file `fargaze.yaml`: targets, rules and policies. Unknown keys are errors, and all
//! problems are reported at once.

mod logs;
mod policies;
mod read;
mod rules;
#[cfg(test)]
mod schema;
mod targets;
mod tree;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::evidence::eks::EksReads;
use crate::logs::query::LogSettings;
use crate::model::cluster::{AccountId, Region};
use crate::model::run::{Part, Platform, Target};
use crate::reconcile::Policies;
use crate::rules::{AlarmRule, SourceKind};

use logs::{RawBudget, RawLogs, check_logs};
use policies::{RawLimits, RawPolicy, RawRead, check_policies, check_reads};
use read::{At, Problems, read};
use rules::{BuiltInRules, RawRule, check_cadvisor, check_rules};
pub use targets::MAX_TARGETS;
use targets::{RawTarget, check_targets};
use tree::Node;

/// Key of the user's file in the stack's bucket.
pub const CONFIG_KEY: &str = "fargaze.yaml";

/// The built-in rules, in the format of that file: they apply unless the file replaces them or
/// turns them off.
pub const DEFAULT_YAML: &str = include_str!("default.yaml");

/// The validated user's file.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The targets; the home account and Region if the file names none.
    pub targets: Vec<Target>,
    /// The alarm rules: those of [`DEFAULT_YAML`] and those of the file.
    pub rules: Vec<AlarmRule>,
    /// What fargaze may change, and the desired values; the built-in policies if the file has none.
    pub policies: Policies,
    /// Additional data to read from EKS clusters.
    pub eks: EksReads,
    /// Saved queries of logs.
    pub logs: LogSettings,
}

/// All problems of the file, one sentence each, with their lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct BadConfig(pub Vec<String>);

/// fargaze.yaml: the targets to watch, the rules to evaluate, and the desired state of clusters.
/// Every section is optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RawConfig {
    /// The targets to watch. Default: the stack's own account and Region.
    #[cfg_attr(test, schemars(length(min = 1)))]
    targets: Option<At<Vec<At<RawTarget>>>>,
    /// Whether the built-in rules apply in addition to those of this file: keep or none. Default:
    /// keep.
    built_in_rules: Option<At<BuiltInRules>>,
    /// Rules in addition to the built-in ones. A rule with the name of a built-in rule replaces it.
    rules: Option<At<Vec<At<RawRule>>>>,
    /// How much fargaze may change. Default: 20 clusters and 25 percent of a target in one run.
    limits: Option<At<RawLimits>>,
    /// The desired state of clusters. For each aspect, the first policy that matches and names it
    /// decides; the built-in ones come last.
    policies: Option<At<Vec<At<RawPolicy>>>>,
    /// Additional data to read from EKS clusters. Default: none.
    eks: Option<At<Vec<At<RawRead>>>>,
    /// Saved queries of logs, and whether messages may have log lines. Default: none.
    logs: Option<At<RawLogs>>,
    /// What fargaze may spend on queries of logs. Default: no limit.
    budget: Option<At<RawBudget>>,
}

impl Config {
    /// The configuration if there is no user's file.
    pub fn built_in(account: &AccountId, region: &Region) -> Result<Self, BadConfig> {
        Self::read(DEFAULT_YAML, account, region)
    }

    /// How far back an alarms run must query CloudWatch so that points arriving up to `late` late
    /// are evaluated, each on its whole evaluation range. Another half of `late` covers the periods
    /// for which no point is expected any more, so that runs on a schedule up to half as slow find
    /// them. EKS samples are kept longer if their rules need it: they cannot be queried again.
    pub fn lookback(&self, late: SignedDuration) -> SignedDuration {
        late + late / 2 + longest_range(&self.rules, Platform::Ecs)
    }

    /// Reads the user's file. `account` and `region` are the stack's own: the target if the file
    /// names none, and the account that needs no role.
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
        let limits = raw.limits.and_then(|at| at.value);
        let policies = raw.policies.and_then(|at| at.value).unwrap_or_default();
        let policies = check_policies(limits, policies, &problems);
        let eks = check_reads(raw.eks.and_then(|at| at.value).unwrap_or_default(), &problems);
        let own = raw.rules.and_then(|at| at.value).unwrap_or_default();
        if !eks.reads_cadvisor() {
            check_cadvisor(&own, &problems);
        }
        let built_in = raw.built_in_rules.and_then(|at| at.value).unwrap_or_default();
        let budget = raw.budget.and_then(|at| at.value);
        let logs = check_logs(raw.logs.and_then(|at| at.value).unwrap_or_default(), budget, &problems);
        let rules = check_rules(own, built_in_rules(built_in)?, &logs, &problems);
        all_good(problems, Self { targets, rules, policies, eks, logs })
    }
}

/// The largest number of samples that one verdict of these rules uses.
pub fn most_samples(rules: &[AlarmRule]) -> usize {
    let sampled = rules.iter().filter(|rule| rule.measure.sampled().is_some());
    sampled.map(|rule| rule.condition.evaluation_range()).max().unwrap_or(0)
}

/// The longest time range that one verdict of these rules uses. Rules with the ECS API as their
/// only source do not count: it has no history.
pub fn longest_range(rules: &[AlarmRule], platform: Platform) -> SignedDuration {
    let has_history = |rule: &&AlarmRule| rule.sources().any(|source| source.kind() != SourceKind::EcsApi);
    let of_platform = rules.iter().filter(|rule| rule.platform() == platform).filter(has_history);
    of_platform.map(AlarmRule::range).max().unwrap_or_default()
}

/// Reads only the rules of the user's file, for callers that already have their target.
pub fn read_rules(yaml: &str) -> Result<Vec<AlarmRule>, BadConfig> {
    let tree = parse_yaml(yaml)?;
    let problems = Problems::default();
    let own = rules_of(&tree, &problems);
    let built_in: Option<Option<BuiltInRules>> =
        tree.get("built-in-rules").and_then(|node| read(node, "built-in-rules", &problems));
    let logs = logs_of(&tree, &problems);
    let built_in = built_in_rules(built_in.flatten().unwrap_or_default())?;
    let rules = check_rules(own, built_in, &logs, &problems);
    all_good(problems, rules)
}

/// The rules of a file, as written.
fn rules_of(tree: &Node, problems: &Problems) -> Vec<At<RawRule>> {
    let section: Option<Option<Vec<At<RawRule>>>> =
        tree.get("rules").and_then(|node| read(node, "rules", problems));
    section.flatten().unwrap_or_default()
}

/// The built-in rules as written, if they apply.
fn built_in_rules(choice: BuiltInRules) -> Result<Vec<At<RawRule>>, BadConfig> {
    if choice == BuiltInRules::None {
        return Ok(Vec::new());
    }
    let problems = Problems::default();
    let rules = rules_of(&parse_yaml(DEFAULT_YAML)?, &problems);
    all_good(problems, rules)
}

/// Reads only the policies and limits of the user's file, for callers that already have their
/// target.
pub fn read_policies(yaml: &str) -> Result<Policies, BadConfig> {
    let tree = parse_yaml(yaml)?;
    let problems = Problems::default();
    let limits: Option<Option<RawLimits>> =
        tree.get("limits").and_then(|node| read(node, "limits", &problems));
    let policies: Option<Option<Vec<At<RawPolicy>>>> =
        tree.get("policies").and_then(|node| read(node, "policies", &problems));
    let policies = check_policies(limits.flatten(), policies.flatten().unwrap_or_default(), &problems);
    all_good(problems, policies)
}

/// Reads only the section `eks` of the user's file, for callers that already have their target.
pub fn read_eks(yaml: &str) -> Result<EksReads, BadConfig> {
    let tree = parse_yaml(yaml)?;
    let problems = Problems::default();
    let section: Option<Option<Vec<At<RawRead>>>> =
        tree.get("eks").and_then(|node| read(node, "eks", &problems));
    let eks = check_reads(section.flatten().unwrap_or_default(), &problems);
    all_good(problems, eks)
}

/// Reads only the sections `logs` and `budget` of the user's file, for callers that already have
/// their target.
pub fn read_logs(yaml: &str) -> Result<LogSettings, BadConfig> {
    let tree = parse_yaml(yaml)?;
    let problems = Problems::default();
    let logs = logs_of(&tree, &problems);
    all_good(problems, logs)
}

fn logs_of(tree: &Node, problems: &Problems) -> LogSettings {
    let logs: Option<Option<RawLogs>> = tree.get("logs").and_then(|node| read(node, "logs", problems));
    let budget: Option<Option<RawBudget>> =
        tree.get("budget").and_then(|node| read(node, "budget", problems));
    check_logs(logs.flatten().unwrap_or_default(), budget.flatten(), problems)
}

fn all_good<T>(problems: Problems, value: T) -> Result<T, BadConfig> {
    let sentences = problems.into_sentences();
    if sentences.is_empty() { Ok(value) } else { Err(BadConfig(sentences)) }
}

/// Parses the file. If it is not valid YAML, the only problem is where parsing ends.
fn parse_yaml(yaml: &str) -> Result<Node, BadConfig> {
    let options = serde_saphyr::options! {
        // Reported by `read`, together with all other problems.
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

/// The sentence of a parser error is its first line; an excerpt of the file may follow.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

#[cfg(test)]
mod tests;
