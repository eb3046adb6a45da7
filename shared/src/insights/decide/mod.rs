//! The one decision: what to do about a cluster, and why.

#[cfg(test)]
mod tests;

use super::ledger::second_of;
use super::{
    AccountDefaultWish, Change, ChangeState, ClusterLedger, ExistingClusters, InsightsLevel, ObservedCluster,
    Wish, Wished, opts_out,
};

/// Times that a change may be put back before we stop.
const PATIENCE: usize = 2;

/// How we know a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquaintance {
    /// It is new: an event reports its creation, and nothing says that it was there before; or the last sweep did not
    /// see it.
    New,
    /// It was there before.
    Existing,
}

impl Acquaintance {
    /// `heard`: whether an event of its creation came. `seen`: whether the last sweep saw it; none if there was no sweep
    /// yet, for then every cluster was there before.
    pub fn of(heard: bool, seen: Option<bool>) -> Self {
        if heard || seen == Some(false) { Self::New } else { Self::Existing }
    }
}

/// What is known of a cluster's past.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// How we know it.
    pub acquaintance: Acquaintance,
    /// What we did to it, after [`ClusterLedger::settle`].
    pub ledger: &'a ClusterLedger,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Set this level.
    Set(InsightsLevel),
    /// Nothing: it is as wished.
    Right,
    /// Tell that it is not as wished, and leave it.
    Report,
    /// Leave it, and do not speak of it.
    Leave,
    /// Leave it until ECS has made it.
    NotYet,
    /// What we set was put back twice: tell it, and leave it until the wish changes.
    Fight {
        /// Who put it back; somebody unknown if no event told.
        by: Vec<String>,
    },
}

/// What to do about one cluster, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// Why, in words that follow the name of the cluster: `it is new, and ...`.
    pub reason: String,
}

impl Decision {
    fn new(action: Action, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into() }
    }
}

/// The one decision of event path, sweep and dry run. It lowers a setting only for an exact wish, and once what it says
/// is done, it says nothing more.
pub fn decide(wished: &Wished, observed: &ObservedCluster, history: &History<'_>) -> Decision {
    let History { acquaintance, ledger } = history;
    let (wish, level) = (wished.wish, observed.level);
    if observed.status != "ACTIVE" {
        let was_there = *acquaintance == Acquaintance::Existing && observed.is_occupied();
        let is_unfinished = observed.is_unfinished() && !was_there;
        let action = if is_unfinished { Action::NotYet } else { Action::Leave };
        return Decision::new(action, format!("its status is {}", observed.status));
    }
    if opts_out(&observed.tags) {
        return Decision::new(Action::Leave, "its tag fargaze = hands-off says so");
    }
    let Some(wanted) = wish.wanted() else {
        let action = if wish == Wish::HandsOff { Action::Leave } else { Action::Right };
        return Decision::new(action, format!("its wish is {wished}"));
    };
    if wish.is_met_by(level) {
        return Decision::new(Action::Right, format!("it is {level}, and its wish is {wished}"));
    }
    let text = wish.to_string();
    if let Some(decision) = stand_back(&text, ledger, |level| !wish.is_met_by(level)) {
        return decision;
    }
    let made_before = ledger.changes.iter().rev().find(|change| change.state == ChangeState::Done);
    let why = match (acquaintance, made_before) {
        (_, Some(change)) if change.wish == text => {
            let who = ledger
                .put_back
                .iter()
                .rev()
                .find(|p| p.time >= second_of(change.made) && !wish.is_met_by(p.level));
            let by = who.map(|put_back| format!(" by {}", put_back.by)).unwrap_or_default();
            format!("fargaze set it before, and it was put back{by}")
        }
        (_, Some(_)) => "fargaze set it before, for another wish".to_owned(),
        (Acquaintance::New, None) => "it is new".to_owned(),
        (Acquaintance::Existing, None) if wished.existing == ExistingClusters::Change => {
            "clusters that were there before are changed (existing: change)".to_owned()
        }
        (Acquaintance::Existing, None) => return report(wished, ledger),
    };
    // Above what is wished there is nothing to set, so a wish for at least some level can only raise.
    Decision::new(Action::Set(wanted), format!("{why}; its wish is {wished}"))
}

/// The same for the account's default in a Region: raised if it is wished, and never lowered.
pub fn decide_account_default(
    wish: AccountDefaultWish,
    observed: InsightsLevel,
    ledger: &ClusterLedger,
) -> Decision {
    let AccountDefaultWish::AtLeast(wanted) = wish else {
        return Decision::new(Action::Leave, "fargaze leaves it (account-default: leave)");
    };
    if observed >= wanted {
        return Decision::new(Action::Right, format!("it is {observed}, and account-default is {wish}"));
    }
    let text = wish.to_string();
    stand_back(&text, ledger, |level| level < wanted)
        .unwrap_or_else(|| Decision::new(Action::Set(wanted), format!("account-default is {wish}")))
}

/// Reasons to keep away from what is not as wished: a restore put it back, or others did, twice.
fn stand_back(
    wish: &str,
    ledger: &ClusterLedger,
    is_low: impl Fn(InsightsLevel) -> bool,
) -> Option<Decision> {
    let restored = |change: &Change| change.state == ChangeState::Restored && change.wish == wish;
    if ledger.newest().is_some_and(restored) {
        let reason = format!("a restore put it back; it stays so until its wish is another than {wish}");
        return Some(Decision::new(Action::Leave, reason));
    }
    let made: Vec<&Change> = ledger.made_for(wish).collect();
    let oldest = made.last().filter(|_| made.len() >= PATIENCE)?;
    let mut by: Vec<String> = Vec::new();
    for put_back in ledger.put_back.iter().filter(|p| p.time >= second_of(oldest.made) && is_low(p.level)) {
        if !by.contains(&put_back.by) {
            by.push(put_back.by.clone());
        }
    }
    if by.is_empty() {
        by.push("somebody whose event did not arrive".to_owned());
    }
    let reason = format!(
        "fargaze set it {} times for the wish {wish}, and each time it was put back; fargaze leaves it until its wish is \
         another",
        made.len()
    );
    Some(Decision::new(Action::Fight { by }, reason))
}

/// Who is in a fight over a subject that now has the level `observed`, by the wish of its newest change; for those who do
/// not know what is wished now.
pub fn fight_over(observed: InsightsLevel, ledger: &ClusterLedger) -> Option<Vec<String>> {
    let text = &ledger.newest()?.wish;
    let wish: Wish = text.parse().ok()?;
    let decision =
        stand_back(text, ledger, |level| !wish.is_met_by(level)).filter(|_| !wish.is_met_by(observed));
    match decision?.action {
        Action::Fight { by } => Some(by),
        Action::Set(_) | Action::Right | Action::Report | Action::Leave | Action::NotYet => None,
    }
}

fn report(wished: &Wished, ledger: &ClusterLedger) -> Decision {
    let restored = ledger.changes.iter().any(|change| change.state == ChangeState::Restored);
    let why = if restored { "a restore put it back" } else { "it was there before fargaze" };
    Decision::new(
        Action::Report,
        format!("{why}, and such clusters are only reported (existing: report); its wish is {wished}"),
    )
}
