//! What cAdvisor has counted for a pod, and its true rate.
//!
//! A restarted container has a new cgroup, and the old one stays on the page for a while. A second
//! disk and a second interface come and go, possibly with high counts. So each series grows
//! separately.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use fake_kubernetes::{Container, Counters, Network, Second};

use super::figures::Measure;
use crate::chance::Chance;
use crate::clock::Minute;

/// The periods of the kernel's scheduler in a minute: periods of 100 ms.
const PERIODS: u64 = 600;

/// The data on the page about a pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counting {
    /// The cgroup of the newest run of its container, and perhaps that of the previous one.
    cgroups: Vec<Cgroup>,
    network: Network,
}

#[derive(Debug, Clone, PartialEq)]
struct Cgroup {
    /// The number of restarts of the container when it was created.
    number: u32,
    /// When it is removed; never while the container runs.
    until: Minute,
    counters: Counters,
}

/// One series of a page: what it counts, and the numbers of the cgroup and of the disk or
/// interface.
type Series = (Counted, u32, u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    Periods,
    Throttled,
    Received,
    Sent,
    Read,
    Written,
}

/// The value of each series at a minute.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    at: Minute,
    counts: BTreeMap<Series, u64>,
}

impl Counting {
    /// A minute passes; the container runs or not, after this many restarts. Its activity is drawn
    /// separately, so that nothing else in the world depends on it.
    pub(super) fn pass(&mut self, pod: &str, minute: Minute, restarts: u32, runs: bool) {
        let mut hasher = DefaultHasher::new();
        (pod, minute).hash(&mut hasher);
        let chance = &mut Chance::new(hasher.finish());
        let newest = self.cgroups.last().map(|cgroup| cgroup.number);
        // A run that ends before it is seen is not the first.
        let number = if runs { restarts } else { newest.unwrap_or(restarts.saturating_sub(1)) };
        if newest != Some(number) {
            self.cgroups.drain(..self.cgroups.len().saturating_sub(1));
            self.cgroups.iter_mut().for_each(|old| old.until = minute + chance.between(0, 12));
            self.cgroups.push(Cgroup { number, until: Minute::MAX, counters: Counters::default() });
        }
        if !runs {
            self.cgroups.drain(..self.cgroups.len() - 1);
            return;
        }
        self.cgroups.retain(|cgroup| minute < cgroup.until);
        let newest = self.cgroups.last_mut().unwrap();
        newest.counters.advance(minute, chance);
        self.network.advance(minute, chance);
    }

    /// A container as cAdvisor shows it.
    pub(super) fn show(&self, container: &mut Container) {
        let (runs, newest) = (container.counters.is_some(), self.cgroups.last());
        container.counters = newest.filter(|_| runs).map(|cgroup| cgroup.counters);
        container.cgroup = newest.map_or(0, |cgroup| cgroup.number);
        let left = if runs { self.cgroups.iter().rev().nth(1) } else { newest };
        container.left_behind = left.map(|cgroup| (cgroup.number, cgroup.counters));
    }

    pub(super) fn network(&self) -> Network {
        self.network
    }

    /// The result of reading the page.
    pub(super) fn page(&self, at: Minute) -> Page {
        let mut counts = BTreeMap::new();
        for Cgroup { number, counters, .. } in &self.cgroups {
            let Counters { cfs_periods, cfs_throttled_periods, disk_read, disk_written, .. } = *counters;
            counts.insert((Counted::Periods, *number, 0), cfs_periods);
            counts.insert((Counted::Throttled, *number, 0), cfs_throttled_periods);
            let first = Second { number: 0, inward: disk_read, outward: disk_written };
            for disk in [first].into_iter().chain(counters.second_disk) {
                counts.insert((Counted::Read, *number, disk.number), disk.inward);
                counts.insert((Counted::Written, *number, disk.number), disk.outward);
            }
        }
        let Network { received, sent, second } = self.network;
        let first = Second { number: 0, inward: received, outward: sent };
        for interface in [first].into_iter().chain(second) {
            counts.insert((Counted::Received, 0, interface.number), interface.inward);
            counts.insert((Counted::Sent, 0, interface.number), interface.outward);
        }
        Page { at, counts }
    }
}

impl Page {
    /// The activity since an earlier read; `None` if unknown.
    pub(super) fn since(&self, before: &Self, measure: Measure) -> Option<f64> {
        let seconds = (self.at - before.at) * 60;
        let grown = |counted: Counted| {
            let of = self.counts.iter().filter(|((of, ..), _)| *of == counted);
            let grown: Vec<u64> =
                of.filter_map(|(series, now)| Some(now - before.counts.get(series)?)).collect();
            (!grown.is_empty() && seconds > 0).then(|| float(grown.into_iter().sum()))
        };
        let a_second = |counted| Some(grown(counted)? / float(seconds.unsigned_abs()));
        match measure {
            Measure::Throttled => {
                let (throttled, periods) = (grown(Counted::Throttled)?, grown(Counted::Periods)?);
                Some(if periods > 0.0 { throttled / periods * 100.0 } else { 0.0 })
            }
            Measure::Received => a_second(Counted::Received),
            Measure::Sent => a_second(Counted::Sent),
            Measure::Read => a_second(Counted::Read),
            Measure::Written => a_second(Counted::Written),
            _ => None,
        }
    }
}

trait GoOn {
    /// Its counts in one minute.
    fn advance(&mut self, minute: Minute, chance: &mut Chance);
}

impl GoOn for Counters {
    fn advance(&mut self, minute: Minute, chance: &mut Chance) {
        self.cpu_milliseconds += done(chance);
        self.cfs_periods += PERIODS;
        self.cfs_throttled_periods += PERIODS * done(chance) / 6_000;
        self.disk_read += done(chance);
        self.disk_written += done(chance);
        second(&mut self.second_disk, minute, chance);
    }
}

impl GoOn for Network {
    fn advance(&mut self, minute: Minute, chance: &mut Chance) {
        self.received += done(chance);
        self.sent += done(chance);
        second(&mut self.second, minute, chance);
    }
}

/// Adds one that has counted before, or removes one.
fn second(both: &mut Option<Second>, minute: Minute, chance: &mut Chance) {
    let much = |chance: &mut Chance| chance.next() % 100 * 1_000_000;
    match both {
        None if chance.percent(4) => {
            let number = u32::try_from(minute).unwrap();
            *both = Some(Second { number, inward: much(chance), outward: much(chance) });
        }
        None => {}
        Some(_) if chance.percent(5) => *both = None,
        Some(Second { inward, outward, .. }) => {
            *inward += done(chance);
            *outward += done(chance);
        }
    }
}

/// Bytes and other counts of a minute: at most 100 a second.
fn done(chance: &mut Chance) -> u64 {
    chance.one_of(&[0, 5, 15, 30, 50, 70, 100]) * 60
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
