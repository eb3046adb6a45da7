//! EKS clusters to report on, as a collector would have written them.

use std::collections::BTreeSet;

use fargaze::evidence::coverage::Coverage;
use fargaze::evidence::eks::{Addon, EksCluster, FargateProfile, FargateSelector, LogType};
use fargaze::evidence::inventory::{ClusterEntry, EksEntry};
use fargaze::evidence::pods::{
    Amounts, Caller, ClusterState, Diagnosis, MetricsApi, NodeCount, PodState, PodUsageState, SetupProblem,
    Share, WorkloadState,
};
use fargaze::evidence::snapshot::SnapshotLine;
use fargaze::kubernetes::pod::Phase;
use fargaze::model::fault::Fault;
use fargaze::model::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};
use fargaze::model::run::{Platform, Run, Target};
use fargaze::model::series::{Datapoint, MetricSeries, Reading};
use fargaze::model::status::ProfileStatus;
use fargaze::model::subject::{Subject, Workload};
use fargaze::report::ReportBuilder;
use fargaze::rules::{KubernetesMeasure as M, SAMPLE_PERIOD};
use jiff::{SignedDuration, Timestamp};

use crate::estate::target;

pub(crate) const MIB: i64 = 1 << 20;

/// Mean and maximum usage of pods in percent of what they have: at most all.
const MOST: (f64, f64) = (94.0, 98.5);

/// One cluster of EKS.
#[derive(Clone)]
pub(crate) struct Eks {
    pub(crate) name: String,
    /// `None` if EKS could not be asked.
    pub(crate) state: Option<ClusterState>,
    pub(crate) unread: bool,
    pub(crate) workloads: Vec<Owner>,
    /// Name, mean and maximum of AWS metrics.
    pub(crate) vended: Vec<(&'static str, String, f64, f64)>,
    pub(crate) fault: Option<Fault>,
}

/// One workload with its pods.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) workload: Workload,
    /// Available and desired replicas.
    pub(crate) replicas: Option<(u32, u32)>,
    /// Mean CPU and memory.
    pub(crate) load: Option<(f64, f64)>,
    pub(crate) restarts: f64,
    pub(crate) oom_kills: f64,
    pub(crate) pods: Vec<PodState>,
}

pub(crate) fn eks_target(region: &str) -> Target {
    Target { platform: Platform::Eks, ..target(region) }
}

/// A healthy cluster.
pub(crate) fn cluster(name: &str, workloads: Vec<Owner>) -> Eks {
    let profile = |name: &str, namespace: &str| FargateProfile {
        name: name.to_owned(),
        status: ProfileStatus::Active,
        selectors: vec![FargateSelector {
            namespace: namespace.to_owned(),
            labels: std::collections::BTreeMap::new(),
        }],
        pod_execution_role: Some("arn:aws:iam::123456789012:role/fargate-pods".to_owned()),
    };
    let addon = |name: &str, version: &str| Addon {
        name: name.to_owned(),
        status: "ACTIVE".to_owned(),
        version: Some(version.to_owned()),
        issues: Vec::new(),
        configuration: None,
    };
    // One profile for each namespace with pods on Fargate.
    let pods = || workloads.iter().flat_map(|owner| &owner.pods).filter(|pod| pod.fargate);
    let namespaces: BTreeSet<&str> = pods().map(|pod| pod.workload.namespace.as_str()).collect();
    let profiles = namespaces.into_iter().map(|namespace| profile(&profile_of(namespace), namespace));
    let state = ClusterState {
        cluster: name.parse().unwrap(),
        status: Some("ACTIVE".to_owned()),
        version: Some("1.33".to_owned()),
        logs: Some([LogType::Api, LogType::Audit].into()),
        profiles: Some(profiles.collect()),
        addons: Some(vec![addon("coredns", "v1.12.1"), addon("metrics-server", "v0.8.0")]),
        nodes: Some(NodeCount { fargate: pods().count(), other: 0 }),
        unlisted: std::collections::BTreeSet::new(),
        metrics_api: MetricsApi::Serves("v1beta1".to_owned()),
        cadvisor: None,
        findings: Vec::new(),
    };
    let (name, state) = (name.to_owned(), Some(state));
    Eks { name, state, unread: false, workloads, vended: Vec::new(), fault: None }
}

pub(crate) fn finding(problem: &str, remedy: &str) -> SetupProblem {
    SetupProblem { problem: problem.to_owned(), remedy: remedy.to_owned() }
}

/// The product's text for a diagnosis of a cluster.
pub(crate) fn diagnosis(diagnosis: &Diagnosis, cluster: &str) -> SetupProblem {
    let Target { account, region, .. } = eks_target("eu-west-1");
    let role = "arn:aws:iam::123456789012:role/fargaze-CollectPodsRole";
    let caller = Caller { account: &account, region: &region, role };
    let cluster = EksCluster::named(cluster.parse().unwrap(), "ACTIVE");
    fargaze::evidence::pods::finding(diagnosis, &cluster, caller)
}

fn profile_of(namespace: &str) -> String {
    format!("fp-{namespace}")
}

/// A workload with identical, healthy pods.
pub(crate) fn owner(path: &str, pods: u32, load: (f64, f64)) -> Owner {
    let mut parts = path.split('/').map(ToOwned::to_owned);
    let mut next = || parts.next().unwrap();
    let workload = Workload { namespace: next(), kind: next(), name: next() };
    let pods_of = (0..pods).map(|i| pod(&workload, i, load));
    Owner {
        pods: pods_of.collect(),
        replicas: matches!(workload.kind.as_str(), "Deployment" | "StatefulSet").then_some((pods, pods)),
        workload,
        load: Some(load),
        restarts: 0.0,
        oom_kills: 0.0,
    }
}

/// A pod that requests a quarter of a core and 700 MiB, and got 0.25 vCPU and 1 GB.
pub(crate) fn pod(workload: &Workload, i: u32, (cpu, memory): (f64, f64)) -> PodState {
    let now = crate::estate::run().time;
    let size = Amounts {
        cpu_millicores: Some(250),
        memory_bytes: Some(1024 * MIB),
        ephemeral_storage_bytes: Some(20 << 30),
    };
    let share = |requests_percent, limits_percent| Share { requests_percent, limits_percent };
    #[expect(clippy::cast_possible_truncation, reason = "it is some billion")]
    let usage = PodUsageState {
        cpu_nanocores: (cpu * 2_500_000.0) as i64 + i64::from(i) * 123_457,
        memory_bytes: (memory * 10.24) as i64 * MIB + i64::from(i) * MIB,
        timestamp: now - SignedDuration::from_secs(40),
        window_seconds: 15.5,
    };
    PodState {
        cluster: "placeholder".parse().unwrap(),
        pod: format!("{}-6c9f7d5b8-{i:05}", workload.name),
        uid: format!("{}-{i}", workload.name),
        workload: workload.clone(),
        phase: Phase::Running,
        reason: None,
        message: None,
        deletion: None,
        ended_at: None,
        fargate: true,
        profile: Some(profile_of(&workload.namespace)),
        provisioned: Some(size),
        requests: Amounts {
            cpu_millicores: Some(250),
            memory_bytes: Some(700 * MIB),
            ephemeral_storage_bytes: None,
        },
        limits: Amounts {
            cpu_millicores: None,
            memory_bytes: Some(1024 * MIB),
            ephemeral_storage_bytes: None,
        },
        usage: Some(usage),
        counters: None,
        rates: None,
        ready: true,
        restarts: 0,
        new_restarts: 0,
        new_oom_kills: 0,
        created_at: Some(now - SignedDuration::from_hours(70)),
        pending: None,
        initializing: None,
        waiting: Vec::new(),
        terminated: Vec::new(),
        warnings: Vec::new(),
        probe_kills: Vec::new(),
        logging_disabled: None,
        node: Some(format!("fargate-ip-10-0-1-{i}.eu-west-1.compute.internal")),
        of_node: [("cpu".to_owned(), share(12, 0)), ("memory".to_owned(), share(18, 26))].into(),
        unreadable: Vec::new(),
    }
}

/// Collects the clusters of one target as a report run does, with its coverage.
pub(crate) fn seen(builder: &mut ReportBuilder, run: &Run, target: &Target, clusters: &[Eks]) -> Coverage {
    builder.target(target);
    let mut coverage = Coverage { clusters: clusters.len(), ..Coverage::default() };
    for cluster in clusters {
        coverage.clusters_seen += usize::from(cluster.fault.is_none());
        let workloads: Vec<Workload> = cluster.workloads.iter().map(|owner| owner.workload.clone()).collect();
        coverage.services += workloads.len();
        let eks = EksEntry { workloads, cadvisor: false };
        let entry = ClusterEntry { unlisted: cluster.unread, ..eks.into() };
        builder.add(SnapshotLine::Cluster(cluster.name.parse().unwrap(), entry));
    }
    let all =
        |lines: fn(&Run, &Eks) -> Vec<SnapshotLine>| clusters.iter().flat_map(move |one| lines(run, one));
    all(series).chain(all(states)).for_each(|line| builder.add(line));
    coverage.faults =
        fargaze::evidence::coverage::counted(clusters.iter().filter_map(|one| one.fault.clone()));
    builder.add(SnapshotLine::End(coverage.clone()));
    coverage
}

fn series(run: &Run, cluster: &Eks) -> Vec<SnapshotLine> {
    let mut lines = Vec::new();
    let mut line = |metric, statistic, period, values: &dyn Fn(usize) -> Option<f64>| {
        let starts = run.window.period_starts().enumerate();
        let points: Vec<Datapoint> = starts
            .filter_map(|(i, timestamp): (usize, Timestamp)| Some(Datapoint { timestamp, value: values(i)? }))
            .collect();
        let reading = Reading::Complete(MetricSeries::new(points));
        lines.push(SnapshotLine::Series(MetricQuery { metric, statistic, period }, reading));
    };
    for (namespace, name, mean, highest) in cluster.vended.iter().cloned() {
        let dimensions = Dimensions::new([("ClusterName", cluster.name.clone())]);
        let metric = Metric { namespace: namespace.into(), name: name.into(), dimensions };
        line(metric.clone(), Statistic::Average, Period::FIVE_MINUTES, &|_| Some(mean));
        line(metric, Statistic::Maximum, Period::FIVE_MINUTES, &|_| Some(highest));
    }
    for owner in cluster.workloads.iter().filter(|_| !cluster.unread) {
        let subject = Subject::Workload(cluster.name.parse().unwrap(), owner.workload.clone());
        let of = |measure: M| measure.of(&subject);
        let wave = |i: usize| f64::from(u32::try_from((i * 7 + owner.pods.len() * 3) % 29).unwrap()) / 29.0;
        let day = |i: usize| f64::from(u32::try_from(i.abs_diff(150)).unwrap()) / 150.0;
        let load = |base: Option<f64>, swing: f64, peak: f64| {
            let most = if peak > 1.0 { MOST.1 } else { MOST.0 };
            move |i: usize| base.map(|base| (base * (1.05 - 0.2 * day(i) + swing * wave(i)) * peak).min(most))
        };
        let (cpu, memory) = (owner.load.map(|load| load.0), owner.load.map(|load| load.1));
        line(of(M::PodCpuPercent), Statistic::Average, SAMPLE_PERIOD, &load(cpu, 0.3, 1.0));
        line(of(M::PodCpuPercent), Statistic::Maximum, SAMPLE_PERIOD, &load(cpu, 0.3, 1.3));
        line(of(M::PodMemoryPercent), Statistic::Average, SAMPLE_PERIOD, &load(memory, 0.05, 1.0));
        line(of(M::PodMemoryPercent), Statistic::Maximum, SAMPLE_PERIOD, &load(memory, 0.05, 1.04));
        let counted = |n: f64| move |i: usize| Some(if i % 36 == 35 { n / 8.0 } else { 0.0 });
        line(of(M::PodRestarts), Statistic::Maximum, SAMPLE_PERIOD, &counted(owner.restarts));
        line(of(M::OomKilled), Statistic::Maximum, SAMPLE_PERIOD, &counted(owner.oom_kills));
    }
    lines
}

fn states(_: &Run, cluster: &Eks) -> Vec<SnapshotLine> {
    let mut lines: Vec<SnapshotLine> =
        cluster.state.iter().map(|state| SnapshotLine::Eks(Box::new(state.clone()))).collect();
    if cluster.unread {
        return lines;
    }
    let name: fargaze::model::cluster::ClusterName = cluster.name.parse().unwrap();
    for Owner { workload, replicas, .. } in &cluster.workloads {
        lines.extend(replicas.map(|(available, desired)| {
            let (cluster, workload) = (name.clone(), workload.clone());
            SnapshotLine::Workload(WorkloadState { cluster, workload, desired, ready: available, available })
        }));
    }
    let pods = cluster.workloads.iter().flat_map(|owner| &owner.pods);
    lines.extend(
        pods.map(|pod| SnapshotLine::Pod(Box::new(PodState { cluster: name.clone(), ..pod.clone() }))),
    );
    lines
}
