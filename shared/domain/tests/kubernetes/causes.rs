//! The causes of pending pods: running init containers, and nodes that are not Fargate's.

use fargaze::evidence::pods::PodState;
use fargaze::kubernetes::owner::JobOwners;
use fargaze::kubernetes::pod::PodFacts;
use fargaze::rules::KubernetesMeasure as M;
use serde_json::{Value, json};

use super::figures::{now, words};

/// A pod made half an hour ago, as Kubernetes returns it.
fn pod(kind: &str, spec: &Value, status: &Value) -> PodState {
    let metadata = json!({"name": "p", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-11-22T09:30:00Z",
        "ownerReferences": [{"kind": kind, "name": "agent", "controller": true}]});
    let pod = json!({"metadata": metadata, "spec": spec, "status": status});
    let facts = PodFacts::read(serde_json::from_value(pod).unwrap());
    PodState::read(&"shop".parse().unwrap(), facts, &JobOwners::new(), None)
}

/// Its cause.
fn said(pod: PodState) -> String {
    words(M::PodPending, &[pod], now()).unwrap()
}

/// A pod on its node with these init containers, the second of them a sidecar, and one container
/// that waits for them.
fn initializing(states: &[Value]) -> String {
    let name = |number: usize| ["migrate", "proxy", "warm"][number];
    let init: Vec<Value> = (0..states.len())
        .map(|number| json!({"name": name(number), "restartPolicy": (number == 1).then_some("Always")}))
        .collect();
    let statuses: Vec<Value> = states
        .iter()
        .enumerate()
        .map(|(number, state)| {
            let started = state.get("started").cloned().unwrap_or(Value::Null);
            json!({"name": name(number), "state": state, "started": started})
        })
        .collect();
    let waits = json!([{"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}]);
    said(pod(
        "StatefulSet",
        &json!({"nodeName": "fargate-ip-10-0-0-1", "initContainers": init}),
        &json!({"phase": "Pending", "initContainerStatuses": statuses, "containerStatuses": waits}),
    ))
}

/// Issue 13, points 9 and 20: a running init container is not reported as a volume or network that
/// cannot be set up.
#[test]
fn an_init_container_at_work_is_named_with_its_log() {
    let runs = json!({"running": {"startedAt": "2026-11-22T09:31:00Z"}});
    let begun = |started: bool| json!({"running": {"startedAt": "2026-11-22T09:33:00Z"}, "started": started});
    let done =
        json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-11-22T09:32:00Z"}});
    let waits = |reason: &str| json!({"waiting": {"reason": reason}});
    let begins = "Pod p has been pending since 09:30 UTC: it has a node, and ";
    for (states, what) in [
        (vec![runs.clone()], "init container migrate has been running since 09:31 UTC. "),
        (
            vec![runs.clone(), waits("PodInitializing"), waits("PodInitializing")],
            "init container migrate has been running since 09:31 UTC. ",
        ),
        // A started sidecar is no cause; one that has not passed its startup probe is.
        (
            vec![done.clone(), begun(true), runs.clone()],
            "init container warm has been running since 09:31 UTC. ",
        ),
        (
            vec![done.clone(), begun(false), waits("PodInitializing")],
            "sidecar proxy has been running since 09:33 UTC and has not passed its startup probe. ",
        ),
        (vec![json!({"running": {}})], "init container migrate is running. "),
    ] {
        let said = initializing(&states);
        let rest = said.strip_prefix(begins).and_then(|said| said.strip_prefix(what));
        let is_of_log = |rest: &str| {
            rest.contains("kubectl logs") && !rest.contains("volume") && !rest.contains("--previous")
        };
        assert!(rest.is_some_and(is_of_log), "{states:?}: {said}");
    }
    // Containers that cannot start or that crash come first.
    for reason in ["ImagePullBackOff", "CrashLoopBackOff"] {
        let said = initializing(&[done.clone(), waits(reason), waits("PodInitializing")]);
        assert!(said.contains(&format!("container proxy waits: {reason}")), "{said}");
    }
    for states in [vec![waits("PodInitializing")], vec![done.clone(), begun(true), done.clone()], Vec::new()]
    {
        let said = initializing(&states);
        assert!(said.contains("its containers have not started yet: PodInitializing"), "{states:?}: {said}");
    }
}

/// A pod without a node that Fargate did not accept.
fn unplaced(kind: &str, message: &str) -> String {
    let condition =
        json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
    said(pod(
        kind,
        &json!({"schedulerName": "default-scheduler"}),
        &json!({"phase": "Pending", "conditions": [condition]}),
    ))
}

/// Issue 13, points 9 and 20: a Fargate profile is the remedy where all nodes are Fargate's;
/// otherwise the scheduler says what the other nodes lack.
#[test]
fn a_pod_for_other_nodes_is_not_sent_to_a_fargate_profile() {
    let taint = "untolerated taint {eks.amazonaws.com/compute-type: fargate}";
    let preemption = "preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.";
    let of_profile = [
        "no nodes available to schedule pods".to_owned(),
        "0/2 nodes are available.".to_owned(),
        format!("0/5 nodes are available: 5 node(s) had {taint}."),
        format!("0/5 nodes are available: 5 node(s) had {taint}. {preemption}"),
        "0/5 nodes are available: 5 node(s) had taint {eks.amazonaws.com/compute-type: fargate}, that the pod didn't tolerate.".to_owned(),
    ];
    let of_nodes = [
        "0/1 nodes are available: 1 Insufficient cpu.".to_owned(),
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.".to_owned(),
        format!("0/5 nodes are available: 1 Insufficient cpu, 4 node(s) had {taint}. {preemption}"),
        format!("0/5 nodes are available: 4 node(s) had {taint}, 1 node(s) didn't match Pod's node affinity/selector. {preemption}"),
        "0/5 nodes are available: 4 node(s) had taint {eks.amazonaws.com/compute-type: fargate}, that the pod didn't tolerate, 1 Too many pods.".to_owned(),
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.".to_owned(),
        "0/3 nodes are available: persistentvolumeclaim \"data\" not found.".to_owned(),
        "running PreFilter plugin \"Coscheduling\": pod group is not ready".to_owned(),
    ];
    let profile = "Fargate profile";
    for message in &of_profile {
        assert!(unplaced("StatefulSet", message).contains(profile), "{message}");
        let of_daemon_set = unplaced("DaemonSet", message);
        assert!(!of_daemon_set.contains(profile), "Fargate runs none: {of_daemon_set}");
    }
    for message in &of_nodes {
        for kind in ["StatefulSet", "DaemonSet"] {
            let said = unplaced(kind, message);
            assert!(!said.contains(profile) && said.contains("cannot be scheduled"), "{said}");
            assert!(said.contains("node selector"), "what helps: {said}");
        }
    }
}
