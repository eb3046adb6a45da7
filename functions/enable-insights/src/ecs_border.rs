//! The border to ECS: Container Insights of clusters, and the account default.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::model::catalogue::CONTAINER_INSIGHTS;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, Cost, Observed, SubjectLog, Value, estimate};
use fargaze_aws::{CloudWatch, Described, Ecs, Listed};

use crate::border::{Applied, Border, Call, DescribedAhead, Lookup, Seen, Work};

/// ECS of one target.
#[derive(Debug)]
pub(crate) struct EcsBorder {
    ecs: Ecs,
    /// `None` if this run does not check whether metrics arrive.
    cloudwatch: Option<CloudWatch>,
    /// Clusters that were described in advance; `None` if each is described when needed.
    described: Option<BTreeMap<ClusterName, ObservedCluster>>,
    /// Clusters whose metrics arrive; `None` if that was not or could not be read.
    reporting: Option<BTreeSet<String>>,
}

impl EcsBorder {
    pub(crate) fn new(ecs: Ecs, cloudwatch: Option<CloudWatch>) -> Self {
        Self { ecs, cloudwatch, described: None, reporting: None }
    }

    /// Describes a cluster; `None` if it does not exist.
    async fn describe(&self, name: &ClusterName) -> Result<Option<ObservedCluster>, Fault> {
        let Described { found, faults } = self.ecs.describe_clusters(std::slice::from_ref(name)).await;
        match (found.into_iter().next(), faults.into_iter().next()) {
            (Some(cluster), _) => Ok(Some(cluster)),
            (None, Some(fault)) if fault.kind != FaultKind::NotFound => Err(fault),
            (None, _) => Ok(None),
        }
    }

    async fn set(&self, subject: &Subject, to: InsightsLevel) -> Result<Option<String>, Fault> {
        match subject.cluster() {
            Some(name) => self.ecs.update_insights(name, to).await,
            None => self.ecs.put_account_default(to).await,
        }
    }

    async fn read_back(&self, subject: &Subject) -> Result<InsightsLevel, Fault> {
        let Some(name) = subject.cluster() else { return self.ecs.account_default().await };
        let deleted = || Fault {
            operation: Operation::EcsDescribeClusters,
            subject: name.to_string(),
            kind: FaultKind::NotFound,
            code: "MISSING".to_owned(),
            message: "it was deleted in the meantime".to_owned(),
        };
        self.describe(name).await?.map(|cluster| cluster.level).ok_or_else(deleted)
    }
}

impl Border for EcsBorder {
    async fn list(&self) -> Result<Listed<ClusterName>, Fault> {
        self.ecs.list_clusters().await
    }

    async fn describe_ahead(&mut self, clusters: &[ClusterName]) -> DescribedAhead {
        let Described { found, faults: undescribed } = self.ecs.describe_clusters(clusters).await;
        let mut ahead = DescribedAhead { undescribed, faults: Vec::new() };
        let cloudwatch = self.cloudwatch.as_ref().filter(|_| found.iter().any(is_measured));
        if let Some(cloudwatch) = cloudwatch {
            // `TaskCount` exists once per cluster, so one page of the listing covers 500 clusters.
            match cloudwatch.list_active_metrics(CONTAINER_INSIGHTS, "TaskCount").await {
                Ok(metrics) => {
                    let names = metrics.iter().filter_map(|metric| metric.dimensions.get("ClusterName"));
                    self.reporting = Some(names.map(ToOwned::to_owned).collect());
                }
                Err(fault) => ahead.faults.push(fault),
            }
        }
        self.described = Some(found.into_iter().map(|cluster| (cluster.name.clone(), cluster)).collect());
        ahead
    }

    async fn find(&self, subject: &Subject) -> Result<Lookup, Fault> {
        let Some(name) = subject.cluster() else {
            let default = self.ecs.account_default().await.into();
            return Ok(Lookup::Found(Box::new(Seen::new(Observed::account(default)))));
        };
        let (cluster, missing) = match &self.described {
            Some(described) => (described.get(name).cloned(), Lookup::NotDescribed),
            None => (self.describe(name).await?, Lookup::Missing),
        };
        Ok(cluster.map_or(missing, |cluster| Lookup::Found(Box::new(Seen::new(Observed::of_ecs(cluster))))))
    }

    /// The cluster's description already has everything.
    async fn ask(&self, _: &mut Seen, _: &SubjectLog, _: &BTreeSet<Aspect>) {}

    async fn apply(&self, call: &Call<'_>, _: &Seen) -> Result<Applied, Fault> {
        let Value::Level(to) = call.to else { return Err(call.impossible()) };
        let request_id = self.set(call.subject, *to).await?;
        let not_applied = |now: InsightsLevel| Fault {
            operation: match call.subject.cluster() {
                Some(_) => Operation::EcsUpdateClusterSettings,
                None => Operation::EcsPutAccountSettingDefault,
            },
            subject: call.subject.to_string(),
            kind: FaultKind::Transient,
            code: "not applied".to_owned(),
            message: format!("ECS accepted `{to}`, but reads back `{now}`"),
        };
        let work = match self.read_back(call.subject).await {
            Ok(now) if now == *to => Work::Done,
            Ok(now) => Work::Unread(not_applied(now)),
            Err(fault) => Work::Unread(fault),
        };
        Ok(Applied { request_id, work })
    }

    async fn estimate(&self, seen: &Seen, from: &Value, to: &Value) -> Option<Cost> {
        let (Some(cluster), Value::Level(from), Value::Level(to)) = (seen.observed.ecs(), from, to) else {
            return None;
        };
        match self.ecs.cluster_size(cluster).await {
            Ok(size) => Some(Cost::Metrics(estimate(*from, *to, &size))),
            Err(fault) => {
                tracing::warn!(%fault, "could not estimate the cost of Container Insights for {}", cluster.name);
                None
            }
        }
    }

    fn is_silent(&self, seen: &Seen) -> bool {
        let Some(cluster) = seen.observed.ecs() else { return false };
        let is_missing = |reporting: &BTreeSet<String>| !reporting.contains(cluster.name.as_str());
        is_measured(cluster) && self.reporting.as_ref().is_some_and(is_missing)
    }
}

/// Whether its metrics should arrive.
fn is_measured(cluster: &ObservedCluster) -> bool {
    cluster.level > InsightsLevel::Disabled && cluster.running_tasks > 0
}
