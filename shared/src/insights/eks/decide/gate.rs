//! Whether what is not as wished is changed.

use super::super::super::{Acquaintance, ChangeState, ExistingClusters};
use super::{Case, EksAction, EksAspect, EksState, EksStep};
use crate::insights::eks::EksChange;
use crate::insights::eks::ledger::unnamed;

/// Times that a change may be undone, or fail at EKS, before we stop.
const PATIENCE: usize = 2;

impl Case<'_> {
    /// What to do about an aspect that is to be `to` and is not: change it, unless the past or the user says otherwise.
    pub(super) fn change(&self, aspect: EksAspect, to: EksState) -> EksStep {
        if let Some(step) = self.stand_back(aspect) {
            return step;
        }
        let placed = self.wished.placed(aspect);
        let text = self.wished.wishes.text(aspect);
        let changes = self.changes(aspect);
        let made_before = changes.iter().rev().find(|change| change.state == ChangeState::Done);
        let why = match (self.history.acquaintance, made_before) {
            (_, Some(change)) if change.wish == text => {
                let by = self.history.ledger.reverted_by(aspect, change.time);
                let by = by.last().map(|by| format!(" by {by}")).unwrap_or_default();
                format!("fargaze set it before, and it was undone{by}")
            }
            (_, Some(_)) => "fargaze set it before, for another wish".to_owned(),
            (Acquaintance::New, None) => "the cluster is new".to_owned(),
            (Acquaintance::Existing, None) if self.wished.existing == ExistingClusters::Change => {
                "clusters that were there before are changed (existing: change)".to_owned()
            }
            (Acquaintance::Existing, None) => {
                let restored = changes.iter().any(|change| change.state == ChangeState::Restored);
                let why =
                    if restored { "a restore put it back" } else { "the cluster was there before fargaze" };
                let reason = format!(
                    "{why}, and such clusters are only reported (existing: report); its wish is {placed}"
                );
                return EksStep::new(aspect, EksAction::Report, reason);
            }
        };
        match self.observed.state(aspect) {
            Ok(from) => {
                EksStep::new(aspect, EksAction::Set { from, to }, format!("{why}; its wish is {placed}"))
            }
            Err(fault) => EksStep::unknown(aspect, fault),
        }
    }

    /// Reasons to keep away: a restore put it back, others undid it twice, or EKS failed at it twice.
    fn stand_back(&self, aspect: EksAspect) -> Option<EksStep> {
        let wish = self.wished.wishes.text(aspect);
        let changes = self.changes(aspect);
        let newest = changes.iter().rev().find(|change| change.state != ChangeState::Abandoned);
        if newest.is_some_and(|change| change.state == ChangeState::Restored && change.wish == wish) {
            let reason = format!("a restore put it back; it stays so until its wish is another than {wish}");
            return Some(EksStep::new(aspect, EksAction::Leave, reason));
        }
        let failures = in_a_row(changes, &wish, |change| change.failure.is_some()).count();
        if let Some(why) = changes.iter().rev().find_map(|change| change.failure.as_ref())
            && failures >= PATIENCE
        {
            let reason = format!(
                "EKS failed at it {failures} times for the wish {wish} ({why}); fargaze leaves it until its wish is another"
            );
            return Some(EksStep::new(aspect, EksAction::Report, reason));
        }
        let made: Vec<&EksChange> =
            in_a_row(changes, &wish, |change| change.state == ChangeState::Done).collect();
        let oldest = made.last().filter(|_| made.len() >= PATIENCE)?;
        let mut by = self.history.ledger.reverted_by(aspect, oldest.time);
        if by.is_empty() {
            by.push(unnamed(aspect).to_owned());
        }
        let reason = format!(
            "fargaze set it {} times for the wish {wish}, and each time it was undone; fargaze leaves it until its \
             wish is another",
            made.len()
        );
        Some(EksStep::new(aspect, EksAction::Fight { by }, reason))
    }
}

/// The newest changes in a row that are so and were made for this wish, the newest first. The row begins anew with a
/// success that is not so, with a change for another wish, and with a restore; what never reached EKS does not count.
fn in_a_row<'a>(
    changes: &'a [EksChange],
    wish: &'a str,
    is_so: impl Fn(&EksChange) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'a EksChange> {
    let counts = move |change: &&EksChange| {
        matches!(change.state, ChangeState::Done | ChangeState::Restored) || is_so(change)
    };
    let ended = changes.iter().rev().filter(counts);
    ended.take_while(move |change| change.wish == wish && is_so(change))
}
