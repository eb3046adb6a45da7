//! Estates to report on, as a collector would have written them.

use std::collections::BTreeMap;

use fargaze::alarms::evaluate::AlarmState;
use fargaze::alarms::{AlarmKey, AlarmRecord, Remembered, RuleRecord};
use fargaze::deaths::{IncidentGroup, Known};
use fargaze::evidence::coverage::Coverage;
use fargaze::evidence::inventory::{ClusterEntry, EcsEntry, Reporting, ServiceState, UndescribedService};
use fargaze::evidence::snapshot::SnapshotLine;
use fargaze::logs::{TargetLogs, TargetQueries};
use fargaze::model::catalogue::{AWS_ECS, CONTAINER_INSIGHTS, find};
use fargaze::model::deployment::DeploymentState;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::InsightsLevel;
use fargaze::model::metric::{MetricQuery, Period, Statistic};
use fargaze::model::run::{Part, Run, RunKind, Target};
use fargaze::model::series::{Datapoint, MetricSeries, Reading};
use fargaze::model::status::ServiceStatus;
use fargaze::model::subject::Subject;
use fargaze::outcome::{CoverageChange, Outcome, OutcomeKind, TargetResult};
use fargaze::reconcile::{Aspect, Change, ChangeLog, ChangeState, Queried, Revert, Value};
use fargaze::report::{Report, ReportBuilder, ReportFacts, ReportLink};
use fargaze::sources::usage::Usage;
use fargaze::text::console_object_link;
use jiff::{SignedDuration, Timestamp};

use crate::eks::{self, Eks, eks_target};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn run() -> Run {
    let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(15));
    Run::new(RunKind::Report, at("2026-11-22T05:02:00Z"), delay, lookback, None)
}

pub(crate) fn target(region: &str) -> Target {
    Target {
        platform: fargaze::model::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: region.parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    }
}

pub(crate) fn link(run: &Run) -> ReportLink {
    let (bucket, key) = ("fargaze-bucket-1abc", format!("reports/dt=2026-11-22/{}.html", run.id));
    ReportLink {
        url: console_object_link(&"eu-west-1".parse().unwrap(), bucket, &key),
        kept_until: run.time + SignedDuration::from_hours(24 * 90),
        bucket: bucket.to_owned(),
        key,
    }
}

/// One service and how it behaves.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// Running, desired, and pending tasks; `None` if ECS could not be asked.
    pub(crate) tasks: Option<(u32, u32, u32)>,
    pub(crate) rollout: &'static str,
    pub(crate) failed: u32,
    /// Mean CPU and memory; `None` if there are no points.
    pub(crate) load: Option<(f64, f64)>,
    /// Hours at the end of the window without any point.
    pub(crate) silent_hours: i64,
    /// Why CloudWatch could not be asked, completely or in part.
    pub(crate) fault: Option<Fault>,
}

pub(crate) fn service(name: &str, tasks: u32, load: (f64, f64)) -> Service {
    Service {
        name: name.to_owned(),
        tasks: Some((tasks, tasks, 0)),
        rollout: "COMPLETED",
        failed: 0,
        load: Some(load),
        silent_hours: 0,
        fault: None,
    }
}

/// One cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) insights: InsightsLevel,
    pub(crate) reports: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) services: Vec<Service>,
}

pub(crate) fn cluster(name: &str, insights: InsightsLevel, services: Vec<Service>) -> Cluster {
    let reports = insights > InsightsLevel::Disabled;
    Cluster { name: name.to_owned(), insights, reports, tags: BTreeMap::new(), services }
}

/// All inputs of a report.
#[derive(Default)]
pub(crate) struct Estate {
    /// The result of each target, or its failure.
    pub(crate) targets: Vec<(String, Result<Vec<Cluster>, Fault>)>,
    /// The same for EKS targets.
    pub(crate) eks: Vec<(String, Result<Vec<Eks>, Fault>)>,
    pub(crate) logs: Vec<(Target, ChangeLog)>,
    pub(crate) alarms: Vec<(Target, Vec<AlarmRecord>)>,
    pub(crate) rules: Vec<RuleRecord>,
    pub(crate) changes: Vec<CoverageChange>,
    /// What was read about the logs.
    pub(crate) target_logs: Vec<(Target, Result<TargetLogs, Fault>)>,
    pub(crate) target_queries: Vec<(Target, Result<TargetQueries, Fault>)>,
    /// Incidents of the first target, and since when they are known.
    pub(crate) incidents: Vec<IncidentGroup>,
    pub(crate) known: Option<Known>,
    pub(crate) usage: Option<Usage>,
    pub(crate) account_default: Option<InsightsLevel>,
}

impl Estate {
    pub(crate) fn report(&self, run: &Run, previous: Option<&Report>) -> Report {
        let (mut builder, mut results) = (ReportBuilder::new(run), Vec::new());
        for (region, clusters) in &self.targets {
            let target = target(region);
            let result = match clusters {
                Err(fault) => Err(fault.clone()),
                Ok(clusters) => Ok(self.seen(&mut builder, run, &target, clusters)),
            };
            results.push(TargetResult { target, result });
        }
        for (region, clusters) in &self.eks {
            let target = eks_target(region);
            let result = match clusters {
                Err(fault) => Err(fault.clone()),
                Ok(clusters) => {
                    let coverage = eks::seen(&mut builder, run, &target, clusters);
                    let kind = OutcomeKind::Report { snapshot: String::new(), account_default: None };
                    Ok(Outcome { target: target.clone(), coverage, kind })
                }
            };
            results.push(TargetResult { target, result });
        }
        builder.finish(ReportFacts {
            results: &results,
            logs: &self.logs,
            alarms: &self.alarms,
            rules: &self.rules,
            previous,
            changes: &self.changes,
            target_logs: &self.target_logs,
            target_queries: &self.target_queries,
            usage: self.usage,
        })
    }

    fn seen(&self, builder: &mut ReportBuilder, run: &Run, target: &Target, clusters: &[Cluster]) -> Outcome {
        let mut coverage = Coverage { clusters: clusters.len(), ..Coverage::default() };
        let mut faults = Vec::new();
        builder.target(target);
        for cluster in clusters {
            let ecs = EcsEntry {
                insights: cluster.insights,
                reports_insights: Reporting::seen(cluster.reports),
                services: cluster.services.iter().map(|service| service.name.parse().unwrap()).collect(),
                task_families: Vec::new(),
                tasks: Vec::new(),
                containers: Vec::new(),
                setups: BTreeMap::new(),
            };
            let entry = ClusterEntry { tags: cluster.tags.clone(), ..ecs.into() };
            builder.add(SnapshotLine::Cluster(cluster.name.parse().unwrap(), entry));
            coverage.services += cluster.services.len();
            coverage.clusters_seen +=
                usize::from(cluster.services.iter().all(|service| service.fault.is_none()));
        }
        for cluster in clusters {
            for service in &cluster.services {
                for (query, reading) in readings(run, cluster, service) {
                    coverage.metrics += 1;
                    match &reading {
                        Reading::Complete(_) if reading.is_silent() => coverage.without_data += 1,
                        Reading::Complete(_) => coverage.with_data += 1,
                        Reading::Partial(..) => coverage.partial += 1,
                        Reading::Unread(_) => coverage.unread += 1,
                    }
                    faults.extend(reading.fault().cloned());
                    builder.add(SnapshotLine::Series(query, reading));
                }
            }
        }
        for cluster in clusters {
            cluster.services.iter().filter_map(|service| state(run, cluster, service)).for_each(|state| {
                builder.add(SnapshotLine::Service(Box::new(state)));
            });
        }
        for cluster in clusters {
            for service in cluster.services.iter().filter(|service| service.tasks.is_none()) {
                let fault = fault(FaultKind::Throttled, "ecs:DescribeServices", &cluster.name);
                faults.push(fault.clone());
                let (cluster, service) = (cluster.name.parse().unwrap(), service.name.parse().unwrap());
                builder.add(SnapshotLine::Undescribed(UndescribedService {
                    cluster,
                    service,
                    fault,
                    is_alive: false,
                }));
            }
        }
        if let Some(known) = &self.known {
            builder.add(SnapshotLine::Events(known.clone()));
            for group in &self.incidents {
                builder.add(SnapshotLine::Incidents(Box::new(group.clone())));
            }
        }
        coverage.faults = fargaze::evidence::coverage::counted(faults);
        builder.add(SnapshotLine::End(coverage.clone()));
        Outcome {
            target: target.clone(),
            coverage,
            kind: OutcomeKind::Report {
                snapshot: String::new(),
                account_default: self.account_default.map(Queried::Known),
            },
        }
    }
}

/// A change log with these changes of Container Insights from disabled to enabled: cluster, hours
/// ago and cause.
pub(crate) fn change_log(changes: &[(&str, i64, &str)]) -> ChangeLog {
    let mut log = ChangeLog::new();
    for (name, hours, reason) in changes {
        let subject = Subject::Cluster(name.parse().unwrap());
        log.entry(subject.clone()).or_default().put(Change {
            subject,
            aspect: Aspect::ContainerInsights,
            number: u32::try_from(*hours).unwrap(),
            made: run().time - SignedDuration::from_hours(*hours),
            cause: format!("event-{hours}"),
            from: Value::Level(InsightsLevel::Disabled),
            to: Value::Level(InsightsLevel::Enabled),
            policy: "at-least-enabled".to_owned(),
            reason: (*reason).to_owned(),
            request_id: None,
            state: ChangeState::Done,
            accepted: false,
            update_id: None,
            failure: None,
            undo: None,
            rolled_back_by: None,
        });
    }
    log
}

/// Who just set a cluster to disabled.
pub(crate) fn revert(name: &str, by: &str) -> Revert {
    Revert {
        subject: Subject::Cluster(name.parse().unwrap()),
        aspect: Aspect::ContainerInsights,
        time: run().time,
        event_id: "e".to_owned(),
        by: by.to_owned(),
        call: "UpdateClusterSettings".to_owned(),
        to: Some(Value::Level(InsightsLevel::Disabled)),
    }
}

/// CloudWatch's data for a service: a calm wave, and a peak at three in the morning.
fn readings(run: &Run, cluster: &Cluster, service: &Service) -> Vec<(MetricQuery, Reading)> {
    let (cluster_name, name) = (cluster.name.parse().unwrap(), service.name.parse().unwrap());
    // Memory varies little, CPU more.
    let reading = |base: Option<f64>, peak: f64, swing: f64| {
        let until = run.window.end - SignedDuration::from_hours(service.silent_hours);
        let starts = run.window.period_starts().take_while(|start| *start < until);
        let starts = starts.take(if base.is_some() { usize::MAX } else { 0 });
        let points = starts.enumerate().filter_map(|(i, timestamp)| {
            let wave = f64::from(u32::try_from((i * 7 + service.name.len() * 13) % 29).unwrap()) / 29.0;
            let day = f64::from(u32::try_from(i.abs_diff(150)).unwrap()) / 150.0;
            base.map(|base| Datapoint { timestamp, value: base * (1.05 - 0.25 * day + swing * wave) * peak })
        });
        let points: Vec<Datapoint> = points.collect();
        match &service.fault {
            None => Reading::Complete(MetricSeries::new(points)),
            Some(fault) if fault.kind == FaultKind::Throttled => {
                Reading::Partial(MetricSeries::new(points[..points.len() / 2].to_vec()), fault.clone())
            }
            Some(fault) => Reading::Unread(fault.clone()),
        }
    };
    let tasks = service.tasks.filter(|_| service.load.is_some());
    let counted = |n: u32| {
        Reading::Complete(MetricSeries::new(
            run.window
                .period_starts()
                .map(|timestamp| Datapoint { timestamp, value: f64::from(n) })
                .collect(),
        ))
    };
    let (cpu, memory) = (service.load.map(|load| load.0), service.load.map(|load| load.1));
    let mut asked = vec![
        (AWS_ECS, "CPUUtilization", Statistic::Average, reading(cpu, 1.0, 0.3)),
        (AWS_ECS, "CPUUtilization", Statistic::Maximum, reading(cpu, 1.4, 0.3)),
        (AWS_ECS, "MemoryUtilization", Statistic::Average, reading(memory, 1.0, 0.06)),
        (AWS_ECS, "MemoryUtilization", Statistic::Maximum, reading(memory, 1.12, 0.06)),
    ];
    if cluster.reports {
        if let Some((running, desired, _)) = tasks {
            asked.extend([
                (
                    CONTAINER_INSIGHTS,
                    "RunningTaskCount",
                    Statistic::Minimum,
                    counted(running.saturating_sub(1)),
                ),
                (CONTAINER_INSIGHTS, "DesiredTaskCount", Statistic::Average, counted(desired)),
                (
                    CONTAINER_INSIGHTS,
                    "DeploymentCount",
                    Statistic::Maximum,
                    counted(1 + u32::from(service.failed > 0)),
                ),
            ]);
        }
        asked.push((CONTAINER_INSIGHTS, "NetworkRxBytes", Statistic::Average, reading(cpu, 4_000.0, 0.3)));
        asked.push((
            CONTAINER_INSIGHTS,
            "NetworkTxBytes",
            Statistic::Average,
            reading(memory, 31_000.0, 0.3),
        ));
    }
    let asked = asked.into_iter().map(|(namespace, metric, statistic, reading)| {
        let metric = find(namespace, metric).unwrap().of_service(&cluster_name, &name).unwrap();
        (MetricQuery { metric, statistic, period: Period::FIVE_MINUTES }, reading)
    });
    asked.collect()
}

fn state(run: &Run, cluster: &Cluster, service: &Service) -> Option<ServiceState> {
    let (running, desired, pending) = service.tasks?;
    Some(ServiceState {
        cluster: cluster.name.parse().unwrap(),
        service: service.name.parse().unwrap(),
        status: ServiceStatus::Active,
        desired,
        running,
        pending,
        created_at: None,
        deployment: Some(DeploymentState {
            rollout_state: Some(service.rollout.parse().unwrap()),
            failed_tasks: service.failed,
            reason: None,
            started_at: Some(run.time - SignedDuration::from_hours(2)),
            failure: None,
        }),
        events: Vec::new(),
        task_definitions: Vec::new(),
        setup: fargaze::evidence::inventory::ServiceSetup::default(),
        trend: fargaze::evidence::inventory::ServiceTrend::default(),
    })
}

pub(crate) fn fault(kind: FaultKind, operation: &str, subject: &str) -> Fault {
    let (code, message) = match kind {
        FaultKind::Denied => ("AccessDeniedException", "User is not authorized to perform this action"),
        _ => ("ThrottlingException", "Rate exceeded"),
    };
    Fault {
        operation: operation.parse().unwrap(),
        subject: subject.to_owned(),
        kind,
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

pub(crate) fn in_alarm(cluster: &str, service: &str, rule: &str, hours: i64) -> AlarmRecord {
    let since = run().time - SignedDuration::from_hours(hours);
    let cluster = cluster.parse().unwrap();
    let subject = match service.parse() {
        Ok(service) => Subject::Service(cluster, service),
        Err(_) => Subject::Cluster(cluster),
    };
    let memory = Remembered {
        state: AlarmState::Alarm,
        since,
        notified: AlarmState::Alarm,
        notified_at: Some(since),
        ..Remembered::plainly_ok(run().window.end)
    };
    AlarmRecord { key: AlarmKey { rule: rule.to_owned(), subject }, memory, pending: Vec::new(), version: 1 }
}

/// Tasks of `payments/checkout` that died, and what else stopped, with this text wherever people or
/// ECS write one.
pub(crate) fn incidents(text: &str) -> Vec<IncidentGroup> {
    use fargaze::deaths::{Archive, ContainerOfTask, Died, Incident, IncidentKind, Of, group};
    let service = |name: &str| Of::Service("payments".parse().unwrap(), name.parse().unwrap());
    let before = |minutes: i64| run().window.end - SignedDuration::from_mins(minutes);
    let stopped =
        |number: i64, name: &str, code: &str, reason: &str, exit_code: Option<i32>, why: Option<&str>| {
            let at = before(number * 37);
            let died = Died {
                task: format!("{number}-{text}"),
                version: 6,
                definition: format!("{name}:7"),
                code: Some(code.to_owned()),
                reason: Some(format!("{reason}{text}")),
                deployment: Some("ecs-svc/7120934857203948571".to_owned()),
                started_at: Some(at - SignedDuration::from_mins(3)),
                stopping_at: Some(at),
                ended_at: Some(at),
                containers: vec![ContainerOfTask {
                    name: format!("app{text}"),
                    exit_code,
                    reason: why.map(|why| format!("{why}{text}")),
                    ..ContainerOfTask::default()
                }],
            };
            Incident { of: service(name), at, kind: IncidentKind::Stopped(died) }
        };
    let oom = Some("OutOfMemoryError: Container killed due to memory usage");
    let mut archive = Archive::default();
    archive.extend((1..=5).map(|number| {
        stopped(
            number,
            "checkout",
            "EssentialContainerExited",
            "Essential container in task exited",
            Some(137),
            oom,
        )
    }));
    archive.extend([
        stopped(9, "billing", "TaskFailedToStart", "CannotPullContainerError: manifest unknown", None, None),
        stopped(
            11,
            "fraud-check",
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by ",
            Some(143),
            None,
        ),
        Incident {
            of: service("fraud-check"),
            at: before(60),
            kind: IncidentKind::Retirement { one: None, due: before(0) + SignedDuration::from_hours(24 * 6) },
        },
        Incident {
            of: Of::Family("payments".parse().unwrap(), format!("nightly{text}")),
            at: before(200),
            kind: IncidentKind::Service {
                event: "SERVICE_TASK_PLACEMENT_FAILURE".to_owned(),
                reason: Some(format!("RESOURCE:FARGATE{text}")),
            },
        },
    ]);
    group(&archive, run().window.start..Timestamp::MAX, |_| None)
}

/// Events are known from this long before the end of the window.
pub(crate) fn known(hours: i64) -> Known {
    let from = run().window.end - SignedDuration::from_hours(hours);
    Known { origin: fargaze::deaths::Origin::Events, from, fault: None }
}
