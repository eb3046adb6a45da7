//! What is decided, case by case.

use std::collections::BTreeMap;

use super::super::samples::{addon, all, change, cluster, data, ledger, logs, now, observed, wished};
use super::super::{AwsLogging, AwsLoggingWish, EksRevert, EksWishes, LoggingNamespace};
use super::*;
use crate::eks::{CLOUDWATCH_OBSERVABILITY, METRICS_SERVER};
use crate::fault::FaultKind;
use crate::insights::samples::at;
use crate::insights::{ChangeState, ExistingClusters};
use crate::operation::Operation;
use EksAspect::{AwsLogging as Logging, CloudwatchObservability, ControlPlaneLogs, MetricsServer};
use LoggingNamespace::{Enabled, Missing, NotEnabled};

fn denied() -> Fault {
    Fault {
        operation: Operation::EksListAddons,
        subject: "payments".to_owned(),
        kind: FaultKind::Denied,
        code: "AccessDeniedException".to_owned(),
        message: String::new(),
    }
}

fn decided(wishes: EksWishes, observed: &ObservedEks, ledger: &EksLedger) -> Vec<EksStep> {
    let history = EksHistory { acquaintance: Acquaintance::New, ledger };
    decide_eks(&wished(wishes, ExistingClusters::Report), observed, &history, now())
}

/// The step of one aspect of a new cluster without a past.
fn step(aspect: EksAspect, wishes: EksWishes, observed: &ObservedEks) -> EksStep {
    let steps = decided(wishes, observed, &EksLedger::default());
    steps.into_iter().find(|step| step.aspect == Some(aspect)).unwrap()
}

fn set(from: EksState, to: EksState) -> EksAction {
    EksAction::Set { from, to }
}

#[test]
fn a_new_cluster_gets_what_costs_little_and_the_rest_is_reported() {
    let steps = decided(EksWishes::default(), &observed("*"), &EksLedger::default());
    let found: Vec<_> = steps.iter().map(|step| (step.aspect.unwrap(), &step.action, step.cost)).collect();
    assert_eq!(
        found,
        [
            (MetricsServer, &set(EksState::Absent, EksState::DEFAULT_ADDON), Some(CostNote::FreeButPods)),
            (CloudwatchObservability, &EksAction::Leave, None),
            (Logging, &EksAction::Report, Some(CostNote::PodLogs)),
            (ControlPlaneLogs, &EksAction::Report, Some(CostNote::LogsWithAudit)),
        ]
    );
}

#[test]
fn a_cluster_that_is_not_active_has_one_step() {
    for (status, minute, action, why) in [
        ("CREATING", 30, EksAction::NotYet, "it is still CREATING"),
        ("PENDING", 60, EksAction::NotYet, "it is still PENDING"),
        ("CREATING", 61, EksAction::Overdue, "it is still CREATING after an hour"),
        ("UPDATING", 61, EksAction::Waiting, "somebody updates it"),
        ("FAILED", 0, EksAction::Report, "its status is FAILED; see"),
        ("DELETING", 0, EksAction::Leave, "its status is DELETING"),
    ] {
        let history = EksHistory { acquaintance: Acquaintance::New, ledger: &EksLedger::default() };
        let wished = wished(all(), ExistingClusters::Change);
        let steps = decide_eks(&wished, &ObservedEks::bare(cluster(status)), &history, at(minute));
        assert_eq!((steps.len(), steps[0].aspect), (1, None));
        assert_eq!(steps[0].action, action, "{status}");
        assert!(steps[0].reason.starts_with(why), "{}", steps[0].reason);
    }
    let mut tagged = observed("*");
    tagged.cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
    assert_eq!(decided(all(), &tagged, &EksLedger::default())[0].action, EksAction::Leave);
}

#[test]
fn metrics_server_needs_a_place_and_the_missing_selector_is_named() {
    let labelled = {
        let mut observed = observed("kube-*");
        let Asked::Known(profiles) = &mut observed.profiles else { panic!() };
        profiles[0].selectors[0].labels.insert("app".to_owned(), "x".to_owned());
        observed
    };
    let nodes = ObservedEks { node_groups: Asked::Known(vec!["a".to_owned()]), ..observed("default") };
    let auto = {
        let mut observed = observed("default");
        observed.cluster.auto_mode = true;
        observed
    };
    let unread = ObservedEks { node_groups: Asked::Unread(denied()), ..observed("default") };
    let on_fargate = ObservedEks { node_groups: Asked::Unread(denied()), ..observed("kube-system") };
    let install = || set(EksState::Absent, EksState::DEFAULT_ADDON);
    for (observed, action, why) in [
        (observed("kube-system"), install(), "the cluster is new; its wish is install"),
        (on_fargate, install(), "the cluster is new"),
        (observed("default"), EksAction::Blocked, "has a selector for the namespace kube-system"),
        (
            labelled,
            EksAction::Blocked,
            "create another Fargate profile, for the namespace kube-system and without",
        ),
        (nodes, install(), "the cluster is new"),
        (auto, install(), "the cluster is new"),
        (unread, EksAction::Unknown(denied()), "it could not be asked"),
    ] {
        let step = step(MetricsServer, EksWishes::default(), &observed);
        assert_eq!(step.action, action, "{}", step.reason);
        assert!(step.reason.contains(why), "{}", step.reason);
        assert_eq!(step.remedy.is_some(), step.action == EksAction::Blocked, "{}", step.reason);
        assert!(!step.reason.contains("add a selector"), "a profile cannot be changed: {}", step.reason);
    }
    // One more profile can use the role of another.
    let mut with_role = observed("default");
    let Asked::Known(profiles) = &mut with_role.profiles else { panic!() };
    profiles[0].pod_execution_role = Some("arn:aws:iam::123456789012:role/pods".to_owned());
    let role = profiles[0].pod_execution_role.clone();
    let found = step(MetricsServer, EksWishes::default(), &with_role);
    assert_eq!(found.remedy, Some(EksRemedy::FargateProfile { role }));
}

#[test]
fn an_addon_that_is_there_is_never_touched() {
    for (status, action) in [
        ("ACTIVE", EksAction::Right),
        ("CREATING", EksAction::Waiting),
        ("DELETING", EksAction::Waiting),
        ("DEGRADED", EksAction::Report),
        ("CREATE_FAILED", EksAction::Report),
    ] {
        let addons = [METRICS_SERVER, CLOUDWATCH_OBSERVABILITY].map(|name| addon(name, status));
        let observed = ObservedEks { addons: Asked::Known(addons.to_vec()), ..observed("*") };
        for aspect in [MetricsServer, CloudwatchObservability] {
            assert_eq!(step(aspect, all(), &observed).action, action, "{status}");
        }
    }
    let unread = ObservedEks { addons: Asked::Unread(denied()), ..observed("*") };
    assert_eq!(step(MetricsServer, all(), &unread).action, EksAction::Unknown(denied()));
}

#[test]
fn observability_is_for_ec2_nodes_only() {
    let nodes = ObservedEks { node_groups: Asked::Known(vec!["a".to_owned()]), ..observed("*") };
    let found = step(CloudwatchObservability, all(), &nodes);
    assert_eq!(found.action, set(EksState::Absent, EksState::DEFAULT_ADDON));
    assert_eq!(found.cost, Some(CostNote::PerObservation));
    assert_eq!(step(CloudwatchObservability, EksWishes::default(), &nodes).action, EksAction::Report);
    assert_eq!(step(CloudwatchObservability, all(), &observed("*")).action, EksAction::Leave);
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
        let mut observed = observed("*");
        observed.cluster.logs = logs(&on);
        let found = step(ControlPlaneLogs, all(), &observed);
        let from = EksState::Logs(logs(&on));
        let action = to.map_or(EksAction::Right, |to| set(from, EksState::Logs(logs(&to))));
        assert_eq!(found.action, action, "{on:?}");
    }
}

#[test]
fn the_configuration_of_others_is_never_overwritten_and_ours_may_be() {
    let has = |namespace, output: Option<&str>, problems: &[&str]| ObservedEks {
        logging: AwsLogging::Known {
            namespace,
            config_map: output.map(data),
            problems: problems.iter().map(ToString::to_string).collect(),
        },
        ..observed("*")
    };
    let wanted = || EksState::ConfigMap(data("[OUTPUT]"));
    for (observed, action, why) in [
        (has(Missing, None, &[]), set(EksState::Absent, wanted()), "the cluster is new"),
        (has(Enabled, None, &[]), set(EksState::Absent, wanted()), "the cluster is new"),
        (has(NotEnabled(None), None, &[]), EksAction::Blocked, "lacks the label aws-observability"),
        (has(NotEnabled(None), Some("x"), &["`[INPUT]`"]), EksAction::Report, "not accept it: `[INPUT]`"),
        (has(NotEnabled(Some("no".to_owned())), Some("x"), &[]), EksAction::Report, "has the value no of"),
        (has(Enabled, Some("[OUTPUT]"), &[]), EksAction::Right, "it is there and good"),
        (has(Enabled, Some("x"), &[]), EksAction::Report, "which fargaze never overwrites"),
        (has(Enabled, Some("x"), &["[INPUT] is refused"]), EksAction::Report, "not accept it: [INPUT]"),
        (
            ObservedEks { logging: AwsLogging::Unread(denied()), ..observed("*") },
            EksAction::Unknown(denied()),
            "",
        ),
        (ObservedEks { profiles: Asked::Known(Vec::new()), ..observed("*") }, EksAction::Leave, "no Fargate"),
    ] {
        let step = step(Logging, all(), &observed);
        assert_eq!(step.action, action, "{}", step.reason);
        assert!(step.reason.contains(why), "{}", step.reason);
        let is_about_the_label = step.reason.contains("give it the label");
        assert_eq!(step.remedy, is_about_the_label.then_some(EksRemedy::Label), "{}", step.reason);
    }
    let made = change(1, Logging, (EksState::Absent, EksState::ConfigMap(data("x"))), ChangeState::Done);
    let steps = decided(all(), &has(Enabled, Some("x"), &[]), &ledger([made]));
    assert_eq!(steps[2].action, set(EksState::ConfigMap(data("x")), wanted()));
    let good = EksWishes { aws_logging: AwsLoggingWish::Report, ..all() };
    assert_eq!(step(Logging, good, &has(Enabled, Some("x"), &[])).action, EksAction::Right);
}

/// The step for control-plane logs that are off, of an existing cluster with these changes.
fn logs_after(changes: Vec<EksChange>, existing: ExistingClusters) -> EksStep {
    let history = EksHistory { acquaintance: Acquaintance::Existing, ledger: &ledger(changes) };
    decide_eks(&wished(all(), existing), &observed("*"), &history, at(90)).pop().unwrap()
}

fn raised(minute: i64, state: ChangeState) -> EksChange {
    let to = EksState::Logs(logs(&[LogType::Api, LogType::Audit]));
    change(minute, ControlPlaneLogs, (EksState::Logs(logs(&[])), to), state)
}

#[test]
fn the_past_decides_as_it_does_for_ecs() {
    use ChangeState::{Abandoned, Done, Planned, Restored};
    use ExistingClusters::{Change, Report};
    let failed = |minute| EksChange {
        failure: Some("InsufficientFreeAddresses".to_owned()),
        ..raised(minute, Abandoned)
    };
    let working =
        |minute| EksChange { accepted: true, update_id: Some("u".to_owned()), ..raised(minute, Planned) };
    let other = EksChange { wish: "at least api".to_owned(), ..raised(3, Done) };
    let set = || set(EksState::Logs(logs(&[])), raised(0, Done).to);
    for (changes, existing, action, why) in [
        (vec![], Report, EksAction::Report, "the cluster was there before fargaze"),
        (vec![], Change, set(), "(existing: change)"),
        (vec![raised(1, Abandoned)], Report, EksAction::Report, "there before"),
        (vec![raised(1, Done)], Report, set(), "set it before, and it was undone"),
        (
            vec![raised(1, Done), raised(2, Done)],
            Report,
            EksAction::Fight { by: vec!["somebody whose event did not arrive".to_owned()] },
            "set it 2 times",
        ),
        (vec![raised(1, Done), raised(2, Done), other.clone()], Report, set(), "for another wish"),
        (vec![raised(1, Restored)], Change, EksAction::Leave, "a restore put it back"),
        (vec![raised(1, Done), failed(2)], Change, set(), "undone"),
        (
            vec![failed(1), failed(2)],
            Change,
            EksAction::Report,
            "times for the wish at least api, audit (Insuff",
        ),
        (vec![working(40)], Change, EksAction::Waiting, "EKS works on it"),
        (vec![working(20)], Change, EksAction::Overdue, "for more than an hour"),
    ] {
        let step = logs_after(changes, existing);
        assert_eq!(step.action, action, "{}", step.reason);
        assert!(step.reason.contains(why), "{}", step.reason);
    }
}

/// Issue 13, point 2: who undid it is named, by the events since the first change of the row.
#[test]
fn who_undid_it_is_named_as_far_as_events_report_it() {
    let revert = |minute, by: &str, call: &str| EksRevert {
        subject: raised(0, ChangeState::Done).subject,
        time: at(minute),
        event_id: format!("event-{minute}-{by}"),
        by: by.to_owned(),
        call: call.to_owned(),
    };
    let mut past = ledger([raised(10, ChangeState::Done)]);
    past.put_revert(revert(5, "before", "UpdateClusterConfig"));
    past.put_revert(revert(12, "ci", "UpdateClusterConfig"));
    past.put_revert(revert(12, "ci", "UpdateClusterConfig"));
    let step = |past: &EksLedger| {
        let history = EksHistory { acquaintance: Acquaintance::Existing, ledger: past };
        decide_eks(&wished(all(), ExistingClusters::Report), &observed("*"), &history, at(90)).pop().unwrap()
    };
    assert!(
        step(&past).reason.contains("it was undone by ci (UpdateClusterConfig);"),
        "{}",
        step(&past).reason
    );
    // CloudTrail's times are whole seconds, and those of changes are not.
    let begun = at(12) + jiff::SignedDuration::from_millis(900);
    assert_eq!(past.reverted_by(ControlPlaneLogs, begun), ["ci (UpdateClusterConfig)"]);
    past.put(raised(20, ChangeState::Done));
    past.put_revert(revert(22, "alice", "UpdateClusterConfig"));
    let by = vec!["ci (UpdateClusterConfig)".to_owned(), "alice (UpdateClusterConfig)".to_owned()];
    assert_eq!(step(&past).action, EksAction::Fight { by });
    past.forget_before(at(11));
    assert_eq!(past.reverted_by(ControlPlaneLogs, at(0)).len(), 2, "only those of the cluster that is there");
}

#[test]
fn an_update_that_cannot_be_asked_about_is_not_guessed_at() {
    let change =
        EksChange { accepted: true, update_id: Some("u".to_owned()), ..raised(1, ChangeState::Planned) };
    let observed =
        ObservedEks { updates: BTreeMap::from([("u".to_owned(), Asked::Unread(denied()))]), ..observed("*") };
    let steps = decided(all(), &observed, &ledger([change]));
    assert_eq!(steps[3].action, EksAction::Unknown(denied()));
    assert!(steps[0].reason.starts_with("the cluster is new"), "the other aspects are decided on");
}
