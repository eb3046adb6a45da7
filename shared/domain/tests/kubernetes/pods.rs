//! What fargaze reads from a pod: recorded pods, and the rules one by one.

use fargaze::kubernetes::api::{List, Pod};
use fargaze::kubernetes::pod::{Logging, Pending, Phase, PodFacts, Termination, Waiting};
use serde_json::{Value, json};

use super::json as recorded;

fn read(pod: Value) -> PodFacts {
    PodFacts::read(serde_json::from_value(pod).unwrap())
}

/// A healthy pod with this spec.
fn with_spec(spec: &Value) -> PodFacts {
    let facts = read(json!({"spec": spec, "status": {"phase": "Running"}}));
    assert_eq!(facts.unreadable, Vec::<String>::new());
    facts
}

/// CPU and memory in display form.
fn shown(resources: &fargaze::kubernetes::resources::Resources) -> [Option<String>; 2] {
    [resources.cpu, resources.memory].map(|amount| amount.map(|amount| amount.to_string()))
}

fn some(cpu: &str, memory: &str) -> [Option<String>; 2] {
    [cpu, memory].map(|text| Some(text.to_owned()))
}

#[test]
fn a_running_pod_of_fargate_is_read() {
    let page: List<Pod> = recorded("pods_page1.body");
    let pod = PodFacts::read(page.items[0].clone());
    assert_eq!(
        (pod.namespace.as_str(), pod.name.as_str()),
        ("default", "nginx-demo-fargate-0103850d2e-620aa")
    );
    assert_eq!(pod.uid, "d4177def-ea18-4cbf-b14d-30b58f177877");
    assert_eq!(pod.owner.as_ref().unwrap().to_string(), "Deployment/nginx-demo-fargate");
    assert_eq!(pod.node.as_deref(), Some("fargate-ip-192-168-3-88.ec2.internal"));
    assert_eq!(pod.fargate_profile.as_deref(), Some("fp-default"));
    assert!(pod.is_fargate() && pod.ready && !pod.is_completed() && !pod.bills_though_completed());
    assert_eq!(pod.phase, Phase::Running);
    assert_eq!(pod.created, Some("2026-11-22T07:31:32Z".parse().unwrap()));
    assert_eq!(pod.started, Some("2026-11-22T07:00:00Z".parse().unwrap()));
    assert_eq!(pod.provisioned.unwrap().to_string(), "0.5vCPU 1GB");
    assert_eq!(shown(&pod.requests), some("300m", "512Mi"));
    assert_eq!(shown(&pod.limits), some("600m", "768Mi"));
    assert_eq!(pod.logging, Some(Logging::Enabled));
    assert_eq!((pod.restarts, pod.pending, pod.deletion), (0, None, None));
    assert!(pod.waiting.is_empty() && pod.terminated.is_empty() && pod.unreadable.is_empty());
}

#[test]
fn all_recorded_pods_are_readable() {
    for name in ["pods_page1.body", "pods_page2.body", "pods_crashloop.body"] {
        let page: List<Pod> = recorded(name);
        for pod in page.items.into_iter().map(PodFacts::read) {
            assert_eq!(pod.unreadable, Vec::<String>::new(), "{name} {}", pod.name);
        }
    }
}

#[test]
fn a_crash_loop_waits_and_has_ended_with_a_time() {
    let page: List<Pod> = recorded("pods_crashloop.body");
    let pod = PodFacts::read(page.items[0].clone());
    let container = "nginx-demo-ctr".to_owned();
    let finished_at = Some("2026-11-22T07:00:00Z".parse().unwrap());
    assert_eq!(pod.restarts, 12);
    assert_eq!(
        pod.waiting,
        [Waiting {
            container: container.clone(),
            reason: "CrashLoopBackOff".to_owned(),
            message: pod.waiting[0].message.clone()
        }]
    );
    assert_eq!(
        pod.terminated,
        [Termination { container, reason: "OOMKilled".to_owned(), exit_code: 137, finished_at }]
    );
}

#[test]
fn a_pending_pod_says_since_when() {
    let pod = PodFacts::read(recorded("pod_pending.body"));
    let since = Some("2026-11-22T07:58:54Z".parse().unwrap());
    assert_eq!(pod.phase, Phase::Pending);
    assert_eq!(pod.pending, Some(Pending { since, reason: None, message: None }));
    let reason = "LOGGING_CONFIGMAP_NOT_FOUND".to_owned();
    assert_eq!(pod.logging, Some(Logging::Disabled { reason }));
    assert_eq!((pod.node.as_ref(), pod.is_fargate(), pod.ready), (None, true, false));
    // 1 core and 1 GiB of the init container are more than 250m + 100m, and 102.4 MiB + 64 MiB.
    assert_eq!(shown(&pod.requests), some("1", "1Gi"));
    assert_eq!(shown(&pod.limits), some("500m", "128e6"));
    assert_eq!(pod.provisioned.unwrap().to_string(), "0.25vCPU 0.5GB");
}

#[test]
fn the_reason_of_a_pending_pod_is_the_schedulers_or_a_containers() {
    let scheduled = |status: &str| json!({"type": "PodScheduled", "status": status, "reason": "Unschedulable", "message": "no nodes"});
    let waiting = json!([{"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]);
    let pod = |status: &str| {
        let conditions = [scheduled(status)];
        read(json!({"status": {"phase": "Pending", "conditions": conditions, "containerStatuses": waiting}}))
    };
    let said = |pod: PodFacts| pod.pending.map(|pending| (pending.reason, pending.message)).unwrap();
    assert_eq!(said(pod("False")), (Some("Unschedulable".to_owned()), Some("no nodes".to_owned())));
    assert_eq!(said(pod("True")), (Some("ImagePullBackOff".to_owned()), None));
}

#[test]
fn fargate_is_known_by_label_scheduler_or_node() {
    let meant_for = |node: &str, operator: &str| {
        let field = json!({"key": "metadata.name", "operator": operator, "values": [node]});
        let terms = json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
        json!({"spec": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}})
    };
    for (pod, fargate) in [
        (meant_for("fargate-ip-10-0-0-1.ec2.internal", "In"), true),
        (meant_for("fargate-ip-10-0-0-1.ec2.internal", "NotIn"), false),
        (meant_for("ip-10-0-0-1.ec2.internal", "In"), false),
        (json!({"spec": {"affinity": null}}), false),
        (json!({"spec": {"affinity": {"nodeAffinity": null, "podAffinity": {}}}}), false),
        (json!({"metadata": {"labels": {"eks.amazonaws.com/fargate-profile": "p"}}}), true),
        (json!({"spec": {"schedulerName": "fargate-scheduler"}}), true),
        (json!({"spec": {"nodeName": "fargate-ip-10-0-0-1.eu-central-1.compute.internal"}}), true),
        (
            json!({"spec": {"nodeName": "ip-10-0-0-1.ec2.internal", "schedulerName": "default-scheduler"}}),
            false,
        ),
    ] {
        assert_eq!(read(pod.clone()).is_fargate(), fargate, "{pod}");
    }
}

#[test]
fn a_completed_pod_of_fargate_still_bills() {
    let pod = |phase: &str, scheduler: &str| {
        read(json!({"spec": {"schedulerName": scheduler}, "status": {"phase": phase}}))
            .bills_though_completed()
    };
    assert!(pod("Succeeded", "fargate-scheduler") && pod("Failed", "fargate-scheduler"));
    assert!(!pod("Running", "fargate-scheduler") && !pod("Succeeded", "default-scheduler"));
}

#[test]
fn unreadable_fields_are_reported_and_the_rest_is_kept() {
    let pod = read(json!({
        "metadata": {
            "name": "p", "creationTimestamp": "yesterday",
            "annotations": {"CapacityProvisioned": "much", "Logging": "Perhaps"},
        },
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1K", "memory": "1Gi"}, "limits": {"cpu": "x"}}}]},
        "status": {"phase": "Sleeping", "startTime": "2026-11-22T07:00:00Z",
            "containerStatuses": [{"name": "c", "restartCount": 3, "lastState": {"terminated": {"exitCode": 1, "finishedAt": "?"}}}]},
    }));
    assert_eq!((pod.name.as_str(), pod.restarts, pod.phase), ("p", 3, Phase::Unknown));
    assert_eq!(pod.requests.memory.unwrap().to_string(), "1Gi");
    assert_eq!(pod.terminated[0].finished_at, None);
    assert!(pod.started.is_some() && pod.provisioned.is_none() && pod.logging.is_none());
    let places: Vec<&str> = pod.unreadable.iter().filter_map(|said| said.split(": ").next()).collect();
    assert_eq!(
        places,
        [
            "spec.containers[c].resources.requests.cpu",
            "spec.containers[c].resources.limits.cpu",
            "metadata.creationTimestamp",
            "status.phase",
            "metadata.annotations.CapacityProvisioned",
            "status.containerStatuses[c].lastState.terminated.finishedAt",
            "metadata.annotations.Logging",
        ]
    );
    let said = "metadata.annotations.CapacityProvisioned: \"much\" is not a Fargate size: expected cores and memory such as \"0.25vCPU 0.5GB\"";
    assert_eq!(pod.unreadable[4], said);
}

#[test]
fn logging_may_give_no_reason() {
    let logging = |text: &str| read(json!({"metadata": {"annotations": {"Logging": text}}})).logging;
    let disabled = |reason: &str| Some(Logging::Disabled { reason: reason.to_owned() });
    assert_eq!(logging("LoggingEnabled"), Some(Logging::Enabled));
    assert_eq!(logging("LoggingDisabled"), disabled(""));
    assert_eq!(logging("LoggingDisabled: A: B"), disabled("A: B"));
}

fn needs(name: &str, cpu: &str, memory: &str, always: bool) -> Value {
    let amounts = json!({"cpu": cpu, "memory": memory});
    let mut container = json!({"name": name, "resources": {"requests": amounts, "limits": amounts}});
    if always {
        container["restartPolicy"] = "Always".into();
    }
    container
}

#[test]
fn containers_add_up_and_an_init_container_counts_if_it_needs_more() {
    let containers = [needs("a", "1", "1Gi", false), needs("b", "500m", "512Mi", false)];
    let pod = with_spec(&json!({"containers": containers}));
    assert_eq!(shown(&pod.requests), some("1500m", "1536Mi"));
    let init = [needs("i", "2", "256Mi", false), needs("j", "1", "2Gi", false)];
    let pod = with_spec(&json!({"containers": containers, "initContainers": init}));
    assert_eq!(shown(&pod.requests), some("2", "2Gi"));
    assert_eq!(pod.requests, pod.limits);
}

#[test]
fn a_sidecar_runs_next_to_the_containers_after_it() {
    let containers = [needs("a", "1", "1Gi", false)];
    // The init container before the sidecar runs alone, the one after it runs next to it.
    let init =
        [needs("i", "1500m", "0", false), needs("s", "200m", "1Gi", true), needs("j", "1400m", "0", false)];
    let pod = with_spec(&json!({"containers": containers, "initContainers": init}));
    assert_eq!(shown(&pod.requests), some("1600m", "2Gi"));
}

#[test]
fn the_pod_as_a_whole_overrides_and_the_overhead_comes_on_top() {
    let whole = json!({"requests": {"cpu": "3", "hugepages-2Mi": "4Mi", "ephemeral-storage": "9Gi"}, "limits": {"memory": "8Gi"}});
    let containers = [needs("a", "1", "1Gi", false)];
    let overhead = json!({"cpu": "250m", "memory": "120Mi", "ephemeral-storage": "1Gi"});
    let pod = with_spec(&json!({"containers": containers, "resources": whole, "overhead": overhead}));
    assert_eq!(shown(&pod.requests), some("3250m", "1144Mi"));
    assert_eq!(pod.requests.get("hugepages-2Mi").unwrap().to_string(), "4Mi");
    // Pod-level resources have no disk, and without a limit the overhead has nothing to be added
    // to.
    assert_eq!(pod.requests.ephemeral_storage.unwrap().to_string(), "1Gi");
    assert_eq!(shown(&pod.limits), some("1250m", "8312Mi"));
    assert_eq!(pod.limits.ephemeral_storage, None);
    let names: Vec<&str> = pod.requests.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["cpu", "memory", "ephemeral-storage", "hugepages-2Mi"]);
    assert!(with_spec(&json!({})).requests.is_empty());
}
