//! Which pods a measure counts. The figure and the names come from one list, so that no pod is counted and another
//! named.

use jiff::{SignedDuration, Timestamp};

use super::{Before, PodState, Termination, WaitingContainer};
use crate::kubernetes::pod::Phase;
use crate::kubernetes::waiting::{self, WaitingCause};
use crate::rules::KubernetesMeasure;

/// How long a pod may be completed before it counts as forgotten.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How far samples are apart.
const SAMPLE: SignedDuration = SignedDuration::from_mins(5);
/// How old a kill may be that an outage of the runs hid.
const OLD_KILL: SignedDuration = SignedDuration::from_hours(1);
/// How long a container may wait for a reason that is not known: it may be on its way.
const UNKNOWN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// The pods that a measure counts.
#[derive(Debug, Clone)]
pub struct Counted<'a> {
    measure: KubernetesMeasure,
    pods: Vec<&'a PodState>,
    now: Timestamp,
}

impl<'a> Counted<'a> {
    /// Those of these pods that it counts at that time.
    pub fn of(
        measure: KubernetesMeasure,
        pods: impl IntoIterator<Item = &'a PodState>,
        now: Timestamp,
    ) -> Self {
        let pods = pods.into_iter().filter(|pod| pod.counts_for(measure, now)).collect();
        Self { measure, pods, now }
    }

    /// They.
    pub fn pods(&self) -> &[&'a PodState] {
        &self.pods
    }

    /// The measure's figure: what each of them adds; of pending pods, the seconds of the one that has waited longest.
    pub fn value(&self) -> f64 {
        let seconds =
            |pod: &&PodState| Some(self.now.duration_since(pod.pending.as_ref()?.since).as_secs_f64());
        match self.measure {
            KubernetesMeasure::PodPending => self.pods.iter().filter_map(seconds).fold(0.0, f64::max),
            KubernetesMeasure::PodRestarts => self.pods.iter().map(|pod| f64::from(pod.new_restarts)).sum(),
            KubernetesMeasure::OomKilled => self.pods.iter().map(|pod| f64::from(pod.new_oom_kills)).sum(),
            _ => as_value(self.pods.len()),
        }
    }
}

impl PodState {
    /// Whether a measure counts it. Measures that count no pods count none.
    pub(super) fn counts_for(&self, measure: KubernetesMeasure, now: Timestamp) -> bool {
        match measure {
            KubernetesMeasure::PodRestarts => self.new_restarts > 0,
            KubernetesMeasure::OomKilled => self.new_oom_kills > 0,
            KubernetesMeasure::CrashLoopingPods => self.is_crash_looping(),
            KubernetesMeasure::UnstartablePods => self.cannot_start(now),
            KubernetesMeasure::PodPending => self.is_pending(),
            KubernetesMeasure::CompletedPods => self.is_forgotten(now),
            KubernetesMeasure::LoggingDisabledPods => self.loses_logs(),
            KubernetesMeasure::DaemonSetPodsOnFargate => self.is_never_placed(),
            _ => false,
        }
    }

    /// Compares it with the sample before: what was restarted and killed since, whether it had ended by then, and whether it
    /// was held back.
    pub fn compare(&mut self, before: Option<&Before>, now: Timestamp) {
        let is_gated = self.is_gated();
        self.new_restarts = before.map_or(0, |before| before.restarts_since(self));
        let kills = self.terminated.iter().filter(|end| end.reason == "OOMKilled");
        let new = kills.filter(|end| is_new(self, end, before, now)).count();
        self.new_oom_kills = u32::try_from(new).unwrap_or(u32::MAX);
        // Kubernetes does not say when its gates were removed: it waits from the first sample that did not see them.
        let waits_since = before.and_then(|before| before.waits_since(self, now));
        if let (Some(pending), Some(since), false) = (&mut self.pending, waits_since, is_gated) {
            pending.since = pending.since.max(since);
        }
        if self.is_completed() {
            // What Kubernetes says may be what was last so before the end.
            let is_possible = |at: &Timestamp| !before.is_some_and(|before| before.outlived(self, *at));
            let known = before.and_then(|before| before.ended_at(self));
            self.ended_at = known.or(self.ended_at.filter(is_possible)).or(Some(now));
        }
    }

    /// Whether a container of it crashes again and again.
    pub fn is_crash_looping(&self) -> bool {
        self.is_live() && self.waiting.iter().any(|one| one.cause() == WaitingCause::CrashLoop)
    }

    /// Whether a container of it will not start by itself.
    pub fn cannot_start(&self, now: Timestamp) -> bool {
        self.unstartable(now).next().is_some()
    }

    /// Containers of it that will not start by themselves. One that waits for an unknown reason is given a minute.
    pub(super) fn unstartable(&self, now: Timestamp) -> impl Iterator<Item = &WaitingContainer> {
        let is_new = self.last_change().is_some_and(|at| now.duration_since(at) <= UNKNOWN_AFTER);
        self.waiting.iter().filter(move |one| match one.cause() {
            WaitingCause::Starting | WaitingCause::CrashLoop => false,
            WaitingCause::Unknown => self.is_live() && !is_new,
            _ => self.is_live(),
        })
    }

    /// When its containers last had a reason to begin to wait: its creation, the end of its gates, or the newest end of one of
    /// them.
    fn last_change(&self) -> Option<Timestamp> {
        let ends = self.terminated.iter().filter_map(|end| end.finished_at);
        ends.chain(self.created_at).chain(self.pending.as_ref().map(|pending| pending.since)).max()
    }

    /// Whether it waits for something that should come: it has not started, nobody is deleting it, nothing holds it
    /// back on purpose, and there can be a place for it.
    pub fn is_pending(&self) -> bool {
        self.is_live() && self.pending.is_some() && !self.is_gated() && !self.is_never_placed()
    }

    /// Whether somebody holds it back until other things are done (Kubernetes documentation, "Pod Scheduling
    /// Readiness").
    pub fn is_gated(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.reason.as_deref() == Some("SchedulingGated"))
    }

    /// Whether it is a pod of a `DaemonSet` for a node of Fargate, which runs none of them (Amazon EKS User Guide,
    /// "Simplify compute management with AWS Fargate: considerations").
    pub fn is_never_placed(&self) -> bool {
        self.fargate && self.is_live() && self.phase == Phase::Pending && self.workload.kind == "DaemonSet"
    }

    /// Whether what it writes is lost: Fargate's log router is off.
    pub fn loses_logs(&self) -> bool {
        self.logging_disabled.is_some() && !self.is_completed()
    }

    /// Whether it is paid for although it completed over an hour ago: the node of a Fargate pod lives until the pod is
    /// deleted (Amazon EKS User Guide, "Fargate Pod configuration").
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        let is_long_ago = |end| now.duration_since(end) > FORGOTTEN_AFTER;
        self.fargate && self.is_completed() && self.ended_at.is_some_and(is_long_ago)
    }
}

impl WaitingContainer {
    /// What its reason means.
    pub fn cause(&self) -> WaitingCause {
        WaitingCause::of(&self.reason)
    }

    /// What to do about it, in a sentence.
    pub fn remedy(&self) -> &'static str {
        waiting::remedy(&self.reason)
    }
}

/// Whether the sample before did not know of an end; without a sample before, whether it is of the last five minutes.
/// The API remembers the newest end of each container only, so two kills of one container between two samples count
/// once.
fn is_new(pod: &PodState, end: &Termination, before: Option<&Before>, now: Timestamp) -> bool {
    let within = |limit| end.finished_at.is_some_and(|at| now.duration_since(at) < limit);
    match before {
        // What ended long ago is no news, even of a pod that is seen for the first time.
        Some(before) => within(OLD_KILL) && !before.knew(pod, end),
        None => within(SAMPLE),
    }
}

#[expect(clippy::cast_precision_loss, reason = "pods of a cluster are far below 2^53")]
pub(super) fn as_value(count: usize) -> f64 {
    count as f64
}
