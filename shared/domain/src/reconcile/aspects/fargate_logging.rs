//! Logging of Fargate pods on EKS.

use std::collections::BTreeMap;

use super::{
    Action, Aspect, AspectCase, CostNote, Desired, EffectivePolicy, Fault, Observed, Remedy, Step, Value,
};
use crate::kubernetes::logging::check;
use crate::reconcile::{AwsLogging, ChangeState, LABEL, LoggingNamespace, Queried};

/// The namespace is being deleted with everything in it.
const TERMINATING: &str = "its namespace aws-observability is being deleted, so nothing can be created in it; wait until it \
                           is deleted, then apply the YAML in docs/policies.md, which recreates it; if it stays Terminating, \
                           check its finalizers";

type Data = BTreeMap<String, String>;

/// Only if the user's file has a policy for it: the built-in policy does not require access to the
/// cluster's Kubernetes API.
pub(super) fn is_asked(policy: &EffectivePolicy) -> bool {
    match policy.desired {
        Desired::ConfigMap(_) => true,
        Desired::Report => !policy.is_built_in(),
        _ => false,
    }
}

pub(super) fn value(aspect: Aspect, observed: &Observed) -> Result<Value, &Fault> {
    match observed.eks().map(|eks| &eks.logging) {
        None | Some(AwsLogging::NotAsked) => observed.asked(aspect),
        Some(AwsLogging::Unread(fault)) => Err(fault),
        Some(AwsLogging::Known { config_map: Some(data), .. }) => Ok(Value::ConfigMap(data.clone())),
        Some(AwsLogging::Known { config_map: None, .. }) => Ok(Value::Absent),
    }
}

pub(super) fn judge(case: &AspectCase<'_>) -> Step {
    let Some(eks) = case.whole.observed.eks() else { return case.left() };
    match &eks.profiles {
        Queried::Unread(fault) => return case.unknown(fault),
        Queried::Known(profiles) if profiles.is_empty() => {
            return case.step(Action::Leave, "it has no Fargate profile");
        }
        Queried::Known(_) => {}
    }
    let (namespace, config_map, problems) = match &eks.logging {
        AwsLogging::NotAsked => {
            return case.step(Action::Leave, "its Kubernetes API was not queried");
        }
        AwsLogging::Unread(fault) => return case.unknown(fault),
        AwsLogging::Known { namespace, config_map, problems } => (namespace, config_map, problems),
    };
    let policy = &case.policy;
    match (config_map, &policy.desired) {
        (Some(data), Desired::ConfigMap(wanted)) if data != wanted && is_ours(case, data) => {
            write(case, namespace, wanted)
        }
        (Some(data), _) => present(case, namespace, data, problems),
        (None, Desired::ConfigMap(wanted)) => write(case, namespace, wanted),
        (None, _) => {
            let reason = format!(
                "there is no ConfigMap, so logs of its Fargate pods are not forwarded; its policy is {policy}; to have \
                 fargaze write one, give aws-logging an output.conf"
            );
            case.step(Action::Report, reason).costing(CostNote::PodLogs)
        }
    }
}

/// Why Fargate would not accept this data in a namespace with the label, one sentence per problem.
pub(in crate::reconcile) fn problems(data: &Data) -> Vec<String> {
    let labels = Data::from([(LABEL.to_owned(), "enabled".to_owned())]);
    check(&labels, data).iter().map(ToString::to_string).collect()
}

/// Whether the `ConfigMap` is what fargaze wrote last.
fn is_ours(case: &AspectCase<'_>, data: &Data) -> bool {
    let made = case.changes.iter().rfind(|change| change.state == ChangeState::Done);
    made.is_some_and(|change| change.to == Value::ConfigMap(data.clone()))
}

fn write(case: &AspectCase<'_>, namespace: &LoggingNamespace, wanted: &Data) -> Step {
    let step = case.change(Value::ConfigMap(wanted.clone())).costing(CostNote::PodLogs);
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

fn present(case: &AspectCase<'_>, namespace: &LoggingNamespace, data: &Data, problems: &[String]) -> Step {
    let (label, remedy) = match namespace {
        LoggingNamespace::NotEnabled(label) => (Some(unlabelled(label.as_deref())), Some(Remedy::Label)),
        LoggingNamespace::Terminating => (Some(TERMINATING.to_owned()), Some(Remedy::Namespace)),
        LoggingNamespace::Missing | LoggingNamespace::Enabled => (None, None),
    };
    let data_is_bad =
        (!problems.is_empty()).then(|| format!("Fargate does not accept it: {}", problems.join("; ")));
    let wrong: Vec<String> = label.into_iter().chain(data_is_bad).collect();
    if !wrong.is_empty() {
        return Step { remedy, ..case.step(Action::Report, wrong.join("; ")) };
    }
    let policy = &case.policy;
    if matches!(&policy.desired, Desired::ConfigMap(wanted) if wanted != data) {
        let reason = format!(
            "others wrote the existing ConfigMap, which fargaze never overwrites; its policy is {policy}"
        );
        return case.step(Action::Report, reason);
    }
    case.step(Action::Comply, format!("it exists and is valid; its policy is {policy}"))
}

fn unlabelled(label: Option<&str>) -> String {
    let has = label.map_or_else(
        || "lacks the label aws-observability".to_owned(),
        |label| format!("has the label aws-observability={label}"),
    );
    format!(
        "others created the namespace aws-observability, and it {has}, so Fargate ignores it; add the label \
         aws-observability=enabled"
    )
}
