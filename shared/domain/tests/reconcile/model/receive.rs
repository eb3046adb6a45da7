//! How the function processes a message of its queue.

use fargaze::events::{ChangeEvent, Received, What};
use fargaze::model::run::Platform;
use fargaze::reconcile::{
    Aspect, Finding, FindingResult, FollowUp, FollowedUpdate, Revert, SubjectLog, Waiting,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::reconcile::{Check, Checked};
use super::{Hit, Id, Queued, Stop, World};
use crate::common::{OUR_ROLE, account, region};

/// Deliveries after which a message goes to the dead-letter queue (`maxReceiveCount` in
/// template.yaml).
const RECEIVES: usize = 5;
/// Minutes until a failed message is delivered again (its visibility timeout).
const INVISIBLE: i64 = 2;

/// The check that a message requests.
struct Queried<'a> {
    id: &'a Id,
    cause: &'a str,
    since: Timestamp,
    revert: Option<Revert>,
    may_be_unknown: bool,
    is_foreign: bool,
    rolls_back: bool,
}

/// Why a cluster goes back to the queue.
pub(super) struct Following<'a> {
    pub(super) cause: &'a str,
    pub(super) since: Timestamp,
    pub(super) waiting: Waiting,
    pub(super) rolls_back: bool,
}

impl World {
    /// Delivers a message, possibly again.
    pub(crate) fn deliver(&mut self, body: &str, hit: Hit) {
        let message = Queued { due: self.minute, body: body.to_owned(), receives: 0 };
        self.receive(message, hit);
    }

    pub(super) fn receive(&mut self, mut message: Queued, hit: Hit) {
        self.hit = hit;
        message.receives += 1;
        let written = serde_json::from_str(&message.body).unwrap();
        self.note_delivery(&written);
        let checks = self.judge.checks();
        let ended = self.act_on(&message.body, &written);
        self.hit = Hit::NONE;
        self.judge_delivery(&written, ended.is_ok(), checks);
        if ended.is_err() && message.receives < RECEIVES {
            message.due = self.minute + INVISIBLE;
            self.queue.push(message);
        }
    }

    /// The `written` field of a message is for the judge.
    fn act_on(&mut self, body: &str, written: &Value) -> Result<(), Stop> {
        match fargaze::events::read(body) {
            Ok(Received::Event(event)) => {
                Self::judge_reading(written, &event);
                if event.account != account() || event.role.as_deref() == Some(OUR_ROLE) {
                    return Ok(());
                }
                self.act_on_event(event)
            }
            Ok(Received::FollowUp(follow)) => {
                let FollowUp { platform, cluster, cause, since, rollback, .. } = follow;
                let id = Id::cluster(platform, &cluster);
                self.check_for_message(Queried {
                    id: &id,
                    cause: &cause,
                    since,
                    revert: None,
                    may_be_unknown: platform == Platform::Ecs,
                    is_foreign: false,
                    rolls_back: rollback,
                })
            }
            _ => Ok(()),
        }
    }

    fn act_on_event(&mut self, event: ChangeEvent) -> Result<(), Stop> {
        let ChangeEvent { what, call, platform, subject, time, id: cause, by, .. } = event;
        let id = Id { platform, subject };
        if id.subject.cluster().is_some() {
            self.note_life(&id, &what, time);
        }
        let mut since = time;
        if what == What::Deleted {
            let Some(created) = self.life(&id).created else { return Ok(()) };
            since = created.last;
        }
        let is_foreign = matches!(what, What::Changed { .. });
        let revert = match what {
            What::Changed { aspect: Some(aspect), to } => Some(Revert {
                subject: id.subject.clone(),
                aspect,
                time,
                event_id: cause.clone(),
                by,
                call: call.to_owned(),
                to,
            }),
            _ => None,
        };
        self.check_for_message(Queried {
            id: &id,
            cause: &cause,
            since,
            revert,
            may_be_unknown: platform == Platform::Ecs && !is_foreign,
            is_foreign,
            rolls_back: false,
        })
    }

    fn note_life(&mut self, id: &Id, what: &What, time: Timestamp) {
        let life = self.lives.entry(id.clone()).or_default();
        match what {
            What::Created { occupied: false, by_batch } => life.add_creation(time, *by_batch),
            What::Deleted => life.add_deletion(time),
            What::Created { .. } | What::Changed { .. } if id.platform == Platform::Ecs => {
                life.add_sweep(time);
            }
            What::Created { .. } | What::Changed { .. } => {}
        }
    }

    /// Checks the subject of a message and sends it back to the queue if its service is not
    /// finished with it.
    fn check_for_message(&mut self, asked: Queried<'_>) -> Result<(), Stop> {
        let Queried { id, cause, since, rolls_back, .. } = asked;
        let Some(resource) = self.resources.get(id) else {
            self.missing(&asked);
            return Ok(());
        };
        if resource.is_hidden {
            return Err(Stop::Again);
        }
        let is_provisioning = resource.status(self.minute) == "PROVISIONING";
        if let Some(revert) = asked.revert {
            self.note_revert(id, revert);
        }
        let check = Check { id, cause, rolls_back, may_change: !rolls_back };
        let Checked { findings, log, follow } = self.check(&check)?;
        if findings.iter().any(is_to_repeat) {
            return Err(Stop::Again);
        }
        if (follow || is_provisioning) && !(asked.is_foreign && log.is_followed_but_for(cause)) {
            let waiting = Waiting::AtWork;
            self.follow(id, &log, &Following { cause, since, waiting, rolls_back });
        }
        Ok(())
    }

    /// A missing cluster may be so new that ECS does not know it yet.
    fn missing(&mut self, asked: &Queried<'_>) {
        let Queried { id, cause, since, rolls_back, .. } = *asked;
        let was_deleted = self.life(id).deleted.is_some_and(|deleted| deleted > since);
        if asked.may_be_unknown && !was_deleted {
            let waiting = Waiting::Missing;
            self.follow(id, &SubjectLog::default(), &Following { cause, since, waiting, rolls_back });
        }
    }

    /// Records who reverted a change of fargaze, if it made one.
    fn note_revert(&mut self, id: &Id, revert: Revert) {
        if self.log_of(id, None).changes(revert.aspect).is_empty() {
            return;
        }
        let read = serde_json::from_value::<Revert>(json!(revert)).unwrap();
        assert_eq!(read, revert, "it is not read as it was written");
        let key = (id.clone(), revert.aspect, revert.time, revert.event_id.clone());
        self.reverts.insert(key, revert);
    }

    /// Sends a cluster back to the queue, unless it was followed for long enough.
    pub(super) fn follow(&mut self, id: &Id, log: &SubjectLog, following: &Following<'_>) {
        let Following { cause, since, waiting, rolls_back } = *following;
        let Some(cluster) = id.subject.cluster() else { return };
        let updates = log.in_progress().map(|(change, work)| FollowedUpdate {
            aspect: change.aspect,
            id: work.update_id.map(str::to_owned),
        });
        let (cluster, cause) = (cluster.clone(), cause.to_owned());
        let mut follow = FollowUp::new(id.platform, account(), region(), cluster, since, cause);
        (follow.updates, follow.rollback) = (updates.collect(), rolls_back);
        let Some(delay) = follow.delay_seconds(waiting, self.now()) else { return };
        let body = json!(follow).to_string();
        self.messages.push(body.clone());
        self.queue.push(Queued { due: self.minute + i64::from(delay) / 60, body, receives: 0 });
    }
}

/// Whether the queue must deliver the message again.
fn is_to_repeat(finding: &Finding) -> bool {
    match &finding.result {
        FindingResult::Failed(_) | FindingResult::UnderWay => true,
        FindingResult::Unknown(fault) => {
            finding.aspect == Some(Aspect::AccountDefault)
                || finding.aspect != Some(Aspect::AwsLogging) && fault.kind.passes()
        }
        _ => false,
    }
}
