//! The events of pods: which are worth reading, which still apply, and what they explain.

use fargaze::evidence::pods::PodState;
use fargaze::kubernetes::event::PodEvent;
use fargaze::kubernetes::owner::JobOwners;
use fargaze::kubernetes::pod::PodFacts;
use fargaze::rules::KubernetesMeasure as M;
use serde_json::{Value, json};

use super::figures::{now, words};

/// A pod made half an hour ago: its spec and status, and the events about it.
fn pod(spec: &Value, status: &Value, events: &[(&str, &str, &str)]) -> PodState {
    let metadata = json!({"name": "p", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-11-22T09:30:00Z",
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": true}]});
    let facts = json!({"metadata": metadata, "spec": spec, "status": status});
    let facts = PodFacts::read(serde_json::from_value(facts).unwrap());
    let mut pod = PodState::read(&"shop".parse().unwrap(), facts, &JobOwners::new(), None);
    let events = events.iter().map(|(at, reason, message)| {
        let at = format!("2026-11-22T09:{at}:00Z");
        let event = json!({"reason": reason, "message": message, "lastTimestamp": at, "count": 4,
            "involvedObject": {"namespace": "shop", "name": "p", "uid": "u"}});
        serde_json::from_value::<PodEvent>(event).unwrap()
    });
    pod.warned(events.collect());
    pod
}

fn on_fargate() -> Value {
    json!({"nodeName": "fargate-ip-10-0-0-1", "schedulerName": "fargate-scheduler"})
}

fn waits(reason: &str, message: &str) -> Value {
    let waiting = json!({"waiting": {"reason": reason, "message": message}});
    json!({"phase": "Pending", "containerStatuses": [{"name": "app", "state": waiting}]})
}

fn restarted(reason: &str, exit_code: i32) -> Value {
    let ended = json!({"terminated": {"reason": reason, "exitCode": exit_code, "finishedAt": "2026-11-22T09:50:00Z"}});
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    json!({"phase": "Running", "containerStatuses":
        [{"name": "app", "state": back_off, "lastState": ended, "restartCount": 3}]})
}

const NO_CAPACITY: (&str, &str, &str) =
    ("40", "FailedScheduling", "Fargate capacity is unavailable at this time.");
const LIVENESS: (&str, &str, &str) =
    ("50", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 503");
const READINESS: (&str, &str, &str) =
    ("51", "Unhealthy", "Readiness probe failed: dial tcp 10.0.0.1:80: connect: connection refused");
const DENIED: (&str, &str, &str) =
    ("41", "Failed", "Failed to pull image \"shop:1\": failed to authorize: 401 Unauthorized");
const BACK_OFF: (&str, &str, &str) = ("55", "BackOff", "Back-off pulling image \"shop:1\"");

#[test]
fn an_event_says_why_there_is_no_node() {
    let unscheduled = json!({"schedulerName": "fargate-scheduler"});
    let said =
        words(M::PodPending, &[pod(&unscheduled, &json!({"phase": "Pending"}), &[NO_CAPACITY])], now());
    let said = said.unwrap();
    let begins = "Pod p has been pending since 09:30 UTC: FailedScheduling (Fargate capacity is unavailable at this time). ";
    assert!(said.starts_with(begins) && said.contains("Class CAPACITY"), "{said}");
    assert_eq!(said.matches("capacity is unavailable").count(), 1, "{said}");
    // What Fargate does not support is known from the event as well.
    let unsupported = ("40", "FailedScheduling", "Pod not supported on Fargate: volumes not supported: data");
    let said =
        words(M::PodPending, &[pod(&unscheduled, &json!({"phase": "Pending"}), &[unsupported])], now());
    assert!(said.unwrap().contains("Remove what it names from the pod template"));
}

#[test]
fn an_event_says_why_the_image_is_missing() {
    let status = waits("ImagePullBackOff", "Back-off pulling image \"shop:1\"");
    let bare = words(M::UnstartablePods, &[pod(&on_fargate(), &status, &[])], now()).unwrap();
    assert!(bare.contains("Class PULL_NOTFOUND") && !bare.contains("Kubernetes warns"), "{bare}");
    let said =
        words(M::UnstartablePods, &[pod(&on_fargate(), &status, &[BACK_OFF, DENIED, NO_CAPACITY])], now());
    let said = said.unwrap();
    assert!(said.contains("Class PULL_AUTH"), "{said}");
    let warned = "Kubernetes warns about p: Failed (Failed to pull image \"shop:1\": failed to authorize: 401 Unauthorized), 4 times, last at 09:41 UTC.";
    assert!(said.contains(warned), "{said}");
}

/// A container that is being created has no reason of its own.
#[test]
fn an_event_says_why_a_container_is_being_created_for_long() {
    for (reason, message, class) in [
        ("FailedMount", "MountVolume.SetUp failed for volume \"k\" : secret \"k\" not found", "SECRET"),
        ("FailedCreatePodSandBox", "failed to assign an IP address to container", "ENI_IP"),
    ] {
        let pod = pod(&on_fargate(), &waits("ContainerCreating", ""), &[("45", reason, message)]);
        let said = words(M::PodPending, &[pod], now()).unwrap();
        assert!(said.contains(message) && said.contains(&format!("Class {class}")), "{said}");
    }
}

/// The kubelet's own kill looks like any other.
#[test]
fn a_probe_that_kills_is_the_cause_and_one_that_does_not_is_none() {
    for (end, events, class) in [
        (("Error", 137), vec![LIVENESS, READINESS], "HEALTH_CTR"),
        (("Error", 143), vec![LIVENESS], "HEALTH_CTR"),
        (("Error", 1), vec![LIVENESS], "HEALTH_CTR"),
        (("Error", 137), vec![READINESS], "SIGNAL"),
        (("Error", 1), vec![], "EXIT_APP"),
        // Memory that ran out makes probes fail.
        (("OOMKilled", 137), vec![LIVENESS], "OOM"),
    ] {
        let said =
            words(M::CrashLoopingPods, &[pod(&on_fargate(), &restarted(end.0, end.1), &events)], now());
        let said = said.unwrap();
        assert!(said.contains(&format!("Class {class}")), "{end:?}, {events:?}: {said}");
        assert_eq!(said.contains("Liveness probe failed"), events.contains(&LIVENESS), "{said}");
    }
}

/// Once a pod has a node, it does not matter that there was none for a while.
#[test]
fn what_no_longer_applies_is_dropped() {
    let crashing = pod(&on_fargate(), &restarted("Error", 1), &[NO_CAPACITY, DENIED, BACK_OFF]);
    assert_eq!(crashing.warnings, []);
    let said = words(M::AvailableBelowDesired, &[crashing], now()).unwrap();
    assert!(said.contains("Class EXIT_APP") && !said.contains("warns"), "{said}");
}

#[test]
fn unknown_warnings_are_shown_as_they_are_and_harmless() {
    let odd = ("42", "PolicyViolation", "line one\nline \u{202e}two\u{1b}[31m");
    let pod = pod(&on_fargate(), &waits("ContainerCreating", ""), &[odd]);
    let said = words(M::PodPending, &[pod], now()).unwrap();
    assert!(said.contains("Kubernetes warns about p: PolicyViolation (line one line"), "{said}");
    assert!(!said.contains(['\n', '\u{202e}', '\u{1b}']) && !said.contains("Class"), "{said}");
}

/// Only three are stored, those with a class first.
#[test]
fn the_most_telling_warnings_are_stored() {
    let many: Vec<(String, String)> =
        (10..60).map(|minute| (format!("{minute}"), format!("policy {minute}"))).collect();
    let mut events: Vec<(&str, &str, &str)> =
        many.iter().map(|(at, message)| (at.as_str(), "PolicyViolation", message.as_str())).collect();
    events.push(("05", "FailedMount", "secret \"k\" not found"));
    let pod = pod(&on_fargate(), &waits("ContainerCreating", ""), &events);
    let stored: Vec<&str> = pod.warnings.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(stored, ["secret \"k\" not found", "policy 59", "policy 58"]);
}

/// Events are asked for only where they may explain something.
#[test]
fn healthy_pods_are_not_asked_about() {
    let ready = json!([{"type": "Ready", "status": "True"}]);
    let with = |mut status: Value| {
        status["conditions"] = ready.clone();
        status["phase"] = "Running".into();
        pod(&on_fargate(), &status, &[]).may_have_warnings(now())
    };
    let ended = |at: &str, reason: &str| {
        let last = json!({"terminated": {"reason": reason, "exitCode": 1, "finishedAt": at}});
        json!({"containerStatuses": [{"name": "app", "state": {"running": {}}, "lastState": last}]})
    };
    assert!(!with(json!({})));
    assert!(!with(ended("2026-11-22T08:00:00Z", "Error")), "its events are gone");
    assert!(!with(ended("2026-11-22T09:59:00Z", "Completed")));
    assert!(with(ended("2026-11-22T09:59:00Z", "Error")));
    for (status, asks) in [
        (json!({"phase": "Running"}), true),
        (json!({"phase": "Pending"}), true),
        (json!({"phase": "Succeeded"}), false),
        (json!({"phase": "Failed"}), false),
        (
            json!({"phase": "Pending", "conditions":
            [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}),
            false,
        ),
    ] {
        assert_eq!(pod(&on_fargate(), &status, &[]).may_have_warnings(now()), asks, "{status}");
    }
}
