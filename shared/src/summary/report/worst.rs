//! The services to look at first: what is broken, and then the fullest.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::builder::{SeenCluster, SeenService, SeenTarget, Sparks};
use super::figures::{Deployment, History};
use super::finish::services;
use super::model::{AlarmLine, Because, WorstService};
use super::slots::Slots;
use crate::run::Target;

/// Services that the page draws charts of.
const MOST: usize = 24;

/// A service with what is known against it.
struct Ranked<'a> {
    target: &'a Target,
    cluster: &'a SeenCluster,
    seen: &'a SeenService,
    /// The gravest first.
    because: Vec<Because>,
    fullness: f64,
}

/// Alarms that go on: account, Region and subject.
type InAlarm<'a> = HashSet<(&'a str, &'a str, &'a str)>;

/// The services to look at first. In a small fleet these are all, even those of which nothing is known.
pub(super) fn worst(targets: &[SeenTarget], alarms: &[AlarmLine], slots: &Slots) -> Vec<WorstService> {
    let in_alarm: InAlarm<'_> = alarms
        .iter()
        .filter(|line| line.in_alarm)
        .map(|line| (line.account.as_str(), line.region.as_str(), line.subject.as_str()))
        .collect();
    let mut ranked: Vec<Ranked<'_>> = services(targets)
        .map(|(target, cluster, seen)| {
            let because = because(target, cluster, seen, &in_alarm);
            Ranked { target, cluster, seen, because, fullness: fullness(seen) }
        })
        .collect();
    if ranked.len() > MOST {
        ranked.select_nth_unstable_by(MOST, Ranked::compare);
        ranked.truncate(MOST);
    }
    ranked.sort_by(Ranked::compare);
    let told = ranked.into_iter().map(|Ranked { target, cluster, seen, because, .. }| WorstService {
        account: target.account.clone(),
        region: target.region.clone(),
        cluster: cluster.name.clone(),
        because,
        figures: seen.figures.clone(),
        history: history(&seen.sparks, slots),
    });
    told.collect()
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

    fn name(&self) -> (&str, &str, &str, &str) {
        let Target { account, region, .. } = self.target;
        let service = &self.seen.figures.service;
        (self.cluster.name.as_str(), service.as_str(), region.as_str(), account.as_str())
    }
}

fn because(
    target: &Target,
    cluster: &SeenCluster,
    seen: &SeenService,
    in_alarm: &InAlarm<'_>,
) -> Vec<Because> {
    let figures = &seen.figures;
    let has_alarm = !in_alarm.is_empty() && {
        let subject = format!("{}/{}", cluster.name, figures.service);
        in_alarm.contains(&(target.account.as_str(), target.region.as_str(), subject.as_str()))
    };
    let reasons = [
        (figures.tasks.none_runs(), Because::NothingRunning),
        (has_alarm, Because::InAlarm),
        (figures.deployment.as_ref().is_some_and(Deployment::fails), Because::DeploymentFails),
        (figures.tasks.is_short(), Because::ShortOfTasks),
    ];
    reasons.into_iter().filter(|(applies, _)| *applies).map(|(_, because)| because).collect()
}

/// How full a service was: its highest memory, or the highest mean of its CPU over a slot. A task may use all of its CPU for
/// a minute while it starts; memory that is full for a minute ends it.
fn fullness(seen: &SeenService) -> f64 {
    let cpu = seen.sparks.cpu.highest().unwrap_or(0.0);
    let memory = seen.figures.memory.maximum.or_else(|| seen.sparks.memory.highest()).unwrap_or(0.0);
    cpu.max(memory)
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
