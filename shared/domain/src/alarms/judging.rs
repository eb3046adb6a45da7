//! Evaluates a snapshot while reading it: only the lines of one subject and the changes are held in
//! memory.

mod deaths;
mod deleted;
mod late;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::rule_observation::Evidence;
use super::which::{is_late, kept_metrics, muting_rules_first, subject_of, unless, was_listed};
use super::{AlarmKey, AlarmRecord, Basis, Observation, RuleObservation, grace};
use crate::alarms::evaluate::AlarmState;
use crate::deaths::{IncidentGroup, Known};
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::{Inventory, ServiceState, UndescribedService};
use crate::evidence::pods::{PodState, explains, why};
use crate::evidence::snapshot::{SnapshotBegin, SnapshotLine};
use crate::logs::query::LogReadings;
use crate::model::cluster::ClusterName;
use crate::model::fault::Fault;
use crate::model::metric::{Metric, MetricQuery};
use crate::model::series::Reading;
use crate::model::status::ServiceStatus;
use crate::model::subject::Subject;
use crate::rules::AlarmRule;
use crate::sources::plan;

/// A snapshot being evaluated. Rules on catalogue metrics are evaluated subject by subject, as the
/// lines arrive; rules on ECS figures and custom metrics at the end. Alarms that would change are
/// evaluated again at the end, when everything that may mute them is known.
#[derive(Debug)]
pub struct Judging<'a> {
    rules: &'a [AlarmRule],
    /// Indices of the rules, each after the rules that mute it.
    order: Vec<usize>,
    begin: SnapshotBegin,
    before: HashMap<&'a Subject, Vec<&'a AlarmRecord>>,
    inventory: Inventory,
    /// Rules by subject, for subjects without a line so far; built with the first line that is not
    /// a cluster.
    waiting: Option<HashMap<Subject, Vec<usize>>>,
    /// The subject whose lines are being read, with its rules.
    current: Option<(Subject, Vec<usize>)>,
    answers: Vec<(MetricQuery, Reading)>,
    /// Metrics, by namespace and name, whose lines are kept to the end, because their dimensions
    /// may not identify the subject: metrics of custom rules, and of all rules that share one with
    /// them.
    kept_metrics: HashSet<(String, String)>,
    kept: HashMap<MetricQuery, Reading>,
    /// Subjects with a failed reading, and its fault.
    unclear: HashMap<Subject, Fault>,
    services: HashMap<Subject, ServiceState>,
    /// Services that could not be described.
    undescribed: HashMap<Subject, UndescribedService>,
    /// Subjects whose alarms may change; set with the first pod of a cluster.
    explained: Option<HashSet<Subject>>,
    /// Pods that explain why.
    pods: HashMap<Subject, Vec<PodState>>,
    /// By rule: alarms that change unless they are muted, and alarms that may lack data.
    open: Vec<Vec<Open>>,
    /// By rule: whether it has data anywhere.
    evidence: Vec<Evidence>,
    /// What queries of logs found.
    logs: LogReadings,
    /// Since when incidents are known; `None` if the snapshot does not say.
    known: Option<Known>,
    /// Incidents by subject.
    incidents: HashMap<Subject, Vec<IncidentGroup>>,
}

/// An alarm that is evaluated again after all lines have been read.
#[derive(Debug)]
struct Open {
    subject: Subject,
    reading: Reading,
    basis: Basis,
}

/// An alarm that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedAlarm<'a> {
    /// The rule.
    pub rule: &'a AlarmRule,
    /// The observation, so that the alarm can be evaluated again if another run writes it first.
    pub observation: Observation<'static>,
    /// The kind of values it is based on.
    pub basis: Basis,
    /// The record to store, with its pending notices.
    pub record: AlarmRecord,
}

/// The result of evaluating a snapshot.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Run, target and age of the inventory.
    pub begin: SnapshotBegin,
    /// How much was observed.
    pub coverage: Coverage,
    /// Alarms that changed.
    pub changes: Vec<ChangedAlarm<'a>>,
    /// Alarms that are no longer evaluated, as they end.
    pub ended: Vec<AlarmRecord>,
    /// The observation of each rule of the platform.
    pub rules: Vec<RuleObservation>,
    /// Owners by cluster, from the tag `owner`.
    pub owners: BTreeMap<ClusterName, String>,
}

impl ChangedAlarm<'_> {
    /// Evaluates the observation again on the record that another run has stored in the meantime;
    /// `None` if that record already covers it.
    pub fn again(&self, begin: &SnapshotBegin, newest: Option<&AlarmRecord>) -> Option<AlarmRecord> {
        grace::judged(self.rule, &self.record.key.subject, &self.observation, self.basis, begin, newest)
    }
}

impl<'a> Judging<'a> {
    /// Begins with the first line and the stored records of the account and Region.
    pub fn begin(
        begin: SnapshotBegin,
        rules: &'a [AlarmRule],
        remembered: impl IntoIterator<Item = &'a AlarmRecord>,
    ) -> Self {
        let mut before = HashMap::<&Subject, Vec<&AlarmRecord>>::new();
        for record in remembered {
            before.entry(&record.key.subject).or_default().push(record);
        }
        let inventory = Inventory {
            read_at: begin.inventory_read_at,
            clusters: BTreeMap::new(),
            faults: Vec::new(),
            families_listed: false,
            tasks_listed: false,
        };
        Self {
            rules,
            order: muting_rules_first(rules),
            begin,
            before,
            inventory,
            waiting: None,
            current: None,
            answers: Vec::new(),
            kept_metrics: kept_metrics(rules),
            kept: HashMap::new(),
            unclear: HashMap::new(),
            services: HashMap::new(),
            undescribed: HashMap::new(),
            explained: None,
            pods: HashMap::new(),
            open: rules.iter().map(|_| Vec::new()).collect(),
            evidence: rules.iter().map(|_| Evidence::default()).collect(),
            logs: LogReadings::default(),
            known: None,
            incidents: HashMap::new(),
        }
    }

    /// The same, with what queries of logs found in this run.
    #[must_use]
    pub fn with_logs(self, logs: LogReadings) -> Self {
        Self { logs, ..self }
    }

    /// Processes a line between the first and the last.
    pub fn add(&mut self, line: SnapshotLine) {
        match line {
            SnapshotLine::Cluster(cluster, entry) => {
                self.inventory.clusters.insert(cluster, entry);
            }
            SnapshotLine::Series(query, reading) => self.series(query, reading),
            SnapshotLine::Service(state) => {
                self.services.insert(Subject::Service(state.cluster.clone(), state.service.clone()), *state);
            }
            SnapshotLine::Undescribed(service) => {
                let subject = Subject::Service(service.cluster.clone(), service.service.clone());
                self.undescribed.insert(subject, service);
            }
            SnapshotLine::Pod(pod) => self.pod(*pod),
            // All samples of a cluster come before the cluster itself.
            SnapshotLine::Eks(_) => {
                self.flush();
                self.explained = None;
            }
            SnapshotLine::Events(known) => self.known = Some(known),
            SnapshotLine::Incidents(group) => {
                self.incidents.entry(group.of.subject()).or_default().push(*group);
            }
            SnapshotLine::Run(_) | SnapshotLine::Workload(_) | SnapshotLine::End(_) => {}
        }
    }

    /// Keeps a pod if an alarm of its workload changes, or one of its cluster that the pod
    /// explains.
    fn pod(&mut self, pod: PodState) {
        let open = &self.open;
        let wanted = self
            .explained
            .get_or_insert_with(|| open.iter().flatten().map(|open| open.subject.clone()).collect());
        let cluster = Subject::Cluster(pod.cluster.clone());
        if wanted.contains(&cluster) && explains(&pod, self.begin.run.time) {
            self.pods.entry(cluster).or_default().push(pod.clone());
        }
        let workload = pod.subject();
        if wanted.contains(&workload) {
            self.pods.entry(workload).or_default().push(pod);
        }
    }

    /// Finishes with the last line.
    pub fn end(mut self, coverage: Coverage) -> Judged<'a> {
        self.flush();
        // These subjects have no line: their rules could not query.
        self.waiting();
        for silent in self.waiting.take().unwrap_or_default() {
            self.current = Some(silent);
            self.flush();
        }
        let services = std::mem::take(&mut self.services);
        self.drop_missing(&services);
        self.judge_late(&services);
        let changes = self.silence(&services);
        let ended = self.ended(&coverage);
        let owners = self.inventory.owners();
        let rules = self.rule_observations(&coverage, &services);
        Judged { begin: self.begin, coverage, changes, ended, rules, owners }
    }

    fn rule_observations(
        &mut self,
        coverage: &Coverage,
        services: &HashMap<Subject, ServiceState>,
    ) -> Vec<RuleObservation> {
        let (platform, inventory) = (self.begin.target.platform, &self.inventory);
        let unread = inventory.clusters.values().any(|entry| entry.unlisted);
        let rules = self.rules.iter().zip(std::mem::take(&mut self.evidence));
        let rules = rules.filter(|(rule, _)| rule.platform() == platform);
        let observations = rules.map(|(rule, evidence)| {
            let is_listed = !unread && was_listed(coverage, rule.scope);
            evidence.finish(rule, inventory, services, is_listed)
        });
        observations.collect()
    }

    /// Drops services that were deleted after the inventory was listed, so that their alarms end.
    fn drop_missing(&mut self, services: &HashMap<Subject, ServiceState>) {
        for deleted in services.values().filter(|state| state.is_missing()) {
            self.inventory.drop_service(&deleted.cluster, &deleted.service);
        }
        let is_missing = |subject: &Subject| services.get(subject).is_some_and(ServiceState::is_missing);
        self.open.iter_mut().for_each(|open| open.retain(|one| !is_missing(&one.subject)));
    }

    fn series(&mut self, query: MetricQuery, reading: Reading) {
        let subject = subject_of(&query.metric.dimensions);
        if let (Some(fault), Some(subject)) = (reading.fault(), &subject)
            && !self.unclear.contains_key(subject)
        {
            self.unclear.insert(subject.clone(), fault.clone());
        }
        if self.is_kept(&query.metric) {
            self.kept.insert(query, reading);
            return;
        }
        let Some(subject) = subject else { return };
        if self.current.as_ref().is_none_or(|(current, _)| *current != subject) {
            self.flush();
            self.current = self.waiting().remove_entry(&subject);
        }
        if self.current.is_some() {
            self.answers.push((query, reading));
        }
    }

    /// Evaluates the subject whose lines have been read.
    fn flush(&mut self) {
        let answers = std::mem::take(&mut self.answers);
        let Some((subject, judging)) = self.current.take() else { return };
        for index in judging {
            let rule = &self.rules[index];
            let basis = if rule.measure.sampled().is_some() { Basis::Samples } else { Basis::Points };
            if let Some(reading) = rule.reading(&answers) {
                self.judge(index, &subject, reading, basis);
            }
        }
    }

    /// The rules of every subject; called once all clusters are known.
    fn waiting(&mut self) -> &mut HashMap<Subject, Vec<usize>> {
        let (rules, inventory, kept) = (self.rules, &self.inventory, &self.kept_metrics);
        let platform = self.begin.target.platform;
        self.waiting.get_or_insert_with(|| {
            let mut waiting = HashMap::<Subject, Vec<usize>>::with_capacity(inventory.service_count());
            for (index, rule) in rules.iter().enumerate() {
                let here = inventory.clusters.iter().filter(|_| rule.platform() == platform);
                for (cluster, entry) in here.filter(|(_, entry)| !is_late(rule, kept, entry)) {
                    for subject in plan::subjects_in(rule, cluster, entry) {
                        waiting.entry(subject).or_default().push(index);
                    }
                }
            }
            waiting
        })
    }

    /// Evaluates an alarm as if nothing muted it. An alarm that does not change then does not
    /// change when muted either.
    fn judge(&mut self, index: usize, subject: &Subject, reading: Cow<'_, Reading>, basis: Basis) {
        self.evidence[index].take(subject, &reading, basis);
        let (rule, begin) = (&self.rules[index], &self.begin);
        let observation = Observation::with(reading);
        let before = self.remembered(rule, subject);
        let after = grace::judged(rule, subject, &observation, basis, begin, before);
        if after.is_some() || self.may_lack_data(rule, &observation.reading) {
            let reading = observation.reading.into_owned();
            self.open[index].push(Open { subject: subject.clone(), reading, basis });
        }
    }

    /// Whether the newest verdict lacks data of a metric that always has some while a task runs.
    /// Whether a task runs is known from ECS.
    fn may_lack_data(&self, rule: &AlarmRule, reading: &Reading) -> bool {
        let Reading::Complete(series) = reading else { return false };
        let end = self.begin.run.window.in_periods(rule.period).end;
        // A period that has not ended may have a point.
        let newest = series.points().iter().rfind(|point| point.timestamp < end);
        rule.measure.is_always_published()
            && newest.is_none_or(|newest| newest.timestamp < end - rule.range())
    }

    fn remembered(&self, rule: &AlarmRule, subject: &Subject) -> Option<&'a AlarmRecord> {
        self.before.get(subject)?.iter().find(|record| record.key.rule == rule.name).copied()
    }

    /// Evaluates the changing alarms again, now that everything that mutes them is known:
    /// deployments and other alarms.
    fn silence(&mut self, services: &HashMap<Subject, ServiceState>) -> Vec<ChangedAlarm<'a>> {
        let run = self.begin.run.clone();
        let records = self.before.values().flatten();
        let in_alarm = records.filter(|record| record.memory.state == AlarmState::Alarm);
        let mut in_alarm: HashSet<AlarmKey> = in_alarm.map(|record| record.key.clone()).collect();
        let mut changes = Vec::new();
        for index in self.order.clone() {
            let rule = &self.rules[index];
            let mut open = std::mem::take(&mut self.open[index]);
            open.sort_unstable_by(|a, b| a.subject.cmp(&b.subject));
            for Open { subject, reading, basis } in open {
                let state = services.get(&subject);
                let before = self.remembered(rule, &subject);
                let (why, pod) = match (basis, rule.measure.sampled()) {
                    (Basis::State { .. }, _) => (state.and_then(ServiceState::why), None),
                    _ if rule.measure.task_figure().is_some() => (state.and_then(ServiceState::why), None),
                    _ if rule.measure.balancer_figure().is_some() => {
                        (self.said_of_balancers(rule, &subject), None)
                    }
                    (_, Some(sampled)) => {
                        let pods = self.pods.get(&subject);
                        let why = pods.and_then(|pods| why(sampled.measure, pods, run.time));
                        why.map(|why| (why.sentence, why.pod)).unzip()
                    }
                    _ => (None, None),
                };
                let not_known = self.deaths_not_known(rule, &subject);
                let why: Vec<String> = why.into_iter().chain(not_known).collect();
                let observation = Observation {
                    reading: Cow::Owned(reading),
                    why: (!why.is_empty()).then(|| why.join(" ")),
                    metrics: self.balancer_metrics(rule, &subject),
                    pod,
                    deaths: self.deaths_behind(rule, &subject),
                    hidden: Vec::new(),
                    mute: unless(rule, &subject, &in_alarm).or_else(|| {
                        let excused = grace::is_granted(before, run.window.end);
                        rule.quiet_for(state?, run.time, excused)
                    }),
                    running: state
                        .filter(|state| {
                            rule.measure.is_always_published() && state.status == ServiceStatus::Active
                        })
                        .map(|state| state.running),
                };
                let Some(record) = grace::judged(rule, &subject, &observation, basis, &self.begin, before)
                else {
                    continue;
                };
                if record.memory.state == AlarmState::Alarm {
                    in_alarm.insert(record.key.clone());
                } else {
                    in_alarm.remove(&record.key);
                }
                changes.push(ChangedAlarm { rule, observation, basis, record });
            }
        }
        self.name_hidden(&mut changes, &in_alarm);
        changes
    }

    fn is_kept(&self, metric: &Metric) -> bool {
        let is =
            |(namespace, name): &(String, String)| metric.name == *name && metric.namespace == *namespace;
        self.kept_metrics.iter().any(is)
    }
}
