//! A snapshot of EKS held against what is so.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{Cluster, Stage};
use super::figures::{Figure, Measure, Past, Statistic};
use super::pod::Pod;
use super::workload::Workload;
use super::{Eks, LONG_AGO};
use crate::clock::Minute;
use crate::model::Answer;
use crate::snapshot::Snapshot;

/// How long a run may use a list of clusters without looking at their names.
const LISTED: Minute = 10;
/// Samples older than this are in no window.
const OLDEST: Minute = 180;

/// What was so when a snapshot was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// Of each cluster that was read, what was known of its pods.
    pasts: BTreeMap<String, Past>,
    /// Which pods count for a measure of a subject; of percentages those with the highest.
    counted: BTreeMap<(Measure, String), BTreeSet<String>>,
    /// Names of all pods.
    pub(super) pods: BTreeSet<String>,
}

/// What the snapshot before held, and what was so then.
pub(crate) type Before<'a> = Option<(&'a Snapshot, &'a Taken)>;

impl Taken {
    /// The pods that count for a measure of a subject.
    pub(crate) fn counted(&self, measure: Measure, subject: &str) -> BTreeSet<&str> {
        let counted = self.counted.get(&(measure, subject.to_owned()));
        counted.into_iter().flatten().map(String::as_str).collect()
    }
}

impl Eks {
    /// Whether a snapshot that was written now says only what is so, and all of it. `before` is the one that it goes on from.
    pub(crate) fn agrees(&self, snapshot: &Snapshot, before: Before<'_>) -> Result<Taken, String> {
        samples_go_on(snapshot, before)?;
        let mut taken = Taken::default();
        let names: BTreeSet<&str> =
            self.clusters.iter().map(|cluster| cluster.name).chain(snapshot.cluster_names()).collect();
        for name in names.into_iter().filter(|name| snapshot.holds(name)) {
            let found = snapshot.eks_cluster(name);
            let cluster = self.cluster(name);
            self.is_seen_rightly(name, cluster, snapshot)?;
            let (Some((workloads, is_read)), Some(cluster)) = (found, cluster) else { continue };
            let past = before.and_then(|(_, taken)| taken.pasts.get(name));
            let view = View {
                cluster,
                times: (snapshot.now, self.clock),
                past,
                is_read,
                has_endpoint: cluster.answers(self.clock),
                is_counted: self.life.is_some_and(|life| life.cadvisor),
            };
            let known = before.and_then(|(before, _)| before.eks_cluster(name));
            view.lists(workloads, known.map(|(workloads, _)| workloads))?;
            for subject in workloads.iter().map(String::as_str).chain([name]) {
                view.says(subject, snapshot, before)?;
            }
            view.take(workloads, &mut taken);
        }
        Ok(taken)
    }

    /// What is there is in the snapshot, and read if it can be; what is not there is not.
    fn is_seen_rightly(
        &self,
        name: &str,
        cluster: Option<&Cluster>,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        let every = self.life.map_or(0, |life| life.every);
        let stage = cluster.and_then(|cluster| cluster.stage(self.clock));
        let seen = snapshot.eks_cluster(name).map(|(_, is_read)| is_read);
        // One that was made lately may not be listed yet, or its forerunner is.
        let is_new = cluster.is_some_and(|cluster| {
            cluster.from > LONG_AGO && self.clock - cluster.from <= LISTED + 3 * every
        });
        let has_fault =
            snapshot.has_fault_of("eks:ListClusters") || snapshot.has_fault_of("eks:DescribeCluster");
        let excused = is_new || has_fault;
        let right = match (stage, seen) {
            (None | Some(Stage::Deleting { .. }), None) => true,
            // Whether it is gone could perhaps not be asked; of one that was being made, there is nothing else to ask.
            (None, Some(is_read)) => self.aws_is_troubled && (!is_read || has_fault),
            (Some(Stage::Creating), seen) => seen == Some(true) || excused,
            (Some(Stage::Active), None) => excused,
            (Some(Stage::Active), Some(is_read)) => {
                let can_be = cluster.is_some_and(|cluster| cluster.is_readable(self.clock));
                is_read == can_be || can_be && excused
            }
            (Some(Stage::Deleting { .. }), Some(is_read)) => {
                let can_be = cluster.is_some_and(|cluster| cluster.is_readable(self.clock));
                is_read == can_be && (can_be || self.aws_is_troubled)
            }
        };
        let sight = cluster.map(|cluster| cluster.sight);
        right.then_some(()).ok_or_else(|| format!("{name} is {stage:?}, {sight:?}, and was seen: {seen:?}"))
    }
}

/// Samples are those of the snapshot before, but the oldest, and the new one.
fn samples_go_on(snapshot: &Snapshot, before: Before<'_>) -> Result<(), String> {
    let known = before.map(|(before, _)| before.samples.as_slice()).unwrap_or_default();
    let (newest, older) = snapshot.samples.split_last().ok_or("it has no samples")?;
    let in_window = known.iter().filter(|sample| **sample > snapshot.window.0).count();
    let right =
        *newest == snapshot.now && known.ends_with(older) && older.len() >= in_window.min(known.len());
    right.then_some(()).ok_or_else(|| format!("its samples are {:?}, and were {known:?}", snapshot.samples))
}

/// A cluster as a run saw it.
struct View<'a> {
    cluster: &'a Cluster,
    /// That of the run, and when it looked.
    times: (Minute, Minute),
    past: Option<&'a Past>,
    is_read: bool,
    has_endpoint: bool,
    /// Whether cAdvisor is read.
    is_counted: bool,
}

impl View<'_> {
    fn full_name(&self, subject: impl std::fmt::Display) -> String {
        format!("{} {subject}", self.cluster.name)
    }

    /// What is judged.
    fn measures(&self) -> impl Iterator<Item = Measure> {
        Measure::ALL.into_iter().filter(|measure| self.is_counted || !measure.is_rated())
    }

    /// Which workloads there are: those that are there, and those of which nobody knows whether they are.
    fn lists(&self, said: &BTreeSet<String>, known: Option<&BTreeSet<String>>) -> Result<(), String> {
        let known = known.cloned().unwrap_or_default();
        let there: BTreeSet<String> = self.cluster.subjects().map(|one| self.full_name(one)).collect();
        let right = if !self.has_endpoint && self.is_read {
            said.is_empty()
        } else if self.is_read {
            let unlisted = self.cluster.unlisted_kind();
            let is_unlisted = |name: &String| {
                unlisted.is_some_and(|kind| name.contains(&format!("/{}/", kind.to_lowercase())))
            };
            let with_pods = self.cluster.workloads.iter().filter(|workload| !workload.pods.is_empty());
            let with_pods: BTreeSet<String> =
                with_pods.map(|workload| self.full_name(workload.subject)).collect();
            let listed = there.into_iter().filter(|name| !is_unlisted(name) || with_pods.contains(name));
            let kept = known.iter().filter(|name| is_unlisted(name)).cloned();
            *said == listed.chain(kept).collect::<BTreeSet<String>>()
        } else {
            said.is_superset(&known) && said.iter().all(|name| known.contains(name) || there.contains(name))
        };
        right.then_some(()).ok_or_else(|| format!("{} has {said:?}; before {known:?}", self.cluster.name))
    }

    /// Each sample of a subject.
    fn says(&self, subject: &str, snapshot: &Snapshot, before: Before<'_>) -> Result<(), String> {
        let of_cluster = subject == self.cluster.name;
        for measure in self.measures().filter(|measure| measure.is_of_cluster() == of_cluster) {
            for statistic in measure.statistics() {
                let question = (measure, *statistic, subject.to_owned());
                let Some(samples) = snapshot.sampled.get(&question) else {
                    return Err(format!("{question:?} is not there"));
                };
                let so = self.figure(measure, *statistic, subject);
                let said = samples.at(self.times.0);
                if !is_same(so, said) {
                    return Err(format!("{question:?} is {so:?} and not {said:?}"));
                }
                let fault = so == Figure::NotAsked;
                if (samples.answer == Answer::Whole) == fault {
                    return Err(format!("{question:?} is {so:?}, and its answer {:?}", samples.answer));
                }
                let older = before.and_then(|(before, _)| before.sampled.get(&question));
                for minute in snapshot.samples.iter().filter(|minute| **minute < self.times.0) {
                    let was = older.map_or(Figure::NoData, |older| older.at(*minute));
                    // Where nothing has a value, nothing is said of what is older.
                    let is_blank = samples.answer == Answer::None && was == Figure::NoData;
                    if !is_blank && !is_same(was, samples.at(*minute)) {
                        let said = samples.at(*minute);
                        return Err(format!("{question:?} was {was:?} at {minute} and is now {said:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Pods of a workload, or of the whole cluster.
    fn pods(&self, subject: &str) -> Vec<&Pod> {
        if !self.has_endpoint {
            return Vec::new();
        }
        let of_cluster = subject == self.cluster.name;
        let is_of = |pod: &&Pod| of_cluster || self.full_name(pod.subject) == subject;
        self.cluster.pods().filter(is_of).collect()
    }

    /// What must be said of a subject.
    fn figure(&self, measure: Measure, statistic: Statistic, subject: &str) -> Figure {
        if !self.is_read {
            return Figure::NotAsked;
        }
        let pods = self.pods(subject);
        let workload =
            self.cluster.workloads.iter().find(|workload| self.full_name(workload.subject) == subject);
        let is_unlisted =
            workload.is_some_and(|workload| self.cluster.unlisted_kind() == Some(workload.subject.kind));
        // Nobody knows whether it is there.
        if is_unlisted && pods.is_empty() {
            return Figure::NotAsked;
        }
        match measure {
            Measure::Memory | Measure::Cpu if !self.cluster.metrics.serves() => Figure::NotAsked,
            // There is nothing to rate with.
            measure if measure.is_rated() && self.past.is_none() => Figure::NotAsked,
            // Nothing was asked of it.
            measure if measure.is_of_cluster() && !self.has_endpoint => Figure::NoData,
            Measure::MetricsDown => match self.cluster.metrics.is_down() {
                Some(down) => Figure::Value(f64::from(u8::from(down))),
                None => Figure::NotAsked,
            },
            Measure::Missing if is_unlisted => Figure::NotAsked,
            Measure::Missing => workload.map_or(Figure::NoData, Workload::figure_of_missing),
            measure => measure.of(statistic, &pods, self.times, self.past),
        }
    }

    /// Writes down what was so.
    fn take(&self, workloads: &BTreeSet<String>, taken: &mut Taken) {
        if !self.is_read {
            return;
        }
        let name = self.cluster.name;
        let all = self.pods(name);
        let past = all.iter().map(|pod| (pod.name.clone(), pod.known(self.times, self.past)));
        taken.pasts.insert(name.to_owned(), past.collect());
        taken.pods.extend(all.iter().map(|pod| pod.name.clone()));
        for subject in workloads.iter().map(String::as_str).chain([name]) {
            let pods = self.pods(subject);
            for measure in self.measures() {
                let counts = |pod: &&&Pod| {
                    if measure.is_compared() {
                        let highest = measure.of(Statistic::Maximum, &pods, self.times, self.past);
                        let own = pod.compared(measure, self.times.1, self.past);
                        let own = own.map_or(Figure::NoData, Figure::Value);
                        let is_asked = measure.is_rated() || self.cluster.metrics.serves();
                        return is_asked && own != Figure::NoData && own == highest;
                    }
                    pod.adds(measure, self.times.0, self.past) > 0.0
                };
                let counted = pods.iter().filter(counts).map(|pod| pod.name.clone()).collect();
                taken.counted.insert((measure, subject.to_owned()), counted);
            }
        }
    }
}

fn is_same(one: Figure, other: Figure) -> bool {
    match (one, other) {
        (Figure::Value(one), Figure::Value(other)) => (one - other).abs() < 1e-6,
        (one, other) => one == other,
    }
}

/// Whether a sample of that minute may be gone on from.
pub(crate) fn is_near(minute: Minute, now: Minute) -> bool {
    (now - OLDEST..now).contains(&minute)
}
