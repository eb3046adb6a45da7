//! Rules on pods: which pods are counted, that the same ones are named, and the text for each.

use fargaze::evidence::pods::{
    ClusterState, Counted, MetricsApi, PendingPod, PodState, Termination, WaitingContainer, WorkloadState,
    cluster_samples, explains, why, workload_samples,
};
use fargaze::kubernetes::pod::Phase;
use fargaze::model::metric::Statistic;
use fargaze::rules::KubernetesMeasure as M;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// A healthy running pod on Fargate.
pub(crate) fn pod(name: &str) -> PodState {
    serde_json::from_value(serde_json::json!({
        "cluster": "shop",
        "workload": {"namespace": "shop", "kind": "Deployment", "name": "web"},
        "pod": name, "uid": name, "phase": "Running", "fargate": true, "node": "fargate-ip-10-0-0-1.ec2.internal",
        "requests": {}, "limits": {}, "ready": true, "restarts": 0, "created_at": "2026-11-22T01:00:00Z",
    }))
    .unwrap()
}

/// An end of container `app` this many seconds ago.
pub(crate) fn ended(reason: &str, seconds: i64) -> Termination {
    let finished_at = Some(now() - SignedDuration::from_secs(seconds));
    Termination { container: "app".to_owned(), reason: reason.to_owned(), exit_code: 137, finished_at }
}

/// The text about the pods behind a value.
pub(crate) fn words(measure: M, pods: &[PodState], now: Timestamp) -> Option<String> {
    why(measure, pods, now).map(|why| why.sentence)
}

fn waits(reason: &str) -> Vec<WaitingContainer> {
    vec![WaitingContainer {
        container: "app".to_owned(),
        reason: reason.to_owned(),
        message: None,
        class: None,
    }]
}

/// A pod that has been pending for twelve minutes.
fn pending(name: &str) -> PodState {
    let reason = Some("Unschedulable".to_owned());
    let pending = PendingPod { since: ago(12), reason, message: Some("0/2 nodes are available.".to_owned()) };
    PodState { phase: Phase::Pending, ready: false, node: None, pending: Some(pending), ..pod(name) }
}

fn completed(name: &str, minutes: i64) -> PodState {
    PodState { phase: Phase::Succeeded, ready: false, ended_at: Some(ago(minutes)), ..pod(name) }
}

fn of_daemon_set(mut pod: PodState) -> PodState {
    "DaemonSet".clone_into(&mut pod.workload.kind);
    "agent".clone_into(&mut pod.workload.name);
    pod
}

fn state(metrics_api: MetricsApi) -> ClusterState {
    ClusterState {
        cluster: "shop".parse().unwrap(),
        status: Some("ACTIVE".to_owned()),
        version: None,
        logs: Some(std::collections::BTreeSet::default()),
        profiles: Some(Vec::new()),
        addons: Some(Vec::new()),
        nodes: None,
        unlisted: std::collections::BTreeSet::new(),
        metrics_api,
        cadvisor: None,
        findings: Vec::new(),
    }
}

/// The value of a measure over these pods as one workload, or as a cluster.
pub(crate) fn value_of(measure: M, pods: &[PodState]) -> f64 {
    let of: Vec<&PodState> = pods.iter().collect();
    let samples = if measure.is_of_cluster() {
        cluster_samples(&state(MetricsApi::Unknown), pods, now())
    } else {
        workload_samples(&of, None, Some(&fargaze::evidence::pods::PreviousPods::default()), now(), false)
    };
    let value =
        samples.into_iter().find(|(of, statistic, _)| *of == measure && *statistic == Statistic::Maximum);
    value.unwrap().2.unwrap()
}

/// Issue 13, point 15: a pod that is being deleted, has ended, or is held back on purpose is
/// neither pending nor crashing.
#[test]
fn pods_that_need_no_attention_are_not_counted_as_pending_or_crashing() {
    let crashing = PodState { waiting: waits("CrashLoopBackOff"), ..pod("crashing") };
    let stuck = PodState { waiting: waits("ImagePullBackOff"), ..pending("stuck") };
    let measures = [M::PodPending, M::CrashLoopingPods, M::UnstartablePods];
    let values = |pod: &PodState| measures.map(|measure| value_of(measure, std::slice::from_ref(pod)));
    assert_eq!(values(&pending("p")), [720.0, 0.0, 0.0]);
    assert_eq!(values(&crashing), [0.0, 1.0, 0.0]);
    assert_eq!(values(&stuck), [720.0, 0.0, 1.0]);
    for one in [pending("p"), crashing.clone(), stuck.clone()] {
        let deleted = PodState { deletion: Some(now()), ..one.clone() };
        assert_eq!(values(&deleted), [0.0; 3], "{deleted:?}");
        for phase in [Phase::Failed, Phase::Succeeded] {
            let ended = PodState { phase, ended_at: Some(ago(3)), ..one.clone() };
            assert_eq!(values(&ended), [0.0; 3], "{ended:?}");
        }
    }
    let mut gated = pending("p");
    gated.pending.as_mut().unwrap().reason = Some("SchedulingGated".to_owned());
    assert_eq!(values(&gated), [0.0; 3]);
}

/// Issue 13, point 9: a `DaemonSet` pod for a Fargate node is counted by its own measure and is not
/// a missing replica.
#[test]
fn a_daemon_set_pod_for_fargate_is_neither_pending_nor_missing() {
    let on_fargate = |fargate| PodState { fargate, ..of_daemon_set(pending("agent-1")) };
    let values = |pod: PodState| {
        let measures = [M::PodPending, M::UnstartablePods, M::DaemonSetPodsOnFargate];
        measures.map(|measure| value_of(measure, std::slice::from_ref(&pod)))
    };
    assert_eq!(values(on_fargate(true)), [0.0, 0.0, 1.0]);
    assert_eq!(values(on_fargate(false)), [720.0, 0.0, 0.0], "meant for another node");
    assert_eq!(values(PodState { deletion: Some(now()), ..on_fargate(true) }), [0.0; 3]);
    assert_eq!(values(pending("web-1")), [720.0, 0.0, 0.0]);

    let replicas = WorkloadState {
        cluster: "shop".parse().unwrap(),
        workload: on_fargate(true).workload,
        desired: 5,
        ready: 2,
        available: 2,
    };
    let missing = |pods: &[PodState]| {
        let of: Vec<&PodState> = pods.iter().collect();
        let samples = workload_samples(&of, Some(&replicas), None, now(), false);
        samples.into_iter().find(|(measure, ..)| *measure == M::AvailableBelowDesired).unwrap().2
    };
    assert_eq!(missing(&[on_fargate(true), on_fargate(true)]), Some(1.0));
    assert_eq!(missing(&vec![on_fargate(true); 9]), Some(0.0));
    assert_eq!(missing(&[on_fargate(false), on_fargate(false)]), Some(3.0));
    let said = words(M::DaemonSetPodsOnFargate, &[on_fargate(true), pending("web-1")], now());
    assert_eq!(said.as_deref(), Some("agent-1: of DaemonSet shop/agent."));
}

/// Issue 13, point 20: cause and remedy depend on what the pod waits for.
#[test]
fn a_pending_pod_is_explained_by_its_cause() {
    let explain = |pod: PodState| words(M::PodPending, &[pod], now()).unwrap();
    let begins = "Pod p has been pending since 09:48 UTC: ";
    let placeless = pending("p");
    let mut unsupported = pending("p");
    let message = "Pod not supported on Fargate: fields not supported: HostNetwork".to_owned();
    unsupported.pending.as_mut().unwrap().message = Some(message);
    let with_node = |reason: &str, said: Option<&str>| {
        let mut pod = PodState { node: pod("p").node, waiting: waits(reason), ..pending("p") };
        pod.waiting[0].message = said.map(ToOwned::to_owned);
        pod.pending = Some(PendingPod { since: ago(12), reason: Some(reason.to_owned()), message: None });
        pod
    };
    let cases = [
        (placeless.clone(), "Unschedulable (0/2 nodes are available). ", "free addresses", true),
        (
            // It may be meant for EC2 nodes.
            PodState { fargate: false, ..placeless },
            "Unschedulable (0/2 nodes are available). ",
            "It has no node: read its events (kubectl describe pod). If it is meant for Fargate, check whether a Fargate profile selects",
            false,
        ),
        (
            unsupported,
            "Unschedulable (Pod not supported on Fargate: fields not supported: HostNetwork). ",
            "template",
            false,
        ),
        (
            with_node("ErrImagePull", Some("denied: no basic auth.")),
            "it has a node, and container app waits: ErrImagePull (denied: no basic auth). ",
            "name and tag of its image",
            false,
        ),
        (
            with_node("CrashLoopBackOff", None),
            "it has a node, and container app waits: CrashLoopBackOff. ",
            "logs --previous",
            false,
        ),
        (
            with_node("CreateContainerConfigError", None),
            "it has a node, and container app waits: CreateContainerConfigError. ",
            "Secret",
            false,
        ),
        (
            with_node("ContainerCreating", None),
            "it has a node, and its containers have not started yet: ContainerCreating. ",
            "volume",
            false,
        ),
    ];
    for (pod, what, remedy, placeless) in cases {
        let said = explain(pod);
        let rest = said.strip_prefix(begins).and_then(|said| said.strip_prefix(what));
        assert!(rest.is_some_and(|rest| rest.contains(remedy)), "{said}");
        assert_eq!(said.contains("cannot be scheduled"), placeless, "{said}");
    }
    let no_profile = explain(PodState { fargate: false, ..pending("p") });
    assert!(
        no_profile.contains("have its controller recreate the pod") && !no_profile.contains("delete"),
        "{no_profile}"
    );
    let more = words(M::PodPending, &[pending("p"), pending("q"), completed("r", 90)], now()).unwrap();
    assert!(more.ends_with(" 1 more pending."), "{more}");
}

/// Issue 13, point 19: pods that are not counted are not named, however many precede the counted
/// ones.
#[test]
fn completed_and_unlogged_pods_are_named_if_they_are_counted() {
    let unlogged = |mut pod: PodState| {
        pod.logging_disabled = Some("LOGGING_CONFIGMAP_NOT_FOUND".to_owned());
        pod
    };
    let mut pods: Vec<PodState> = (0..5).map(|n| unlogged(completed(&format!("fresh-{n}"), 59))).collect();
    pods.push(PodState { fargate: false, ..completed("elsewhere", 900) });
    pods.push(completed("old", 61));
    pods.push(unlogged(pod("loud")));
    for (measure, sentence) in [
        (M::CompletedPods, "old: completed."),
        (M::LoggingDisabledPods, "loud: without logging, Fargate gives LOGGING_CONFIGMAP_NOT_FOUND."),
    ] {
        assert_eq!(value_of(measure, &pods), 1.0);
        assert_eq!(words(measure, &pods, now()).as_deref(), Some(sentence));
        assert_eq!(words(measure, &pods[..6], now()), None);
    }
}

/// The pod to check first is the one at the start of the sentence, and its container the one with
/// the more useful log.
#[test]
fn the_pod_that_is_named_first_is_the_one_to_check() {
    let crashing = PodState { waiting: waits("CrashLoopBackOff"), ..pod("b") };
    let killed = PodState { terminated: vec![ended("OOMKilled", 60)], new_oom_kills: 1, ..pod("c") };
    let not_ready = PodState { waiting: waits("ImagePullBackOff"), ready: false, ..pod("d") };
    let mut younger = pending("e");
    younger.pending.as_mut().unwrap().since = ago(1);
    let pods = [pod("a"), crashing, killed, not_ready, younger, pending("f")];
    for (measure, name, container) in [
        (M::CrashLoopingPods, "b", Some("app")),
        (M::OomKilled, "c", Some("app")),
        (M::UnstartablePods, "d", None),
        (M::PodPending, "f", None),
    ] {
        let why = why(measure, &pods, now()).unwrap();
        assert_eq!((why.pod.name.as_str(), why.pod.container.as_deref()), (name, container), "{measure:?}");
        assert!(why.sentence.contains(name), "{}", why.sentence);
    }
}

fn any_pod() -> impl Strategy<Value = PodState> {
    let phases = prop::sample::select(vec![
        Phase::Pending,
        Phase::Running,
        Phase::Succeeded,
        Phase::Failed,
        Phase::Unknown,
    ]);
    let reasons =
        prop::sample::select(vec!["", "CrashLoopBackOff", "ImagePullBackOff", "ContainerCreating", "Odd"]);
    let kinds = prop::sample::select(vec!["Deployment", "DaemonSet", "Job"]);
    let gates = prop::sample::select(vec!["Unschedulable", "SchedulingGated"]);
    let flags = prop::array::uniform6(any::<bool>());
    (phases, reasons, kinds, gates, flags, 0..3u32, 0..3u32, 0..200i64).prop_map(
        |(
            phase,
            reason,
            kind,
            gate,
            [fargate, deleted, logs, node, waits_for, seen],
            restarts,
            kills,
            minutes,
        )| {
            let mut pod = pod("p");
            kind.clone_into(&mut pod.workload.kind);
            pod.phase = phase;
            (pod.fargate, pod.new_restarts, pod.new_oom_kills) = (fargate, restarts, kills);
            pod.node = pod.node.filter(|_| node);
            pod.created_at = Some(ago(minutes));
            pod.deletion = deleted.then(now);
            pod.logging_disabled = logs.then(String::new);
            pod.waiting = if waits_for { waits(reason) } else { Vec::new() };
            if phase == Phase::Pending {
                let reason = Some(gate.to_owned());
                pod.pending = Some(PendingPod { since: ago(minutes), reason, message: None });
            }
            if pod.is_completed() {
                pod.ended_at = seen.then(|| ago(minutes));
            }
            if restarts + kills > 0 {
                pod.terminated = vec![ended("OOMKilled", minutes * 60)];
            }
            pod
        },
    )
}

proptest! {
    /// Issue 13, point 19: each measure that counts pods has names exactly if it has a value, and
    /// all named pods are counted.
    #[test]
    fn exactly_the_counted_pods_are_named(mut pods in prop::collection::vec(any_pod(), 0..8)) {
        pods.iter_mut().enumerate().for_each(|(n, pod)| pod.pod = format!("pod{n}z"));
        for measure in [
            M::PodRestarts, M::OomKilled, M::CrashLoopingPods, M::UnstartablePods, M::PodPending, M::CompletedPods,
            M::LoggingDisabledPods, M::DaemonSetPodsOnFargate,
        ] {
            let counted = Counted::of(measure, &pods, now());
            let (value, said) = (value_of(measure, &pods), words(measure, &pods, now()));
            prop_assert_eq!(value, counted.value());
            if measure != M::PodPending {
                prop_assert_eq!(value > 0.0, !counted.pods().is_empty());
            }
            prop_assert_eq!(said.is_some(), !counted.pods().is_empty(), "{:?}: {:?}", measure, said);
            for pod in &pods {
                let is_named = said.as_ref().is_some_and(|said| said.contains(&pod.pod));
                let is_counted = counted.pods().iter().any(|one| one.pod == pod.pod);
                prop_assert!(is_counted || !is_named, "{:?}: {:?}", measure, said);
                if is_counted && measure.is_of_cluster() {
                    prop_assert!(explains(pod, now()));
                }
            }
        }
    }
}
