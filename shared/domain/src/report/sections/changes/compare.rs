//! Compares two reports: ECS clusters with their services, and EKS clusters with their workloads.

use std::collections::{BTreeMap, HashSet};

use super::model::{Difference, DifferenceKind, Since};
use crate::evidence::coverage::CountedFault;
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::insights::InsightsLevel;
use crate::model::metric::Unit;
use crate::model::run::Platform;
use crate::outcome::TargetResult;
use crate::report::measured::figures::Utilization;
use crate::report::measured::member::Member;
use crate::report::model::Report;
use crate::report::sections::clusters::model::ClusterReport;
use crate::report::sections::coverage::model::Extent;
use crate::report::sections::eks::model::EksClusterReport;
use crate::text::Text;
use crate::text::words::count;

/// Percentage points that an average must move by to be reported.
const MUCH: f64 = 20.0;

type Place<'a> = (Platform, &'a AccountId, &'a Region);

type Key<'a> = (&'a AccountId, &'a Region, &'a ClusterName);

/// A cluster in the form that is compared.
struct Cluster<'a> {
    platform: Platform,
    key: Key<'a>,
    /// `None` for EKS.
    insights: Option<InsightsLevel>,
    /// Whether its members could not be listed, so that `members` is from an earlier run or empty.
    is_unread: bool,
    members: BTreeMap<[&'a str; 3], &'a dyn Member>,
}

impl<'a> Cluster<'a> {
    fn of_ecs(cluster: &'a ClusterReport) -> Self {
        Self {
            platform: Platform::Ecs,
            key: (&cluster.account, &cluster.region, &cluster.cluster),
            insights: Some(cluster.insights),
            is_unread: cluster.services_unread,
            members: by_id(&cluster.services),
        }
    }

    fn of_eks(cluster: &'a EksClusterReport) -> Self {
        Self {
            platform: Platform::Eks,
            key: (&cluster.account, &cluster.region, &cluster.cluster),
            insights: None,
            is_unread: cluster.unread,
            members: by_id(&cluster.workloads),
        }
    }

    fn place(&self) -> Place<'a> {
        (self.platform, self.key.0, self.key.1)
    }

    /// The details of a new cluster.
    fn size(&self) -> String {
        match self.platform {
            Platform::Ecs => count(self.members.len(), "service"),
            Platform::Eks => format!("EKS, {}", count(self.members.len(), "workload")),
        }
    }

    /// A difference in the cluster, or in one of its members.
    fn differs(&self, member: Option<&dyn Member>, kind: DifferenceKind, detail: Option<&str>) -> Difference {
        let (account, region, name) = self.key;
        Difference {
            kind,
            platform: self.platform,
            account: account.clone(),
            region: region.clone(),
            subject: member.map_or_else(|| name.as_str().into(), |member| member.subject(name)),
            detail: detail.map(Text::new),
        }
    }
}

fn by_id<M: Member>(members: &[M]) -> BTreeMap<[&str; 3], &dyn Member> {
    members.iter().map(|member| (member.id(), member as &dyn Member)).collect()
}

/// Compares two reports. What is unreadable now does not count as deleted, and what was unreadable
/// then not as new.
pub(crate) fn since(before: &Report, now: &Report, results: &[TargetResult]) -> Since {
    let unseen_now = results
        .iter()
        .filter(|result| result.outcome().is_none_or(|outcome| !listed_all(&outcome.coverage.faults)))
        .map(|TargetResult { target, .. }| (target.platform, &target.account, &target.region));
    let unseen_then = before
        .coverage
        .problems
        .iter()
        .filter(|problem| problem.extent != Extent::Answer)
        .map(|problem| (problem.platform, &problem.account, &problem.region));
    let (unseen_then, unseen_now): (HashSet<_>, HashSet<_>) = (unseen_then.collect(), unseen_now.collect());
    let (old, new) = (clusters(before), clusters(now));
    let mut differences = Vec::new();
    for (name, cluster) in &new {
        match old.get(name) {
            Some(known) => compare(known, cluster, &mut differences),
            None if unseen_then.contains(&cluster.place()) => {}
            None => {
                differences.push(cluster.differs(None, DifferenceKind::NewCluster, Some(&cluster.size())));
            }
        }
    }
    let deleted = old
        .iter()
        .filter(|(name, cluster)| !new.contains_key(*name) && !unseen_now.contains(&cluster.place()));
    differences.extend(deleted.map(|(_, cluster)| {
        let was = (cluster.platform == Platform::Eks).then_some("EKS");
        cluster.differs(None, DifferenceKind::MissingCluster, was)
    }));
    alarms(before, now, &mut differences);
    differences.sort_by(|a, b| {
        (a.kind, &a.region, &a.account, &a.subject).cmp(&(b.kind, &b.region, &b.account, &b.subject))
    });
    Since { time: before.time, differences }
}

fn listed_all(faults: &[CountedFault]) -> bool {
    faults.iter().all(|counted| Extent::of(&counted.fault.operation) == Extent::Answer)
}

fn clusters(report: &Report) -> BTreeMap<(Platform, Key<'_>), Cluster<'_>> {
    let (ecs, eks) = (report.clusters.iter().map(Cluster::of_ecs), report.eks.iter().map(Cluster::of_eks));
    ecs.chain(eks).map(|cluster| ((cluster.platform, cluster.key), cluster)).collect()
}

/// Compares one cluster. If it could not be read, its members are from an earlier run or missing.
fn compare(old: &Cluster<'_>, new: &Cluster<'_>, differences: &mut Vec<Difference>) {
    if let Some((was, is)) = old.insights.zip(new.insights).filter(|(was, is)| was != is) {
        let detail = format!("{was} to {is}");
        differences.push(new.differs(None, DifferenceKind::Insights, Some(&detail)));
    }
    let (is_new, is_missing) = match new.platform {
        Platform::Ecs => (DifferenceKind::NewService, DifferenceKind::MissingService),
        Platform::Eks => (DifferenceKind::NewWorkload, DifferenceKind::MissingWorkload),
    };
    for (id, member) in &new.members {
        match old.members.get(id) {
            Some(before) => compare_members(*before, *member, new, differences),
            None if old.is_unread => {}
            None => differences.push(new.differs(Some(*member), is_new, None)),
        }
    }
    let deleted = old.members.iter().filter(|(id, _)| !new.is_unread && !new.members.contains_key(*id));
    differences.extend(deleted.map(|(_, member)| new.differs(Some(*member), is_missing, None)));
}

fn compare_members(
    old: &dyn Member,
    new: &dyn Member,
    cluster: &Cluster<'_>,
    differences: &mut Vec<Difference>,
) {
    if let Some((_, (running, desired))) = old.running_of_desired().zip(new.running_of_desired())
        && old.none_runs() != new.none_runs()
    {
        let kind = if new.none_runs() { DifferenceKind::Stopped } else { DifferenceKind::Started };
        let detail = match cluster.platform {
            Platform::Ecs => format!("tasks {running} of {desired}"),
            Platform::Eks => format!("replicas {running} of {desired} available"),
        };
        differences.push(cluster.differs(Some(new), kind, Some(&detail)));
    }
    let moved = [moved("memory", old.memory(), new.memory()), moved("CPU", old.cpu(), new.cpu())];
    let moved = moved.into_iter().flatten();
    differences.extend(moved.map(|(kind, detail)| cluster.differs(Some(new), kind, Some(&detail))));
}

/// The change of an average, if it is large enough.
fn moved(what: &str, old: &Utilization, new: &Utilization) -> Option<(DifferenceKind, String)> {
    let (before, after) = old.average.zip(new.average)?;
    let kind = if after > before { DifferenceKind::UsageUp } else { DifferenceKind::UsageDown };
    let show = |value| Unit::Percent.show(value);
    let detail = format!("average {what} {}, previously {}", show(after), show(before));
    ((after - before).abs() >= MUCH).then_some((kind, detail))
}

/// Alarms that began or ended between the two reports; one that did both is only in the digests.
fn alarms(before: &Report, now: &Report, differences: &mut Vec<Difference>) {
    type Key<'a> = (Platform, &'a AccountId, &'a Region, &'a Text, &'a Text);
    fn keys(report: &Report) -> HashSet<Key<'_>> {
        let active = report.alarms.iter().filter(|line| line.in_alarm);
        active.map(|line| (line.platform, &line.account, &line.region, &line.subject, &line.rule)).collect()
    }
    let (then, today) = (keys(before), keys(now));
    let difference = |&(platform, account, region, subject, rule): &Key<'_>, kind| Difference {
        kind,
        platform,
        account: account.clone(),
        region: region.clone(),
        subject: subject.clone(),
        detail: Some(rule.clone()),
    };
    differences.extend(today.difference(&then).map(|alarm| difference(alarm, DifferenceKind::AlarmBegan)));
    differences.extend(then.difference(&today).map(|alarm| difference(alarm, DifferenceKind::AlarmEnded)));
}
