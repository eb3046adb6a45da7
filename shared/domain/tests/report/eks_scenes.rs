//! Estates with EKS clusters.

use fargaze::alarms::AlarmRecord;
use fargaze::evidence::eks::{KUBE_SYSTEM, Place};
use fargaze::evidence::pods::{
    AccessEntry, Amounts, CadvisorState, Diagnosis, MetricsApi, PendingPod, PodRates, PodState, Termination,
    Throttled, WaitingContainer,
};
use fargaze::kubernetes::pod::Phase;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use jiff::SignedDuration;

use crate::eks::{self, Eks, MIB, Owner, cluster, eks_target, owner, pod};
use crate::estate::{Estate, in_alarm, run};
use crate::scenes;

fn control_plane() -> Vec<(&'static str, String, f64, f64)> {
    vec![
        ("AWS/EKS", "apiserver_request_total".to_owned(), 1_840.4, 4_210.0),
        ("AWS/EKS", "apiserver_request_total_5XX".to_owned(), 0.0, 0.0),
        ("AWS/EKS", "scheduler_pending_pods".to_owned(), 0.1, 2.0),
    ]
}

/// A cluster without findings. An ECS cluster has the same name.
fn calm() -> Eks {
    let mut system = owner("kube-system/Deployment/metrics-server", 1, (2.0, 10.0));
    // No pod on Fargate reaches its own kubelet, so this one is never read.
    (system.load, system.pods[0].usage) = (None, None);
    let mut nightly = owner("shop/CronJob/nightly", 0, (0.0, 0.0));
    nightly.load = None;
    let workloads = vec![
        owner("kube-system/Deployment/coredns", 2, (3.0, 9.0)),
        system,
        nightly,
        owner("shop/Deployment/cart", 3, (22.0, 48.0)),
        owner("shop/StatefulSet/search", 2, (41.0, 61.0)),
    ];
    Eks { vended: control_plane(), ..cluster("shop", workloads) }
}

/// Everything is healthy, on ECS and on EKS.
pub(crate) fn quiet() -> Estate {
    Estate { eks: vec![("eu-west-1".to_owned(), Ok(vec![calm()]))], ..scenes::quiet() }
}

/// The same with cAdvisor on: two pods are rated, one was created since the previous sample, and
/// two nodes could not be read.
pub(crate) fn counted() -> Estate {
    let mut shop = calm();
    let state = shop.state.as_mut().unwrap();
    state.cadvisor = Some(CadvisorState { nodes: 8, unread: 2 });
    let rates = |container: &str, percent, bytes: f64| PodRates {
        cpu_nanocores: Some(55_123_456.7),
        throttled: Some(Throttled { container: container.to_owned(), percent }),
        network_received: Some(bytes * 1.5),
        network_sent: Some(bytes),
        disk_read: Some(0.0),
        disk_written: Some(bytes / 90.0),
    };
    let cart = &mut shop.workloads[3].pods;
    (cart[0].rates, cart[1].rates) =
        (Some(Box::new(rates("app", 62.54, 812_345.6))), Some(Box::new(rates("", 0.0, 999.4))));
    // Without a limit nothing is throttled.
    let search = &mut shop.workloads[4].pods[0];
    search.rates = Some(Box::new(PodRates { throttled: None, ..rates("", 0.0, 64.0) }));
    Estate { eks: vec![("eu-west-1".to_owned(), Ok(vec![shop]))], ..quiet() }
}

fn waits(pod: &mut PodState, reason: &str) {
    pod.ready = false;
    pod.waiting = vec![WaitingContainer {
        container: "app".to_owned(),
        reason: reason.to_owned(),
        message: None,
        class: None,
    }];
}

fn ended(reason: &str, exit_code: i32, minutes: i64) -> Termination {
    let finished_at = Some(run().time - SignedDuration::from_mins(minutes));
    Termination { container: "app".to_owned(), reason: reason.to_owned(), exit_code, finished_at }
}

/// Requests this many MiB, for which Fargate provisions 2 GB, and uses the same share of them.
fn size(pod: &mut PodState, requested: i64) {
    pod.requests.memory_bytes = Some(requested * MIB);
    pod.limits.memory_bytes = Some(2048 * MIB);
    pod.usage.iter_mut().for_each(|usage| usage.memory_bytes *= 2);
    pod.provisioned = Some(Amounts {
        cpu_millicores: Some(250),
        memory_bytes: Some(2048 * MIB),
        ephemeral_storage_bytes: None,
    });
}

fn crashing() -> Owner {
    let mut billing = owner("payments/Deployment/billing", 2, (4.0, 30.0));
    (billing.replicas, billing.restarts) = (Some((1, 2)), 48.0);
    for pod in &mut billing.pods {
        // It never uses half of what it got, and without the 256 MB that Fargate adds, half would
        // be enough.
        size(pod, 800);
    }
    let pod = &mut billing.pods[0];
    waits(pod, "CrashLoopBackOff");
    (pod.restarts, pod.terminated) = (147, vec![ended("Error", 1, 4)]);
    billing
}

fn killed() -> Owner {
    let mut worker = owner("payments/StatefulSet/worker", 3, (62.0, 92.0));
    (worker.restarts, worker.oom_kills) = (16.0, 8.0);
    (worker.pods[1].restarts, worker.pods[1].terminated) = (9, vec![ended("OOMKilled", 137, 22)]);
    worker
}

fn pending() -> Owner {
    let mut fraud = owner("fraud/Deployment/check", 1, (0.0, 0.0));
    (fraud.replicas, fraud.load) = (Some((0, 1)), None);
    let pod = &mut fraud.pods[0];
    (pod.phase, pod.ready, pod.usage, pod.node) = (Phase::Pending, false, None, None);
    (pod.provisioned, pod.of_node) = (None, std::collections::BTreeMap::new());
    (pod.fargate, pod.profile) = (false, None);
    pod.pending = Some(PendingPod {
        since: run().time - SignedDuration::from_mins(95),
        reason: Some("Unschedulable".to_owned()),
        message: Some("0/7 nodes are available: 7 node(s) had untolerated taint".to_owned()),
    });
    fraud
}

fn completed() -> Owner {
    let mut job = owner("payments/Job/import", 3, (0.0, 0.0));
    job.load = None;
    for (pod, hours) in job.pods.iter_mut().zip([50, 26, 2]) {
        (pod.phase, pod.ready, pod.usage) = (Phase::Succeeded, false, None);
        pod.terminated = vec![ended("Completed", 0, hours * 60)];
        pod.ended_at = pod.terminated[0].finished_at;
    }
    job
}

/// One of everything that needs attention.
pub(crate) fn diagnosis() -> Eks {
    let mut checkout = owner("payments/Deployment/checkout", 3, (35.0, 94.0));
    for pod in &mut checkout.pods {
        pod.logging_disabled = Some("LOGGING_CONFIGMAP_NOT_FOUND".to_owned());
        // It requests little and uses nearly all it got: half would not be enough.
        size(pod, 900);
    }
    let mut young = pod(&checkout.workload, 3, (1.0, 1.0));
    (young.usage, young.created_at) = (None, Some(run().time - SignedDuration::from_secs(25)));
    checkout.pods.push(young);
    let mut cluster = cluster("payments", vec![crashing(), killed(), pending(), completed(), checkout]);
    cluster.vended = control_plane();
    if let Some(state) = &mut cluster.state {
        state.logs = Some(std::collections::BTreeSet::new());
        state.nodes.iter_mut().for_each(|nodes| nodes.other = 2);
        state.findings.push(eks::diagnosis(
            &Diagnosis::PreferredDown {
                preferred: "v1".to_owned(),
                answer: "503 Service Unavailable: service unavailable".to_owned(),
                serving: "v1beta1".to_owned(),
            },
            "payments",
        ));
    }
    cluster
}

/// The Metrics API is not installed.
fn unmetered() -> Eks {
    let mut tools = owner("tools/Deployment/wiki", 2, (0.0, 0.0));
    tools.load = None;
    tools.pods.iter_mut().for_each(|pod| pod.usage = None);
    let mut cluster = cluster("lab", vec![tools]);
    if let Some(state) = &mut cluster.state {
        state.metrics_api = MetricsApi::Missing;
        state.addons.iter_mut().for_each(|addons| _ = addons.pop());
        let place = Place::of(KUBE_SYSTEM, false, state.profiles.as_deref().unwrap_or_default());
        let diagnosis = Diagnosis::NoMetrics { addon: None, place: Some(place) };
        state.findings.push(eks::diagnosis(&diagnosis, "lab"));
    }
    cluster
}

fn alarm(path: &str, rule: &str) -> AlarmRecord {
    let mut record = in_alarm("payments", "x", rule, 2);
    let workload = owner(path, 0, (0.0, 0.0)).workload;
    record.key.subject = Subject::Workload("payments".parse().unwrap(), workload);
    record
}

/// Many findings on EKS, on the day after a quiet one.
pub(crate) fn busy() -> Estate {
    let mut estate = scenes::quiet();
    let alarms = vec![
        alarm("payments/Deployment/billing", "crash-looping"),
        alarm("payments/Deployment/checkout", "pod-memory-high"),
    ];
    estate.alarms.push((eks_target("eu-west-1"), alarms));
    let mut shop = calm();
    shop.workloads.remove(3);
    shop.workloads.push(owner("shop/Deployment/web", 4, (27.0, 44.0)));
    estate.eks.push(("eu-west-1".to_owned(), Ok(vec![unmetered(), diagnosis(), shop])));
    estate
}

fn refused(cluster: &str) -> Fault {
    Fault {
        operation: Operation::kubernetes("GET", "/apis"),
        subject: cluster.to_owned(),
        kind: FaultKind::Denied,
        code: "Unauthorized".to_owned(),
        message: "401 Unauthorized: no access entry for the role, or one created before the role was deleted and recreated; a wrong \
                  cluster name, a skewed clock, or an expired session"
            .to_owned(),
    }
}

/// Only EKS, and its one cluster rejects the caller.
pub(crate) fn unreadable() -> Estate {
    let mut shop = calm();
    (shop.unread, shop.fault) = (true, Some(refused("shop")));
    if let Some(state) = &mut shop.state {
        (state.nodes, state.metrics_api) = (None, MetricsApi::Unknown);
        state.findings.push(eks::diagnosis(&Diagnosis::Unauthorized(AccessEntry::None), "shop"));
    }
    let mut estate = scenes::quiet();
    estate.targets.clear();
    estate.account_default = None;
    estate.eks = vec![("eu-west-1".to_owned(), Ok(vec![shop]))];
    estate
}

/// One cluster with this many pods.
pub(crate) fn crowd(pods: u32) -> Estate {
    let many = owner("shop/Deployment/web", pods, (27.0, 44.0));
    let mut estate = unreadable();
    estate.eks = vec![("eu-west-1".to_owned(), Ok(vec![cluster("shop", vec![crashing(), many])]))];
    estate
}
