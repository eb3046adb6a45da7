//! The API types on recorded responses.

use fargaze::kubernetes::api::{
    ApiGroupList, ConfigMap, Deployment, Job, List, Namespace, Node, NodeMetrics, Pod, PodMetrics,
    SelfSubjectAccessReview, SelfSubjectReview, Status,
};
use fargaze::kubernetes::quantity::RawQuantity;

use super::json;

#[test]
fn pages_of_pods_say_where_the_next_one_is() {
    let page: List<Pod> = json("pods_page1.body");
    assert!(!page.metadata.r#continue.is_empty());
    assert!(page.metadata.remaining_item_count.is_some_and(|remaining| remaining > 0));
    let pod = &page.items[0];
    assert!(pod.metadata.name.starts_with("nginx-demo-fargate-"), "{}", pod.metadata.name);
    assert_eq!(pod.spec.containers.len(), 2);
    assert_eq!(pod.metadata.owner_references[0].kind, "ReplicaSet");
    let next: List<Pod> = json("pods_page2.body");
    assert_ne!(page.items[0].metadata.uid, next.items[0].metadata.uid);
}

#[test]
fn a_crash_loop_is_in_state_and_last_state() {
    let page: List<Pod> = json("pods_crashloop.body");
    let statuses: Vec<_> = page.items.iter().flat_map(|pod| &pod.status.container_statuses).collect();
    let waiting = statuses.iter().filter_map(|status| status.state.waiting.as_ref()?.reason.as_deref());
    assert!(waiting.clone().any(|reason| reason == "CrashLoopBackOff"), "{statuses:?}");
    assert!(statuses.iter().any(|status| status.last_state.terminated.is_some()));
}

#[test]
fn quantities_stay_as_they_were_written() {
    let pod: Pod = json("pod_pending.body");
    let resources = &pod.spec.containers[0].resources;
    assert_eq!(resources.limits["memory"], RawQuantity("128e6".to_owned()));
    assert_eq!(resources.requests["memory"], RawQuantity("107374182400m".to_owned()));
    assert_eq!(pod.spec.init_containers[1].restart_policy.as_deref(), Some("Always"));
}

#[test]
fn nodes_have_capacity_and_labels() {
    let page: List<Node> = json("nodes_page1.body");
    let node = &page.items[0];
    assert_eq!(node.metadata.labels["eks.amazonaws.com/compute-type"], "fargate");
    assert!(node.status.capacity.contains_key("cpu") && node.status.allocatable.contains_key("memory"));
    assert!(node.status.node_info.kubelet_version.starts_with('v'));
}

#[test]
fn usage_and_workloads_are_read() {
    let usage: List<PodMetrics> = json("podmetrics_fake_server.body");
    assert_eq!(usage.items.len(), 3);
    assert_eq!(usage.items[0].window, "14.713s");
    let deployments: List<Deployment> = json("deployments.body");
    let deployment = &deployments.items[0];
    assert_eq!((deployment.spec.replicas, deployment.status.ready_replicas), (Some(3), 2));
    let config: ConfigMap = json("configmap_aws_logging.body");
    assert!(config.data["output.conf"].starts_with("[OUTPUT]"));
}

#[test]
fn the_preferred_version_of_a_group_is_found() {
    let groups: ApiGroupList = json("apis.body");
    assert_eq!(groups.versions("apps"), ["v1"]);
    assert_eq!(groups.versions("metrics.k8s.io"), ["v1beta1"]);
    assert_eq!(groups.versions("autoscaling"), ["v2", "v1"]);
    assert!(groups.versions("nothing.k8s.io").is_empty());
}

#[test]
fn errors_say_what_they_are_about() {
    let expired: Status = json("410_expired_continue.body");
    assert_eq!((expired.code, expired.reason.as_str()), (410, "Expired"));
    assert!(!expired.metadata.r#continue.is_empty());
    let forbidden: Status = json("403.body");
    assert_eq!(forbidden.reason, "Forbidden");
    assert!(forbidden.message.contains("cannot"), "{}", forbidden.message);
    let absent: Status = json("404_pod.body");
    assert_eq!(absent.details.kind, "pods");
    let unauthorized: Status = json("401.body");
    assert_eq!(unauthorized.code, 401);
}

#[test]
fn the_server_reports_the_callers_identity_and_permissions() {
    let who: SelfSubjectReview = json("selfsubjectreview.body");
    assert_eq!(who.status.user_info.groups, ["fargate-readers", "system:authenticated"]);
    let denied: SelfSubjectAccessReview = json("selfsubjectaccessreview_denied.body");
    assert!(!denied.status.allowed);
    let allowed: SelfSubjectAccessReview = json("selfsubjectaccessreview_ok.body");
    assert!(allowed.status.allowed);
    let question = serde_json::to_string(&allowed.spec.resource_attributes).unwrap();
    assert_eq!(question, r#"{"verb":"get","resource":"nodes","subresource":"proxy"}"#);
}

#[test]
fn null_is_as_good_as_absent() {
    let list: List<Pod> = serde_json::from_str(r#"{"metadata":null,"items":null}"#).unwrap();
    assert!(list.items.is_empty());
    let pod = r#"{"metadata":{"name":"a","labels":null,"annotations":null,"ownerReferences":null,"creationTimestamp":null},
        "spec":{"containers":null,"initContainers":null,"nodeName":null,"overhead":null,"resources":null},
        "status":{"phase":null,"conditions":null,"containerStatuses":null,"initContainerStatuses":null}}"#;
    let pod: Pod = serde_json::from_str(pod).unwrap();
    assert_eq!(pod.metadata.name, "a");
    assert_eq!(serde_json::from_str::<Pod>(r#"{"spec":null,"status":null}"#).unwrap(), Pod::default());
    let container = r#"{"spec":{"containers":[{"name":"c","resources":{"requests":null,"limits":null}}]}}"#;
    assert_eq!(serde_json::from_str::<Pod>(container).unwrap().spec.containers.len(), 1);
    let status =
        r#"{"status":{"containerStatuses":[{"name":"c","state":null,"lastState":{"terminated":null}}]}}"#;
    assert_eq!(serde_json::from_str::<Pod>(status).unwrap().status.container_statuses[0].restart_count, 0);
    serde_json::from_str::<Node>(r#"{"status":{"capacity":null,"conditions":null,"nodeInfo":null}}"#)
        .unwrap();
    serde_json::from_str::<PodMetrics>(r#"{"window":null,"containers":null}"#).unwrap();
    serde_json::from_str::<NodeMetrics>(r#"{"timestamp":null,"usage":null}"#).unwrap();
    serde_json::from_str::<Job>(r#"{"spec":null,"status":null}"#).unwrap();
    serde_json::from_str::<ConfigMap>(r#"{"data":null}"#).unwrap();
    serde_json::from_str::<Namespace>(r#"{"metadata":{"labels":null}}"#).unwrap();
    serde_json::from_str::<ApiGroupList>(r#"{"groups":null}"#).unwrap();
    serde_json::from_str::<Status>(r#"{"metadata":null,"message":null,"reason":null,"details":null}"#)
        .unwrap();
}

#[test]
fn a_quantity_may_be_a_bare_number() {
    let usage = r#"{"usage":{"cpu":2,"memory":1.5,"down":-1,"none":null}}"#;
    let usage = serde_json::from_str::<NodeMetrics>(usage).unwrap().usage;
    let written = |name: &str| usage[name].as_ref().map(|amount| amount.0.as_str());
    assert_eq!(["cpu", "memory", "down", "none"].map(written), [Some("2"), Some("1.5"), Some("-1"), None]);
    assert!(serde_json::from_str::<NodeMetrics>(r#"{"usage":{"cpu":[]}}"#).is_err());
}
