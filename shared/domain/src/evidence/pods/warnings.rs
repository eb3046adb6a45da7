//! What the events of a pod add to its state: why it has no node, why its image or volume is
//! missing, and which probe failed.

use std::cmp::Reverse;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PodState;
use super::read::one_line;
use crate::deaths::{Class, PodSaid, class_of_pod};
use crate::kubernetes::event::{KEPT, PodEvent};
use crate::kubernetes::waiting::WaitingCause;

/// How many warnings of a pod are stored.
const STORED: usize = 3;

/// A warning among the events of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodWarning {
    /// Reason, in one word, such as `FailedScheduling`.
    pub reason: String,
    /// Kubernetes' message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How often it was reported.
    pub count: u32,
    /// When it was last reported; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

impl PodWarning {
    fn read(event: PodEvent) -> Self {
        let PodEvent { reason, message, count, last_at, .. } = event;
        Self { reason: one_line(&reason), message: one_line(&message), count, last_at }
    }

    /// The class that its text belongs to, if any.
    pub fn class(&self) -> Option<Class> {
        class_of_pod(PodSaid::Warned(&self.reason, &self.message))
    }

    pub(super) fn is_about_scheduling(&self) -> bool {
        self.reason == "FailedScheduling"
    }

    pub(super) fn is_about_a_probe(&self) -> bool {
        self.reason == "Unhealthy"
    }

    /// Whether it is why the kubelet restarts a container: a failing readiness probe only takes the
    /// pod out of its services.
    pub(super) fn is_about_a_killing_probe(&self) -> bool {
        let is_killing = |probe| self.message.starts_with(probe);
        self.is_about_a_probe() && ["Liveness probe", "Startup probe"].into_iter().any(is_killing)
    }
}

/// `FailedScheduling (no subnet has free addresses), 12 times, last at 10:02 UTC`
impl fmt::Display for PodWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, message, count, last_at } = self;
        f.write_str(reason)?;
        if !message.is_empty() {
            write!(f, " ({})", message.trim_end_matches('.'))?;
        }
        if *count > 1 {
            write!(f, ", {count} times")?;
        }
        match last_at {
            Some(at) if *count > 1 => write!(f, ", last at {}", at.strftime("%H:%M UTC")),
            Some(at) => write!(f, " at {}", at.strftime("%H:%M UTC")),
            None => Ok(()),
        }
    }
}

impl PodState {
    /// Whether its events may explain something: it should be ready and is not, or a container
    /// ended while the events of that time still exist.
    pub fn may_have_warnings(&self, now: Timestamp) -> bool {
        let is_recent = |at: Timestamp| now.duration_since(at) <= KEPT;
        let mut ends = self.terminated.iter().filter(|end| end.reason != "Completed");
        self.is_live()
            && !self.is_gated()
            && !self.is_never_placed()
            && (!self.ready || ends.any(|end| end.finished_at.is_none_or(is_recent)))
    }

    /// Sets its warnings, of which those that still apply are kept: with a class before those
    /// without, then the newest first.
    pub fn warned(&mut self, events: Vec<PodEvent>) {
        let warnings = events.into_iter().map(PodWarning::read);
        let mut warnings: Vec<PodWarning> = warnings.filter(|warning| self.still_is(warning)).collect();
        warnings.sort_by_cached_key(|one| {
            (one.class().is_none(), Reverse(one.last_at), one.reason.clone(), one.message.clone())
        });
        warnings.truncate(STORED);
        self.warnings = warnings;
    }

    /// Whether a warning is about the present state: once a pod has a node, it does not matter
    /// which ones it did not get.
    fn still_is(&self, warning: &PodWarning) -> bool {
        let is_starting = || {
            let waits = self.waiting.iter().any(|one| one.cause() != WaitingCause::CrashLoop);
            waits || self.pending.is_some()
        };
        match self.node {
            None => warning.is_about_scheduling(),
            Some(_) if warning.is_about_scheduling() => false,
            // The back-off repeats what a container waits for.
            Some(_) if warning.reason == "BackOff" => false,
            Some(_) if warning.is_about_a_probe() => true,
            Some(_) => is_starting() || warning.reason == "NodeNotReady",
        }
    }
}
