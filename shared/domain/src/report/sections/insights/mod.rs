//! The state of Container Insights.

pub(crate) mod model;
mod page;
pub(crate) mod posture;

use maud::{Markup, html};
use serde_json::json;

use crate::report::section::{Head, Members, Report, Section, View};
use model::Posture;

/// The state of Container Insights.
pub(crate) struct Insights;

impl Section for Insights {
    fn head(&self, _: &Report) -> Head {
        Head::new("insights", "Container Insights", "Container Insights")
    }

    fn mail(&self, view: &View<'_>) -> String {
        // The frame of the mail writes the heading itself.
        let paragraph = posture::paragraph(view.report);
        paragraph.split_once('\n').map_or_else(String::new, |(_, lines)| lines.to_owned())
    }

    fn page(&self, view: &View<'_>) -> Markup {
        if view.report.shows_ecs() {
            page::section(view.report)
        } else {
            html! {}
        }
    }

    /// Without the changes and the accounts' defaults.
    fn json(&self, report: &Report) -> Members {
        let Posture {
            disabled, enabled, enhanced, opted_out, silent, reporting_not_known, conflicts, ..
        } = report.posture;
        let posture = json!({
            "disabled": disabled, "enabled": enabled, "enhanced": enhanced, "opted_out": opted_out, "silent": silent,
            "reporting_not_known": reporting_not_known, "conflicts": conflicts,
        });
        vec![("posture", posture)]
    }
}
