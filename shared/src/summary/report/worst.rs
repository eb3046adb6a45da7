//! The services and workloads to look at first: what is broken, and then the fullest.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::builder::{SeenCluster, SeenService, SeenTarget, Sparks};
use super::eks::{SeenEks, SeenWorkload};
use super::figures::{Deployment, History, Utilization};
use super::finish::{eks_clusters, services};
use super::model::{AlarmLine, Because, Worst, WorstService, WorstWorkload};
use super::slots::Slots;
use super::text::Text;
use crate::run::Target;

/// Services and workloads that the page draws charts of.
const MOST: usize = 24;

/// A service or workload with what is known against it.
struct Ranked<'a> {
    target: &'a Target,
    what: What<'a>,
    /// The gravest first.
    because: Vec<Because>,
    fullness: f64,
}

#[derive(Clone, Copy)]
enum What<'a> {
    Service(&'a SeenCluster, &'a SeenService),
    Workload(&'a SeenEks, &'a SeenWorkload),
}

/// Alarms that go on: account, Region and subject.
type InAlarm<'a> = HashSet<(&'a str, &'a str, &'a str)>;

/// The services and workloads to look at first. In a small fleet these are all, even those of which nothing is known.
pub(super) fn worst(targets: &[SeenTarget], alarms: &[AlarmLine], slots: &Slots) -> Vec<Worst> {
    let in_alarm: InAlarm<'_> = alarms
        .iter()
        .filter(|line| line.in_alarm)
        .map(|line| (line.account.as_str(), line.region.as_str(), line.subject.as_str()))
        .collect();
    let services = services(targets).map(|(target, cluster, seen)| (target, What::Service(cluster, seen)));
    let workloads = eks_clusters(targets).flat_map(|(target, cluster)| {
        cluster.workloads.values().map(move |seen| (target, What::Workload(cluster, seen)))
    });
    let mut ranked: Vec<Ranked<'_>> = services
        .chain(workloads)
        .map(|(target, what)| {
            let because = what.because(target, &in_alarm);
            Ranked { target, what, because, fullness: what.fullness() }
        })
        .filter(|ranked| !ranked.because.is_empty() || !ranked.what.is_idle())
        .collect();
    if ranked.len() > MOST {
        ranked.select_nth_unstable_by(MOST, Ranked::compare);
        ranked.truncate(MOST);
    }
    ranked.sort_by(Ranked::compare);
    ranked.into_iter().map(|ranked| ranked.told(slots)).collect()
}

impl Ranked<'_> {
    /// The gravest reason counts, then how many there are, then fullness. The names make the order the same each time.
    fn compare(&self, other: &Self) -> Ordering {
        let grave = |ranked: &Self| ranked.because.first().map_or(u8::MAX, |first| *first as u8);
        grave(self)
            .cmp(&grave(other))
            .then(other.because.len().cmp(&self.because.len()))
            .then(other.fullness.total_cmp(&self.fullness))
            .then_with(|| self.name().cmp(&other.name()))
    }

    fn name(&self) -> (&str, [&str; 3], &str, &str) {
        let Target { account, region, .. } = self.target;
        let (cluster, name) = self.what.name();
        (cluster, name, region.as_str(), account.as_str())
    }

    fn told(self, slots: &Slots) -> Worst {
        let Target { platform, account, region, .. } = self.target.clone();
        let because = self.because;
        match self.what {
            What::Service(cluster, seen) => Worst::Service(Box::new(WorstService {
                account,
                region,
                cluster: cluster.name.clone(),
                because,
                figures: seen.figures.clone(),
                history: history(&seen.sparks, slots),
            })),
            What::Workload(cluster, seen) => Worst::Workload(Box::new(WorstWorkload {
                platform,
                account,
                region,
                cluster: cluster.name.clone(),
                because,
                figures: cluster.asked(&seen.figures),
                history: history(&seen.sparks, slots),
            })),
        }
    }
}

impl<'a> What<'a> {
    fn name(self) -> (&'a str, [&'a str; 3]) {
        match self {
            Self::Service(cluster, seen) => (cluster.name.as_str(), [seen.figures.service.as_str(), "", ""]),
            Self::Workload(cluster, SeenWorkload { figures, .. }) => {
                let name = [&figures.namespace, &figures.kind, &figures.name].map(Text::as_str);
                (cluster.name.as_str(), name)
            }
        }
    }

    fn because(self, target: &Target, in_alarm: &InAlarm<'_>) -> Vec<Because> {
        let has_alarm =
            |subject: &str| in_alarm.contains(&(target.account.as_str(), target.region.as_str(), subject));
        match self {
            Self::Service(cluster, seen) => {
                let subject = || format!("{}/{}", cluster.name, seen.figures.service);
                of_service(seen, !in_alarm.is_empty() && has_alarm(&subject()))
            }
            Self::Workload(cluster, seen) => {
                let subject = || seen.figures.subject(&cluster.name);
                of_workload(seen, !in_alarm.is_empty() && has_alarm(subject().as_str()))
            }
        }
    }

    /// Whether nothing runs of it, as of a `CronJob` between its times: then there is nothing to look at.
    fn is_idle(self) -> bool {
        match self {
            Self::Service(..) => false,
            Self::Workload(cluster, seen) => {
                let figures = cluster.asked(&seen.figures);
                figures.pods == Some(0) && figures.memory.maximum.is_none()
            }
        }
    }

    fn fullness(self) -> f64 {
        match self {
            Self::Service(_, SeenService { figures, sparks, .. }) => fullness(&figures.memory, sparks),
            Self::Workload(_, SeenWorkload { figures, sparks }) => fullness(&figures.memory, sparks),
        }
    }
}

fn of_service(seen: &SeenService, has_alarm: bool) -> Vec<Because> {
    let figures = &seen.figures;
    applying([
        (figures.tasks.none_runs(), Because::NothingRunning),
        (has_alarm, Because::InAlarm),
        (figures.deployment.as_ref().is_some_and(Deployment::fails), Because::DeploymentFails),
        (figures.without_metrics.is_some(), Because::WithoutMetrics),
        (figures.tasks.is_short(), Because::ShortOfTasks),
    ])
}

fn of_workload(SeenWorkload { figures, .. }: &SeenWorkload, has_alarm: bool) -> Vec<Because> {
    applying([
        (figures.none_available(), Because::NoneAvailable),
        (has_alarm, Because::InAlarm),
        (figures.crash_looping > 0, Because::CrashLooping),
        (figures.cannot_start > 0, Because::CannotStart),
        (figures.oom_kills.is_some_and(|kills| kills > 0), Because::OutOfMemory),
        (figures.is_short(), Because::ShortOfPods),
        (figures.pending > 0, Because::Pending),
    ])
}

fn applying(reasons: impl IntoIterator<Item = (bool, Because)>) -> Vec<Because> {
    reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, because)| because).collect()
}

/// How full one was: its highest memory, or the highest mean of its CPU over a slot. A task may use all of its CPU for
/// a minute while it starts; memory that is full for a minute ends it.
fn fullness(memory: &Utilization, sparks: &Sparks) -> f64 {
    let cpu = sparks.cpu.highest().unwrap_or(0.0);
    cpu.max(memory.maximum.or_else(|| sparks.memory.highest()).unwrap_or(0.0))
}

fn history(sparks: &Sparks, slots: &Slots) -> History {
    let Sparks { cpu, cpu_maximum, memory, memory_maximum } = sparks;
    History {
        slot_seconds: slots.seconds(),
        cpu: cpu.values(),
        cpu_maximum: cpu_maximum.values(),
        memory: memory.values(),
        memory_maximum: memory_maximum.values(),
    }
}
