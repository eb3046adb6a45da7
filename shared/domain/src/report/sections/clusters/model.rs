//! An ECS cluster as data.

use serde::{Deserialize, Serialize};

use super::part::{PartReport, SeenPart};
use super::runs_on::TaskOfRevision;
use super::service::ServiceReport;
use crate::evidence::inventory::Reporting;
use crate::logs::RunningSize;
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::insights::InsightsLevel;
use crate::model::subject::Subject;
use crate::text::Text;

/// One ECS cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClusterReport {
    /// Its account.
    pub account: AccountId,
    /// Its Region.
    pub region: Region,
    /// Its name.
    pub cluster: ClusterName,
    /// Its level of Container Insights.
    pub insights: InsightsLevel,
    /// Whether metrics of Container Insights arrive.
    pub reports_insights: Reporting,
    /// Whether its owner opted out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opted_out: bool,
    /// Container Insights is on, but no metrics arrive, although the cluster has services and the
    /// setting is not new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// Who reverts the setting each time; empty if there is no conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reverted_by: Vec<Text>,
    /// Whether its services could not be listed, so that the list is from an earlier run or empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub services_unread: bool,
    /// Its services, by name.
    pub services: Vec<ServiceReport>,
    /// Task families with metrics of Container Insights, and with enhanced observability tasks and
    /// containers; those with the highest share of memory first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartReport>,
    /// Tasks, containers and families that CloudWatch lists and this report did not query, because
    /// there are too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parts_left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl ClusterReport {
    /// Takes the size of what runs: of a service, or of a family whose tasks have no service, which
    /// is added if it has no metrics.
    pub(crate) fn take_size(&mut self, running: &RunningSize) {
        let size = TaskOfRevision::from(running);
        match &running.subject {
            Subject::Service(_, name) => {
                let service = self.services.iter_mut().find(|service| service.service == *name);
                if let Some(runs_on) = service.and_then(|service| service.runs_on.as_mut()) {
                    runs_on.tasks.push(size);
                }
            }
            subject @ Subject::TaskFamily(_, family) => {
                if let Some(part) = self.parts.iter_mut().find(|part| part.is_family(family)) {
                    part.without_service.push(size);
                } else {
                    let mut part = SeenPart::new(subject.clone()).figures;
                    part.without_service.push(size);
                    self.parts.push(part);
                }
            }
            _ => {}
        }
    }

    /// Whether Container Insights is on and it is unknown whether metrics arrive.
    pub(crate) fn may_be_silent(&self) -> bool {
        let is_on = self.insights > InsightsLevel::Disabled;
        is_on && self.reports_insights == Reporting::NotKnown && !self.services.is_empty()
    }
}
