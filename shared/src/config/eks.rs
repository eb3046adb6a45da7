//! The section `eks`: what is wished of EKS clusters.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::CONFIG_KEY;
use super::insights::{EXISTING, MAX_CHANGES, cluster_pattern, list, near, number, region_pattern, word};
use super::nearest::nearest;
use super::read::{At, Either, OneOf, Problems, ScalarText};
use crate::cluster::AccountId;
use crate::eks::LogType;
use crate::insights::BlastRadius;
use crate::insights::eks::{
    AddonWish, AwsLoggingWish, EksAspect, EksConfig, EksWishRule, EksWishes, LogsWish,
};
use crate::kubernetes::logging;

const CADVISOR: [&str; 2] = ["none", "proxy"];

/// What is wished of EKS clusters, and how much may be changed at once.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "eks", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawEks {
    /// Say what would be done, and change nothing. Default: false.
    dry_run: Option<At<bool>>,
    /// What to do with clusters that were there before fargaze. Default: report.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["report", "change", null])))]
    existing: Option<At<ScalarText>>,
    /// EKS clusters that one run of one target may change, 1 to 1000. Default: 20.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(min = 1, max = 1000)))]
    max_changes: Option<At<ScalarText>>,
    /// Percent of the target's EKS clusters that one run may change, 1 to 100. Default: 25.
    #[cfg_attr(test, schemars(with = "Option<u32>", range(min = 1, max = 100)))]
    max_percent: Option<At<ScalarText>>,
    /// Whether cAdvisor is asked on the nodes: none, or proxy, which needs a right that lets its holder run commands in every
    /// pod of the cluster. Default: none.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["none", "proxy", null])))]
    cadvisor: Option<At<ScalarText>>,
    /// The first that fits a cluster counts. What an entry leaves out is as built in.
    wishes: Option<At<Vec<At<RawEksRule>>>>,
}

/// Wishes for some EKS clusters.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "eks-wish", deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawEksRule {
    /// Accounts. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    accounts: Option<At<Vec<At<AccountId>>>>,
    /// Patterns of Regions. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    regions: Option<At<Vec<At<String>>>>,
    /// Patterns of cluster names. Default: all.
    #[cfg_attr(test, schemars(length(min = 1)))]
    clusters: Option<At<Vec<At<String>>>>,
    /// Types that are to be on, at least; or report, or leave. Default: report.
    control_plane_logs: Option<Either<ReportText, Vec<At<LogText>>>>,
    /// The add-on metrics-server. Default: install.
    metrics_server: Option<At<AddonText>>,
    /// The add-on amazon-cloudwatch-observability, on EC2 nodes only. Default: report.
    cloudwatch_observability: Option<At<AddonText>>,
    /// The logging of Fargate pods; or report, or leave. Default: report.
    aws_logging: Option<Either<ReportText, RawAwsLogging>>,
    /// Instead of the section's.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["report", "change", null])))]
    existing: Option<At<ScalarText>>,
    /// Instead of the section's.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = ["none", "proxy", null])))]
    cadvisor: Option<At<ScalarText>>,
}

/// Data of the `ConfigMap` `aws-logging` (Amazon EKS User Guide, "Fargate logging").
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "aws-logging", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RawAwsLogging {
    /// Where the logs go: at least one OUTPUT of Fluent Bit.
    #[serde(rename = "output.conf")]
    #[cfg_attr(test, schemars(required, with = "String"))]
    output: Option<At<ScalarText>>,
    /// Filters of Fluent Bit.
    #[serde(rename = "filters.conf")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    filters: Option<At<ScalarText>>,
    /// Parsers of Fluent Bit.
    #[serde(rename = "parsers.conf")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    parsers: Option<At<ScalarText>>,
    /// Whether the router sends its own logs as well.
    #[serde(rename = "flb_log_cw")]
    #[cfg_attr(test, schemars(extend("enum" = ["true", "false", true, false, null])))]
    router: Option<At<ScalarText>>,
}

/// `install`, `report` or `leave`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct AddonText(String);

/// `report` or `leave`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct ReportText(String);

/// A type of control-plane logs.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct LogText(String);

/// The section, checked; every problem of it is added to `problems`.
pub(super) fn check_eks(raw: RawEks, problems: &Problems) -> EksConfig {
    let key = |name: &str| format!("eks: {name}");
    let existing = word(&key("existing"), raw.existing, &EXISTING, problems).unwrap_or_default();
    let cadvisor = word(&key("cadvisor"), raw.cadvisor, &CADVISOR, problems).unwrap_or_default();
    let BlastRadius { max_changes, max_percent } = BlastRadius::default();
    let limits = BlastRadius {
        max_changes: number(&key("max-changes"), raw.max_changes, MAX_CHANGES, problems)
            .unwrap_or(max_changes),
        max_percent: number(&key("max-percent"), raw.max_percent, 100, problems).unwrap_or(max_percent),
    };
    let rules = raw.wishes.and_then(|at| at.value).unwrap_or_default().into_iter();
    let rules = rules.filter_map(|rule| Some(check_rule(rule.line, rule.value?, problems))).collect();
    let mut config = EksConfig::new(existing, rules);
    config.dry_run = raw.dry_run.and_then(|at| at.value).unwrap_or_default();
    config.limits = limits;
    config.cadvisor = cadvisor;
    config
}

fn check_rule(line: u64, rule: RawEksRule, problems: &Problems) -> EksWishRule {
    let built_in = EksWishes::default();
    let addon = |key: &str, raw| addon(&format!("eks-wish: {key}"), raw, problems);
    let names = [
        (EksAspect::MetricsServer, rule.metrics_server.is_some()),
        (EksAspect::CloudwatchObservability, rule.cloudwatch_observability.is_some()),
        (EksAspect::AwsLogging, rule.aws_logging.is_some()),
        (EksAspect::ControlPlaneLogs, rule.control_plane_logs.is_some()),
    ];
    EksWishRule {
        named: names.into_iter().filter(|(_, is_named)| *is_named).map(|(aspect, _)| aspect).collect(),
        accounts: list("eks-wish: accounts", rule.accounts, Ok, problems),
        regions: list("eks-wish: regions", rule.regions, |text| region_pattern(&text), problems),
        clusters: list("eks-wish: clusters", rule.clusters, |text| cluster_pattern(&text), problems),
        wishes: EksWishes {
            control_plane_logs: logs(rule.control_plane_logs, problems)
                .unwrap_or(built_in.control_plane_logs),
            metrics_server: addon("metrics-server", rule.metrics_server).unwrap_or(built_in.metrics_server),
            cloudwatch_observability: addon("cloudwatch-observability", rule.cloudwatch_observability)
                .unwrap_or(built_in.cloudwatch_observability),
            aws_logging: aws_logging(rule.aws_logging, problems).unwrap_or(built_in.aws_logging),
        },
        existing: word("eks-wish: existing", rule.existing, &EXISTING, problems),
        cadvisor: word("eks-wish: cadvisor", rule.cadvisor, &CADVISOR, problems),
        source: format!("{CONFIG_KEY}:{line}"),
    }
}

/// One of a few words.
fn one_of<T: Clone>(
    (line, label): (u64, &str),
    text: &str,
    words: &[(&str, T)],
    problems: &Problems,
) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, wish)| wish.clone());
    if found.is_none() {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let near = nearest(text, known.iter().copied());
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        problems.tell(line, label, format_args!("`{text}` is none of {}{near}", known.join(", ")));
    }
    found
}

fn addon(label: &str, raw: Option<At<AddonText>>, problems: &Problems) -> Option<AddonWish> {
    let At { line, value } = raw?;
    let AddonText(text) = value?;
    let wishes = [AddonWish::Install, AddonWish::Report, AddonWish::Leave];
    let words = ["install", "report", "leave"];
    let words: Vec<_> = words.into_iter().zip(wishes).collect();
    one_of((line, label), &text, &words, problems)
}

fn logs(raw: Option<Either<ReportText, Vec<At<LogText>>>>, problems: &Problems) -> Option<LogsWish> {
    const LABEL: &str = "eks-wish: control-plane-logs";
    let Either { line, value } = raw?;
    let entries = match value? {
        OneOf::Plain(ReportText(text)) => {
            let words = [("report", LogsWish::Report), ("leave", LogsWish::Leave)];
            return one_of((line, LABEL), &text, &words, problems);
        }
        OneOf::Compound(entries) => entries,
    };
    if entries.is_empty() {
        problems.tell(
            line,
            LABEL,
            "the list is empty; write leave to wish nothing, and no wish turns a log off",
        );
    }
    let mut types = BTreeSet::new();
    for At { line, value } in entries {
        let Some(LogText(text)) = value else { continue };
        match text.parse::<LogType>() {
            Ok(log) => {
                types.insert(log);
            }
            Err(error) => problems.tell(line, LABEL, near(error, &text, &LogType::ALL.map(LogType::as_str))),
        }
    }
    Some(LogsWish::AtLeast(types))
}

fn aws_logging(
    raw: Option<Either<ReportText, RawAwsLogging>>,
    problems: &Problems,
) -> Option<AwsLoggingWish> {
    const LABEL: &str = "eks-wish: aws-logging";
    let Either { line, value } = raw?;
    let RawAwsLogging { output, filters, parsers, router } = match value? {
        OneOf::Plain(ReportText(text)) => {
            let words = [("report", AwsLoggingWish::Report), ("leave", AwsLoggingWish::Leave)];
            return one_of((line, LABEL), &text, &words, problems);
        }
        OneOf::Compound(raw) => raw,
    };
    if output.is_none() {
        problems.tell(line, LABEL, "output.conf is missing: without an OUTPUT no log goes anywhere");
    }
    if let Some(At { line, value: Some(ScalarText(text)) }) = &router {
        one_of((*line, "eks-wish: aws-logging: flb_log_cw"), text, &[("true", ()), ("false", ())], problems);
    }
    let keys = [
        ("output.conf", output),
        ("filters.conf", filters),
        ("parsers.conf", parsers),
        ("flb_log_cw", router),
    ];
    let data = keys.into_iter().filter_map(|(key, at)| {
        let ScalarText(text) = at?.value?;
        Some((key.to_owned(), text))
    });
    let data: BTreeMap<_, _> = data.collect();
    check_logging((line, LABEL), &data, problems);
    Some(AwsLoggingWish::Write(data))
}

/// What Fargate would not accept of it; what is missing or no word at all was told before.
fn check_logging((line, label): (u64, &str), data: &BTreeMap<String, String>, problems: &Problems) {
    let labels = BTreeMap::from([(logging::NAMESPACE.to_owned(), "enabled".to_owned())]);
    let told = |problem: &logging::Problem| {
        problem.key == "flb_log_cw" || problem.key == "output.conf" && !data.contains_key("output.conf")
    };
    for problem in logging::check(&labels, data).iter().filter(|problem| !told(problem)) {
        problems.tell(line, label, problem);
    }
}
