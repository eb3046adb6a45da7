//! The border to ECS and CloudWatch Logs: Container Insights of clusters, the account default, and
//! the retention of log groups.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::logs::LogGroup;
use fargaze::model::catalogue::CONTAINER_INSIGHTS;
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, Cost, Observed, SubjectLog, Value, estimate};
use fargaze_aws::{CloudWatch, Described, Ecs, Listed, Logs};
use tokio::time::Instant;

use crate::border::{Applied, Border, Call, DescribedAhead, Lookup, Seen, Work};

/// ECS of one target.
#[derive(Debug)]
pub(crate) struct EcsBorder {
    ecs: Ecs,
    logs: Logs,
    /// `None` if this run does not check whether metrics arrive.
    cloudwatch: Option<CloudWatch>,
    /// Clusters that were described in advance; `None` if each is described when needed.
    described: Option<BTreeMap<ClusterName, ObservedCluster>>,
    /// Clusters whose metrics arrive; `None` if that was not or could not be read.
    reporting: Option<BTreeSet<String>>,
}

impl EcsBorder {
    pub(crate) fn new(ecs: Ecs, logs: Logs, cloudwatch: Option<CloudWatch>) -> Self {
        Self { ecs, logs, cloudwatch, described: None, reporting: None }
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

    async fn set_level(&self, subject: &Subject, to: InsightsLevel) -> Result<Applied, Fault> {
        let (operation, request_id) = match subject.cluster() {
            Some(name) => (Operation::EcsUpdateClusterSettings, self.ecs.update_insights(name, to).await?),
            None => (Operation::EcsPutAccountSettingDefault, self.ecs.put_account_default(to).await?),
        };
        let now = self.read_back(subject).await;
        Ok(Applied { request_id, work: read_back_as(operation, subject, &to, now) })
    }

    async fn set_retention(&self, name: &str, days: Option<u32>) -> Result<Applied, Fault> {
        let subject = Subject::LogGroup(name.to_owned());
        let (operation, request_id) = match days {
            Some(days) => (Operation::LogsPutRetentionPolicy, self.logs.put_retention(name, days).await?),
            None => (Operation::LogsDeleteRetentionPolicy, self.logs.delete_retention(name).await?),
        };
        let now = self.logs.group(name).await.and_then(|group| {
            let deleted = || gone(Operation::LogsDescribeLogGroups, name);
            group.map(|group| Value::Retention(group.retention_days)).ok_or_else(deleted)
        });
        Ok(Applied { request_id, work: read_back_as(operation, &subject, &Value::Retention(days), now) })
    }

    async fn read_back(&self, subject: &Subject) -> Result<InsightsLevel, Fault> {
        let Some(name) = subject.cluster() else { return self.ecs.account_default().await };
        let deleted = || gone(Operation::EcsDescribeClusters, name.as_str());
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

    async fn log_groups(&self, deadline: Instant) -> Result<Vec<LogGroup>, Fault> {
        Ok(self.logs.groups(deadline).await?.into_values().collect())
    }

    async fn find(&self, subject: &Subject) -> Result<Lookup, Fault> {
        if let Subject::LogGroup(name) = subject {
            let group = self.logs.group(name).await?;
            let found = |group| Lookup::Found(Box::new(Seen::new(Observed::of_log_group(group))));
            return Ok(group.map_or(Lookup::Missing, found));
        }
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
        match (call.subject, call.to) {
            (Subject::LogGroup(name), Value::Retention(days)) => self.set_retention(name, *days).await,
            (_, Value::Level(level)) => self.set_level(call.subject, *level).await,
            _ => Err(call.impossible()),
        }
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

fn gone(operation: Operation, name: &str) -> Fault {
    Fault {
        operation,
        subject: name.to_owned(),
        kind: FaultKind::NotFound,
        code: "MISSING".to_owned(),
        message: "it was deleted in the meantime".to_owned(),
    }
}

/// How far a change is, by what the service reads back.
fn read_back_as<T: PartialEq + std::fmt::Display>(
    operation: Operation,
    subject: &Subject,
    to: &T,
    now: Result<T, Fault>,
) -> Work {
    match now {
        Ok(now) if now == *to => Work::Done,
        Ok(now) => Work::Unread(Fault {
            operation,
            subject: subject.to_string(),
            kind: FaultKind::Transient,
            code: "not applied".to_owned(),
            message: format!("`{to}` was accepted, but reads back as `{now}`"),
        }),
        Err(fault) => Work::Unread(fault),
    }
}
