//! From two samples of a pod's counters to rates.

use serde::{Deserialize, Serialize};

use super::{Before, PodState};
use crate::kubernetes::cadvisor::{Counter, PartSeries, Parts};
use crate::rules::KubernetesMeasure;

pub use crate::kubernetes::cadvisor::Counters as PodCounters;

/// What a pod did a second since the sample before; none where nothing can be said of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PodRates {
    /// Billionths of a core, all containers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_nanocores: Option<f64>,
    /// The container that its CPU limit stopped most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<Throttled>,
    /// Bytes received a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_received: Option<f64>,
    /// Bytes sent a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_sent: Option<f64>,
    /// Bytes read from disks a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_read: Option<f64>,
    /// Bytes written to disks a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_written: Option<f64>,
}

/// A container that was stopped by its CPU limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Throttled {
    /// Its name; empty if only the pod as a whole is counted.
    pub container: String,
    /// Percent of the scheduler's periods in which it was stopped.
    pub percent: f64,
}

impl PodCounters {
    /// What was done since `before`. Each series is rated by itself, and the rates are added up. One that was not there
    /// before has no rate yet, since what it counted may be of any length of time; one that is there no more adds
    /// nothing.
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
        // Of equal ones the first by name.
        shares.reduce(|worst, next| if next.percent > worst.percent { next } else { worst })
    }
}

impl PodRates {
    /// Percent of the container that was stopped most.
    pub fn throttled_percent(&self) -> Option<f64> {
        self.throttled.as_ref().map(|throttled| throttled.percent)
    }

    /// What a measure judges of it; none of a measure that cAdvisor does not count.
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
    /// Takes in what cAdvisor has counted for it.
    pub fn count(&mut self, counters: PodCounters) {
        self.counters = Some(Box::new(counters));
    }

    /// Rates its counters with those of the sample before. There is none of a pod that was not counted then, and a pod
    /// made anew under the same name is another.
    pub fn rate(&mut self, before: Option<&Before>) {
        let then = before.and_then(|before| before.counters(self));
        let rates = self.counters.as_ref().zip(then).map(|(now, then)| now.rates_since(then));
        self.rates = rates.filter(|rates| *rates != PodRates::default()).map(Box::new);
    }

    /// Keeps what was counted before where nothing is counted now, so that the next run has something to rate with: its
    /// rate is then of the whole time in between.
    pub fn keep_counters(&mut self, before: Option<&Before>) {
        if self.counters.is_none() {
            self.counters = before.and_then(|before| before.counters(self)).cloned().map(Box::new);
        }
    }
}

/// All series that were there before, together; none without any.
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

/// Throttled of all periods since then, of all cgroups of a container together. Both counters of a cgroup have the same
/// labels and begin again together, even if the smaller one has overtaken itself since.
fn throttled_percent(now: (&PartSeries, &PartSeries), then: (&PartSeries, &PartSeries)) -> Option<f64> {
    let increases = now.0.iter().filter_map(|(series, periods)| {
        let (throttled, before) = (now.1.get(series)?, (then.0.get(series)?, then.1.get(series)?));
        let anew = has_restarted(periods, before.0) || has_restarted(throttled, before.1);
        (periods.at > before.0.at)
            .then(|| (increase(periods, before.0, anew), increase(throttled, before.1, anew)))
    });
    let (periods, throttled) = increases.reduce(|sum, next| (sum.0 + next.0, sum.1 + next.1))?;
    // A container that did not run was not stopped. The two lines may be some periods apart.
    Some(if periods > 0.0 { (throttled / periods * 100.0).min(100.0) } else { 0.0 })
}

fn has_restarted(now: &Counter, then: &Counter) -> bool {
    now.value < then.value
}

fn increase(now: &Counter, then: &Counter, restarted: bool) -> f64 {
    if restarted { now.value } else { now.value - then.value }
}
