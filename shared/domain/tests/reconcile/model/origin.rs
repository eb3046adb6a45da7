//! Whether a cluster is really new.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::model::run::Platform;
use fargaze::reconcile::{Finding, FindingResult, SweepRecord};
use jiff::Timestamp;
use serde_json::Value;

use super::resource::{Id, Kind};
use super::{Judge, World};

/// What delivered events say about the creation and deletion of clusters, read without fargaze's
/// own reader.
#[derive(Debug, Clone, Default)]
pub(super) struct Deliveries {
    /// EKS clusters by the event of their creation.
    births: BTreeMap<String, (Id, Timestamp)>,
    /// EKS clusters whose creation event was delivered.
    announced: BTreeSet<Id>,
    /// ECS's calls of `CreateCluster`.
    creations: BTreeSet<(Id, Timestamp)>,
    /// ECS's calls of `DeleteCluster`.
    deletions: BTreeSet<(Id, Timestamp)>,
    /// Calls that set the level of an ECS cluster.
    settings: BTreeSet<(Id, Timestamp)>,
}

impl Judge {
    pub(super) fn note_birth(&mut self, serial: usize, id: &Id, born: Timestamp) {
        self.deliveries.births.insert(format!("event-{serial}"), (id.clone(), born));
    }
}

impl World {
    /// The event of a successful call arrives.
    pub(super) fn note_birth_or_end(&mut self, detail: &Value) {
        let deliveries = &mut self.judge.deliveries;
        let call = detail["eventName"].as_str().unwrap_or_default();
        match detail["eventSource"].as_str() {
            Some("eks.amazonaws.com") if call == "CreateCluster" => {
                let birth = detail["eventID"].as_str().and_then(|id| deliveries.births.get(id));
                let Some((id, born)) = birth.cloned() else { return };
                if let Some(cluster) = self.resources.get_mut(&id).filter(|cluster| cluster.born == born) {
                    cluster.past.is_announced = true;
                }
                deliveries.announced.insert(id);
            }
            Some("ecs.amazonaws.com") => {
                let Some(name) = detail["requestParameters"]["clusterName"].as_str() else { return };
                let id = Id::cluster(Platform::Ecs, &name.parse().unwrap());
                let time: Timestamp = detail["eventTime"].as_str().unwrap().parse().unwrap();
                match call {
                    "CreateCluster" => drop(deliveries.creations.insert((id, time))),
                    "DeleteCluster" => drop(deliveries.deletions.insert((id, time))),
                    "UpdateCluster" | "UpdateClusterSettings" => drop(deliveries.settings.insert((id, time))),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// The recorded origin of a cluster is true.
    pub(super) fn judge_origin(&mut self, id: &Id, reason: &str) {
        let (is_new, was_there) =
            (reason.contains("the cluster is new"), reason.contains("existed before fargaze"));
        if is_new {
            let is_announced = match id.platform {
                Platform::Ecs => {
                    self.judge_new_ecs(id);
                    self.has_creation_event(id)
                }
                Platform::Eks => {
                    self.judge_new_eks(id, reason);
                    self.resources[id].past.is_announced
                }
            };
            self.judge.note(if is_announced { "new by its event" } else { "new by a sweep" });
        }
        if was_there && id.platform == Platform::Eks {
            let is_announced = self.judge.deliveries.announced.contains(id);
            assert!(!is_announced, "an event reported the creation of {id}: {reason}");
            let was_seen_made = self.resources[id].past.was_seen_made;
            assert!(
                !self.is_swept(id.platform) || was_seen_made,
                "no sweep saw {id} when it was made: {reason}"
            );
        }
    }

    fn judge_new_eks(&self, id: &Id, reason: &str) {
        let is_closed = self.resources[id].past.is_closed;
        let is_new = self.judge.deliveries.announced.contains(id)
            || self.is_swept(id.platform) && !is_closed
            || self.is_seen(id) == Some(false);
        assert!(is_new, "{id} was there, and is called new: {reason}");
    }

    /// A cluster that fargaze changed or a sweep knew is never new again. A sweep may have known an
    /// earlier cluster of the name.
    fn judge_new_ecs(&self, id: &Id) {
        let (cluster, deliveries) = (&self.resources[id], &self.judge.deliveries);
        for aspect in id.aspects() {
            assert!(!cluster.past.was_set(aspect), "{id} is called new, and fargaze set it before");
        }
        let of_it = |(of, at): &&(Id, Timestamp)| of == id && *at >= cluster.born;
        // A cluster that the first sweep misses is new to the next, whatever was reported about it.
        let creations = deliveries.creations.iter().filter(of_it).map(|(_, at)| *at);
        let created = creations.min().filter(|_| !self.is_swept(Platform::Ecs));
        let mut settings = deliveries.settings.iter().filter(of_it);
        let was_shown = created.is_some_and(|created| settings.any(|(_, at)| *at < created));
        let is_another = self.life(id).deleted.is_some();
        assert!(!was_shown || is_another, "{id} is called new, and an event showed it before");
        let SweepRecord::Since(seen) = self.sweep_record(id) else { return };
        // The call that created it, or another one before any sweep, which cannot be distinguished
        // from it.
        let is_birth = |(of, at): &(Id, Timestamp)| of == id && *at <= seen;
        let was_known = seen >= cluster.born && !deliveries.creations.iter().any(is_birth);
        assert!(!was_known || is_another, "{id} is called new, and a sweep knew it before");
    }

    /// Whether the deletion of the previous ECS cluster of the name, if any, was reported.
    pub(super) fn is_known_to_be_another(&self, id: &Id) -> bool {
        let cluster = &self.resources[id];
        cluster.past.creation_before(cluster.born).is_none_or(|time| {
            let is_since = |(of, at): &(Id, Timestamp)| of == id && *at > time;
            let was_missed = self.life(id).deleted.is_some_and(|deleted| deleted > time);
            was_missed || self.judge.deliveries.deletions.iter().any(is_since)
        })
    }

    /// Whether the event of the call that really created the current ECS cluster arrived.
    pub(super) fn has_creation_event(&self, id: &Id) -> bool {
        self.judge.deliveries.creations.contains(&(id.clone(), self.resources[id].born))
    }

    /// After the first sweep, no ECS cluster is mistaken for an older one that no sweep saw being
    /// created.
    pub(super) fn judge_sweep(&self, id: &Id, finding: &Finding) {
        // A rolled-back cluster is left alone whatever its age.
        let is_taken_for_older = finding.result == FindingResult::Reported
            && finding.reason.contains("existing: report")
            && !finding.reason.starts_with("it was rolled back");
        if id.is_ecs_cluster()
            && is_taken_for_older
            && self.is_swept(id.platform)
            && self.is_known_to_be_another(id)
        {
            assert!(self.resources[id].past.was_seen_made, "{id} is new: {}", finding.reason);
        }
    }

    /// A cluster that a sweep finds new is reported as unannounced exactly if it is.
    pub(super) fn judge_announcement(&mut self, id: &Id, finding: &Finding) {
        let is_new = self.is_seen(id) == Some(false);
        let is_announced = match id.platform {
            // A call for an existing cluster does not show that it created none.
            Platform::Ecs => self.has_creation_event(id) || !finding.unannounced,
            Platform::Eks => self.resources[id].past.is_announced,
        };
        let is_right = finding.unannounced == (is_new && !is_announced);
        let is_late = id.platform == Platform::Ecs && finding.unannounced && is_announced;
        assert!(is_right || is_late && self.life(id).deleted.is_some(), "{finding:?}");
        self.judge.seen.extend(finding.unannounced.then_some("without an event"));
    }

    /// A sweep completed and left none of these open.
    pub(super) fn judge_end_of_sweep(&mut self, platform: Platform, closed: &BTreeSet<Id>, is_first: bool) {
        let minute = self.minute;
        for (id, resource) in self.resources.iter_mut().filter(|(id, _)| id.platform == platform) {
            // A cluster that must not be changed is not new afterwards, whatever its service does
            // to it. A cluster that the first sweep could not read existed before.
            let is_made = !resource.is_being_made(minute) || resource.opts_out();
            let is_known = is_made && !resource.is_hidden || is_first && resource.is_hidden;
            resource.past.was_seen_made |= is_known || matches!(resource.kind, Kind::Account(_));
            resource.past.is_closed |= closed.contains(id);
        }
    }
}
