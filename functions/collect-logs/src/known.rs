//! What earlier runs know about who writes to which log group, so that queries can start before a
//! run has looked.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::logs::query::{Destinations, EvaluatedLogs};
use fargaze::logs::{Running, TaskLogging};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::Fault;
use fargaze::model::run::Target;
use fargaze::model::subject::Subject;
use fargaze_aws::{Ecs, Store};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::seen::{Pod, Seen};

/// What runs, as known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// On ECS: the revisions that services and tasks without a service run.
    #[serde(default)]
    pub(crate) running: Vec<Running>,
    /// On EKS: the log groups that the pods of a cluster write to, and their workloads.
    #[serde(default)]
    pub(crate) clusters: BTreeMap<ClusterName, PodLogs>,
}

/// The logs of the pods of an EKS cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PodLogs {
    /// The log groups that the log router of Fargate writes to.
    pub(crate) groups: Vec<String>,
    /// The workloads.
    pub(crate) workloads: Vec<Subject>,
}

/// Cached task definitions by ARN.
pub(crate) type Definitions = BTreeMap<String, TaskLogging>;

impl Known {
    /// What is stored; nothing if it cannot be read, because the next report stores it again.
    pub(crate) async fn read(store: &Store, target: &Target) -> Self {
        stored(store, &target.running_key()).await
    }

    /// Stores what is known, if it has changed.
    pub(crate) async fn write(&self, store: &Store, target: &Target, before: &Self) -> Result<(), Fault> {
        if self == before { Ok(()) } else { store.put_zipped(&target.running_key(), self).await }
    }

    /// The same, with what an alarms run has seen. It describes only some of the services.
    #[must_use]
    pub(crate) fn updated(&self, seen: &Seen) -> Self {
        let described: BTreeSet<&Subject> = seen.running.iter().map(|running| &running.subject).collect();
        let mut known = self.clone();
        known.running.retain(|running| !described.contains(&running.subject));
        known.running.extend(seen.running.iter().cloned());
        known
            .running
            .sort_by(|one, other| (&one.subject, &one.revision).cmp(&(&other.subject, &other.revision)));
        for (cluster, logs) in &mut known.clusters {
            let workloads = workloads(cluster, &seen.pods);
            if !workloads.is_empty() {
                logs.workloads = workloads;
            }
        }
        known
    }

    /// Who writes to which log group.
    pub(crate) fn destinations(
        &self,
        target: &Target,
        definitions: &Definitions,
        pods: &[Pod],
    ) -> Destinations {
        let mut destinations = Destinations::of_tasks(&self.running, definitions, &target.region);
        for (cluster, PodLogs { groups, workloads }) in &self.clusters {
            let of_cluster = pods.iter().filter(|pod| pod.cluster == *cluster);
            let named = of_cluster.map(|pod| (pod.namespace.clone(), pod.name.clone(), pod.workload.clone()));
            // Workloads without a pod now may have had one when a line was written.
            let nameless =
                workloads.iter().map(|workload| (String::new(), workload.to_string(), workload.clone()));
            destinations.add_pods(groups, nameless.chain(named));
        }
        destinations
    }
}

/// The workloads of the pods of a cluster.
pub(crate) fn workloads(cluster: &ClusterName, pods: &[Pod]) -> Vec<Subject> {
    let of_cluster = pods.iter().filter(|pod| pod.cluster == *cluster).map(|pod| pod.workload.clone());
    let workloads: BTreeSet<Subject> = of_cluster.collect();
    workloads.into_iter().collect()
}

/// The cached task definitions. An unreadable cache is treated as absent: describing again gives the
/// same.
pub(crate) async fn definitions(store: &Store, target: &Target) -> Definitions {
    stored(store, &target.task_definitions_key()).await
}

/// Up to when rules on logs were evaluated. If that cannot be read, the queries cover the whole
/// look-back.
pub(crate) async fn evaluated(store: &Store, target: &Target) -> EvaluatedLogs {
    let stored = store.get_json(&target.evaluated_logs_key()).await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "queries of rules cover the whole look-back");
        None
    });
    stored.unwrap_or_default()
}

async fn stored<T: serde::de::DeserializeOwned + Default>(store: &Store, key: &str) -> T {
    let stored = store.get_zipped::<T>(key).await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, "what is known about logs cannot be read; it is read from AWS again");
        None
    });
    stored.unwrap_or_default()
}

/// Describes the revisions that are not cached, as many as the deadline allows, and caches them.
pub(crate) async fn describe(
    store: &Store,
    ecs: &Ecs,
    target: &Target,
    wanted: &BTreeSet<&String>,
    definitions: &mut Definitions,
    deadline: Instant,
) -> Result<Vec<Fault>, Fault> {
    let unknown: Vec<String> =
        wanted.iter().filter(|arn| !definitions.contains_key(**arn)).map(|arn| (*arn).clone()).collect();
    let mut faults = Vec::new();
    for (arn, described) in ecs.task_definitions(&unknown, deadline).await {
        match described {
            Ok(logging) => drop(definitions.insert(arn, logging)),
            Err(fault) => faults.push(fault),
        }
    }
    if !unknown.is_empty() {
        store.put_zipped(&target.task_definitions_key(), definitions).await?;
    }
    Ok(faults)
}
