//! Decisions: EKS clusters case by case, Container Insights in `levels.rs`, and the history of
//! both.

mod levels;

use std::collections::BTreeMap;

use super::super::samples::{
    OUTPUT, addon, at, bare, change, data, eks, fault, log_of, logs, most, now, of_eks, policies, turned_on,
    with_addons, with_logs,
};
use super::super::*;
use super::*;
use crate::evidence::eks::{CLOUDWATCH_OBSERVABILITY, LogType, METRICS_SERVER};
use crate::model::fault::{Fault, FaultKind};
use crate::model::operation::Operation;
use Aspect::{AwsLogging as Logging, CloudwatchObservability, ControlPlaneLogs, MetricsServer};
use LoggingNamespace::{Enabled, Missing, NotEnabled};

fn denied() -> Fault {
    fault(Operation::EksListAddons, FaultKind::Denied)
}

/// The most demanding policies for all aspects of an EKS cluster.
fn all(existing: Existing) -> SubjectPolicy {
    policies(Aspect::of(SubjectKind::EksCluster).map(|aspect| (aspect, most(aspect))), existing)
}

/// The built-in policies.
fn default() -> SubjectPolicy {
    let report = [CloudwatchObservability, Logging, ControlPlaneLogs].map(|of| (of, Desired::Report));
    policies([(MetricsServer, Desired::Installed)].into_iter().chain(report), Existing::Report)
}

fn decided(policy: &SubjectPolicy, eks: &ObservedEks, origin: Origin, log: &SubjectLog) -> Vec<Step> {
    decide(&Case { policy, observed: &of_eks(eks), origin, log, announced: None, now: now() })
}

/// The step of one aspect of a new cluster without history.
fn step(aspect: Aspect, policy: &SubjectPolicy, eks: &ObservedEks) -> Step {
    let steps = decided(policy, eks, Origin::New, &SubjectLog::default());
    steps.into_iter().find(|step| step.aspect == Some(aspect)).unwrap()
}

/// The same with the most demanding policies.
fn step_of_all(aspect: Aspect, eks: &ObservedEks) -> Step {
    step(aspect, &all(Existing::Report), eks)
}

fn set(from: Value, to: Value) -> Action {
    Action::Set { from, to }
}

#[test]
fn a_new_cluster_gets_the_cheap_aspects_and_the_rest_is_reported() {
    let steps = decided(&default(), &eks("*"), Origin::New, &SubjectLog::default());
    let found: Vec<_> = steps.iter().map(|step| (step.aspect.unwrap(), &step.action, step.cost)).collect();
    assert_eq!(
        found,
        [
            (MetricsServer, &set(Value::Absent, Value::DEFAULT_ADDON), Some(CostNote::FreeButPods)),
            (CloudwatchObservability, &Action::Leave, None),
            (Logging, &Action::Report, Some(CostNote::PodLogs)),
            (ControlPlaneLogs, &Action::Report, Some(CostNote::LogsWithAudit)),
        ]
    );
}

#[test]
fn a_cluster_that_is_not_active_has_one_step() {
    let (policy, log) = (all(Existing::Change), SubjectLog::default());
    for (status, minute, action, why) in [
        ("CREATING", 30, Action::NotYet, "it is still CREATING"),
        ("PENDING", 60, Action::NotYet, "it is still PENDING"),
        ("CREATING", 61, Action::Overdue, "it is still CREATING after an hour"),
        ("UPDATING", 61, Action::Waiting, "another update is in progress"),
        ("FAILED", 0, Action::Report, "its status is FAILED; see"),
        ("DELETING", 0, Action::Leave, "its status is DELETING"),
    ] {
        let (observed, now) = (of_eks(&bare(status)), at(minute));
        let steps = decide(&Case {
            policy: &policy,
            observed: &observed,
            origin: Origin::New,
            log: &log,
            announced: None,
            now,
        });
        assert_eq!((steps.len(), steps[0].aspect), (1, None));
        assert_eq!(steps[0].action, action, "{status}");
        assert!(steps[0].reason.starts_with(why), "{}", steps[0].reason);
    }
}

#[test]
fn the_opt_out_tag_overrides_policy_and_status() {
    for mut tagged in [eks("*"), bare("CREATING"), bare("FAILED")] {
        tagged.cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
        let steps = decided(&all(Existing::Change), &tagged, Origin::New, &SubjectLog::default());
        assert_eq!((steps.len(), &steps[0].action), (1, &Action::Leave));
        assert_eq!(steps[0].reason, "tagged fargaze=hands-off");
    }
}

#[test]
fn the_aspect_that_eks_is_updating_is_named() {
    let accepted = Change { accepted: true, ..turned_on(1, &[LogType::Api], ChangeState::Planned) };
    let log = log_of([accepted]);
    let (policy, observed) = (all(Existing::Report), of_eks(&bare("UPDATING")));
    for (minute, action, why) in [
        (61, Action::Waiting, "EKS is working on control-plane-logs"),
        (62, Action::Overdue, "EKS has been working on control-plane-logs for more than an hour"),
    ] {
        let (origin, now) = (Origin::New, at(minute));
        let steps =
            decide(&Case { policy: &policy, observed: &observed, origin, log: &log, announced: None, now });
        assert_eq!((&steps[0].action, steps[0].reason.as_str()), (&action, why));
    }
}

#[test]
fn metrics_server_needs_capacity_and_a_missing_selector_is_named() {
    let labelled = {
        let mut labelled = eks("kube-*");
        let Queried::Known(profiles) = &mut labelled.profiles else { panic!() };
        profiles[0].selectors[0].labels.insert("app".to_owned(), "x".to_owned());
        labelled
    };
    let nodes = ObservedEks { node_groups: Queried::Known(vec!["a".to_owned()]), ..eks("default") };
    let auto = {
        let mut auto = eks("default");
        auto.cluster.auto_mode = true;
        auto
    };
    let soon = {
        let mut soon = eks("*");
        let Queried::Known(profiles) = &mut soon.profiles else { panic!() };
        profiles[0].status = "CREATING".into();
        soon
    };
    let unread = ObservedEks { node_groups: Queried::Unread(denied()), ..eks("default") };
    let on_fargate = ObservedEks { node_groups: Queried::Unread(denied()), ..eks("kube-system") };
    let install = || set(Value::Absent, Value::DEFAULT_ADDON);
    for (observed, action, why) in [
        (eks("kube-system"), install(), "the cluster is new; its policy is install"),
        (on_fargate, install(), "the cluster is new"),
        (eks("default"), Action::Blocked, "has a selector for the namespace kube-system"),
        (
            labelled,
            Action::Blocked,
            "all Fargate profile selectors for the namespace kube-system require labels",
        ),
        (nodes, install(), "the cluster is new"),
        (auto, install(), "the cluster is new"),
        (soon, Action::Waiting, "its Fargate profile default is being created"),
        (unread, Action::Unknown(denied()), "could not be read"),
    ] {
        let step = step(MetricsServer, &default(), &observed);
        assert_eq!(step.action, action, "{}", step.reason);
        assert!(step.reason.contains(why), "{}", step.reason);
        assert_eq!(step.remedy.is_some(), step.action == Action::Blocked, "{}", step.reason);
        assert!(!step.reason.contains("add a selector"), "a profile cannot be changed: {}", step.reason);
    }
    // A new profile can use the role of an existing one.
    let mut with_role = eks("default");
    let Queried::Known(profiles) = &mut with_role.profiles else { panic!() };
    profiles[0].pod_execution_role = Some("arn:aws:iam::123456789012:role/pods".to_owned());
    let role = profiles[0].pod_execution_role.clone();
    let found = step(MetricsServer, &default(), &with_role);
    assert_eq!(found.remedy, Some(Remedy::FargateProfile { role }));
}

#[test]
fn an_installed_addon_is_never_touched() {
    for (status, action) in [
        ("ACTIVE", Action::Comply),
        ("CREATING", Action::Waiting),
        ("DELETING", Action::Waiting),
        ("DEGRADED", Action::Report),
        ("CREATE_FAILED", Action::Report),
    ] {
        let addons = [METRICS_SERVER, CLOUDWATCH_OBSERVABILITY].map(|name| addon(name, status));
        for aspect in [MetricsServer, CloudwatchObservability] {
            assert_eq!(step_of_all(aspect, &with_addons(addons.to_vec())).action, action, "{status}");
        }
    }
    let unread = ObservedEks { addons: Queried::Unread(denied()), ..eks("*") };
    assert_eq!(step_of_all(MetricsServer, &unread).action, Action::Unknown(denied()));
}

#[test]
fn observability_is_for_ec2_nodes_only() {
    let nodes = ObservedEks { node_groups: Queried::Known(vec!["a".to_owned()]), ..eks("*") };
    let found = step_of_all(CloudwatchObservability, &nodes);
    assert_eq!(found.action, set(Value::Absent, Value::DEFAULT_ADDON));
    assert_eq!(found.cost, Some(CostNote::PerObservation));
    assert_eq!(step(CloudwatchObservability, &default(), &nodes).action, Action::Report);
    assert_eq!(step_of_all(CloudwatchObservability, &eks("*")).action, Action::Leave);
}

#[test]
fn logs_are_added_and_what_is_on_stays_on() {
    use LogType::{Api, Audit, Scheduler};
    for (on, to) in [
        (vec![], Some(vec![Api, Audit])),
        (vec![Scheduler], Some(vec![Api, Audit, Scheduler])),
        (vec![Api, Audit], None),
        (LogType::ALL.to_vec(), None),
    ] {
        let found = step_of_all(ControlPlaneLogs, &with_logs(&on));
        let from = Value::Logs(logs(&on));
        let action = to.map_or(Action::Comply, |to| set(from, Value::Logs(logs(&to))));
        assert_eq!(found.action, action, "{on:?}");
    }
}

#[test]
fn only_fargazes_own_configuration_is_overwritten() {
    let has = |namespace, output: Option<&str>, problems: &[&str]| ObservedEks {
        logging: AwsLogging::Known {
            namespace,
            config_map: output.map(data),
            problems: problems.iter().map(ToString::to_string).collect(),
        },
        ..eks("*")
    };
    let wanted = || Value::ConfigMap(data(OUTPUT));
    for (observed, action, why) in [
        (has(Missing, None, &[]), set(Value::Absent, wanted()), "the cluster is new"),
        (has(Enabled, None, &[]), set(Value::Absent, wanted()), "the cluster is new"),
        (has(NotEnabled(None), None, &[]), Action::Blocked, "lacks the label aws-observability"),
        (has(NotEnabled(None), Some("x"), &["`[INPUT]`"]), Action::Report, "not accept it: `[INPUT]`"),
        (has(NotEnabled(Some("no".to_owned())), Some("x"), &[]), Action::Report, "aws-observability=no"),
        (has(Enabled, Some(OUTPUT), &[]), Action::Comply, "it exists and is valid"),
        (has(Enabled, Some("x"), &[]), Action::Report, "which fargaze never overwrites"),
        (has(Enabled, Some("x"), &["[INPUT] is refused"]), Action::Report, "not accept it: [INPUT]"),
        (ObservedEks { logging: AwsLogging::Unread(denied()), ..eks("*") }, Action::Unknown(denied()), ""),
        (ObservedEks { profiles: Queried::Known(Vec::new()), ..eks("*") }, Action::Leave, "no Fargate"),
    ] {
        let step = step_of_all(Logging, &observed);
        assert_eq!(step.action, action, "{}", step.reason);
        assert!(step.reason.contains(why), "{}", step.reason);
        let is_about_the_label = step.reason.contains("add the label");
        assert_eq!(step.remedy, is_about_the_label.then_some(Remedy::Label), "{}", step.reason);
    }
    let made = change(1, Logging, Value::Absent, Value::ConfigMap(data("x")), ChangeState::Done);
    let theirs = has(Enabled, Some("x"), &[]);
    let steps = decided(&all(Existing::Report), &theirs, Origin::New, &log_of([made]));
    assert_eq!(steps[2].action, set(Value::ConfigMap(data("x")), wanted()));
    let report = policies([(Logging, Desired::Report)], Existing::Report);
    assert_eq!(step(Logging, &report, &theirs).action, Action::Comply);
    let bad = policies([(Logging, Desired::ConfigMap(data("[OUTPUT]")))], Existing::Report);
    let found = step(Logging, &bad, &has(Missing, None, &[]));
    assert_eq!(found.action, Action::Blocked);
    assert!(found.reason.contains("Fargate would not accept it: output.conf, line 1"), "{}", found.reason);
}

fn raised(minute: i64, state: ChangeState) -> Change {
    turned_on(minute, &[LogType::Api, LogType::Audit], state)
}

/// The step for control-plane logs that are off, for an existing cluster with this history, at
/// minute 90.
fn logs_after(log: &SubjectLog, existing: Existing) -> Step {
    let (policy, observed) = (all(existing), of_eks(&eks("*")));
    let case = Case {
        policy: &policy,
        observed: &observed,
        origin: Origin::Existing,
        log,
        announced: None,
        now: at(90),
    };
    decide(&case).pop().unwrap()
}

#[test]
fn history_decides_for_eks_as_for_ecs() {
    use ChangeState::{Abandoned, Done, Planned, RolledBack};
    use Existing::{Change as Anyway, Report};
    let failed = |minute| Change {
        failure: Some("InsufficientFreeAddresses".to_owned()),
        ..raised(minute, Abandoned)
    };
    let working =
        |minute| Change { accepted: true, update_id: Some("u".to_owned()), ..raised(minute, Planned) };
    let other = Change { policy: "at least api".to_owned(), ..raised(3, Done) };
    let set = || set(Value::Logs(logs(&[])), raised(0, Done).to);
    for (changes, existing, action, why) in [
        (vec![], Report, Action::Report, "the cluster existed before fargaze"),
        (vec![], Anyway, set(), "(existing: change)"),
        (vec![raised(1, Abandoned)], Report, Action::Report, "existed before"),
        (vec![raised(1, Done)], Report, set(), "set it before, and it was reverted"),
        (
            vec![raised(1, Done), raised(2, Done)],
            Report,
            Action::Conflict { by: vec!["an unknown caller (no event arrived)".to_owned()] },
            "set it 2 times",
        ),
        (vec![raised(1, Done), raised(2, Done), other.clone()], Report, set(), "for another policy"),
        (vec![raised(1, RolledBack)], Anyway, Action::Leave, "it was rolled back"),
        (vec![raised(1, Done), failed(2)], Anyway, set(), "reverted"),
        (
            vec![failed(1), failed(2)],
            Anyway,
            Action::Report,
            "times for the policy at least api, audit (Insuff",
        ),
        (vec![working(40)], Anyway, Action::Waiting, "EKS is working on it"),
        (vec![working(20)], Anyway, Action::Overdue, "for more than an hour"),
    ] {
        let step = logs_after(&log_of(changes), existing);
        assert_eq!(step.action, action, "{}", step.reason);
        assert!(step.reason.contains(why), "{}", step.reason);
    }
}

/// Issue 13, point 2: who reverted it is named from events since the first change of the sequence.
#[test]
fn callers_who_reverted_it_are_named_as_far_as_events_show() {
    let revert = |minute, by: &str| Revert {
        subject: raised(0, ChangeState::Done).subject,
        aspect: ControlPlaneLogs,
        time: at(minute),
        event_id: format!("event-{minute}-{by}"),
        by: by.to_owned(),
        call: "UpdateClusterConfig".to_owned(),
        to: None,
    };
    let mut past = log_of([raised(10, ChangeState::Done)]);
    past.put_revert(revert(5, "before"));
    past.put_revert(revert(12, "ci"));
    past.put_revert(revert(12, "ci"));
    let reason = logs_after(&past, Existing::Report).reason;
    assert!(reason.contains("it was reverted by ci (UpdateClusterConfig);"), "{reason}");
    let by = |past: &SubjectLog, since| {
        super::super::log::reverted_by(past, ControlPlaneLogs, &most(ControlPlaneLogs), since)
    };
    // CloudTrail's times are whole seconds; those of changes are not.
    let begun = at(12) + SignedDuration::from_millis(900);
    assert_eq!(by(&past, begun), ["ci (UpdateClusterConfig)"]);
    past.put(raised(20, ChangeState::Done));
    past.put_revert(revert(22, "alice"));
    let both = vec!["ci (UpdateClusterConfig)".to_owned(), "alice (UpdateClusterConfig)".to_owned()];
    assert_eq!(logs_after(&past, Existing::Report).action, Action::Conflict { by: both });
    past.forget_before(at(11));
    assert_eq!(by(&past, at(0)).len(), 2, "only those of the present cluster");
}

#[test]
fn an_update_whose_status_is_unknown_is_not_guessed() {
    let change =
        Change { accepted: true, update_id: Some("u".to_owned()), ..raised(1, ChangeState::Planned) };
    let observed =
        ObservedEks { updates: BTreeMap::from([("u".to_owned(), Queried::Unread(denied()))]), ..eks("*") };
    let steps = decided(&all(Existing::Report), &observed, Origin::New, &log_of([change]));
    assert_eq!(steps[3].action, Action::Unknown(denied()));
    assert!(steps[0].reason.starts_with("the cluster is new"), "the other aspects are decided");
}

#[test]
fn a_failed_undo_is_reported_until_the_policy_changes() {
    let undo = Some(Undo::Failed("no free addresses".to_owned()));
    let change = Change { undo, ..raised(1, ChangeState::Done) };
    let found = logs_after(&log_of([change.clone()]), Existing::Change);
    assert_eq!(found.action, Action::Report);
    assert!(
        found.reason.contains("failed to undo it (no free addresses); roll back again"),
        "{}",
        found.reason
    );
    let other = Change { policy: "at least api".to_owned(), ..change };
    assert!(matches!(logs_after(&log_of([other]), Existing::Change).action, Action::Set { .. }));
}
