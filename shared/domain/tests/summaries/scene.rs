//! Runs, targets and notices by name.

use std::collections::BTreeMap;

use fargaze::alarms::evaluate::AlarmState;
use fargaze::alarms::{Evaluation, MetricSource, Notice, NoticeBody, NoticeKind};
use fargaze::evidence::coverage::Coverage;
use fargaze::evidence::pods::NamedPod;
use fargaze::model::catalogue::{AWS_ECS, find};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::metric::{Period, Statistic, Unit};
use fargaze::model::operation::Operation;
use fargaze::model::run::{Part, Platform, Run, RunKind, Target};
use fargaze::model::subject::{Subject, Workload};
use fargaze::outcome::{Outcome, OutcomeKind, TargetResult};
use fargaze::rules::{Comparison, KubernetesMeasure, Mute, SAMPLE_PERIOD, Severity};
use jiff::{SignedDuration, Timestamp};

pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

pub(crate) fn minutes_ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub(crate) fn run(kind: RunKind) -> Run {
    Run::new(kind, now(), SignedDuration::from_mins(2), SignedDuration::from_mins(22), None)
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

/// A completely read target.
pub(crate) fn seen(region: &str, clusters: usize, notices: Vec<Notice>) -> TargetResult {
    let target = target(region);
    let services = clusters * 10;
    let coverage = Coverage {
        clusters,
        clusters_seen: clusters,
        services,
        metrics: services * 2,
        with_data: services * 2 - 2,
        without_data: 2,
        ..Coverage::default()
    };
    alarms(target, coverage, notices)
}

/// The result of an alarms run, without an owner.
fn alarms(target: Target, coverage: Coverage, notices: Vec<Notice>) -> TargetResult {
    let (rules, snapshot, owners) = (Vec::new(), String::new(), BTreeMap::new());
    let kind = OutcomeKind::Alarms { notices, rules, snapshot, owners };
    TargetResult { target: target.clone(), result: Ok(Outcome { target, coverage, kind }) }
}

pub(crate) fn denied() -> Fault {
    Fault {
        operation: Operation::EcsListClusters,
        subject: String::new(),
        kind: FaultKind::Denied,
        code: "AccessDeniedException".to_owned(),
        message: "User: arn:aws:sts::210987654321:assumed-role/fargaze/run is not authorized to perform: \
                  ecs:ListClusters on resource: * because no identity-based policy allows the action"
            .to_owned(),
    }
}

pub(crate) fn throttled(cluster: &str) -> Fault {
    Fault {
        operation: Operation::CloudwatchGetMetricData,
        subject: cluster.to_owned(),
        kind: FaultKind::Throttled,
        code: "ThrottlingException".to_owned(),
        message: "Rate exceeded".to_owned(),
    }
}

/// The service of a cluster.
pub(crate) fn service(cluster: &str, service: &str) -> Subject {
    Subject::Service(cluster.parse().unwrap(), service.parse().unwrap())
}

/// Memory of a service over 80 % for two minutes.
pub(crate) fn memory(subject: Subject, values: &[Option<f64>]) -> Notice {
    let metric = find(AWS_ECS, "MemoryUtilization").unwrap().of(&subject).unwrap();
    let at = minutes_ago(2);
    let evaluation = Evaluation {
        label: "memory".to_owned(),
        unit: Unit::Percent,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 80.0,
        values: values.to_vec(),
        until: at,
        period: Period::MINUTE,
        sampled_at: Vec::new(),
        source: Some(MetricSource { metrics: vec![metric], statistic: Statistic::Average }),
        message: Some(
            "A task is killed at 100 % of its memory. Raise the task's memory, or look for a leak."
                .to_owned(),
        ),
    };
    Notice {
        id: format!("memory-high#{subject}#{}#ALARM", at.as_second()),
        rule: "memory-high".to_owned(),
        severity: Severity::Warning,
        subject,
        from: AlarmState::Ok,
        to: AlarmState::Alarm,
        at,
        since: Some(minutes_ago(65)),
        body: NoticeBody::Began {
            evaluation,
            late: None,
            why: None,
            pod: None,
            deaths: Vec::new(),
            hidden: Vec::new(),
        },
    }
}

/// The notice as another kind, as far as that kind has the same data.
pub(crate) fn of_kind(kind: NoticeKind, notice: Notice) -> Notice {
    let (why, pod, late) =
        (notice.why().map(ToOwned::to_owned), notice.pod().cloned(), notice.late().cloned());
    let evaluation = notice.evaluation().unwrap().clone();
    let body = match kind {
        NoticeKind::Began => {
            NoticeBody::Began { evaluation, late, why, pod, deaths: Vec::new(), hidden: Vec::new() }
        }
        NoticeKind::Ended => NoticeBody::Ended { evaluation },
        NoticeKind::Reminder => NoticeBody::Reminder { evaluation, why, pod, deaths: Vec::new() },
        NoticeKind::Blind => NoticeBody::Blind { evaluation, why },
        NoticeKind::NoData => NoticeBody::NoData { evaluation, why },
        NoticeKind::SeenAgain => NoticeBody::SeenAgain { evaluation },
        NoticeKind::Deleted => NoticeBody::Deleted,
    };
    Notice { body, ..notice }
}

/// An alarm that began, with other evaluated values.
pub(crate) fn but(mut notice: Notice, change: impl FnOnce(&mut Evaluation)) -> Notice {
    let NoticeBody::Began { evaluation, .. } = &mut notice.body else { panic!("it did not begin") };
    change(evaluation);
    notice
}

/// An alarm that began, with its reason.
pub(crate) fn because(because: &str, mut notice: Notice) -> Notice {
    let NoticeBody::Began { why, .. } = &mut notice.body else { panic!("it did not begin") };
    *why = Some(because.to_owned());
    notice
}

/// An alarm that began, with a pod to check.
pub(crate) fn of_pod(named: NamedPod, mut notice: Notice) -> Notice {
    let NoticeBody::Began { pod, .. } = &mut notice.body else { panic!("it did not begin") };
    *pod = Some(named);
    notice
}

/// An alarm that began and was muted.
pub(crate) fn late(mute: Mute, mut notice: Notice) -> Notice {
    let NoticeBody::Began { late, .. } = &mut notice.body else { panic!("it did not begin") };
    *late = Some(mute);
    notice
}

/// A service without a running task.
pub(crate) fn nothing_running(subject: Subject, missing: f64) -> Notice {
    let advice = "No tasks are running, but some are desired. Read the service's events and the stop reasons of its tasks.";
    let notice = but(memory(subject, &[Some(missing)]), |evaluation| {
        "tasks missing".clone_into(&mut evaluation.label);
        (evaluation.unit, evaluation.threshold, evaluation.source) = (Unit::Count, 0.0, None);
        evaluation.message = Some(advice.to_owned());
    });
    Notice {
        rule: "nothing-running".to_owned(),
        severity: Severity::Critical,
        ..because("ECS says: its deployment is IN_PROGRESS, 12 tasks failed.", notice)
    }
}

/// The same target on EKS.
pub(crate) fn eks_target(region: &str) -> Target {
    Target { platform: Platform::Eks, ..target(region) }
}

/// A completely read EKS target; its workloads are counted in place of services.
pub(crate) fn eks_seen(region: &str, clusters: usize, notices: Vec<Notice>) -> TargetResult {
    let TargetResult { result, .. } = seen(region, clusters, notices);
    let target = eks_target(region);
    let result = result.map(|outcome| {
        let coverage = Coverage {
            services: clusters * 6,
            metrics: 0,
            with_data: 0,
            without_data: 0,
            ..outcome.coverage
        };
        Outcome { target: target.clone(), coverage, ..outcome }
    });
    TargetResult { target, result }
}

/// A workload of the cluster `payments`: `shop/Deployment/web`.
pub(crate) fn workload(path: &str) -> Subject {
    let mut parts = path.split('/').map(ToOwned::to_owned);
    let mut next = || parts.next().unwrap();
    let workload = Workload { namespace: next(), kind: next(), name: next() };
    Subject::Workload("payments".parse().unwrap(), workload)
}

/// What Kubernetes reports about a workload, in the samples of the newest runs.
pub(crate) fn sampled(
    measure: KubernetesMeasure,
    subject: Subject,
    threshold: f64,
    values: &[f64],
) -> Notice {
    let values: Vec<Option<f64>> = values.iter().map(|value| value.is_finite().then_some(*value)).collect();
    let source = MetricSource { metrics: vec![measure.of(&subject)], statistic: Statistic::Maximum };
    let count = i64::try_from(values.len()).unwrap();
    let sampled_at = (0..count).map(|sample| minutes_ago(2 + 5 * (count - 1 - sample))).collect();
    let notice = but(memory(service("shop", "web"), &values), |evaluation| {
        measure.label().clone_into(&mut evaluation.label);
        (evaluation.unit, evaluation.threshold) = (measure.unit(), threshold);
        (evaluation.period, evaluation.sampled_at) = (SAMPLE_PERIOD, sampled_at);
        (evaluation.source, evaluation.message) = (Some(source), None);
    });
    Notice {
        id: format!("{}#{subject}#0#ALARM", measure.word()),
        rule: measure.word().to_owned(),
        subject,
        ..notice
    }
}

/// The end of an alarm that lasted an hour.
pub(crate) fn over(notice: Notice, newest: f64) -> Notice {
    let values = vec![Some(85.0), Some(60.0), Some(newest)];
    let at = notice.at;
    let notice = but(notice, |evaluation| {
        let is_sampled = !evaluation.sampled_at.is_empty();
        evaluation.sampled_at = if is_sampled { vec![at; values.len()] } else { Vec::new() };
        evaluation.values = values;
    });
    Notice { from: AlarmState::Alarm, to: AlarmState::Ok, ..of_kind(NoticeKind::Ended, notice) }
}
