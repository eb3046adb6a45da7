//! Changes since the previous report, and targets that became unreadable or readable again.

pub(crate) mod compare;
pub(crate) mod model;

use maud::{Markup, html};
use serde_json::json;

use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::list::named;
use crate::report::show::table;
use crate::text::words::{span, wrap};
use model::{Difference, ReachChange};

/// What changed.
pub(crate) struct Changes;

impl Section for Changes {
    fn head(&self, _: &Report) -> Head {
        Head::new("changes", "Changes", "Changes since the last report")
    }

    fn mail(&self, view: &View<'_>) -> String {
        let report = view.report;
        let coverage = report.coverage_changes.iter().map(|ReachChange { target, since, why, .. }| {
            wrap(
                &match why {
                    Some(why) => format!("CANNOT READ {target}: {why}."),
                    None => format!("CAN READ {target} again, after {}.", span(*since, report.time)),
                },
                2,
            )
        });
        let differences = report.since.iter().flat_map(|since| &since.differences);
        let differences = differences.map(|difference| {
            let place = view.place(&difference.account, &difference.region);
            let detail = difference.detail.as_ref().map(|detail| format!(", {detail}")).unwrap_or_default();
            format!("{}: {}{place}{detail}", difference.words(), difference.subject)
        });
        coverage.collect::<String>() + &named(differences)
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let report = view.report;
        html! {
            @for change in &report.coverage_changes {
                p class=(if change.back { "back" } else { "cannot" }) {
                    @match &change.why {
                        Some(why) => { b { "Cannot read " (change.target.as_str()) } ": " (why.as_str()) "." }
                        None => { b { "Can read " (change.target.as_str()) " again" } ", after " (span(change.since, report.time)) "." }
                    }
                }
            }
            @match report.since.as_ref().map(|since| since.differences.as_slice()) {
                None => p { "There is no earlier report to compare with." },
                Some([]) => p { "No notable changes." },
                Some(differences) => (table(differences, view)),
            }
        }
    }

    fn json(&self, report: &Report) -> Members {
        let since = report.since.as_ref();
        vec![
            ("compared_with", json!(since.map(|since| since.time))),
            ("changes", json!(since.map(|since| &since.differences))),
            ("coverage_changes", json!(report.coverage_changes)),
        ]
    }
}

fn table(differences: &[Difference], view: &View<'_>) -> Markup {
    let caption = "Changes since the last report";
    table::of_section("changes", caption, ["What", "Where", "Details"], differences, |difference| {
        html! {
            td { (difference.words()) }
            th scope="row" {
                (difference.subject.as_str()) (view.place(&difference.account, &difference.region))
            }
            td { @if let Some(detail) = &difference.detail { (detail.as_str()) } }
        }
    })
}
