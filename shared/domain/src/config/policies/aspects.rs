//! The values that a policy may give to each aspect.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::near;
use crate::config::read::{At, Either, OneOf, Problems, ScalarText};
use crate::evidence::eks::LogType;
use crate::kubernetes::logging;
use crate::reconcile::{Aspect, Desired};
use crate::text::nearest::nearest;

/// The desired level of Container Insights, on one line: a word, or a key and its value.
#[derive(Debug, Clone)]
pub(in crate::config) struct RawLevel(String);

impl<'de> Deserialize<'de> for RawLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrPair;
        impl<'de> Visitor<'de> for WordOrPair {
            type Value = RawLevel;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "one of {}", Desired::LEVEL_WORDS)
            }
            fn visit_str<E>(self, text: &str) -> Result<RawLevel, E> {
                Ok(RawLevel(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawLevel, A::Error> {
                let mut pairs = Vec::new();
                while let Some((key, ScalarText(value))) = map.next_entry::<String, ScalarText>()? {
                    pairs.push(format!("{key}: {value}"));
                }
                Ok(RawLevel(pairs.join(", ")))
            }
        }
        deserializer.deserialize_any(WordOrPair)
    }
}

/// Data of the `ConfigMap` `aws-logging` (Amazon EKS User Guide, "Fargate logging").
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename = "aws-logging", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::config) struct RawAwsLogging {
    /// Where logs are sent: at least one Fluent Bit OUTPUT.
    #[serde(rename = "output.conf")]
    #[cfg_attr(test, schemars(required, with = "String"))]
    output: Option<At<ScalarText>>,
    /// Fluent Bit filters.
    #[serde(rename = "filters.conf")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    filters: Option<At<ScalarText>>,
    /// Fluent Bit parsers.
    #[serde(rename = "parsers.conf")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    parsers: Option<At<ScalarText>>,
    /// Whether the log router also sends its own logs.
    #[serde(rename = "flb_log_cw")]
    #[cfg_attr(test, schemars(extend("enum" = ["true", "false", true, false, null])))]
    router: Option<At<ScalarText>>,
}

/// `install`, `report` or `leave`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct AddonText(String);

/// `report` or `leave`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct ReportText(String);

/// A type of control-plane logs.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct LogText(String);

/// An aspect that a policy names.
pub(super) struct Named {
    pub(super) aspect: Aspect,
    pub(super) line: u64,
    /// The desired value; `None` if it has a problem.
    pub(super) desired: Option<Desired>,
}

impl Named {
    /// `read` receives the value and the place for messages.
    pub(super) fn new<T>(
        aspect: Aspect,
        (line, value): (u64, Option<T>),
        read: impl FnOnce(T, (u64, &str)) -> Option<Desired>,
    ) -> Self {
        let desired = value.and_then(|value| read(value, (line, &format!("policy: {aspect}"))));
        Self { aspect, line, desired }
    }
}

/// One of a few words.
fn one_of<T: Clone>(
    (line, label): (u64, &str),
    text: &str,
    words: &[(&str, T)],
    problems: &Problems,
) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| meaning.clone());
    if found.is_none() {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let near = nearest(text, known.iter().copied());
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        problems.add(line, label, format_args!("`{text}` is not one of {}{near}", known.join(", ")));
    }
    found
}

/// The desired Container Insights level of a cluster, or the account default, which is never
/// lowered.
pub(super) fn level(aspect: Aspect, raw: Option<At<RawLevel>>, problems: &Problems) -> Option<Named> {
    let At { line, value } = raw?;
    Some(Named::new(aspect, (line, value), |RawLevel(text), place| {
        if aspect == Aspect::AccountDefault {
            let words = ["leave", "at-least-enabled", "at-least-enhanced"];
            let words = words.map(|word| (word, word.parse::<Desired>().ok()));
            return one_of(place, &text, &words, problems).flatten();
        }
        text.parse().map_err(|error| problems.add(place.0, place.1, near(error, &text, &LEVELS))).ok()
    }))
}

const LEVELS: [&str; 7] = [
    "leave",
    "off-is-fine",
    "at-least-enabled",
    "at-least-enhanced",
    "exactly: enabled",
    "exactly: enhanced",
    "exactly: disabled",
];

pub(super) fn addon(aspect: Aspect, raw: Option<At<AddonText>>, problems: &Problems) -> Option<Named> {
    let words = [("install", Desired::Installed), ("report", Desired::Report), ("leave", Desired::Leave)];
    let At { line, value } = raw?;
    Some(Named::new(aspect, (line, value), |AddonText(text), place| one_of(place, &text, &words, problems)))
}

fn report_or_leave(text: &str, place: (u64, &str), problems: &Problems) -> Option<Desired> {
    one_of(place, text, &[("report", Desired::Report), ("leave", Desired::Leave)], problems)
}

pub(super) fn logs(raw: Option<Either<ReportText, Vec<At<LogText>>>>, problems: &Problems) -> Option<Named> {
    let Either { line, value } = raw?;
    Some(Named::new(Aspect::ControlPlaneLogs, (line, value), |value, place| match value {
        OneOf::Plain(ReportText(text)) => report_or_leave(&text, place, problems),
        OneOf::Compound(entries) => Some(Desired::Logs(log_types(entries, place, problems))),
    }))
}

fn log_types(
    entries: Vec<At<LogText>>,
    (line, label): (u64, &str),
    problems: &Problems,
) -> BTreeSet<LogType> {
    if entries.is_empty() {
        problems.add(
            line,
            label,
            "the list is empty; write leave to leave them alone: no policy turns a log off",
        );
    }
    let mut types = BTreeSet::new();
    for At { line, value } in entries {
        let Some(LogText(text)) = value else { continue };
        match text.parse::<LogType>() {
            Ok(log) => {
                types.insert(log);
            }
            Err(error) => problems.add(line, label, near(error, &text, &LogType::ALL.map(LogType::as_str))),
        }
    }
    types
}

pub(super) fn aws_logging(
    raw: Option<Either<ReportText, RawAwsLogging>>,
    problems: &Problems,
) -> Option<Named> {
    let Either { line, value } = raw?;
    Some(Named::new(Aspect::AwsLogging, (line, value), |value, place| match value {
        OneOf::Plain(ReportText(text)) => report_or_leave(&text, place, problems),
        OneOf::Compound(raw) => Some(Desired::ConfigMap(config_map(raw, place, problems))),
    }))
}

fn config_map(
    raw: RawAwsLogging,
    (line, label): (u64, &str),
    problems: &Problems,
) -> BTreeMap<String, String> {
    let RawAwsLogging { output, filters, parsers, router } = raw;
    if output.is_none() {
        problems.add(line, label, "output.conf is missing: without an OUTPUT no logs are sent");
    }
    if let Some(At { line, value: Some(ScalarText(text)) }) = &router {
        one_of((*line, "policy: aws-logging: flb_log_cw"), text, &[("true", ()), ("false", ())], problems);
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
    check_logging((line, label), &data, problems);
    data
}

/// Adds what Fargate would not accept. A missing output and a bad word have been reported before.
fn check_logging((line, label): (u64, &str), data: &BTreeMap<String, String>, problems: &Problems) {
    let labels = BTreeMap::from([(logging::NAMESPACE.to_owned(), "enabled".to_owned())]);
    let is_reported = |problem: &logging::Problem| {
        problem.key == "flb_log_cw" || problem.key == "output.conf" && !data.contains_key("output.conf")
    };
    for problem in logging::check(&labels, data).iter().filter(|problem| !is_reported(problem)) {
        problems.add(line, label, problem);
    }
}
