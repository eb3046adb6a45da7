//! Changes since the previous report, and changes of coverage, as data and in words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, Region};
use crate::model::run::Platform;
use crate::outcome::CoverageChange;
use crate::report::measured::member::is_ecs;
use crate::text::Text;

/// Changes since the previous report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Since {
    /// Time of the previous report.
    #[cfg_attr(test, schemars(with = "String"))]
    pub time: Timestamp,
    /// What changed, the most severe kind first.
    pub differences: Vec<Difference>,
}

/// One change since the previous report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// The kind of change.
    pub kind: DifferenceKind,
    /// Whether the cluster is an ECS or EKS cluster; absent for ECS.
    #[serde(default, skip_serializing_if = "is_ecs")]
    pub platform: Platform,
    /// Account of the cluster.
    pub account: AccountId,
    /// Region of the cluster.
    pub region: Region,
    /// What changed: `cluster`, `cluster/service`, `cluster#task-family` or `cluster
    /// namespace/kind/workload`.
    pub subject: Text,
    /// Details: the rule, the figures or the levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
}

/// Kinds of changes, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// A service lost all its tasks, or a workload all its available replicas.
    Stopped,
    /// An alarm began.
    AlarmBegan,
    /// An alarm ended.
    AlarmEnded,
    /// A service has tasks again, or a workload has available replicas again.
    Started,
    /// Average memory or CPU is up by 20 percentage points or more.
    UsageUp,
    /// Average memory or CPU is down by 20 percentage points or more.
    UsageDown,
    /// A cluster is new.
    NewCluster,
    /// A cluster was deleted.
    MissingCluster,
    /// A service is new in an existing cluster.
    NewService,
    /// A service was deleted from an existing cluster.
    MissingService,
    /// A workload is new in an existing cluster.
    NewWorkload,
    /// A workload was deleted from an existing cluster.
    MissingWorkload,
    /// The level of Container Insights changed.
    Insights,
}

/// A target that became unreadable, or readable again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReachChange {
    /// The target.
    pub target: Text,
    /// Whether it is readable again.
    pub back: bool,
    /// Since when it is, or was, unreadable.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Why it is unreadable; absent if it is readable again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
}

impl Difference {
    /// The words before the subject.
    pub(crate) fn words(&self) -> &'static str {
        match (self.kind, self.platform) {
            (DifferenceKind::Stopped, Platform::Eks) => "no replica available",
            (DifferenceKind::Started, Platform::Eks) => "replicas available again",
            (kind, _) => kind.words()[0],
        }
    }
}

impl DifferenceKind {
    /// The words before the subject; after the number 1; after a higher number.
    fn words(self) -> [&'static str; 3] {
        match self {
            Self::Stopped => ["no tasks running", "service stopped", "services stopped"],
            Self::AlarmBegan => ["alarm began", "alarm began", "alarms began"],
            Self::AlarmEnded => ["alarm ended", "alarm ended", "alarms ended"],
            Self::Started => ["tasks running again", "service running again", "services running again"],
            Self::UsageUp => ["usage up", "usage figure up", "usage figures up"],
            Self::UsageDown => ["usage down", "usage figure down", "usage figures down"],
            Self::NewCluster => ["new cluster", "new cluster", "new clusters"],
            Self::MissingCluster => ["cluster deleted", "cluster deleted", "clusters deleted"],
            Self::NewService => ["new service", "new service", "new services"],
            Self::MissingService => ["service deleted", "service deleted", "services deleted"],
            Self::NewWorkload => ["new workload", "new workload", "new workloads"],
            Self::MissingWorkload => ["workload deleted", "workload deleted", "workloads deleted"],
            Self::Insights => [
                "Container Insights",
                "Container Insights level changed",
                "Container Insights levels changed",
            ],
        }
    }

    /// Their number in words: `2 new services`.
    pub(crate) fn counted(self, platform: Platform, n: usize) -> String {
        let words = self.words()[if n == 1 { 1 } else { 2 }];
        match platform {
            Platform::Ecs => format!("{n} {words}"),
            Platform::Eks => format!("{n} {}", words.replace("service", "workload")),
        }
    }
}

impl ReachChange {
    /// What to report of a change; `None` if it may clear by itself, or if its start was never
    /// notified.
    pub(crate) fn of(change: &CoverageChange) -> Option<Self> {
        let (broken, why) = match change {
            CoverageChange::Lost(broken, fault) => {
                (broken, Some(Text::new(&format!("{fault} ({})", fault.advice()))))
            }
            CoverageChange::Back(broken) if broken.notified => (broken, None),
            CoverageChange::Back(_) | CoverageChange::Noticed(_) => return None,
        };
        Some(Self { target: Text::new(&broken.name), back: why.is_none(), since: broken.since, why })
    }
}
