//! How one target of a run ended: what was looked at, what could not be asked, and what changed; and how the targets of a run
//! came out of sight or back into it.
//!
//! A target without an outcome has a fault that says why: [`TargetResult`] is one or the other.

mod results;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alarms::{Notice, RuleObservation};
use crate::evidence::coverage::Coverage;
use crate::model::cluster::ClusterName;
use crate::model::insights::InsightsLevel;
use crate::model::run::Target;
use crate::reconcile::{Asked, Finding};

pub use results::{CoverageChange, TargetResult, coverage_changes};
pub(crate) use results::{answers, merged, total, with_subjects, worst_fault};

/// What one target brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The target.
    pub target: Target,
    /// How much of it was seen.
    pub coverage: Coverage,
    /// What the kind of run was for.
    #[serde(flatten)]
    pub kind: OutcomeKind,
}

/// What a target brought, by the kind of its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// Of an alarms run.
    Alarms {
        /// Notices that are pending, from this run or an earlier one.
        notices: Vec<Notice>,
        /// What was seen of each rule.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<RuleObservation>,
        /// Key of the snapshot.
        snapshot: String,
        /// Who owns the clusters that there are notices about: the tag `owner` of those that have it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        owners: BTreeMap<ClusterName, String>,
    },
    /// Of a report.
    Report {
        /// Key of the snapshot.
        snapshot: String,
        /// The account's default of Container Insights; of the first part of an ECS target only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_default: Option<Asked<InsightsLevel>>,
    },
    /// Of a sweep or a rollback.
    Reconciled(Reconciled),
}

/// What a sweep or a rollback found and did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reconciled {
    /// About each aspect of each subject; of the account in one part of the target only.
    pub findings: Vec<Finding>,
    /// Whether nothing was changed because the user's file says `dry-run`.
    #[serde(default)]
    pub dry_run: bool,
}

impl Outcome {
    /// Pending notices; none but of an alarms run.
    pub fn notices(&self) -> &[Notice] {
        match &self.kind {
            OutcomeKind::Alarms { notices, .. } => notices,
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => &[],
        }
    }

    /// What was seen of each rule; nothing but in an alarms run.
    pub fn rules(&self) -> &[RuleObservation] {
        match &self.kind {
            OutcomeKind::Alarms { rules, .. } => rules,
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => &[],
        }
    }

    /// Owners of the clusters that there are notices about.
    pub fn owners(&self) -> impl Iterator<Item = &String> {
        let owners = match &self.kind {
            OutcomeKind::Alarms { owners, .. } => Some(owners),
            OutcomeKind::Report { .. } | OutcomeKind::Reconciled(_) => None,
        };
        owners.into_iter().flat_map(BTreeMap::values)
    }

    /// Key of the snapshot; a sweep or rollback takes none.
    pub fn snapshot(&self) -> Option<&str> {
        match &self.kind {
            OutcomeKind::Alarms { snapshot, .. } | OutcomeKind::Report { snapshot, .. } => Some(snapshot),
            OutcomeKind::Reconciled(_) => None,
        }
    }

    /// The account's default of Container Insights, if a report asked for it.
    pub fn account_default(&self) -> Option<&Asked<InsightsLevel>> {
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
