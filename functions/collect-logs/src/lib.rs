//! `collect-logs`: snapshot -> task definitions and log groups -> findings.
//!
//! It reads how containers are set up to log and what their log groups receive, never a log line.

mod config;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use fargaze::evidence::coverage::counted;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{ObjectRef, Step, TargetTask};
use fargaze::logs::{
    AuditContext, AuditedGroup, LogGroup, LogMode, LogsRead, Running, TargetLogs, TaskLogging, Volume,
    audit_all, group_findings, groups_of_cluster, volume_of, volume_queries,
};
use fargaze::model::fault::Fault;
use fargaze::model::metric::Period;
use fargaze::model::run::{Platform, RunKind, Target};
use fargaze::model::series::Reading;
use fargaze::model::window::Window;
use fargaze_aws::{CloudWatch, Ecs, Logs, Store, config_for};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

pub use config::Config;
use seen::Seen;

/// Time kept for what follows the task definitions: metrics of the groups, and storing the result.
const REST: Duration = Duration::from_secs(25);
/// Time kept for what follows the list of log groups.
const END: Duration = Duration::from_secs(10);
/// Clusters whose tasks are listed at once; the rate is limited anyway.
const AT_ONCE: usize = 16;
/// How far back the volume of a group is read: a day, and the same day a week before.
const VOLUME: jiff::SignedDuration = jiff::SignedDuration::from_hours(8 * 24);

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    home: SdkConfig,
    store: Store,
}

/// The response of `collect-logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Where the findings are.
    pub logs: ObjectRef,
}

/// What is known about the revisions that run.
#[derive(Default)]
struct Definitions {
    running: Vec<Running>,
    known: BTreeMap<String, TaskLogging>,
    revisions: usize,
    left: usize,
    default_mode: Option<LogMode>,
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let Config { bucket } = config;
        Self { home: sdk.clone(), store: Store::new(sdk, &bucket) }
    }

    /// Handles one event. Revisions that cannot be described before the deadline are left to the
    /// next run.
    pub async fn handle(&self, event: Value, deadline: Instant) -> Result<Response, Failure> {
        let step: Step = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("the event is not a target of a run: {error}")))?;
        let task = self.store.task(step).await?;
        if task.run.kind != RunKind::Report {
            return Err(Failure::Invalid(format!("a run of kind {} does not read logs", task.run.kind)));
        }
        let key = task.target.logs_key(&task.run);
        // A retry finds the result of the earlier attempt.
        if self.store.get(&key, None).await?.is_none() {
            let logs = match task.target.clone().for_logs() {
                None => TargetLogs::NoRole,
                Some(target) => TargetLogs::Read(Box::pin(self.read(&task, &target, deadline)).await?),
            };
            self.store.put_json(&key, &logs).await?;
        }
        Ok(Response { logs: ObjectRef { key } })
    }

    async fn read(&self, task: &TargetTask, target: &Target, deadline: Instant) -> Result<LogsRead, Failure> {
        let seen = Seen::read(&self.store, &task.target.snapshot_key(&task.run)).await?;
        let sdk = config_for(&self.home, target).await?;
        let mut faults = Vec::new();
        let names: BTreeSet<String> = seen.clusters.keys().flat_map(groups_of_cluster).collect();
        let definitions = match target.platform {
            Platform::Ecs => self.definitions(&Ecs::new(&sdk), target, seen, deadline, &mut faults).await?,
            Platform::Eks => Definitions::default(),
        };
        // The other parts, and the other platform of each.
        let others = (2 * target.part.count).saturating_sub(1);
        let groups =
            Logs::new(&sdk, others).groups(deadline - END).await.map_err(|fault| faults.push(fault)).ok();
        let Definitions { running, known, revisions, left, default_mode } = definitions;
        let context = AuditContext { region: &target.region, default_mode, groups: groups.as_ref() };
        let audited = audit_all(&running, &known, &context);
        let used = groups.unwrap_or_default().into_iter();
        let used = used.filter(|(name, _)| names.contains(name) || audited.writers.contains_key(name));
        let used: BTreeMap<String, LogGroup> = used.collect();
        let delay = task.run.time.duration_since(task.run.window.end);
        let window = Window::ending(task.run.time, delay, Period::HOUR, VOLUME);
        let (mut volumes, metrics) = volumes(&CloudWatch::new(&sdk), &used, &window, &mut faults).await;
        let group = |(name, group): (String, LogGroup)| {
            let (volume, writers) = (volumes.remove(&name), audited.writers.get(&name).cloned());
            (name, AuditedGroup { group, volume, writers: writers.unwrap_or_default() })
        };
        let groups: BTreeMap<String, AuditedGroup> = used.into_iter().map(group).collect();
        let mut findings = audited.findings;
        findings.extend(group_findings(&groups, &target.region, window.end));
        findings.sort_by(|one, other| (one.kind, &one.place).cmp(&(other.kind, &other.place)));
        Ok(LogsRead {
            containers: audited.containers,
            revisions,
            revisions_left: left,
            findings,
            groups: groups.into_values().collect(),
            metrics,
            faults: counted(faults),
        })
    }

    /// Describes the revisions that run, except those that an earlier run has described.
    async fn definitions(
        &self,
        ecs: &Ecs,
        target: &Target,
        seen: Seen,
        deadline: Instant,
        faults: &mut Vec<Fault>,
    ) -> Result<Definitions, Failure> {
        let Seen { clusters, mut running } = seen;
        let key = target.task_definitions_key();
        // An unreadable cache is treated as absent: describing again gives the same.
        let cached =
            self.store.get_zipped::<BTreeMap<String, TaskLogging>>(&key).await.unwrap_or_else(|fault| {
                tracing::warn!(%fault, "the cached task definitions cannot be read; describing them again");
                None
            });
        let tasks = clusters.iter().map(|(cluster, count)| async move {
            (cluster, ecs.task_definitions_without_service(cluster, *count).await)
        });
        let tasks: Vec<_> = stream::iter(tasks.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
        for (cluster, revisions) in tasks {
            match revisions {
                Ok(revisions) => {
                    running
                        .extend(revisions.into_iter().map(|revision| Running::of_tasks(cluster, revision)));
                }
                Err(fault) => faults.push(fault),
            }
        }
        running.sort_by(|one, other| (&one.subject, &one.revision).cmp(&(&other.subject, &other.revision)));
        let revisions: BTreeSet<&String> = running.iter().map(|running| &running.revision).collect();
        let cached = cached.unwrap_or_default();
        let (mut known, mut unknown) = (BTreeMap::new(), Vec::new());
        for revision in &revisions {
            match cached.get(*revision) {
                Some(logging) => drop(known.insert((*revision).clone(), logging.clone())),
                None => unknown.push((*revision).clone()),
            }
        }
        let described = ecs.task_definitions(&unknown, deadline - REST).await;
        let left = unknown.len() - described.len();
        for (revision, described) in described {
            match described {
                Ok(logging) => drop(known.insert(revision, logging)),
                Err(fault) => faults.push(fault),
            }
        }
        if known != cached {
            self.store.put_zipped(&key, &known).await?;
        }
        let default_mode = ecs.default_log_mode().await.map_err(|fault| faults.push(fault)).ok();
        let revisions = revisions.len();
        Ok(Definitions { running, known, revisions, left, default_mode })
    }
}

/// What the groups receive, and the number of metrics requested. A group whose metrics could not be
/// read is missing.
async fn volumes(
    cloudwatch: &CloudWatch,
    groups: &BTreeMap<String, LogGroup>,
    window: &Window,
    faults: &mut Vec<Fault>,
) -> (BTreeMap<String, Volume>, usize) {
    let queries = volume_queries(groups.keys().map(String::as_str));
    let mut readings: Vec<Reading> = Vec::with_capacity(queries.len());
    let add = |_: &_, reading: Reading| readings.push(reading);
    faults.extend(cloudwatch.get_metric_data(&queries, window, add).await);
    faults.extend(readings.iter().filter_map(Reading::fault).cloned());
    let of_groups = groups.keys().zip(readings.chunks(2));
    let volumes = of_groups.filter_map(|(name, readings)| {
        let [bytes, events] = readings else { return None };
        Some((name.clone(), volume_of(bytes, events, window.end)?))
    });
    (volumes.collect(), queries.len())
}
