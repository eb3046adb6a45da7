//! The report as data: what the mail, the page and the JSON say, and nothing else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sections::alarms::model::AlarmLine;
use super::sections::changes::model::{ReachChange, Since};
use super::sections::clusters::model::ClusterReport;
use super::sections::cost::model::Cost;
use super::sections::coverage::model::ReportCoverage;
use super::sections::eks::model::EksClusterReport;
use super::sections::fleet::model::Fleet;
use super::sections::insights::model::Posture;
use super::sections::rules::model::RuleLine;
use super::sections::worst::model::Worst;
use crate::model::cluster::{AccountId, Region};
use crate::text::Text;

/// Version of the form of a [`Report`]: raised when a reader of the old form would misread the new one.
pub(crate) const FORMAT: u32 = 1;

/// How the fleet was in the report's window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// Version of this form.
    pub format: u32,
    /// The run that made it.
    pub run: Text,
    /// Time of the run.
    #[cfg_attr(test, schemars(with = "String"))]
    pub time: Timestamp,
    /// What it is about.
    pub window: ReportWindow,
    /// All clusters together.
    pub fleet: Fleet,
    /// What is different from the report before; none if there is none that could be read.
    pub since: Option<Since>,
    /// What came out of sight or back into it, since the last run that told.
    pub sight: Vec<ReachChange>,
    /// Alarms that go on, and those that cannot be judged.
    pub alarms: Vec<AlarmLine>,
    /// Rules that cannot fire, because they have no data anywhere or apply to nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleLine>,
    /// Services and workloads to look at first, with their history.
    pub worst: Vec<Worst>,
    /// How Container Insights stands.
    pub posture: Posture,
    /// What was looked at, and what could not be asked.
    pub coverage: ReportCoverage,
    /// What fargaze itself used.
    pub cost: Cost,
    /// Every cluster of ECS with its services, by Region, account and name.
    pub clusters: Vec<ClusterReport>,
    /// Every cluster of EKS with its workloads, by Region, account and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eks: Vec<EksClusterReport>,
}

impl Report {
    /// Reads a report that was written as JSON; none if it is damaged or has another form. Then there is no earlier report to
    /// compare with, and the new one says so.
    pub fn read(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let form: Form = serde_json::from_slice(json).ok()?;
        if form.format == FORMAT { serde_json::from_slice(json).ok() } else { None }
    }

    /// Whether there is something of ECS to show; a report on nothing shows that there are no clusters of ECS.
    pub(crate) fn shows_ecs(&self) -> bool {
        self.eks.is_empty() || !self.clusters.is_empty()
    }

    /// Where each cluster is.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&AccountId, &Region)> {
        let ecs = self.clusters.iter().map(|cluster| (&cluster.account, &cluster.region));
        ecs.chain(self.eks.iter().map(|cluster| (&cluster.account, &cluster.region)))
    }
}

/// What the report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportWindow {
    /// First instant.
    #[cfg_attr(test, schemars(with = "String"))]
    pub start: Timestamp,
    /// First instant after it.
    #[cfg_attr(test, schemars(with = "String"))]
    pub end: Timestamp,
    /// Length of one datapoint.
    pub period_seconds: i64,
}
