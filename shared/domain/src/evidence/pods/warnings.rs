//! What the events of a pod add to its state: why it has no node, why its image or volume is
//! missing, which probe failed, and which containers the kubelet killed for it.

use std::cmp::Reverse;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::read::one_line;
use super::{PodState, Termination, WaitingContainer};
use crate::deaths::{Class, PodSaid, class_of_pod};
use crate::kubernetes::event::{KEPT, PodEvent};
use crate::kubernetes::waiting::WaitingCause;

/// How many warnings of a pod are stored.
const STORED: usize = 3;

/// How long a warning stands for what is still so. The kubelet repeats its own every few minutes
/// at most, then as often as its filter lets through, one of a pod in 5 minutes (Kubernetes,
/// `client-go/tools/record`, `EventSourceObjectSpamFilter`).
const REPEATED: SignedDuration = SignedDuration::from_mins(15);

/// How long a container may take from the event of its kill to its end: its grace period, which
/// is 30 s unless the pod says otherwise.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// A warning among the events of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodWarning {
    /// Reason, in one word, such as `FailedScheduling`.
    pub reason: String,
    /// Kubernetes' message; a long one is cut in the middle.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The container, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The class that the whole text belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// How often it was reported.
    pub count: u32,
    /// When it was last reported; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
}

/// A probe for whose failure the kubelet kills a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// The liveness probe.
    Liveness,
    /// The startup probe.
    Startup,
}

/// The newest kill of a container by the kubelet for a failed probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeKill {
    /// Its name.
    pub container: String,
    /// The probe.
    pub probe: Probe,
    /// When; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl PodWarning {
    fn read(event: PodEvent) -> Self {
        let PodEvent { reason, message, container, count, last_at, .. } = event;
        let class = class_of_pod(PodSaid::Warned(&reason, &message));
        Self { reason: one_line(&reason), message: one_line(&message), container, class, count, last_at }
    }

    pub(super) fn is_about_scheduling(&self) -> bool {
        self.reason == "FailedScheduling"
    }

    pub(super) fn is_about_a_probe(&self) -> bool {
        self.reason == "Unhealthy"
    }

    /// Whether it is why the kubelet restarts that container: a failing readiness probe only takes
    /// the pod out of its services.
    pub(super) fn is_about_a_killing_probe_of(&self, container: &str) -> bool {
        let is_killing = |probe| self.message.starts_with(probe);
        self.is_about_a_probe()
            && ["Liveness probe", "Startup probe"].into_iter().any(is_killing)
            && self.container.as_deref().is_none_or(|of| of == container)
    }

    /// Whether it is about what the container waits for: its image, or anything else without which
    /// it cannot be created.
    fn is_about(&self, waiting: &WaitingContainer) -> bool {
        let is_of_image = self.message.contains("pull image");
        self.container.as_deref().is_none_or(|of| of == waiting.container)
            && match waiting.cause() {
                WaitingCause::Starting | WaitingCause::CrashLoop => false,
                WaitingCause::Image => is_of_image,
                _ => !is_of_image,
            }
    }

    fn is_current(&self, now: Timestamp) -> bool {
        self.last_at.is_none_or(|at| now.duration_since(at) <= REPEATED)
    }
}

impl Probe {
    const NAMES: [(Self, &str); 2] = [(Self::Liveness, "liveness"), (Self::Startup, "startup")];

    /// In `Container app failed liveness probe, will be restarted` (Kubernetes,
    /// `pkg/kubelet/kuberuntime/kuberuntime_manager.go`).
    fn of_kill(message: &str) -> Option<Self> {
        let is_it = |name: &str| message.contains(&format!(" failed {name} probe"));
        Self::NAMES.into_iter().find(|(_, name)| is_it(name)).map(|(probe, _)| probe)
    }
}

/// `liveness probe`
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(probe, _)| probe == self).map_or("", |(_, name)| name);
        write!(f, "{name} probe")
    }
}

impl ProbeKill {
    fn read(event: PodEvent) -> Option<Self> {
        let probe = Probe::of_kill(&event.message)?;
        Some(Self { container: event.container?, probe, at: event.last_at })
    }

    fn ended(&self, end: &Termination) -> bool {
        let is_near = || Some(end.finished_at?.duration_since(self.at?).abs() <= GRACE);
        self.container == end.container && is_near().unwrap_or(true)
    }
}

/// `FailedScheduling (no subnet has free addresses), 12 times, last at 10:02 UTC`
impl fmt::Display for PodWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, message, count, last_at, .. } = self;
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
        self.should_run() && (!self.ready || self.may_be_killed(now))
    }

    /// Whether the kubelet may have killed a container while the events of that time still exist.
    /// An application that ends well when it is told to looks like one that completed.
    pub fn may_be_killed(&self, now: Timestamp) -> bool {
        let is_recent = |at: Timestamp| now.duration_since(at) <= KEPT;
        let mut ends = self.terminated.iter().filter(|end| end.reason != "Completed" || self.restarts > 0);
        self.should_run() && ends.any(|end| end.finished_at.is_none_or(is_recent))
    }

    fn should_run(&self) -> bool {
        self.is_live() && !self.is_gated() && !self.is_never_placed()
    }

    /// Sets its warnings, of which those that are still so are kept: with a class before those
    /// without, then the newest first.
    pub fn warned(&mut self, events: Vec<PodEvent>, now: Timestamp) {
        let warnings = events.into_iter().map(PodWarning::read);
        let mut warnings: Vec<PodWarning> = warnings.filter(|warning| self.still_is(warning, now)).collect();
        warnings.sort_by_cached_key(|one| {
            // Of the reasons why there is no node, only the newest counts.
            let says_little = one.class.is_none() && !one.is_about_scheduling();
            (says_little, Reverse(one.last_at), one.reason.clone(), one.message.clone())
        });
        warnings.truncate(STORED);
        self.warnings = warnings;
    }

    /// Sets which of its containers were killed for a failed probe, from the events of the reason
    /// `Killing`.
    pub fn killed(&mut self, events: Vec<PodEvent>) {
        self.probe_kills = events.into_iter().filter_map(ProbeKill::read).collect();
        self.probe_kills.sort_by(|a, b| (&a.container, b.at).cmp(&(&b.container, a.at)));
        self.probe_kills.dedup_by(|older, newer| older.container == newer.container);
    }

    /// The probe for whose failure the kubelet ended a container, if it did.
    pub(super) fn killed_for(&self, end: &Termination) -> Option<Probe> {
        self.probe_kills.iter().find(|kill| kill.ended(end)).map(|kill| kill.probe)
    }

    /// Whether a warning is about the present state.
    fn still_is(&self, warning: &PodWarning, now: Timestamp) -> bool {
        if warning.is_about_scheduling() {
            // Once a pod has a node, it does not matter which ones it did not get.
            return self.node.is_none();
        }
        let is_starting = || {
            let starts = |one: &WaitingContainer| one.cause() == WaitingCause::Starting;
            self.waiting.iter().any(starts) || self.pending.is_some()
        };
        self.node.is_some()
            && match warning.reason.as_str() {
                // The back-off repeats what a container waits for. A log router that is off has
                // a rule of its own, and stops no pod.
                "BackOff" | "LoggingDisabled" => false,
                "Failed" => self.waiting.iter().any(|one| warning.is_about(one)),
                "Unhealthy" | "NodeNotReady" => warning.is_current(now),
                _ => is_starting() && warning.is_current(now),
            }
    }
}
