//! The state of Container Insights, cluster by cluster.

use maud::{Markup, html};

use super::posture::NOT_KNOWN;
use crate::model::insights::{InsightsLevel, WHY_SILENT};
use crate::report::model::Report;
use crate::report::sections::clusters::model::ClusterReport;
use crate::report::show::list::{ROWS, items};
use crate::report::show::table;
use crate::text::Text;
use crate::text::words::list;

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    let posture = &report.posture;
    let named = |wanted: fn(&ClusterReport) -> bool| names(report, wanted);
    let caption = "Clusters by level of Container Insights";
    let levels = [
        ("enhanced", posture.enhanced, named(|cluster| cluster.insights == InsightsLevel::Enhanced)),
        ("enabled", posture.enabled, named(|cluster| cluster.insights == InsightsLevel::Enabled)),
        ("disabled", posture.disabled, named(|cluster| cluster.insights == InsightsLevel::Disabled)),
        ("opted out by the tag fargaze = hands-off", posture.opted_out, named(|cluster| cluster.opted_out)),
        ("on, but no metrics in the last 3 hours", posture.silent, named(|cluster| cluster.silent)),
        (NOT_KNOWN, posture.reporting_not_known, named(ClusterReport::may_be_silent)),
        ("reverted by others", posture.conflicts, named(|cluster| !cluster.reverted_by.is_empty())),
    ];
    html! {
        (table::of_section("insights", caption, ["Clusters that are", "Number", "Which"], &levels, level))
        @if posture.silent > 0 { p class="note" { (WHY_SILENT) } }
        @for cluster in report.clusters.iter().filter(|cluster| !cluster.reverted_by.is_empty()).take(ROWS) {
            p class="note" { (conflict(cluster)) }
        }
        @if !posture.account_defaults.is_empty() {
            ul class="plain" {
                @for default in &posture.account_defaults {
                    li {
                        "Account default in " (default.region.as_str()) " (" (default.account.as_str()) "): "
                        (default.level.map_or("could not be read", InsightsLevel::as_str))
                    }
                }
            }
        }
        @if !posture.changes.is_empty() {
            h3 { "Changes made by fargaze" }
            (items(posture.changes.iter().map(|change| html! { (change.sentence()) })))
        }
    }
}

fn conflict(cluster: &ClusterReport) -> String {
    let by: Vec<&str> = cluster.reverted_by.iter().map(Text::as_str).collect();
    format!(
        "{} in {} was reverted twice by {}; fargaze will not retry until its policy changes.",
        cluster.cluster,
        cluster.region,
        by.join(", ")
    )
}

fn level((words, clusters, names): &(&str, usize, String)) -> Markup {
    html! { th scope="row" { (words) } td { (clusters) } td { (names) } }
}

fn names(report: &Report, wanted: fn(&ClusterReport) -> bool) -> String {
    let names =
        report.clusters.iter().filter(|cluster| wanted(cluster)).map(|cluster| cluster.cluster.as_str());
    list(names, 40)
}
