//! Rules that cannot fire.

pub(crate) mod model;

use maud::{Markup, html};
use serde_json::json;

use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::list::{NAMED, items, more_in_report};
use crate::text::words::wrap;
use model::RuleLine;

/// Rules without data or matches.
pub(crate) struct Rules;

impl Section for Rules {
    fn head(&self, _: &Report) -> Head {
        Head::new("rules", "Rules", "Rules without data or matches")
    }

    fn mail(&self, view: &View<'_>) -> String {
        let report = view.report;
        let (shown, more) = report.rules.split_at(report.rules.len().min(NAMED));
        let paragraph = |line: &RuleLine| {
            let command = line
                .command()
                .map(|command| format!("    List existing metrics: {command}\n"))
                .unwrap_or_default();
            wrap(&line.sentences(report.time), 2) + &command
        };
        let text: String = shown.iter().map(paragraph).collect();
        text + &more_in_report(more.len())
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let report = view.report;
        html! {
            @if !report.rules.is_empty() {
                (items(report.rules.iter().map(|line| html! {
                    (line.sentences(report.time))
                    @if let Some(command) = line.command() { " " code { (command) } }
                })))
            }
        }
    }

    fn json(&self, report: &Report) -> Members {
        vec![("rules", json!(report.rules))]
    }
}
