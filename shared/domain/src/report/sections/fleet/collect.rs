//! Counts all clusters together.

use super::model::{EksFleet, Fleet};
use crate::report::measured::figures::{History, tenth};
use crate::report::measured::member::Member;
use crate::report::measured::slots::{Slots, Spark, Sparks};
use crate::report::sections::alarms::model::AlarmLine;
use crate::report::sections::clusters::service::ServiceReport;
use crate::report::sections::eks::model::WorkloadReport;
use crate::report::seen::{MemberFigures, SeenMember, SeenTarget};

/// The sums over all targets.
pub(crate) fn fleet(targets: &[SeenTarget], alarms: &[AlarmLine], slots: &Slots) -> Fleet {
    let mut fleet = Fleet {
        clusters: targets.iter().map(|seen| seen.clusters.len() + seen.eks.len()).sum(),
        alarms: alarms.iter().filter(|line| line.in_alarm).count(),
        blind: alarms.iter().filter(|line| line.blind_since.is_some()).count(),
        ..Fleet::default()
    };
    let mut eks = EksFleet::default();
    for cluster in targets.iter().flat_map(|seen| seen.eks.values()) {
        eks.clusters += 1;
        eks.unread += usize::from(cluster.unread);
        eks.unlisted += usize::from(!cluster.unlisted().is_empty());
    }
    let (mut of_services, mut of_workloads) = (Means::new(slots), Means::new(slots));
    for SeenMember { figures, sparks, .. } in targets.iter().flat_map(SeenTarget::members) {
        match figures {
            MemberFigures::Service(service) => {
                fleet.count(service);
                of_services.add(service, sparks);
            }
            MemberFigures::Workload(workload) => {
                eks.count(workload);
                of_workloads.add(workload, sparks);
            }
        }
    }
    (fleet.cpu, fleet.memory) = (of_services.cpu.all.value(), of_services.memory.all.value());
    fleet.history = of_services.history(slots);
    (eks.cpu, eks.memory) = (of_workloads.cpu.all.value(), of_workloads.memory.all.value());
    eks.history = of_workloads.history(slots);
    fleet.eks = (eks.clusters > 0).then_some(eks);
    fleet
}

impl Fleet {
    fn count(&mut self, service: &ServiceReport) {
        self.services += 1;
        self.without_figures += usize::from(!service.has_figures());
        self.running_without_metrics += usize::from(service.without_metrics.is_some());
        match service.running_of_desired() {
            Some((running, desired)) => {
                self.running += u64::from(running);
                self.desired += u64::from(desired);
            }
            None => self.tasks_unknown += 1,
        }
        self.nothing_running += usize::from(service.none_runs());
        self.short_of_tasks += usize::from(service.is_short());
    }
}

impl EksFleet {
    fn count(&mut self, workload: &WorkloadReport) {
        self.workloads += 1;
        let pods = workload.pods.unwrap_or(0);
        self.pods += pods;
        self.crash_looping += workload.crash_looping;
        self.pending += workload.pending;
        self.none_available += usize::from(workload.none_runs());
        self.short_of_pods += usize::from(workload.is_short());
        let is_measured = pods > 0 && !workload.cannot_be_measured();
        self.without_figures += usize::from(is_measured && !workload.has_figures());
    }
}

/// Mean CPU and memory of many services or workloads, each counted once whatever its size.
struct Means {
    cpu: OfOne,
    memory: OfOne,
}

/// The mean of one percentage over many: for the whole window, and slot by slot.
struct OfOne {
    all: Mean,
    slots: Vec<Mean>,
}

impl Means {
    fn new(slots: &Slots) -> Self {
        let none = || OfOne { all: Mean::default(), slots: vec![Mean::default(); slots.count()] };
        Self { cpu: none(), memory: none() }
    }

    fn add(&mut self, member: &impl Member, sparks: &Sparks) {
        self.cpu.add(member.cpu().average, &sparks.cpu.mean);
        self.memory.add(member.memory().average, &sparks.memory.mean);
    }

    fn history(&self, slots: &Slots) -> History {
        let values = |one: &OfOne| one.slots.iter().map(|mean| mean.value()).collect();
        let (cpu, memory) = (values(&self.cpu), values(&self.memory));
        History { slot_seconds: slots.seconds(), cpu, memory, ..History::default() }
    }
}

impl OfOne {
    fn add(&mut self, average: Option<f64>, mean: &Spark) {
        average.iter().for_each(|value| self.all.add(*value));
        mean.known().for_each(|(slot, value)| self.slots[slot].add(value));
    }
}

/// A running mean.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0.0).then(|| tenth(self.sum / self.count))
    }
}
