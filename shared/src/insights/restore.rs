//! Undoing what we did, and nothing else.

use jiff::Timestamp;

use super::{ClusterLedger, InsightsLevel};

/// What a restore does with one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreStep {
    /// Put it back to this level and mark the changes as restored ([`ClusterLedger::mark_restored`]). If it has that level
    /// already, an earlier attempt came to its end between the two, or somebody put it back: only the mark is missing.
    PutBack {
        /// The level before our changes.
        to: InsightsLevel,
    },
    /// Leave it, and say why: somebody changed it since.
    Skip(String),
    /// We changed nothing there.
    Nothing,
}

/// What a restore does with a subject that now has the level `observed`, given its ledger after
/// [`ClusterLedger::settle`]. With `since`, only changes made at or after it are undone.
///
/// The level to go back to is the one that our changes found: that of the newest change and, as long as a change found
/// what the change before it had made, that of the one before. So a level that its owner chose between two changes of
/// ours comes back, and not the one before that.
pub fn restore_step(
    observed: InsightsLevel,
    ledger: &ClusterLedger,
    since: Option<Timestamp>,
) -> RestoreStep {
    let mut made = ledger.changes.iter().rev().filter(|change| change.is_done_since(since));
    let Some(newest) = made.next() else { return RestoreStep::Nothing };
    let to = made
        .try_fold(newest.from, |found, before| if before.to == found { Ok(before.from) } else { Err(found) });
    let (Ok(to) | Err(to)) = to;
    if observed == to || observed == newest.to {
        return RestoreStep::PutBack { to };
    }
    RestoreStep::Skip(format!("fargaze set it to {}, and somebody set it to {observed} since", newest.to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{at, change, ledger, ledger_of, level};
    use super::*;
    use crate::insights::InsightsLevel::{Disabled, Enabled, Enhanced};
    use crate::insights::{ChangeState, Wish};

    /// A history of changes that are done, one a minute.
    fn history(levels: &[(InsightsLevel, InsightsLevel)]) -> ClusterLedger {
        let changes = (1_i64..).zip(levels);
        let changes = changes.map(|(n, &pair)| change(n, pair, Wish::AtLeastEnabled, ChangeState::Done));
        ledger_of(changes)
    }

    #[test]
    fn a_restore_goes_back_to_what_our_changes_found() {
        let back = |to| RestoreStep::PutBack { to };
        let once: &[_] = &[(Disabled, Enabled)];
        let twice: &[_] = &[(Disabled, Enabled), (Disabled, Enabled)];
        let further: &[_] = &[(Disabled, Enabled), (Enabled, Enhanced)];
        let owner_between: &[_] = &[(Disabled, Enabled), (Enhanced, Enabled)];
        for (levels, observed, since, step) in [
            (once, Enabled, None, back(Disabled)),
            (twice, Enabled, None, back(Disabled)),
            (further, Enhanced, None, back(Disabled)),
            (further, Enhanced, Some(2), back(Enabled)),
            (owner_between, Enabled, None, back(Enhanced)),
            // An attempt that was killed between the change and the mark, and an owner who was faster.
            (once, Disabled, None, back(Disabled)),
            (once, Enabled, Some(2), RestoreStep::Nothing),
            (&[], Enabled, None, RestoreStep::Nothing),
        ] {
            let found = restore_step(observed, &history(levels), since.map(at));
            assert_eq!(found, step, "{levels:?}, now {observed}");
        }
    }

    #[test]
    fn what_somebody_changed_since_is_skipped_with_the_reason() {
        let step = restore_step(Enhanced, &history(&[(Disabled, Enabled)]), None);
        let why = "fargaze set it to enabled, and somebody set it to enhanced since";
        assert_eq!(step, RestoreStep::Skip(why.to_owned()));
    }

    #[test]
    fn what_was_only_planned_or_is_restored_is_not_undone() {
        for state in [ChangeState::Planned, ChangeState::Abandoned, ChangeState::Restored] {
            let mut history = history(&[(Disabled, Enabled)]);
            history.changes[0].state = state;
            assert_eq!(restore_step(Enabled, &history, None), RestoreStep::Nothing);
        }
    }

    proptest! {
        #[test]
        fn restoring_twice_does_nothing_more(mut ledger in ledger(), observed in level()) {
            if let RestoreStep::PutBack { to } = restore_step(observed, &ledger, None) {
                // Killed before the mark, it comes to the same end; after the mark there is nothing to do.
                prop_assert_eq!(restore_step(to, &ledger, None), RestoreStep::PutBack { to });
                ledger.mark_restored(None);
                prop_assert_eq!(restore_step(to, &ledger, None), RestoreStep::Nothing);
            }
        }

        #[test]
        fn a_restore_only_touches_what_is_as_we_left_it_or_where_it_was(ledger in ledger(), observed in level()) {
            let made: Vec<_> = ledger.changes.iter().filter(|change| change.is_done_since(None)).collect();
            match (restore_step(observed, &ledger, None), made.last()) {
                (RestoreStep::Nothing, None) => {}
                (RestoreStep::PutBack { to }, Some(newest)) => {
                    prop_assert!(observed == newest.to || observed == to);
                    prop_assert!(made.iter().any(|change| change.from == to));
                }
                (RestoreStep::Skip(_), Some(newest)) => prop_assert_ne!(observed, newest.to),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
