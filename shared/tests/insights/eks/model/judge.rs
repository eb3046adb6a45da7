//! What the judge of a history knows of the world, and fargaze does not.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::cluster::ClusterName;
use fargaze::event::{EksChanged, EksEvent};
use fargaze::insights::eks::{
    AwsLoggingWish, EksAction, EksAspect, EksChange, EksFinding, EksLedger, EksResult, EksState, EksStep,
    EksSubject, EksWishes, LogsWish, is_overdue,
};
use fargaze::insights::{ChangeState, opts_out};
use jiff::Timestamp;
use serde_json::Value;

use super::World;
use super::past::Past;
use crate::common::{OURS, account, who};

/// Minutes within which an attempt takes the place of the one before, so that a change may seem older.
const RETRIED_WITHIN: i64 = 15;

/// What is known of the world as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judge {
    /// Clusters by the event of their creation.
    births: BTreeMap<String, (ClusterName, Timestamp)>,
    /// Names of clusters of whose creation an event was delivered.
    announced: BTreeSet<ClusterName>,
    /// Changes that came about, by their keys.
    pub(super) made: Vec<(String, EksSubject)>,
    /// Looks at clusters so far.
    looks: usize,
    /// What happened, each once.
    pub(super) seen: BTreeSet<&'static str>,
}

impl Judge {
    /// What happened in this history.
    pub(crate) fn seen(&self) -> impl Iterator<Item = &'static str> {
        self.seen.iter().copied()
    }

    pub(super) fn note(&mut self, what: &'static str) {
        self.seen.insert(what);
    }

    pub(super) fn note_result(&mut self, result: &EksResult) {
        self.note(match result {
            EksResult::Set => "set",
            EksResult::WouldSet => "dry run",
            EksResult::Waiting => "waits for its turn",
            EksResult::InProgress => "in progress",
            EksResult::NotYet => "not yet",
            EksResult::Overdue => "overdue",
            EksResult::Unknown(_) => "not known",
            EksResult::Failed(_) => "failed",
            _ => return,
        });
    }

    pub(super) fn note_birth(&mut self, serial: usize, name: &ClusterName, born: Timestamp) {
        self.births.insert(format!("event-{serial}"), (name.clone(), born));
    }
}

/// Whether a part is as configured, where it is to be made so.
pub(super) fn is_met(aspect: EksAspect, state: &EksState, policies: &EksWishes) -> bool {
    match (state, &policies.control_plane_logs, &policies.aws_logging) {
        (EksState::Logs(on), LogsWish::AtLeast(types), _) => types.is_subset(on),
        (EksState::Logs(on), LogsWish::Report, _) => !on.is_empty(),
        (EksState::ConfigMap(data), _, AwsLoggingWish::Write(wanted)) => data == wanted,
        (state, ..) => *state != EksState::Absent || aspect == EksAspect::ControlPlaneLogs,
    }
}

impl World {
    pub(super) fn past(&mut self, name: &ClusterName) -> &mut Past {
        &mut self.clusters.get_mut(name).unwrap().past
    }

    /// A message comes.
    pub(super) fn note_delivery(&mut self, event: &Value) {
        let detail = &event["detail"];
        let is_creation =
            detail["eventName"] == "CreateCluster" && detail["eventSource"] == "eks.amazonaws.com";
        let is_well = event["account"] == account().as_str() && detail["errorCode"].is_null();
        let birth = detail["eventID"].as_str().and_then(|id| self.judge.births.get(id)).cloned();
        if let Some((name, born)) = birth.filter(|_| is_creation && is_well) {
            if let Some(cluster) = self.clusters.get_mut(&name).filter(|cluster| cluster.born == born) {
                cluster.past.is_announced = true;
            }
            self.judge.announced.insert(name);
        }
        let request = &detail["requestParameters"];
        let cluster = request["name"].as_str().and_then(|name| self.clusters.get_mut(&name.parse().unwrap()));
        if let (Some(cluster), Some(aspect)) =
            (cluster.filter(|_| is_well && who(event) != OURS), undone(detail))
        {
            let time: Timestamp = detail["eventTime"].as_str().unwrap().parse().unwrap();
            let by = format!("{} ({})", who(event), detail["eventName"].as_str().unwrap());
            cluster.past.reverts.extend((time >= cluster.born).then_some((aspect, time, by)));
        }
    }

    /// A message was dealt with, or failed; `looks` had been made before.
    pub(super) fn judge_delivery(&self, message: &Value, is_done: bool, looks: usize) {
        let is_ours = who(message) == OURS;
        assert!(
            !is_ours || looks == self.judge.looks,
            "a call of fargaze itself is taken for somebody's: {message}"
        );
        if !is_done || self.judge.looks == looks || message["restore"] == true {
            return;
        }
        let detail = &message["detail"];
        let request = &detail["requestParameters"];
        let named = [&message["cluster"], &request["name"], &request["clusterName"]];
        let name = named.into_iter().find_map(Value::as_str).unwrap();
        let since = message["since"].as_str().or(detail["eventTime"].as_str()).unwrap();
        let Some(cluster) = self.clusters.get(&name.parse().unwrap()) else { return };
        let is_young = [since.parse().unwrap(), cluster.born]
            .into_iter()
            .all(|begin| self.now().duration_since(begin).as_secs() < 3600);
        // What it began itself. Who began anything else follows it.
        let cause = message["cause"].as_str().or(detail["eventID"].as_str());
        let begun = |change: &EksChange| {
            let is_own = change.cause.split('+').next() == cause;
            is_own
                && change.subject.cluster.as_str() == name
                && change.time >= cluster.born
                && change.in_progress().is_some_and(|work| !is_overdue(Some(work.since), self.now()))
        };
        let is_open = cluster.status(self.minute) == "CREATING" || self.table.values().any(begun);
        if is_open && !opts_out(&cluster.tags) && is_young {
            let marked = format!("\"cluster\":\"{name}\"");
            let is_followed = self.queue.iter().any(|queued| queued.body.contains(&marked));
            assert!(is_followed, "nobody looks at {name} again, on which EKS works: {message}");
        }
    }

    pub(super) fn looks(&self) -> usize {
        self.judge.looks
    }

    /// Who did what is read as it was written.
    pub(super) fn judge_reading(written: &Value, event: &EksEvent) {
        let detail = &written["detail"];
        let (call, undoes) = match event.change {
            EksChanged::Created => ("CreateCluster", None),
            EksChanged::Changed { call, undoes } => (call, undoes),
        };
        assert_eq!((&event.by[..], call), (who(written), detail["eventName"].as_str().unwrap()));
        assert_eq!(undoes, undone(detail), "{written}");
        assert!(detail["errorCode"].is_null(), "it failed: {written}");
        assert_eq!(detail["eventTime"], event.time.to_string());
    }

    /// What was decided, before anything of it is done.
    pub(super) fn judge_steps(&mut self, name: &ClusterName, steps: &[EksStep], log: &EksLedger) {
        self.judge.looks += 1;
        let policies = self.configured(name).wishes;
        let (minute, is_swept) = (self.minute, self.is_swept());
        let cluster = &self.clusters[name];
        let past = &cluster.past;
        let is_another = self.is_seen(name) == Some(false);
        for EksStep { aspect, action, reason, .. } in steps {
            let says = |words: &str| reason.contains(words);
            if says("the cluster is new") {
                let is_new = self.judge.announced.contains(name) || is_swept && !past.is_closed || is_another;
                assert!(is_new, "{name} was there, and is called new: {reason}");
                self.judge.seen.insert(if past.is_announced { "new by its event" } else { "new by a sweep" });
            }
            if says("was there before fargaze") {
                let is_announced = self.judge.announced.contains(name);
                assert!(!is_announced, "an event told of the creation of {name}: {reason}");
                assert!(!is_swept || past.was_seen_made, "no sweep saw {name} when it was made: {reason}");
            }
            let Some(aspect) = aspect else {
                self.judge_whole(name, action, reason);
                continue;
            };
            let policy = policies.text(*aspect);
            if says("fargaze set it") {
                assert!(past.wanted.contains(aspect), "{aspect} of an earlier {name}: {reason}");
            }
            if says("a restore put it back") {
                let of_aspect = past.restored.iter().any(|(of, _)| of == aspect);
                assert!(of_aspect, "{aspect} of an earlier {name}: {reason}");
                let is_left = matches!(action, EksAction::Leave);
                assert!(!is_left || past.restored.contains(&(*aspect, policy.clone())), "{aspect}: {reason}");
            }
            match action {
                EksAction::Right => {
                    let is_right = is_met(*aspect, &cluster.state(*aspect), &policies);
                    assert!(is_right, "{aspect} of {name} is called right: {reason}");
                }
                EksAction::Fight { by } => {
                    let undone = past.undone_by_others(*aspect, &policies);
                    assert!(undone >= 2, "{aspect} of {name} was undone {undone} times: {reason}");
                    past.judge_names(by, *aspect, &policy, log.of(*aspect));
                    self.judge.seen.extend((by.len() > 1).then_some("a conflict with two"));
                }
                EksAction::Overdue => {
                    let since = past.accepted.get(aspect);
                    let is_late = since.is_some_and(|since| minute - since > 60 - RETRIED_WITHIN);
                    assert!(is_late, "{aspect} since {since:?}: {reason}");
                }
                _ => {}
            }
        }
    }

    fn judge_whole(&self, name: &ClusterName, action: &EksAction, reason: &str) {
        let cluster = &self.clusters[name];
        let status = cluster.status(self.minute);
        match action {
            EksAction::NotYet => assert_eq!(status, "CREATING", "{reason}"),
            EksAction::Waiting => assert_eq!(status, "UPDATING", "{reason}"),
            EksAction::Overdue if status == "CREATING" => {
                assert!(self.now().duration_since(cluster.born).as_secs() > 3600, "{reason}");
            }
            EksAction::Overdue => {
                let is_late = |since: &i64| self.minute - since > 60 - RETRIED_WITHIN;
                assert!(cluster.past.accepted.values().any(is_late), "{name}: {reason}");
            }
            EksAction::Report => assert_eq!(status, "FAILED", "{reason}"),
            EksAction::Leave => assert!(opts_out(&cluster.tags) || status == "DELETING", "{name}: {reason}"),
            other => panic!("{other:?} of {name} as a whole: {reason}"),
        }
    }

    /// A cluster that a sweep finds new is said to have come without an event if that is so.
    pub(super) fn judge_announcement(&mut self, finding: &EksFinding) {
        let is_new = self.is_seen(&finding.cluster) == Some(false);
        let is_announced = self.clusters[&finding.cluster].past.is_announced;
        assert_eq!(finding.unannounced, is_new && !is_announced, "{finding:?}");
        self.judge.seen.extend(finding.unannounced.then_some("without an event"));
    }

    /// A sweep came to its end, and left nothing open of these.
    pub(super) fn judge_end_of_sweep(&mut self, closed: &BTreeSet<ClusterName>) {
        let minute = self.minute;
        for (name, cluster) in &mut self.clusters {
            // One that is not to be touched is not new afterwards, whatever EKS makes of it.
            cluster.past.was_seen_made |= cluster.status(minute) != "CREATING" || opts_out(&cluster.tags);
            cluster.past.is_closed |= closed.contains(name);
        }
    }

    /// Changes that came about and are not in the table, or not once each.
    pub(crate) fn missing(&self) -> Vec<&str> {
        let is_there = |key: &str| {
            self.table.get(key).is_some_and(|change| match change.state {
                ChangeState::Done | ChangeState::Restored => true,
                // The cluster went before anybody looked.
                ChangeState::Planned => change.accepted,
                ChangeState::Abandoned => false,
            })
        };
        let mut keys: Vec<&str> = self.judge.made.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        let twice = keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        keys.iter().copied().filter(|key| !is_there(key)).chain(twice).collect()
    }

    /// Of what was made of this part nobody can tell any more how it ended.
    pub(super) fn is_in_doubt(&mut self, cluster: &ClusterName, aspect: EksAspect) {
        let subject = EksSubject { cluster: cluster.clone(), aspect };
        self.judge.made.retain(|(_, of)| *of != subject);
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.past.rows.remove(&aspect);
            cluster.past.unanswered.insert(aspect);
        }
    }
}

/// The part of which the call of an event takes something away, read without fargaze's own reader.
fn undone(detail: &Value) -> Option<EksAspect> {
    let request = &detail["requestParameters"];
    match detail["eventName"].as_str()? {
        "DeleteAddon" => {
            EksAspect::ALL.into_iter().find(|aspect| aspect.addon() == request["addonName"].as_str())
        }
        "UpdateClusterConfig" => {
            let mut groups = request["logging"]["clusterLogging"].as_array()?.iter();
            groups.any(|group| group["enabled"] == false).then_some(EksAspect::ControlPlaneLogs)
        }
        _ => None,
    }
}
