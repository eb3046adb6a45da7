//! Events about pods, from the API server's list. Kubernetes keeps events for an hour
//! (kube-apiserver, `--event-ttl`; Amazon EKS does not change it).

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::api;

/// How long the API server keeps an event.
pub const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// The list of warnings about pods, in all namespaces. Both fields can be selected (Kubernetes,
/// `pkg/apis/core/v1/conversion.go`, `AddFieldLabelConversionsForEvent`).
pub const WARNINGS: &str = "/api/v1/events?fieldSelector=involvedObject.kind%3DPod%2Ctype%3DWarning";

/// The list of kills of containers by the kubelet, in all namespaces; an event of the type `Normal`.
pub const KILLS: &str = "/api/v1/events?fieldSelector=involvedObject.kind%3DPod%2Creason%3DKilling";

/// An event about a pod.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "api::Event")]
pub struct PodEvent {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub name: String,
    /// UID of the pod; empty if the event does not have it.
    pub uid: String,
    /// The container, if it is about one.
    pub container: Option<String>,
    /// Reason, in one word, such as `FailedScheduling`.
    pub reason: String,
    /// Message.
    pub message: String,
    /// How often it was reported, at least once.
    pub count: u32,
    /// When it was last reported; `None` if the event has no time that can be read.
    pub last_at: Option<Timestamp>,
}

impl From<api::Event> for PodEvent {
    fn from(event: api::Event) -> Self {
        let api::Event { metadata, involved_object: pod, reason, message, series, .. } = event;
        let (repeated, observed) = series.map(|one| (one.count, one.last_observed_time)).unwrap_or_default();
        let times =
            [observed, event.last_timestamp, event.event_time, metadata.creation_timestamp].into_iter();
        let last_at = times.flatten().find_map(|text| Timestamp::from_str(&text).ok());
        let count = repeated.or(event.count).and_then(|count| u32::try_from(count).ok());
        Self {
            namespace: pod.namespace,
            name: pod.name,
            uid: pod.uid,
            container: container(&pod.field_path),
            reason,
            message,
            count: count.unwrap_or(1).max(1),
            last_at,
        }
    }
}

/// `app` of `spec.containers{app}`, also of init and ephemeral containers (Kubernetes,
/// `pkg/kubelet/container/ref.go`).
fn container(path: &str) -> Option<String> {
    let (_, name) = path.split_once("ontainers{")?;
    Some(name.strip_suffix('}')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> PodEvent {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn both_forms_of_an_event_are_read() {
        let kubelet = read(
            r#"{"metadata":{"name":"web.17","creationTimestamp":"2026-05-05T10:00:00Z"},
            "involvedObject":{"kind":"Pod","namespace":"shop","name":"web","uid":"u1","fieldPath":"spec.containers{app}"},
            "reason":"Unhealthy","message":"Liveness probe failed: HTTP probe failed with statuscode: 503",
            "count":12,"firstTimestamp":"2026-05-05T10:00:00Z","lastTimestamp":"2026-05-05T10:09:00Z",
            "eventTime":null,"type":"Warning"}"#,
        );
        assert_eq!((kubelet.count, kubelet.uid.as_str()), (12, "u1"));
        assert_eq!(kubelet.container.as_deref(), Some("app"));
        assert_eq!(kubelet.last_at, Some("2026-05-05T10:09:00Z".parse().unwrap()));
        let scheduler = read(
            r#"{"metadata":{"creationTimestamp":"2026-05-05T10:00:00Z"},
            "involvedObject":{"namespace":"shop","name":"web"},"reason":"FailedScheduling","message":null,
            "count":null,"lastTimestamp":null,"eventTime":"2026-05-05T10:00:00.123456Z",
            "series":{"count":3,"lastObservedTime":"2026-05-05T10:20:00.000001Z"}}"#,
        );
        assert_eq!((scheduler.count, scheduler.message.as_str()), (3, ""));
        assert_eq!(scheduler.container, None);
        assert_eq!(scheduler.last_at, Some("2026-05-05T10:20:00.000001Z".parse().unwrap()));
        let bare =
            read(r#"{"eventTime":"yesterday","metadata":{"creationTimestamp":"2026-05-05T10:00:00Z"}}"#);
        assert_eq!((bare.count, bare.last_at), (1, Some("2026-05-05T10:00:00Z".parse().unwrap())));
        assert_eq!(read("{}").last_at, None);
    }

    #[test]
    fn the_container_is_read_from_the_path_of_the_field() {
        for (path, name) in [
            ("spec.containers{app}", Some("app")),
            ("spec.initContainers{migrate}", Some("migrate")),
            ("spec.ephemeralContainers{debug}", Some("debug")),
            ("", None),
            ("spec.containers[0]", None),
            ("spec.containers{app", None),
        ] {
            assert_eq!(container(path).as_deref(), name, "{path}");
        }
    }
}
