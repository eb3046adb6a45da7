//! How much was looked at, and what could not be asked.

use super::named;
use crate::run::Platform;
use crate::summary::report::model::Report;
use crate::summary::report::standing::{Problem, ReportCoverage};
use crate::summary::words::{count, wrap};

pub(super) fn section(report: &Report) -> String {
    let section = format!("COVERAGE\n{}", wrap(&looked_at(report), 2));
    section + &named(report.coverage.problems.iter().map(problem))
}

/// What could not be asked, and what to do about it.
pub(in crate::summary::report) fn problem(problem: &Problem) -> String {
    let times = if problem.count > 1 { format!(" ({} times)", problem.count) } else { String::new() };
    let (region, account) = (&problem.region, &problem.account);
    let platform = match problem.platform {
        Platform::Ecs => "",
        Platform::Eks => "EKS ",
    };
    format!("Could not ask {platform}in {region} ({account}): {}{times}; {}.", problem.why, problem.advice)
}

/// How much was looked at.
pub(in crate::summary::report) fn looked_at(report: &Report) -> String {
    let (coverage, fleet) = (&report.coverage, &report.fleet);
    let ReportCoverage { targets, targets_seen, clusters, clusters_seen, metrics, .. } = *coverage;
    if targets_seen == 0 && targets > 0 {
        return format!("Looked at nothing: {} could not be seen.", count(targets, "target"));
    }
    let mut text = format!("Looked at {clusters_seen} of {}", count(clusters, "cluster"));
    if targets > 1 {
        text.push_str(&format!(" in {targets_seen} of {targets} targets"));
    }
    let workloads = fleet.eks.as_ref().map_or(0, |eks| eks.workloads);
    let subjects = [(fleet.services, "service"), (workloads, "workload")];
    let subjects: Vec<String> =
        subjects.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(n, what)).collect();
    if !subjects.is_empty() {
        text.push_str(&format!(" with {}", subjects.join(" and ")));
    }
    text.push('.');
    if metrics > 0 {
        let parts = [
            (coverage.with_data, "had data"),
            (coverage.without_data, "had none"),
            (coverage.partial, "came in part"),
            (coverage.unread, "could not be read"),
        ];
        let told = parts.iter().enumerate().filter(|(i, (n, _))| *i == 0 || *n > 0);
        let told: Vec<String> = told.map(|(_, (n, what))| format!("{n} {what}")).collect();
        let told = match told.split_last() {
            Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            _ => told.concat(),
        };
        text.push_str(&format!(" Of {} asked, {told}.", count(metrics, "metric")));
    }
    text
}
