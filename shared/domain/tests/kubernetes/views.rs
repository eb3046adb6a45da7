//! Nodes, workloads and usage, and the values that kubectl shows for them. The node and the pod of
//! the golden tables are from a 2020 article: 4 cores with one pod that requests 3.

use fargaze::kubernetes::api::{
    DaemonSet, Deployment, Job, List, Node, NodeMetrics, PodMetrics, StatefulSet,
};
use fargaze::kubernetes::node::NodeFacts;
use fargaze::kubernetes::pod::PodFacts;
use fargaze::kubernetes::quantity::Quantity;
use fargaze::kubernetes::usage::{NodeUsage, PodUsage};
use fargaze::kubernetes::views::{describe_node, percent, percent_of_cpu, top_cpu, top_memory};
use fargaze::kubernetes::workload::{WorkloadFacts, WorkloadKind};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::json as recorded;

const NODE: &str = "fargate-ip-192-168-85-85.ec2.internal";

fn golden_node() -> NodeFacts {
    let capacity = json!({
        "attachable-volumes-aws-ebs": "39", "cpu": "4", "ephemeral-storage": "25671908Ki", "hugepages-1Gi": "0",
        "hugepages-2Mi": "0", "memory": "16423900Ki", "pods": "1",
    });
    let mut allocatable = capacity.clone();
    allocatable["ephemeral-storage"] = "23659230374".into();
    allocatable["memory"] = "16321500Ki".into();
    node(&json!({"capacity": capacity, "allocatable": allocatable}))
}

fn node(status: &Value) -> NodeFacts {
    let node: Node = serde_json::from_value(json!({"metadata": {"name": NODE}, "status": status})).unwrap();
    NodeFacts::read(node)
}

fn pod(name: &str, phase: &str, on: &str) -> PodFacts {
    let resources =
        json!({"requests": {"cpu": "3", "memory": "1Gi"}, "limits": {"cpu": "3500m", "memory": "2Gi"}});
    let pod = json!({
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": on, "containers": [{"name": "my-container", "resources": resources}]},
        "status": {"phase": phase},
    });
    PodFacts::read(serde_json::from_value(pod).unwrap())
}

/// Rows as in kubectl's tables.
fn tables(pods: &[PodFacts], node: &NodeFacts) -> (Vec<String>, Vec<String>) {
    let view = describe_node(pods, node);
    let row = |row: &fargaze::kubernetes::views::PodRow| {
        let (cpu, memory) = (row.cpu, row.memory);
        format!(
            "{} {} | {} | {} | {} | {}",
            row.namespace, row.name, cpu.requests, cpu.limits, memory.requests, memory.limits
        )
    };
    let total = |(name, asked): &(String, fargaze::kubernetes::views::RequestsAndLimits)| {
        format!("{name} | {} | {}", asked.requests, asked.limits)
    };
    (view.pods.iter().map(row).collect(), view.totals.iter().map(total).collect())
}

#[test]
fn s64_and_s65_the_tables_of_describe_node_are_met() {
    let pods = [
        pod("my-fargate-pod", "Running", NODE),
        pod("done", "Succeeded", NODE),
        pod("broken", "Failed", NODE),
        pod("elsewhere", "Running", "fargate-ip-10-0-0-1.ec2.internal"),
    ];
    let (rows, totals) = tables(&pods, &golden_node());
    assert_eq!(rows, ["default my-fargate-pod | 3 (75%) | 3500m (87%) | 1Gi (6%) | 2Gi (12%)"]);
    assert_eq!(
        totals,
        [
            "cpu | 3 (75%) | 3500m (87%)",
            "memory | 1Gi (6%) | 2Gi (12%)",
            "ephemeral-storage | 0 (0%) | 0 (0%)",
            "hugepages-1Gi | 0 (0%) | 0 (0%)",
            "hugepages-2Mi | 0 (0%) | 0 (0%)",
            "attachable-volumes-aws-ebs | 0 | 0",
        ]
    );
}

#[test]
fn s65_totals_may_be_above_100_percent() {
    let pods = [pod("b", "Running", NODE), pod("a", "Pending", NODE)];
    let (rows, totals) = tables(&pods, &golden_node());
    assert!(rows[0].starts_with("default a ") && rows[1].starts_with("default b "), "{rows:?}");
    assert_eq!(totals[0], "cpu | 6 (150%) | 7 (175%)");
    assert_eq!(totals[1], "memory | 2Gi (12%) | 4Gi (25%)");
}

#[test]
fn s61_to_s63_capacity_stands_in_for_what_is_not_allocatable() {
    let golden = golden_node();
    assert!(golden.is_fargate && !golden.ready);
    let part = |resources: &fargaze::kubernetes::resources::Resources| resources.memory.unwrap().value();
    assert_eq!(part(&golden.capacity) - part(&golden.allocatable), 102_400 * 1024);
    assert_eq!(golden.allocatable.ephemeral_storage.unwrap().to_string(), "23659230374");
    assert_eq!(golden.capacity.get("pods").unwrap().value(), 1);
    let plain = node(&json!({"capacity": {"cpu": "6", "memory": "x"}}));
    assert_eq!(plain.unreadable.len(), 1, "{:?}", plain.unreadable);
    let (_, totals) = tables(&[pod("a", "Running", NODE)], &plain);
    assert_eq!(totals, ["cpu | 3 (50%) | 3500m (58%)", "memory | 1Gi (0%) | 2Gi (0%)"]);
}

#[test]
fn recorded_nodes_are_read() {
    let page: List<Node> = recorded("nodes_page1.body");
    for node in page.items.into_iter().map(NodeFacts::read) {
        assert!(node.is_fargate && node.ready && node.unreadable.is_empty(), "{node:?}");
        assert_eq!(node.kubelet_version, "v1.36.1-eks-abcdef0");
        assert_eq!(node.available().cpu, Some(Quantity::millis(2000)));
    }
}

#[test]
fn s70_top_shows_millicores_and_whole_mebibytes() {
    let quantity = |text: &str| text.parse::<Quantity>().unwrap();
    for (cpu, shown) in
        [("486789012n", "487m"), ("0", "0m"), ("1n", "1m"), ("3", "3000m"), ("67123456n", "68m")]
    {
        assert_eq!(top_cpu(quantity(cpu)), shown);
    }
    for (memory, shown) in
        [("1412Ki", "1Mi"), ("151Mi", "151Mi"), ("1023Ki", "0Mi"), ("2Gi", "2048Mi"), ("128e6", "122Mi")]
    {
        assert_eq!(top_memory(quantity(memory)), shown);
    }
}

#[test]
fn percents_are_cut_off_and_err_as_kubectls_floats_do() {
    let of = |value: &str, whole: &str| {
        let (value, whole) = (value.parse().unwrap(), whole.parse().unwrap());
        (percent_of_cpu(value, whole), percent(value, whole))
    };
    assert_eq!(of("3500m", "4"), (87, 100));
    assert_eq!(of("2Gi", "16321500Ki").1, 12);
    assert_eq!(of("290m", "1").0, 28);
    assert_eq!(of("1", "0"), (0, 0));
    assert_eq!(of("-1", "1"), (0, 0));
}

#[test]
fn usage_is_the_sum_of_the_containers() {
    let list: List<PodMetrics> = recorded("podmetrics_fake_server.body");
    let usage = PodUsage::read(list.items[0].clone()).unwrap().unwrap();
    assert_eq!(
        (usage.namespace.as_str(), usage.name.as_str()),
        ("default", "nginx-demo-fargate-0000000000-00000")
    );
    assert_eq!(usage.timestamp, "2026-11-22T07:00:12Z".parse().unwrap());
    assert_eq!(usage.window, SignedDuration::from_millis(14_713));
    assert_eq!((top_cpu(usage.cpu), top_memory(usage.memory)), ("2m".to_owned(), "170Mi".to_owned()));
    assert_eq!(usage.containers[1].memory.to_string(), "151Mi");
}

#[test]
fn a_window_is_read_as_go_prints_it() {
    for (window, millis) in [("1m0s", 60_000), ("14.713s", 14_713), ("1h2m3.5s", 3_723_500), ("250ms", 250)] {
        let metrics = json!({
            "metadata": {"name": "p", "namespace": "n"}, "timestamp": "2026-11-22T10:00:00Z", "window": window,
            "containers": [{"name": "c", "usage": {"cpu": "1", "memory": "1Mi"}}],
        });
        let usage = PodUsage::read(serde_json::from_value(metrics).unwrap()).unwrap().unwrap();
        assert_eq!(usage.window.as_millis(), millis, "{window}");
    }
}

#[test]
fn usage_with_a_bad_part_is_an_error_that_says_where() {
    let read = |metrics: Value| PodUsage::read(serde_json::from_value(metrics).unwrap());
    let bad = json!({
        "metadata": {"name": "p", "namespace": "n"}, "window": "soon",
        "containers": [{"name": "c", "usage": {"cpu": "1K", "memory": "1Mi"}}],
    });
    let said = read(bad).unwrap_err().to_string();
    assert!(said.starts_with("usage of n/p cannot be read: timestamp: "), "{said}");
    assert!(
        said.contains("; window: \"soon\" is not") && said.contains("; containers[c].usage.cpu: \"1K\""),
        "{said}"
    );
    let node = |metrics: Value| {
        NodeUsage::read(serde_json::from_value::<NodeMetrics>(metrics).unwrap())
            .map(|usage| usage.map(|usage| (top_cpu(usage.cpu), usage.window)))
    };
    assert_eq!(node(json!({"metadata": {"name": "x"}})).unwrap_err().subject, "x");
    let whole = json!({"metadata": {"name": "x"}, "timestamp": "2026-11-22T07:00:12Z", "window": "20.1s", "usage": {"cpu": "67123456n", "memory": "151Mi"}});
    assert_eq!(node(whole), Ok(Some(("68m".to_owned(), SignedDuration::from_millis(20_100)))));
}

/// Issue 13, point 13: absent or null is no data, for pods and nodes, and never zero. An explicit
/// zero is zero.
#[test]
fn usage_that_is_not_there_is_no_data_and_never_zero() {
    let whole = || json!({"name": "a", "usage": {"cpu": "250m", "memory": "1Gi"}});
    let pod = |containers: Value| {
        let metrics = json!({"metadata": {"name": "p", "namespace": "n"}, "timestamp": "2026-11-22T07:00:12Z",
            "window": "10s", "containers": containers});
        let usage = PodUsage::read(serde_json::from_value(metrics).unwrap()).unwrap();
        usage.map(|usage| (usage.cpu.to_string(), usage.memory.to_string()))
    };
    let node = |usage: Value| {
        let metrics = json!({"metadata": {"name": "x"}, "timestamp": "2026-11-22T07:00:12Z", "window": "10s", "usage": usage});
        NodeUsage::read(serde_json::from_value(metrics).unwrap()).unwrap().map(|usage| usage.cpu.to_string())
    };
    for none in [json!(null), json!([])] {
        assert_eq!(pod(none.clone()), None, "{none}");
    }
    for none in [
        json!(null),
        json!({}),
        json!({"cpu": "1m"}),
        json!({"memory": "1Mi"}),
        json!({"cpu": null, "memory": "1Mi"}),
        json!({"cpu": "1m", "memory": null}),
        json!({"cpu": null, "memory": null}),
    ] {
        assert_eq!(node(none.clone()), None, "{none}");
        let part = json!({"name": "b", "usage": none});
        assert_eq!(pod(json!([part])), None, "{none}");
        // Without one of its parts a sum is too small.
        assert_eq!(pod(json!([whole(), part])), None, "{none}");
    }
    let zero = json!({"cpu": "0", "memory": "0"});
    assert_eq!(node(zero.clone()).as_deref(), Some("0"));
    assert_eq!(pod(json!([{"name": "b", "usage": zero}])), Some(("0".to_owned(), "0".to_owned())));
    assert_eq!(pod(json!([whole(), whole()])), Some(("500m".to_owned(), "2Gi".to_owned())));
}

#[test]
fn workloads_say_what_is_wanted_and_what_is_there() {
    let deployments: List<Deployment> = recorded("deployments.body");
    let web = WorkloadFacts::from(deployments.items[0].clone());
    assert_eq!(
        (web.kind, web.name.as_str(), web.desired, web.ready),
        (WorkloadKind::Deployment, "nginx-demo-fargate", 3, 2)
    );
    assert_eq!((web.available, web.updated, web.failed, web.owner), (Some(2), Some(3), None, None));
    let set: StatefulSet =
        serde_json::from_value(json!({"spec": {}, "status": {"readyReplicas": 1}})).unwrap();
    let set = WorkloadFacts::from(set);
    assert_eq!((set.desired, set.ready, set.available), (1, 1, Some(0)));
    let status = json!({"desiredNumberScheduled": 5, "numberReady": 4, "numberAvailable": 3, "updatedNumberScheduled": 2});
    let daemons: DaemonSet = serde_json::from_value(json!({"status": status})).unwrap();
    let daemons = WorkloadFacts::from(daemons);
    assert_eq!(
        (daemons.desired, daemons.ready, daemons.available, daemons.updated),
        (5, 4, Some(3), Some(2))
    );
    let owners = json!([{"kind": "CronJob", "name": "backup", "controller": true}]);
    let job = json!({"metadata": {"ownerReferences": owners}, "spec": {"completions": 4}, "status": {"succeeded": 3, "failed": 1}});
    let job = WorkloadFacts::from(serde_json::from_value::<Job>(job).unwrap());
    assert_eq!(
        (job.kind.to_string().as_str(), job.desired, job.succeeded, job.failed),
        ("Job", 4, Some(3), Some(1))
    );
    assert_eq!(job.owner.unwrap().to_string(), "CronJob/backup");
}
