//! `collect-pods`: target -> EKS clusters -> pods, workloads and usage -> samples, joined to
//! earlier ones -> snapshot.

mod before;
mod cadvisor;
mod clusters;
mod config;
mod diagnosis;
mod events;
mod kubernetes;
mod listing;
mod reader;
mod reading;
mod snapshot_builder;
mod usage;
mod vended;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use fargaze::config::{longest_range, most_samples};
use fargaze::evidence::coverage::Coverage;
use fargaze::evidence::snapshot::{SnapshotLine, SnapshotReader};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::{Collected, ObjectRef, Step, TargetTask};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::{Platform, RunKind};
use fargaze::outcome::{Outcome, OutcomeKind};
use fargaze_aws::{CloudWatch, Eks, Store, config_for};
use fargaze_kubernetes::{Limits, Network, Tcp};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use config::Config;
use reader::Reader;
use reading::Reading;
use snapshot_builder::SnapshotBuilder;

/// Requests to Kubernetes in flight at once, over all clusters: API Priority and Fairness gives few
/// seats to a user without a system group, and a big list takes several.
const REQUESTS_AT_ONCE: usize = 8;
/// Clusters that are read at once: each holds its pods in memory.
const CLUSTERS_AT_ONCE: usize = 3;
/// Part of the function's time that is reserved for writing the snapshot.
const TO_WRITE: Duration = Duration::from_secs(5);

/// The function with its clients.
#[derive(Debug)]
pub struct Handler {
    config: Config,
    home: SdkConfig,
    store: Store,
    network: Arc<dyn Network>,
}

impl Handler {
    /// Creates the function with these settings.
    pub fn new(config: Config, sdk: &SdkConfig) -> Self {
        let store = Store::new(sdk, &config.bucket);
        Self { config, home: sdk.clone(), store, network: Arc::new(Tcp) }
    }

    /// Uses another network than TCP for API servers.
    #[must_use]
    pub fn over(self, network: Arc<dyn Network>) -> Self {
        Self { network, ..self }
    }

    /// Takes a snapshot of the target that `event` names. `deadline` is the end of the function's
    /// timeout: clusters that are unread by then are reported as such.
    pub async fn handle(&self, event: Value, deadline: Instant) -> Result<Collected, Failure> {
        let step: Step = serde_json::from_value(event)
            .map_err(|error| Failure::Invalid(format!("the event is not a target of a run: {error}")))?;
        let task = self.store.task(step).await?;
        let key = task.target.snapshot_key(&task.run);
        // A retry finds the snapshot of the earlier attempt: a second sample would hide what
        // happened in between.
        if let Some(coverage) = self.taken(&key).await? {
            tracing::info!(key, "the snapshot already exists");
            return self.hand_on(task, key, coverage).await;
        }
        let (bytes, coverage) = self.collect(&task, deadline).await?;
        self.store.put(&key, bytes).await?;
        self.hand_on(task, key, coverage).await
    }

    async fn collect(&self, task: &TargetTask, deadline: Instant) -> Result<(Vec<u8>, Coverage), Failure> {
        let mut rules = self.store.rules(&task.run).await?;
        rules.retain(|rule| rule.platform() == Platform::Eks);
        let run = task.run.of_samples(longest_range(&rules, Platform::Eks));
        let sdk = config_for(&self.home, &task.target).await?;
        let (eks, cloudwatch) = (Eks::new(&sdk), CloudWatch::new(&sdk));
        let listing = listing::listing(task, &eks, &self.store).await?;
        let (history, lost) = before::history(&self.store, &task.target, &run).await?;
        let range = most_samples(&rules);
        let mut snapshot_builder = SnapshotBuilder::new(&run, &task.target, history, range, listing.read_at);
        snapshot_builder.faults(listing.faults.iter().cloned().chain(lost));
        let role = task.target.role.as_ref().map_or(self.config.role.as_str(), |role| &role.arn);
        let reads = self.store.eks_reads(&task.run).await?;
        let limits = Limits::until(deadline - TO_WRITE, Arc::new(Semaphore::new(REQUESTS_AT_ONCE)));
        let reader = Reader {
            eks: &eks,
            sdk: &sdk,
            target: &task.target,
            run: &run,
            reads: &reads,
            role,
            limits,
            network: &self.network,
        };
        let readings: Vec<_> = listing.all().map(|cluster| reader.read_if_there(cluster)).collect();
        let mut readings = stream::iter(readings).buffer_unordered(CLUSTERS_AT_ONCE);
        let mut suspect = false;
        while let Some(reading) = readings.next().await {
            suspect |= reading.as_ref().is_none_or(Reading::is_unread);
            if let Some(reading) = reading {
                snapshot_builder.add(reading).map_err(|error| unwritten(&task.run.id, &error))?;
            }
        }
        if suspect {
            // A cluster may have been recreated under its name: the next run describes all of them.
            listing::forget(task, &self.store).await?;
        }
        let mut heading = snapshot_builder.heading().map_err(|error| unwritten(&task.run.id, &error))?;
        let (queries, faults) = vended::queries(&rules, &run, heading.inventory(), &cloudwatch).await;
        heading.faults(faults);
        let more = cloudwatch
            .get_metric_data(&queries, &run.metrics_window(), |query, answer| heading.vended(query, &answer))
            .await;
        heading.faults(more);
        heading.end().map_err(|error| unwritten(&task.run.id, &error).into())
    }

    /// The coverage of an earlier attempt, if one was completed.
    async fn taken(&self, key: &str) -> Result<Option<Coverage>, Fault> {
        let Some(object) = self.store.get(key, None).await? else { return Ok(None) };
        let bad =
            |error: &dyn std::fmt::Display| Fault::malformed(Operation::S3GetObject, key, error.to_string());
        for line in SnapshotReader::new(&object.bytes[..]) {
            if let SnapshotLine::End(coverage) = line.map_err(|error| bad(&error))? {
                return Ok(Some(coverage));
            }
        }
        Err(bad(&"the end line is missing"))
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
        let kind = OutcomeKind::Report { snapshot: key, account_default: None };
        let ended = Outcome { target, coverage, kind };
        self.store.put_json(&outcome_key, &ended).await?;
        Ok(Collected::Ended { snapshot, outcome: ObjectRef { key: outcome_key } })
    }
}

fn unwritten(run: &str, error: &std::io::Error) -> Fault {
    Fault::bug(Operation::S3PutObject, run, error.to_string())
}
