//! Rules that need cAdvisor, in a file that does not enable it.

use std::str::FromStr;

use super::super::read::{At, OneOf, Problems};
use super::raw::{RawRule, WhatText};
use crate::rules::{Measure, ReadFrom};

/// Reports each rule that can never fire because cAdvisor is not enabled.
pub(in crate::config) fn check(rules: &[At<RawRule>], problems: &Problems) {
    for raw in rules.iter().filter_map(|rule| rule.value.as_ref()) {
        let Some(what) = &raw.what else { continue };
        let Some(OneOf::Plain(WhatText(text))) = &what.value else { continue };
        let sampled = Measure::from_str(text).ok().and_then(|measure| measure.sampled());
        if sampled.is_some_and(|sampled| sampled.from == ReadFrom::Cadvisor) {
            let name = raw.name.as_ref().and_then(|name| name.value.as_deref());
            let label = name.map_or_else(|| "rule".to_owned(), |name| format!("rule `{name}`"));
            let why = format_args!(
                "`{text}` comes from cAdvisor, which is not enabled for any cluster: add an entry with `cadvisor: proxy` below \
                 `eks:`; docs/eks.md describes the permission it needs"
            );
            problems.add(what.line, &format!("{label}: what"), why);
        }
    }
}
