//! Which pods a measure counts. The figure and the names come from the same list, so that the pods
//! named are the pods counted.

use jiff::{SignedDuration, Timestamp};

use super::{PodState, PreviousPods, Termination, WaitingContainer};
use crate::kubernetes::pod::Phase;
use crate::kubernetes::waiting::{self, WaitingCause};
use crate::rules::KubernetesMeasure;

/// How long after completion a pod counts as forgotten.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The usual distance between samples.
const SAMPLE: SignedDuration = SignedDuration::from_mins(5);
/// How old a kill may be to still count as new after an outage of the runs.
const OLD_KILL: SignedDuration = SignedDuration::from_hours(1);
/// How long a container may wait for an unknown reason before it counts: it may still be starting.
const UNKNOWN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// The pods that a measure counts.
#[derive(Debug, Clone)]
pub struct Counted<'a> {
    measure: KubernetesMeasure,
    pods: Vec<&'a PodState>,
    now: Timestamp,
}

impl<'a> Counted<'a> {
    /// The pods among `pods` that the measure counts at `now`.
    pub fn of(
        measure: KubernetesMeasure,
        pods: impl IntoIterator<Item = &'a PodState>,
        now: Timestamp,
    ) -> Self {
        let pods = pods.into_iter().filter(|pod| pod.counts_for(measure, now)).collect();
        Self { measure, pods, now }
    }

    /// The counted pods.
    pub fn pods(&self) -> &[&'a PodState] {
        &self.pods
    }

    /// The measure's figure: the sum over the pods; for pending pods, the seconds that the
    /// longest-waiting one has waited.
    pub fn value(&self) -> f64 {
        let seconds =
            |pod: &&PodState| Some(self.now.duration_since(pod.pending.as_ref()?.since).as_secs_f64());
        match self.measure {
            KubernetesMeasure::PodPending => self.pods.iter().filter_map(seconds).fold(0.0, f64::max),
            KubernetesMeasure::PodRestarts => self.pods.iter().map(|pod| f64::from(pod.new_restarts)).sum(),
            KubernetesMeasure::OomKilled => self.pods.iter().map(|pod| f64::from(pod.new_oom_kills)).sum(),
            KubernetesMeasure::PodMemoryPercent
            | KubernetesMeasure::PodCpuPercent
            | KubernetesMeasure::CrashLoopingPods
            | KubernetesMeasure::UnstartablePods
            | KubernetesMeasure::AvailableBelowDesired
            | KubernetesMeasure::CompletedPods
            | KubernetesMeasure::MetricsServerDown
            | KubernetesMeasure::LoggingDisabledPods
            | KubernetesMeasure::DaemonSetPodsOnFargate
            | KubernetesMeasure::PodCpuThrottledPercent
            | KubernetesMeasure::PodNetworkReceived
            | KubernetesMeasure::PodNetworkSent
            | KubernetesMeasure::PodDiskRead
            | KubernetesMeasure::PodDiskWritten => as_value(self.pods.len()),
        }
    }
}

impl PodState {
    /// Whether a measure counts the pod. `false` for measures that do not count pods.
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
            KubernetesMeasure::PodMemoryPercent
            | KubernetesMeasure::PodCpuPercent
            | KubernetesMeasure::AvailableBelowDesired
            | KubernetesMeasure::MetricsServerDown
            | KubernetesMeasure::PodCpuThrottledPercent
            | KubernetesMeasure::PodNetworkReceived
            | KubernetesMeasure::PodNetworkSent
            | KubernetesMeasure::PodDiskRead
            | KubernetesMeasure::PodDiskWritten => false,
        }
    }

    /// Compares the pod with the previous sample: what was restarted and killed since, whether it
    /// had already ended, and whether it was gated.
    pub fn compare(&mut self, before: Option<&PreviousPods>, now: Timestamp) {
        let is_gated = self.is_gated();
        self.new_restarts = before.map_or(0, |before| before.restarts_since(self));
        let kills = self.terminated.iter().filter(|end| end.reason == "OOMKilled");
        let new = kills.filter(|end| is_new(self, end, before, now)).count();
        self.new_oom_kills = u32::try_from(new).unwrap_or(u32::MAX);
        // Kubernetes does not report when gates were removed: the pod waits from the first sample
        // without them.
        let waits_since = before.and_then(|before| before.waits_since(self, now));
        if let (Some(pending), Some(since), false) = (&mut self.pending, waits_since, is_gated) {
            pending.since = pending.since.max(since);
        }
        if self.is_completed() {
            // Kubernetes may report a transition from before the end.
            let is_possible = |at: &Timestamp| !before.is_some_and(|before| before.outlived(self, *at));
            let known = before.and_then(|before| before.ended_at(self));
            self.ended_at = known.or(self.ended_at.filter(is_possible)).or(Some(now));
        }
    }

    /// Whether one of its containers is in a crash loop.
    pub fn is_crash_looping(&self) -> bool {
        self.is_live() && self.waiting.iter().any(|one| one.cause() == WaitingCause::CrashLoop)
    }

    /// Whether one of its containers will not start without intervention.
    pub fn cannot_start(&self, now: Timestamp) -> bool {
        self.unstartable(now).next().is_some()
    }

    /// Its containers that will not start without intervention. One that waits for an unknown
    /// reason gets a minute.
    pub(super) fn unstartable(&self, now: Timestamp) -> impl Iterator<Item = &WaitingContainer> {
        let is_new = self.last_change().is_some_and(|at| now.duration_since(at) <= UNKNOWN_AFTER);
        self.waiting.iter().filter(move |one| match one.cause() {
            WaitingCause::Starting | WaitingCause::CrashLoop => false,
            WaitingCause::Unknown => self.is_live() && !is_new,
            _ => self.is_live(),
        })
    }

    /// When its containers last had a reason to start waiting: its creation, the removal of its
    /// gates, or the newest end of a container.
    fn last_change(&self) -> Option<Timestamp> {
        let ends = self.terminated.iter().filter_map(|end| end.finished_at);
        ends.chain(self.created_at).chain(self.pending.as_ref().map(|pending| pending.since)).max()
    }

    /// Whether it waits for something that should happen: it has not started, is not being deleted,
    /// is not gated, and can be placed.
    pub fn is_pending(&self) -> bool {
        self.is_live() && self.pending.is_some() && !self.is_gated() && !self.is_never_placed()
    }

    /// Whether scheduling gates hold it back (Kubernetes documentation, "Pod Scheduling
    /// Readiness").
    pub fn is_gated(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.reason.as_deref() == Some("SchedulingGated"))
    }

    /// Whether it is a `DaemonSet` pod for a Fargate node, where it never runs (Amazon EKS User
    /// Guide, "Simplify compute management with AWS Fargate: considerations").
    pub fn is_never_placed(&self) -> bool {
        self.fargate && self.is_live() && self.phase == Phase::Pending && self.workload.kind == "DaemonSet"
    }

    /// Whether its output is lost because Fargate's log router is off.
    pub fn loses_logs(&self) -> bool {
        self.logging_disabled.is_some() && !self.is_completed()
    }

    /// Whether it is still billed although it completed over an hour ago: the node of a Fargate pod
    /// lives until the pod is deleted (Amazon EKS User Guide, "Fargate Pod configuration").
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        let is_long_ago = |end| now.duration_since(end) > FORGOTTEN_AFTER;
        self.fargate && self.is_completed() && self.ended_at.is_some_and(is_long_ago)
    }
}

impl WaitingContainer {
    /// The cause behind its reason.
    pub fn cause(&self) -> WaitingCause {
        WaitingCause::of(&self.reason)
    }

    /// The remedy, in one sentence.
    pub fn remedy(&self) -> &'static str {
        waiting::remedy(&self.reason)
    }
}

/// Whether an end is not in the previous sample; without a previous sample, whether it is from the
/// last five minutes. The API keeps only the newest end of each container, so two kills of one
/// container between two samples count once.
fn is_new(pod: &PodState, end: &Termination, before: Option<&PreviousPods>, now: Timestamp) -> bool {
    let within = |limit| end.finished_at.is_some_and(|at| now.duration_since(at) < limit);
    match before {
        // An old end is not new, even for a pod seen for the first time.
        Some(before) => within(OLD_KILL) && !before.knew(pod, end),
        None => within(SAMPLE),
    }
}

#[expect(clippy::cast_precision_loss, reason = "pods of a cluster are far below 2^53")]
pub(super) fn as_value(count: usize) -> f64 {
    count as f64
}
