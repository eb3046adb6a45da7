//! The section `rules`: what to judge.

mod cadvisor;
mod check;
mod raw;
mod unless;
mod what;

use std::collections::BTreeMap;

use super::read::{At, Problems};
use crate::rule::AlarmRule;

pub(in crate::config) use cadvisor::check as check_cadvisor;
pub(in crate::config) use raw::RawRule;
#[cfg(test)]
pub(in crate::config) use raw::{RemindText, StatisticText, WhatText};

/// Periods that a rule may look at: its evaluation range must fit into the longest window of an alarms run.
const MAX_EVALUATION_PERIODS: u32 = 60;

/// All rules of the file that can be judged, each with a name of its own.
pub(super) fn check_rules(rules: Vec<At<RawRule>>, problems: &Problems) -> Vec<AlarmRule> {
    let rules: Vec<(u64, RawRule)> =
        rules.into_iter().filter_map(|rule| rule.value.map(|raw| (rule.line, raw))).collect();
    let mut first_lines = BTreeMap::new();
    for (line, raw) in &rules {
        let Some(At { line: at, value: Some(name) }) = &raw.name else { continue };
        if let Some(first) = first_lines.insert(name.as_str(), *line) {
            let why = format!("another rule has the same name, in line {first}; names must be unique");
            problems.tell(*at, &format!("rule `{name}`: name"), why);
        }
    }
    unless::check(&rules, problems);
    rules.into_iter().filter_map(|(line, raw)| check::rule(line, raw, problems)).collect()
}
