//! The ledger of EKS clusters: what we changed, and how far it has come.

mod order;
mod revert;
#[cfg(test)]
mod tests;
mod undo;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::super::ChangeState;
use super::super::ledger::second_of;
use super::{Asked, EksAspect, EksState, ObservedEks, UpdateStatus};
use crate::cluster::{BadName, ClusterName};
use crate::eks::LogType;
use crate::fault::FaultKind;

pub use revert::EksRevert;
pub(super) use revert::unnamed;
pub use undo::{EksUndo, InProgress};

/// What a change is about: one aspect of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EksSubject {
    /// The cluster.
    pub cluster: ClusterName,
    /// The aspect.
    pub aspect: EksAspect,
}

/// `payments/metrics-server`; no ECS cluster can have that name, so a ledger of both can tell them apart.
impl fmt::Display for EksSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.cluster, self.aspect))
    }
}

impl FromStr for EksSubject {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let (cluster, aspect) = text.split_once('/').ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "part of an EKS cluster",
            expected: "CLUSTER/PART, such as payments/metrics-server",
        })?;
        Ok(Self { cluster: cluster.parse()?, aspect: aspect.parse()? })
    }
}

/// A change of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksChange {
    /// What was changed.
    pub subject: EksSubject,
    /// When it was begun; see [`EksSubjectLedger::time_for`].
    pub time: Timestamp,
    /// Id of the event, or of the run; see [`EksSubjectLedger::cause_for`].
    pub cause: String,
    /// What was there before.
    pub from: EksState,
    /// What is there after; exactly that once the change is done.
    pub to: EksState,
    /// Text of the wish that it was made for.
    pub wish: String,
    /// Why, in words.
    pub reason: String,
    /// Id of the request that made it, as CloudTrail has it.
    pub request_id: Option<String>,
    /// How far it has come. One that is planned and accepted is in progress.
    pub state: ChangeState,
    /// EKS has answered that it does it. Without that, what is there may as well be of somebody else.
    pub accepted: bool,
    /// EKS's id of the update to follow, if it gave one.
    pub update_id: Option<String>,
    /// Why EKS could not do what it had accepted, in its words.
    pub failure: Option<String>,
    /// How far EKS has come with undoing it, from before a restore asks for it until it is known to be done.
    pub undo: Option<EksUndo>,
    /// Id of the restore that put it back or asks for it.
    pub restored_by: Option<String>,
}

/// An item of the ledger that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("attribute `{attribute}`: {why}")]
pub struct BadEksChange {
    /// Name of the attribute.
    pub attribute: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl EksChange {
    /// What EKS works on, as far as we know: the change, or undoing it.
    pub fn in_progress(&self) -> Option<InProgress<'_>> {
        match (self.state, &self.undo) {
            (ChangeState::Planned, _) if self.accepted => {
                Some(InProgress { since: self.time, update_id: self.update_id.as_deref() })
            }
            (ChangeState::Restored, Some(EksUndo::InProgress { since, update_id })) => {
                Some(InProgress { since: *since, update_id: update_id.as_deref() })
            }
            _ => None,
        }
    }

    /// A text of 32 characters that is the same for each attempt at this change: EKS's `clientRequestToken`, by which a
    /// repeated call makes no second change.
    pub fn token(&self) -> String {
        let text = format!("{}#{}#{}", self.subject, self.time, self.cause);
        let fnv = |basis: u64| {
            text.bytes().fold(basis, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        };
        format!("{:016x}{:016x}", fnv(0xcbf2_9ce4_8422_2325), fnv(0x9ae1_6a3b_2f90_404f))
    }

    /// The change as texts by name, for a table. Names and words are those of the changes of ECS clusters.
    pub fn to_attributes(&self) -> BTreeMap<&'static str, String> {
        let json = |state: &EksState| serde_json::json!(state).to_string();
        let fixed = [
            ("subject", self.subject.to_string()),
            ("time", self.time.to_string()),
            ("cause", self.cause.clone()),
            ("setting", self.subject.aspect.to_string()),
            ("from", json(&self.from)),
            ("to", json(&self.to)),
            ("wish", self.wish.clone()),
            ("reason", self.reason.clone()),
            ("state", self.state.as_str().to_owned()),
        ];
        let accepted = self.accepted.then(|| ("accepted", "true".to_owned()));
        let some = [
            ("request_id", &self.request_id),
            ("update_id", &self.update_id),
            ("failure", &self.failure),
            ("restored_by", &self.restored_by),
        ];
        let some = some.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let undo = self.undo.as_ref().map(|undo| ("undo", serde_json::json!(undo).to_string()));
        fixed.into_iter().chain(accepted).chain(some).chain(undo).collect()
    }

    /// Reads what [`Self::to_attributes`] wrote; `get` gives the text of an attribute.
    pub fn from_attributes(get: &dyn Fn(&'static str) -> Option<String>) -> Result<Self, BadEksChange> {
        let need = |attribute| need(get, attribute);
        let state = |attribute| {
            serde_json::from_str(&need(attribute)?)
                .map_err(|error| BadEksChange { attribute, why: error.to_string() })
        };
        Ok(Self {
            subject: parsed("subject", &need("subject")?)?,
            time: parsed("time", &need("time")?)?,
            cause: need("cause")?,
            from: state("from")?,
            to: state("to")?,
            wish: need("wish")?,
            reason: need("reason")?,
            state: parsed("state", &need("state")?)?,
            accepted: get("accepted").is_some(),
            request_id: get("request_id"),
            update_id: get("update_id"),
            failure: get("failure"),
            restored_by: get("restored_by"),
            undo: get("undo")
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|error| BadEksChange { attribute: "undo", why: error.to_string() })?,
        })
    }
}

fn need(
    get: &dyn Fn(&'static str) -> Option<String>,
    attribute: &'static str,
) -> Result<String, BadEksChange> {
    get(attribute).ok_or_else(|| BadEksChange { attribute, why: "is missing".to_owned() })
}

fn parsed<T: FromStr<Err: fmt::Display>>(attribute: &'static str, text: &str) -> Result<T, BadEksChange> {
    text.parse().map_err(|error: T::Err| BadEksChange { attribute, why: error.to_string() })
}

/// What the ledger has about one aspect of one cluster, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EksSubjectLedger {
    /// Our changes.
    pub changes: Vec<EksChange>,
    /// Who took away what they made, as far as events reported it. An event may be missing here: nothing is counted
    /// by these.
    pub reverts: Vec<EksRevert>,
}

/// What the ledger has about one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EksLedger {
    /// By aspect.
    pub aspects: BTreeMap<EksAspect, EksSubjectLedger>,
}

impl EksLedger {
    /// The changes of one aspect; none if there never was one.
    pub fn of(&self, aspect: EksAspect) -> &[EksChange] {
        self.aspects.get(&aspect).map_or(&[], |ledger| &ledger.changes)
    }

    /// Who took away what we had set up since a time, each once, with the call: `alice (DeleteAddon)`. Empty if no
    /// event named anybody.
    pub fn reverted_by(&self, aspect: EksAspect, since: Timestamp) -> Vec<String> {
        let reverts = self.aspects.get(&aspect).into_iter().flat_map(|ledger| &ledger.reverts);
        let mut by = Vec::new();
        for revert in reverts.filter(|revert| revert.time >= second_of(since)) {
            let who = format!("{} ({})", revert.by, revert.call);
            if !by.contains(&who) {
                by.push(who);
            }
        }
        by
    }

    /// Adds a revert; one that is there already is the same event, delivered again.
    pub fn put_revert(&mut self, revert: EksRevert) {
        let reverts = &mut self.aspects.entry(revert.subject.aspect).or_default().reverts;
        if !reverts.contains(&revert) {
            reverts.push(revert);
            reverts.sort_by_key(|revert| revert.time);
        }
    }

    /// Adds a change, or writes over an earlier attempt at the same one; keeps them in the order of their times.
    pub fn put(&mut self, change: EksChange) {
        let changes = &mut self.aspects.entry(change.subject.aspect).or_default().changes;
        changes.retain(|other| (other.time, &other.cause) != (change.time, &change.cause));
        changes.push(change);
        changes.sort_by_key(|change| change.time);
    }

    /// Ids of the updates that are followed: what EKS is to be asked about.
    pub fn followed(&self) -> Vec<&str> {
        let changes = self.aspects.values().flat_map(|ledger| &ledger.changes);
        changes.filter_map(|change| change.in_progress()?.update_id).collect()
    }

    /// Whether EKS works on something, and a message follows all of it already: that of the event or run which brought it.
    /// What the cause that looks now brought itself is not followed yet.
    pub fn is_followed_but_for(&self, cause: &str) -> bool {
        let changes = self.aspects.values().flat_map(|ledger| &ledger.changes);
        let mut open = changes.filter(|change| change.in_progress().is_some()).peekable();
        open.peek().is_some() && open.all(|change| change.cause.split('+').next() != Some(cause))
    }

    /// Forgets what is older than the creation of the cluster: it was about another cluster of the same name.
    pub fn forget_before(&mut self, created: Timestamp) {
        for ledger in self.aspects.values_mut() {
            ledger.changes.retain(|change| change.time >= created);
            ledger.reverts.retain(|revert| revert.time >= created);
        }
    }

    /// Ends what was begun as far as the cluster tells how it ended: done if the cluster now is so, abandoned if EKS
    /// failed or never heard of it. What is not known or still in progress stays planned. Gives those that changed, to be
    /// written.
    pub fn settle(&mut self, observed: &ObservedEks) -> Vec<EksChange> {
        // While the cluster is busy nothing can be said, and once it is being deleted nothing matters.
        if observed.cluster.status != "ACTIVE" {
            return Vec::new();
        }
        let mut settled = Vec::new();
        for ledger in self.aspects.values_mut() {
            let (mut open, mut covered) = (true, false);
            for change in ledger.changes.iter_mut().rev() {
                let has_ended = match change.state {
                    ChangeState::Planned => change.settle(observed, &mut open),
                    ChangeState::Restored => change.settle_undo(observed, covered),
                    ChangeState::Done => change.settle_not_undone(observed, covered),
                    ChangeState::Abandoned => false,
                };
                covered |= change.covers(observed);
                if has_ended {
                    settled.push(change.clone());
                }
            }
        }
        settled
    }
}

impl EksSubjectLedger {
    /// The cause to write for a change that the event or run `id` brings; as of ECS clusters, `id+2` for its second one.
    pub fn cause_for(&self, id: &str) -> String {
        let taken = |cause: &str| {
            let same = self.changes.iter().filter(|change| change.cause == cause);
            // One that EKS failed keeps its place too: the same token would only bring back the failure.
            same.into_iter().any(|change| {
                matches!(change.state, ChangeState::Done | ChangeState::Restored) || change.failure.is_some()
            })
        };
        let numbered = (2_u32..).map(|n| format!("{id}+{n}"));
        std::iter::once(id.to_owned()).chain(numbered).find(|cause| !taken(cause)).unwrap_or_default()
    }

    /// Marks the changes that were made at or after `since` as restored by the restore of that id, and gives them. With `undo`,
    /// it is still to be done or EKS works on it: [`EksLedger::settle`] tells later whether it was.
    pub fn mark_restored(
        &mut self,
        since: Option<Timestamp>,
        restore: &str,
        undo: Option<&EksUndo>,
    ) -> Vec<EksChange> {
        let made = self.changes.iter_mut().filter(|change| change.is_done_since(since));
        made.map(|change| {
            change.state = ChangeState::Restored;
            change.undo = undo.cloned();
            change.restored_by = Some(restore.to_owned());
            change.clone()
        })
        .collect()
    }
}

/// How a change ended.
enum End {
    Open,
    Done,
    Failed(Option<String>),
}

impl EksChange {
    /// Whether it is done and was made at or after `since`.
    pub fn is_done_since(&self, since: Option<Timestamp>) -> bool {
        self.state == ChangeState::Done && since.is_none_or(|since| self.time >= since)
    }

    /// Types of logs that it turned on.
    pub(super) fn turned_on(&self) -> BTreeSet<LogType> {
        match (&self.from, &self.to) {
            (EksState::Logs(from), EksState::Logs(to)) => to - from,
            _ => BTreeSet::new(),
        }
    }

    /// Ends this planned change if it has ended. `open` says whether no newer one was taken for done.
    fn settle(&mut self, observed: &ObservedEks, open: &mut bool) -> bool {
        let Ok(now) = observed.state(self.subject.aspect) else { return false };
        match self.ended(observed, &now) {
            End::Open => false,
            End::Done if std::mem::take(open) => {
                self.state = ChangeState::Done;
                // Only what is still as we made it is ours; its version was EKS's choice.
                if matches!(self.to, EksState::Addon { .. }) && now.fulfils(&self.to) {
                    self.to = now;
                }
                true
            }
            End::Done => self.abandon(None),
            End::Failed(why) => self.abandon(why),
        }
    }

    fn abandon(&mut self, failure: Option<String>) -> bool {
        self.state = ChangeState::Abandoned;
        self.failure = failure;
        true
    }

    fn ended(&self, observed: &ObservedEks, now: &EksState) -> End {
        if let Some(id) = &self.update_id {
            match observed.updates.get(id) {
                Some(Asked::Known(UpdateStatus::Failed(why))) => return End::Failed(Some(why.clone())),
                // Who turned it off again since did so after us.
                Some(Asked::Known(UpdateStatus::Successful)) => return End::Done,
                // EKS keeps updates for a while only.
                Some(Asked::Unread(fault)) if fault.kind == FaultKind::NotFound => {}
                // In progress, or nobody could say.
                _ => return End::Open,
            }
        }
        if let Some(addon) = self.subject.aspect.addon().and_then(|name| observed.addon(name).ok().flatten())
        {
            match addon.status.as_str() {
                "CREATING" | "UPDATING" => return End::Open,
                "CREATE_FAILED" => return End::Failed(Some(addon.issues.join("; "))),
                _ => {}
            }
        }
        // What EKS accepted and is not there was undone before we looked.
        let is_done = now.fulfils(&self.to) || self.accepted && self.update_id.is_none();
        if is_done { End::Done } else { End::Failed(None) }
    }
}
