//! The report as data: what the mail, the page and the JSON say, and nothing else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::eks::{EksClusterReport, EksFleet, WorkloadReport};
use super::figures::{Deployment, History, Tasks, Traffic, Utilization};
use super::standing::{Cost, Posture, ReportCoverage};
use super::text::Text;
use crate::alarm::Unseen;
use crate::cluster::{AccountId, ClusterName, Region, ServiceName};
use crate::insights::InsightsLevel;
use crate::inventory::Reporting;
use crate::run::Platform;
use crate::summary::RuleLine;

/// Version of the form of a [`Report`]: raised when a reader of the old form would misread the new one.
pub(super) const FORMAT: u32 = 1;

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
    pub sight: Vec<SightChange>,
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

/// All clusters together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fleet {
    /// Clusters of the targets that could be seen, those of EKS among them.
    pub clusters: usize,
    /// Services of those of ECS.
    pub services: usize,
    /// Tasks that run, of the services whose tasks are known.
    pub running: u64,
    /// Tasks that should run, of the same services.
    pub desired: u64,
    /// Services of which there is no figure of CPU or memory, whatever the reason.
    pub without_figures: usize,
    /// Services whose tasks run according to ECS, and of which CloudWatch has no CPU or memory in
    /// the last 3 hours.
    #[serde(default)]
    pub running_without_metrics: usize,
    /// Services whose tasks are not known.
    pub tasks_unknown: usize,
    /// Services that should run tasks and run none.
    pub nothing_running: usize,
    /// Services with fewer tasks than they should have, but some.
    pub short_of_tasks: usize,
    /// Alarms that go on.
    pub alarms: usize,
    /// Alarms that cannot be judged.
    pub blind: usize,
    /// CPU of a service, averaged over all services that have data.
    pub cpu: Option<f64>,
    /// Memory of a service, averaged over all services that have data.
    pub memory: Option<f64>,
    /// The same two over time.
    pub history: History,
    /// Clusters of EKS; none if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eks: Option<EksFleet>,
}

/// What is different from the report before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Since {
    /// Time of the report before.
    #[cfg_attr(test, schemars(with = "String"))]
    pub time: Timestamp,
    /// What changed, the gravest kind first.
    pub differences: Vec<Difference>,
}

/// One difference from the report before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// What kind of difference it is.
    pub kind: DifferenceKind,
    /// Whether it is about a cluster of ECS or of EKS; left out of one of ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// What it is about: `cluster`, `cluster/service`, `cluster#task-family` or `cluster namespace/kind/workload`.
    pub subject: Text,
    /// More about it: the rule, the figures or the levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
}

/// Kinds of differences, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// It has lost all its tasks.
    Stopped,
    /// An alarm began.
    AlarmBegan,
    /// An alarm ended.
    AlarmEnded,
    /// It has tasks again.
    Started,
    /// Its memory or CPU is higher by 20 points or more.
    Fuller,
    /// Its memory or CPU is lower by as much.
    Emptier,
    /// A cluster is new.
    NewCluster,
    /// A cluster is gone.
    GoneCluster,
    /// A service is new, in a cluster that is not.
    NewService,
    /// A service is gone from a cluster that is still there.
    GoneService,
    /// A workload is new, in a cluster that is not.
    NewWorkload,
    /// A workload is gone from a cluster that is still there.
    GoneWorkload,
    /// The level of Container Insights is another.
    Insights,
}

/// A target that came out of sight or back into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SightChange {
    /// The target.
    pub target: Text,
    /// Whether it can be seen again.
    pub back: bool,
    /// Since when it could not be seen.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Why it cannot be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
}

/// An alarm that goes on, or that cannot be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlarmLine {
    /// Whether it is about a cluster of ECS or of EKS; left out of one of ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// What it is about: `cluster`, `cluster/service`, `cluster#task-family` or `cluster namespace/kind/workload`.
    pub subject: Text,
    /// Name of its rule.
    pub rule: Text,
    /// Whether it is in ALARM. It may be both in ALARM and impossible to judge.
    pub in_alarm: bool,
    /// Since when it is in ALARM; of one that is not, since when it cannot be judged.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Since when it cannot be judged; none if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub blind_since: Option<Timestamp>,
    /// Why it cannot be judged; none if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_because: Option<Unseen>,
    /// What keeps it silent, so that nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_by: Option<Text>,
}

/// A service or workload to look at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Worst {
    /// A service of ECS.
    Service(Box<WorstService>),
    /// A workload on EKS.
    Workload(Box<WorstWorkload>),
}

/// A workload on EKS to look at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorstWorkload {
    /// EKS.
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// Why it is among them beside its fullness; empty if it is only full.
    pub because: Vec<Because>,
    /// Its figures.
    pub figures: WorkloadReport,
    /// CPU and memory over time, in percent of what is provisioned.
    pub history: History,
}

/// A service to look at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorstService {
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// The cluster.
    pub cluster: ClusterName,
    /// Why it is among them beside its fullness; empty if it is only full.
    pub because: Vec<Because>,
    /// Its figures.
    pub figures: ServiceReport,
    /// CPU and memory over time.
    pub history: History,
}

/// Why a service is to be looked at, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// It should run tasks and runs none.
    NothingRunning,
    /// It should have replicas, and none is available.
    NoneAvailable,
    /// It is in ALARM.
    InAlarm,
    /// Its newest deployment failed, or its tasks fail.
    DeploymentFails,
    /// Its tasks run, and it has no metrics.
    WithoutMetrics,
    /// A container of it crashes again and again.
    CrashLooping,
    /// A container of it cannot start.
    CannotStart,
    /// A container of it was killed for want of memory.
    OutOfMemory,
    /// It runs fewer tasks than it should.
    ShortOfTasks,
    /// Fewer of its replicas are available than there should be.
    ShortOfPods,
    /// A pod of it is pending.
    Pending,
}

/// One cluster.
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
    /// Its owner opted out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub opted_out: bool,
    /// Container Insights is on, and no metrics come, though it has services and the setting is not new.
    #[serde(default, skip_serializing_if = "is_false")]
    pub silent: bool,
    /// Who puts the setting back each time; empty if nobody does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fought_by: Vec<Text>,
    /// Whether its services could not be listed, so that the list is an older one or empty.
    #[serde(default, skip_serializing_if = "is_false")]
    pub services_unread: bool,
    /// Its services, by name.
    pub services: Vec<ServiceReport>,
}

impl ClusterReport {
    /// Whether Container Insights is on in services whose metrics could not be asked about.
    pub(in crate::summary) fn may_be_silent(&self) -> bool {
        let is_on = self.insights > InsightsLevel::Disabled;
        is_on && self.reports_insights == Reporting::NotKnown && !self.services.is_empty()
    }
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceReport {
    /// Its name.
    pub service: ServiceName,
    /// CPU, in percent of what its tasks reserve.
    pub cpu: Utilization,
    /// Memory, in percent of what its tasks reserve.
    pub memory: Utilization,
    /// Its tasks.
    pub tasks: Tasks,
    /// Set if its tasks run according to ECS, and CloudWatch has no CPU or memory in the last 3
    /// hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_metrics: Option<WithoutMetrics>,
    /// Its newest deployment; none if nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// Network, per task; only where Container Insights reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Traffic>,
}

/// Metrics that are missing of a service whose tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WithoutMetrics {
    /// End of the newest period with data; none if there was none in the whole window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub since: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn is_ecs(platform: &Platform) -> bool {
    *platform == Platform::Ecs
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
