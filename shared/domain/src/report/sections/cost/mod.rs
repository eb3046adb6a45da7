//! What fargaze itself used and cost.

pub(crate) mod model;

use maud::{Markup, html};
use serde_json::json;

use crate::report::section::{Head, Members, Report, Section, View};
use crate::text::words::{count, utc, wrap};

/// What fargaze itself cost.
pub(crate) struct OwnCost;

impl Section for OwnCost {
    fn head(&self, _: &Report) -> Head {
        Head::new("cost", "Cost", "Cost of fargaze itself")
    }

    fn mail(&self, view: &View<'_>) -> String {
        wrap(&view.report.cost.sentences(), 2)
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let report = view.report;
        html! {
            p { (report.cost.sentences()) }
            @if report.cost.usage.is_some() {
                p class="note" {
                    "Metrics are billed at $0.01 per thousand requested. Not included: Lambda, storage, and the metrics of Container \
                     Insights itself. Report of " (count(report.clusters.len(), "cluster")) " at " (utc(report.time)) "."
                }
            }
        }
    }

    fn json(&self, report: &Report) -> Members {
        vec![("cost", json!(report.cost))]
    }
}
