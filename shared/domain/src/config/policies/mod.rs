//! The sections `limits`, `policies` and `eks`: how much may change, the desired value of each
//! aspect, and additional data to read.

mod aspects;
mod read_from;
mod retention;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use super::CONFIG_KEY;
use super::read::{At, Either, Problems, ScalarText};
use crate::model::cluster::{AccountId, BadName, ClusterName, Region};
use crate::model::run::Platform;
use crate::reconcile::{Aspect, Existing, Limits, Policies, Policy, SubjectKind};
use crate::rules::pattern::{Match, NamePattern};
use crate::text::nearest::nearest;

pub(super) use aspects::{AddonText, LogText, RawLevel, ReportText};
use aspects::{Named, RawAwsLogging, addon, aws_logging, level, logs};
pub(super) use read_from::{RawRead, check_reads};
#[cfg(test)]
pub(super) use retention::DAYS;
pub(super) use retention::RawRetention;
use retention::retention;

/// The upper bound of `max-changes`.
const MAX_CHANGES: u32 = 1000;

/// How much fargaze may change, whatever the policies say.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(rename = "limits", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawLimits {
    /// Report what would be done and what it would cost, and change nothing. Default: false.
    dry_run: Option<At<bool>>,
    /// What to do with clusters that existed before fargaze. Default: report.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["report", "change", null])))]
    existing: Option<At<ScalarText>>,
    /// Clusters that one run of one target may change, 1 to 1000. Default: 20.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(min = 1, max = 1000)))]
    max_changes: Option<At<ScalarText>>,
    /// Percent of the target's clusters that one run may change, 1 to 100. Default: 25.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(min = 1, max = 100)))]
    max_percent: Option<At<ScalarText>>,
}

/// The desired state of the subjects that it matches. For each aspect, the first policy that
/// matches and names it decides.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "policy", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawPolicy {
    /// The subjects that it applies to. Default: all.
    #[serde(rename = "match")]
    matches: Option<At<RawMatch>>,
    /// Leave everything that it matches alone. Default: false.
    hands_off: Option<At<bool>>,
    /// Container Insights of ECS clusters: leave, off-is-fine, at-least-enabled, at-least-enhanced,
    /// or exactly one level.
    container_insights: Option<At<RawLevel>>,
    /// The account's Container Insights default in each Region: leave, at-least-enabled or
    /// at-least-enhanced.
    account_default: Option<At<RawLevel>>,
    /// The add-on metrics-server on EKS clusters.
    metrics_server: Option<At<AddonText>>,
    /// The add-on amazon-cloudwatch-observability on EKS clusters, for EC2 nodes only.
    cloudwatch_observability: Option<At<AddonText>>,
    /// Types of control-plane logs of EKS clusters that must be on, at least; or report, or leave.
    control_plane_logs: Option<Either<ReportText, Vec<At<LogText>>>>,
    /// Logging of Fargate pods on EKS clusters; or report, or leave.
    aws_logging: Option<Either<ReportText, RawAwsLogging>>,
    /// Days after which the events of log groups expire: of new groups that have none, or exactly of
    /// all groups, which deletes events for good; or leave.
    log_retention: Option<At<RawRetention>>,
    /// What to do with clusters that existed before fargaze; overrides the setting in the limits.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["report", "change", null])))]
    existing: Option<At<ScalarText>>,
}

/// The subjects that a policy applies to.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(rename = "match", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawMatch {
    /// Accounts. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    accounts: Option<At<Vec<At<AccountId>>>>,
    /// Region patterns. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    regions: Option<At<Vec<At<String>>>>,
    /// Cluster name patterns. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    clusters: Option<At<Vec<At<String>>>>,
    /// Platforms. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    platforms: Option<At<Vec<At<Platform>>>>,
    /// Log group patterns, for log-retention only. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    log_groups: Option<At<Vec<At<String>>>>,
}

/// Both sections, validated; every problem is added to `problems`.
pub(super) fn check_policies(
    limits: Option<RawLimits>,
    policies: Vec<At<RawPolicy>>,
    problems: &Problems,
) -> Policies {
    let entries = policies.into_iter();
    let entries = entries.filter_map(|entry| Some(check_policy(entry.line, entry.value?, problems)));
    Policies { entries: entries.collect(), limits: check_limits(limits.unwrap_or_default(), problems) }
}

fn check_limits(raw: RawLimits, problems: &Problems) -> Limits {
    let RawLimits { dry_run, existing, max_changes, max_percent } = raw;
    let default = Limits::default();
    Limits {
        dry_run: dry_run.and_then(|at| at.value).unwrap_or(default.dry_run),
        existing: existing_of("limits", existing, problems).unwrap_or(default.existing),
        max_changes: number("limits: max-changes", max_changes, MAX_CHANGES, problems)
            .unwrap_or(default.max_changes),
        max_percent: number("limits: max-percent", max_percent, 100, problems).unwrap_or(default.max_percent),
    }
}

fn check_policy(line: u64, raw: RawPolicy, problems: &Problems) -> Policy {
    let matches = check_match(raw.matches, problems);
    let named = [
        level(Aspect::ContainerInsights, raw.container_insights, problems),
        level(Aspect::AccountDefault, raw.account_default, problems),
        addon(Aspect::MetricsServer, raw.metrics_server, problems),
        addon(Aspect::CloudwatchObservability, raw.cloudwatch_observability, problems),
        logs(raw.control_plane_logs, problems),
        aws_logging(raw.aws_logging, problems),
        retention(raw.log_retention, problems),
    ];
    let named: Vec<Named> = named.into_iter().flatten().collect();
    let hands_off = raw.hands_off.as_ref().and_then(|at| at.value).unwrap_or_default();
    for Named { aspect, line, .. } in &named {
        if let Some(why) = never_applies(*aspect, &matches, hands_off) {
            problems.add(*line, &format!("policy: {aspect}"), why);
        }
    }
    if named.is_empty() && !hands_off {
        let keys: Vec<&str> = Aspect::ALL.iter().map(|aspect| aspect.as_str()).collect();
        problems.add(
            line,
            "policy",
            format_args!("names no aspect: write hands-off: true, or one of {}", keys.join(", ")),
        );
    }
    let desired = named.into_iter().filter_map(|named| Some((named.aspect, named.desired?))).collect();
    let existing = existing_of("policy", raw.existing, problems);
    Policy { matches, desired, hands_off, existing, source: format!("{CONFIG_KEY}:{line}") }
}

/// Why a policy can never apply to an aspect that it names.
fn never_applies(aspect: Aspect, matches: &Match, hands_off: bool) -> Option<String> {
    let platform = aspect.kind().platform();
    let platforms = matches.platforms.as_ref();
    if hands_off {
        Some("hands-off leaves everything alone that the policy matches; remove one of the two".to_owned())
    } else if aspect.kind() == SubjectKind::LogGroup {
        let is_of_clusters = matches.clusters.is_some() || platforms.is_some();
        let why = "applies to log groups, which belong to no cluster or platform: match log-groups, accounts and regions";
        is_of_clusters.then(|| why.to_owned())
    } else if matches.log_groups.is_some() {
        Some("the policy matches log groups, and only log-retention applies to these".to_owned())
    } else if aspect.kind() == SubjectKind::Account && matches.clusters.is_some() {
        Some(
            "applies to an account and Region, but the policy matches clusters: match accounts and regions"
                .to_owned(),
        )
    } else if platforms.is_some_and(|platforms| !platforms.contains(&platform)) {
        Some(format!("applies to {}, which is not among the platforms of the policy", platform.as_str()))
    } else {
        None
    }
}

fn check_match(raw: Option<At<RawMatch>>, problems: &Problems) -> Match {
    let RawMatch { accounts, regions, clusters, platforms, log_groups } =
        raw.and_then(|at| at.value).unwrap_or_default();
    Match {
        accounts: list("match: accounts", accounts, Ok, problems),
        regions: list("match: regions", regions, |text| region_pattern(&text), problems),
        clusters: list("match: clusters", clusters, |text| cluster_pattern(&text), problems),
        platforms: list("match: platforms", platforms, Ok, problems),
        log_groups: list("match: log-groups", log_groups, |text| log_group_pattern(&text), problems),
    }
}

fn existing_of(section: &str, raw: Option<At<ScalarText>>, problems: &Problems) -> Option<Existing> {
    word(&format!("{section}: existing"), raw, &["report", "change"], problems)
}

/// Reads a word, if given.
fn word<T: FromStr<Err: fmt::Display>>(
    key: &str,
    raw: Option<At<ScalarText>>,
    words: &[&str],
    problems: &Problems,
) -> Option<T> {
    let At { line, value } = raw?;
    let ScalarText(text) = value?;
    text.parse().map_err(|error| problems.add(line, key, near(error, &text, words))).ok()
}

fn near(error: impl fmt::Display, text: &str, words: &[&str]) -> String {
    let near = nearest(text, words.iter().copied());
    near.map_or_else(|| error.to_string(), |near| format!("{error}; did you mean `{near}`?"))
}

/// Reads a number within its limits.
fn number(key: &str, raw: Option<At<ScalarText>>, most: u32, problems: &Problems) -> Option<u32> {
    let At { line, value } = raw?;
    let ScalarText(text) = value?;
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    if number.is_none() {
        problems.add(line, key, format_args!("`{text}` is not a whole number from 1 to {most}"));
    }
    number
}

/// Reads the entries of a list, which must not be empty.
fn list<R, T>(
    key: &str,
    raw: Option<At<Vec<At<R>>>>,
    read: impl Fn(R) -> Result<T, BadName>,
    problems: &Problems,
) -> Option<Vec<T>> {
    let At { line, value } = raw?;
    let entries = value?;
    if entries.is_empty() {
        problems.add(line, key, "the list is empty; leave the key out to mean all of them");
    }
    let mut good = Vec::new();
    for At { line, value } in entries {
        match value.map(&read) {
            Some(Ok(value)) => good.push(value),
            Some(Err(error)) => problems.add(line, key, error),
            None => {}
        }
    }
    Some(good)
}

/// A pattern that can match a Region.
fn region_pattern(text: &str) -> Result<NamePattern, BadName> {
    let fits = |c: char| c == '*' || c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.contains('*') {
        text.parse::<Region>()?;
    } else if !text.chars().all(fits) {
        return Err(BadName {
            text: text.to_owned(),
            what: "Region pattern",
            expected: "a code such as eu-west-1, with * for any part",
        });
    }
    Ok(NamePattern::new(text))
}

/// A pattern that can match a cluster name.
fn cluster_pattern(text: &str) -> Result<NamePattern, BadName> {
    text.replace('*', "x").parse::<ClusterName>().map_err(|_| BadName {
        text: text.to_owned(),
        what: "cluster name pattern",
        expected: "letters, digits, hyphens and underscores, with * for any part",
    })?;
    Ok(NamePattern::new(text))
}

/// A pattern that can match a log group (Amazon `CloudWatch` Logs API, `CreateLogGroup`).
pub(super) fn log_group_pattern(text: &str) -> Result<NamePattern, BadName> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '-' | '_' | '.' | '/' | '#');
    if text.is_empty() || text.len() > 512 || !text.chars().all(fits) {
        return Err(BadName {
            text: text.to_owned(),
            what: "pattern of log groups",
            expected: "up to 512 letters, digits and . - _ / #, with * for any part",
        });
    }
    Ok(NamePattern::new(text))
}
