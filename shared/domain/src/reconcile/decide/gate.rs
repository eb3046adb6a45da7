//! Whether an aspect that is out of policy is changed.

use super::{Action, AspectCase, Step, in_a_row};
use crate::model::insights::InsightsLevel;
use crate::reconcile::log::{reverted_by, unnamed};
use crate::reconcile::{
    Aspect, Change, ChangeState, Desired, Existing, Origin, SubjectKind, SubjectLog, Value,
};

/// Times that a change may be reverted, or fail at the service, before fargaze backs off.
const PATIENCE: usize = 2;

impl AspectCase<'_> {
    /// The step for an aspect that is not `to` but should be: change it, unless its history or the
    /// user prevents it.
    pub(in crate::reconcile) fn change(&self, to: Value) -> Step {
        let Self { aspect, policy, .. } = self;
        if let Some(step) = self.backed_off() {
            return step;
        }
        let made_before = self.changes.iter().rev().find(|change| change.state == ChangeState::Done);
        let was_rolled_back = self.changes.iter().any(|change| change.state == ChangeState::RolledBack);
        // After a rollback it no longer counts as new, whatever its policy becomes.
        let origin = if was_rolled_back { Origin::Existing } else { self.whole.origin };
        let why = match (origin, made_before) {
            (_, Some(change)) if change.policy == policy.desired.to_string() => {
                let by = reverted_by(self.whole.log, *aspect, &policy.desired, change.made);
                let by = by.last().map(|by| format!(" by {by}")).unwrap_or_default();
                format!("fargaze set it before, and it was reverted{by}")
            }
            (_, Some(_)) => "fargaze set it before, for another policy".to_owned(),
            // Every account existed before fargaze, and only a policy of the user sets its default.
            (_, None) if aspect.kind() == SubjectKind::Account => "it is below its policy".to_owned(),
            (Origin::New, None) => "the cluster is new".to_owned(),
            (Origin::Existing, None) if policy.existing == Existing::Change => {
                "existing clusters are changed (existing: change)".to_owned()
            }
            (Origin::Existing, None) => {
                let why = if was_rolled_back {
                    "it was rolled back, so it counts as existing"
                } else {
                    "the cluster existed before fargaze"
                };
                let reason = format!(
                    "{why}; existing clusters are only reported (existing: report); its policy is {policy}"
                );
                return self.step(Action::Report, reason);
            }
        };
        match &self.now {
            Ok(from) => {
                let from = from.clone();
                self.step(Action::Set { from, to }, format!("{why}; its policy is {policy}"))
            }
            Err(fault) => self.unknown(fault),
        }
    }

    /// The step if fargaze backs off from changing it.
    pub(in crate::reconcile) fn backed_off(&self) -> Option<Step> {
        let (action, reason) = back_off(self.whole.log, self.aspect, &self.policy.desired)?;
        Some(self.step(action, reason))
    }
}

/// Why fargaze backs off: it was rolled back, others reverted it twice, or the service failed
/// twice.
fn back_off(log: &SubjectLog, aspect: Aspect, desired: &Desired) -> Option<(Action, String)> {
    let policy = desired.to_string();
    let of_aspect = log.aspect(aspect)?;
    let changes = &of_aspect.changes;
    let was_rolled_back =
        |change: &Change| change.state == ChangeState::RolledBack && change.policy == policy;
    if of_aspect.newest().is_some_and(was_rolled_back) {
        let reason = format!(
            "it was rolled back; fargaze will not set it again until the policy changes from {policy}"
        );
        return Some((Action::Leave, reason));
    }
    let failures = in_a_row(changes, &policy, |change| change.failure.is_some()).count();
    if let Some(why) = changes.iter().rev().find_map(|change| change.failure.as_ref())
        && failures >= PATIENCE
    {
        let service = aspect.kind().service();
        let reason = format!(
            "{service} failed to apply it {failures} times for the policy {policy} ({why}); fargaze will not retry until \
             the policy changes"
        );
        return Some((Action::Report, reason));
    }
    let made: Vec<&Change> = in_a_row(changes, &policy, |change| change.state == ChangeState::Done).collect();
    let oldest = made.last().filter(|_| made.len() >= PATIENCE)?;
    let mut by = reverted_by(log, aspect, desired, oldest.made);
    if by.is_empty() {
        by.push(unnamed(aspect).to_owned());
    }
    let reason = format!(
        "fargaze set it {} times for the policy {policy}, and each time it was reverted; fargaze will not retry until \
         the policy changes",
        made.len()
    );
    Some((Action::Conflict { by }, reason))
}

/// Who reverted Container Insights of a cluster that now has this level, if there is a conflict.
/// Uses the policy of the newest change, for callers that do not know the current policy.
pub fn conflict_over(level: InsightsLevel, log: &SubjectLog) -> Option<Vec<String>> {
    let aspect = Aspect::ContainerInsights;
    let desired: Desired = log.aspect(aspect)?.newest()?.policy.parse().ok()?;
    desired.wanted(&Value::Level(level))?;
    match back_off(log, aspect, &desired)?.0 {
        Action::Conflict { by } => Some(by),
        _ => None,
    }
}
