//! All clusters of EKS together.

use serde::{Deserialize, Serialize};

use super::{SeenEks, WorkloadReport};
use crate::summary::report::figures::History;
use crate::summary::report::finish::Mean;
use crate::summary::report::slots::Slots;

/// All clusters of EKS together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EksFleet {
    /// Clusters.
    pub clusters: usize,
    /// Clusters whose Kubernetes API could not be read.
    pub unread: usize,
    /// Clusters of which some kind of workload could not be listed.
    #[serde(default)]
    pub unlisted: usize,
    /// Their workloads.
    pub workloads: usize,
    /// Pods that have not run to their end.
    pub pods: usize,
    /// Workloads with pods of which there is no figure of CPU or memory, whatever the reason.
    pub without_figures: usize,
    /// Workloads that should have replicas and have none available.
    pub none_available: usize,
    /// Workloads with fewer replicas available than desired, but some.
    pub short_of_pods: usize,
    /// Pods with a container in `CrashLoopBackOff`.
    pub crash_looping: usize,
    /// Pods that are pending.
    pub pending: usize,
    /// CPU of a workload, averaged over all workloads that have data.
    pub cpu: Option<f64>,
    /// Memory of a workload, averaged over all workloads that have data.
    pub memory: Option<f64>,
    /// The same two over time.
    pub history: History,
}

/// All that was seen; none without a cluster of EKS.
pub(in crate::summary::report) fn fleet<'a>(
    clusters: impl Iterator<Item = &'a SeenEks>,
    slots: &Slots,
) -> Option<EksFleet> {
    let mut fleet = EksFleet::default();
    let (mut cpu, mut memory) = (Mean::default(), Mean::default());
    let (mut cpu_slots, mut memory_slots) =
        (vec![Mean::default(); slots.count()], vec![Mean::default(); slots.count()]);
    for cluster in clusters {
        fleet.clusters += 1;
        fleet.unread += usize::from(cluster.unread);
        fleet.unlisted += usize::from(cluster.state.as_ref().is_some_and(|state| !state.unlisted.is_empty()));
        for workload in cluster.workloads.values() {
            fleet.count(&workload.figures);
            workload.figures.cpu.average.iter().for_each(|value| cpu.add(*value));
            workload.figures.memory.average.iter().for_each(|value| memory.add(*value));
            workload.sparks.cpu.known().for_each(|(slot, value)| cpu_slots[slot].add(value));
            workload.sparks.memory.known().for_each(|(slot, value)| memory_slots[slot].add(value));
        }
    }
    let values = |means: Vec<Mean>| means.into_iter().map(Mean::value).collect();
    (fleet.cpu, fleet.memory) = (cpu.value(), memory.value());
    let (cpu, memory) = (values(cpu_slots), values(memory_slots));
    fleet.history = History { slot_seconds: slots.seconds(), cpu, memory, ..History::default() };
    (fleet.clusters > 0).then_some(fleet)
}

impl EksFleet {
    fn count(&mut self, workload: &WorkloadReport) {
        self.workloads += 1;
        let pods = workload.pods.unwrap_or(0);
        self.pods += pods;
        self.crash_looping += workload.crash_looping;
        self.pending += workload.pending;
        self.none_available += usize::from(workload.none_available());
        self.short_of_pods += usize::from(workload.is_short());
        let known = [&workload.cpu, &workload.memory].map(|figure| figure.average.or(figure.maximum));
        let is_measured = pods > 0 && !workload.cannot_be_measured();
        self.without_figures += usize::from(is_measured && known == [None, None]);
    }
}
