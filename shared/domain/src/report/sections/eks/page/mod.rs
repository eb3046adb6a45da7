//! Every EKS cluster: its configuration, problems, workloads and pods.

mod pods;
mod setup;
mod vended;
mod workloads;

use maud::{Markup, html};

use super::model::EksClusterReport;
use crate::report::measured::member::Member;
use crate::report::model::Report;
use crate::report::show::{chart, cluster};
use crate::text::links::eks_cluster_link;
use crate::text::words::count;

/// The section of all clusters.
pub(super) fn section(report: &Report) -> Markup {
    let fleet = report.fleet.eks.as_ref();
    let open = fleet.is_none_or(|fleet| fleet.workloads <= cluster::OPEN);
    html! {
        p class="note" {
            "CPU and memory of workloads: mean and highest value over the pods of a workload, for the last 3 hours and for the whole \
             report, in percent of what Fargate provisioned for them. The Metrics API is sampled every five minutes, so a peak \
             between two samples is not visible. A dash means unknown."
        }
        @if let Some(fleet) = fleet.filter(|fleet| fleet.cpu.or(fleet.memory).is_some()) {
            (chart::fleet("workloads", "what is provisioned", &fleet.history, &report.window))
        }
        @for cluster in &report.eks { (one(cluster, report, open)) }
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
                (cluster::place(account, region, "EKS", eks_cluster_link(region, name).as_deref()))
            }
        }
    }
}

fn warnings(cluster: &EksClusterReport) -> Markup {
    let down = cluster.workloads.iter().filter(|workload| workload.none_runs()).count();
    let crashing: usize = cluster.workloads.iter().map(|workload| workload.crash_looping).sum();
    cluster::warnings([
        cluster.unread.then(|| "could not be read".to_owned()),
        (down > 0).then(|| format!("{down} with no replica available")),
        (crashing > 0).then(|| format!("{} crash-looping", count(crashing, "pod"))),
    ])
}
