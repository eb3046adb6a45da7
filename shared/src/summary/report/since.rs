//! What is different from the report before.

use std::collections::{HashMap, HashSet};

use super::figures::Utilization;
use super::model::{ClusterReport, Difference, DifferenceKind, Report, ServiceReport, Since};
use super::standing::Extent;
use super::text::Text;
use crate::cluster::{AccountId, ClusterName, Region};
use crate::metric::Unit;
use crate::run::Platform;
use crate::summary::TargetResult;
use crate::summary::words::count;

/// Points of a percentage that an average must have moved by to be told.
const MUCH: f64 = 20.0;

pub(super) type Place<'a> = (Platform, &'a AccountId, &'a Region);

/// Compares two reports. What could not be seen now is not gone, and what could not be seen then is not new.
pub(super) fn since(before: &Report, now: &Report, results: &[TargetResult]) -> Since {
    let mut differences = Vec::new();
    let (old, new) = (by_name(before), by_name(now));
    let unseen_now: HashSet<Place<'_>> = results
        .iter()
        .filter(|result| result.outcome().is_none_or(|outcome| !listed_all(&outcome.coverage.faults)))
        .map(|TargetResult { target, .. }| (target.platform, &target.account, &target.region))
        .collect();
    let unseen_then: HashSet<Place<'_>> = before
        .coverage
        .problems
        .iter()
        .filter(|problem| problem.extent != Extent::Answer)
        .map(|problem| (problem.platform, &problem.account, &problem.region))
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
    super::eks::since(before, now, &unseen_then, &unseen_now, &mut differences);
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
    (Platform::Ecs, &cluster.account, &cluster.region)
}

fn by_name(report: &Report) -> HashMap<(&AccountId, &Region, &ClusterName), &ClusterReport> {
    report.clusters.iter().map(|cluster| (key(cluster), cluster)).collect()
}

fn listed_all(faults: &[crate::outcome::CountedFault]) -> bool {
    faults.iter().all(|counted| Extent::of(&counted.fault.operation) == Extent::Answer)
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
    for (kind, detail) in moved((&old.memory, &old.cpu), (&new.memory, &new.cpu)) {
        differences.push(of_service(cluster, new, kind, Some(&detail)));
    }
}

/// What memory and CPU moved by, where it was much.
pub(super) fn moved<'a>(
    old: (&'a Utilization, &'a Utilization),
    new: (&'a Utilization, &'a Utilization),
) -> impl Iterator<Item = (DifferenceKind, String)> + use<'a> {
    let pairs = [("memory", old.0, new.0), ("CPU", old.1, new.1)];
    pairs.into_iter().filter_map(|(what, old, new)| {
        let (before, after) = old.average.zip(new.average)?;
        let kind = if after > before { DifferenceKind::Fuller } else { DifferenceKind::Emptier };
        let show = |value| Unit::Percent.show(value);
        let detail = format!("{what} {} on average, {} before", show(after), show(before));
        ((after - before).abs() >= MUCH).then_some((kind, detail))
    })
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
        platform: Platform::Ecs,
        account: cluster.account.clone(),
        region: cluster.region.clone(),
        subject,
        detail: detail.map(Text::new),
    }
}

/// Alarms that began or ended between the two; one that did both is of the digests.
fn alarms(before: &Report, now: &Report, differences: &mut Vec<Difference>) {
    type Key<'a> = (Platform, &'a AccountId, &'a Region, &'a Text, &'a Text);
    fn keys(report: &Report) -> HashSet<Key<'_>> {
        let going_on = report.alarms.iter().filter(|line| line.in_alarm);
        going_on.map(|line| (line.platform, &line.account, &line.region, &line.subject, &line.rule)).collect()
    }
    let (then, today) = (keys(before), keys(now));
    let told = |&(platform, account, region, subject, rule): &Key<'_>, kind| Difference {
        kind,
        platform,
        account: account.clone(),
        region: region.clone(),
        subject: subject.clone(),
        detail: Some(rule.clone()),
    };
    differences.extend(today.difference(&then).map(|alarm| told(alarm, DifferenceKind::AlarmBegan)));
    differences.extend(then.difference(&today).map(|alarm| told(alarm, DifferenceKind::AlarmEnded)));
}
