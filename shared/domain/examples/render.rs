//! Measures a large report: 1,000 ECS clusters with 10 services each and 20 EKS clusters with 10
//! workloads of 20 pods each, as mail, page and JSON, on one core.
//!
//! ```text
//! cargo run --release -p fargaze --example render
//! ```
//!
//! `make figures` writes the table to docs/performance.md.
//!
//! The time budget covers rendering an existing report in the three formats. The time of the
//! builder is printed in addition. The memory is the peak of the whole process.
#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use fargaze::evidence::inventory::{EcsEntry, EksEntry, Reporting, ServiceState};
use fargaze::evidence::pods::{Amounts, PodState};
use fargaze::evidence::snapshot::SnapshotLine;
use fargaze::kubernetes::pod::Phase;
use fargaze::model::catalogue::{AWS_ECS, CONTAINER_INSIGHTS, find};
use fargaze::model::cluster::ClusterName;
use fargaze::model::deployment::{DeploymentState, RolloutState};
use fargaze::model::insights::InsightsLevel;
use fargaze::model::metric::{MetricQuery, Statistic};
use fargaze::model::run::{Part, Platform, Run, RunKind, Target};
use fargaze::model::series::{Datapoint, MetricSeries, Reading};
use fargaze::model::status::ServiceStatus;
use fargaze::model::subject::{Subject, Workload};
use fargaze::report::{Report, ReportBuilder, ReportFacts, ReportLink, report_html, report_mail};
use fargaze::rules::{KubernetesMeasure, SAMPLE_PERIOD};
use fargaze::text::console_object_link;
use jiff::{SignedDuration, Timestamp};

const CLUSTERS: u32 = 1_000;
const SERVICES: u32 = 10;
const EKS_CLUSTERS: u32 = 20;
const WORKLOADS: u32 = 10;
const PODS: u32 = 20;
const ROUNDS: usize = 9;
/// Time limit for rendering.
const BUDGET: Duration = Duration::from_millis(150);
/// Limit for the peak memory of the process, building and rendering.
const MOST_KIBIBYTES: u64 = 40 * 1024;
/// Size limit of the page.
const MOST_BYTES: usize = 3_000_000;

/// Queries for each service; half of the clusters report Container Insights.
const QUERIES: [(&str, &str, Statistic); 9] = [
    (AWS_ECS, "CPUUtilization", Statistic::Average),
    (AWS_ECS, "CPUUtilization", Statistic::Maximum),
    (AWS_ECS, "MemoryUtilization", Statistic::Average),
    (AWS_ECS, "MemoryUtilization", Statistic::Maximum),
    (CONTAINER_INSIGHTS, "DesiredTaskCount", Statistic::Average),
    (CONTAINER_INSIGHTS, "RunningTaskCount", Statistic::Minimum),
    (CONTAINER_INSIGHTS, "DeploymentCount", Statistic::Maximum),
    (CONTAINER_INSIGHTS, "NetworkRxBytes", Statistic::Average),
    (CONTAINER_INSIGHTS, "NetworkTxBytes", Statistic::Average),
];

/// CPU time of this thread; `None` if the kernel does not provide it.
fn time_on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Peak memory of the process, in KiB; `None` if the kernel does not provide it.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Runs `work` and measures its CPU time.
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let (start, before) = (Instant::now(), time_on_core());
    let done = work();
    let busy = before.zip(time_on_core()).map(|(before, after)| after.saturating_sub(before));
    (busy.unwrap_or_else(|| start.elapsed()), done)
}

fn points(run: &Run, seed: u32) -> Reading {
    let points = run.window.period_starts().zip(0_u32..);
    let points = points.map(|(timestamp, i)| {
        let value = f64::from((seed * 37 + i * 7) % 83) + f64::from(i % 10) / 10.0;
        Datapoint { timestamp, value }
    });
    Reading::Complete(MetricSeries::new(points.collect()))
}

/// Adds one cluster after another, as a report run does.
fn build(run: &Run, target: &Target) -> Result<Report, Box<dyn Error>> {
    let mut builder = ReportBuilder::new(run);
    builder.target(target);
    for c in 0..CLUSTERS {
        let services = (0..SERVICES).map(|s| format!("service-{c}-{s}").parse());
        let entry = EcsEntry {
            insights: if c % 2 == 0 { InsightsLevel::Enabled } else { InsightsLevel::Disabled },
            reports_insights: Reporting::seen(c % 2 == 0),
            services: services.collect::<Result<_, _>>()?,
            ..EcsEntry::default()
        };
        builder.add(SnapshotLine::Cluster(format!("cluster-{c}").parse()?, entry.into()));
    }
    for c in 0..CLUSTERS {
        let queries = if c % 2 == 0 { &QUERIES[..] } else { &QUERIES[..4] };
        for s in 0..SERVICES {
            let (cluster, service) = (format!("cluster-{c}").parse()?, format!("service-{c}-{s}").parse()?);
            for ((namespace, name, statistic), n) in queries.iter().zip(0_u32..) {
                let metric = find(namespace, name).and_then(|metric| metric.of_service(&cluster, &service));
                let metric = metric.ok_or("the catalogue lacks a metric of the report")?;
                let query = MetricQuery { metric, statistic: statistic.clone(), period: run.window.period };
                builder.add(SnapshotLine::Series(query, points(run, c * 101 + s * 11 + n)));
            }
            let state = ServiceState {
                cluster,
                service,
                status: ServiceStatus::Active,
                desired: 3,
                running: if (c + s) % 97 == 0 { 0 } else { 3 },
                pending: 0,
                created_at: None,
                deployment: Some(DeploymentState {
                    rollout_state: Some(RolloutState::Completed),
                    ..DeploymentState::default()
                }),
                events: Vec::new(),
                task_definitions: Vec::new(),
                setup: fargaze::evidence::inventory::ServiceSetup::default(),
                trend: fargaze::evidence::inventory::ServiceTrend::default(),
            };
            builder.add(SnapshotLine::Service(Box::new(state)));
        }
    }
    build_eks(&mut builder, run, target)?;
    let facts = ReportFacts {
        results: &[],
        logs: &[],
        alarms: &[],
        rules: &[],
        previous: None,
        changes: &[],
        target_logs: &[],
        target_queries: &[],
        usage: None,
    };
    Ok(builder.finish(facts))
}

/// Adds the EKS clusters, each with its samples before its pods.
fn build_eks(builder: &mut ReportBuilder, run: &Run, target: &Target) -> Result<(), Box<dyn Error>> {
    builder.target(&Target { platform: Platform::Eks, ..target.clone() });
    for c in 0..EKS_CLUSTERS {
        let cluster: ClusterName = format!("eks-{c}").parse()?;
        builder.add(SnapshotLine::Cluster(cluster.clone(), EksEntry::default().into()));
        let workloads = (0..WORKLOADS).map(|w| Workload {
            namespace: "shop".to_owned(),
            kind: "Deployment".to_owned(),
            name: format!("workload-{c}-{w}"),
        });
        let workloads: Vec<Workload> = workloads.collect();
        for workload in &workloads {
            let subject = Subject::Workload(cluster.clone(), workload.clone());
            for measure in [KubernetesMeasure::PodCpuPercent, KubernetesMeasure::PodMemoryPercent] {
                for statistic in [Statistic::Average, Statistic::Maximum] {
                    let query =
                        MetricQuery { metric: measure.of(&subject), statistic, period: SAMPLE_PERIOD };
                    builder.add(SnapshotLine::Series(query, points(run, c)));
                }
            }
        }
        for workload in &workloads {
            (0..PODS).for_each(|p| builder.add(SnapshotLine::Pod(Box::new(pod(&cluster, workload, p)))));
        }
    }
    Ok(())
}

fn pod(cluster: &ClusterName, workload: &Workload, p: u32) -> PodState {
    let size =
        Amounts { cpu_millicores: Some(250), memory_bytes: Some(1 << 30), ephemeral_storage_bytes: None };
    PodState {
        cluster: cluster.clone(),
        workload: workload.clone(),
        pod: format!("{}-6c9f7d5b8-{p:05}", workload.name),
        uid: format!("{workload}-{p}"),
        phase: Phase::Running,
        reason: None,
        message: None,
        deletion: None,
        ended_at: None,
        fargate: true,
        profile: None,
        provisioned: Some(size),
        requests: size,
        limits: size,
        usage: None,
        counters: None,
        rates: None,
        ready: true,
        restarts: p % 3,
        new_restarts: 0,
        new_oom_kills: 0,
        created_at: None,
        pending: None,
        initializing: None,
        waiting: Vec::new(),
        terminated: Vec::new(),
        warnings: Vec::new(),
        probe_kills: Vec::new(),
        logging_disabled: None,
        node: None,
        of_node: BTreeMap::new(),
        unreadable: Vec::new(),
    }
}

fn ms(duration: Duration) -> String {
    format!("{:.0}", duration.as_secs_f64() * 1000.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let now: Timestamp = "2026-11-22T05:02:00Z".parse()?;
    let run =
        Run::new(RunKind::Report, now, SignedDuration::from_mins(2), SignedDuration::from_mins(15), None);
    let region = "eu-west-1".parse()?;
    let target = Target {
        platform: Platform::Ecs,
        account: "123456789012".parse()?,
        region,
        part: Part::WHOLE,
        role: None,
    };
    let key = format!("reports/{}.html", run.id);
    let url = console_object_link(&target.region, "bucket", &key);
    let link = ReportLink { url, kept_until: now, bucket: "bucket".to_owned(), key };
    let (building, report) = timed(|| build(&run, &target));
    let report = report?;
    let mut rounds = Vec::new();
    let (mut html, mut json) = (0, 0);
    for _ in 0..ROUNDS {
        let (busy, made) = timed(|| {
            let mail = report_mail(&report, &link);
            let page = report_html(&report).len();
            (mail.body.len(), page, serde_json::to_vec(&report).map(|json| json.len()))
        });
        (html, json) = (made.1, made.2?);
        rounds.push(busy);
    }
    rounds.sort();
    let (median, most) = (rounds[ROUNDS / 2], most_memory().unwrap_or(0));
    let pods = report.fleet.eks.as_ref().map_or(0, |eks| eks.pods);
    println!("{} clusters, {} services, {pods} pods", report.fleet.clusters, report.fleet.services);
    println!("building, including the generation of the points: {building:?}");
    let [median_ms, fastest, slowest] = [median, rounds[0], rounds[ROUNDS - 1]].map(ms);
    println!("\n<!-- figures: report -->");
    println!(
        "| report | mail, page and JSON: CPU ms, median (min-max) | peak MiB, including building | page kB | JSON kB |"
    );
    println!("|---|---|---|---|---|");
    println!(
        "| {CLUSTERS} ECS clusters × {SERVICES} services, {EKS_CLUSTERS} EKS clusters × {} pods | {median_ms} ({fastest}-{slowest}) | {} | {} | {} |",
        WORKLOADS * PODS,
        most / 1024,
        html / 1000,
        json / 1000,
    );
    println!("<!-- end -->");
    if median > BUDGET || html > MOST_BYTES || most > MOST_KIBIBYTES {
        return Err(format!("the budget is {BUDGET:?}, {MOST_BYTES} bytes and {MOST_KIBIBYTES} KiB").into());
    }
    Ok(())
}
