//! How changes end, what is counted and forgotten, and how entries are serialized.

use std::collections::BTreeMap;

use super::super::samples::{
    addon, at, bare, change, data, eks, later, leveled, log_of, of_eks, revert, turned_on, with_addons,
    with_level, with_logs,
};
use super::super::{ObservedEks, Queried, UpdateStatus, Value};
use super::*;
use crate::evidence::eks::{Addon, LogType, METRICS_SERVER};
use crate::model::insights::InsightsLevel::{Disabled, Enabled};
use ChangeState::{Abandoned, Done, Planned, RolledBack};

const LEVEL: Aspect = Aspect::ContainerInsights;
const LOGS: Aspect = Aspect::ControlPlaneLogs;

/// A log of changes from disabled to enabled in these states, one per minute.
fn raised(states: &[ChangeState]) -> SubjectLog {
    log_of((1_i64..).zip(states).map(|(n, &state)| leveled(n, Disabled, Enabled, state)))
}

fn states(log: &SubjectLog, aspect: Aspect) -> Vec<&'static str> {
    log.changes(aspect).iter().map(|change| change.state.as_str()).collect()
}

fn of_level(log: &mut SubjectLog) -> &mut AspectLog {
    log.aspects.get_mut(&LEVEL).unwrap()
}

/// An aspect log with these changes.
fn of(changes: &[Change]) -> AspectLog {
    let mut log = AspectLog::default();
    changes.iter().for_each(|change| log.put(change.clone()));
    log
}

fn api(minute: i64, state: ChangeState) -> Change {
    turned_on(minute, &[LogType::Api], state)
}

fn installed() -> Change {
    change(1, Aspect::MetricsServer, Value::Absent, Value::DEFAULT_ADDON, Planned)
}

/// How a change ends on this cluster.
fn settled(change: Change, eks: &ObservedEks) -> Change {
    let aspect = change.aspect;
    let mut log = log_of([change]);
    log.settle(&of_eks(eks), later());
    log.changes(aspect)[0].clone()
}

#[test]
fn a_planned_change_is_done_if_the_cluster_has_its_level() {
    let mut applied = raised(&[Planned]);
    let settled = applied.settle(&with_level(Enabled), later());
    assert_eq!((states(&applied, LEVEL), settled.len()), (vec!["done"], 1));
    let mut lost = raised(&[Done, Planned]);
    assert_eq!(lost.settle(&with_level(Disabled), later()), lost.changes(LEVEL)[1..]);
    assert_eq!(states(&lost, LEVEL), ["done", "abandoned"]);
    assert!(lost.settle(&with_level(Enabled), later()).is_empty(), "settled changes stay settled");
}

#[test]
fn only_one_of_several_planned_changes_is_done() {
    let mut log = raised(&[Planned, Planned]);
    assert_eq!(log.settle(&with_level(Enabled), later()).len(), 2);
    assert_eq!(states(&log, LEVEL), ["abandoned", "done"]);
}

#[test]
fn changes_of_an_account_that_could_not_be_read_stay_open() {
    let (from, to) = (Value::Level(Disabled), Value::Level(Enabled));
    let log = || log_of([change(1, Aspect::AccountDefault, from.clone(), to.clone(), Planned)]);
    let operation = crate::model::operation::Operation::EcsListAccountSettings;
    let fault = super::super::samples::fault(operation, crate::model::fault::FaultKind::Throttled);
    assert_eq!(log().settle(&Observed::account(Queried::Unread(fault)), later()), []);
    assert_eq!(log().settle(&Observed::account(Queried::Known(Enabled)), later())[0].state, Done);
}

/// Issue 13, point 1: of two concurrent invocations one makes the change, and the other leaves it
/// to that one.
#[test]
fn a_change_under_way_in_another_invocation_is_left_to_it() {
    let mut log = raised(&[Planned]);
    let checker = |cause, seconds| Checker { cause, now: at(1) + SignedDuration::from_secs(seconds) };
    let (other, own) = (checker("event-9", 59), checker("event-1", 59));
    let of_aspect = log.aspect(LEVEL).unwrap();
    assert!(of_aspect.under_way(other).is_some() && of_aspect.under_way(own).is_none());
    assert!(of_aspect.under_way(checker("event-9", 60)).is_none(), "its function has ended");
    assert_eq!((of_aspect.number_for("event-9"), of_aspect.number_for("event-1")), (2, 1));
    assert_eq!(log.settle(&with_level(Disabled), other), [], "it may still be applied");
    let mut seen = log.clone();
    assert_eq!(seen.settle(&with_level(Enabled), other).len(), 1, "it is applied");
    assert_eq!(log.settle(&with_level(Disabled), own).len(), 1);
    assert_eq!(states(&log, LEVEL), ["abandoned"]);
    log.forget_before(at(5));
    let of_aspect = log.aspect(LEVEL).unwrap();
    assert_eq!((of_aspect.changes.len(), of_aspect.number_for("event-1")), (0, 2), "no number is used twice");
}

#[test]
fn an_accepted_change_is_not_under_way_elsewhere() {
    let log = of(&[Change { accepted: true, ..api(1, Planned) }]);
    assert_eq!(log.under_way(Checker { cause: "event-9", now: at(1) }), None);
}

#[test]
fn a_second_change_by_an_event_does_not_overwrite_the_first() {
    let mut log = raised(&[Done]);
    let log = of_level(&mut log);
    assert_eq!(log.cause_for("event-1"), "event-1+2");
    assert_eq!(log.cause_for("event-2"), "event-2");
    log.changes[0].state = Abandoned;
    assert_eq!(log.cause_for("event-1"), "event-1", "a retry replaces a change that was never made");
    log.changes[0].state = RolledBack;
    log.changes.push(Change { cause: "event-1+2".to_owned(), ..log.changes[0].clone() });
    assert_eq!(log.cause_for("event-1"), "event-1+3");
}

#[test]
fn a_failed_change_gets_a_new_cause_and_token() {
    let failed = Change { failure: Some("why".to_owned()), ..api(1, Abandoned) };
    assert_eq!(of(std::slice::from_ref(&failed)).cause_for("event-1"), "event-1+2");
    assert_eq!(of(&[api(1, Abandoned)]).cause_for("event-1"), "event-1");
    assert_eq!(of(&[api(1, RolledBack)]).cause_for("event-1"), "event-1+2");
    let again = Change { cause: "event-1+2".to_owned(), ..failed.clone() };
    assert_eq!((failed.token().len(), failed.token() == again.token()), (32, false));
    let elsewhere = Change { subject: Subject::Cluster("cart".parse().unwrap()), ..failed.clone() };
    assert_ne!(failed.token(), elsewhere.token());
}

#[test]
fn a_second_attempt_has_the_number_and_the_token_of_the_first() {
    let first = api(1, Planned);
    let log = of(&[Change { state: Abandoned, ..first.clone() }, api(2, Done)]);
    assert_eq!(log.number_for(&log.cause_for("event-1")), 1);
    let second = Change { made: log.made_at(at(9), None), ..first.clone() };
    assert_eq!((second.made, second.token()), (at(9), first.token()));
    let other = Change { to: Value::Logs([LogType::Audit].into()), ..second };
    assert_ne!(other.token(), first.token(), "EKS rejects a different request with an earlier token");
}

/// Issue 13, point 1: late deliveries do not change the order of changes, by which consecutive ones
/// are counted, and a change belongs to the cluster that existed when it was made.
#[test]
fn a_change_for_a_late_event_is_ordered_by_its_time() {
    let mut log = raised(&[Done, Abandoned]);
    let late = Change { cause: "event-0".to_owned(), ..leveled(3, Disabled, Enabled, Planned) };
    log.put(late.clone());
    let again = Change { state: Done, made: at(4), ..late };
    log.put(again.clone());
    let changes = log.changes(LEVEL);
    assert_eq!((changes.len(), changes.last()), (3, Some(&again)), "a second attempt");
    // The event's cluster was deleted before.
    log.forget_before(at(3));
    assert_eq!(log.changes(LEVEL), std::slice::from_ref(&again));
    let marked = of_level(&mut log).mark_rolled_back(Some(at(4)), "rollback-1", None);
    assert_eq!(marked.len(), 1, "it was made since");
}

/// Issue 13, point 1.
#[test]
fn the_newest_change_is_last_even_if_clocks_differ() {
    assert_eq!(of(&[]).made_at(at(5), None), at(5));
    let half_a_second = SignedDuration::from_millis(500);
    assert_eq!(of(&[]).made_at(at(5) + half_a_second, None), at(5) + half_a_second);
    let created = at(5) + half_a_second;
    assert_eq!(of(&[]).made_at(at(5), Some(created)), created, "not before the cluster");
    let log = of(&[api(1, Done), api(3, Abandoned)]);
    assert_eq!(log.made_at(at(5), None), at(5));
    let behind = log.made_at(at(2), None);
    assert!(behind > at(3) && behind < at(4), "the clock of another invocation: {behind}");
}

#[test]
fn a_rollback_marks_the_changes_made_since() {
    let mut log = raised(&[Done, Abandoned, Done]);
    assert_eq!(of_level(&mut log.clone()).mark_rolled_back(None, "rollback-1", None).len(), 2);
    let marked = of_level(&mut log).mark_rolled_back(Some(at(3)), "rollback-1", None);
    assert_eq!(marked, log.changes(LEVEL)[2..]);
    assert_eq!(marked[0].rolled_back_by.as_deref(), Some("rollback-1"));
    assert_eq!(states(&log, LEVEL), ["done", "abandoned", "rolled-back"]);
}

#[test]
fn entries_older_than_the_cluster_are_forgotten() {
    let mut log = raised(&[Done, Done]);
    log.put(api(1, Done));
    log.put_revert(revert(1, "a"));
    log.put_revert(revert(3, "b"));
    log.forget_before(at(2));
    let of_aspect = log.aspect(LEVEL).unwrap();
    assert_eq!((of_aspect.changes.len(), of_aspect.reverts.len()), (1, 1));
    assert_eq!(of_aspect.changes[0].cause, "event-2");
    assert!(log.changes(LOGS).is_empty());
}

#[test]
fn an_update_ends_as_eks_reports() {
    let followed = Change { accepted: true, update_id: Some("u".to_owned()), ..api(1, Planned) };
    assert_eq!(followed.in_progress().unwrap().since, followed.made);
    assert_eq!(log_of([followed.clone()]).followed(), ["u"]);
    let failed = UpdateStatus::Failed("no free addresses".to_owned());
    for (status, state, failure) in [
        (UpdateStatus::InProgress, Planned, None),
        (UpdateStatus::Successful, Done, None),
        (failed, Abandoned, Some("no free addresses")),
    ] {
        let updates = BTreeMap::from([("u".to_owned(), Queried::Known(status))]);
        let end = settled(followed.clone(), &ObservedEks { updates, ..eks("*") });
        assert_eq!((end.state, end.failure.as_deref()), (state, failure));
    }
    assert_eq!(settled(followed.clone(), &eks("*")).state, Planned, "not queried");
    assert_eq!(settled(followed.clone(), &bare("ACTIVE")).state, Planned, "only DescribeCluster was queried");
    assert_eq!(settled(followed, &bare("UPDATING")).state, Planned);
}

#[test]
fn a_change_that_was_never_accepted_is_settled_by_the_current_value() {
    let on = with_logs(&[LogType::Api, LogType::Scheduler]);
    assert_eq!(settled(api(1, Planned), &on).state, Done);
    assert_eq!(settled(api(1, Planned), &eks("*")).state, Abandoned);
    let mut two = log_of([api(1, Planned), api(2, Planned)]);
    assert_eq!(two.settle(&of_eks(&on), later()).len(), 2);
    assert_eq!(states(&two, LOGS), ["abandoned", "done"]);
}

#[test]
fn an_addon_is_done_with_the_version_that_eks_chose() {
    let with = |status| with_addons(vec![addon(METRICS_SERVER, status)]);
    for (status, state) in [("CREATING", Planned), ("ACTIVE", Done), ("DEGRADED", Done)] {
        assert_eq!(settled(installed(), &with(status)).state, state, "{status}");
    }
    assert_eq!(settled(installed(), &with("ACTIVE")).to.to_string(), "v0.8.0-eksbuild.1");
    let accepted = || Change { accepted: true, ..installed() };
    let reverted = settled(accepted(), &eks("*"));
    assert_eq!((reverted.state, reverted.to), (Done, Value::DEFAULT_ADDON), "made, then deleted by others");
    let configured = Addon { configuration: Some("{}".to_owned()), ..addon(METRICS_SERVER, "ACTIVE") };
    let theirs = settled(accepted(), &with_addons(vec![configured]));
    assert_eq!((theirs.state, theirs.to), (Done, Value::DEFAULT_ADDON), "not fargaze's for a rollback");
    let failed = settled(installed(), &with("CREATE_FAILED"));
    assert_eq!((failed.state, failed.failure.is_some()), (Abandoned, true));
    assert_eq!(settled(installed(), &eks("*")).state, Abandoned);
}

#[test]
fn changes_by_the_current_message_are_not_followed_yet() {
    let open = Change { accepted: true, ..api(1, Planned) };
    let second = Change { cause: "event-1+2".to_owned(), ..open.clone() };
    assert!(!log_of([api(1, Done)]).is_followed_but_for("event-2"), "there is nothing to follow");
    for (change, is_followed) in [(&open, [false, true]), (&second, [false, true])] {
        let log = log_of([change.clone()]);
        assert_eq!(["event-1", "event-2"].map(|cause| log.is_followed_but_for(cause)), is_followed);
    }
    let both = log_of([open, Change { accepted: true, ..api(2, Planned) }]);
    assert!(!both.is_followed_but_for("event-2") && both.is_followed_but_for("event-3"));
}

#[test]
fn made_by_returns_the_newest_change_that_a_run_may_have_made() {
    let made = |minute, cause: &str, state| Change { cause: cause.to_owned(), ..api(minute, state) };
    let log = log_of([
        made(1, "run", Done),
        made(2, "run+2", Planned),
        made(3, "run+3", Abandoned),
        made(4, "other", Done),
    ]);
    assert_eq!(log.made_by("run").map(|change| change.made), Some(at(2)));
    assert_eq!(log.made_by("run+2"), None, "a cause, not a run");
}

#[test]
fn changes_and_reverts_round_trip() {
    let map = Value::ConfigMap(data("[OUTPUT]\n"));
    let full = Change {
        accepted: true,
        update_id: Some("u".to_owned()),
        request_id: Some("r".to_owned()),
        failure: Some("f".to_owned()),
        rolled_back_by: Some("run".to_owned()),
        ..api(1, Planned)
    };
    let of_account =
        change(5, Aspect::AccountDefault, Value::Level(Disabled), Value::Level(Enabled), Abandoned);
    let logging = change(4, Aspect::AwsLogging, map, Value::Absent, RolledBack);
    for change in [logging, full, installed(), of_account] {
        let json = serde_json::json!(change);
        assert_eq!(serde_json::from_value::<Change>(json.clone()).unwrap(), change);
        for name in
            ["subject", "aspect", "number", "made", "cause", "from", "to", "policy", "reason", "state"]
        {
            let mut without = json.clone();
            without.as_object_mut().unwrap().remove(name);
            let error = serde_json::from_value::<Change>(without).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert_eq!(json["state"], change.state.as_str());
    }
    for revert in [revert(1, "a"), Revert { to: None, ..revert(2, "b") }] {
        let json = serde_json::json!(revert);
        assert_eq!(serde_json::from_value::<Revert>(json).unwrap(), revert);
    }
}
