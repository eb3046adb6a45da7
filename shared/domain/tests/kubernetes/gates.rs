//! Pods held back by scheduling gates, and the start of their wait after the gates are removed.

use fargaze::evidence::pods::{PodState, PreviousPods};
use fargaze::kubernetes::owner::JobOwners;
use fargaze::kubernetes::pod::PodFacts;
use fargaze::rules::KubernetesMeasure as M;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::figures::{now, value_of, words};

fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

/// A pod made three days ago, as Kubernetes returns it.
fn pod(status: &Value, node: Option<&str>) -> PodState {
    let pod = json!({"metadata": {"name": "p", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-11-19T10:00:00Z"},
        "spec": {"schedulerName": "fargate-scheduler", "nodeName": node}, "status": status});
    let facts = PodFacts::read(serde_json::from_value(pod).unwrap());
    PodState::read(&"shop".parse().unwrap(), facts, &JobOwners::new(), None)
}

/// A pod without a node. The condition is false from the start, so its time does not change.
fn unplaced(reason: &str) -> PodState {
    let condition = json!({"type": "PodScheduled", "status": "False", "reason": reason, "lastTransitionTime": "2026-11-19T10:00:00Z"});
    pod(&json!({"phase": "Pending", "conditions": [condition]}), None)
}

/// A pod with a node, whose container waits.
fn placed(reason: &str) -> PodState {
    let condition =
        json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-22T09:59:50Z"});
    let waiting = json!({"name": "app", "state": {"waiting": {"reason": reason}}});
    pod(
        &json!({"phase": "Pending", "conditions": [condition], "containerStatuses": [waiting]}),
        Some("fargate-ip-10-0-0-1"),
    )
}

/// The samples of consecutive runs five minutes apart, the first at `now`.
fn sampled(pods: impl IntoIterator<Item = PodState>) -> PodState {
    let mut before: Option<PodState> = None;
    for (mut pod, run) in pods.into_iter().zip(0..) {
        let sample = before.map(|before| PreviousPods::from_iter([before]));
        pod.compare(sample.as_ref(), later(run * 5));
        before = Some(pod);
    }
    before.unwrap()
}

/// Issue 13, point 15: the wait began at the first sample without gates.
#[test]
fn a_pod_waits_since_the_first_sample_without_gates() {
    let gated = || unplaced("SchedulingGated");
    assert!(!sampled([gated(), gated()]).is_pending());
    for free in [unplaced("Unschedulable"), placed("ContainerCreating"), placed("ImagePullBackOff")] {
        let since = |pod: &PodState| pod.pending.as_ref().unwrap().since;
        let pod = sampled([gated(), free.clone()]);
        assert_eq!((pod.is_pending(), since(&pod)), (true, later(5)));
        let pod = sampled([gated(), gated(), free.clone(), free.clone(), free.clone()]);
        assert_eq!(since(&pod), later(10), "two samples later");
        let said = words(M::PodPending, &[pod], later(20)).unwrap();
        assert!(said.starts_with("Pod p has been pending since 10:10 UTC: "), "{said}");
        // It waits on its node, too.
        let pod = sampled([gated(), unplaced("Unschedulable"), free.clone()]);
        assert_eq!(since(&pod), later(5));
        // A pod without gates has waited since its creation.
        for pod in [sampled([free.clone()]), sampled([free.clone(), free.clone()])] {
            assert_eq!(pod.pending.unwrap().since, pod.created_at.unwrap());
        }
    }
    assert_eq!(
        sampled([gated(), gated()]).pending.unwrap().since,
        gated().created_at.unwrap(),
        "held back since"
    );
    let another = PodState { uid: "v".to_owned(), ..unplaced("Unschedulable") };
    let mut pod = another;
    pod.compare(Some(&PreviousPods::from_iter([gated()])), now());
    assert_eq!(pod.pending.unwrap().since, pod.created_at.unwrap(), "recreated under its name");
}

/// Issue 13, point 15: the minute of a container that waits for an unknown reason begins at that
/// time, too.
#[test]
fn what_waits_for_an_unknown_reason_gets_its_minute_after_the_gates() {
    let pod = sampled([unplaced("SchedulingGated"), placed("VolumeOnFire")]);
    for (seconds, counts) in [(0, false), (60, false), (61, true)] {
        assert_eq!(pod.cannot_start(later(5) + SignedDuration::from_secs(seconds)), counts, "{seconds} s");
    }
    assert_eq!(value_of(M::UnstartablePods, &[sampled([placed("VolumeOnFire")])]), 1.0);
}
