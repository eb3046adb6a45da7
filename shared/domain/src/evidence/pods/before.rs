//! The previous sample of the pods of one cluster. The difference shows what happened since.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{PodCounters, PodState, Termination};

/// How long after its containers a pod may end: the kubelet updates the phase within seconds.
const PHASE_LAG: SignedDuration = SignedDuration::from_mins(1);

/// The previous sample of one cluster.
#[derive(Debug, Clone, Default)]
pub struct PreviousPods {
    restarts: HashMap<String, u32>,
    ends: HashSet<(String, Termination)>,
    counters: HashMap<String, PodCounters>,
    ended: HashMap<String, Timestamp>,
    /// Since when pods waited; `None` for pods that were gated.
    waiting: HashMap<String, Option<Timestamp>>,
    /// When the sample was taken; `None` if unknown.
    taken: Option<Timestamp>,
}

impl PreviousPods {
    /// Restarts of a pod since then. For a pod that did not exist then, all its restarts count.
    pub fn restarts_since(&self, pod: &PodState) -> u32 {
        pod.restarts.saturating_sub(self.restarts.get(&pod.uid).copied().unwrap_or(0))
    }

    /// Whether the sample contains this end of a container.
    pub fn knew(&self, pod: &PodState, end: &Termination) -> bool {
        self.ends.contains(&(pod.uid.clone(), end.clone()))
    }

    /// The cAdvisor counters of a pod; `None` if cAdvisor was not queried, or the pod did not
    /// exist.
    pub fn counters(&self, pod: &PodState) -> Option<&PodCounters> {
        self.counters.get(&pod.uid)
    }

    /// When a pod had ended, if known.
    pub fn ended_at(&self, pod: &PodState) -> Option<Timestamp> {
        self.ended.get(&pod.uid).copied()
    }

    /// Since when a pod that waits `now` has waited, if it already waited then. A pod that was
    /// gated then starts waiting now.
    pub fn waits_since(&self, pod: &PodState, now: Timestamp) -> Option<Timestamp> {
        self.waiting.get(&pod.uid).map(|since| since.unwrap_or(now))
    }

    /// Whether a pod had not ended when the sample was taken, clearly after `at`.
    pub fn outlived(&self, pod: &PodState, at: Timestamp) -> bool {
        let lived = self.restarts.contains_key(&pod.uid) && !self.ended.contains_key(&pod.uid);
        lived && self.taken.is_some_and(|taken| taken.duration_since(at) > PHASE_LAG)
    }

    /// Sets when the sample was taken; `None` if unknown.
    #[must_use]
    pub fn taken_at(self, at: impl Into<Option<Timestamp>>) -> Self {
        Self { taken: at.into(), ..self }
    }

    /// Adds a pod.
    pub(crate) fn add(&mut self, pod: PodState) {
        let since = pod.pending.as_ref().map(|pending| (!pod.is_gated()).then_some(pending.since));
        self.waiting.extend(since.map(|since| (pod.uid.clone(), since)));
        self.ended.extend(pod.ended_at.map(|at| (pod.uid.clone(), at)));
        self.ends.extend(pod.terminated.into_iter().map(|end| (pod.uid.clone(), end)));
        self.counters.extend(pod.counters.map(|counters| (pod.uid.clone(), *counters)));
        self.restarts.insert(pod.uid, pod.restarts);
    }
}

impl FromIterator<PodState> for PreviousPods {
    fn from_iter<I: IntoIterator<Item = PodState>>(pods: I) -> Self {
        let mut before = Self::default();
        pods.into_iter().for_each(|pod| before.add(pod));
        before
    }
}
