//! The ledger: what we changed, and who put it back.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::InsightsLevel;
use crate::cluster::{BadName, ClusterName};

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerSubject {
    /// The setting of a cluster.
    Cluster(ClusterName),
    /// The account's default in a Region.
    AccountDefault,
}

impl LedgerSubject {
    /// The cluster, if it is one.
    pub fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::Cluster(name) => Some(name),
            Self::AccountDefault => None,
        }
    }
}

/// How the ledger spells the account default; no cluster can have that name.
const ACCOUNT_DEFAULT: &str = "@account-default";

impl fmt::Display for LedgerSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => name.fmt(f),
            Self::AccountDefault => f.pad(ACCOUNT_DEFAULT),
        }
    }
}

impl FromStr for LedgerSubject {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text == ACCOUNT_DEFAULT { Ok(Self::AccountDefault) } else { text.parse().map(Self::Cluster) }
    }
}

/// How far a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeState {
    /// About to be made. Written first, so that no change is without its entry, whatever fails after.
    Planned,
    /// Made and read back.
    Done,
    /// Planned and never applied.
    Abandoned,
    /// Made, and put back by a restore.
    Restored,
}

impl ChangeState {
    /// The ledger's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
            Self::Restored => "restored",
        }
    }
}

impl FromStr for ChangeState {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let all = [Self::Planned, Self::Done, Self::Abandoned, Self::Restored];
        all.into_iter().find(|state| state.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "state of a change",
            expected: "planned, done, abandoned or restored",
        })
    }
}

/// A change of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was changed.
    pub subject: LedgerSubject,
    /// Which of its subject's changes it is, from 1: no two can be written as the same one.
    pub number: u32,
    /// Time of the event, or of the run. An event may be late, and tell of an earlier cluster of the name.
    pub time: Timestamp,
    /// When it was made, by our own clock: what came before and after is judged by this.
    pub made: Timestamp,
    /// Id of the event, or of the run; see [`ClusterLedger::cause_for`].
    pub cause: String,
    /// Level before.
    pub from: InsightsLevel,
    /// Level after.
    pub to: InsightsLevel,
    /// Text of the wish that it was made for.
    pub wish: String,
    /// Why, in words.
    pub reason: String,
    /// ECS's id of the request that made it, as CloudTrail has it.
    pub request_id: Option<String>,
    /// How far it has come.
    pub state: ChangeState,
}

/// Somebody else set a cluster that we had changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// When, by CloudTrail.
    pub time: Timestamp,
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// ARN or name of who did it.
    pub by: String,
    /// The level that was set.
    pub level: InsightsLevel,
}

/// What the ledger has about one subject, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterLedger {
    /// Our changes.
    pub changes: Vec<Change>,
    /// What others did, as far as events told it. An event may be missing here: nothing is counted by these.
    pub put_back: Vec<PutBack>,
    /// The highest number of a change, also of those that were forgotten.
    pub numbered: u32,
}

/// How long a planned change may be under way in another invocation, which waits for its turn in ECS's quota and may
/// try several times. After that its function is dead.
pub const UNDER_WAY: SignedDuration = SignedDuration::from_secs(60);

/// Who looks at a subject: what it began itself is not under way elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looker<'a> {
    /// Id of the event or run.
    pub cause: &'a str,
    /// The time of day.
    pub now: Timestamp,
}

/// The ledger of an account and Region.
pub type Ledger = BTreeMap<LedgerSubject, ClusterLedger>;

impl ClusterLedger {
    /// Ends what was begun: a planned change was done if the subject now has its level, and never applied if not,
    /// unless it is under way in another invocation. Of several that were planned at once one can have done it; the
    /// newest gets the credit. Gives those whose state changed.
    pub fn settle(&mut self, observed: InsightsLevel, looker: Looker<'_>) -> Vec<Change> {
        let mut open = true;
        let planned = self.changes.iter_mut().rev().filter(|change| change.state == ChangeState::Planned);
        let ended = planned.filter(|change| change.to == observed || !change.is_under_way(looker));
        let mut settled: Vec<Change> = ended
            .map(|change| {
                let done = change.to == observed && std::mem::take(&mut open);
                change.state = if done { ChangeState::Done } else { ChangeState::Abandoned };
                change.clone()
            })
            .collect();
        settled.reverse();
        settled
    }

    /// Forgets what is older than the creation of the cluster: it was about another cluster of the same name.
    pub fn forget_before(&mut self, created: Timestamp) {
        self.changes.retain(|change| change.made >= created);
        self.put_back.retain(|put_back| put_back.time >= created);
    }

    /// The cause to write for a change that the event or run `id` brings: `id` itself, and `id+2`, `id+3` if it brought
    /// one already, as an event does that is delivered again after its change was put back. A change that was planned and
    /// not made gives its place to the next attempt, so that a retry makes no second entry.
    pub fn cause_for(&self, id: &str) -> String {
        let taken = |cause: &str| {
            let same = self.changes.iter().filter(|change| change.cause == cause);
            same.into_iter().any(|change| matches!(change.state, ChangeState::Done | ChangeState::Restored))
        };
        let mut cause = id.to_owned();
        let mut n = 1;
        while taken(&cause) {
            n += 1;
            cause = format!("{id}+{n}");
        }
        cause
    }

    /// The change that another invocation makes right now, if there is one.
    pub fn under_way(&self, looker: Looker<'_>) -> Option<&Change> {
        let planned = self.changes.iter().filter(|change| change.state == ChangeState::Planned);
        planned.into_iter().find(|change| change.is_under_way(looker))
    }

    /// The number of a change of this cause: its own if it was planned before, and else the next one, which another
    /// invocation may take at the same time: so it is written on the condition that nobody did.
    pub fn number_for(&self, cause: &str) -> u32 {
        let attempt = self.changes.iter().find(|change| change.cause == cause);
        attempt.map_or(self.numbered + 1, |attempt| attempt.number)
    }

    /// Adds a change, or writes over the one of its number; keeps them in the order in which they were made, however
    /// late their events came.
    pub fn put(&mut self, change: Change) {
        self.numbered = self.numbered.max(change.number);
        self.changes.retain(|other| other.number != change.number);
        self.changes.push(change);
        self.changes.sort_by_key(|change| change.made);
    }

    /// Marks as restored the changes that were made at or after `since`, and gives them.
    pub fn mark_restored(&mut self, since: Option<Timestamp>) -> Vec<Change> {
        let made = self.changes.iter_mut().filter(|change| change.is_done_since(since));
        made.map(|change| {
            change.state = ChangeState::Restored;
            change.clone()
        })
        .collect()
    }

    /// The newest change that was not abandoned.
    pub(super) fn newest(&self) -> Option<&Change> {
        self.changes.iter().rev().find(|change| change.state != ChangeState::Abandoned)
    }

    /// The newest changes in a row that were made for the same wish, the newest first. The row begins anew with each
    /// change for another wish and with each restore.
    pub(super) fn made_for<'a>(&'a self, wish: &'a str) -> impl Iterator<Item = &'a Change> {
        let settled = self
            .changes
            .iter()
            .rev()
            .filter(|change| matches!(change.state, ChangeState::Done | ChangeState::Restored));
        settled.take_while(move |change| change.state == ChangeState::Done && change.wish == wish)
    }
}

/// The second that a time is in: CloudTrail gives whole seconds, so what came after it may seem to be before.
pub(super) fn second_of(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

impl Change {
    /// Whether another invocation may be making it.
    fn is_under_way(&self, looker: Looker<'_>) -> bool {
        let is_own = self.cause.split('+').next() == Some(looker.cause);
        !is_own && looker.now.duration_since(self.made) < UNDER_WAY
    }

    /// Whether it is done and was made at or after `since`.
    pub(super) fn is_done_since(&self, since: Option<Timestamp>) -> bool {
        self.state == ChangeState::Done && since.is_none_or(|since| self.made >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, change, later, ledger_of, put_back};
    use super::*;
    use crate::insights::Wish;

    const RAISED: (InsightsLevel, InsightsLevel) = (InsightsLevel::Disabled, InsightsLevel::Enabled);

    fn ledger(states: &[ChangeState]) -> ClusterLedger {
        let changes = (1_i64..).zip(states);
        let changes = changes.map(|(n, &state)| change(n, RAISED, Wish::AtLeastEnabled, state));
        ledger_of(changes)
    }

    fn states(ledger: &ClusterLedger) -> Vec<&'static str> {
        ledger.changes.iter().map(|change| change.state.as_str()).collect()
    }

    #[test]
    fn a_planned_change_was_made_if_the_cluster_has_its_level() {
        let mut applied = ledger(&[ChangeState::Planned]);
        let settled = applied.settle(InsightsLevel::Enabled, later());
        assert_eq!((states(&applied), settled.len()), (vec!["done"], 1));
        let mut lost = ledger(&[ChangeState::Done, ChangeState::Planned]);
        assert_eq!(lost.settle(InsightsLevel::Disabled, later()), lost.changes[1..]);
        assert_eq!(states(&lost), ["done", "abandoned"]);
        assert!(lost.settle(InsightsLevel::Enabled, later()).is_empty(), "what is settled stays so");
    }

    #[test]
    fn of_several_planned_changes_one_can_have_been_made() {
        let mut ledger = ledger(&[ChangeState::Planned, ChangeState::Planned]);
        assert_eq!(ledger.settle(InsightsLevel::Enabled, later()).len(), 2);
        assert_eq!(states(&ledger), ["abandoned", "done"]);
    }

    /// Issue 13, point 1: of two invocations at the same time one makes the change, and the other leaves it to that one.
    #[test]
    fn what_another_invocation_makes_right_now_is_left_to_it() {
        let mut ledger = ledger(&[ChangeState::Planned]);
        let looker = |cause, seconds| Looker { cause, now: at(1) + SignedDuration::from_secs(seconds) };
        let (other, own) = (looker("event-9", 59), looker("event-1", 59));
        assert!(ledger.under_way(other).is_some() && ledger.under_way(own).is_none());
        assert!(ledger.under_way(looker("event-9", 60)).is_none(), "its function is dead");
        assert_eq!(ledger.settle(InsightsLevel::Disabled, other), [], "it may still be applied");
        assert_eq!((ledger.number_for("event-9"), ledger.number_for("event-1")), (2, 1));
        let mut seen = ledger.clone();
        assert_eq!(seen.settle(InsightsLevel::Enabled, other).len(), 1, "it is applied");
        assert_eq!(ledger.settle(InsightsLevel::Disabled, own).len(), 1);
        assert_eq!(states(&ledger), ["abandoned"]);
        ledger.forget_before(at(5));
        assert_eq!((ledger.changes.len(), ledger.number_for("event-1")), (0, 2), "no number twice");
    }

    #[test]
    fn an_event_that_brings_a_second_change_does_not_overwrite_the_first() {
        let mut ledger = ledger(&[ChangeState::Done]);
        assert_eq!(ledger.cause_for("event-1"), "event-1+2");
        assert_eq!(ledger.cause_for("event-2"), "event-2");
        ledger.changes[0].state = ChangeState::Abandoned;
        assert_eq!(ledger.cause_for("event-1"), "event-1", "a retry writes over what was never made");
        ledger.changes[0].state = ChangeState::Restored;
        ledger.changes.push(Change { cause: "event-1+2".to_owned(), ..ledger.changes[0].clone() });
        assert_eq!(ledger.cause_for("event-1"), "event-1+3");
    }

    /// Issue 13, point 1: late deliveries do not turn the order of changes around, by which those in a row are counted,
    /// and what was made for them is of the cluster that was there when it was made.
    #[test]
    fn a_change_for_a_late_event_stands_where_it_was_made() {
        let mut ledger = ledger(&[ChangeState::Done, ChangeState::Abandoned]);
        let late = Change { time: at(0), ..change(3, RAISED, Wish::AtLeastEnabled, ChangeState::Planned) };
        ledger.put(late.clone());
        let again = Change { state: ChangeState::Done, made: at(4), ..late };
        ledger.put(again.clone());
        assert_eq!((ledger.changes.len(), ledger.changes.last()), (3, Some(&again)), "a second attempt");
        // The cluster that the event was about was deleted before.
        ledger.forget_before(at(3));
        assert_eq!(ledger.changes, [again]);
        assert_eq!(ledger.mark_restored(Some(at(4))).len(), 1, "it was made since");
    }

    #[test]
    fn what_is_older_than_the_cluster_is_about_another_one() {
        let mut ledger = ledger(&[ChangeState::Done, ChangeState::Done]);
        ledger.put_back = vec![put_back(1, "a"), put_back(3, "b")];
        ledger.forget_before(at(2));
        assert_eq!((ledger.changes.len(), ledger.put_back.len()), (1, 1));
        assert_eq!(ledger.changes[0].cause, "event-2");
    }

    #[test]
    fn a_restore_marks_what_was_made_since() {
        let mut ledger = ledger(&[ChangeState::Done, ChangeState::Abandoned, ChangeState::Done]);
        assert_eq!(ledger.clone().mark_restored(None).len(), 2);
        assert_eq!(ledger.mark_restored(Some(at(3))), ledger.changes[2..]);
        assert_eq!(states(&ledger), ["done", "abandoned", "restored"]);
    }

    #[test]
    fn a_row_of_changes_ends_at_another_wish_and_at_a_restore() {
        let mut ledger = ledger(&[ChangeState::Done; 4]);
        let text = Wish::AtLeastEnabled.to_string();
        assert_eq!(ledger.made_for(&text).count(), 4);
        ledger.changes[2].state = ChangeState::Abandoned;
        assert_eq!(ledger.made_for(&text).count(), 3);
        ledger.changes[1].state = ChangeState::Restored;
        assert_eq!(ledger.made_for(&text).count(), 1);
        ledger.changes[3].wish = Wish::AtLeastEnhanced.to_string();
        assert_eq!(ledger.made_for(&text).count(), 0);
    }

    #[test]
    fn subjects_and_states_read_what_they_write() {
        for text in ["shop", "@account-default"] {
            assert_eq!(text.parse::<LedgerSubject>().unwrap().to_string(), text);
        }
        assert!("@other".parse::<LedgerSubject>().is_err());
        for text in ["planned", "done", "abandoned", "restored"] {
            assert_eq!(text.parse::<ChangeState>().unwrap().as_str(), text);
        }
        assert!("Done".parse::<ChangeState>().is_err());
    }
}
