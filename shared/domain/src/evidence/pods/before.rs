//! What the sample before saw of the pods of one cluster: what happened since is the difference.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{PodCounters, PodState, Termination};

/// How long after its containers a pod may end: the kubelet follows within seconds.
const PHASE_LAG: SignedDuration = SignedDuration::from_mins(1);

/// What the sample before saw of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Before {
    restarts: HashMap<String, u32>,
    ends: HashSet<(String, Termination)>,
    counters: HashMap<String, PodCounters>,
    ended: HashMap<String, Timestamp>,
    /// Since when pods waited; none of those that were held back.
    waiting: HashMap<String, Option<Timestamp>>,
    /// When it was taken; none if that is not known.
    taken: Option<Timestamp>,
}

impl Before {
    /// Restarts of a pod since then. A pod that was not there has made all of its own since.
    pub fn restarts_since(&self, pod: &PodState) -> u32 {
        pod.restarts.saturating_sub(self.restarts.get(&pod.uid).copied().unwrap_or(0))
    }

    /// Whether this end of a container was seen.
    pub fn knew(&self, pod: &PodState, end: &Termination) -> bool {
        self.ends.contains(&(pod.uid.clone(), end.clone()))
    }

    /// What cAdvisor had counted for a pod; none if it was not asked, or the pod was not there.
    pub fn counters(&self, pod: &PodState) -> Option<&PodCounters> {
        self.counters.get(&pod.uid)
    }

    /// When a pod had ended, as far as that was known.
    pub fn ended_at(&self, pod: &PodState) -> Option<Timestamp> {
        self.ended.get(&pod.uid).copied()
    }

    /// Since when a pod waits that waits `now`, as far as it waited then. One that was held back then begins to wait now.
    pub fn waits_since(&self, pod: &PodState, now: Timestamp) -> Option<Timestamp> {
        self.waiting.get(&pod.uid).map(|since| since.unwrap_or(now))
    }

    /// Whether a pod had not ended when the sample was taken, which is after that time.
    pub fn outlived(&self, pod: &PodState, at: Timestamp) -> bool {
        let lived = self.restarts.contains_key(&pod.uid) && !self.ended.contains_key(&pod.uid);
        lived && self.taken.is_some_and(|taken| taken.duration_since(at) > PHASE_LAG)
    }

    /// The same, taken then; none if that is not known.
    #[must_use]
    pub fn taken_at(self, at: impl Into<Option<Timestamp>>) -> Self {
        Self { taken: at.into(), ..self }
    }

    /// Takes in a pod.
    pub(crate) fn add(&mut self, pod: PodState) {
        let since = pod.pending.as_ref().map(|pending| (!pod.is_gated()).then_some(pending.since));
        self.waiting.extend(since.map(|since| (pod.uid.clone(), since)));
        self.ended.extend(pod.ended_at.map(|at| (pod.uid.clone(), at)));
        self.ends.extend(pod.terminated.into_iter().map(|end| (pod.uid.clone(), end)));
        self.counters.extend(pod.counters.map(|counters| (pod.uid.clone(), *counters)));
        self.restarts.insert(pod.uid, pod.restarts);
    }
}

impl FromIterator<PodState> for Before {
    fn from_iter<I: IntoIterator<Item = PodState>>(pods: I) -> Self {
        let mut before = Self::default();
        pods.into_iter().for_each(|pod| before.add(pod));
        before
    }
}
