//! When a pod ended, and what Kubernetes says about it.

use std::collections::BTreeMap;

use fargaze::evidence::pods::{PodState, PreviousPods};
use fargaze::kubernetes::owner::JobOwners;
use fargaze::kubernetes::pod::PodFacts;
use fargaze::rules::KubernetesMeasure as M;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::figures::words;
use super::json as recorded;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn state(pod: Value) -> PodState {
    let facts = PodFacts::read(serde_json::from_value(pod).unwrap());
    PodState::read(&"batch".parse().unwrap(), facts, &JobOwners::new(), None)
}

/// A pod created ten days before it ended, with this status.
fn ended(mut status: Value) -> Option<Timestamp> {
    status["startTime"] = "2026-11-10T08:01:00Z".into();
    if status.get("phase").is_none() {
        status["phase"] = "Failed".into();
    }
    state(json!({"metadata": {"name": "p", "creationTimestamp": "2026-11-10T08:00:00Z"}, "status": status}))
        .ended_at
}

/// Issue 13, point 10: evicted a minute ago, ten days after its creation, and its container status
/// is lost.
#[test]
fn an_evicted_pod_is_forgotten_an_hour_after_its_conditions_say_that_it_ended() {
    let pod = state(recorded("pod_evicted_status_unknown.json"));
    let end = at("2026-11-20T11:59:05Z");
    assert_eq!(pod.ended_at, Some(end));
    for (minutes, forgotten) in [(1, false), (60, false), (61, true)] {
        assert_eq!(
            pod.is_forgotten(end + SignedDuration::from_mins(minutes)),
            forgotten,
            "{minutes} minutes"
        );
    }
    assert_eq!(pod.terminated.len(), 1, "both states say the same: {:?}", pod.terminated);
    let said = words(M::CompletedPods, &[pod], end + SignedDuration::from_hours(2)).unwrap();
    assert_eq!(
        said,
        "batch-1: failed, Evicted (Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\")."
    );
}

/// Issue 13, point 10: the containers give the end; where they do not, the conditions do; the
/// creation time never does.
#[test]
fn the_end_of_a_pod_is_known_by_containers_and_else_by_conditions() {
    let container = |name: &str, finished: Value| json!({"name": name, "state": {"terminated": {"exitCode": 1, "finishedAt": finished}}});
    let condition =
        |name: &str, time: Value| json!({"type": name, "status": "False", "lastTransitionTime": time});
    let (one, two, three) = ("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z");
    let cases = [
        // All containers have a time.
        (json!({"containerStatuses": [container("a", two.into()), container("b", one.into())]}), Some(two)),
        (
            json!({"containerStatuses": [container("a", one.into())], "conditions": [condition("Ready", two.into())]}),
            Some(one),
        ),
        (json!({"phase": "Succeeded", "containerStatuses": [container("a", one.into())]}), Some(one)),
        // One has none: the newest known time.
        (json!({"containerStatuses": [container("a", one.into()), container("b", Value::Null)]}), Some(one)),
        (
            json!({"containerStatuses": [container("a", three.into()), container("b", Value::Null)],
            "conditions": [condition("Ready", two.into())]}),
            Some(three),
        ),
        (
            json!({"containerStatuses": [container("a", "1970-01-01T00:00:00Z".into())], "conditions": [condition("Ready", two.into())]}),
            Some(two),
        ),
        (
            json!({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ContainerCreating"}}}],
            "conditions": [condition("DisruptionTarget", two.into()), condition("Ready", one.into())]}),
            Some(two),
        ),
        (
            json!({"initContainerStatuses": [container("i", two.into())], "containerStatuses": [{"name": "a", "state": {"waiting": {}}}]}),
            Some(two),
        ),
        (json!({"conditions": [condition("Ready", one.into()), condition("Mine", three.into())]}), Some(one)),
        (
            json!({"conditions": [condition("Ready", Value::Null), condition("ContainersReady", "?".into())]}),
            None,
        ),
        (json!({}), None),
        // It has not ended.
        (
            json!({"phase": "Running", "containerStatuses": [container("a", one.into())], "conditions": [condition("Ready", two.into())]}),
            None,
        ),
    ];
    for (status, end) in cases {
        assert_eq!(ended(status.clone()), end.map(at), "{status}");
    }
}

/// Issue 13, point 10: a pod without any end time is dropped an hour after it was first seen ended.
#[test]
fn an_end_without_a_time_counts_from_when_it_was_first_seen() {
    let refused = || {
        state(json!({"metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-11-01T08:00:00Z"},
            "spec": {"schedulerName": "fargate-scheduler"}, "status": {"phase": "Failed", "reason": "OutOfcpu"}}))
    };
    let first = at("2026-11-20T12:00:00Z");
    let mut pod = refused();
    assert!(!pod.is_forgotten(first), "not known is not long ago");
    pod.compare(None, first);
    for (minutes, forgotten) in [(0, false), (60, false), (65, true)] {
        let now = first + SignedDuration::from_mins(minutes);
        let before = PreviousPods::from_iter([pod]);
        pod = refused();
        pod.compare(Some(&before), now);
        assert_eq!((pod.ended_at, pod.is_forgotten(now)), (Some(first), forgotten), "{minutes} minutes");
    }
}

/// A pod of Fargate whose deadline passed ten days after its creation, while a container waited for
/// its image. `Ready` last changed at this time.
fn past_deadline(phase: &str, ready: &str) -> PodState {
    let begun = "2026-11-10T08:01:00Z";
    let condition = |name: &str, status: &str, time: &str| json!({"type": name, "status": status, "lastTransitionTime": time});
    let conditions = [
        condition("PodScheduled", "True", begun),
        // Its init container took some time.
        condition("Initialized", "True", "2026-11-10T08:21:00Z"),
        condition("PodReadyToStartContainers", "True", "2026-11-10T08:02:00Z"),
        condition("Ready", "False", ready),
        condition("ContainersReady", "False", ready),
    ];
    let done =
        json!({"terminated": {"exitCode": 0, "finishedAt": "2026-11-10T08:20:58Z", "reason": "Completed"}});
    let mut status = json!({"phase": phase, "startTime": begun, "conditions": conditions,
        "initContainerStatuses": [{"name": "init", "state": done}],
        "containerStatuses": [{"name": "once", "state": done},
            {"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]});
    if phase == "Failed" {
        status["reason"] = "DeadlineExceeded".into();
    }
    state(json!({"metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-11-10T08:00:00Z"},
        "spec": {"schedulerName": "fargate-scheduler"}, "status": status}))
}

/// Issue 13, point 10: a condition that held since the pod began does not show its end; the first
/// run that saw the end counts.
#[test]
fn conditions_that_did_not_move_at_the_end_are_no_end() {
    let now = at("2026-11-20T12:00:00Z");
    let mut pod = past_deadline("Failed", "2026-11-10T08:01:00Z");
    assert_eq!(pod.ended_at, None, "nothing moved but at the beginning");
    pod.compare(None, now);
    assert_eq!((pod.ended_at, pod.is_forgotten(now)), (Some(now), false));
    let later = now + SignedDuration::from_mins(65);
    let before = PreviousPods::from_iter([pod]);
    let mut again = past_deadline("Failed", "2026-11-10T08:01:00Z");
    again.compare(Some(&before), later);
    assert_eq!((again.ended_at, again.is_forgotten(later)), (Some(now), true));
}

/// Issue 13, point 10: a pod that was running in the previous sample has not ended before it.
#[test]
fn an_end_before_a_sample_in_which_the_pod_was_running_is_ignored() {
    let (taken, now) = (at("2026-11-20T11:55:00Z"), at("2026-11-20T12:00:00Z"));
    // It became unready five days before.
    let unready = "2026-11-15T10:00:00Z";
    let before = PreviousPods::from_iter([past_deadline("Pending", unready)]).taken_at(taken);
    let mut pod = past_deadline("Failed", unready);
    pod.compare(Some(&before), now);
    assert_eq!(pod.ended_at, Some(now));
    // The next run finds the same conditions.
    let next = now + SignedDuration::from_mins(5);
    let before = PreviousPods::from_iter([pod]).taken_at(now);
    let mut pod = past_deadline("Failed", unready);
    pod.compare(Some(&before), next);
    assert_eq!(pod.ended_at, Some(now));
    // Since then, or nearly: the phase follows the containers within seconds.
    for moved in ["2026-11-20T11:57:00Z", "2026-11-20T11:54:30Z"] {
        let before = PreviousPods::from_iter([past_deadline("Pending", unready)]).taken_at(taken);
        let mut pod = past_deadline("Failed", moved);
        pod.compare(Some(&before), now);
        assert_eq!(pod.ended_at, Some(at(moved)));
    }
    // No run saw it before.
    let mut pod = past_deadline("Failed", unready);
    pod.compare(Some(&PreviousPods::default().taken_at(taken)), now);
    assert_eq!(pod.ended_at, Some(at(unready)));
}

/// Issue 13, point 10: the message of a pod is kept in each phase, on one line and without hidden
/// characters.
#[test]
fn reason_and_message_are_kept_in_every_phase() {
    for phase in ["Pending", "Running", "Succeeded", "Failed", "Unknown"] {
        let long = "x".repeat(900);
        let status = json!({"phase": phase, "reason": "NodeLost\u{202e}", "message": format!("Node is\nunresponsive\u{7} {long}")});
        let pod = state(json!({"metadata": {"name": "p"}, "status": status}));
        assert_eq!(pod.reason.as_deref(), Some("NodeLost"), "{phase}");
        let message = pod.message.unwrap();
        assert!(
            message.starts_with("Node is unresponsive xxx") && (290..=300).contains(&message.chars().count()),
            "{phase}: {message}"
        );
    }
    let silent = state(json!({"status": {"phase": "Running", "reason": "", "message": " "}}));
    assert_eq!((silent.reason, silent.message), (None, None));
}

/// Issue 13, point 10: each pod is named once, whatever the number of its messages.
#[test]
fn each_pod_is_named_once() {
    let container = |name: &str, reason: &str| {
        json!({"name": name, "restartCount": 3,
        "state": {"waiting": {"reason": reason}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-20T11:58:00Z"}}})
    };
    let now = at("2026-11-20T12:00:00Z");
    for second in ["CrashLoopBackOff", "ImagePullBackOff", "VolumeOnFire"] {
        let statuses =
            [container("a", "CrashLoopBackOff"), container("b", second), container("c", "ImagePullBackOff")];
        let status = json!({"phase": "Pending", "reason": "Odd", "message": "odd", "containerStatuses": statuses,
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no place"}]});
        let metadata = json!({"name": "web-1", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-11-20T10:00:00Z",
            "annotations": {"Logging": "LoggingDisabled: X"}});
        let mut pod = state(
            json!({"metadata": metadata, "spec": {"schedulerName": "fargate-scheduler"}, "status": status}),
        );
        pod.compare(Some(&PreviousPods::default()), now);
        let named: BTreeMap<M, usize> = M::all()
            .filter_map(|measure| {
                Some((measure, words(measure, &[pod.clone()], now)?.matches("web-1").count()))
            })
            .collect();
        assert!(named.len() >= 7 && named.values().all(|times| *times == 1), "{named:?}");
    }
}
