//! What is different from the report before, and what came out of sight, as data and in words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::cluster::{AccountId, Region};
use crate::model::run::Platform;
use crate::outcome::CoverageChange;
use crate::report::measured::member::is_ecs;
use crate::text::Text;

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
    UsageUp,
    /// Its memory or CPU is lower by as much.
    Emptier,
    /// A cluster is new.
    NewCluster,
    /// A cluster is gone.
    MissingCluster,
    /// A service is new, in a cluster that is not.
    NewService,
    /// A service is gone from a cluster that is still there.
    MissingService,
    /// A workload is new, in a cluster that is not.
    NewWorkload,
    /// A workload is gone from a cluster that is still there.
    MissingWorkload,
    /// The level of Container Insights is another.
    Insights,
}

/// A target that came out of sight or back into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReachChange {
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

impl Difference {
    /// In front of what it is about.
    pub(crate) fn words(&self) -> &'static str {
        match (self.kind, self.platform) {
            (DifferenceKind::Stopped, Platform::Eks) => "no replica available any more",
            (DifferenceKind::Started, Platform::Eks) => "replicas available again",
            (kind, _) => kind.words()[0],
        }
    }
}

impl DifferenceKind {
    /// In front of what it is about; and behind a number, of one and of several.
    fn words(self) -> [&'static str; 3] {
        match self {
            Self::Stopped => ["no task runs any more", "service stopped", "services stopped"],
            Self::AlarmBegan => ["alarm began", "alarm began", "alarms began"],
            Self::AlarmEnded => ["alarm ended", "alarm ended", "alarms ended"],
            Self::Started => ["tasks run again", "service runs again", "services run again"],
            Self::UsageUp => ["fuller", "service fuller", "services fuller"],
            Self::Emptier => ["emptier", "service emptier", "services emptier"],
            Self::NewCluster => ["new cluster", "new cluster", "new clusters"],
            Self::MissingCluster => ["cluster gone", "cluster gone", "clusters gone"],
            Self::NewService => ["new service", "new service", "new services"],
            Self::MissingService => ["service gone", "service gone", "services gone"],
            Self::NewWorkload => ["new workload", "new workload", "new workloads"],
            Self::MissingWorkload => ["workload gone", "workload gone", "workloads gone"],
            Self::Insights => [
                "Container Insights",
                "level of Container Insights changed",
                "levels of Container Insights changed",
            ],
        }
    }

    /// So many of them, behind a number: `2 new services`.
    pub(crate) fn counted(self, platform: Platform, n: usize) -> String {
        let words = self.words()[if n == 1 { 1 } else { 2 }];
        match platform {
            Platform::Ecs => format!("{n} {words}"),
            Platform::Eks => format!("{n} {}", words.replace("service", "workload")),
        }
    }
}

impl ReachChange {
    /// What to tell of a change; nothing of one that may pass, or whose beginning nobody was told.
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
