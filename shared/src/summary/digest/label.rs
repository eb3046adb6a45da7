//! What was judged and its value, as a person says it: `memory 93.1 %`, `2 tasks missing`, `3 pods crash-looping`.

use crate::alarm::Notice;
use crate::message::harmless;
use crate::metric::Unit;
use crate::rule::KubernetesMeasure;

/// What labels count, of many and of one: behind a number these are no names of metrics.
const COUNTED: [(&str, &str); 7] = [
    ("tasks ", "task "),
    ("pods ", "pod "),
    ("completed pods ", "completed pod "),
    ("DaemonSet pods ", "DaemonSet pod "),
    ("containers ", "container "),
    ("replicas ", "replica "),
    ("restarts", "restart"),
];

/// What rules on `nothing-running` and `running-below-desired` judge.
pub(super) const TASKS_MISSING: &str = "tasks missing";

/// The worst value.
pub(super) fn worst(notice: &Notice) -> String {
    let label = harmless(&notice.label);
    match notice.worst() {
        Some(_) if is(notice, KubernetesMeasure::MetricsServerDown) => label,
        Some(value) => valued(notice, &label, value),
        None if notice.values.is_empty() => label,
        None => format!("{label} has no data"),
    }
}

fn valued(notice: &Notice, label: &str, value: f64) -> String {
    let value = notice.unit.show(value);
    match counted(notice, label) {
        None => format!("{label} {value}"),
        Some((many, one)) if value == "1" => format!("1 {one}{}", &label[many.len()..]),
        Some(_) => format!("{value} {label}"),
    }
}

/// How a value is told that ended an alarm, behind its subject.
pub(super) fn back(notice: &Notice, value: f64) -> String {
    let label = harmless(&notice.label);
    let is_none = value == 0.0;
    if is(notice, KubernetesMeasure::MetricsServerDown) {
        "has its Metrics API again".to_owned()
    } else if is_none && is(notice, KubernetesMeasure::PodPending) {
        "has no pending pod any more".to_owned()
    } else if is_none && label == TASKS_MISSING {
        if notice.source.is_none() {
            "runs tasks again".to_owned()
        } else {
            "has all its tasks again".to_owned()
        }
    } else if is_none && counted(notice, &label).is_some() {
        format!("has no {label} any more")
    } else {
        format!("is back at {label} {}", notice.unit.show(value))
    }
}

fn counted(notice: &Notice, label: &str) -> Option<(&'static str, &'static str)> {
    COUNTED.into_iter().find(|(many, _)| notice.unit == Unit::Count && label.starts_with(many))
}

fn is(notice: &Notice, measure: KubernetesMeasure) -> bool {
    notice.label == measure.label()
}
