//! Sample clusters, policies, changes and histories for the tests of this folder.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{
    Aspect, AwsLogging, Change, ChangeState, Checker, Desired, EffectivePolicy, Existing, LoggingNamespace,
    Observed, ObservedEks, Queried, Revert, SubjectLog, SubjectPolicy, Value,
};
use crate::evidence::eks::{Addon, EksCluster, FargateProfile, FargateSelector, LogType};
use crate::model::cluster::ClusterName;
use crate::model::fault::{Fault, FaultKind};
use crate::model::insights::{InsightsLevel, ObservedCluster};
use crate::model::operation::Operation;
use crate::model::subject::Subject;

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

pub(crate) fn now() -> Timestamp {
    at(30)
}

/// A checker at a time when nothing is under way any more.
pub(crate) fn later() -> Checker<'static> {
    Checker { cause: "later", now: at(1_000_000) }
}

fn name() -> ClusterName {
    "shop".parse().unwrap()
}

/// An ACTIVE ECS cluster that runs a service.
pub(crate) fn ecs(level: InsightsLevel) -> ObservedCluster {
    ObservedCluster {
        name: name(),
        status: "ACTIVE".to_owned(),
        level,
        tags: BTreeMap::new(),
        running_tasks: 2,
        active_services: 1,
    }
}

pub(crate) fn with_level(level: InsightsLevel) -> Observed {
    Observed::of_ecs(ecs(level))
}

/// An EKS cluster of which only the status is known.
pub(crate) fn bare(status: &str) -> ObservedEks {
    ObservedEks::bare(EksCluster {
        version: Some("1.33".to_owned()),
        created_at: Some(at(0)),
        ..EksCluster::named(name(), status)
    })
}

/// An ACTIVE EKS cluster whose only Fargate profile selects this namespace, with nothing set up.
pub(crate) fn eks(namespace: &str) -> ObservedEks {
    let selector = FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() };
    ObservedEks {
        is_asked: true,
        profiles: Queried::Known(vec![FargateProfile {
            name: "default".to_owned(),
            status: "ACTIVE".into(),
            selectors: vec![selector],
            pod_execution_role: None,
        }]),
        logging: AwsLogging::Known {
            namespace: LoggingNamespace::Missing,
            config_map: None,
            problems: Vec::new(),
        },
        ..bare("ACTIVE")
    }
}

/// The same with these control-plane logs on.
pub(crate) fn with_logs(on: &[LogType]) -> ObservedEks {
    let mut eks = eks("*");
    eks.cluster.logs = logs(on);
    eks
}

/// The same with these add-ons.
pub(crate) fn with_addons(addons: Vec<Addon>) -> ObservedEks {
    ObservedEks { addons: Queried::Known(addons), ..eks("*") }
}

/// The same with this `ConfigMap` for Fargate pod logging.
pub(crate) fn with_map(config_map: Option<BTreeMap<String, String>>) -> ObservedEks {
    let logging =
        AwsLogging::Known { namespace: LoggingNamespace::Enabled, config_map, problems: Vec::new() };
    ObservedEks { logging, ..eks("*") }
}

pub(crate) fn of_eks(eks: &ObservedEks) -> Observed {
    Observed::of_eks(eks.clone())
}

pub(crate) fn addon(name: &str, status: &str) -> Addon {
    Addon {
        name: name.to_owned(),
        status: status.to_owned(),
        version: Some("v0.8.0-eksbuild.1".to_owned()),
        configuration: None,
        issues: Vec::new(),
    }
}

pub(crate) fn logs(types: &[LogType]) -> BTreeSet<LogType> {
    types.iter().copied().collect()
}

pub(crate) fn data(output: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("output.conf".to_owned(), output.to_owned())])
}

pub(crate) fn fault(operation: Operation, kind: FaultKind) -> Fault {
    Fault { operation, subject: "shop".to_owned(), kind, code: String::new(), message: String::new() }
}

/// The minimum that Fargate accepts.
pub(crate) const OUTPUT: &str = "[OUTPUT]\n    Name es\n    Match *\n";

/// The most demanding policy of an aspect.
pub(crate) fn most(aspect: Aspect) -> Desired {
    match aspect {
        Aspect::AccountDefault | Aspect::ContainerInsights => Desired::AtLeast(InsightsLevel::Enabled),
        Aspect::MetricsServer | Aspect::CloudwatchObservability => Desired::Installed,
        Aspect::LogRetention => Desired::ExactRetention(30),
        Aspect::AwsLogging => Desired::ConfigMap(data(OUTPUT)),
        Aspect::ControlPlaneLogs => Desired::Logs(logs(&[LogType::Api, LogType::Audit])),
    }
}

/// A policy of the user for one aspect.
pub(crate) fn policy(aspect: Aspect, desired: Desired, existing: Existing) -> SubjectPolicy {
    policies([(aspect, desired)], existing)
}

/// Policies of the user for these aspects.
pub(crate) fn policies(
    desired: impl IntoIterator<Item = (Aspect, Desired)>,
    existing: Existing,
) -> SubjectPolicy {
    let source = || "fargaze.yaml:9".to_owned();
    let effective = |desired| EffectivePolicy { desired, existing, source: source() };
    SubjectPolicy::new(desired.into_iter().map(|(aspect, desired)| (aspect, effective(desired))))
}

/// A change for the most demanding policy, made at that minute, which also determines its cause and
/// number.
pub(crate) fn change(minute: i64, aspect: Aspect, from: Value, to: Value, state: ChangeState) -> Change {
    let subject = if aspect == Aspect::AccountDefault { Subject::Account } else { Subject::Cluster(name()) };
    Change {
        subject,
        aspect,
        number: u32::try_from(minute).unwrap(),
        made: at(minute),
        cause: format!("event-{minute}"),
        from,
        to,
        policy: most(aspect).to_string(),
        reason: "the cluster is new".to_owned(),
        request_id: None,
        state,
        accepted: matches!(state, ChangeState::Done | ChangeState::RolledBack),
        update_id: None,
        failure: None,
        undo: None,
        rolled_back_by: None,
    }
}

/// A change of Container Insights.
pub(crate) fn leveled(minute: i64, from: InsightsLevel, to: InsightsLevel, state: ChangeState) -> Change {
    change(minute, Aspect::ContainerInsights, Value::Level(from), Value::Level(to), state)
}

/// A change that turns on these control-plane logs, from none.
pub(crate) fn turned_on(minute: i64, to: &[LogType], state: ChangeState) -> Change {
    let (from, to) = (Value::Logs(BTreeSet::new()), Value::Logs(logs(to)));
    change(minute, Aspect::ControlPlaneLogs, from, to, state)
}

/// A log of these changes.
pub(crate) fn log_of(changes: impl IntoIterator<Item = Change>) -> SubjectLog {
    let mut log = SubjectLog::default();
    changes.into_iter().for_each(|change| log.put(change));
    log
}

/// A revert that turns Container Insights off.
pub(crate) fn revert(minute: i64, by: &str) -> Revert {
    Revert {
        subject: Subject::Cluster(name()),
        aspect: Aspect::ContainerInsights,
        time: at(minute),
        event_id: format!("foreign-{minute}"),
        by: by.to_owned(),
        call: "UpdateClusterSettings".to_owned(),
        to: Some(Value::Level(InsightsLevel::Disabled)),
    }
}

pub(crate) fn level() -> impl Strategy<Value = InsightsLevel> {
    prop::sample::select(InsightsLevel::ALL.to_vec())
}

/// Any desired value for Container Insights.
pub(crate) fn desired() -> impl Strategy<Value = Desired> {
    let at_least = [InsightsLevel::Enabled, InsightsLevel::Enhanced].map(Desired::AtLeast);
    let exactly = InsightsLevel::ALL.map(Desired::Exactly);
    prop::sample::select([&[Desired::Leave, Desired::Any], &at_least[..], &exactly].concat())
}

/// Any history of a cluster's Container Insights, including ones that no sequence of events
/// produces.
pub(crate) fn any_log() -> impl Strategy<Value = SubjectLog> {
    let states = [ChangeState::Done, ChangeState::Done, ChangeState::Abandoned, ChangeState::RolledBack];
    let one = (level(), level(), desired(), prop::sample::select(states.to_vec()));
    prop::collection::vec(one, 0..5).prop_map(|changes| {
        let changes = (1_i64..).zip(changes).map(|(n, (from, to, desired, state))| Change {
            policy: desired.to_string(),
            ..leveled(n, from, to, state)
        });
        let mut log = log_of(changes);
        log.put_revert(revert(2, "alice"));
        log
    })
}
