//! The logging of Fargate pods on EKS.

use std::collections::BTreeMap;

use super::{Action, Aspect, Case, CostNote, Desired, Remedy, Step, Value};
use crate::kubernetes::logging::check;
use crate::reconcile::{Asked, AwsLogging, ChangeState, LABEL, LoggingNamespace};

const ASPECT: Aspect = Aspect::AwsLogging;

/// For a namespace that goes, with all that is in it.
const TERMINATING: &str = "its namespace aws-observability is being deleted, so nothing can be made in it; wait until it is \
                           gone, then apply the YAML in docs/policies.md, which makes it again; if it does not go, see what holds it";

type Data = BTreeMap<String, String>;

pub(super) fn judge(case: &Case<'_>) -> Step {
    let Some(eks) = case.observed.eks() else { return case.left(ASPECT) };
    match &eks.profiles {
        Asked::Unread(fault) => return Step::unknown(ASPECT, fault),
        Asked::Known(profiles) if profiles.is_empty() => {
            return Step::new(ASPECT, Action::Leave, "it has no Fargate profile");
        }
        Asked::Known(_) => {}
    }
    let (namespace, config_map, problems) = match &eks.logging {
        AwsLogging::NotAsked => {
            return Step::new(ASPECT, Action::Leave, "its Kubernetes API was not asked");
        }
        AwsLogging::Unread(fault) => return Step::unknown(ASPECT, fault),
        AwsLogging::Known { namespace, config_map, problems } => (namespace, config_map, problems),
    };
    let policy = case.policy_of(ASPECT);
    match (config_map, &policy.desired) {
        (Some(data), Desired::ConfigMap(wanted)) if data != wanted && is_ours(case, data) => {
            write(case, namespace, wanted)
        }
        (Some(data), _) => is_there(case, namespace, data, problems),
        (None, Desired::ConfigMap(wanted)) => write(case, namespace, wanted),
        (None, _) => {
            let reason = format!(
                "there is none, so no log of its Fargate pods is forwarded; its policy is {policy}; to have one written, \
                 give aws-logging an output.conf"
            );
            report(reason).costing(CostNote::PodLogs)
        }
    }
}

/// What Fargate would not accept of this data in a namespace with the label, one sentence each.
pub(in crate::reconcile) fn problems(data: &Data) -> Vec<String> {
    let labels = Data::from([(LABEL.to_owned(), "enabled".to_owned())]);
    check(&labels, data).iter().map(ToString::to_string).collect()
}

/// Whether the `ConfigMap` is as we wrote it last.
fn is_ours(case: &Case<'_>, data: &Data) -> bool {
    let made = case.changes(ASPECT).iter().rfind(|change| change.state == ChangeState::Done);
    made.is_some_and(|change| change.to == Value::ConfigMap(data.clone()))
}

fn write(case: &Case<'_>, namespace: &LoggingNamespace, wanted: &Data) -> Step {
    let step = case.change(ASPECT, Value::ConfigMap(wanted.clone())).costing(CostNote::PodLogs);
    let problems = problems(wanted);
    match namespace {
        LoggingNamespace::NotEnabled(label) => {
            step.blocked_by(&unlabelled(label.as_deref()), Some(Remedy::Label))
        }
        LoggingNamespace::Terminating => step.blocked_by(TERMINATING, Some(Remedy::Namespace)),
        _ if !problems.is_empty() => {
            step.blocked_by(&format!("Fargate would not accept it: {}", problems.join("; ")), None)
        }
        LoggingNamespace::Missing | LoggingNamespace::Enabled => step,
    }
}

fn is_there(case: &Case<'_>, namespace: &LoggingNamespace, data: &Data, problems: &[String]) -> Step {
    let (label, remedy) = match namespace {
        LoggingNamespace::NotEnabled(label) => (Some(unlabelled(label.as_deref())), Some(Remedy::Label)),
        LoggingNamespace::Terminating => (Some(TERMINATING.to_owned()), Some(Remedy::Namespace)),
        LoggingNamespace::Missing | LoggingNamespace::Enabled => (None, None),
    };
    let data_is_bad =
        (!problems.is_empty()).then(|| format!("Fargate does not accept it: {}", problems.join("; ")));
    let wrong: Vec<String> = label.into_iter().chain(data_is_bad).collect();
    if !wrong.is_empty() {
        return Step { remedy, ..report(wrong.join("; ")) };
    }
    let policy = case.policy_of(ASPECT);
    if matches!(&policy.desired, Desired::ConfigMap(wanted) if wanted != data) {
        return report(format!(
            "there is one that others wrote, which fargaze never overwrites; its policy is {policy}"
        ));
    }
    Step::new(ASPECT, Action::Comply, format!("it is there and good; its policy is {policy}"))
}

fn report(reason: impl Into<String>) -> Step {
    Step::new(ASPECT, Action::Report, reason)
}

fn unlabelled(label: Option<&str>) -> String {
    let has = label.map_or_else(|| "lacks the label".to_owned(), |label| format!("has the value {label} of"));
    format!(
        "others made the namespace aws-observability, and it {has} aws-observability, so Fargate does not look there; give it \
         the label aws-observability=enabled"
    )
}
