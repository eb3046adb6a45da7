//! Amazon ECS: the Container Insights setting, and the size of a cluster for the cost estimate.

use std::collections::BTreeSet;
use std::str::FromStr;

use aws_sdk_ecs::operation::RequestId;
use aws_sdk_ecs::types::{ClusterSetting, ClusterSettingName, SettingName, Task};
use fargaze::model::cluster::{BadName, ClusterName};
use fargaze::model::fault::Fault;
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::model::operation::Operation;
use fargaze::model::subject::family_of;
use fargaze::reconcile::ClusterSize;

use super::ecs::{Ecs, PAGE};
use super::pages::Pages;
use super::sdk_error::fault;

/// Tasks in one `DescribeTasks`.
pub(super) const TASKS_PER_CALL: usize = 100;

impl Ecs {
    /// Sets Container Insights of a cluster (`UpdateClusterSettings`); returns the request id.
    pub async fn update_insights(
        &self,
        cluster: &ClusterName,
        level: InsightsLevel,
    ) -> Result<Option<String>, Fault> {
        self.cluster_modify.ready().await;
        let setting =
            ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(level.as_str());
        let request =
            self.client.update_cluster_settings().cluster(cluster.as_str()).settings(setting.build());
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| fault(Operation::EcsUpdateClusterSettings, cluster.as_str(), &error))?;
        Ok(answer.request_id().map(ToOwned::to_owned))
    }

    /// The Container Insights level of clusters created without their own setting
    /// (`ListAccountSettings` with effective settings: without them, ECS lists only values that
    /// were set explicitly).
    pub async fn account_default(&self) -> Result<InsightsLevel, Fault> {
        self.effective_setting(SettingName::ContainerInsights).await
    }

    /// The value of an account setting in force (`ListAccountSettings` with effective settings).
    pub(super) async fn effective_setting<T: FromStr<Err = BadName>>(
        &self,
        name: SettingName,
    ) -> Result<T, Fault> {
        const OPERATION: Operation = Operation::EcsListAccountSettings;
        self.account_setting_read.ready().await;
        let request = self.client.list_account_settings().name(name.clone());
        let answer = request.effective_settings(true).send().await;
        let answer = answer.map_err(|error| fault(OPERATION, name.as_str(), &error))?;
        let value = answer.settings().first().and_then(|setting| setting.value());
        let value = value.ok_or("the setting is not listed".to_owned());
        let value = value.and_then(|value| value.parse().map_err(|error: BadName| error.to_string()));
        value.map_err(|why| Fault::malformed(OPERATION, name.as_str(), why))
    }

    /// Sets the account default (`PutAccountSettingDefault`); returns the request id.
    pub async fn put_account_default(&self, level: InsightsLevel) -> Result<Option<String>, Fault> {
        self.account_setting_modify.ready().await;
        let request = self.client.put_account_setting_default().name(SettingName::ContainerInsights);
        let answer = request.value(level.as_str()).send().await;
        let answer = answer
            .map_err(|error| fault(Operation::EcsPutAccountSettingDefault, "containerInsights", &error))?;
        Ok(answer.request_id().map(ToOwned::to_owned))
    }

    /// Counts what Container Insights would measure in a cluster: running tasks, their families and
    /// containers (`ListTasks`, every page, and `DescribeTasks`). Makes no call for a cluster
    /// without tasks.
    pub async fn cluster_size(&self, cluster: &ObservedCluster) -> Result<ClusterSize, Fault> {
        let mut size = ClusterSize { services: cluster.active_services, ..ClusterSize::default() };
        if cluster.running_tasks == 0 {
            return Ok(size);
        }
        let mut families = BTreeSet::new();
        for chunk in self.list_tasks(&cluster.name).await?.chunks(TASKS_PER_CALL) {
            for task in self.describe_tasks(&cluster.name, chunk).await? {
                size.tasks += 1;
                size.containers += u32::try_from(task.containers().len()).unwrap_or(u32::MAX);
                families.extend(task.task_definition_arn().map(|arn| family_of(arn).to_owned()));
            }
        }
        size.task_families = u32::try_from(families.len()).unwrap_or(u32::MAX);
        Ok(size)
    }

    pub(super) async fn list_tasks(&self, cluster: &ClusterName) -> Result<Vec<String>, Fault> {
        const OPERATION: Operation = Operation::EcsListTasks;
        let (mut tasks, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, cluster.as_str());
        loop {
            self.task_read.ready().await;
            let request = self.client.list_tasks().cluster(cluster.as_str()).max_results(PAGE);
            let page = request.set_next_token(token.take()).send().await;
            let page = page.map_err(|error| fault(OPERATION, cluster.as_str(), &error))?;
            token = pages.next(page.task_arns(), page.next_token())?;
            tasks.extend(page.task_arns.unwrap_or_default());
            if token.is_none() {
                return Ok(tasks);
            }
        }
    }

    /// Tasks that ended in the meantime are left out.
    pub(super) async fn describe_tasks(
        &self,
        cluster: &ClusterName,
        tasks: &[String],
    ) -> Result<Vec<Task>, Fault> {
        self.task_read.ready().await;
        let request = self.client.describe_tasks().cluster(cluster.as_str());
        let answer = request.set_tasks(Some(tasks.to_vec())).send().await;
        let answer = answer.map_err(|error| fault(Operation::EcsDescribeTasks, cluster.as_str(), &error))?;
        Ok(answer.tasks.unwrap_or_default())
    }
}
