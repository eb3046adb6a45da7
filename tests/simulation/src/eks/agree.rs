//! Compares a snapshot of EKS with the true state.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{Cluster, Stage};
use super::figures::{Figure, Measure, Past, Statistic};
use super::pod::Pod;
use super::workload::Workload;
use super::{Eks, LONG_AGO};
use crate::clock::Minute;
use crate::model::Answer;
use crate::snapshot::Snapshot;

/// How long a run may use a list of clusters without checking their names.
const LISTED: Minute = 10;
/// Samples older than this are in no window.
const OLDEST: Minute = 180;

/// The true state when a snapshot was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// What was known of the pods of each cluster that was read.
    pasts: BTreeMap<String, Past>,
    /// The pods that count for a measure of a subject; for percentages those with the highest
    /// value.
    counted: BTreeMap<(Measure, String), BTreeSet<String>>,
    /// Names of all pods.
    pub(super) pods: BTreeSet<String>,
}

/// The previous snapshot, and the true state at its time.
pub(crate) type Before<'a> = Option<(&'a Snapshot, &'a Taken)>;

impl Taken {
    /// The pods that count for a measure of a subject.
    pub(crate) fn counted(&self, measure: Measure, subject: &str) -> BTreeSet<&str> {
        let counted = self.counted.get(&(measure, subject.to_owned()));
        counted.into_iter().flatten().map(String::as_str).collect()
    }
}

impl Eks {
    /// Whether a snapshot written now is true and complete. `before` is the one from which it
    /// continues.
    pub(crate) fn agrees(&self, snapshot: &Snapshot, before: Before<'_>) -> Result<Taken, String> {
        samples_continue(snapshot, before)?;
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

    /// An existing cluster is in the snapshot, and read if possible; a missing one is not.
    fn is_seen_rightly(
        &self,
        name: &str,
        cluster: Option<&Cluster>,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        let every = self.life.map_or(0, |life| life.every);
        let stage = cluster.and_then(|cluster| cluster.stage(self.clock));
        let seen = snapshot.eks_cluster(name).map(|(_, is_read)| is_read);
        // A newly created cluster may not be listed yet, or its predecessor is.
        let is_new = cluster.is_some_and(|cluster| {
            cluster.from > LONG_AGO && self.clock - cluster.from <= LISTED + 3 * every
        });
        let has_fault =
            snapshot.has_fault_of("eks:ListClusters") || snapshot.has_fault_of("eks:DescribeCluster");
        let excused = is_new || has_fault;
        let right = match (stage, seen) {
            (None | Some(Stage::Deleting { .. }), None) => true,
            // Its deletion may have been impossible to check; of a cluster that was being created
            // nothing else can be read.
            (None, Some(is_read)) => self.aws_is_disrupted && (!is_read || has_fault),
            (Some(Stage::Creating), seen) => seen == Some(true) || excused,
            (Some(Stage::Active), None) => excused,
            (Some(Stage::Active), Some(is_read)) => {
                let can_be = cluster.is_some_and(|cluster| cluster.is_readable(self.clock));
                is_read == can_be || can_be && excused
            }
            (Some(Stage::Deleting { .. }), Some(is_read)) => {
                let can_be = cluster.is_some_and(|cluster| cluster.is_readable(self.clock));
                is_read == can_be && (can_be || self.aws_is_disrupted)
            }
        };
        let observation = cluster.map(|cluster| cluster.observation);
        right
            .then_some(())
            .ok_or_else(|| format!("{name} is {stage:?}, {observation:?}, and was seen: {seen:?}"))
    }
}

/// The samples are those of the previous snapshot except the oldest, and the new one.
fn samples_continue(snapshot: &Snapshot, before: Before<'_>) -> Result<(), String> {
    let known = before.map(|(before, _)| before.samples.as_slice()).unwrap_or_default();
    let (newest, older) = snapshot.samples.split_last().ok_or("it has no samples")?;
    let in_window = known.iter().filter(|sample| **sample > snapshot.window.0).count();
    let right =
        *newest == snapshot.now && known.ends_with(older) && older.len() >= in_window.min(known.len());
    right.then_some(()).ok_or_else(|| format!("its samples are {:?}, and were {known:?}", snapshot.samples))
}

/// A cluster as a run read it.
struct View<'a> {
    cluster: &'a Cluster,
    /// The time of the run, and of its check.
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

    /// The evaluated measures.
    fn measures(&self) -> impl Iterator<Item = Measure> {
        Measure::ALL.into_iter().filter(|measure| self.is_counted || !measure.is_rated())
    }

    /// The workloads: those that exist, and those whose existence is unknown.
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
                    // Where no sample has a value, older ones are not distinguished.
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

    /// The expected statement about a subject.
    fn figure(&self, measure: Measure, statistic: Statistic, subject: &str) -> Figure {
        if !self.is_read {
            return Figure::NotAsked;
        }
        let pods = self.pods(subject);
        let workload =
            self.cluster.workloads.iter().find(|workload| self.full_name(workload.subject) == subject);
        let is_unlisted =
            workload.is_some_and(|workload| self.cluster.unlisted_kind() == Some(workload.subject.kind));
        // Its existence is unknown.
        if is_unlisted && pods.is_empty() {
            return Figure::NotAsked;
        }
        match measure {
            Measure::Memory | Measure::Cpu if !self.cluster.metrics.serves() => Figure::NotAsked,
            // There is no earlier sample to rate with.
            measure if measure.is_rated() && self.past.is_none() => Figure::NotAsked,
            // It was not queried.
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

    /// Records the true state.
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

/// Whether later samples may continue from a sample of this minute.
pub(crate) fn is_near(minute: Minute, now: Minute) -> bool {
    (now - OLDEST..now).contains(&minute)
}
