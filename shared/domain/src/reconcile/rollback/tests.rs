//! Rollbacks, case by case and as properties of all histories of a level.

use proptest::prelude::*;

use super::super::samples::{
    addon, any_log, at, bare, change, data, ecs, eks, level, leveled, log_of, logs, of_eks, turned_on,
    with_addons, with_level, with_logs, with_map,
};
use super::super::{ObservedEks, Queried};
use super::*;
use crate::evidence::eks::{Addon, METRICS_SERVER};
use crate::model::fault::FaultKind;
use crate::model::insights::InsightsLevel::{self, Disabled, Enabled, Enhanced};
use crate::model::insights::ObservedCluster;
use crate::model::operation::Operation;
use ChangeState::{Abandoned, Done, Planned, RolledBack};
use LogType::{Api, Audit, Scheduler};

const LEVEL: Aspect = Aspect::ContainerInsights;
const LOGS: Aspect = Aspect::ControlPlaneLogs;

fn back(to: Value) -> RollbackStep {
    RollbackStep::RollBack { to }
}

fn back_to_logs(on: &[LogType]) -> RollbackStep {
    back(Value::Logs(logs(on)))
}

fn back_to_level(to: InsightsLevel) -> RollbackStep {
    back(Value::Level(to))
}

fn skipped(why: &str) -> RollbackStep {
    RollbackStep::Skip(why.to_owned())
}

fn step_of_eks(aspect: Aspect, now: &ObservedEks, log: &SubjectLog) -> RollbackStep {
    rollback_step(aspect, &of_eks(now), log, None)
}

fn step_of_level(now: InsightsLevel, log: &SubjectLog) -> RollbackStep {
    rollback_step(LEVEL, &with_level(now), log, None)
}

/// A history of completed level changes, one per minute.
fn history(levels: &[(InsightsLevel, InsightsLevel)]) -> SubjectLog {
    log_of((1_i64..).zip(levels).map(|(n, &(from, to))| leveled(n, from, to, Done)))
}

#[test]
fn a_level_returns_to_the_one_that_fargazes_changes_found() {
    let once: &[_] = &[(Disabled, Enabled)];
    let twice: &[_] = &[(Disabled, Enabled), (Disabled, Enabled)];
    let further: &[_] = &[(Disabled, Enabled), (Enabled, Enhanced)];
    let owner_between: &[_] = &[(Disabled, Enabled), (Enhanced, Enabled)];
    for (levels, now, since, step) in [
        (once, Enabled, None, back_to_level(Disabled)),
        (twice, Enabled, None, back_to_level(Disabled)),
        (further, Enhanced, None, back_to_level(Disabled)),
        (further, Enhanced, Some(2), back_to_level(Enabled)),
        (owner_between, Enabled, None, back_to_level(Enhanced)),
        // A rollback that was killed between the change and the mark, or an owner who was faster.
        (once, Disabled, None, back_to_level(Disabled)),
        (once, Enabled, Some(2), RollbackStep::Nothing),
        (&[], Enabled, None, RollbackStep::Nothing),
    ] {
        let found = rollback_step(LEVEL, &with_level(now), &history(levels), since.map(at));
        assert_eq!(found, step, "{levels:?}, now {now}");
    }
}

#[test]
fn a_level_changed_since_is_skipped_with_the_reason() {
    let step = step_of_level(Enhanced, &history(&[(Disabled, Enabled)]));
    assert_eq!(step, skipped("fargaze set it to enabled, but it is now enhanced"));
}

#[test]
fn planned_and_rolled_back_changes_are_not_undone() {
    for (state, step) in [
        (Planned, skipped("the change to enabled is not finished; roll back again later")),
        (Abandoned, RollbackStep::Nothing),
        (RolledBack, RollbackStep::Nothing),
    ] {
        assert_eq!(step_of_level(Enabled, &log_of([leveled(1, Disabled, Enabled, state)])), step);
    }
}

#[test]
fn the_account_default_is_restored_and_left_if_it_cannot_be_read() {
    let aspect = Aspect::AccountDefault;
    let log = log_of([change(1, aspect, Value::Level(Disabled), Value::Level(Enabled), Done)]);
    let step = |now| rollback_step(aspect, &Observed::account(now), &log, None);
    assert_eq!(step(Queried::Known(Enabled)), back_to_level(Disabled));
    let fault = super::super::samples::fault(Operation::EcsListAccountSettings, FaultKind::Denied);
    assert_eq!(step(Queried::Unread(fault.clone())), RollbackStep::Unknown(fault));
}

#[test]
fn a_cluster_that_is_not_active_is_skipped() {
    let cluster = ObservedCluster { status: "PROVISIONING".to_owned(), ..ecs(Enabled) };
    let step = rollback_step(LEVEL, &Observed::of_ecs(cluster), &history(&[(Disabled, Enabled)]), None);
    assert_eq!(step, skipped("its status is PROVISIONING"));
}

/// A rollback does not repeat what an earlier one marked and has not finished.
#[test]
fn a_rollback_waits_for_an_earlier_one_and_only_reports_its_own_completed_work() {
    let marked = |state, undo: Option<Undo>| {
        let rolled_back_by = Some("rollback-1".to_owned());
        log_of([Change { undo, rolled_back_by, ..leveled(1, Disabled, Enabled, state) }])
    };
    let requested = || Some(Undo::InProgress { since: at(20), update_id: None });
    assert!(matches!(step_of_level(Enabled, &marked(RolledBack, requested())), RollbackStep::Skip(_)));
    // The change log returns the changes that this rollback marked itself as done.
    assert_eq!(step_of_level(Enabled, &marked(Done, requested())), back_to_level(Disabled));
    let done = RollbackStep::Done { to: Value::Level(Disabled) };
    assert_eq!(step_of_level(Disabled, &marked(Done, None)), done);
}

#[test]
fn only_logs_that_fargaze_turned_on_are_turned_off() {
    let raised = |minute, from: &[_], to: &[_]| {
        change(minute, LOGS, Value::Logs(logs(from)), Value::Logs(logs(to)), Done)
    };
    let log =
        log_of([raised(1, &[Scheduler], &[Api, Scheduler]), raised(2, &[Scheduler], &[Audit, Scheduler])]);
    let all = with_logs(&[Api, Audit, Scheduler]);
    let since = |minute| rollback_step(LOGS, &of_eks(&all), &log, Some(at(minute)));
    assert_eq!(step_of_eks(LOGS, &all, &log), back_to_logs(&[Scheduler]));
    assert_eq!(since(2), back_to_logs(&[Api, Scheduler]));
    assert_eq!(since(3), RollbackStep::Nothing);
    assert_eq!(step_of_eks(LOGS, &with_logs(&[]), &log), back_to_logs(&[]), "only the mark is missing");
    assert_eq!(step_of_eks(LOGS, &bare("UPDATING"), &log), skipped("its status is UPDATING"));
}

#[test]
fn a_rollback_follows_its_own_update_and_waits_for_that_of_an_earlier_one() {
    let undo = Some(Undo::InProgress { since: at(20), update_id: None });
    let requested = |state| Change { undo: undo.clone(), ..turned_on(1, &[Api], state) };
    let mut busy = bare("UPDATING");
    busy.cluster.logs = logs(&[Api, Scheduler]);
    let step = |state| step_of_eks(LOGS, &busy, &log_of([requested(state)]));
    assert_eq!(step(Done), RollbackStep::Follow { to: Value::Logs(logs(&[Scheduler])) });
    assert!(matches!(step(RolledBack), RollbackStep::Skip(_)));
}

/// The add-on as fargaze installed it.
fn made() -> Value {
    Value::of_addon(&addon(METRICS_SERVER, "ACTIVE"))
}

fn installed(state: ChangeState) -> Change {
    change(1, Aspect::MetricsServer, Value::Absent, made(), state)
}

#[test]
fn an_addon_that_this_rollback_already_deleted_is_only_reported() {
    let with = |undo: Option<Undo>| {
        log_of([Change { undo, rolled_back_by: Some("rollback-1".to_owned()), ..installed(Done) }])
    };
    let requested = Some(Undo::InProgress { since: at(20), update_id: None });
    let step = |now: &ObservedEks, undo| step_of_eks(Aspect::MetricsServer, now, &with(undo));
    // EKS is working on the logs meanwhile, so add-ons are not queried.
    let busy = bare("UPDATING");
    assert_eq!(step(&busy, None), RollbackStep::Done { to: Value::Absent });
    assert_eq!(step(&busy, requested.clone()), skipped("its status is UPDATING"));
    for addons in [vec![], vec![addon(METRICS_SERVER, "DELETING")], vec![addon(METRICS_SERVER, "ACTIVE")]] {
        assert_eq!(step(&with_addons(addons), requested.clone()), back(Value::Absent));
    }
}

#[test]
fn an_addon_is_deleted_if_it_is_as_fargaze_installed_it() {
    let step = |addons: Vec<Addon>, state| {
        step_of_eks(Aspect::MetricsServer, &with_addons(addons), &log_of([installed(state)]))
    };
    let same = addon(METRICS_SERVER, "ACTIVE");
    let newer = Addon { version: Some("v0.9.0-eksbuild.1".to_owned()), ..same.clone() };
    let configured = Addon { configuration: Some("{}".to_owned()), ..same.clone() };
    assert_eq!(step(vec![same.clone()], Done), back(Value::Absent));
    assert_eq!(step(vec![], Done), back(Value::Absent));
    assert_eq!(step(vec![same.clone()], RolledBack), RollbackStep::Nothing);
    for skipped in [step(vec![newer], Done), step(vec![configured], Done), step(vec![same], Planned)] {
        assert!(matches!(skipped, RollbackStep::Skip(_)), "{skipped:?}");
    }
}

#[test]
fn a_value_of_unknown_origin_is_left_with_the_command_that_undoes_it() {
    let unanswered = |change| Change { accepted: false, ..change };
    let log = log_of([turned_on(1, &[Api], Done), unanswered(turned_on(2, &[Api, Audit], Done))]);
    let step = |on: &[_]| step_of_eks(LOGS, &with_logs(on), &log);
    let in_doubt = |what: &str, undo| RollbackStep::InDoubt {
        why: format!(
            "{what}, but the response to fargaze's call was lost, so it may not be fargaze's change"
        ),
        undo,
    };
    assert_eq!(step(&[Api, Audit]), in_doubt("audit is on", Remedy::LogsOff(logs(&[Audit]))));
    assert_eq!(step(&[Api, Scheduler]), back_to_logs(&[Scheduler]), "none of the change is in effect");

    let log = log_of([unanswered(installed(Done))]);
    let step = |addons| step_of_eks(Aspect::MetricsServer, &with_addons(addons), &log);
    let deletion = Remedy::DeleteAddon(METRICS_SERVER.to_owned());
    assert_eq!(
        step(vec![addon(METRICS_SERVER, "ACTIVE")]),
        in_doubt("metrics-server is installed", deletion)
    );
    assert_eq!(step(vec![]), back(Value::Absent));
}

#[test]
fn a_config_map_is_deleted_if_it_is_as_fargaze_wrote_it() {
    let map = |output: &str| Value::ConfigMap(data(output));
    let aspect = Aspect::AwsLogging;
    let first = change(1, aspect, Value::Absent, map("a"), Done);
    let log = log_of([first, change(2, aspect, map("a"), map("b"), Done)]);
    let step =
        |output: &str, since| rollback_step(aspect, &of_eks(&with_map(Some(data(output)))), &log, since);
    assert_eq!(step("b", None), back(Value::Absent));
    assert_eq!(step("b", Some(at(2))), back(map("a")));
    assert_eq!(step("theirs", None), skipped("output.conf changed since fargaze wrote it"));
}

#[test]
fn an_aspect_that_cannot_be_read_is_left() {
    let fault = super::super::samples::fault(Operation::EksListAddons, FaultKind::Throttled);
    let now = ObservedEks { addons: Queried::Unread(fault.clone()), ..eks("*") };
    let step = step_of_eks(Aspect::MetricsServer, &now, &log_of([installed(Done)]));
    assert_eq!(step, RollbackStep::Unknown(fault));
}

proptest! {
    #[test]
    fn rolling_back_twice_does_nothing_more(mut log in any_log(), now in level()) {
        if let RollbackStep::RollBack { to } = step_of_level(now, &log) {
            // Killed before the mark, it repeats the same step; after the mark there is nothing to
            // do.
            let now = to.level().unwrap();
            prop_assert_eq!(step_of_level(now, &log), RollbackStep::RollBack { to });
            log.aspects.get_mut(&LEVEL).unwrap().mark_rolled_back(None, "rollback-1", None);
            prop_assert_eq!(step_of_level(now, &log), RollbackStep::Nothing);
        }
    }

    #[test]
    fn a_rollback_only_touches_values_that_fargaze_set_or_found(log in any_log(), now in level()) {
        let made: Vec<_> = log.changes(LEVEL).iter().filter(|change| change.is_done_since(None)).collect();
        let now_is = Value::Level(now);
        match (step_of_level(now, &log), made.last()) {
            (RollbackStep::Nothing, None) => {}
            (RollbackStep::RollBack { to }, Some(newest)) => {
                prop_assert!(now_is == newest.to || now_is == to);
                prop_assert!(made.iter().any(|change| change.from == to));
            }
            (RollbackStep::Skip(_), Some(newest)) => prop_assert_ne!(&now_is, &newest.to),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
