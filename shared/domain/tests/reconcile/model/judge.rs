//! What the judge of a history knows about the world and fargaze does not.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::events::{ChangeEvent, What};
use fargaze::model::insights::InsightsLevel;
use fargaze::model::run::Platform;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Action, Aspect, Change, ChangeState, FindingResult, RollbackStep, Step, SubjectLog, Value as Setting,
    is_overdue,
};
use jiff::Timestamp;
use serde_json::Value;

use super::origin::Deliveries;
use super::past::{Past, Reverted, is_met};
use super::{Id, Key, World};
use crate::common::{OURS, account, who};

/// Knowledge about the world as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judge {
    pub(super) deliveries: Deliveries,
    /// The history of deleted ECS clusters.
    earlier: BTreeMap<Id, Past>,
    /// Changes that took effect.
    pub(super) made: Vec<Key>,
    /// Checks so far.
    checks: usize,
    /// Events so far, each once.
    pub(super) seen: BTreeSet<&'static str>,
}

impl Judge {
    /// Events in this history.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &'static str> {
        self.seen.iter().copied()
    }

    pub(super) fn checks(&self) -> usize {
        self.checks
    }

    pub(super) fn note(&mut self, what: &'static str) {
        self.seen.insert(what);
    }

    pub(super) fn note_result(&mut self, result: &FindingResult) {
        self.note(match result {
            FindingResult::Set => "set",
            FindingResult::WouldSet => "dry run",
            FindingResult::Waiting => "waits for a later run",
            FindingResult::InProgress => "in progress",
            FindingResult::NotYet => "not yet",
            FindingResult::Overdue => "overdue",
            FindingResult::UnderWay => "under way",
            FindingResult::Unknown(_) => "not known",
            FindingResult::Failed(_) => "failed",
            _ => return,
        });
    }

    /// An ECS cluster is deleted.
    pub(super) fn note_end(&mut self, id: &Id, past: Past) {
        self.earlier.insert(id.clone(), past);
    }

    /// What a new ECS cluster inherits from the previous one of the same name.
    pub(super) fn past_of_the_next(&mut self, id: &Id) -> Past {
        self.earlier.remove(id).map(Past::of_the_next).unwrap_or_default()
    }
}

/// What the call of an event sets or removes, read without fargaze's own reader.
struct Taken {
    id: Id,
    aspect: Aspect,
    to: Option<Setting>,
}

fn taken(detail: &Value) -> Option<Taken> {
    let request = &detail["requestParameters"];
    let of = |platform, name: &Value, aspect, to| {
        let id = Id::cluster(platform, &name.as_str()?.parse().unwrap());
        Some(Taken { id, aspect, to })
    };
    let level = |value: &Value| value.as_str()?.parse::<InsightsLevel>().ok().map(Setting::Level);
    match (detail["eventSource"].as_str()?, detail["eventName"].as_str()?) {
        ("ecs.amazonaws.com", "UpdateCluster" | "UpdateClusterSettings") => {
            let to = level(&request["settings"][0]["value"]);
            of(Platform::Ecs, &request["clusterName"], Aspect::ContainerInsights, to)
        }
        ("ecs.amazonaws.com", "PutAccountSettingDefault") => {
            Some(Taken { id: Id::ACCOUNT, aspect: Aspect::AccountDefault, to: level(&request["value"]) })
        }
        ("eks.amazonaws.com", "DeleteAddon") => {
            let addon = request["addonName"].as_str()?;
            let aspect = Aspect::ALL.into_iter().find(|aspect| aspect.addon() == Some(addon))?;
            of(Platform::Eks, &request["name"], aspect, Some(Setting::Absent))
        }
        ("eks.amazonaws.com", "UpdateClusterConfig") => {
            let mut groups = request["logging"]["clusterLogging"].as_array()?.iter();
            let turns_off = groups.any(|group| group["enabled"] == false);
            of(Platform::Eks, &request["name"], Aspect::ControlPlaneLogs, None).filter(|_| turns_off)
        }
        _ => None,
    }
}

impl World {
    pub(super) fn past(&mut self, id: &Id) -> &mut Past {
        &mut self.resources.get_mut(id).unwrap().past
    }

    /// A message arrives.
    pub(super) fn note_delivery(&mut self, event: &Value) {
        let detail = &event["detail"];
        let is_well = event["account"] == account().as_str() && detail["errorCode"].is_null();
        if !is_well || who(event) == OURS {
            return;
        }
        self.note_birth_or_end(detail);
        let Some(Taken { id, aspect, to }) = taken(detail) else { return };
        let Some(resource) = self.resources.get_mut(&id).filter(|resource| !resource.is_hidden) else {
            return;
        };
        let time: Timestamp = detail["eventTime"].as_str().unwrap().parse().unwrap();
        let by = format!("{} ({})", who(event), detail["eventName"].as_str().unwrap());
        if time >= resource.born || id.platform == Platform::Ecs {
            resource.past.reverts.push(Reverted { aspect, time, by, to });
        }
    }

    /// A message was processed, or failed; `checks` had been made before.
    pub(super) fn judge_delivery(&self, message: &Value, is_done: bool, checks: usize) {
        let is_ours = who(message) == OURS;
        assert!(
            !is_ours || checks == self.judge.checks,
            "a call of fargaze itself is mistaken for another's: {message}"
        );
        let detail = &message["detail"];
        // A deletion is about a different cluster.
        let is_over = detail["eventName"] == "DeleteCluster" && detail["eventSource"] == "ecs.amazonaws.com";
        if !is_done || self.judge.checks == checks || message["rollback"] == true || is_over {
            return;
        }
        let request = &detail["requestParameters"];
        let named = [&message["cluster"], &request["clusterName"], &request["name"]];
        let Some(name) = named.into_iter().find_map(Value::as_str) else { return };
        let is_of_eks = message["platform"] == "eks" || detail["eventSource"] == "eks.amazonaws.com";
        let platform = if is_of_eks { Platform::Eks } else { Platform::Ecs };
        let Ok(name) = name.parse() else { return };
        let id = Id::cluster(platform, &name);
        let since = message["since"].as_str().or(detail["eventTime"].as_str()).unwrap();
        let Some(cluster) = self.resources.get(&id) else { return };
        let is_young = [since.parse().unwrap(), cluster.born]
            .into_iter()
            .all(|begin| self.now().duration_since(begin).as_secs() < 3600);
        // Changes that it began itself. Whoever began another change follows that one.
        let cause = message["cause"].as_str().or(detail["eventID"].as_str()).unwrap();
        let begun = |change: &&Change| {
            change.is_caused_by(cause)
                && change.made >= cluster.born
                && change.in_progress().is_some_and(|work| !is_overdue(Some(work.since), self.now()))
        };
        let of_cluster = self.table.iter().filter(|((of, ..), _)| *of == id).map(|(_, change)| change);
        let is_open = cluster.is_being_made(self.minute) || of_cluster.filter(begun).count() > 0;
        if is_open && !cluster.opts_out() && is_young {
            let marked = format!("\"cluster\":\"{name}\"");
            let is_followed = self.queue.iter().any(|queued| queued.body.contains(&marked));
            assert!(is_followed, "{id} is not checked again while its service works on it: {message}");
        }
    }

    /// The recorded authors of reverts are the true ones.
    pub(super) fn judge_reading(written: &Value, event: &ChangeEvent) {
        let detail = &written["detail"];
        assert_eq!((&event.by[..], event.call), (who(written), detail["eventName"].as_str().unwrap()));
        assert!(detail["errorCode"].is_null(), "it failed: {written}");
        assert_eq!(detail["eventTime"], event.time.to_string());
        match (&event.what, taken(detail)) {
            (What::Changed { aspect, to }, Some(taken)) => {
                let Id { platform, subject } = taken.id;
                assert_eq!((*aspect, to), (Some(taken.aspect), &taken.to), "{written}");
                assert_eq!((event.platform, &event.subject), (platform, &subject), "{written}");
            }
            (What::Changed { aspect, .. }, None) => assert_eq!(*aspect, None, "{written}"),
            (What::Created { .. }, _) => assert_eq!(event.call, "CreateCluster"),
            (What::Deleted, _) => assert_eq!(event.call, "DeleteCluster"),
        }
    }

    /// A decision, before any of it is carried out.
    pub(super) fn judge_steps(&mut self, id: &Id, steps: &[Step], log: &SubjectLog) {
        self.judge.checks += 1;
        for Step { aspect, action, reason, .. } in steps {
            self.judge_origin(id, reason);
            let Some(aspect) = *aspect else {
                self.judge_whole(id, action, reason);
                continue;
            };
            let desired = self.desired(id, aspect);
            let resource = &self.resources[id];
            let past = &resource.past;
            let says = |words: &str| reason.contains(words);
            if says("fargaze set it") {
                let is_of_earlier = id.is_ecs_cluster() && !self.is_known_to_be_another(id);
                assert!(
                    past.wanted.contains(&aspect) || is_of_earlier,
                    "{aspect} of an earlier {id}: {reason}"
                );
            }
            if says("it was rolled back") {
                let of_aspect = past.rolled_back.iter().any(|(of, _)| *of == aspect);
                assert!(of_aspect, "{aspect} of an earlier {id}: {reason}");
                let policy = (aspect, desired.to_string());
                let is_left = *action == Action::Leave;
                assert!(!is_left || past.rolled_back.contains(&policy), "{aspect} of {id}: {reason}");
            }
            match action {
                Action::Comply => {
                    let is_met = is_met(&desired, &resource.value(aspect));
                    assert!(is_met, "{aspect} of {id} is said to comply: {reason}");
                }
                Action::Conflict { by } => {
                    let deleted = self.life(id).deleted.unwrap_or(Timestamp::MIN);
                    let times = past.reverted_by_others(aspect, &desired, deleted);
                    assert!(times >= 2, "{aspect} of {id} was reverted {times} times: {reason}");
                    assert!(!is_met(&desired, &resource.value(aspect)), "there is no conflict over {id}");
                    past.judge_names(by, aspect, &desired, log.changes(aspect));
                    self.judge.seen.extend((by.len() > 1).then_some("a conflict with two"));
                }
                Action::Overdue => {
                    let since = past.accepted.get(&aspect);
                    let is_late = since.is_some_and(|since| self.minute - since > 60);
                    assert!(is_late, "{aspect} since {since:?}: {reason}");
                }
                _ => {}
            }
        }
    }

    fn judge_whole(&self, id: &Id, action: &Action, reason: &str) {
        let cluster = &self.resources[id];
        let status = cluster.status(self.minute);
        match action {
            Action::NotYet => assert!(cluster.is_being_made(self.minute), "{id}: {reason}"),
            Action::Waiting => assert_eq!(status, "UPDATING", "{reason}"),
            Action::Overdue if status == "CREATING" => {
                assert!(self.now().duration_since(cluster.born).as_secs() > 3600, "{reason}");
            }
            Action::Overdue => {
                let is_late = |since: &i64| self.minute - since > 60;
                assert!(cluster.past.accepted.values().any(is_late), "{id}: {reason}");
            }
            Action::Report => assert_eq!(status, "FAILED", "{reason}"),
            Action::Leave => assert!(cluster.opts_out() || status == "DELETING", "{id}: {reason}"),
            other => panic!("{other:?} of {id} as a whole: {reason}"),
        }
    }

    /// What a rollback is about to do with an aspect.
    pub(super) fn judge_rollback(
        &mut self,
        id: &Id,
        aspect: Aspect,
        step: &RollbackStep,
        since: Option<Timestamp>,
    ) {
        self.judge.note(match step {
            RollbackStep::RollBack { .. } => "rolled back",
            RollbackStep::Done { .. } => "rolled back before",
            RollbackStep::Follow { .. } => "rollback continues",
            RollbackStep::Skip(_) | RollbackStep::InDoubt { .. } => "rollback leaves it",
            RollbackStep::Unknown(_) => "rollback does not know it",
            RollbackStep::Nothing => "nothing to roll back",
        });
        let is_level = matches!(self.resources[id].value(aspect), Setting::Level(_));
        let was_set = is_level && since.is_none() && self.past(id).was_set(aspect);
        assert!(
            !was_set || *step != RollbackStep::Nothing,
            "the rollback does not find what was set of {id}"
        );
        if let RollbackStep::RollBack { to: Setting::Level(to) } = step {
            let found = |((of, ..), change): (&Key, &Change)| of == id && change.from == Setting::Level(*to);
            assert!(self.table.iter().any(found), "{id} was never {to} before a change of ours");
            // The deletion of an earlier cluster of the name may be unknown.
            let is_known = id.subject == Subject::Account || self.is_known_to_be_another(id);
            if since.is_none() && is_known && self.resources[id].is_of_fargaze(aspect) {
                let chosen = self.resources[id].past.chosen.get(&aspect);
                assert_eq!(
                    chosen,
                    Some(&Setting::Level(*to)),
                    "{id} is rolled back to a level that was never chosen"
                );
            }
        }
    }

    /// Changes that took effect and are not in the table exactly once.
    pub(crate) fn not_written(&self) -> Vec<&Key> {
        let is_there = |key: &Key| {
            self.table.get(key).is_some_and(|change| match change.state {
                ChangeState::Done | ChangeState::RolledBack => true,
                // The cluster was deleted before a check.
                ChangeState::Planned => change.accepted,
                ChangeState::Abandoned => false,
            })
        };
        let mut keys: Vec<&Key> = self.judge.made.iter().collect();
        keys.sort_unstable();
        let twice = keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        keys.iter().copied().filter(|key| !is_there(key)).chain(twice).collect()
    }

    /// The result of the changes to this aspect can no longer be determined.
    pub(super) fn is_in_doubt(&mut self, id: &Id, aspect: Aspect) {
        self.judge.made.retain(|(of, of_aspect, _)| (of, *of_aspect) != (id, aspect));
        let past = self.past(id);
        past.rows.remove(&aspect);
        past.unanswered.insert(aspect);
    }
}
