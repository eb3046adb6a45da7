//! Judges a snapshot while it is read: what is held is one subject's lines and what changed, not the snapshot.

mod deleted;
mod late;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::rule_observation::Evidence;
use super::which::{is_late, kept_metrics, silencers_first, subject_of, unless, was_listed};
use super::{AlarmKey, AlarmRecord, Basis, Observation, RuleObservation, grace};
use crate::alarms::evaluate::AlarmState;
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::{Inventory, ServiceState, UndescribedService};
use crate::evidence::pods::{PodState, explains, why};
use crate::evidence::snapshot::{SnapshotBegin, SnapshotLine};
use crate::model::cluster::ClusterName;
use crate::model::fault::Fault;
use crate::model::metric::{Metric, MetricQuery};
use crate::model::series::Reading;
use crate::model::status::ServiceStatus;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, Scope};
use crate::sources::plan;

/// A snapshot being judged. Rules on metrics of the catalogue are judged subject by subject, as the lines come; rules on
/// what ECS says and on custom metrics at the end. What would change is judged once more at the end, when it is known
/// what keeps it silent.
#[derive(Debug)]
pub struct Judging<'a> {
    rules: &'a [AlarmRule],
    /// Rules in an order in which each comes after those that silence it.
    order: Vec<usize>,
    begin: SnapshotBegin,
    before: HashMap<&'a Subject, Vec<&'a AlarmRecord>>,
    inventory: Inventory,
    /// Rules that judge each subject that no line came about yet; made with the first line that is no cluster.
    waiting: Option<HashMap<Subject, Vec<usize>>>,
    /// The subject whose lines are coming, with its rules.
    current: Option<(Subject, Vec<usize>)>,
    answers: Vec<(MetricQuery, Reading)>,
    /// Metrics, by namespace and name, whose lines are kept to the end, because their dimensions need not tell whom they
    /// are asked for: those of custom rules and of all rules that share one with them.
    kept_metrics: HashSet<(String, String)>,
    kept: HashMap<MetricQuery, Reading>,
    /// Subjects of which something could not be read, with the reason.
    unclear: HashMap<Subject, Fault>,
    services: HashMap<Subject, ServiceState>,
    /// Services that ECS was asked about in vain.
    undescribed: HashMap<Subject, UndescribedService>,
    /// Subjects that may change, once the first pod of a cluster has come.
    explained: Option<HashSet<Subject>>,
    /// Pods that explain why they do.
    pods: HashMap<Subject, Vec<PodState>>,
    /// What changes unless something keeps it silent, and what may lack data, rule by rule.
    open: Vec<Vec<Open>>,
    /// Whether each rule has data anywhere.
    evidence: Vec<Evidence>,
}

/// An alarm that is judged once more when all lines have come.
#[derive(Debug)]
struct Open {
    subject: Subject,
    reading: Reading,
    basis: Basis,
}

/// An alarm that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// The rule.
    pub rule: &'a AlarmRule,
    /// What it saw, so that it can be judged again if another run wrote the alarm first.
    pub sight: Observation<'static>,
    /// How it came to be known.
    pub basis: Basis,
    /// What to remember, with what is to be told.
    pub record: AlarmRecord,
}

/// What judging a snapshot brought.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Run, target and age of the inventory.
    pub begin: SnapshotBegin,
    /// How much was seen.
    pub coverage: Coverage,
    /// Alarms that changed.
    pub changes: Vec<Change<'a>>,
    /// Alarms that nothing judges any more, as they end.
    pub gone: Vec<AlarmRecord>,
    /// What was seen of each rule of the platform.
    pub rules: Vec<RuleObservation>,
    /// Who owns which cluster, by its tag `owner`.
    pub owners: BTreeMap<ClusterName, String>,
}

impl Change<'_> {
    /// The same sight on what another run has remembered in the meantime; none if that run has seen all of it.
    pub fn again(&self, begin: &SnapshotBegin, newest: Option<&AlarmRecord>) -> Option<AlarmRecord> {
        grace::judged(self.rule, &self.record.key.subject, &self.sight, self.basis, begin, newest)
    }
}

impl<'a> Judging<'a> {
    /// Begins with what the first line says and what is remembered of the account and Region.
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
        };
        Self {
            rules,
            order: silencers_first(rules),
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
        }
    }

    /// Takes in a line between the first and the last.
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
            // All samples of a cluster have come when itself comes.
            SnapshotLine::Eks(_) => {
                self.flush();
                self.explained = None;
            }
            SnapshotLine::Run(_) | SnapshotLine::Workload(_) | SnapshotLine::End(_) => {}
        }
    }

    /// Keeps a pod if an alarm of its workload changes, or one of its cluster that it explains.
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

    /// Ends with the last line.
    pub fn end(mut self, coverage: Coverage) -> Judged<'a> {
        self.flush();
        // No line came about these: their rules could not ask.
        self.waiting();
        for silent in self.waiting.take().unwrap_or_default() {
            self.current = Some(silent);
            self.flush();
        }
        let services = std::mem::take(&mut self.services);
        self.drop_missing(&services);
        self.judge_late(&services);
        let changes = self.silence(&services);
        let gone = self.gone(&coverage);
        let owners = self.inventory.owners();
        let rules = self.rule_sights(&coverage, &services);
        Judged { begin: self.begin, coverage, changes, gone, rules, owners }
    }

    fn rule_sights(
        &mut self,
        coverage: &Coverage,
        services: &HashMap<Subject, ServiceState>,
    ) -> Vec<RuleObservation> {
        let (platform, inventory) = (self.begin.target.platform, &self.inventory);
        let unread = inventory.clusters.values().any(|entry| entry.unlisted);
        let rules = self.rules.iter().zip(std::mem::take(&mut self.evidence));
        let rules = rules.filter(|(rule, _)| rule.platform() == platform);
        let sights = rules.map(|(rule, evidence)| {
            let is_listed = !unread && was_listed(coverage, rule.scope == Scope::TaskFamily);
            evidence.sight(rule, inventory, services, is_listed)
        });
        sights.collect()
    }

    /// Judges no service that has been deleted since the inventory was listed: its alarms end as gone.
    fn drop_missing(&mut self, services: &HashMap<Subject, ServiceState>) {
        for gone in services.values().filter(|state| state.is_missing()) {
            self.inventory.drop_service(&gone.cluster, &gone.service);
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

    /// Judges the subject whose lines have come.
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

    /// The rules of every subject, once all clusters are known.
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

    /// Judges an alarm as if nothing kept it silent. What changes nothing then changes nothing if it is kept silent.
    fn judge(&mut self, index: usize, subject: &Subject, reading: Cow<'_, Reading>, basis: Basis) {
        self.evidence[index].take(subject, &reading, basis);
        let (rule, begin) = (&self.rules[index], &self.begin);
        let sight = Observation::with(reading);
        let before = self.remembered(rule, subject);
        let after = grace::judged(rule, subject, &sight, basis, begin, before);
        if after.is_some() || self.may_lack_data(rule, &sight.reading) {
            let reading = sight.reading.into_owned();
            self.open[index].push(Open { subject: subject.clone(), reading, basis });
        }
    }

    /// Whether the newest verdict has no data where there is always some while a task runs. ECS says whether one does.
    fn may_lack_data(&self, rule: &AlarmRule, reading: &Reading) -> bool {
        let Reading::Complete(series) = reading else { return false };
        let end = self.begin.run.window.in_periods(rule.period).end;
        // A period that is not over may have a point.
        let newest = series.points().iter().rfind(|point| point.timestamp < end);
        rule.measure.is_always_published()
            && newest.is_none_or(|newest| newest.timestamp < end - rule.range())
    }

    fn remembered(&self, rule: &AlarmRule, subject: &Subject) -> Option<&'a AlarmRecord> {
        self.before.get(subject)?.iter().find(|record| record.key.rule == rule.name).copied()
    }

    /// Judges again what changes, now that it is known what keeps it silent: deployments, and other alarms.
    fn silence(&mut self, services: &HashMap<Subject, ServiceState>) -> Vec<Change<'a>> {
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
                    (_, Some(sampled)) => {
                        let pods = self.pods.get(&subject);
                        let why = pods.and_then(|pods| why(sampled.measure, pods, run.time));
                        why.map(|why| (why.sentence, why.pod)).unzip()
                    }
                    _ => (None, None),
                };
                let sight = Observation {
                    reading: Cow::Owned(reading),
                    why,
                    pod,
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
                let Some(record) = grace::judged(rule, &subject, &sight, basis, &self.begin, before) else {
                    continue;
                };
                if record.memory.state == AlarmState::Alarm {
                    in_alarm.insert(record.key.clone());
                } else {
                    in_alarm.remove(&record.key);
                }
                changes.push(Change { rule, sight, basis, record });
            }
        }
        changes
    }

    fn is_kept(&self, metric: &Metric) -> bool {
        let is =
            |(namespace, name): &(String, String)| metric.name == *name && metric.namespace == *namespace;
        self.kept_metrics.iter().any(is)
    }
}
