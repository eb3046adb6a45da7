//! What services stand on, as far as it needs a person: load balancers with errors or unhealthy
//! targets, old platforms, capacity that is not Fargate, and quotas that are nearly used up.

pub(crate) mod model;

use maud::{Markup, html};
use serde_json::json;

use super::clusters::load_balancing::LoadBalancingReport;
use super::clusters::model::ClusterReport;
use super::clusters::service::ServiceReport;
use crate::model::cluster::ServiceName;
use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::list::{items, named};
use crate::text::words::count;
use model::QuotaReport;

/// Share of 5XX answers, in percent, that is shown.
const SHOWN_5XX: f64 = 1.0;
/// Use of a quota, in percent, that is shown.
const SHOWN_QUOTA: f64 = 60.0;
/// How many services a line names.
const NAMED: usize = 5;

/// What services stand on.
pub(crate) struct Setup;

impl Section for Setup {
    fn head(&self, _: &Report) -> Head {
        Head::new("setup", "Load balancers", "Load balancers, platforms and quotas")
    }

    fn mail(&self, view: &View<'_>) -> String {
        named(lines(view).into_iter().map(|(name, words)| format!("{name}: {words}.")))
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let lines = lines(view);
        html! {
            @if !lines.is_empty() {
                (items(lines.into_iter().map(|(name, words)| html! { b { (name) } ": " (words) })))
            }
        }
    }

    fn json(&self, report: &Report) -> Members {
        vec![("quotas", json!(report.quotas))]
    }
}

/// Each line with what it is about.
fn lines(view: &View<'_>) -> Vec<(String, String)> {
    let report = view.report;
    let mut lines: Vec<(String, String)> = report.quotas.iter().filter_map(quota).collect();
    for cluster in &report.clusters {
        lines.extend(cluster.services.iter().filter_map(|service| {
            let balancing = service.load_balancing.as_ref().filter(|balancing| is_troubled(balancing))?;
            Some((format!("{}/{}", cluster.cluster, service.service), balancing.sentence()))
        }));
    }
    let of = |is: fn(&ServiceReport) -> bool| chosen(&report.clusters, is);
    let old = of(|service| service.runs_on.as_ref().is_some_and(|one| one.old_platform));
    if !old.is_empty() {
        let why = "which lacks task metadata 4, storage metrics and ECS Exec: deploy with LATEST";
        lines.push(("Fargate platform before 1.4.0".to_owned(), format!("{}, {why}", some(&old))));
    }
    let other = of(|service| service.runs_on.as_ref().is_some_and(|one| !one.capacity.is_fargate()));
    if !other.is_empty() {
        let note = "shown, but not evaluated by the built-in rules (runs-on)";
        lines.push(("Not on Fargate".to_owned(), format!("{}, {note}", some(&other))));
    }
    let unread = of(|service| service.load_balancing.as_ref().is_some_and(|one| one.unread().is_some()));
    if !unread.is_empty() {
        let what = "in front of them is something whose metrics are not read (a target group without a load balancer that \
            publishes metrics, VPC Lattice, or a Classic Load Balancer)";
        lines.push(("Load balancers not read".to_owned(), format!("{}: {what}", some(&unread))));
    }
    lines
}

fn quota(quota: &QuotaReport) -> Option<(String, String)> {
    let percent = quota.percent.filter(|percent| *percent >= SHOWN_QUOTA)?;
    let spot = if quota.class == "Standard/Spot" { " Spot" } else { "" };
    let name = format!("Fargate{spot} vCPU quota in {}", quota.region);
    let highest = quota.highest.filter(|highest| *highest > percent);
    let highest = highest.map(|highest| format!(", at most {highest:.0} %")).unwrap_or_default();
    Some((name, format!("{percent:.0} % used{highest}")))
}

fn is_troubled(balancing: &LoadBalancingReport) -> bool {
    balancing.unhealthy.is_some_and(|unhealthy| unhealthy > 0)
        || balancing.percent_5xx().is_some_and(|percent| percent >= SHOWN_5XX)
}

/// The services of a kind, as `cluster/service`.
fn chosen(clusters: &[ClusterReport], is: fn(&ServiceReport) -> bool) -> Vec<String> {
    let name = |cluster: &ClusterReport, service: &ServiceName| format!("{}/{service}", cluster.cluster);
    let of = |cluster: &ClusterReport| -> Vec<String> {
        cluster.services.iter().filter(|one| is(one)).map(|one| name(cluster, &one.service)).collect()
    };
    clusters.iter().flat_map(of).collect()
}

/// `2 services (shop/web, shop/api)`.
fn some(names: &[String]) -> String {
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = &names[..names.len().min(NAMED)];
    format!("{} ({}{more})", count(names.len(), "service"), shown.join(", "))
}
