//! Messages of the queues: CloudTrail events about clusters, delivered by EventBridge, and fargaze's
//! own follow-ups; and events about tasks and services that are kept.

mod calls;
mod ecs;
mod eks;
mod incidents;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;

use crate::model::cluster::{AccountId, Region};
use crate::model::run::Platform;
use crate::model::subject::Subject;
use crate::reconcile::{Aspect, BadFollowUp, FollowUp, Value};
use record::{CloudTrailRecord, Envelope};

pub use calls::{CALLS, Call, Effect, Service};
pub use incidents::{Kept, read_incidents};

/// A parsed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// An event about a cluster, or about the account in a Region.
    Event(ChangeEvent),
    /// fargaze's own message to check a cluster again.
    FollowUp(FollowUp),
    /// A well-formed event that fargaze ignores, with the reason.
    Ignored(String),
}

/// An event that reports a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEvent {
    /// What happened.
    pub what: What,
    /// The operation: CloudTrail's `eventName`.
    pub call: &'static str,
    /// Whether it is about ECS or EKS.
    pub platform: Platform,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// A cluster, or the account as a whole.
    pub subject: Subject,
    /// When, by CloudTrail's `eventTime`.
    pub time: Timestamp,
    /// CloudTrail's `eventID`: stable over repeated deliveries.
    pub id: String,
    /// ARN or name of the caller; `unknown` if the record does not contain it.
    pub by: String,
    /// ARN of the caller's role, if it was a role session: the same for all sessions of the role.
    pub role: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A call that creates a cluster succeeded. On ECS it also succeeds if the cluster already
    /// exists.
    Created {
        /// The response counts services, tasks or instances, so the cluster existed before.
        occupied: bool,
        /// AWS Batch made the call.
        by_batch: bool,
    },
    /// An ECS cluster was deleted. Deleting an EKS cluster takes minutes, and its status shows it
    /// meanwhile.
    Deleted,
    /// Something was changed that may affect reconciled aspects.
    Changed {
        /// The aspect that the call sets, removes, or removes something from.
        aspect: Option<Aspect>,
        /// The new value, if the event contains it.
        to: Option<Value>,
    },
}

/// An event that cannot be read, or that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// Not JSON, or not the envelope of EventBridge.
    #[error("not a CloudTrail event from EventBridge: {0}")]
    Unreadable(String),
    /// Not JSON, or not the envelope of EventBridge.
    #[error("not an event from EventBridge: {0}")]
    NotAnEvent(String),
    /// An invalid follow-up message.
    #[error(transparent)]
    FollowUp(#[from] BadFollowUp),
    /// A field has an invalid value.
    #[error("event {id} has an invalid {field}: {why}")]
    BadField {
        /// `id` of the envelope.
        id: String,
        /// Path of the field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// An invalid field and why it is invalid.
type BadField = (&'static str, String);

/// Where and when a call was made, and the id of its event.
#[derive(Clone)]
struct Place {
    account: AccountId,
    region: Region,
    time: Timestamp,
    id: String,
}

/// Reads a message of the queue: an EventBridge event of CloudTrail (EventBridge User Guide, "AWS
/// service events delivered via CloudTrail"), or a follow-up.
///
/// Failed calls and calls that are not in [`CALLS`] are [`Received::Ignored`]: many services have
/// an API named `CreateCluster`. Region and account of the record and the cluster must match those
/// of the envelope, which EventBridge guarantees.
pub fn read(body: &str) -> Result<Received, BadEvent> {
    if let Some(follow_up) = FollowUp::read(body) {
        return Ok(Received::FollowUp(follow_up?));
    }
    let envelope: Envelope =
        serde_json::from_str(body).map_err(|error| BadEvent::Unreadable(error.to_string()))?;
    let id = envelope.id.clone();
    let bad =
        |field, why: &dyn fmt::Display| BadEvent::BadField { id: id.clone(), field, why: why.to_string() };
    of_envelope(envelope).map_err(|(field, why)| bad(field, &why))
}

fn of_envelope(envelope: Envelope) -> Result<Received, BadField> {
    let Envelope { id, source, detail_type, account, region, time, detail, resources: _ } = envelope;
    if detail_type != "AWS API Call via CloudTrail" {
        return Ok(Received::Ignored(format!(
            "event {id} from {source} is a `{detail_type}`, not an API call"
        )));
    }
    let word = |key| detail.get(key).and_then(serde_json::Value::as_str);
    let (event_source, event_name) = (word("eventSource").unwrap_or(""), word("eventName").unwrap_or(""));
    if [Service::Ecs, Service::Eks].iter().all(|service| service.event_source() != event_source) {
        return Ok(Received::Ignored(format!("event {id} is a call to `{event_source}`, not to ECS or EKS")));
    }
    // The parameters of other calls have other shapes.
    let Some(call) = Call::of(event_source, event_name) else {
        return Ok(Received::Ignored(format!(
            "event {id} is a {event_name} call, which fargaze does not handle"
        )));
    };
    if let Some(code) = word("errorCode") {
        return Ok(Received::Ignored(format!("the {event_name} call of event {id} failed with {code}")));
    }
    let record: CloudTrailRecord =
        serde_json::from_value(detail).map_err(|error| ("detail", error.to_string()))?;
    record.must_be_of(&account, &region)?;
    let missing = || ("detail.eventTime", "it is missing, and so is the time of the envelope".to_owned());
    let time = record.event_time.or(time).ok_or_else(missing)?;
    let place = Place { account, region, time, id: record.event_id.clone().unwrap_or_else(|| id.clone()) };
    let found = match call.service {
        Service::Eks => eks::what(&record, call, &place)?,
        Service::Ecs => ecs::what(&record, call, &place)?,
    };
    let (what, subject) = match found {
        Ok(found) => found,
        Err(why) => return Ok(Received::Ignored(format!("event {id} {why}"))),
    };
    let Place { account, region, time, id } = place;
    Ok(Received::Event(ChangeEvent {
        what,
        call: call.name,
        platform: call.service.platform(),
        account,
        region,
        subject,
        time,
        id,
        by: record.user_identity.by(),
        role: record.user_identity.role().map(ToOwned::to_owned),
    }))
}

/// What a call did to which subject, or why its event is ignored, worded to follow the event id.
type SubjectResult = Result<(What, Subject), String>;
