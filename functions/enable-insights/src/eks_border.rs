//! The border to EKS: add-ons, control-plane logs, and the `ConfigMap` for Fargate logging.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use fargaze::evidence::eks::Addon;
use fargaze::logs::LogGroup;
use fargaze::model::cluster::{ClusterName, Region};
use fargaze::model::fault::Fault;
use fargaze::model::insights::opts_out;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Aspect, AwsLogging, Cost, Observed, ObservedEks, ObservedSubject, Queried, SubjectLog, UpdateStatus,
    Value,
};
use fargaze_aws::{Accepted, Eks, Listed};
use tokio::time::Instant;

use crate::border::{Applied, Border, Call, DescribedAhead, Lookup, Seen, Work};
use crate::logging;

/// EKS of one target.
#[derive(Debug)]
pub(crate) struct EksBorder {
    pub(crate) eks: Eks,
    /// The target's credentials, which sign tokens for the Kubernetes API as well.
    pub(crate) sdk: SdkConfig,
    pub(crate) region: Region,
    /// Whether it serves a rollback, or follows up on one.
    pub(crate) rolls_back: bool,
    /// When the function must have ended.
    pub(crate) deadline: Instant,
}

impl EksBorder {
    async fn read_logging(&self, eks: &mut ObservedEks) -> Option<logging::Api> {
        let api = logging::api(&self.sdk, &self.region, &eks.cluster, self.deadline);
        let (read, api) = match api {
            Ok(api) => (logging::read(&api).await, Some(api)),
            Err(error) => (Err(error), None),
        };
        eks.logging = read.unwrap_or_else(|error| AwsLogging::Unread(error.into()));
        api
    }

    /// The add-ons that fargaze manages, as far as the cluster has them.
    async fn addons(&self, cluster: &ClusterName) -> Result<Vec<Addon>, Fault> {
        let mut addons = Vec::new();
        for name in Aspect::ALL.into_iter().filter_map(Aspect::addon) {
            addons.extend(self.eks.describe_addon(cluster, name).await?);
        }
        Ok(addons)
    }

    /// fargaze's own updates that had not ended at the last check.
    async fn updates(
        &self,
        cluster: &ClusterName,
        log: &SubjectLog,
    ) -> BTreeMap<String, Queried<UpdateStatus>> {
        let mut updates = BTreeMap::new();
        for id in log.followed() {
            updates.insert(id.to_owned(), self.eks.describe_update(cluster, id).await.into());
        }
        updates
    }
}

impl EksBorder {
    async fn apply_addon(&self, cluster: &ClusterName, call: &Call<'_>) -> Result<Applied, Fault> {
        let addon = call.aspect.addon().ok_or_else(|| call.impossible())?;
        match call.to {
            Value::Addon { .. } => {
                Ok(self.eks.create_addon(cluster, addon, call.token.to_owned()).await?.into())
            }
            Value::Absent => {
                self.eks.delete_addon(cluster, addon).await?;
                Ok(Applied::done(None))
            }
            _ => Err(call.impossible()),
        }
    }

    async fn apply_logs(&self, cluster: &ClusterName, call: &Call<'_>) -> Result<Applied, Fault> {
        let (Value::Logs(now), Value::Logs(on)) = (call.from, call.to) else { return Err(call.impossible()) };
        let token = call.token.to_owned();
        Ok(self.eks.update_logs(cluster, on, &(now - on), Some(token)).await?.into())
    }
}

async fn apply_logging(call: &Call<'_>, seen: &Seen) -> Result<Applied, Fault> {
    let Some(api) = &seen.api else { return Err(call.impossible()) };
    match (call.from, call.to, seen.observed.eks().map(|eks| &eks.logging)) {
        (from, Value::ConfigMap(data), Some(AwsLogging::Known { namespace, .. })) => {
            logging::write(api, namespace, from, data).await?;
        }
        (Value::ConfigMap(data), Value::Absent, _) => logging::delete(api, data).await?,
        _ => return Err(call.impossible()),
    }
    Ok(Applied::done(None))
}

impl Border for EksBorder {
    async fn list(&self) -> Result<Listed<ClusterName>, Fault> {
        self.eks.list_clusters().await
    }

    /// They are checked with the ECS clusters.
    async fn log_groups(&self, _: Instant) -> Result<Vec<LogGroup>, Fault> {
        Ok(Vec::new())
    }

    async fn describe_ahead(&mut self, _: &[ClusterName]) -> DescribedAhead {
        DescribedAhead::default()
    }

    async fn find(&self, subject: &Subject) -> Result<Lookup, Fault> {
        let Some(name) = subject.cluster() else { return Ok(Lookup::Missing) };
        let cluster = self.eks.describe_cluster(name).await?;
        let bare = |cluster| Observed::of_eks(ObservedEks::bare(cluster));
        Ok(cluster.map_or(Lookup::Missing, |cluster| Lookup::Found(Box::new(Seen::new(bare(cluster))))))
    }

    /// Reads nothing more from a cluster that is not ACTIVE, or whose owner opted out, except in a
    /// rollback.
    async fn ask(&self, seen: &mut Seen, log: &SubjectLog, aspects: &BTreeSet<Aspect>) {
        let ObservedSubject::Eks(eks) = &mut seen.observed.subject else { return };
        if eks.cluster.status != "ACTIVE" || opts_out(&eks.cluster.tags) && !self.rolls_back {
            return;
        }
        let name = eks.cluster.name.clone();
        let (profiles, node_groups, addons, updates) = tokio::join!(
            self.eks.fargate_profiles(&name),
            self.eks.node_groups(&name),
            self.addons(&name),
            self.updates(&name, log)
        );
        eks.is_asked = true;
        (eks.profiles, eks.node_groups, eks.addons) = (profiles.into(), node_groups.into(), addons.into());
        eks.updates = updates;
        let has_profile = eks.profiles.known().is_some_and(|profiles| !profiles.is_empty());
        // What fargaze may have written or deleted must be read, whatever happened to profiles and
        // policies.
        let begun = log.begun().contains(&Aspect::AwsLogging);
        if aspects.contains(&Aspect::AwsLogging) && (has_profile || self.rolls_back) || begun {
            seen.api = self.read_logging(eks).await;
        }
    }

    async fn apply(&self, call: &Call<'_>, seen: &Seen) -> Result<Applied, Fault> {
        let cluster = call.subject.cluster().ok_or_else(|| call.impossible())?;
        match call.aspect {
            Aspect::MetricsServer | Aspect::CloudwatchObservability => self.apply_addon(cluster, call).await,
            Aspect::ControlPlaneLogs => self.apply_logs(cluster, call).await,
            Aspect::AwsLogging => apply_logging(call, seen).await,
            // Those of other subjects.
            _ => Err(call.impossible()),
        }
    }

    async fn estimate(&self, _: &Seen, _: &Value, _: &Value) -> Option<Cost> {
        None
    }

    fn is_silent(&self, _: &Seen) -> bool {
        false
    }
}

impl From<Accepted> for Applied {
    fn from(Accepted { request_id, update_id, addon_version: version }: Accepted) -> Self {
        Self { request_id, work: Work::InProgress { update_id, version } }
    }
}
