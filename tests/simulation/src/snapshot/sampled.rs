//! Samples of EKS as stored in a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Snapshot;
use crate::clock::Minute;
use crate::eks::figures::{Figure, Measure, Statistic};
use crate::model::{Answer, Observation};
use crate::rule::Rule;

/// Length of the period of a sample.
const PERIOD: Minute = 5;

/// A measure of a subject, written as in the table.
pub(crate) type Sampled = (Measure, Statistic, String);

/// Samples by the minute in which they were taken.
#[derive(Debug, Clone)]
pub(crate) struct Samples {
    pub(crate) answer: Answer,
    values: BTreeMap<Minute, f64>,
    /// The unknown ones.
    unread: BTreeSet<Minute>,
}

impl Samples {
    /// Their value for one minute.
    pub(crate) fn at(&self, minute: Minute) -> Figure {
        match self.values.get(&minute) {
            Some(value) => Figure::Value(*value),
            None if self.unread.contains(&minute) => Figure::NotAsked,
            None => Figure::NoData,
        }
    }
}

/// A line of samples; `None` if it is of another kind. `taken` are all samples of the snapshot.
pub(super) fn read(line: &Value, taken: &[Minute]) -> Option<(Sampled, Samples)> {
    let measure = Measure::ALL.into_iter().find(|measure| line["metric"] == measure.names().1)?;
    let statistic = match line["statistic"].as_str()? {
        "Maximum" => Statistic::Maximum,
        "Average" => Statistic::Average,
        other => panic!("samples of statistic {other}"),
    };
    let named = |name: &str| line["dimensions"][name].as_str();
    let cluster = named("ClusterName")?;
    let subject = match (named("Namespace"), named("WorkloadKind"), named("Workload")) {
        (Some(namespace), Some(kind), Some(name)) => {
            format!("{cluster} {namespace}/{}/{name}", kind.to_lowercase())
        }
        _ => cluster.to_owned(),
    };
    let epoch = crate::clock::at(0).as_second();
    // A sample counts for the period that ends when it is taken.
    let end = |second: i64| (second - epoch).div_euclid(60) + PERIOD;
    let answer = super::answer(line);
    let step = line["step_seconds"].as_i64().unwrap_or(PERIOD * 60);
    let values = line["values"].as_array()?.iter().enumerate().filter_map(|(place, value)| {
        let second = line["start"].as_i64()? + i64::try_from(place).unwrap() * step;
        Some((end(second), value.as_f64()?))
    });
    let mut unread: BTreeSet<Minute> = BTreeSet::new();
    unread.extend(line["unread"].as_array().into_iter().flatten().filter_map(Value::as_i64).map(end));
    if answer == Answer::None {
        unread.extend(taken);
    }
    Some(((measure, statistic, subject), Samples { answer, values: values.collect(), unread }))
}

impl Snapshot {
    /// Names of all workloads of a cluster, and whether it was read; `None` if it was not checked.
    pub(crate) fn eks_cluster(&self, name: &str) -> Option<(&BTreeSet<String>, bool)> {
        self.clusters.get(name).map(|cluster| (&cluster.workloads, !cluster.unread))
    }

    /// Names of the checked clusters.
    pub(crate) fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.clusters.keys().map(String::as_str)
    }

    /// The input of a rule from samples.
    pub(super) fn sight_of_samples(
        &self,
        rule: &Rule,
        (measure, statistic): (Measure, Statistic),
        name: &str,
    ) -> Result<Observation, String> {
        let question = (measure, statistic, name.to_owned());
        let samples = self.sampled.get(&question).ok_or_else(|| format!("{question:?} was not sampled"))?;
        let value = |minute: &Minute| match samples.at(*minute) {
            Figure::Value(value) => Some(value),
            Figure::NoData | Figure::NotAsked => None,
        };
        let unknown = |minute: &Minute| samples.at(*minute) == Figure::NotAsked;
        Ok(Observation {
            values: self.samples.iter().map(value).collect(),
            unknown: self.samples.iter().map(unknown).collect(),
            answer: samples.answer,
            ..self.blank(rule)
        })
    }
}
