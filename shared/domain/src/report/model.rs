//! The report as data: everything that the mail, the page and the JSON contain.

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
use super::sections::logs::model::LogsReport;
use super::sections::queries::model::QueriesReport;
use super::sections::rules::model::RuleLine;
use super::sections::setup::model::QuotaReport;
use super::sections::stopped::model::StoppedReport;
use super::sections::worst::model::Worst;
use crate::model::cluster::{AccountId, Region};
use crate::text::Text;

/// Format version of a [`Report`]: raised when a reader of the old format would misread the new
/// one.
pub(crate) const FORMAT: u32 = 1;

/// The state of the fleet over the report's window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// Version of this format.
    pub format: u32,
    /// ID of the run that wrote the report.
    pub run: Text,
    /// Time of the run.
    #[cfg_attr(test, schemars(with = "String"))]
    pub time: Timestamp,
    /// The period that the report covers.
    pub window: ReportWindow,
    /// All clusters together.
    pub fleet: Fleet,
    /// Changes since the previous report; null if no previous report could be read.
    pub since: Option<Since>,
    /// Targets that became unreadable, or readable again, since the last run that notified.
    pub coverage_changes: Vec<ReachChange>,
    /// Active alarms, and alarms that cannot be evaluated.
    pub alarms: Vec<AlarmLine>,
    /// Rules that cannot fire, because they have no data anywhere or match nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleLine>,
    /// Services and workloads to check first, with their history.
    pub worst: Vec<Worst>,
    /// Tasks that stopped, and why.
    #[serde(default, skip_serializing_if = "StoppedReport::is_empty")]
    pub stopped: StoppedReport,
    /// Quotas of the accounts on Fargate, as far as CloudWatch knows their use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaReport>,
    /// The state of Container Insights.
    pub posture: Posture,
    /// How containers log, and the log groups.
    #[serde(default, skip_serializing_if = "LogsReport::is_empty")]
    pub logs: LogsReport,
    /// What saved queries of logs found.
    #[serde(default, skip_serializing_if = "QueriesReport::is_empty")]
    pub queries: QueriesReport,
    /// What was checked, and what could not be queried.
    pub coverage: ReportCoverage,
    /// What fargaze itself used and cost.
    pub cost: Cost,
    /// Every ECS cluster with its services, by Region, account and name.
    pub clusters: Vec<ClusterReport>,
    /// Every EKS cluster with its workloads, by Region, account and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eks: Vec<EksClusterReport>,
}

impl Report {
    /// Reads a report from JSON; `None` if it is damaged or has another format version. The new
    /// report then says that there is no earlier one to compare with.
    pub fn read(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let form: Form = serde_json::from_slice(json).ok()?;
        if form.format == FORMAT { serde_json::from_slice(json).ok() } else { None }
    }

    /// Whether to show the ECS sections. A report without any cluster shows them, to say that there
    /// are no ECS clusters.
    pub(crate) fn shows_ecs(&self) -> bool {
        self.eks.is_empty() || !self.clusters.is_empty()
    }

    /// Account and Region of each cluster.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&AccountId, &Region)> {
        let ecs = self.clusters.iter().map(|cluster| (&cluster.account, &cluster.region));
        ecs.chain(self.eks.iter().map(|cluster| (&cluster.account, &cluster.region)))
    }
}

/// The period that a report covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportWindow {
    /// Start, inclusive.
    #[cfg_attr(test, schemars(with = "String"))]
    pub start: Timestamp,
    /// End, exclusive.
    #[cfg_attr(test, schemars(with = "String"))]
    pub end: Timestamp,
    /// Length of one datapoint, in seconds.
    pub period_seconds: i64,
}
