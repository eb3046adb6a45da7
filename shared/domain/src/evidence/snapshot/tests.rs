//! A snapshot is read exactly as written, or not at all.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::deaths::{Archive, Died, Incident, IncidentGroup, IncidentKind, Known, Of, Origin, group};
use crate::evidence::eks::LogType;
use crate::evidence::inventory::{EcsEntry, Reporting};
use crate::evidence::pods::{
    Amounts, CadvisorState, InitContainer, MetricsApi, NodeCount, PendingPod, PodCounters, PodRates,
    PodUsageState, SetupProblem, Share, Termination, Throttled, WaitingContainer,
};
use crate::kubernetes::cadvisor::{Counter, SeriesId};
use crate::kubernetes::pod::Phase;
use crate::model::insights::InsightsLevel;
use crate::model::operation::Operation;
use crate::model::run::{Part, RunKind};
use crate::model::status::ServiceStatus;
use crate::model::subject::{TaskOwner, Workload};

fn incidents(time: Timestamp) -> Vec<IncidentGroup> {
    let of = Of::Service("shop".parse().unwrap(), "web".parse().unwrap());
    let died = Died { task: "0f".to_owned(), definition: "web:7".to_owned(), ..Died::default() };
    let mut archive = Archive::default();
    archive.add(Incident { of, at: time, kind: IncidentKind::Stopped(died) });
    group(&archive, time..Timestamp::MAX, |_| None)
}

fn snapshot() -> Snapshot {
    let time = "2026-11-22T10:05:00Z".parse().unwrap();
    let run =
        Run::new(RunKind::Alarms, time, SignedDuration::from_mins(2), SignedDuration::from_mins(15), None);
    let target = Target {
        platform: crate::model::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let fault = Fault::malformed(Operation::CloudwatchGetMetricData, "shop", "it was cut");
    let query = |name: &str| MetricQuery {
        metric: Metric {
            namespace: "AWS/ECS".into(),
            name: name.to_owned().into(),
            dimensions: Dimensions::new([("ClusterName", "shop"), ("ServiceName", "web")]),
        },
        statistic: Statistic::Average,
        period: Period::MINUTE,
    };
    let series = MetricSeries::new(vec![
        Datapoint { timestamp: time, value: 0.1 + 0.2 },
        Datapoint { timestamp: run.window.start, value: 0.0 },
    ]);
    let readings = BTreeMap::from([
        (query("A"), Reading::Complete(series.clone())),
        (query("B"), Reading::Complete(MetricSeries::default())),
        (query("C"), Reading::Partial(series.clone(), fault.clone())),
        (query("C2"), Reading::Complete(series.with_unread([run.window.start, time]))),
        (query("D"), Reading::Unread(fault)),
    ]);
    let ecs = EcsEntry {
        insights: InsightsLevel::Enhanced,
        reports_insights: Reporting::Reporting,
        services: vec!["web".parse().unwrap()],
        task_families: Vec::new(),
        tasks: vec![(TaskOwner::Service("web".parse().unwrap()), "3b2a".to_owned())],
        containers: vec![(TaskOwner::Family("nightly".to_owned()), "app".to_owned())],
        setups: BTreeMap::new(),
    };
    let tags = BTreeMap::from([("team".to_owned(), "web".to_owned())]);
    let entry = ClusterEntry { tags, ..ecs.into() };
    let clusters = BTreeMap::from([("shop".parse().unwrap(), entry)]);
    let inventory = Inventory {
        read_at: time,
        clusters,
        faults: Vec::new(),
        families_listed: false,
        tasks_listed: false,
    };
    let service = ServiceState {
        cluster: "shop".parse().unwrap(),
        service: "web".parse().unwrap(),
        status: ServiceStatus::Active,
        desired: 1,
        running: 0,
        pending: 1,
        created_at: Some(time),
        deployment: None,
        events: vec!["(service web) has started 1 tasks.".to_owned()],
        task_definitions: Vec::new(),
        setup: crate::evidence::inventory::ServiceSetup::default(),
        trend: crate::evidence::inventory::ServiceTrend { short_since: None, new_failures: Some(2) },
    };
    let undescribed = UndescribedService {
        cluster: "shop".parse().unwrap(),
        service: "api".parse().unwrap(),
        fault: Fault::malformed(Operation::EcsDescribeServices, "shop", "cut"),
        is_alive: true,
    };
    Snapshot {
        run,
        target,
        coverage: Coverage::default(),
        inventory,
        services: vec![service],
        undescribed: vec![undescribed],
        readings,
        eks: vec![eks()],
        workloads: vec![workload()],
        pods: vec![pod()],
        known: Some(Known { origin: Origin::Events, from: time, fault: None }),
        incidents: incidents(time),
    }
}

fn eks() -> ClusterState {
    ClusterState {
        cluster: "payments".parse().unwrap(),
        status: Some("ACTIVE".to_owned()),
        version: Some("1.33".to_owned()),
        logs: Some([LogType::Api].into()),
        profiles: None,
        addons: Some(Vec::new()),
        nodes: Some(NodeCount { fargate: 3, other: 0 }),
        unlisted: ["Deployment".to_owned()].into(),
        metrics_api: MetricsApi::Down("503: service unavailable".to_owned()),
        cadvisor: Some(CadvisorState { nodes: 3, unread: 1 }),
        findings: vec![SetupProblem {
            problem: "no access entry".to_owned(),
            remedy: "aws eks ...".to_owned(),
        }],
    }
}

fn series(id: &str) -> SeriesId {
    SeriesId::of([("id", id)])
}

fn web() -> Workload {
    Workload { namespace: "shop".to_owned(), kind: "Deployment".to_owned(), name: "web".to_owned() }
}

fn workload() -> WorkloadState {
    let cluster = "payments".parse().unwrap();
    WorkloadState { cluster, workload: web(), desired: 3, ready: 2, available: 1 }
}

fn pod() -> PodState {
    let time: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    PodState {
        cluster: "payments".parse().unwrap(),
        workload: web(),
        pod: "web-5d-1".to_owned(),
        uid: "u-1".to_owned(),
        phase: Phase::Running,
        reason: Some("Evicted".to_owned()),
        message: Some("The node was low on resource: memory.".to_owned()),
        deletion: Some(time),
        ended_at: Some(time),
        fargate: true,
        profile: Some("fp-default".to_owned()),
        provisioned: Some(Amounts {
            cpu_millicores: Some(250),
            memory_bytes: Some(1 << 29),
            ..Amounts::default()
        }),
        requests: Amounts::default(),
        limits: Amounts::default(),
        usage: Some(PodUsageState {
            cpu_nanocores: 1_234_567,
            memory_bytes: 1 << 28,
            timestamp: time,
            window_seconds: 14.713,
        }),
        counters: Some(Box::new(PodCounters {
            cpu_seconds: [("app".to_owned(), [(series("app"), Counter { value: 12.5, at: time })].into())]
                .into(),
            network_sent: [("eth0".to_owned(), [(series("eth0"), Counter { value: 1e15, at: time })].into())]
                .into(),
            ..PodCounters::default()
        })),
        rates: Some(Box::new(PodRates {
            throttled: Some(Throttled { container: "app".to_owned(), percent: 62.5 }),
            disk_read: Some(1024.0),
            ..PodRates::default()
        })),
        ready: false,
        restarts: 4,
        new_restarts: 2,
        new_oom_kills: 1,
        created_at: Some(time),
        pending: Some(PendingPod { since: time, reason: Some("Unschedulable".to_owned()), message: None }),
        initializing: Some(InitContainer {
            container: "migrate".to_owned(),
            since: Some(time),
            sidecar: true,
        }),
        waiting: vec![WaitingContainer {
            container: "app".to_owned(),
            reason: "CrashLoopBackOff".to_owned(),
            message: Some("back-off 5m0s".to_owned()),
            class: None,
        }],
        terminated: vec![Termination {
            container: "app".to_owned(),
            reason: "OOMKilled".to_owned(),
            exit_code: 137,
            finished_at: Some(time),
        }],
        warnings: Vec::new(),
        probe_kills: Vec::new(),
        logging_disabled: Some("LOGGING_CONFIGMAP_NOT_FOUND".to_owned()),
        node: Some("fargate-ip-10-0-0-1.eu-west-1.compute.internal".to_owned()),
        of_node: [("cpu".to_owned(), Share { requests_percent: 75, limits_percent: 87 })].into(),
        unreadable: vec!["limits: `1 Gi` is not a quantity".to_owned()],
    }
}

#[test]
fn a_snapshot_is_read_as_written_with_all_four_answers() {
    let mut bytes = Vec::new();
    snapshot().write(&mut bytes).unwrap();
    assert_eq!(Snapshot::read(&bytes[..]).unwrap(), snapshot());
}

/// A snapshot with one series of these values, and its query.
fn line_with(values: &[f64]) -> (Vec<u8>, MetricQuery) {
    let snapshot = snapshot();
    let query = snapshot.readings.keys().next().unwrap().clone();
    let start = snapshot.run.window.start;
    let timestamps = (0..).map(|minute: i64| start + SignedDuration::from_mins(minute));
    let points = timestamps.zip(values).map(|(timestamp, value)| Datapoint { timestamp, value: *value });
    let reading = Reading::Complete(MetricSeries::new(points.collect()));
    let snapshot = Snapshot { readings: BTreeMap::from([(query.clone(), reading)]), ..snapshot };
    (snapshot.write(Vec::new()).unwrap(), query)
}

proptest! {
    /// Issue 12, point 15: a value copied from run to run stays exactly what CloudWatch returned.
    #[test]
    fn a_value_is_read_exactly_as_written(values in prop::collection::vec(prop::num::f64::NORMAL, 1..20)) {
        let (bytes, query) = line_with(&values);
        let whole = Snapshot::read(&bytes[..]).unwrap();
        let read: Vec<f64> = whole.readings[&query].series().unwrap().points().iter().map(|p| p.value).collect();
        prop_assert_eq!(&read, &values);
        let mut lines = StoredSeriesReader::new(&bytes[..]).unwrap();
        let (head, series) = lines.next_series(Some(&query)).unwrap().unwrap();
        prop_assert_eq!((head, series.values), (StoredHead::Expected, &values[..]));
    }
}

#[test]
fn lines_without_the_end_line_are_not_a_snapshot() {
    let mut text = String::new();
    GzDecoder::new(&snapshot().write(Vec::new()).unwrap()[..]).read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for kept in 0..lines.len() {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(lines[..kept].join("\n").as_bytes()).unwrap();
        assert!(Snapshot::read(&out.finish().unwrap()[..]).is_err(), "{kept} lines");
    }
}

#[test]
fn a_truncated_or_foreign_file_is_an_error_and_never_a_smaller_snapshot() {
    let mut bytes = Vec::new();
    snapshot().write(&mut bytes).unwrap();
    assert!(Snapshot::read(&bytes[..bytes.len() / 2]).is_err());
    assert!(Snapshot::read(&b"not gzip"[..]).is_err());
    let mut empty = Vec::new();
    GzEncoder::new(&mut empty, Compression::fast()).finish().unwrap();
    assert!(Snapshot::read(&empty[..]).is_err());
}

#[test]
fn lines_are_returned_one_by_one_and_truncation_ends_in_an_error() {
    let mut bytes = Vec::new();
    snapshot().write(&mut bytes).unwrap();
    let lines: Vec<SnapshotLine> = SnapshotReader::new(&bytes[..]).map(Result::unwrap).collect();
    assert!(matches!(lines.first(), Some(SnapshotLine::Run(begin)) if begin.run == snapshot().run));
    assert!(matches!(lines.last(), Some(SnapshotLine::End(_))));
    assert_eq!(lines.len(), 1 + 1 + 5 + 2 + 3 + 2 + 1);
    let mut cut = SnapshotReader::new(&bytes[..bytes.len() - 12]);
    assert!(cut.by_ref().any(|line| line.is_err()));
    assert!(cut.next().is_none(), "nothing follows the error");
}

#[test]
fn concatenated_pieces_are_one_snapshot() {
    let whole = snapshot();
    let begun =
        SnapshotWriter::begin(Vec::new(), &whole.run, &whole.target, whole.inventory.read_at).unwrap();
    let mut bytes = begun.end_piece().unwrap();
    for _ in 0..2 {
        let mut piece = SnapshotWriter::piece(Vec::new());
        for (query, reading) in &whole.readings {
            piece.series(query, reading).unwrap();
        }
        piece.eks(&eks()).unwrap();
        piece.workload(&workload()).unwrap();
        piece.pod(&pod()).unwrap();
        bytes.extend(piece.end_piece().unwrap());
    }
    assert!(Snapshot::read(&bytes[..]).is_err(), "the end is missing");
    bytes.extend(SnapshotWriter::piece(Vec::new()).end(&Coverage::default()).unwrap());
    let read = Snapshot::read(&bytes[..]).unwrap();
    assert_eq!((read.eks.len(), read.workloads.len(), read.pods), (2, 2, vec![pod(), pod()]));
}

/// A head, a piece for each cluster given, and the end.
fn stored(clusters: &[&str]) -> Vec<u8> {
    let Snapshot { run, target, inventory, readings, .. } = snapshot();
    let (entry, name) = (&inventory.clusters[&"shop".parse().unwrap()], |name: &str| name.parse().unwrap());
    let mut head = SnapshotWriter::begin(Vec::new(), &run, &target, inventory.read_at).unwrap();
    clusters.iter().try_for_each(|cluster| head.cluster(&name(cluster), entry)).unwrap();
    let (vended, reading) = readings.first_key_value().unwrap();
    head.series(vended, reading).unwrap();
    let mut bytes = head.end_piece().unwrap();
    for cluster in clusters {
        let mut piece = SnapshotWriter::piece(Vec::new());
        let mut query = vended.clone();
        query.metric.dimensions = Dimensions::new([("ClusterName", *cluster)]);
        piece.series(&query, reading).unwrap();
        piece.eks(&ClusterState { cluster: name(cluster), ..eks() }).unwrap();
        piece.pod(&PodState { cluster: name(cluster), ..pod() }).unwrap();
        bytes.extend(piece.end_piece().unwrap());
    }
    bytes.extend(SnapshotWriter::piece(Vec::new()).end(&Coverage::default()).unwrap());
    bytes
}

#[test]
fn each_cluster_is_read_separately() {
    let pieces = SnapshotPieces::new(stored(&["a", "b"])).unwrap();
    let known: Vec<_> = pieces.clusters().iter().map(|(cluster, _)| cluster.as_str()).collect();
    assert_eq!(known, ["a", "b"]);
    for cluster in known {
        let lines: Vec<_> = pieces.lines_of(&cluster.parse().unwrap()).collect::<Result<_, _>>().unwrap();
        let [SnapshotLine::Series(query, _), SnapshotLine::Eks(state), SnapshotLine::Pod(pod)] = &lines[..]
        else {
            panic!("{lines:?}")
        };
        assert_eq!(query.metric.dimensions.get("ClusterName"), Some(cluster));
        assert_eq!((state.cluster.as_str(), pod.cluster.as_str()), (cluster, cluster));
    }
    assert_eq!(pieces.lines_of(&"c".parse().unwrap()).count(), 0);
}

#[test]
fn a_truncated_or_damaged_snapshot_has_no_pieces() {
    let whole = stored(&["a", "b"]);
    for length in 0..whole.len() {
        assert!(SnapshotPieces::new(whole[..length].to_vec()).is_err(), "{length} bytes");
    }
    // Damages the middle piece, so that its checksum no longer matches.
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle] ^= 0x55;
    assert!(SnapshotPieces::new(damaged).is_err());
}

#[test]
fn lines_out_of_order_are_an_error() {
    let mut text = String::new();
    GzDecoder::new(&snapshot().write(Vec::new()).unwrap()[..]).read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for i in 0..lines.len() - 1 {
        let mut swapped = lines.clone();
        swapped.swap(i, i + 1);
        let series = |line: &str| line.contains(r#""kind":"series""#);
        let fine = series(lines[i]) && series(lines[i + 1]);
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(swapped.join("\n").as_bytes()).unwrap();
        assert_eq!(Snapshot::read(&out.finish().unwrap()[..]).is_ok(), fine, "line {}", i + 1);
    }
}
