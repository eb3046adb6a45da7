//! The subject of the mail.

use super::model::Report;
use super::sections::coverage::model::ReportCoverage;
use super::sections::fleet::model::{EksFleet, Fleet};
use super::sections::rules::model::counted;
use crate::text::words::count;

/// The subject: the most urgent first.
pub(super) fn subject(report: &Report) -> String {
    let Fleet { clusters, services, running, alarms, blind, nothing_running, without_figures, .. } =
        report.fleet;
    let silent = report.fleet.running_without_metrics;
    let ReportCoverage { targets, targets_seen, .. } = report.coverage;
    let mut matters = Vec::new();
    if alarms > 0 {
        matters.push(format!("{alarms} in ALARM"));
    }
    if nothing_running > 0 {
        matters.push(format!("{} with no tasks running", count(nothing_running, "service")));
    }
    if silent > 0 {
        let silent = match silent {
            1 => "1 service running without metrics".to_owned(),
            n => format!("{n} services running without metrics"),
        };
        matters.push(silent);
    }
    matters.extend(report.fleet.eks.iter().flat_map(of_eks));
    if blind > 0 {
        matters.push(format!("{} cannot be evaluated", count(blind, "alarm")));
    }
    matters.extend(counted(&report.rules));
    if services > 0 && without_figures == services {
        matters.push("no data for any service".to_owned());
    }
    if targets_seen < targets {
        matters.push(format!("cannot read {} of {}", targets - targets_seen, count(targets, "target")));
    } else if !report.coverage.is_whole() {
        matters.push("coverage incomplete".to_owned());
    }
    let size = format!("{}{}", count(clusters, "cluster"), subjects(&report.fleet));
    if matters.is_empty() {
        let tasks = count(usize::try_from(running).unwrap_or(usize::MAX), "task");
        let running = match &report.fleet.eks {
            None => tasks,
            Some(eks) if services == 0 => count(eks.pods, "pod"),
            Some(eks) => format!("{tasks} and {}", count(eks.pods, "pod")),
        };
        format!("Report: all quiet in {size}, {running} running")
    } else {
        format!("Report: {}; {size}", matters.join(", "))
    }
}

/// `, 40 services, 14 workloads`; only `, 14 workloads` if all clusters are EKS clusters.
pub(super) fn subjects(fleet: &Fleet) -> String {
    let services = format!(", {}", count(fleet.services, "service"));
    match &fleet.eks {
        None => services,
        Some(EksFleet { clusters, workloads, .. }) => {
            let services = if *clusters == fleet.clusters { String::new() } else { services };
            format!("{services}, {}", count(*workloads, "workload"))
        }
    }
}

fn of_eks(eks: &EksFleet) -> impl Iterator<Item = String> + use<> {
    let matters = [
        (eks.unread > 0).then(|| format!("cannot read {}", count(eks.unread, "EKS cluster"))),
        (eks.none_available > 0).then(|| format!("{} down", count(eks.none_available, "workload"))),
        (eks.crash_looping > 0).then(|| format!("{} crash-looping", count(eks.crash_looping, "pod"))),
    ];
    matters.into_iter().flatten()
}
