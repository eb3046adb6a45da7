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
    let (kills, warnings) = events.iter().partition::<Vec<_>, _>(|(_, reason, _)| *reason == "Killing");
    pod.warned(warnings.into_iter().map(|event| read(event, "app")).collect(), now());
    pod.killed(kills.into_iter().map(|event| read(event, "app")).collect());
    pod
}

/// An event about a container, four times, last at a minute past nine.
fn read((at, reason, message): &(&str, &str, &str), container: &str) -> PodEvent {
    let at = format!("2026-11-22T09:{at}:00Z");
    let path =
        if *reason == "FailedScheduling" { String::new() } else { format!("spec.containers{{{container}}}") };
    let event = json!({"reason": reason, "message": message, "lastTimestamp": at, "count": 4,
        "involvedObject": {"namespace": "shop", "name": "p", "uid": "u", "fieldPath": path}});
    serde_json::from_value::<PodEvent>(event).unwrap()
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
const KILLED: (&str, &str, &str) =
    ("49", "Killing", "Container app failed liveness probe, will be restarted");
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

/// The kubelet's own kill looks like any other; only its event tells.
#[test]
fn a_probe_that_kills_is_the_cause_and_one_that_does_not_is_none() {
    let killed_long_before = ("20", KILLED.1, KILLED.2);
    let by_hand = ("49", "Killing", "Stopping container app");
    for (end, events, class) in [
        (("Error", 137), vec![LIVENESS, KILLED, READINESS], "HEALTH_CTR"),
        (("Error", 143), vec![LIVENESS, KILLED], "HEALTH_CTR"),
        (("Error", 1), vec![KILLED], "HEALTH_CTR"),
        // It ends well when it is told to end.
        (("Completed", 0), vec![LIVENESS, KILLED], "HEALTH_CTR"),
        (("Error", 137), vec![READINESS], "SIGNAL"),
        // Something that crashes may fail a probe first.
        (("Error", 1), vec![LIVENESS], "EXIT_APP"),
        (("Error", 1), vec![LIVENESS, killed_long_before], "EXIT_APP"),
        (("Error", 1), vec![by_hand], "EXIT_APP"),
        (("Error", 1), vec![], "EXIT_APP"),
        // Memory that ran out makes probes fail.
        (("OOMKilled", 137), vec![LIVENESS, KILLED], "OOM"),
    ] {
        let said =
            words(M::CrashLoopingPods, &[pod(&on_fargate(), &restarted(end.0, end.1), &events)], now());
        let said = said.unwrap();
        assert!(said.contains(&format!("Class {class}")), "{end:?}, {events:?}: {said}");
        assert_eq!(said.contains("Liveness probe failed"), events.contains(&LIVENESS), "{said}");
        let is_killed = said.contains("killed because its liveness probe failed");
        assert_eq!(is_killed, class == "HEALTH_CTR", "{said}");
    }
}

/// A sidecar whose probe fails does not explain why the application ends.
#[test]
fn a_probe_explains_only_its_own_container() {
    let mut pod = pod(&on_fargate(), &restarted("Error", 1), &[]);
    pod.warned(vec![read(&LIVENESS, "proxy")], now());
    let killed = ("49", "Killing", "Container proxy failed liveness probe, will be restarted");
    pod.killed(vec![read(&killed, "proxy")]);
    let said = words(M::CrashLoopingPods, &[pod], now()).unwrap();
    assert!(said.contains("Class EXIT_APP") && !said.contains("probe"), "{said}");
}

/// A pod that runs and never ended has nothing but its events.
#[test]
fn a_readiness_probe_explains_a_pod_that_is_missing() {
    let running =
        json!({"phase": "Running", "containerStatuses": [{"name": "app", "state": {"running": {}}}]});
    let bare = words(M::AvailableBelowDesired, &[pod(&on_fargate(), &running, &[])], now());
    assert_eq!(bare, None);
    let said = words(M::AvailableBelowDesired, &[pod(&on_fargate(), &running, &[READINESS])], now()).unwrap();
    let warned = "p: Kubernetes warns: Unhealthy (Readiness probe failed: dial tcp 10.0.0.1:80: connect: connection refused), 4 times, last at 09:51 UTC.";
    assert!(said.starts_with(warned) && said.contains("Class HEALTH_CTR"), "{said}");
    assert_eq!(said.matches("Readiness").count(), 1, "{said}");
}

/// The end of a runtime's error says why; the whole text has the class, and both ends are shown.
#[test]
fn a_long_message_is_classified_whole_and_cut_in_the_middle() {
    let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{}", "team/".repeat(30));
    let pulled = format!(
        "Failed to pull image \"{image}:1\": failed to resolve reference \"{image}:1\": unexpected status from HEAD request: 401 Unauthorized"
    );
    let status =
        waits("ImagePullBackOff", &format!("Back-off pulling image \"{image}:1\": ErrImagePull: {pulled}"));
    for events in [vec![], vec![("55", "Failed", pulled.as_str())]] {
        let said = words(M::UnstartablePods, &[pod(&on_fargate(), &status, &events)], now()).unwrap();
        assert!(said.contains("Class PULL_AUTH"), "{said}");
        assert!(said.contains(" [...] ") && said.contains("401 Unauthorized"), "{said}");
    }
    let long = pod(&on_fargate(), &waits("ErrImagePull", &"\u{e9}".repeat(5000)), &[]);
    let kept = long.waiting[0].message.as_deref().unwrap();
    assert_eq!(kept.chars().count(), 300 - 1, "{kept}");
}

/// What was once so does not explain what is so now.
#[test]
fn what_was_mended_is_dropped() {
    let creating = waits("ContainerCreating", "");
    let mounted = ("30", "FailedMount", "MountVolume.SetUp failed for volume \"k\" : secret \"k\" not found");
    assert_eq!(pod(&on_fargate(), &creating, &[mounted]).warnings, []);
    // The image is there: a Secret is missing.
    let configured = waits("CreateContainerConfigError", "secret \"db\" not found");
    let said = words(M::UnstartablePods, &[pod(&on_fargate(), &configured, &[DENIED])], now()).unwrap();
    assert!(said.contains("Class SECRET") && !said.contains("401"), "{said}");
    // The condition is newer than the event.
    let scheduling = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "Pod not supported on Fargate: volumes not supported: data"}]});
    let unscheduled = json!({"schedulerName": "fargate-scheduler"});
    let said = words(M::PodPending, &[pod(&unscheduled, &scheduling, &[NO_CAPACITY])], now()).unwrap();
    assert!(said.contains("Class CONFIG"), "{said}");
    // That it took too long says less than why.
    let late = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "Pod provisioning timed out (will retry) for pod: shop/p"}]});
    let said = words(M::PodPending, &[pod(&unscheduled, &late, &[NO_CAPACITY])], now()).unwrap();
    assert!(said.contains("Class CAPACITY"), "{said}");
    // Of two events, the newer one.
    let role = ("58", "FailedScheduling", "Misconfigured Fargate Profile: Failed to assume PodExecutionRole");
    let said =
        words(M::PodPending, &[pod(&unscheduled, &json!({"phase": "Pending"}), &[NO_CAPACITY, role])], now());
    assert!(said.as_ref().unwrap().contains("Class IAM"), "{said:?}");
}

/// A log router that is off stops no pod, and a node that is lost is named only if memory is not
/// the cause.
#[test]
fn what_stops_no_pod_is_no_cause() {
    let running =
        json!({"phase": "Running", "containerStatuses": [{"name": "app", "state": {"running": {}}}]});
    let logging = ("58", "LoggingDisabled", "Disabled logging because aws-logging configmap was not found.");
    assert_eq!(pod(&on_fargate(), &running, &[logging]).warnings, []);
    let lost = ("58", "NodeNotReady", "Node is not ready");
    let said = words(M::AvailableBelowDesired, &[pod(&on_fargate(), &running, &[lost])], now()).unwrap();
    assert!(said.contains("Class HOST"), "{said}");
    let killed = pod(&on_fargate(), &restarted("OOMKilled", 137), &[lost]);
    let said = words(M::AvailableBelowDesired, &[killed], now()).unwrap();
    assert!(said.contains("Class OOM"), "{said}");
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
    let odd = ("52", "PolicyViolation", "line one\nline \u{202e}two\u{1b}[31m");
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
    events.push(("46", "FailedMount", "secret \"k\" not found"));
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
    assert!(!with(ended("2026-11-22T09:59:00Z", "Completed")), "an init container");
    let mut restarted = ended("2026-11-22T09:59:00Z", "Completed");
    restarted["containerStatuses"][0]["restartCount"] = 1.into();
    assert!(with(restarted), "a probe may have failed");
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
