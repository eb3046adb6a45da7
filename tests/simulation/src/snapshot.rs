//! The input of a run, read from its snapshot without fargaze's code: JSON lines, as documented in
//! `docs/architecture.md`.

mod sampled;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::clock::{Minute, minute_of_text};
use crate::model::{Answer, Observation, Silence};
use crate::rule::{Rule, What};
use sampled::{Sampled, Samples};

/// The snapshot of one target of one run.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) now: Minute,
    pub(crate) window: (Minute, Minute),
    /// Where the lookback begins; the window reaches further back by the longest range of the
    /// rules.
    looks_back_to: Minute,
    pub(crate) version: String,
    pub(crate) part: (u64, u64),
    /// Whether it is of EKS; and when its samples were taken, oldest first.
    pub(crate) is_eks: bool,
    pub(crate) samples: Vec<Minute>,
    pub(crate) sampled: BTreeMap<Sampled, Samples>,
    clusters: BTreeMap<String, Cluster>,
    pub(crate) series: BTreeMap<Question, Points>,
    pub(crate) services: BTreeMap<String, Value>,
    /// Services that could not be described.
    undescribed: BTreeSet<String>,
    /// Operation and subject of the failures.
    faults: Vec<(String, String)>,
    /// The first fault that is only a missing ECS resource.
    missed: Option<String>,
}

#[derive(Debug, Clone)]
struct Cluster {
    services: BTreeSet<String>,
    /// Of EKS, named as in the table.
    workloads: BTreeSet<String>,
    unread: bool,
}

/// Namespace, name, dimensions, and the period in minutes.
pub(crate) type Question = (String, String, Vec<(String, String)>, Minute);

/// Values by the minute at which their period begins.
#[derive(Debug, Clone)]
pub(crate) struct Points {
    pub(crate) answer: Answer,
    /// Earlier points were not requested.
    pub(crate) from: Option<Minute>,
    pub(crate) values: BTreeMap<Minute, f64>,
}

/// The subject of a rule: a cluster, or a service. Written as in the table.
pub(crate) fn name_of(cluster: &str, service: Option<&str>) -> String {
    service.map_or_else(|| cluster.to_owned(), |service| format!("{cluster}/{service}"))
}

impl Snapshot {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut text = String::new();
        MultiGzDecoder::new(bytes).read_to_string(&mut text).ok()?;
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let run = lines.first()?;
        let window = &run["run"]["window"];
        let part = &run["target"]["part"];
        let mut snapshot = Self {
            now: minute_of_text(run["run"]["time"].as_str()?),
            window: (minute_of_text(window["start"].as_str()?), minute_of_text(window["end"].as_str()?)),
            looks_back_to: minute_of_text(run["run"]["looks_back_to"].as_str()?),
            version: run["run"]["config_version"].as_str()?.to_owned(),
            part: (part["index"].as_u64()?, part["count"].as_u64()?),
            is_eks: run["target"]["platform"] == "eks",
            samples: run["samples"].as_array().into_iter().flatten().filter_map(minute_of_second).collect(),
            sampled: BTreeMap::new(),
            clusters: BTreeMap::new(),
            series: BTreeMap::new(),
            services: BTreeMap::new(),
            undescribed: BTreeSet::new(),
            faults: Vec::new(),
            missed: None,
        };
        lines.iter().for_each(|line| snapshot.line(line));
        snapshot.drop_missing();
        Some(snapshot)
    }

    /// A service that ECS no longer knows is no longer evaluated.
    fn drop_missing(&mut self) {
        for (name, state) in &self.services {
            let (cluster, service) = split(name);
            if let (Some("MISSING" | "INACTIVE"), Some(cluster)) =
                (state["status"].as_str(), self.clusters.get_mut(cluster))
            {
                cluster.services.remove(service.unwrap_or_default());
            }
        }
    }

    fn line(&mut self, line: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match line["kind"].as_str() {
            Some("cluster") => {
                let (ecs, eks) = (&line["contents"]["ecs"], &line["contents"]["eks"]);
                let services = ecs["services"].as_array().into_iter().flatten().map(text).collect();
                let unread = line["unlisted"].as_bool().unwrap();
                let name = text(&line["cluster"]);
                let workload = |workload: &Value| {
                    let [namespace, kind, own] =
                        ["namespace", "kind", "name"].map(|key| text(&workload[key]));
                    format!("{name} {namespace}/{}/{own}", kind.to_lowercase())
                };
                let workloads = eks["workloads"].as_array().into_iter().flatten().map(workload).collect();
                self.clusters.insert(name, Cluster { services, workloads, unread });
            }
            Some("series") if line["namespace"] == "Kubernetes" => {
                self.sampled.extend(sampled::read(line, &self.samples));
            }
            Some("series") => {
                let period = line["period_seconds"].as_i64().unwrap() / 60;
                let dimensions = line["dimensions"].as_object().unwrap().iter();
                let dimensions = dimensions.map(|(name, value)| (name.clone(), text(value))).collect();
                let question = (text(&line["namespace"]), text(&line["metric"]), dimensions, period);
                self.series.insert(question, points(line, period));
            }
            Some("service") => {
                let name = format!("{}/{}", text(&line["cluster"]), text(&line["service"]));
                self.services.insert(name, line.clone());
            }
            Some("undescribed") => {
                let name = format!("{}/{}", text(&line["cluster"]), text(&line["service"]));
                self.undescribed.insert(name);
            }
            Some("end") => {
                let faults = line["coverage"]["faults"].as_array().unwrap();
                for fault in faults.iter().map(|counted| &counted["fault"]) {
                    let (operation, subject) = (text(&fault["operation"]), text(&fault["subject"]));
                    if fault["kind"] == "not-found" && operation.starts_with("ecs:") {
                        self.missed.get_or_insert(format!("{operation} of {subject}"));
                    }
                    self.faults.push((operation, subject));
                }
            }
            _ => {}
        }
    }

    /// The subjects of the rule in this snapshot: the cluster, the service if there is one, and the
    /// name as in the table.
    pub(crate) fn subjects(&self, rule: &Rule) -> Vec<(String, String, String)> {
        if rule.what.is_sampled() != self.is_eks {
            return Vec::new();
        }
        let triple = |(name, cluster): (&String, &Cluster)| {
            if rule.what.is_of_cluster() {
                return vec![(name.clone(), String::new(), name.clone())];
            }
            let services = cluster.services.iter();
            let services =
                services.map(|service| (name.clone(), service.clone(), name_of(name, Some(service))));
            let workloads = cluster.workloads.iter();
            let workloads = workloads.map(|workload| (name.clone(), String::new(), workload.clone()));
            services.chain(workloads).collect()
        };
        self.clusters.iter().flat_map(triple).collect()
    }

    /// Whether it says that calls of this operation failed.
    pub(crate) fn has_fault_of(&self, operation: &str) -> bool {
        self.faults.iter().any(|(failed, _)| failed == operation)
    }

    /// Whether the service is listed and was not among those that ECS was queried about.
    pub(crate) fn was_not_queried(&self, name: &str) -> bool {
        let (cluster, service) = split(name);
        let listed = |cluster: &Cluster| cluster.services.contains(service.unwrap_or_default());
        self.clusters.get(cluster).is_some_and(listed)
            && !self.services.contains_key(name)
            && !self.undescribed.contains(name)
    }

    /// A missing ECS resource that is recorded as a fault.
    pub(crate) fn missed(&self) -> Option<&str> {
        self.missed.as_deref()
    }

    /// Whether the services of the cluster are known for certain.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let listing = ["ecs:ListClusters", "ecs:DescribeClusters", "eks:ListClusters"];
        let listed = !self.faults.iter().any(|(operation, _)| listing.contains(&operation.as_str()));
        listed && self.clusters.get(cluster_of(name)).is_none_or(|cluster| !cluster.unread)
    }

    /// Whether clusters of this name are in this target's part (FNV-1a of the name, modulo the
    /// parts).
    pub(crate) fn holds(&self, name: &str) -> bool {
        let mut hash: u32 = 0x811c_9dc5;
        for byte in cluster_of(name).bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        u64::from(hash) % self.part.1 == self.part.0
    }

    /// The start of the part of the window that a rule needs.
    fn begins(&self, rule: &Rule) -> Minute {
        self.window.0.max(self.looks_back_to - rule.range() * rule.period)
    }

    /// The rule's input for a subject; mutes by other alarms are not known here.
    pub(crate) fn observation(
        &self,
        rule: &Rule,
        cluster: &str,
        service: &str,
        name: &str,
    ) -> Result<Observation, String> {
        if let What::Sampled(measure, statistic) = rule.what {
            return self.sight_of_samples(rule, (measure, statistic), name);
        }
        let floor = |minute: Minute| minute.div_euclid(rule.period) * rule.period;
        let (begin, end) = (floor(self.begins(rule)), floor(self.window.1));
        let count = rule.what.periods(rule, (end - begin) / rule.period);
        let mut aged = rule.what.aged(rule, count);
        let mut starts: Vec<Minute> = (0..count).map(|period| end - (count - period) * rule.period).collect();
        let begins = end - count * rule.period;
        let (answer, values) = match rule.what.metric(cluster, service) {
            None => {
                let (answer, newest) = self.tasks_missing(name);
                let newest_start = end - rule.period;
                (answer, starts.iter().map(|start| newest.filter(|_| *start == newest_start)).collect())
            }
            Some((namespace, metric, dimensions)) => {
                let dimensions =
                    dimensions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                let question = (namespace.to_owned(), metric.to_owned(), dimensions, rule.period);
                let points =
                    self.series.get(&question).ok_or_else(|| format!("{question:?} was not requested"))?;
                starts.retain(|start| points.from.is_none_or(|from| *start >= from));
                aged = (aged - count + i64::try_from(starts.len()).unwrap()).max(0);
                (points.answer, starts.iter().map(|start| points.values.get(start).copied()).collect())
            }
        };
        let silence = if !rule.quiet {
            None
        } else if self.deploys(rule, name) {
            Some(Silence::Deployment)
        } else {
            (rule.what == What::NothingRunning && self.starts(name)).then_some(Silence::Start)
        };
        let idle = rule.what == What::NothingRunning
            && self.services.get(name).is_some_and(|state| state["desired"] == 0);
        let always = matches!(rule.what, What::Memory | What::Cpu);
        let runs = self.services.get(name).is_some_and(|state| {
            always && state["status"] == "ACTIVE" && state["running"].as_i64() > Some(0)
        });
        let aged = usize::try_from(aged).unwrap();
        let ends: Vec<Minute> = starts.iter().map(|start| start + rule.period).collect();
        let unknown = vec![false; ends.len()];
        let now = self.now;
        Ok(Observation { values, ends, unknown, begins, end, answer, silence, now, idle, aged, runs })
    }

    /// The input of a rule without queries.
    pub(crate) fn blank(&self, rule: &Rule) -> Observation {
        let floor = |minute: Minute| minute.div_euclid(rule.period) * rule.period;
        let (begin, end) = (floor(self.begins(rule)), floor(self.window.1));
        let of_window = || (1..=(end - begin) / rule.period).map(|period| begin + period * rule.period);
        let ends: Vec<Minute> = if self.is_eks { self.samples.clone() } else { of_window().collect() };
        Observation {
            values: vec![None; ends.len()],
            unknown: vec![false; ends.len()],
            begins: begin,
            end: ends.last().copied().unwrap_or(end),
            aged: ends.len(),
            ends,
            answer: Answer::None,
            silence: None,
            now: self.now,
            idle: false,
            runs: false,
        }
    }

    /// How many tasks are missing while none runs.
    fn tasks_missing(&self, name: &str) -> (Answer, Option<f64>) {
        let (cluster, service) = split(name);
        if let Some(state) = self.services.get(name) {
            let created = state["created_at"].as_str().map(minute_of_text);
            let starts = created.is_some_and(|created| self.now - created < 10);
            if state["status"] != "ACTIVE" || starts {
                return (Answer::Whole, None);
            }
            let missing = if state["running"] == 0 { state["desired"].as_f64().unwrap() } else { 0.0 };
            return (Answer::Whole, Some(missing));
        }
        // ECS is queried about services without metrics only: the others run.
        let failed = self.undescribed.contains(name);
        let is_of = |question: &Question, key: &str, value: &str| {
            question.2.iter().any(|(name, named)| name == key && named == value)
        };
        let unread = self.series.iter().any(|(question, points)| {
            let of_service = is_of(question, "ClusterName", cluster)
                && is_of(question, "ServiceName", service.unwrap_or_default());
            of_service && points.answer != Answer::Whole
        });
        if failed || unread { (Answer::None, None) } else { (Answer::Whole, Some(0.0)) }
    }

    /// Whether tasks of the service are starting, and none failed.
    fn starts(&self, name: &str) -> bool {
        self.services.get(name).is_some_and(|state| {
            let failed = state["deployment"]["failed_tasks"].as_i64().unwrap_or_default();
            state["pending"].as_i64() > Some(0) && failed == 0
        })
    }

    /// Whether the service is being deployed without failures.
    fn deploys(&self, rule: &Rule, name: &str) -> bool {
        let Some(deployment) = self.services.get(name).map(|state| &state["deployment"]) else {
            return false;
        };
        let longest = if rule.what == What::NothingRunning { 10 } else { 60 };
        let young =
            deployment["started_at"].as_str().is_some_and(|at| self.now - minute_of_text(at) < longest);
        deployment["rollout_state"] == "IN_PROGRESS" && deployment["failed_tasks"] == 0 && young
    }
}

/// The cluster of a subject.
pub(crate) fn cluster_of(name: &str) -> &str {
    name.split([' ', '/']).next().unwrap_or_default()
}

fn minute_of_second(second: &Value) -> Option<Minute> {
    Some((second.as_i64()? - crate::clock::at(0).as_second()).div_euclid(60))
}

fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('/').map_or((name, None), |(cluster, service)| (cluster, Some(service)))
}

fn points(line: &Value, period: Minute) -> Points {
    let answer = answer(line);
    let epoch = crate::clock::at(0).as_second();
    let start = line["start"].as_i64().map_or(0, |second| (second - epoch) / 60);
    let minute = |second: i64| (second - epoch).div_euclid(60);
    let from = line["from"].as_i64().map(minute);
    let values = line["values"].as_array().unwrap().iter();
    let value = |(place, value): (usize, &Value)| {
        Some((start + i64::try_from(place).unwrap() * period, value.as_f64()?))
    };
    Points { answer, from, values: values.enumerate().filter_map(value).collect() }
}

fn answer(line: &Value) -> Answer {
    match line["status"].as_str() {
        // The field is omitted where nothing is missing.
        None | Some("complete") => Answer::Whole,
        Some("partial") => Answer::Part,
        Some(_) => Answer::None,
    }
}
