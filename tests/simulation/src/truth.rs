//! The true state of a world: its services and its points, and when they become visible.

mod stage;

use std::collections::BTreeMap;

use fake_aws::{ClusterSpec, Estate, Oddity, Series, SeriesKey, ServiceSpec};

use crate::chance::Chance;
use crate::clock::{DELAY, Minute, at};
use crate::model::Answer;
use crate::rule::What;
use crate::snapshot::Snapshot;
use stage::{Disruption, Stage, stage, stages};

/// The first minute with points. Before [`CALM`] all are good, so that every run begins with OK.
const FIRST: Minute = -240;
const CALM: Minute = 5;
/// The lookback of a run that does not wait.
const PAST: Minute = 240;
/// How many runs may happen while one waits.
const WAITS: Minute = 7;

/// Namespace, name and dimensions.
type Key = (String, String, Vec<(String, String)>);

/// One minute of a series.
#[derive(Debug, Clone, Copy)]
struct Point {
    value: Option<f64>,
    /// When it becomes visible.
    arrives: Minute,
    /// When it changes to another value.
    rewritten: Option<(Minute, f64)>,
}

#[derive(Debug, Clone)]
struct Service {
    cluster: String,
    name: String,
    stages: Vec<Stage>,
}

/// A cluster that exists from one minute to another.
#[derive(Debug, Clone)]
struct Cluster {
    name: String,
    from: Minute,
    until: Minute,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    clusters: Vec<Cluster>,
    services: Vec<Service>,
    series: BTreeMap<Key, Vec<Point>>,
    /// Whether every point arrives in time and does not change.
    pub(crate) steady: bool,
    /// Whether no point changes, even if it is late.
    pub(crate) lasting: bool,
    /// Minutes between two runs.
    every: Minute,
}

/// How eventful a world is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) clusters: usize,
    pub(crate) services: usize,
    pub(crate) minutes: Minute,
    pub(crate) every: Minute,
    /// Percent of the points that are rewritten.
    pub(crate) rewritten: i64,
    /// Percent of the points that are late, and the maximum delay in minutes.
    pub(crate) late: (i64, Minute),
    /// How often all points of a series are late by the same for an hour, at most.
    pub(crate) lag: i64,
    /// Percent of the clusters that are created later, and that are deleted.
    pub(crate) coming: i64,
    /// Percent of the services whose tasks fail to start.
    pub(crate) failing: i64,
    /// Stages of a service beyond the first.
    pub(crate) stages: i64,
}

impl Truth {
    pub(crate) fn new(life: &Life, chance: &mut Chance) -> Self {
        let lasting = life.rewritten == 0;
        let steady = lasting && life.late.0 == 0 && life.lag == 0;
        let mut truth = Self { steady, lasting, every: life.every, ..Self::default() };
        for cluster in ["shop", "search", "orders"].iter().take(life.clusters) {
            let instant = |chance: &mut Chance| chance.between(CALM, life.minutes);
            let from = if chance.percent(life.coming) { instant(chance) } else { FIRST };
            let until = if chance.percent(life.coming) { instant(chance).max(from) } else { Minute::MAX };
            truth.clusters.push(Cluster { name: (*cluster).to_owned(), from, until });
            truth.add_series(What::Load, cluster, "", &[], life, chance);
            for name in ["web", "api", "cart"].iter().take(chance.count(1, life.services)) {
                let stages = stages(life, chance);
                for what in [What::Memory, What::Cpu, What::Latency] {
                    truth.add_series(what, cluster, name, &stages, life, chance);
                }
                truth.services.push(Service {
                    cluster: (*cluster).to_owned(),
                    name: (*name).to_owned(),
                    stages,
                });
            }
        }
        truth
    }

    fn add_series(
        &mut self,
        what: What,
        cluster: &str,
        service: &str,
        stages: &[Stage],
        life: &Life,
        chance: &mut Chance,
    ) {
        let Some((namespace, name, dimensions)) = what.metric(cluster, service) else { return };
        let mut level = 50.0;
        let mut silent = false;
        // An hour in which a series lags.
        let lags: Vec<(Minute, Minute)> = (0..chance.between(0, life.lag))
            .map(|_| (chance.between(CALM, life.minutes), chance.between(2, 60)))
            .collect();
        let points = (FIRST..life.minutes).map(|minute| {
            if minute >= CALM && chance.percent(12) {
                level = chance.one_of(&[5.0, 15.0, 30.0, 50.0, 50.0, 50.0, 70.0, 85.0, 95.0]);
            }
            silent ^= minute >= CALM && chance.percent(5);
            let flips = minute >= CALM && chance.percent(5);
            let runs = stages.is_empty()
                || stage(stages, minute).is_some_and(|stage| stage.has_point(minute, life.every));
            let value = (silent == flips && runs).then_some(level);
            let late = minute >= CALM && chance.percent(life.late.0);
            let rewritten = minute >= CALM && chance.percent(life.rewritten);
            let lag = lags.iter().filter(|(from, _)| (*from..from + 60).contains(&minute));
            let lag = lag.map(|(_, lag)| *lag).max().unwrap_or(0);
            Point {
                value,
                arrives: minute + 1 + if late { chance.between(3, life.late.1) } else { lag },
                rewritten: rewritten
                    .then(|| (minute + chance.between(2, 20), chance.one_of(&[5.0, 50.0, 70.0, 95.0]))),
            }
        });
        let points = points.collect();
        self.series.insert(key(namespace, name, &dimensions), points);
    }

    /// The state of AWS at this time.
    pub(crate) fn estate(&self, account: &str, region: &str, clock: Minute) -> Estate {
        let mut estate = Estate::new(account, region).now(at(clock));
        let (there, deleted): (Vec<&Cluster>, Vec<&Cluster>) =
            self.clusters.iter().partition(|cluster| cluster.is_there(clock));
        for cluster in there {
            estate.put_cluster(ClusterSpec::new(&cluster.name));
        }
        for service in &self.services {
            if deleted.iter().any(|cluster| cluster.name == service.cluster) {
                continue;
            }
            let Some(stage) = stage(&service.stages, clock).filter(|stage| stage.exists) else { continue };
            let created = at(stage.deployed.unwrap_or(FIRST)).as_second();
            let created = f64::from(i32::try_from(created).unwrap());
            let (running, pending) = stage.tasks(clock, self.every);
            let spec =
                ServiceSpec::new(&service.name).desired(stage.desired).running(running).pending(pending);
            let spec = if stage.disrupted == Some(Disruption::Loops) { spec.failed_tasks(4) } else { spec };
            let rollout = if stage.deployed.is_some() { "IN_PROGRESS" } else { "COMPLETED" };
            estate.put_service(&service.cluster, spec.created_at(created).rollout(rollout));
        }
        for key in self.series.keys() {
            let from = (clock - PAST - WAITS * self.every).max(FIRST);
            let value = |minute| self.seen(key, minute, clock).unwrap_or(f64::NAN);
            let values: Vec<f64> = (from..clock).map(value).collect();
            estate.put_series(series_key(key), Series::of_values(at(from), &values));
        }
        estate
    }

    /// The series, so that some can get odd responses.
    pub(crate) fn odd(&self, estate: Estate, chance: &mut Chance, percent: i64) -> Estate {
        let mut estate = estate;
        for key in self.series.keys().filter(|_| percent > 0) {
            if chance.percent(percent) {
                let oddity = match chance.between(1, 4) {
                    1 => Oddity::status("InternalError"),
                    2 => Oddity::status("PartialData"),
                    3 => Oddity::lost_values(1),
                    _ => Oddity::unknown_id("m999"),
                };
                estate = estate.odd(series_key(key), oddity.times(1));
            }
        }
        estate
    }

    fn seen(&self, key: &Key, minute: Minute, clock: Minute) -> Option<f64> {
        let point = self.series.get(key)?.get(usize::try_from(minute - FIRST).ok()?)?;
        if minute >= clock || point.arrives > clock {
            return None;
        }
        match point.rewritten {
            Some((from, value)) if from <= clock => Some(value),
            _ => point.value,
        }
    }

    /// The mean of the visible minutes of a period.
    fn mean(&self, key: &Key, period: Minute, start: Minute, clock: Minute) -> Option<f64> {
        let values: Vec<f64> =
            (start..start + period).filter_map(|minute| self.seen(key, minute, clock)).collect();
        let count = f64::from(i32::try_from(values.len()).unwrap());
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
    }

    /// The values of a metric from the first minute to the last, by period, with their ends.
    pub(crate) fn history(
        &self,
        what: What,
        name: &str,
        period: Minute,
        until: Minute,
    ) -> Vec<(Minute, Option<f64>)> {
        let (cluster, service) = name.split_once('/').unwrap_or((name, ""));
        let Some((namespace, metric, dimensions)) = what.metric(cluster, service) else { return Vec::new() };
        let key = key(namespace, metric, &dimensions);
        let starts = (FIRST.div_euclid(period)..)
            .map(|place| place * period)
            .take_while(|start| start + period <= until);
        starts.map(|start| (start + period, self.mean(&key, period, start, Minute::MAX))).collect()
    }

    /// Whether a cluster, or a service, exists at this minute.
    pub(crate) fn is_there(&self, name: &str, minute: Minute) -> bool {
        let (cluster, service) = name.split_once('/').unwrap_or((name, ""));
        let mut clusters = self.clusters.iter().filter(|found| found.name == cluster);
        let mut services =
            self.services.iter().filter(|found| found.cluster == cluster && found.name == service);
        let exists = |service: &Service| stage(&service.stages, minute).is_some_and(|stage| stage.exists);
        clusters.any(|cluster| cluster.is_there(minute)) && (service.is_empty() || services.any(exists))
    }

    /// Whether the subject of a rule exists all the time.
    pub(crate) fn is_always_there(&self, name: &str) -> bool {
        let cluster = name.split('/').next().unwrap_or_default();
        let stays =
            |found: &Cluster| found.name == cluster && found.from == FIRST && found.until == Minute::MAX;
        if !self.clusters.iter().any(stays) {
            return false;
        }
        let Some((cluster, service)) = name.split_once('/') else { return true };
        let is = |found: &&Service| found.cluster == cluster && found.name == service;
        let found = self.services.iter().find(is);
        found.is_some_and(|service| service.stages.iter().all(|stage| stage.exists))
    }

    /// Names of all clusters and services over time.
    pub(crate) fn names(&self) -> Vec<String> {
        let clusters = self.clusters.iter().map(|cluster| cluster.name.clone());
        let services = self.services.iter().map(|service| format!("{}/{}", service.cluster, service.name));
        clusters.chain(services).collect()
    }

    /// Minutes between two runs.
    pub(crate) fn every(&self) -> Minute {
        self.every
    }

    /// Whether a snapshot made now is true, and complete where it claims to be. `judges_tasks` is
    /// set if a rule checks for running tasks.
    pub(crate) fn agrees(
        &self,
        snapshot: &Snapshot,
        clock: Minute,
        judges_tasks: bool,
    ) -> Result<(), String> {
        for (question, points) in &snapshot.series {
            let (namespace, metric, dimensions, period) = question;
            let key = (namespace.clone(), metric.clone(), dimensions.clone());
            let floor = |minute: Minute| minute.div_euclid(*period) * period;
            // What was not queried now is as an earlier run saw it.
            let mut start = floor(snapshot.window.0);
            if let Some(from) = points.from {
                start += (from - start).max(0) + (period - 1);
                start = floor(start);
            }
            while start < floor(snapshot.window.1) {
                let truth = self.mean(&key, *period, start, clock);
                let said = points.values.get(&start).copied();
                // A point that was taken over is what CloudWatch had at one of the runs since.
                let was = |said: f64| {
                    let mut then = (start + 1..=clock).rev();
                    then.any(|clock| {
                        let mean = self.mean(&key, *period, start, clock);
                        mean.is_some_and(|mean| (mean - said).abs() < 1e-9)
                    })
                };
                let same = match (truth, said) {
                    (Some(_), Some(said)) => was(said),
                    (truth, None) => truth.is_none() || points.answer != Answer::Whole,
                    (None, Some(_)) => false,
                };
                if !same {
                    return Err(format!("{question:?} at {start} is {truth:?} and not {said:?}"));
                }
                start += period;
            }
        }
        for service in &self.services {
            let name = format!("{}/{}", service.cluster, service.name);
            let Some(said) = snapshot.services.get(&name) else {
                if judges_tasks
                    && snapshot.was_not_queried(&name)
                    && self.is_out(service, snapshot.now, clock)
                {
                    return Err(format!("no task of {name} runs, and ECS was not queried"));
                }
                continue;
            };
            let there = self.is_there(&service.cluster, clock);
            let so = stage(&service.stages, clock).filter(|stage| there && stage.exists);
            let counts = so.map_or((0, 0), |stage| (stage.desired, stage.tasks(clock, self.every).0));
            if (said["desired"].as_i64(), said["running"].as_i64()) != (Some(counts.0), Some(counts.1)) {
                return Err(format!("{name} is {so:?} and not {said}"));
            }
        }
        Ok(())
    }
}

impl Truth {
    /// Whether no task of the service has run since well before the run previous to the one at
    /// `time`.
    fn is_out(&self, service: &Service, time: Minute, clock: Minute) -> bool {
        (time - (2 * self.every).max(8) - DELAY - 1..=clock).all(|minute| {
            let out = stage(&service.stages, minute).is_some_and(Stage::is_out);
            out && self.is_there(&service.cluster, minute)
        })
    }

    /// A cluster that will be deleted by the next run, if there is one.
    pub(crate) fn leaving(&self, clock: Minute) -> Option<&str> {
        let next = clock + self.every;
        let mut leaving =
            self.clusters.iter().filter(|cluster| cluster.is_there(clock) && !cluster.is_there(next));
        leaving.next().map(|cluster| cluster.name.as_str())
    }

    /// It is already deleted.
    pub(crate) fn leave(&mut self, name: &str, clock: Minute) {
        for cluster in self.clusters.iter_mut().filter(|cluster| cluster.name == name) {
            cluster.until = clock;
        }
    }
}

impl Cluster {
    fn is_there(&self, minute: Minute) -> bool {
        (self.from..self.until).contains(&minute)
    }
}

fn key(namespace: &str, name: &str, dimensions: &[(&'static str, String)]) -> Key {
    let dimensions = dimensions.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    (namespace.to_owned(), name.to_owned(), dimensions.collect())
}

fn series_key((namespace, name, dimensions): &Key) -> SeriesKey {
    let dimensions: Vec<(&str, &str)> =
        dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    SeriesKey::new(namespace, name, &dimensions)
}
