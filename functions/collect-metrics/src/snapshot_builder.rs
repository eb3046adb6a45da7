//! A snapshot in the making: each answer is written, counted and dropped.

use std::collections::{BTreeSet, HashMap};
use std::io;

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
use fargaze::sources::{cloudwatch, plan};
use fargaze_aws::DescribedServices;
use jiff::Timestamp;

/// What the answers tell of services, each named by its cluster and itself.
#[derive(Debug, Default)]
pub(crate) struct Services {
    /// Those with a point in each of the newest minutes: they have running tasks.
    pub(crate) alive: BTreeSet<Name>,
    /// Those that some rule with `quiet-during-deployment` may find in ALARM.
    pub(crate) hot: BTreeSet<Name>,
}

/// A snapshot in the making.
#[derive(Debug)]
pub(crate) struct SnapshotBuilder {
    writer: SnapshotWriter<Vec<u8>>,
    tally: CoverageTally,
    /// Rules that keep quiet during a deployment, with the threshold that is easier to breach: that at which they begin
    /// or that at which they end.
    quiet: Vec<AlarmRule>,
    /// Metrics of the user that such rules judge services on. Their dimensions need not tell whom they are about.
    custom: HashMap<MetricQuery, Vec<Judged>>,
    run: Run,
    services: Services,
    /// The service whose answers are coming.
    current: Option<Current>,
    /// The minutes since the last run, and at least [`SILENT_AFTER`]. A service with a point in each of them has running tasks.
    newest: Window,
    /// Why a line could not be written: then there is no snapshot.
    failure: Option<io::Error>,
}

/// Cluster and name of a service.
type Name = (String, String);

/// A service that is judged on a metric of the user, and when that fires.
#[derive(Debug)]
struct Judged {
    name: Name,
    condition: Condition,
}

/// A service whose answers are coming.
#[derive(Debug)]
struct Current {
    name: Name,
    alive: bool,
    /// Its answers, if a quiet rule may need them.
    answers: Vec<(MetricQuery, Reading)>,
}

impl Judged {
    /// Whether the rule may find the service in ALARM. It may say so of one that is OK.
    fn may_alarm(&self, reading: &Reading) -> bool {
        let Condition { comparison, threshold, treat_missing_data, .. } = self.condition;
        let points = reading.series().map(MetricSeries::points).unwrap_or_default();
        // Without points an alarm begins, or goes on.
        treat_missing_data == MissingData::Breaching
            || (treat_missing_data == MissingData::Ignore && points.is_empty())
            || points.iter().any(|point| comparison.breaches(point.value, threshold))
    }
}

/// The rule with its clear threshold, if it has one: an alarm lasts until that is not breached.
fn easier_to_breach(rule: AlarmRule) -> AlarmRule {
    let threshold = rule.condition.clear_threshold.unwrap_or(rule.condition.threshold);
    AlarmRule { condition: Condition { threshold, ..rule.condition }, ..rule }
}

/// The metrics of the user that the rules judge services on.
fn custom(rules: &[AlarmRule], inventory: &Inventory) -> HashMap<MetricQuery, Vec<Judged>> {
    let mut custom = HashMap::<MetricQuery, Vec<Judged>>::new();
    for rule in rules.iter().filter(|rule| matches!(rule.measure, Measure::Custom(_))) {
        for subject in plan::subjects(rule, inventory) {
            let Subject::Service(cluster, service) = &subject else { continue };
            for query in cloudwatch::queries(rule, &subject, Source::Custom) {
                let name = (cluster.to_string(), service.to_string());
                custom.entry(query).or_default().push(Judged { name, condition: rule.condition });
            }
        }
    }
    custom
}

/// The minutes from `since` to the end of the window, and at least the newest one.
fn newest_minutes(window: &Window, since: Timestamp) -> Window {
    let window = window.in_periods(Period::MINUTE);
    Window { start: since.min(window.newest(1).start), ..window }
}

/// Whether a point proves that a task ran in its minute. ECS publishes these metrics with the tasks' samples, while those
/// of Container Insights count tasks also where there is none, and a longer period may hold one task of one minute.
fn proves_tasks(query: &MetricQuery) -> bool {
    query.metric.namespace == AWS_ECS && query.period == Period::MINUTE
}

impl SnapshotBuilder {
    /// Begins with the clusters.
    pub(crate) fn begin(task: &TargetTask, rules: &[AlarmRule], inventory: &Inventory) -> io::Result<Self> {
        let mut writer = SnapshotWriter::begin(Vec::new(), &task.run, &task.target, inventory.read_at)?;
        for (cluster, entry) in &inventory.clusters {
            writer.cluster(cluster, entry)?;
        }
        let tally = CoverageTally::default();
        let alarms = task.run.kind == RunKind::Alarms;
        let quiet = rules.iter().filter(|rule| alarms && rule.quiet_during_deployment);
        let quiet: Vec<AlarmRule> = quiet.cloned().map(easier_to_breach).collect();
        let custom = custom(&quiet, inventory);
        let (run, services) = (task.run.clone(), Services::default());
        let newest = newest_minutes(&run.window, run.window.end - SILENT_AFTER);
        Ok(Self { writer, tally, quiet, custom, run, services, current: None, newest, failure: None })
    }

    /// Continues from an earlier run whose window ended at `since`.
    pub(crate) fn continues(&mut self, since: Option<Timestamp>) {
        if let Some(since) = since {
            // With a run each minute, one point would be all that is new, and prove little.
            let since = since.min(self.run.window.end - SILENT_AFTER);
            self.newest = newest_minutes(&self.run.window, since);
        }
    }

    /// Takes in one answer of CloudWatch.
    pub(crate) fn add(&mut self, query: &MetricQuery, reading: &Reading) {
        self.tally.add(query, reading);
        let dimensions = &query.metric.dimensions;
        if let (Some(cluster), Some(service)) = (dimensions.get("ClusterName"), dimensions.get("ServiceName"))
        {
            self.of_service(cluster, service, query, reading);
        }
        for judged in self.custom.get(query).into_iter().flatten().filter(|judged| judged.may_alarm(reading))
        {
            self.services.hot.insert(judged.name.clone());
        }
        if let Err(error) = self.writer.series(query, reading) {
            self.failure.get_or_insert(error);
        }
    }

    /// The questions about one service come together.
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

    /// Ends the service whose answers have come.
    fn flush(&mut self) {
        let Some(Current { name, alive, answers }) = self.current.take() else { return };
        if self.quiet.iter().any(|rule| rule.may_alarm(&answers, &self.run)) {
            self.services.hot.insert(name.clone());
        }
        if alive {
            self.services.alive.insert(name);
        }
    }

    /// What all answers tell of services.
    pub(crate) fn services(&mut self) -> Services {
        self.flush();
        std::mem::take(&mut self.services)
    }

    /// Ends with what ECS said of silent services; returns the snapshot and how much was seen.
    pub(crate) fn end(
        mut self,
        inventory: &Inventory,
        services: DescribedServices,
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
        let faults: Vec<Fault> = faults.into_iter().chain(services.faults).collect();
        let coverage = self.tally.finish(inventory, faults);
        Ok((self.writer.end(&coverage)?, coverage))
    }
}
