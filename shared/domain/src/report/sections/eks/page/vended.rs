//! Metrics that AWS itself publishes about a cluster, folded.

use maud::{Markup, html};

use crate::report::sections::eks::model::EksClusterReport;
use crate::report::sections::eks::vended::VendedMetric;
use crate::report::show::table::{Wide, cell};
use crate::text::Text;
use crate::text::words::count;

/// All metrics that have data.
pub(super) fn folded(cluster: &EksClusterReport) -> Markup {
    let EksClusterReport { cluster: name, metrics, metrics_left_out: left_out, .. } = cluster;
    html! {
        @if !metrics.is_empty() {
            details {
                summary { (count(metrics.len(), "metric")) " published by AWS" }
                (TABLE.of(name, metrics, row))
                @if *left_out > 0 { p class="note" { "... and " (count(*left_out, "more metric")) "." } }
            }
        }
    }
}

const TABLE: Wide<'_> = Wide {
    what: "Metrics",
    class: "m",
    head: "<thead><tr><th scope=col>Metric<th scope=col>Namespace<th scope=col>Sum<th scope=col>Mean<th scope=col>Highest<tbody>",
    row: 120,
};

fn row(to: &mut String, metric: &VendedMetric) {
    let dimensions: Vec<&str> = metric.dimensions.iter().map(Text::as_str).collect();
    let dimensions =
        if dimensions.is_empty() { String::new() } else { format!(" ({})", dimensions.join(", ")) };
    cell(to, "<tr><th scope=row>", &format!("{}{dimensions}", metric.name));
    cell(to, "<td>", metric.namespace.as_str());
    for value in [metric.total, metric.average, metric.maximum] {
        cell(to, "<td>", &number(value));
    }
}

/// The number; a dash if there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value}"))
}
