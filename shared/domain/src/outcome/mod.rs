//! How one target of a run ended: what was checked, what could not be read, and what changed; and
//! which targets of a run became unreadable or readable again.
//!
//! A target without an outcome has a fault with the reason: [`TargetResult`] is one or the other.

mod results;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alarms::{Notice, RuleObservation};
use crate::evidence::coverage::Coverage;
use crate::model::cluster::ClusterName;
use crate::model::insights::InsightsLevel;
use crate::model::run::Target;
use crate::reconcile::{Finding, Queried};

pub use results::{CoverageChange, TargetResult, coverage_changes};
pub(crate) use results::{answers, merged, total, with_subjects, worst_fault};

/// The result of processing one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The target.
    pub target: Target,
    /// How much of it could be read.
    pub coverage: Coverage,
    /// The result specific to the kind of run.
    #[serde(flatten)]
    pub kind: OutcomeKind,
}

/// The result of a target, by kind of run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// Result of an alarms run.
    Alarms {
        /// Notices that are pending, from this run or an earlier one.
        notices: Vec<Notice>,
        /// The observation of each rule.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<RuleObservation>,
        /// Key of the snapshot.
        snapshot: String,
        /// Owners of the clusters with notices: the value of the tag `owner`, if present.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        owners: BTreeMap<ClusterName, String>,
    },
    /// Result of a report.
    Report {
        /// Key of the snapshot.
        snapshot: String,
        /// The account's Container Insights default; only in the first part of an ECS target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_default: Option<Queried<InsightsLevel>>,
    },
    /// Result of a sweep or rollback.
    Reconciled(Reconciled),
}

/// What a sweep or rollback found and did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reconciled {
    /// One finding per aspect of each subject; those of the account are only in one part of the
    /// target.
    pub findings: Vec<Finding>,
    /// Whether nothing was changed because of `dry-run` in the user's file.
    #[serde(default)]
    pub dry_run: bool,
}

impl Outcome {
    /// Pending notices; empty unless it was an alarms run.
    pub fn notices(&self) -> &[Notice] {
        match &self.kind {
            OutcomeKind::Alarms { notices, .. } => notices,
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => &[],
        }
    }

    /// The observation of each rule; empty unless it was an alarms run.
    pub fn rules(&self) -> &[RuleObservation] {
        match &self.kind {
            OutcomeKind::Alarms { rules, .. } => rules,
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => &[],
        }
    }

    /// Owners of the clusters with notices.
    pub fn owners(&self) -> impl Iterator<Item = &String> {
        let owners = match &self.kind {
            OutcomeKind::Alarms { owners, .. } => Some(owners),
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => None,
        };
        owners.into_iter().flat_map(BTreeMap::values)
    }

    /// Key of the snapshot; `None` for a sweep or rollback.
    pub fn snapshot(&self) -> Option<&str> {
        match &self.kind {
            OutcomeKind::Alarms { snapshot, .. } | OutcomeKind::Report { snapshot, .. } => Some(snapshot),
            OutcomeKind::Reconciled(_) => None,
        }
    }

    /// The account's Container Insights default, if a report read it.
    pub fn account_default(&self) -> Option<&Queried<InsightsLevel>> {
        match &self.kind {
            OutcomeKind::Report { account_default, .. } => account_default.as_ref(),
            OutcomeKind::Alarms { .. } | OutcomeKind::Reconciled(_) => None,
        }
    }

    /// What a sweep or rollback found and did, if it was one.
    pub fn reconciled(&self) -> Option<&Reconciled> {
        match &self.kind {
            OutcomeKind::Reconciled(reconciled) => Some(reconciled),
            OutcomeKind::Alarms { .. } | OutcomeKind::Report { .. } => None,
        }
    }
}
