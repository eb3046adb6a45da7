//! Builds a snapshot: each result is written, counted and dropped.

use std::collections::{BTreeSet, HashMap};
use std::io;

use fargaze::deaths::{IncidentGroup, Known, Origin};
use fargaze::evidence::coverage::{Coverage, CoverageTally};
use fargaze::evidence::inventory::Inventory;
use fargaze::evidence::snapshot::SnapshotWriter;
use fargaze::invocation::states::TargetTask;
use fargaze::model::catalogue::AWS_ECS;
use fargaze::model::fault::Fault;
use fargaze::model::metric::{MetricQuery, Period};
use fargaze::model::run::{Run, RunKind};
use fargaze::model::series::{MetricSeries, Reading};
use fargaze::model::subject::Subject;
use fargaze::model::window::Window;
use fargaze::rules::{AlarmRule, Condition, Measure, MissingData, Source};
use fargaze::sources::ecs_api::SILENT_AFTER;
use fargaze::sources::{cloudwatch, load_balancers, plan};
use fargaze_aws::DescribedServices;
use jiff::Timestamp;

/// What the results show about services, each identified by cluster and name.
#[derive(Debug, Default)]
pub(crate) struct Services {
    /// Services with a data point in each of the newest minutes: they have running tasks.
    pub(crate) alive: BTreeSet<Name>,
    /// Services that some rule with `quiet-during-deployment` may find in ALARM.
    pub(crate) hot: BTreeSet<Name>,
}

/// Builds a snapshot.
#[derive(Debug)]
pub(crate) struct SnapshotBuilder {
    writer: SnapshotWriter<Vec<u8>>,
    tally: CoverageTally,
    /// Rules with `quiet-during-deployment`, with the threshold that is easier to breach: the one
    /// at which the alarm begins or the one at which it ends.
    quiet: Vec<AlarmRule>,
    /// Metrics whose dimensions need not name the service on which such rules evaluate it: custom
    /// ones, and those of load balancers.
    indirect: HashMap<MetricQuery, Vec<Judged>>,
    /// The clusters of the services behind each target group.
    behind: HashMap<String, BTreeSet<String>>,
    run: Run,
    services: Services,
    /// The service whose results are being added.
    current: Option<Current>,
    /// The minutes since the last run, and at least [`SILENT_AFTER`]. A service with a data point
    /// in each of them has running tasks.
    newest: Window,
    /// Why a line could not be written; then there is no snapshot.
    failure: Option<io::Error>,
}

/// Cluster and name of a service.
type Name = (String, String);

/// A service that is evaluated on a custom metric, and when the rule fires.
#[derive(Debug)]
struct Judged {
    name: Name,
    condition: Condition,
}

/// A service whose results are being added.
#[derive(Debug)]
struct Current {
    name: Name,
    alive: bool,
    /// Its results, if a rule with `quiet-during-deployment` may need them.
    answers: Vec<(MetricQuery, Reading)>,
}

impl Judged {
    /// Whether the rule may find the service in ALARM. May also return true for a service that is
    /// OK.
    fn may_alarm(&self, reading: &Reading) -> bool {
        let Condition { comparison, threshold, treat_missing_data, .. } = self.condition;
        let points = reading.series().map(MetricSeries::points).unwrap_or_default();
        // Without data points, an alarm begins or continues.
        treat_missing_data == MissingData::Breaching
            || (treat_missing_data == MissingData::Ignore && points.is_empty())
            || points.iter().any(|point| comparison.breaches(point.value, threshold))
    }
}

/// Replaces the threshold by the clear threshold, if there is one: an alarm lasts while that is
/// breached.
fn easier_to_breach(rule: AlarmRule) -> AlarmRule {
    let threshold = rule.condition.clear_threshold.unwrap_or(rule.condition.threshold);
    AlarmRule { condition: Condition { threshold, ..rule.condition }, ..rule }
}

/// The metrics that need not name the service, on which the rules evaluate services.
fn indirect(rules: &[AlarmRule], inventory: &Inventory) -> HashMap<MetricQuery, Vec<Judged>> {
    let mut indirect = HashMap::<MetricQuery, Vec<Judged>>::new();
    for rule in rules {
        let figure = rule.measure.balancer_figure();
        if figure.is_none() && !matches!(rule.measure, Measure::Custom(_)) {
            continue;
        }
        for (cluster, entry) in &inventory.clusters {
            for subject in plan::subjects_in(rule, cluster, entry) {
                let Subject::Service(cluster, service) = &subject else { continue };
                let of_custom = || {
                    let queries = cloudwatch::queries(rule, &subject, Source::Custom, entry);
                    queries.into_iter().map(|query| (query, rule.condition)).collect()
                };
                let of_balancers = |figure| load_balancers::watched(figure, rule, &subject, entry);
                let watched: Vec<(MetricQuery, Condition)> = figure.map_or_else(of_custom, of_balancers);
                for (query, condition) in watched {
                    let name = (cluster.to_string(), service.to_string());
                    indirect.entry(query).or_default().push(Judged { name, condition });
                }
            }
        }
    }
    indirect
}

/// The clusters of the services behind each target group.
fn behind(inventory: &Inventory) -> HashMap<String, BTreeSet<String>> {
    let mut behind = HashMap::<String, BTreeSet<String>>::new();
    for (cluster, entry) in &inventory.clusters {
        let setups = entry.ecs().into_iter().flat_map(|ecs| ecs.setups.values());
        for group in setups.flat_map(|setup| setup.load_balancing.groups()) {
            behind.entry(group.name.clone()).or_default().insert(cluster.to_string());
        }
    }
    behind
}

/// The minutes from `since` to the end of the window, and at least the newest one.
fn newest_minutes(window: &Window, since: Timestamp) -> Window {
    let window = window.in_periods(Period::MINUTE);
    Window { start: since.min(window.newest(1).start), ..window }
}

/// Cluster and name of the service that incidents are about.
pub(crate) fn service_of(group: &IncidentGroup) -> Option<Name> {
    match group.of.subject() {
        Subject::Service(cluster, service) => Some((cluster.to_string(), service.to_string())),
        _ => None,
    }
}

/// Whether a data point proves that a task ran in its minute. ECS publishes these metrics with the
/// tasks' samples, while Container Insights also counts zero tasks, and a longer period may hold
/// one task of one minute.
fn proves_tasks(query: &MetricQuery) -> bool {
    query.metric.namespace == AWS_ECS && query.period == Period::MINUTE
}

impl SnapshotBuilder {
    /// Starts a snapshot and writes the clusters.
    pub(crate) fn begin(task: &TargetTask, rules: &[AlarmRule], inventory: &Inventory) -> io::Result<Self> {
        let mut writer = SnapshotWriter::begin(Vec::new(), &task.run, &task.target, inventory.read_at)?;
        for (cluster, entry) in &inventory.clusters {
            writer.cluster(cluster, entry)?;
        }
        let tally = CoverageTally::default();
        let alarms = task.run.kind == RunKind::Alarms;
        let quiet = rules.iter().filter(|rule| alarms && rule.quiet_during_deployment);
        let quiet: Vec<AlarmRule> = quiet.cloned().map(easier_to_breach).collect();
        let (indirect, behind) = (indirect(&quiet, inventory), behind(inventory));
        let (run, services) = (task.run.clone(), Services::default());
        let newest = newest_minutes(&run.window, run.window.end - SILENT_AFTER);
        Ok(Self {
            writer,
            tally,
            quiet,
            indirect,
            behind,
            run,
            services,
            current: None,
            newest,
            failure: None,
        })
    }

    /// Continues from an earlier run whose window ended at `since`.
    pub(crate) fn continues(&mut self, since: Option<Timestamp>) {
        if let Some(since) = since {
            // With a run every minute, only one data point would be new, which proves little.
            let since = since.min(self.run.window.end - SILENT_AFTER);
            self.newest = newest_minutes(&self.run.window, since);
        }
    }

    /// Adds one result of CloudWatch.
    pub(crate) fn add(&mut self, query: &MetricQuery, reading: &Reading) {
        self.tally.add(query, reading);
        let dimensions = &query.metric.dimensions;
        if let (2, Some(cluster), Some(service)) =
            (dimensions.len(), dimensions.get("ClusterName"), dimensions.get("ServiceName"))
        {
            self.of_service(cluster, service, query, reading);
        }
        let group = dimensions.get("TargetGroup").filter(|_| reading.fault().is_some());
        for cluster in group.and_then(|group| self.behind.get(group)).into_iter().flatten() {
            self.tally.unseen(cluster);
        }
        for judged in
            self.indirect.get(query).into_iter().flatten().filter(|judged| judged.may_alarm(reading))
        {
            self.services.hot.insert(judged.name.clone());
        }
        if let Err(error) = self.writer.series(query, reading) {
            self.failure.get_or_insert(error);
        }
    }

    /// The queries of one service are consecutive.
    fn of_service(&mut self, cluster: &str, service: &str, query: &MetricQuery, reading: &Reading) {
        let is_same = |current: &Current| current.name.0 == cluster && current.name.1 == service;
        if !self.current.as_ref().is_some_and(is_same) {
            self.flush();
        }
        let name = || (cluster.to_owned(), service.to_owned());
        let new = || Current { name: name(), alive: false, answers: Vec::new() };
        let current = self.current.get_or_insert_with(new);
        current.alive |=
            proves_tasks(query) && reading.series().is_some_and(|series| series.is_without_gap(&self.newest));
        if !self.quiet.is_empty() {
            current.answers.push((query.clone(), reading.clone()));
        }
    }

    /// Finishes the service whose results are complete.
    fn flush(&mut self) {
        let Some(Current { name, alive, answers }) = self.current.take() else { return };
        if self.quiet.iter().any(|rule| rule.may_alarm(&answers, &self.run)) {
            self.services.hot.insert(name.clone());
        }
        if alive {
            self.services.alive.insert(name);
        }
    }

    /// What all results show about services.
    pub(crate) fn services(&mut self) -> Services {
        self.flush();
        std::mem::take(&mut self.services)
    }

    /// Finishes with the states of silent services; returns the snapshot and its coverage.
    pub(crate) fn end(
        mut self,
        inventory: &Inventory,
        services: DescribedServices,
        (known, incidents): &(Known, Vec<IncidentGroup>),
        faults: Vec<Fault>,
    ) -> io::Result<(Vec<u8>, Coverage)> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        for state in &services.found {
            self.writer.service(state)?;
        }
        for service in &services.undescribed {
            self.writer.undescribed(service)?;
        }
        let unread = known.fault.clone().filter(|_| known.origin == Origin::Events);
        let faults: Vec<Fault> = faults.into_iter().chain(services.faults).chain(unread).collect();
        self.writer.incidents(known, incidents)?;
        let coverage = self.tally.finish(inventory, faults);
        Ok((self.writer.end(&coverage)?, coverage))
    }
}
