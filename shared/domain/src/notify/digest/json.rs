//! The digest as JSON, for queues and functions.

use serde_json::{Map, Value, json};

use super::super::console::alarm_link;
use super::super::{CoverageChange, RuleLine, TargetResult, coverage, head, kubectl};
use super::PlacedNotice;
use crate::alarms::Evaluation;
use crate::model::run::Run;
use crate::model::subject::Subject;

pub(super) fn digest(
    run: &Run,
    results: &[TargetResult],
    notices: &[PlacedNotice<'_>],
    changes: &[CoverageChange],
    rules: &[RuleLine],
) -> Map<String, Value> {
    let mut json = head(run);
    json.insert("alarms".to_owned(), notices.iter().map(alarm).collect());
    if !rules.is_empty() {
        json.insert("rules".to_owned(), json!(rules));
    }
    json.insert("coverage".to_owned(), coverage::json(results));
    json.extend(coverage::changes_json(changes));
    json
}

fn alarm(PlacedNotice { target, notice, logs }: &PlacedNotice<'_>) -> Value {
    let evaluation = notice.evaluation();
    let mut json = json!({
        "id": notice.id,
        "kind": notice.kind(),
        "rule": notice.rule,
        "severity": notice.severity,
        "platform": target.platform,
        "account": target.account,
        "region": target.region,
        "cluster": notice.subject.cluster(),
        "service": notice.subject.service_or_owner(),
        "task_family": notice.subject.task_family(),
        "task": if let Subject::Task(_, _, id) = &notice.subject { Some(id) } else { None },
        "container": if let Subject::Container(_, _, name) = &notice.subject { Some(name) } else { None },
        "workload": notice.subject.workload(),
        "state": notice.to,
        "since": notice.since,
        "at": notice.at,
        "label": evaluation.map(|evaluation| &evaluation.label),
        "value": evaluation.and_then(Evaluation::worst),
        "threshold": evaluation.map(|evaluation| evaluation.threshold),
        "comparison": evaluation.map(|evaluation| evaluation.comparison),
        "unit": evaluation.map(|evaluation| &evaluation.unit),
        "values": evaluation.map(|evaluation| &evaluation.values[..]).unwrap_or_default(),
        "values_end": evaluation.map(|evaluation| evaluation.until),
        "period_seconds": evaluation.map(|evaluation| evaluation.period),
        "message": evaluation.and_then(|evaluation| evaluation.message.as_deref()),
        "why": notice.why(),
        "late": notice.late(),
        "console": alarm_link(target, notice),
        "pod": notice.pod(),
        "kubectl": kubectl::inspect(target, notice),
    });
    if let Subject::LogGroup(name) = &notice.subject {
        json["log_group"] = name.as_str().into();
    }
    if !notice.deaths().is_empty() {
        json["deaths"] = notice.deaths().iter().map(super::deaths::json).collect();
        json["aws"] = super::deaths::inspect(target, notice).into();
    }
    if !notice.hidden().is_empty() {
        json["hidden"] = notice.hidden().into();
    }
    if let Some(logs) = logs {
        json["logs"] = super::logs::json(target, logs);
    }
    json
}
