//! What is different from the report before.

use std::collections::{HashMap, HashSet};

use super::figures::Utilization;
use super::model::{AlarmLine, ClusterReport, Difference, DifferenceKind, Report, ServiceReport, Since};
use super::text::Text;
use crate::cluster::{AccountId, ClusterName, Region};
use crate::metric::Unit;
use crate::summary::TargetResult;
use crate::summary::words::count;

/// Points of a percentage that an average must have moved by to be told.
pub(super) const MUCH: f64 = 20.0;

type Place<'a> = (&'a AccountId, &'a Region);

/// Compares two reports. What could not be seen now is not gone, and what could not be seen then is not new.
pub(super) fn since(before: &Report, now: &Report, results: &[TargetResult]) -> Since {
    let mut differences = Vec::new();
    let (old, new) = (by_name(before), by_name(now));
    let unseen_now: HashSet<Place<'_>> = results
        .iter()
        .filter(|result| result.outcome().is_none_or(|outcome| !listed_all(&outcome.coverage.faults)))
        .map(|result| (&result.target.account, &result.target.region))
        .collect();
    let unseen_then: HashSet<Place<'_>> = before
        .coverage
        .problems
        .iter()
        .filter(|problem| problem.whole_target || lists(problem.why.as_str()))
        .map(|problem| (&problem.account, &problem.region))
        .collect();
    for cluster in &now.clusters {
        match old.get(&key(cluster)) {
            Some(known) => compare(known, cluster, &mut differences),
            None if unseen_then.contains(&place(cluster)) => {}
            None => {
                let detail = count(cluster.services.len(), "service");
                differences.push(of_cluster(cluster, DifferenceKind::NewCluster, Some(&detail)));
            }
        }
    }
    let gone = before.clusters.iter().filter(|cluster| !new.contains_key(&key(cluster)));
    let gone = gone.filter(|cluster| !unseen_now.contains(&place(cluster)));
    differences.extend(gone.map(|cluster| of_cluster(cluster, DifferenceKind::GoneCluster, None)));
    alarms(before, now, &mut differences);
    differences.sort_by(|a, b| {
        (a.kind, &a.region, &a.account, &a.subject).cmp(&(b.kind, &b.region, &b.account, &b.subject))
    });
    Since { time: before.time, differences }
}

fn key(cluster: &ClusterReport) -> (&AccountId, &Region, &ClusterName) {
    (&cluster.account, &cluster.region, &cluster.cluster)
}

fn place(cluster: &ClusterReport) -> Place<'_> {
    (&cluster.account, &cluster.region)
}

fn by_name(report: &Report) -> HashMap<(&AccountId, &Region, &ClusterName), &ClusterReport> {
    report.clusters.iter().map(|cluster| (key(cluster), cluster)).collect()
}

/// Whether the fault says that clusters could not be listed or described, so that some may be missing.
fn lists(why: &str) -> bool {
    why.starts_with("ecs:ListClusters")
        || why.starts_with("ecs:DescribeClusters")
        || why.starts_with("snapshot")
}

fn listed_all(faults: &[crate::outcome::CountedFault]) -> bool {
    !faults.iter().any(|counted| lists(&counted.fault.operation))
}

/// Compares one cluster.
fn compare(old: &ClusterReport, new: &ClusterReport, differences: &mut Vec<Difference>) {
    if old.insights != new.insights {
        let detail = format!("{} to {}", old.insights, new.insights);
        differences.push(of_cluster(new, DifferenceKind::Insights, Some(&detail)));
    }
    // Both lists are sorted by name.
    let find = |services: &[ServiceReport], one: &ServiceReport| {
        services.binary_search_by(|other| other.service.cmp(&one.service)).ok()
    };
    for service in &new.services {
        match find(&old.services, service) {
            Some(at) => compare_services(&old.services[at], service, new, differences),
            None if old.services_unread => {}
            None => differences.push(of_service(new, service, DifferenceKind::NewService, None)),
        }
    }
    if !new.services_unread {
        let gone = old.services.iter().filter(|service| find(&new.services, service).is_none());
        differences.extend(gone.map(|service| of_service(new, service, DifferenceKind::GoneService, None)));
    }
}

fn compare_services(
    old: &ServiceReport,
    new: &ServiceReport,
    cluster: &ClusterReport,
    differences: &mut Vec<Difference>,
) {
    let known = old.tasks.both().zip(new.tasks.both());
    if known.is_some() && old.tasks.none_runs() != new.tasks.none_runs() {
        let kind = if new.tasks.none_runs() { DifferenceKind::Stopped } else { DifferenceKind::Started };
        let detail = new.tasks.both().map(|(running, desired)| format!("tasks {running} of {desired}"));
        differences.push(of_service(cluster, new, kind, detail.as_deref()));
    }
    let moved = [("memory", &old.memory, &new.memory), ("CPU", &old.cpu, &new.cpu)];
    for (what, old, new_figure) in moved {
        let average = |figure: &Utilization| figure.average;
        let Some((before, after)) = average(old).zip(average(new_figure)) else { continue };
        if (after - before).abs() < MUCH {
            continue;
        }
        let kind = if after > before { DifferenceKind::Fuller } else { DifferenceKind::Emptier };
        let detail =
            format!("{what} {} on average, {} before", Unit::Percent.show(after), Unit::Percent.show(before));
        differences.push(of_service(cluster, new, kind, Some(&detail)));
    }
}

fn of_cluster(cluster: &ClusterReport, kind: DifferenceKind, detail: Option<&str>) -> Difference {
    difference(cluster, cluster.cluster.as_str().into(), kind, detail)
}

fn of_service(
    cluster: &ClusterReport,
    service: &ServiceReport,
    kind: DifferenceKind,
    detail: Option<&str>,
) -> Difference {
    let subject = Text::new(&format!("{}/{}", cluster.cluster, service.service));
    difference(cluster, subject, kind, detail)
}

fn difference(
    cluster: &ClusterReport,
    subject: Text,
    kind: DifferenceKind,
    detail: Option<&str>,
) -> Difference {
    Difference {
        kind,
        account: cluster.account.clone(),
        region: cluster.region.clone(),
        subject,
        detail: detail.map(Text::new),
    }
}

/// Alarms that began or ended between the two; one that did both is of the digests.
fn alarms(before: &Report, now: &Report, differences: &mut Vec<Difference>) {
    fn key(line: &AlarmLine) -> (&AccountId, &Region, &Text, &Text) {
        (&line.account, &line.region, &line.subject, &line.rule)
    }
    let keys = |report: &'_ Report| -> HashSet<(AccountId, Region, Text, Text)> {
        let going_on = report.alarms.iter().filter(|line| line.in_alarm).map(key);
        going_on.map(|(a, r, s, t)| (a.clone(), r.clone(), s.clone(), t.clone())).collect()
    };
    let (then, today) = (keys(before), keys(now));
    let told = |(account, region, subject, rule): &(AccountId, Region, Text, Text), kind| Difference {
        kind,
        account: account.clone(),
        region: region.clone(),
        subject: subject.clone(),
        detail: Some(rule.clone()),
    };
    differences.extend(today.difference(&then).map(|alarm| told(alarm, DifferenceKind::AlarmBegan)));
    differences.extend(then.difference(&today).map(|alarm| told(alarm, DifferenceKind::AlarmEnded)));
}
