//! What CloudTrail reports about clusters, as EventBridge delivers it, and what we tell ourselves.

mod calls;
mod ecs;
mod eks;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;

use crate::cluster::{AccountId, Region};
use crate::insights::eks::{BadFollow, EksFollow};
use crate::insights::{BadEcsFollow, EcsFollow};
use record::{CloudTrailRecord, Envelope};

pub use calls::{CALLS, Call, Effect, Service};
pub use ecs::{AccountDefaultEvent, ClusterChange, ClusterEvent};
pub use eks::{EksChanged, EksEvent};

/// What an event turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An event about an ECS cluster.
    Cluster(ClusterEvent),
    /// An event about the account's default of Container Insights.
    AccountDefault(AccountDefaultEvent),
    /// An event about an EKS cluster.
    Eks(EksEvent),
    /// Our own message to look at an ECS cluster again.
    EcsFollow(EcsFollow),
    /// Our own message to look at an EKS cluster again.
    Follow(EksFollow),
    /// A well-formed event that is none of our business; why not.
    Ignored(String),
}

/// An event that cannot be read, or that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// Not JSON, or not the envelope of EventBridge.
    #[error("this is no EventBridge event of CloudTrail: {0}")]
    Unreadable(String),
    /// Our own message, and it is wrong.
    #[error(transparent)]
    Follow(#[from] BadFollow),
    /// The same, about an ECS cluster.
    #[error(transparent)]
    EcsFollow(#[from] BadEcsFollow),
    /// A field has a value that it cannot have.
    #[error("the event {id} has a bad {field}: {why}")]
    BadField {
        /// `id` of the envelope.
        id: String,
        /// Path of the field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Why a field is bad.
type BadField = (&'static str, String);

/// Where and when a call was made, and the id of its event.
struct Place {
    account: AccountId,
    region: Region,
    time: Timestamp,
    id: String,
}

/// Reads a message of the queue: an EventBridge event of CloudTrail (EventBridge User Guide, "AWS service events delivered
/// via CloudTrail"), or one of our own.
///
/// Failed calls and calls that are not in [`CALLS`] are [`Heard::Ignored`]: many services have an API named
/// `CreateCluster`. Region and account of the record and of the cluster must equal the envelope's, which EventBridge
/// vouches for.
pub fn read(body: &str) -> Result<Heard, BadEvent> {
    if let Some(follow) = EcsFollow::read(body) {
        return Ok(Heard::EcsFollow(follow?));
    }
    if let Some(follow) = EksFollow::read(body) {
        return Ok(Heard::Follow(follow?));
    }
    let envelope: Envelope =
        serde_json::from_str(body).map_err(|error| BadEvent::Unreadable(error.to_string()))?;
    let id = envelope.id.clone();
    let bad =
        |field, why: &dyn fmt::Display| BadEvent::BadField { id: id.clone(), field, why: why.to_string() };
    of_envelope(envelope).map_err(|(field, why)| bad(field, &why))
}

fn of_envelope(envelope: Envelope) -> Result<Heard, BadField> {
    let Envelope { id, source, detail_type, account, region, time, detail } = envelope;
    if detail_type != "AWS API Call via CloudTrail" {
        return Ok(Heard::Ignored(format!("event {id} of {source} is a `{detail_type}`, no API call")));
    }
    let word = |key| detail.get(key).and_then(serde_json::Value::as_str);
    let (event_source, event_name) = (word("eventSource").unwrap_or(""), word("eventName").unwrap_or(""));
    if [Service::Ecs, Service::Eks].iter().all(|service| service.event_source() != event_source) {
        return Ok(Heard::Ignored(format!("event {id} is a call to `{event_source}`, not to ECS or EKS")));
    }
    // Other calls have parameters of other shapes.
    let Some(call) = Call::of(event_source, event_name) else {
        return Ok(Heard::Ignored(format!("event {id} is a call of {event_name}")));
    };
    if let Some(code) = word("errorCode") {
        return Ok(Heard::Ignored(format!("the call {event_name} of event {id} failed with {code}")));
    }
    let record: CloudTrailRecord =
        serde_json::from_value(detail).map_err(|error| ("detail", error.to_string()))?;
    record.must_be_of(&account, &region)?;
    let missing = || ("detail.eventTime", "it is missing, and so is the envelope's".to_owned());
    let time = record.event_time.or(time).ok_or_else(missing)?;
    let place = Place { account, region, time, id: record.event_id.clone().unwrap_or_else(|| id.clone()) };
    match (call.service, call.effect) {
        (Service::Eks, effect) => eks::event(&record, effect, call.name, place).map(Heard::Eks),
        (Service::Ecs, Effect::ChangesAccountDefault) => {
            Ok(match ecs::account_default_event(&record, call.name, &place)? {
                Ok(event) => Heard::AccountDefault(event),
                Err(what) => Heard::Ignored(format!("event {id} is a call of {what}")),
            })
        }
        (Service::Ecs, effect) => ecs::cluster_event(&record, effect, &place).map(Heard::Cluster),
    }
}
