//! What is different of clusters of EKS from the report before.

use std::collections::{BTreeMap, HashSet};

use super::{EksClusterReport, WorkloadReport};
use crate::cluster::{AccountId, ClusterName, Region};
use crate::run::Platform;
use crate::summary::report::model::{Difference, DifferenceKind, Report};
use crate::summary::report::since::{Place, moved};
use crate::summary::report::text::Text;
use crate::summary::words::count;

type Name<'a> = (&'a AccountId, &'a Region, &'a ClusterName);

/// Compares two reports. What could not be seen now is not gone, and what could not be seen then is not new.
pub(in crate::summary::report) fn since(
    before: &Report,
    now: &Report,
    unseen_then: &HashSet<Place<'_>>,
    unseen_now: &HashSet<Place<'_>>,
    differences: &mut Vec<Difference>,
) {
    let (old, new) = (by_name(before), by_name(now));
    for (name, cluster) in &new {
        match old.get(name) {
            Some(known) => compare(known, cluster, differences),
            None if unseen_then.contains(&place(cluster)) => {}
            None => {
                let detail = format!("EKS, {}", count(cluster.workloads.len(), "workload"));
                differences.push(of_cluster(cluster, DifferenceKind::NewCluster, &detail));
            }
        }
    }
    let gone = old
        .iter()
        .filter(|(name, cluster)| !new.contains_key(*name) && !unseen_now.contains(&place(cluster)));
    differences.extend(gone.map(|(_, cluster)| of_cluster(cluster, DifferenceKind::GoneCluster, "EKS")));
}

fn by_name(report: &Report) -> BTreeMap<Name<'_>, &EksClusterReport> {
    report.eks.iter().map(|one| ((&one.account, &one.region, &one.cluster), one)).collect()
}

fn place(cluster: &EksClusterReport) -> Place<'_> {
    (Platform::Eks, &cluster.account, &cluster.region)
}

/// Compares one cluster. Of one that could not be read, the workloads are those of an earlier run, or none at all.
fn compare(old: &EksClusterReport, new: &EksClusterReport, differences: &mut Vec<Difference>) {
    let key = |one: &WorkloadReport| (one.namespace.clone(), one.kind.clone(), one.name.clone());
    let known: BTreeMap<_, _> = old.workloads.iter().map(|one| (key(one), one)).collect();
    let mut left = known.clone();
    for workload in &new.workloads {
        left.remove(&key(workload));
        match known.get(&key(workload)) {
            Some(before) => compare_workloads(before, workload, new, differences),
            None if old.unread => {}
            None => differences.push(of_workload(new, workload, DifferenceKind::NewWorkload, None)),
        }
    }
    if !new.unread {
        let gone = left.into_values();
        differences.extend(gone.map(|one| of_workload(new, one, DifferenceKind::GoneWorkload, None)));
    }
}

fn compare_workloads(
    old: &WorkloadReport,
    new: &WorkloadReport,
    cluster: &EksClusterReport,
    differences: &mut Vec<Difference>,
) {
    if let Some((_, (available, desired))) = old.both().zip(new.both())
        && old.none_available() != new.none_available()
    {
        let kind = if new.none_available() { DifferenceKind::Stopped } else { DifferenceKind::Started };
        let detail = format!("replicas {available} of {desired} available");
        differences.push(of_workload(cluster, new, kind, Some(&detail)));
    }
    for (kind, detail) in moved((&old.memory, &old.cpu), (&new.memory, &new.cpu)) {
        differences.push(of_workload(cluster, new, kind, Some(&detail)));
    }
}

fn of_cluster(cluster: &EksClusterReport, kind: DifferenceKind, detail: &str) -> Difference {
    difference(cluster, cluster.cluster.as_str().into(), kind, Some(detail))
}

fn of_workload(
    cluster: &EksClusterReport,
    workload: &WorkloadReport,
    kind: DifferenceKind,
    detail: Option<&str>,
) -> Difference {
    difference(cluster, workload.subject(&cluster.cluster), kind, detail)
}

fn difference(
    cluster: &EksClusterReport,
    subject: Text,
    kind: DifferenceKind,
    detail: Option<&str>,
) -> Difference {
    Difference {
        kind,
        platform: Platform::Eks,
        account: cluster.account.clone(),
        region: cluster.region.clone(),
        subject,
        detail: detail.map(Text::new),
    }
}
