//! What was checked, and what could not be queried.

pub(crate) mod collect;
pub(crate) mod model;

use maud::{Markup, html};
use serde_json::json;

use crate::outcome::{answers, with_subjects};
use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::list::{items, named};
use crate::text::words::{count, wrap};
use model::{Problem, ReportCoverage};

/// What was checked.
pub(crate) struct Coverage;

impl Section for Coverage {
    fn head(&self, _: &Report) -> Head {
        Head::new("coverage", "Coverage", "Coverage")
    }

    fn mail(&self, view: &View<'_>) -> String {
        let problems = view.report.coverage.problems.iter().map(Problem::sentence);
        wrap(&checked(view.report), 2) + &named(problems)
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let problems = &view.report.coverage.problems;
        html! {
            p { (checked(view.report)) }
            @if problems.is_empty() {
                p class="well" { "All queries were answered." }
            } @else {
                (items(problems.iter().map(|problem| html! { (problem.sentence()) })))
            }
        }
    }

    fn json(&self, report: &Report) -> Members {
        let coverage = ReportCoverage { problems: Vec::new(), ..report.coverage.clone() };
        let mut coverage = json!(coverage);
        coverage.as_object_mut().map(|members| members.remove("problems"));
        vec![("coverage", coverage), ("problems", json!(report.coverage.problems))]
    }
}

/// How much was checked.
fn checked(report: &Report) -> String {
    let (coverage, fleet) = (&report.coverage, &report.fleet);
    let ReportCoverage { targets, targets_seen, clusters, clusters_seen, .. } = *coverage;
    if targets_seen == 0 && targets > 0 {
        return format!("Checked nothing: {} could not be read.", count(targets, "target"));
    }
    let mut text = format!("Checked {clusters_seen} of {}", count(clusters, "cluster"));
    if targets > 1 {
        text.push_str(&format!(" in {targets_seen} of {targets} targets"));
    }
    text + &with_subjects(fleet.services, fleet.workloads()) + &answers(&coverage.answers())
}
