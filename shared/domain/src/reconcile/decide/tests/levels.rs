//! Decisions about Container Insights, case by case and as properties of all cases.

use proptest::prelude::*;

use super::super::super::samples::{
    any_log, at, change, desired, ecs, level, leveled, log_of, now, policy, revert, with_level,
};
use super::super::super::{ChangeState, Existing, Revert, RollbackStep, rollback_step};
use super::super::*;
use crate::model::fault::FaultKind;
use crate::model::insights::InsightsLevel::{self, Disabled, Enabled, Enhanced};
use crate::model::operation::Operation;
use crate::reconcile::*;

const ASPECT: Aspect = Aspect::ContainerInsights;
const ENABLED: Desired = Desired::AtLeast(Enabled);
const ENHANCED: Desired = Desired::AtLeast(Enhanced);

/// `times` changes from disabled to enabled, all reverted.
fn reverted(times: i64, by: &[&str]) -> SubjectLog {
    let mut log = log_of((1..=times).map(|n| leveled(10 * n, Disabled, Enabled, ChangeState::Done)));
    (1_i64..).zip(by).for_each(|(n, by)| log.put_revert(revert(10 * n + 5, by)));
    log
}

fn step_of(policy: &SubjectPolicy, cluster: &ObservedCluster, origin: Origin, log: &SubjectLog) -> Step {
    let observed = Observed::of_ecs(cluster.clone());
    let mut steps = decide(&Case { policy, observed: &observed, origin, log, announced: None, now: now() });
    assert_eq!(steps.len(), 1);
    steps.pop().unwrap()
}

fn decided(desired: Desired, has: InsightsLevel, origin: Origin, log: &SubjectLog) -> Step {
    step_of(&policy(ASPECT, desired, Existing::Report), &ecs(has), origin, log)
}

/// The changes of Container Insights, to be modified by a test.
fn changes(log: &mut SubjectLog) -> &mut Vec<Change> {
    &mut log.aspects.get_mut(&ASPECT).unwrap().changes
}

fn set(from: InsightsLevel, to: InsightsLevel) -> Action {
    Action::Set { from: Value::Level(from), to: Value::Level(to) }
}

#[test]
fn a_new_cluster_is_set_to_its_policy_and_never_below_what_it_has() {
    for (desired, has, action) in [
        (Desired::Leave, Disabled, Action::Leave),
        (Desired::Any, Disabled, Action::Comply),
        (ENABLED, Disabled, set(Disabled, Enabled)),
        (ENABLED, Enabled, Action::Comply),
        (ENABLED, Enhanced, Action::Comply),
        (ENHANCED, Disabled, set(Disabled, Enhanced)),
        (ENHANCED, Enabled, set(Enabled, Enhanced)),
        (ENHANCED, Enhanced, Action::Comply),
        (Desired::Exactly(Enabled), Enhanced, set(Enhanced, Enabled)),
        (Desired::Exactly(Disabled), Enhanced, set(Enhanced, Disabled)),
        (Desired::Exactly(Disabled), Disabled, Action::Comply),
    ] {
        let found = decided(desired.clone(), has, Origin::New, &SubjectLog::default());
        assert_eq!(found.action, action, "{desired}, {has}");
    }
}

#[test]
fn inactive_and_tagged_clusters_are_left_alone_whatever_their_policy() {
    let policy = policy(ASPECT, Desired::Exactly(Enhanced), Existing::Change);
    let mut tagged = ecs(Disabled);
    tagged.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
    let inactive = ObservedCluster { status: "INACTIVE".to_owned(), ..ecs(Disabled) };
    let both = ObservedCluster { status: "PROVISIONING".to_owned(), ..tagged.clone() };
    let by_tag = "tagged fargaze=hands-off";
    for (cluster, why) in [(tagged, by_tag), (inactive, "its status is INACTIVE"), (both, by_tag)] {
        let step = step_of(&policy, &cluster, Origin::New, &SubjectLog::default());
        assert_eq!((step.action, step.reason.as_str(), step.aspect), (Action::Leave, why, None));
    }
    let mut other = ecs(Disabled);
    other.tags.insert("fargaze".to_owned(), "yes please".to_owned());
    let step = step_of(&policy, &other, Origin::New, &SubjectLog::default());
    assert_eq!(step.action, set(Disabled, Enhanced));
}

/// Issue 13, point 3: a cluster to which capacity providers are being added is PROVISIONING too.
#[test]
fn a_cluster_being_created_waits_and_an_existing_one_is_left_alone() {
    let policy = policy(ASPECT, ENABLED, Existing::Change);
    let empty = |status: &str| ObservedCluster {
        status: status.to_owned(),
        running_tasks: 0,
        active_services: 0,
        ..ecs(Disabled)
    };
    let occupied = ObservedCluster { active_services: 1, ..empty("PROVISIONING") };
    for (cluster, origin, action) in [
        (empty("PROVISIONING"), Origin::New, Action::NotYet),
        (empty("PROVISIONING"), Origin::Existing, Action::NotYet),
        (empty("FAILED"), Origin::New, Action::NotYet),
        (occupied.clone(), Origin::New, Action::NotYet),
        (occupied, Origin::Existing, Action::Leave),
        (empty("DEPROVISIONING"), Origin::New, Action::Leave),
    ] {
        let step = step_of(&policy, &cluster, origin, &SubjectLog::default());
        assert_eq!(step.action, action, "{cluster:?}, {origin:?}");
    }
}

#[test]
fn an_existing_cluster_is_reported_unless_existing_is_change_or_fargaze_changed_it_before() {
    let once = reverted(1, &["ci"]);
    let mut abandoned = once.clone();
    changes(&mut abandoned)[0].state = ChangeState::Abandoned;
    let empty = SubjectLog::default();
    for (existing, log, action, why) in [
        (Existing::Report, &empty, Action::Report, "the cluster existed before fargaze"),
        (Existing::Report, &abandoned, Action::Report, "the cluster existed before fargaze"),
        (Existing::Change, &empty, set(Disabled, Enabled), "(existing: change); its policy is at"),
        (
            Existing::Report,
            &once,
            set(Disabled, Enabled),
            "set it before, and it was reverted by ci (UpdateClusterSettings); its policy is at",
        ),
    ] {
        let step = step_of(&policy(ASPECT, ENABLED, existing), &ecs(Disabled), Origin::Existing, log);
        assert_eq!(step.action, action);
        assert!(step.reason.contains(why), "{}", step.reason);
    }
}

#[test]
fn fargaze_backs_off_after_two_reverts_until_the_policy_changes() {
    let twice = reverted(2, &["arn:aws:iam::123456789012:role/terraform", "ci"]);
    let step = decided(ENABLED, Disabled, Origin::Existing, &twice);
    let by = ["arn:aws:iam::123456789012:role/terraform", "ci"]
        .map(|by| format!("{by} (UpdateClusterSettings)"))
        .to_vec();
    assert_eq!(step.action, Action::Conflict { by });
    assert!(step.reason.starts_with("fargaze set it 2 times for the policy at-least-enabled"));
    assert_eq!(conflict_over(Disabled, &twice).map(|by| by.len()), Some(2));
    assert_eq!(conflict_over(Enabled, &twice), None);
    let other = decided(ENHANCED, Disabled, Origin::Existing, &twice);
    assert_eq!(other.action, set(Disabled, Enhanced));
    assert!(other.reason.starts_with("fargaze set it before, for another policy"), "{}", other.reason);
}

/// Issue 13, point 2: CloudTrail's times are whole seconds; those of changes are not.
#[test]
fn a_caller_who_reverts_it_within_the_same_second_is_named() {
    let mut log = reverted(2, &["ci"]);
    for change in changes(&mut log) {
        change.made += SignedDuration::from_millis(900);
    }
    log.aspects.get_mut(&ASPECT).unwrap().reverts[0].time = at(10);
    let step = decided(ENABLED, Disabled, Origin::New, &log);
    assert_eq!(step.action, Action::Conflict { by: vec!["ci (UpdateClusterSettings)".to_owned()] });
}

#[test]
fn each_caller_is_named_once_and_a_missing_event_as_unknown() {
    let named = |log: &SubjectLog| match decided(ENABLED, Disabled, Origin::New, log).action {
        Action::Conflict { by } => by,
        other => panic!("{other:?}"),
    };
    assert_eq!(named(&reverted(2, &["ci", "ci"])), ["ci (UpdateClusterSettings)"]);
    assert_eq!(named(&reverted(2, &[])), ["an unknown caller (no event arrived)"]);
    let mut log = reverted(2, &["ci"]);
    log.put_revert(revert(1, "who reverted it before"));
    log.put_revert(Revert { to: Some(Value::Level(Enhanced)), ..revert(17, "who raised it") });
    assert_eq!(named(&log), ["ci (UpdateClusterSettings)"]);
}

#[test]
fn a_conflict_begins_again_after_a_change_for_another_policy() {
    let mut log = reverted(2, &[]);
    let other = leveled(30, Disabled, Enhanced, ChangeState::Done);
    log.put(Change { policy: ENHANCED.to_string(), ..other });
    let step = decided(ENABLED, Disabled, Origin::Existing, &log);
    assert_eq!(step.action, set(Disabled, Enabled));
}

#[test]
fn a_sequence_of_changes_ends_at_another_policy_and_at_a_rollback() {
    let text = ENABLED.to_string();
    let count = |log: &SubjectLog| {
        in_a_row(log.changes(ASPECT), &text, |change| change.state == ChangeState::Done).count()
    };
    let mut log = log_of((1..=4).map(|n| leveled(n, Disabled, Enabled, ChangeState::Done)));
    assert_eq!(count(&log), 4);
    changes(&mut log)[2].state = ChangeState::Abandoned;
    assert_eq!(count(&log), 3);
    changes(&mut log)[1].state = ChangeState::RolledBack;
    assert_eq!(count(&log), 1);
    changes(&mut log)[3].policy = ENHANCED.to_string();
    assert_eq!(count(&log), 0);
}

#[test]
fn a_rollback_lasts_until_the_policy_changes() {
    let mut log = reverted(1, &[]);
    log.aspects.get_mut(&ASPECT).unwrap().mark_rolled_back(None, "rollback-1", None);
    let step = decided(ENABLED, Disabled, Origin::New, &log);
    assert_eq!(step.action, Action::Leave);
    assert!(step.reason.starts_with("it was rolled back"), "{}", step.reason);
    for origin in [Origin::Existing, Origin::New] {
        let other = decided(ENHANCED, Disabled, origin, &log);
        assert_eq!(other.action, Action::Report);
        assert!(other.reason.starts_with("it was rolled back"), "{}", other.reason);
        assert!(other.reason.contains("existing: report"), "{}", other.reason);
    }
}

/// The step for an account default.
fn of_account(desired: Desired, now: Queried<InsightsLevel>, log: &SubjectLog) -> Step {
    let policy = policy(Aspect::AccountDefault, desired, Existing::Report);
    let observed = Observed::account(now);
    let case = Case {
        policy: &policy,
        observed: &observed,
        origin: Origin::Existing,
        log,
        announced: None,
        now: at(30),
    };
    decide(&case).pop().unwrap()
}

#[test]
fn the_account_default_is_raised_if_desired_and_never_lowered() {
    let known = Queried::Known;
    for (desired, has, action) in [
        (Desired::Leave, Disabled, Action::Leave),
        (ENABLED, Disabled, set(Disabled, Enabled)),
        (ENABLED, Enhanced, Action::Comply),
        (ENHANCED, Enabled, set(Enabled, Enhanced)),
    ] {
        let found = of_account(desired.clone(), known(has), &SubjectLog::default());
        assert_eq!(found.action, action, "{desired}, {has}");
    }
    let made = |minute| {
        let (from, to) = (Value::Level(Disabled), Value::Level(Enabled));
        change(minute, Aspect::AccountDefault, from, to, ChangeState::Done)
    };
    let mut twice = log_of([made(1), made(2)]);
    let step = of_account(ENABLED, known(Disabled), &twice);
    assert!(matches!(step.action, Action::Conflict { .. }));
    let of_aspect = twice.aspects.get_mut(&Aspect::AccountDefault).unwrap();
    of_aspect.mark_rolled_back(None, "rollback-1", None);
    assert_eq!(of_account(ENABLED, known(Disabled), &twice).action, Action::Leave);
}

#[test]
fn an_account_default_that_could_not_be_read_is_not_guessed() {
    let fault = super::fault(Operation::EcsListAccountSettings, FaultKind::Denied);
    let step = of_account(ENABLED, Queried::Unread(fault.clone()), &SubjectLog::default());
    assert_eq!(step.action, Action::Unknown(fault));
}

fn any_case() -> impl Strategy<Value = (Desired, Existing, ObservedCluster, Origin, SubjectLog)> {
    let existing = prop::sample::select(vec![Existing::Report, Existing::Change]);
    let origin = prop::sample::select(vec![Origin::New, Origin::Existing]);
    let status = prop::sample::select(vec!["ACTIVE", "ACTIVE", "ACTIVE", "INACTIVE", "PROVISIONING"]);
    let case = (desired(), existing, level(), status, prop::bool::weighted(0.1), origin, any_log());
    case.prop_map(|(desired, existing, level, status, tagged, origin, log)| {
        let mut cluster = ObservedCluster { status: status.to_owned(), ..ecs(level) };
        if tagged {
            cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
        }
        (desired, existing, cluster, origin, log)
    })
}

/// The level that a step sets.
fn level_set(step: &Step) -> Option<InsightsLevel> {
    match &step.action {
        Action::Set { to, .. } => to.level(),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

    #[test]
    fn only_an_exact_policy_lowers_and_a_set_level_complies((desired, existing, cluster, origin, log) in any_case()) {
        let step = step_of(&policy(ASPECT, desired.clone(), existing), &cluster, origin, &log);
        prop_assert!(!step.reason.is_empty());
        if let Some(to) = level_set(&step) {
            prop_assert!(to > cluster.level || matches!(desired, Desired::Exactly(_)));
            prop_assert!(to != cluster.level && desired.wanted(&Value::Level(to)).is_none());
        }
    }

    #[test]
    fn deciding_twice_changes_nothing((desired, existing, mut cluster, origin, mut log) in any_case()) {
        let policy = policy(ASPECT, desired.clone(), existing);
        let step = step_of(&policy, &cluster, origin, &log);
        if let Some(to) = level_set(&step) {
            let made = leveled(99, cluster.level, to, ChangeState::Done);
            log.put(Change { policy: desired.to_string(), ..made });
            cluster.level = to;
            prop_assert_eq!(step_of(&policy, &cluster, origin, &log).action, Action::Comply);
        } else {
            prop_assert_eq!(step_of(&policy, &cluster, origin, &log), step);
        }
    }

    #[test]
    fn after_two_changes_for_a_policy_there_is_no_third((desired, existing, cluster, origin, mut log) in any_case()) {
        for n in [101, 102] {
            let made = leveled(n, Disabled, Enabled, ChangeState::Done);
            log.put(Change { policy: desired.to_string(), ..made });
        }
        let step = step_of(&policy(ASPECT, desired, existing), &cluster, origin, &log);
        prop_assert_eq!(level_set(&step), None);
    }

    #[test]
    fn a_rollback_is_kept_for_the_same_policy((_, existing, mut cluster, origin, mut log) in any_case()) {
        "ACTIVE".clone_into(&mut cluster.status);
        let made = |change: &&Change| change.state == ChangeState::Done;
        let Some(newest) = log.changes(ASPECT).iter().rev().find(made).cloned() else { return Ok(()) };
        // Otherwise there is a later rollback, which applies to its own policy.
        if log.aspect(ASPECT).unwrap().newest() != Some(&newest) {
            return Ok(());
        }
        if let RollbackStep::RollBack { to } = rollback_step(ASPECT, &with_level(cluster.level), &log, None) {
            cluster.level = to.level().unwrap();
            log.aspects.get_mut(&ASPECT).unwrap().mark_rolled_back(None, "rollback-1", None);
            let policy = policy(ASPECT, newest.policy.parse().unwrap(), existing);
            let step = step_of(&policy, &cluster, origin, &log);
            prop_assert_eq!(level_set(&step), None, "{:?}", step);
        }
    }
}
