//! The values that a rule must see for pods and clusters, computed from the true state according to
//! docs/rules.md.

use std::collections::BTreeMap;

use super::cadvisor::Page;
use super::pod::{How, KIB, Measured, NANOCORES, Place, Pod, Said};
use super::workload::Workload;
use crate::clock::Minute;

/// A measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    Memory,
    Cpu,
    Restarts,
    OomKilled,
    CrashLooping,
    Unstartable,
    Pending,
    Missing,
    Completed,
    MetricsDown,
    NoLogs,
    DaemonSetPods,
    Throttled,
    Received,
    Sent,
    Read,
    Written,
}

/// How the pods of a workload are combined into one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Statistic {
    Maximum,
    Average,
}

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    Value(f64),
    NoData,
    NotAsked,
}

/// What was known of the pods of a cluster at the previous sample, by name; `None` if it could not
/// be read then.
pub(crate) type Past = BTreeMap<String, PastPod>;

/// What was known of a pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PastPod {
    restarts: u32,
    last_end: Option<(Minute, &'static str)>,
    ended: Option<Minute>,
    /// Its data on the page of its node; `None` if the page was never read while the pod existed.
    page: Option<Page>,
}

impl Measure {
    pub(crate) const ALL: [Self; 17] = [
        Self::Memory,
        Self::Cpu,
        Self::Restarts,
        Self::OomKilled,
        Self::CrashLooping,
        Self::Unstartable,
        Self::Pending,
        Self::Missing,
        Self::Completed,
        Self::MetricsDown,
        Self::NoLogs,
        Self::DaemonSetPods,
        Self::Throttled,
        Self::Received,
        Self::Sent,
        Self::Read,
        Self::Written,
    ];

    /// The word in the user's file, and the name of its samples.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Memory => ("pod-memory-percent", "pod_memory_percent_of_provisioned"),
            Self::Cpu => ("pod-cpu-percent", "pod_cpu_percent_of_provisioned"),
            Self::Restarts => ("pod-restarts", "pod_restarts"),
            Self::OomKilled => ("oom-killed", "containers_oom_killed"),
            Self::CrashLooping => ("crash-looping-pods", "pods_crash_looping"),
            Self::Unstartable => ("unstartable-pods", "pods_unstartable"),
            Self::Pending => ("pod-pending", "pod_pending_seconds"),
            Self::Missing => ("available-below-desired", "replicas_unavailable"),
            Self::Completed => ("completed-pods", "pods_completed"),
            Self::MetricsDown => ("metrics-server-down", "metrics_server_down"),
            Self::NoLogs => ("logging-disabled-pods", "pods_logging_disabled"),
            Self::DaemonSetPods => ("daemonset-pods-on-fargate", "daemonset_pods_on_fargate"),
            Self::Throttled => ("pod-cpu-throttled-percent", "pod_cpu_throttled_percent"),
            Self::Received => ("pod-network-received", "pod_network_received_bytes_per_second"),
            Self::Sent => ("pod-network-sent", "pod_network_sent_bytes_per_second"),
            Self::Read => ("pod-disk-read", "pod_disk_read_bytes_per_second"),
            Self::Written => ("pod-disk-written", "pod_disk_written_bytes_per_second"),
        }
    }

    pub(crate) fn is_of_cluster(self) -> bool {
        matches!(self, Self::Completed | Self::MetricsDown | Self::NoLogs | Self::DaemonSetPods)
    }

    /// Whether it is a rate of cAdvisor's counters.
    pub(crate) fn is_rated(self) -> bool {
        matches!(self, Self::Throttled | Self::Received | Self::Sent | Self::Read | Self::Written)
    }

    /// Whether it compares pods instead of counting them.
    pub(crate) fn is_compared(self) -> bool {
        matches!(self, Self::Memory | Self::Cpu) || self.is_rated()
    }

    pub(crate) fn statistics(self) -> &'static [Statistic] {
        if self.is_compared() { &[Statistic::Maximum, Statistic::Average] } else { &[Statistic::Maximum] }
    }

    /// The value for these pods in a run at `time` for that minute, from the pods alone.
    pub(crate) fn of(
        self,
        statistic: Statistic,
        pods: &[&Pod],
        (now, clock): (Minute, Minute),
        past: Option<&Past>,
    ) -> Figure {
        if self.is_compared() {
            let values: Vec<f64> = pods.iter().filter_map(|pod| pod.compared(self, clock, past)).collect();
            let count = f64::from(u32::try_from(values.len()).unwrap());
            return match (values.is_empty(), statistic) {
                (true, _) => Figure::NoData,
                (_, Statistic::Maximum) => Figure::Value(values.into_iter().fold(f64::MIN, f64::max)),
                (_, Statistic::Average) => Figure::Value(values.iter().sum::<f64>() / count),
            };
        }
        if self == Self::Restarts && past.is_none() {
            return Figure::NoData;
        }
        let adds = pods.iter().map(|pod| pod.adds(self, now, past));
        Figure::Value(if self == Self::Pending { adds.fold(0.0, f64::max) } else { adds.sum() })
    }
}

impl Pod {
    /// Its value for comparison with others; `None` if unknown.
    pub(super) fn compared(&self, measure: Measure, clock: Minute, past: Option<&Past>) -> Option<f64> {
        if !measure.is_rated() {
            return self.percent(measure);
        }
        let before = past?.get(&self.name)?.page.as_ref()?;
        self.is_counted().then(|| self.counting.page(clock))?.since(before, measure)
    }

    /// Its usage of what Fargate provisioned; `None` if unknown.
    fn percent(&self, measure: Measure) -> Option<f64> {
        let is_known =
            self.how == How::Running && self.measured == Measured::Usage && self.place == Place::Fargate;
        let (used, of) = if measure == Measure::Memory { (self.memory, KIB) } else { (self.cpu, NANOCORES) };
        is_known.then(|| float(used) * 100.0 / float(of))
    }

    /// What it adds to a count; for pending pods the seconds of waiting.
    pub(super) fn adds(&self, measure: Measure, now: Minute, past: Option<&Past>) -> f64 {
        let before = past.and_then(|past| past.get(&self.name));
        let one = |counts: bool| f64::from(u8::from(counts));
        match measure {
            // The earlier state is unknown.
            Measure::Restarts if past.is_none() => 0.0,
            Measure::Restarts => {
                f64::from(self.restarts.saturating_sub(before.map_or(0, |before| before.restarts)))
            }
            Measure::OomKilled => one(self.last_end.is_some_and(|end| {
                let is_new = match past {
                    Some(_) => now - end.0 < 60 && before.is_none_or(|before| before.last_end != Some(end)),
                    None => now - end.0 < 5,
                };
                end.1 == "OOMKilled" && is_new
            })),
            Measure::CrashLooping => one(self.is_live() && self.how == How::BackOff),
            Measure::Unstartable => one(self.is_live() && self.cannot_start(now)),
            Measure::Pending if self.is_pending() => float((now - self.created).max(0) * 60),
            Measure::Completed => {
                one(self.is_fargate() && self.ended(now, past).is_some_and(|ended| now - ended > 60))
            }
            Measure::NoLogs => one(!self.logs && !matches!(self.how, How::Ended { .. } | How::Unplaced(_))),
            Measure::DaemonSetPods => one(self.place == Place::NodeOfFargate && self.is_live()),
            _ => 0.0,
        }
    }

    fn cannot_start(&self, now: Minute) -> bool {
        let How::Waiting(reason) = self.how else { return false };
        let newest = self.last_end.map_or(self.created, |(end, _)| end.max(self.created));
        match reason {
            "ContainerCreating" => false,
            // The reason is unknown: it is given a minute.
            "SomethingNew" => now - newest > 1,
            _ => true,
        }
    }

    fn is_pending(&self) -> bool {
        let waits = match self.how {
            How::Unplaced(reason) => reason != "SchedulingGated",
            How::Waiting(_) => true,
            How::Running | How::BackOff | How::Ended { .. } => false,
        };
        waits && self.is_live() && self.place != Place::NodeOfFargate
    }

    /// When it ended, if it has, as far as it can be known.
    fn ended(&self, now: Minute, past: Option<&Past>) -> Option<Minute> {
        match self.how {
            How::Ended { said: Said::Nothing, .. } => {
                let before = past.and_then(|past| past.get(&self.name));
                Some(before.and_then(|before| before.ended).unwrap_or(now))
            }
            How::Ended { at, .. } => Some(at),
            _ => None,
        }
    }

    /// What a run at that time knows about it.
    pub(super) fn known(&self, (now, clock): (Minute, Minute), past: Option<&Past>) -> PastPod {
        // Where it is not counted now, it is rated with the previous counts.
        let before = past.and_then(|past| past.get(&self.name)?.page.clone());
        let page = if self.is_counted() { Some(self.counting.page(clock)) } else { before };
        PastPod { restarts: self.restarts, last_end: self.last_end, ended: self.ended(now, past), page }
    }
}

impl Workload {
    /// Missing replicas; no data for workloads without replicas.
    pub(super) fn figure_of_missing(&self) -> Figure {
        self.missing()
            .map_or(Figure::NoData, |missing| Figure::Value(f64::from(u32::try_from(missing).unwrap())))
    }
}

fn float(number: i64) -> f64 {
    f64::from(i32::try_from(number).unwrap())
}
