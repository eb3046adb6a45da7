//! Computes rates from two samples of a pod's counters.

use serde::{Deserialize, Serialize};

use super::{PodState, PreviousPods};
use crate::kubernetes::cadvisor::{Counter, PartSeries, Parts};
use crate::rules::KubernetesMeasure;

pub use crate::kubernetes::cadvisor::Counters as PodCounters;

/// Per-second rates of a pod since the previous sample; `None` where unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PodRates {
    /// Billionths of a core, summed over all containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_nanocores: Option<f64>,
    /// The container that was throttled most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<Throttled>,
    /// Bytes received per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_received: Option<f64>,
    /// Bytes sent per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_sent: Option<f64>,
    /// Bytes read from disks per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_read: Option<f64>,
    /// Bytes written to disks per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_written: Option<f64>,
}

/// A container that was throttled by its CPU limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Throttled {
    /// Its name; empty if only the whole pod is counted.
    pub container: String,
    /// Percent of CFS periods in which it was throttled.
    pub percent: f64,
}

impl PodCounters {
    /// The rates since `before`. The rate of each series is computed separately, and the rates are
    /// added up. A new series has no rate yet, because its count may cover any length of time; a
    /// series that no longer exists adds nothing.
    pub fn rates_since(&self, before: &Self) -> PodRates {
        let rate = |now: fn(&Self) -> &Parts| rate(now(self), now(before));
        PodRates {
            cpu_nanocores: rate(|of| &of.cpu_seconds).map(|cores| cores * 1e9).filter(|cpu| cpu.is_finite()),
            throttled: self.throttled_since(before),
            network_received: rate(|of| &of.network_received),
            network_sent: rate(|of| &of.network_sent),
            disk_read: rate(|of| &of.disk_read),
            disk_written: rate(|of| &of.disk_written),
        }
    }

    fn throttled_since(&self, before: &Self) -> Option<Throttled> {
        let shares = self.cfs_periods.iter().filter_map(|(container, periods)| {
            let throttled = self.cfs_throttled.get(container)?;
            let then = (before.cfs_periods.get(container)?, before.cfs_throttled.get(container)?);
            Some(Throttled {
                container: container.clone(),
                percent: throttled_percent((periods, throttled), then)?,
            })
        });
        // The first by name among equals.
        shares.reduce(|worst, next| if next.percent > worst.percent { next } else { worst })
    }
}

impl PodRates {
    /// Percent of the container that was throttled most.
    pub fn throttled_percent(&self) -> Option<f64> {
        self.throttled.as_ref().map(|throttled| throttled.percent)
    }

    /// The rate behind a measure; `None` for measures that are not read from cAdvisor.
    pub fn of(&self, measure: KubernetesMeasure) -> Option<f64> {
        match measure {
            KubernetesMeasure::PodCpuThrottledPercent => self.throttled_percent(),
            KubernetesMeasure::PodNetworkReceived => self.network_received,
            KubernetesMeasure::PodNetworkSent => self.network_sent,
            KubernetesMeasure::PodDiskRead => self.disk_read,
            KubernetesMeasure::PodDiskWritten => self.disk_written,
            _ => None,
        }
    }
}

impl PodState {
    /// Sets the pod's cAdvisor counters.
    pub fn count(&mut self, counters: PodCounters) {
        self.counters = Some(Box::new(counters));
    }

    /// Computes the pod's rates since the previous sample. A pod without earlier counters has none;
    /// a pod recreated under the same name is another pod.
    pub fn rate(&mut self, before: Option<&PreviousPods>) {
        let then = before.and_then(|before| before.counters(self));
        let rates = self.counters.as_ref().zip(then).map(|(now, then)| now.rates_since(then));
        self.rates = rates.filter(|rates| *rates != PodRates::default()).map(Box::new);
    }

    /// Keeps the previous counters where there are no new ones, so that the next run can compute
    /// rates, which then cover the whole time in between.
    pub fn keep_counters(&mut self, before: Option<&PreviousPods>) {
        if self.counters.is_none() {
            self.counters = before.and_then(|before| before.counters(self)).cloned().map(Box::new);
        }
    }
}

/// The summed rate of all series that existed before; `None` if there are none.
fn rate(now: &Parts, before: &Parts) -> Option<f64> {
    let series = now.iter().filter_map(|(part, now)| Some((now, before.get(part)?)));
    let rates = series.flat_map(|(now, before)| {
        now.iter().filter_map(|(series, now)| {
            let then = before.get(series)?;
            let seconds = now.at.duration_since(then.at).as_secs_f64();
            (seconds > 0.0).then(|| increase(now, then, has_restarted(now, then)) / seconds)
        })
    });
    rates.reduce(|sum, rate| sum + rate).filter(|rate| rate.is_finite())
}

/// The throttled share of the periods since then, over all cgroups of a container. Both counters of
/// a cgroup have the same labels and restart together, even if the smaller one has already passed
/// its old value.
fn throttled_percent(now: (&PartSeries, &PartSeries), then: (&PartSeries, &PartSeries)) -> Option<f64> {
    let increases = now.0.iter().filter_map(|(series, periods)| {
        let (throttled, before) = (now.1.get(series)?, (then.0.get(series)?, then.1.get(series)?));
        let restarted = has_restarted(periods, before.0) || has_restarted(throttled, before.1);
        (periods.at > before.0.at)
            .then(|| (increase(periods, before.0, restarted), increase(throttled, before.1, restarted)))
    });
    let (periods, throttled) = increases.reduce(|sum, next| (sum.0 + next.0, sum.1 + next.1))?;
    // A container that did not run was not throttled. The two series may be some periods apart.
    Some(if periods > 0.0 { (throttled / periods * 100.0).min(100.0) } else { 0.0 })
}

fn has_restarted(now: &Counter, then: &Counter) -> bool {
    now.value < then.value
}

fn increase(now: &Counter, then: &Counter, restarted: bool) -> f64 {
    if restarted { now.value } else { now.value - then.value }
}
