//! Every cluster of EKS: how it is set up, what is amiss, its workloads and its pods.
//!
//! Tables are written as those of services are: without the closing tags that HTML leaves optional.

mod pods;
mod setup;
mod vended;
mod workloads;

use maud::{Markup, html};

use super::chart;
use super::clusters::push;
use crate::summary::report::eks::EksClusterReport;
use crate::summary::report::link::console_eks_link;
use crate::summary::report::model::Report;

/// So many workloads are shown without a click.
const OPEN: usize = 40;

/// The section of all clusters.
pub(super) fn section(report: &Report) -> Markup {
    let fleet = report.fleet.eks.as_ref();
    let open = fleet.is_none_or(|fleet| fleet.workloads <= OPEN);
    html! {
        section aria-labelledby="eks" {
            h2 id="eks" { "EKS clusters and workloads" }
            p class="note" {
                "CPU and memory of workloads: mean and highest value of the last 3 hours, and of the whole report, over the pods of \
                 a workload, in percent of what Fargate provisioned for them. The Metrics API is asked every five minutes: a peak \
                 between two answers is not seen. A dash: not known."
            }
            @if let Some(fleet) = fleet.filter(|fleet| fleet.cpu.or(fleet.memory).is_some()) {
                figure class="fleet" {
                    figcaption {
                        "Mean of all workloads: " span class="key memory" { "memory" } " and " span class="key cpu" { "CPU" }
                        ", in percent of what is provisioned"
                    }
                    (chart::fleet("workloads", &fleet.history, &report.window))
                }
            }
            @for cluster in &report.eks { (one(cluster, report, open)) }
        }
    }
}

fn one(cluster: &EksClusterReport, report: &Report, open: bool) -> Markup {
    let EksClusterReport { account, region, cluster: name, .. } = cluster;
    html! {
        details open[open] {
            summary { b { (name.as_str()) } (region.as_str()) ", " (cluster.heading()) (warnings(cluster)) }
            div class="eks" {
                (setup::findings(cluster))
                (setup::facts(cluster))
                (setup::cadvisor(cluster))
                (workloads::table(cluster))
                (setup::hints(cluster))
                (pods::folded(cluster, report.time))
                (vended::folded(cluster))
                p class="note" {
                    (region.as_str()) " (" (account.as_str()) "). "
                    @if let Some(link) = console_eks_link(region, name) {
                        a rel="noreferrer" href=(link) { "Open in the EKS console" }
                    }
                }
            }
        }
    }
}

fn warnings(cluster: &EksClusterReport) -> Markup {
    let down = cluster.workloads.iter().filter(|workload| workload.none_available()).count();
    let crashing: usize = cluster.workloads.iter().map(|workload| workload.crash_looping).sum();
    let warnings = [
        cluster.unread.then(|| "could not be read".to_owned()),
        (down > 0).then(|| format!("{down} with no replica available")),
        (crashing > 0).then(|| format!("{} crash-looping", crate::summary::words::count(crashing, "pod"))),
    ];
    html! { @for warning in warnings.into_iter().flatten() { ". " i { (warning) } } }
}

/// A cell.
fn cell(to: &mut String, tag: &str, text: &str) {
    to.push_str(tag);
    push(to, text);
}
