//! Selects the services and workloads to check first: broken ones, then those with the highest
//! usage.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::model::{Because, Worst, WorstFigures};
use crate::model::run::Target;
use crate::report::measured::figures::Utilization;
use crate::report::measured::member::Member;
use crate::report::measured::slots::{Slots, Sparks};
use crate::report::sections::alarms::model::AlarmLine;
use crate::report::sections::clusters::service::{Deployment, ServiceReport};
use crate::report::sections::eks::model::WorkloadReport;
use crate::report::seen::{MemberFigures, SeenMember, SeenTarget};

/// Most services and workloads that the page draws charts of.
const MOST: usize = 24;

/// A service or workload, with the reasons to check it.
struct Ranked<'a> {
    seen: SeenMember<'a>,
    /// The most severe first.
    because: Vec<Because>,
    usage: f64,
}

/// Active alarms: account, Region and subject.
type InAlarm<'a> = HashSet<(&'a str, &'a str, &'a str)>;

/// The services and workloads to check first. In a small fleet these are all, including those
/// without any data.
pub(crate) fn worst(targets: &[SeenTarget], alarms: &[AlarmLine], slots: &Slots) -> Vec<Worst> {
    let in_alarm: InAlarm<'_> = alarms
        .iter()
        .filter(|line| line.in_alarm)
        .map(|line| (line.account.as_str(), line.region.as_str(), line.subject.as_str()))
        .collect();
    let members = targets.iter().flat_map(SeenTarget::members);
    let mut ranked: Vec<Ranked<'_>> = members
        .map(|seen| Ranked { because: because(&seen, &in_alarm), usage: usage(&seen), seen })
        .filter(|ranked| !ranked.because.is_empty() || !is_idle(&ranked.seen.figures))
        .collect();
    if ranked.len() > MOST {
        ranked.select_nth_unstable_by(MOST, Ranked::compare);
        ranked.truncate(MOST);
    }
    ranked.sort_by(Ranked::compare);
    ranked.into_iter().map(|ranked| ranked.finish(slots)).collect()
}

impl Ranked<'_> {
    /// By the most severe reason, then by the number of reasons, then by usage. The names make the
    /// order deterministic.
    fn compare(&self, other: &Self) -> Ordering {
        let severity = |ranked: &Self| ranked.because.first().map_or(u8::MAX, |first| *first as u8);
        severity(self)
            .cmp(&severity(other))
            .then(other.because.len().cmp(&self.because.len()))
            .then(other.usage.total_cmp(&self.usage))
            .then_with(|| self.name().cmp(&other.name()))
    }

    fn name(&self) -> (&str, [&str; 3], &str, &str) {
        let SeenMember { target: Target { account, region, .. }, cluster, figures, .. } = &self.seen;
        (cluster.as_str(), figures.member().id(), region.as_str(), account.as_str())
    }

    fn finish(self, slots: &Slots) -> Worst {
        let SeenMember { target, cluster, figures, sparks } = self.seen;
        let Target { platform, account, region, .. } = target.clone();
        Worst {
            platform,
            account,
            region,
            cluster: cluster.clone(),
            because: self.because,
            figures: match figures {
                MemberFigures::Service(service) => WorstFigures::Service(Box::new(service.clone())),
                MemberFigures::Workload(workload) => WorstFigures::Workload(Box::new(workload.clone())),
            },
            history: sparks.history(slots),
        }
    }
}

fn because(seen: &SeenMember<'_>, in_alarm: &InAlarm<'_>) -> Vec<Because> {
    let SeenMember { target: Target { account, region, .. }, cluster, figures, .. } = seen;
    let has_alarm = !in_alarm.is_empty()
        && in_alarm.contains(&(
            account.as_str(),
            region.as_str(),
            figures.member().subject(cluster).as_str(),
        ));
    match figures {
        MemberFigures::Service(service) => of_service(service, has_alarm),
        MemberFigures::Workload(workload) => of_workload(workload, has_alarm),
    }
}

/// Whether it has no pods, like a `CronJob` between two runs: then there is nothing to check.
fn is_idle(figures: &MemberFigures<'_>) -> bool {
    match figures {
        MemberFigures::Service(_) => false,
        MemberFigures::Workload(figures) => figures.pods == Some(0) && figures.memory.maximum.is_none(),
    }
}

fn of_service(service: &ServiceReport, has_alarm: bool) -> Vec<Because> {
    applying([
        (service.none_runs(), Because::NothingRunning),
        (has_alarm, Because::InAlarm),
        (service.deployment.as_ref().is_some_and(Deployment::fails), Because::DeploymentFails),
        (service.without_metrics.is_some(), Because::WithoutMetrics),
        (service.is_short(), Because::ShortOfTasks),
    ])
}

fn of_workload(workload: &WorkloadReport, has_alarm: bool) -> Vec<Because> {
    applying([
        (workload.none_runs(), Because::NoneAvailable),
        (has_alarm, Because::InAlarm),
        (workload.crash_looping > 0, Because::CrashLooping),
        (workload.cannot_start > 0, Because::CannotStart),
        (workload.oom_kills.is_some_and(|kills| kills > 0), Because::OutOfMemory),
        (workload.is_short(), Because::ShortOfPods),
        (workload.pending > 0, Because::Pending),
    ])
}

fn applying(reasons: impl IntoIterator<Item = (bool, Because)>) -> Vec<Because> {
    reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, because)| because).collect()
}

/// Its peak memory, or its highest mean CPU over a slot, whichever is higher. A task may use all of
/// its CPU for a minute while it starts; memory that is full for a minute kills it.
fn usage(SeenMember { figures, sparks, .. }: &SeenMember<'_>) -> f64 {
    let Sparks { cpu, memory } = sparks;
    let Utilization { maximum, .. } = figures.member().memory();
    let cpu = cpu.mean.highest().unwrap_or(0.0);
    cpu.max(maximum.or_else(|| memory.mean.highest()).unwrap_or(0.0))
}
