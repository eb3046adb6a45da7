//! Services running without metrics. Their data is part of the clusters section, so this one has
//! none of its own.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::sections::clusters::model::ClusterReport;
use crate::report::sections::clusters::service::ServiceReport;
use crate::report::show::list::{items, named};
use crate::text::words::{count, span, utc, wrap};

/// The consequence, and what to check.
const WHY: &str = "ECS reports running tasks, but CloudWatch has no CPU or memory data for them, \
    so alarms on these cannot fire. Check the service in the ECS console, and the AWS Health Dashboard.";

/// Services running without metrics.
pub(crate) struct Silent;

impl Section for Silent {
    fn head(&self, _: &Report) -> Head {
        Head::new("silent", "Without metrics", "Services running without metrics")
    }

    fn mail(&self, view: &View<'_>) -> String {
        let lines = named(services(view).map(|(name, words)| format!("{name}: {words}")));
        let why = if lines.is_empty() { String::new() } else { wrap(WHY, 2) };
        lines + &why
    }

    fn page(&self, view: &View<'_>) -> Markup {
        html! {
            @if view.report.fleet.running_without_metrics > 0 {
                (items(services(view).map(|(name, words)| html! { b { (name) } ": " (words) })))
                p class="note" { (WHY) }
            }
        }
    }

    fn json(&self, report: &Report) -> Members {
        let services = silent(report).map(|(cluster, service)| {
            json!({
                "account": cluster.account, "region": cluster.region, "cluster": cluster.cluster, "service": service.service,
                "running": service.tasks.running, "since": service.without_metrics.and_then(|without| without.since),
            })
        });
        vec![("without_metrics", services.collect::<Vec<Value>>().into())]
    }
}

fn silent(report: &Report) -> impl Iterator<Item = (&ClusterReport, &ServiceReport)> {
    let clusters = report.clusters.iter();
    let services =
        clusters.flat_map(|cluster| cluster.services.iter().map(move |service| (cluster, service)));
    services.filter(|(_, service)| service.without_metrics.is_some())
}

/// Each service, with a sentence.
fn services(view: &View<'_>) -> impl Iterator<Item = (String, String)> {
    silent(view.report).filter_map(move |(cluster, ServiceReport { service, tasks, without_metrics, .. })| {
        let window = view.report.window;
        let since = match without_metrics.as_ref()?.since {
            Some(since) => format!("no data since {} ({})", utc(since), span(since, window.end)),
            None => format!("no data since {} or longer", utc(window.start)),
        };
        let running = count(usize::try_from(tasks.running?).unwrap_or(usize::MAX), "running task");
        let place = view.place(&cluster.account, &cluster.region);
        Some((format!("{}/{service}{place}", cluster.cluster), format!("{running}, {since}")))
    })
}
