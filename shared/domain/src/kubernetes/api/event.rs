//! Events (Kubernetes API, "Event v1 core").

use serde::Deserialize;

use super::{ObjectMeta, nullable};

/// Something that a component reported about an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Its own name and creation time.
    pub metadata: ObjectMeta,
    /// The object that it is about.
    #[serde(deserialize_with = "nullable")]
    pub involved_object: ObjectReference,
    /// Reason, in one word, such as `FailedScheduling`.
    #[serde(deserialize_with = "nullable")]
    pub reason: String,
    /// Message.
    #[serde(deserialize_with = "nullable")]
    pub message: String,
    /// How often it was reported; the newer form has it in `series`.
    pub count: Option<i32>,
    /// Time of the newest report, RFC 3339; the newer form has it in `series` or `eventTime`.
    pub last_timestamp: Option<String>,
    /// Time of the first report, RFC 3339 with microseconds.
    pub event_time: Option<String>,
    /// Repetitions, in the newer form.
    pub series: Option<EventSeries>,
}

/// An object that another one refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Its namespace.
    #[serde(deserialize_with = "nullable")]
    pub namespace: String,
    /// Its name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// Its UID.
    #[serde(deserialize_with = "nullable")]
    pub uid: String,
    /// The part of it that is meant, such as `spec.containers{app}`.
    #[serde(deserialize_with = "nullable")]
    pub field_path: String,
}

/// Repetitions of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSeries {
    /// How often it was reported.
    pub count: Option<i32>,
    /// Time of the newest report, RFC 3339 with microseconds.
    pub last_observed_time: Option<String>,
}
