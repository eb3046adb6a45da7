//! The label of an evaluation with its value, in words: `memory 93.1 %`, `2 tasks missing`, `3 pods
//! crash-looping`.

use crate::alarms::evaluate::AlarmState;
use crate::alarms::{Evaluation, Notice};
use crate::model::metric::Unit;
use crate::rules::{KubernetesMeasure, MEASURES, Measure};
use crate::text::message::harmless;

/// Beginnings of labels that count something, in plural and singular: the number comes before them.
const COUNTED: [(&str, &str); 9] = [
    ("placements ", "placement "),
    ("deployments ", "deployment "),
    ("tasks ", "task "),
    ("pods ", "pod "),
    ("completed pods ", "completed pod "),
    ("DaemonSet pods ", "DaemonSet pod "),
    ("containers ", "container "),
    ("replicas ", "replica "),
    ("restarts", "restart"),
];

/// Label of rules on `nothing-running`.
pub(super) const TASKS_MISSING: &str = "tasks missing";
/// Label of rules on `running-below-desired`.
const BELOW_DESIRED: &str = "tasks below desired";
/// Label of rules on `deployment-failed`.
pub(super) const DEPLOYMENTS_FAILED: &str = "deployments failed";
/// Label of rules on `tasks-failing`.
pub(super) const TASKS_FAILED: &str = "tasks failed";

/// The sum of the values, if they are counts of events: three deaths in three minutes are three.
pub(super) fn sum(evaluation: &Evaluation) -> Option<f64> {
    let counts = MEASURES.iter().filter(|row| Measure::Named(row).task_figure().is_some());
    let is_count = counts.map(|row| row.label).any(|label| label == evaluation.label);
    is_count.then(|| evaluation.values.iter().flatten().sum())
}

/// How often it happened, if the values are counts of events.
fn happened(notice: &Notice, evaluation: &Evaluation) -> Option<f64> {
    let known: u32 = notice.deaths().iter().map(|one| one.count).sum();
    sum(evaluation).map(|sum| sum.max(f64::from(known)))
}

/// The state of an alarm, after its subject.
pub(super) fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Ok => "is OK",
        AlarmState::Alarm => "is in ALARM",
        AlarmState::InsufficientData => "has no data yet",
    }
}

/// The label with the worst value; for counts of events with their number, which may have grown since
/// the alarm began.
pub(super) fn worst(notice: &Notice, evaluation: &Evaluation) -> String {
    let label = harmless(&evaluation.label);
    match evaluation.worst() {
        Some(_) if is(evaluation, KubernetesMeasure::MetricsServerDown) => label,
        Some(value) => valued(evaluation, &label, happened(notice, evaluation).unwrap_or(value)),
        None if evaluation.values.is_empty() => label,
        None => format!("{label} has no data"),
    }
}

fn valued(evaluation: &Evaluation, label: &str, value: f64) -> String {
    let value = evaluation.unit.show(value);
    match counted(evaluation, label) {
        None => format!("{label} {value}"),
        Some((many, one)) if value == "1" => format!("1 {one}{}", &label[many.len()..]),
        Some(_) => format!("{value} {label}"),
    }
}

/// The value that ended an alarm, in words, after its subject.
pub(super) fn back(evaluation: &Evaluation, value: f64) -> String {
    let label = harmless(&evaluation.label);
    let is_none = value == 0.0;
    if is(evaluation, KubernetesMeasure::MetricsServerDown) {
        "has its Metrics API again".to_owned()
    } else if is_none && is(evaluation, KubernetesMeasure::PodPending) {
        "no longer has pending pods".to_owned()
    } else if is_none && label == TASKS_MISSING {
        "runs tasks again".to_owned()
    } else if is_none && label == BELOW_DESIRED {
        "has all its tasks again".to_owned()
    } else if is_none && label == DEPLOYMENTS_FAILED {
        "no longer has a failed deployment".to_owned()
    } else if is_none && label == TASKS_FAILED {
        "no longer has failing tasks".to_owned()
    } else if is_none && counted(evaluation, &label).is_some() {
        format!("no longer has {label}")
    } else if counted(evaluation, &label).is_some() {
        format!("is back to {}", valued(evaluation, &label, value))
    } else {
        format!("is back at {label} {}", evaluation.unit.show(value))
    }
}

fn counted(evaluation: &Evaluation, label: &str) -> Option<(&'static str, &'static str)> {
    COUNTED.into_iter().find(|(many, _)| evaluation.unit == Unit::Count && label.starts_with(many))
}

fn is(evaluation: &Evaluation, measure: KubernetesMeasure) -> bool {
    evaluation.label == measure.label()
}
