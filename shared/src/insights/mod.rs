//! The setting of Container Insights: what a cluster has, what is wished, and the one decision between them.
//!
//! ```text
//! InsightsConfig -> Wished ┐
//!   wish.rs                │
//! ObservedCluster ─────────┼─> Decision -> (ECS) -> Change -> ClusterLedger -> RestoreStep
//! ClusterLedger -> History ┘   decide.rs            ledger.rs                  restore.rs
//! Life ────────────┘
//! ```
//!
//! [`BlastRadius`] says how many clusters one run may change, and [`estimate`] what a change costs. What is decided when
//! is told by the table in `docs/insights.md`, which a test makes from [`decide()`]. EKS clusters are set up in the same
//! way, by [`eks`].

mod blast;
mod cost;
mod decide;
pub mod eks;
mod finding;
mod follow;
mod ledger;
mod life;
mod restore;
mod wish;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cluster::{BadName, ClusterName};

pub use blast::BlastRadius;
pub use cost::{ClusterSize, CostEstimate, TARIFF, Tariff, estimate};
pub use decide::{Acquaintance, Action, Decision, History, decide, decide_account_default, fight_over};
pub use finding::{AccountDefaultFinding, InsightsFinding, InsightsResult};
pub use follow::{BadEcsFollow, EcsFollow, EcsWait};
pub use ledger::{Change, ChangeState, ClusterLedger, Ledger, LedgerSubject, Looker, PutBack, UNDER_WAY};
pub use life::{Created, Life, Sighting};
pub use restore::{RestoreStep, restore_step};
pub use wish::{AccountDefaultWish, ExistingClusters, InsightsConfig, Wish, WishRule, Wished};

/// Value of a cluster's setting `containerInsights`, from less to more (ECS API, `ClusterSetting`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum InsightsLevel {
    /// Off.
    #[default]
    Disabled,
    /// Metrics per cluster, service and task family.
    Enabled,
    /// Also per task and container ("enhanced observability", since December 2024).
    Enhanced,
}

impl InsightsLevel {
    /// All levels, from less to more.
    pub const ALL: [Self; 3] = [Self::Disabled, Self::Enabled, Self::Enhanced];

    /// ECS's own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Enhanced => "enhanced",
        }
    }
}

impl FromStr for InsightsLevel {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "level of Container Insights",
            expected: "disabled, enabled or enhanced",
        })
    }
}

impl fmt::Display for InsightsLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Tag by which the owner of a cluster opts out: `fargaze` = `hands-off`. It is stronger than any wish.
pub const OPT_OUT_TAG: (&str, &str) = ("fargaze", "hands-off");

/// Whether the tags of a cluster hold [`OPT_OUT_TAG`].
pub fn opts_out(tags: &BTreeMap<String, String>) -> bool {
    let (tag, value) = OPT_OUT_TAG;
    tags.get(tag).is_some_and(|found| found == value)
}

/// What ECS says about a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCluster {
    /// Name of the cluster.
    pub name: ClusterName,
    /// Status such as `ACTIVE`.
    pub status: String,
    /// Its setting; only known if ECS was asked with `include = SETTINGS`.
    pub level: InsightsLevel,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// `runningTasksCount`: without tasks there are no metrics, however right the setting is.
    pub running_tasks: u32,
    /// `activeServicesCount`.
    pub active_services: u32,
}

impl ObservedCluster {
    /// Whether it is being made, or ECS failed to make it: nothing is to be set yet (ECS API, `Cluster`, `status`).
    pub fn is_unfinished(&self) -> bool {
        matches!(self.status.as_str(), "PROVISIONING" | "FAILED")
    }

    /// Whether it runs services or tasks. One that is being made has none; an existing one is PROVISIONING, too,
    /// while it gets capacity providers.
    pub fn is_occupied(&self) -> bool {
        self.running_tasks > 0 || self.active_services > 0
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Levels, changes and histories for the tests of this folder.

    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    pub(crate) fn cluster(level: InsightsLevel) -> ObservedCluster {
        ObservedCluster {
            name: "shop".parse().unwrap(),
            status: "ACTIVE".to_owned(),
            level,
            tags: BTreeMap::new(),
            running_tasks: 2,
            active_services: 1,
        }
    }

    pub(crate) fn wished(wish: Wish, existing: ExistingClusters) -> Wished {
        Wished { wish, existing, source: "built-in".to_owned() }
    }

    /// A change made at that minute; its cause is named after it.
    pub(crate) fn change(
        minute: i64,
        (from, to): (InsightsLevel, InsightsLevel),
        wish: Wish,
        state: ChangeState,
    ) -> Change {
        Change {
            subject: LedgerSubject::Cluster("shop".parse().unwrap()),
            number: u32::try_from(minute).unwrap(),
            time: at(minute),
            made: at(minute),
            cause: format!("event-{minute}"),
            from,
            to,
            wish: wish.to_string(),
            reason: "it is new".to_owned(),
            request_id: None,
            state,
        }
    }

    /// A ledger of these changes.
    pub(crate) fn ledger_of(changes: impl IntoIterator<Item = Change>) -> ClusterLedger {
        let mut ledger = ClusterLedger::default();
        changes.into_iter().for_each(|change| ledger.put(change));
        ledger
    }

    /// Who looks when nothing is under way any more.
    pub(crate) fn later() -> Looker<'static> {
        Looker { cause: "later", now: at(1_000_000) }
    }

    pub(crate) fn put_back(minute: i64, by: &str) -> PutBack {
        let event_id = format!("foreign-{minute}");
        PutBack { time: at(minute), event_id, by: by.to_owned(), level: InsightsLevel::Disabled }
    }

    pub(crate) fn level() -> impl Strategy<Value = InsightsLevel> {
        prop::sample::select(InsightsLevel::ALL.to_vec())
    }

    pub(crate) fn wish() -> impl Strategy<Value = Wish> {
        let exact = InsightsLevel::ALL.map(Wish::Exactly);
        let others = [Wish::HandsOff, Wish::OffIsFine, Wish::AtLeastEnabled, Wish::AtLeastEnhanced];
        prop::sample::select([&others[..], &exact].concat())
    }

    /// Any history, also ones that no run of events brings about.
    pub(crate) fn ledger() -> impl Strategy<Value = ClusterLedger> {
        let states = [ChangeState::Done, ChangeState::Done, ChangeState::Abandoned, ChangeState::Restored];
        let one = (level(), level(), wish(), prop::sample::select(states.to_vec()));
        prop::collection::vec(one, 0..5).prop_map(|changes| {
            let numbered = (1_i64..).zip(changes);
            let changes = numbered.map(|(n, (from, to, wish, state))| change(n, (from, to), wish, state));
            ClusterLedger { put_back: vec![put_back(2, "somebody")], ..ledger_of(changes) }
        })
    }
}
