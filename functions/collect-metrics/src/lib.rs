//! `collect-metrics`: target -> inventory -> query plan -> readings -> snapshot.

mod before;
mod config;
mod event;
mod listing;
mod parts;
mod setups;
mod silent;
mod snapshot_builder;
mod stopped;

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use fargaze::evidence::coverage::Coverage;
use fargaze::evidence::inventory::Inventory;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{Collected, ObjectRef, TargetTask};
use fargaze::model::fault::Fault;
use fargaze::model::insights::InsightsLevel;
use fargaze::model::metric::{MetricQuery, Statistic};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Platform, RunKind, Target};
use fargaze::model::series::Datapoint;
use fargaze::model::subject::Subject;
use fargaze::outcome::{Outcome, OutcomeKind};
use fargaze::reconcile;
use fargaze::rules::{AlarmRule, QuotaFigure};
use fargaze::sources::plan::QueryPlan;
use fargaze_aws::{CloudWatch, Ecs, Memory, Store, config_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use before::Stored;
pub use config::Config;
use event::Request;
use setups::Setups;
use snapshot_builder::SnapshotBuilder;
use stopped::Stopped;

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    home: SdkConfig,
    store: Store,
    memory: Memory,
}

/// The response of `collect-metrics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Response {
    /// Location of a target's snapshot.
    Collected(Collected),
    /// Data points of each statistic, oldest first.
    Statistics(BTreeMap<Statistic, Vec<Datapoint>>),
}

/// The quotas of the account that rules evaluate, or that a report shows. The first part of an
/// account and Region queries them for all; a Region without clusters uses none.
fn quotas(task: &TargetTask, inventory: &Inventory, rules: &[AlarmRule]) -> Vec<MetricQuery> {
    if !task.target.part.holds_subject(&Subject::Account) || inventory.clusters.is_empty() {
        return Vec::new();
    }
    let of_rules = rules.iter().filter_map(|rule| Some(rule.measure.quota_figure()?.query(rule.period)));
    let queries: BTreeSet<MetricQuery> = match task.run.kind {
        RunKind::Report => QuotaFigure::ALL.map(|figure| figure.query(task.run.window.period)).into(),
        _ => of_rules.collect(),
    };
    queries.into_iter().collect()
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let Config { bucket, table } = config;
        Self { home: sdk.clone(), store: Store::new(sdk, &bucket), memory: Memory::new(sdk, &table) }
    }

    /// Handles one event.
    pub async fn handle(&self, event: Value) -> Result<Response, Failure> {
        match event::read(event)? {
            Request::Collect(step) => {
                let task = self.store.task(step).await?;
                // On the heap: otherwise the state of a whole run would enlarge every caller's
                // stack.
                Ok(Response::Collected(Box::pin(self.collect(task)).await?))
            }
            Request::Statistics(query) => {
                let series = CloudWatch::new(&self.home).get_metric_statistics(&query).await?;
                let points =
                    series.into_iter().map(|(statistic, series)| (statistic, series.points().to_vec()));
                Ok(Response::Statistics(points.collect()))
            }
        }
    }

    async fn collect(&self, task: TargetTask) -> Result<Collected, Failure> {
        let key = task.target.snapshot_key(&task.run);
        let (before, cached, rules) = tokio::join!(
            before::find(&self.store, &task),
            self.store.get_inventory(&task.target),
            self.store.rules(&task.run)
        );
        // A retry finds the snapshot of the earlier attempt: CloudWatch is not queried, or billed,
        // again.
        let before = match before? {
            Stored::Own(coverage) => {
                tracing::info!(key, "the snapshot already exists");
                return self.hand_on(task, key, *coverage).await;
            }
            Stored::PreviousSnapshot(before) => before,
        };
        let mut rules = rules?;
        rules.retain(|rule| rule.platform() == Platform::Ecs);
        let sdk = config_for(&self.home, &task.target).await?;
        let (ecs, cloudwatch) = (Ecs::new(&sdk), CloudWatch::new(&sdk));
        let mut cached = listing::inventory(&task, &rules, cached, &ecs, &cloudwatch, &self.store).await?;
        let setups = Setups { task: &task, ecs: &ecs, cloudwatch: &cloudwatch };
        let unknown = setups.unknown(&cached, &rules);
        let (described, learnt) = setups.describe(&mut cached, &unknown).await;
        let inventory = &cached.inventory;
        let mut plan = match task.run.kind {
            RunKind::Report => QueryPlan::for_report(inventory, task.run.window.period),
            RunKind::Alarms | RunKind::Sweep | RunKind::Rollback => QueryPlan::for_alarms(&rules, inventory),
        };
        plan.queries.extend(quotas(&task, inventory, &rules));
        tracing::info!(metrics = plan.queries.len(), dollars = plan.dollars(), "querying CloudWatch");
        let malformed = |error: std::io::Error| Fault::bug(Operation::S3PutObject, &key, error.to_string());
        let mut snapshot_builder = SnapshotBuilder::begin(&task, &rules, inventory).map_err(malformed)?;
        let (window, queries) = (&task.run.window, &plan.queries);
        let (continuation, fault) = before.continuation(&task, queries, &rules);
        let earlier = continuation.earlier();
        let faults = if task.run.kind == RunKind::Report {
            cloudwatch
                .get_metric_data(queries, window, |query, reading| snapshot_builder.add(query, &reading))
                .await
        } else {
            snapshot_builder.continues(earlier.map(|earlier| earlier.until));
            let add = |place: usize, reading| {
                let query = &queries[place];
                snapshot_builder.add(query, &continuation.join(place, query, reading));
            };
            let mut faults =
                cloudwatch.get_metric_data_from(queries, &continuation.starts(), window.end, add).await;
            faults.extend(fault);
            faults
        };
        let mut stopped = Stopped::of_events(&self.memory, &task.target, &task.run).await?;
        let mut known = snapshot_builder.services();
        // Why tasks died is told together with what ECS says about their service.
        known.hot.extend(stopped.troubled(&task.run).iter().filter_map(snapshot_builder::service_of));
        let unclear = silent::to_describe(&task.run, &rules, inventory, &known, earlier);
        let mut states = ecs.describe_services(&setups::without(unclear, &unknown)).await;
        let later = setups.learn(&mut cached, &states, false).await;
        states.extend(described);
        stopped.complete(&ecs, &task.run, &states.found).await;
        if task.run.kind == RunKind::Alarms {
            states.found.iter_mut().for_each(|state| {
                state.compare(earlier.map(|earlier| &earlier.checks), window.end);
            });
            states.undescribed.iter_mut().for_each(|undescribed| {
                undescribed.is_alive =
                    known.alive.contains(&(undescribed.cluster.to_string(), undescribed.service.to_string()));
            });
        }
        states.faults.extend(later.faults);
        let is_whole = cached.inventory.faults.is_empty();
        let has_changed = learnt.has_changed | later.has_changed;
        let has_dropped = cached.drop_missing(&states.missing_clusters, &states.found);
        // What was learnt is kept beside what could not be listed: nobody should have to learn it
        // again in each run.
        if has_dropped && is_whole || has_changed {
            self.store.put_inventory(&task.target, &cached).await?;
        }
        let stopped = stopped.finish(&task.run);
        let (bytes, coverage) =
            snapshot_builder.end(&cached.inventory, states, &stopped, faults).map_err(malformed)?;
        self.store.put(&key, bytes).await?;
        self.hand_on(task, key, coverage).await
    }

    /// Returns the location of the snapshot. A report's target ends here, so its outcome is written
    /// as well.
    async fn hand_on(&self, task: TargetTask, key: String, coverage: Coverage) -> Result<Collected, Failure> {
        let TargetTask { run, target, .. } = task;
        let snapshot = ObjectRef { key: key.clone() };
        if run.kind != RunKind::Report {
            return Ok(Collected::Snapshot { snapshot });
        }
        let outcome_key = target.outcome_key(&run);
        let account_default = self.account_default(&target).await?;
        let kind = OutcomeKind::Report { snapshot: key, account_default };
        let outcome = Outcome { target, coverage, kind };
        self.store.put_json(&outcome_key, &outcome).await?;
        Ok(Collected::Ended { snapshot, outcome: ObjectRef { key: outcome_key } })
    }

    /// Reads the account default of Container Insights for the report, once for all parts of an
    /// account and Region.
    async fn account_default(
        &self,
        target: &Target,
    ) -> Result<Option<reconcile::Queried<InsightsLevel>>, Fault> {
        if target.part.index > 0 {
            return Ok(None);
        }
        let level = Ecs::new(&config_for(&self.home, target).await?).account_default().await;
        Ok(Some(level.into()))
    }
}
