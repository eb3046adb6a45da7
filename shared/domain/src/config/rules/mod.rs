//! The section `rules`: the alarm rules.

mod cadvisor;
mod check;
mod classes;
mod log_query;
mod raw;
mod service_keys;
mod unless;
mod what;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::read::{At, Problems};
use crate::logs::query::LogSettings;
use crate::rules::AlarmRule;
use crate::text::nearest::hint;

pub(in crate::config) use cadvisor::check as check_cadvisor;
pub(in crate::config) use raw::RawRule;
#[cfg(test)]
pub(in crate::config) use raw::{RemindText, StatisticText, WhatText};

/// The maximum number of evaluation periods of a rule: its evaluation range must fit into the
/// longest window of an alarms run.
const MAX_EVALUATION_PERIODS: u32 = 60;

/// Whether the built-in rules apply in addition to those of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "built-in-rules"))]
pub(in crate::config) enum BuiltInRules {
    /// They do, except those that the file replaces or turns off.
    #[default]
    Keep,
    /// Only the rules of the file apply.
    None,
}

/// All valid rules, with unique names: the built-in ones that the file neither replaces nor turns
/// off, and those of the file.
pub(super) fn check_rules(
    own: Vec<At<RawRule>>,
    built_in: Vec<At<RawRule>>,
    logs: &LogSettings,
    problems: &Problems,
) -> Vec<AlarmRule> {
    let own = with_lines(own);
    check_names(&own, problems);
    let mut built_in = with_lines(built_in);
    check_turned_off(&own, &built_in, problems);
    built_in.retain(|(_, raw)| !own.iter().any(|(_, own)| own.name() == raw.name()));
    let (own, off): (Vec<_>, Vec<_>) = own.into_iter().partition(|(_, raw)| raw.is_enabled());
    unless::check(&own, &built_in, &off, problems);
    unless::drop_unknown(&mut built_in, &own);
    let all = built_in.into_iter().chain(own);
    all.filter_map(|(line, raw)| check::rule(line, raw, logs, problems)).collect()
}

/// The rules that could be read, with their lines.
fn with_lines(rules: Vec<At<RawRule>>) -> Vec<(u64, RawRule)> {
    rules.into_iter().filter_map(|rule| rule.value.map(|raw| (rule.line, raw))).collect()
}

/// A rule that is turned off must exist: as a built-in rule, or defined in full in the file.
fn check_turned_off(own: &[(u64, RawRule)], built_in: &[(u64, RawRule)], problems: &Problems) {
    let known: Vec<&str> = built_in.iter().filter_map(|(_, raw)| raw.name()).collect();
    for (line, raw) in own.iter().filter(|(_, raw)| !raw.is_enabled() && raw.what.is_none()) {
        // If no built-in rule applies, turning one off has no effect and is no problem.
        let Some(name) = raw.name().filter(|name| !known.is_empty() && !known.contains(name)) else {
            continue;
        };
        let why = format!("there is no built-in rule with this name to turn off: {}", hint(name, &known));
        problems.add(*line, &format!("rule `{name}`: enabled"), why);
    }
}

/// Reports duplicate names.
fn check_names(rules: &[(u64, RawRule)], problems: &Problems) {
    let mut first_lines = BTreeMap::new();
    for (line, raw) in rules {
        let Some(At { line: at, value: Some(name) }) = &raw.name else { continue };
        if let Some(first) = first_lines.insert(name.as_str(), *line) {
            let why = format!("another rule has the same name, on line {first}; names must be unique");
            problems.add(*at, &format!("rule `{name}`: name"), why);
        }
    }
}
