//! Metrics that AWS itself publishes about a cluster, folded.

use maud::{Markup, html};

use crate::summary::report::eks::{EksClusterReport, VendedMetric};
use crate::summary::report::text::Text;
use crate::summary::words::count;

/// All that were seen.
pub(super) fn folded(cluster: &EksClusterReport) -> Markup {
    let EksClusterReport { cluster: name, metrics, metrics_left_out: left_out, .. } = cluster;
    html! {
        @if !metrics.is_empty() {
            details {
                summary { (count(metrics.len(), "metric")) " that AWS publishes about it" }
                div class="scroll" tabindex="0" role="region" aria-label={ "Metrics of " (name.as_str()) } {
                    table {
                        caption { "Metrics of " (name.as_str()) }
                        thead {
                            tr { th scope="col" { "Metric" } th scope="col" { "Namespace" } th scope="col" { "Sum" } th scope="col" { "Mean" } th scope="col" { "Highest" } }
                        }
                        tbody { @for metric in metrics { (row(metric)) } }
                    }
                }
                @if *left_out > 0 { p class="note" { "... and " (count(*left_out, "more metric")) "." } }
            }
        }
    }
}

fn row(metric: &VendedMetric) -> Markup {
    let dimensions: Vec<&str> = metric.dimensions.iter().map(Text::as_str).collect();
    html! {
        tr {
            th scope="row" { (metric.name.as_str()) @if !dimensions.is_empty() { " (" (dimensions.join(", ")) ")" } }
            td { (metric.namespace.as_str()) }
            td { (number(metric.total)) }
            td { (number(metric.average)) }
            td { (number(metric.maximum)) }
        }
    }
}

/// At most one digit behind the point; a dash if there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value}"))
}
