//! How changes end, and how they are written.

use super::super::samples::{addon, change, cluster, data, ledger, logs, observed};
use super::*;
use crate::eks::{Addon, LogType, METRICS_SERVER};
use crate::insights::samples::at;
use ChangeState::{Abandoned, Done, Planned, Restored};

fn raised(minute: i64, state: ChangeState) -> EksChange {
    let states = (EksState::Logs(logs(&[])), EksState::Logs(logs(&[LogType::Api])));
    change(minute, EksAspect::ControlPlaneLogs, states, state)
}

fn installed() -> EksChange {
    let states = (EksState::Absent, EksState::DEFAULT_ADDON);
    change(1, EksAspect::MetricsServer, states, Planned)
}

/// How a change of this aspect ends on this cluster.
fn settled(change: EksChange, observed: &ObservedEks) -> EksChange {
    let aspect = change.subject.aspect;
    let mut ledger = ledger([change]);
    ledger.settle(observed);
    ledger.of(aspect)[0].clone()
}

#[test]
fn an_update_ends_as_eks_says() {
    let followed = EksChange { accepted: true, update_id: Some("u".to_owned()), ..raised(1, Planned) };
    assert_eq!(followed.in_progress().unwrap().since, followed.time);
    assert_eq!(ledger([followed.clone()]).followed(), ["u"]);
    let failed = UpdateStatus::Failed("no free addresses".to_owned());
    for (status, state, failure) in [
        (UpdateStatus::InProgress, Planned, None),
        (UpdateStatus::Successful, Done, None),
        (failed, Abandoned, Some("no free addresses")),
    ] {
        let updates = BTreeMap::from([("u".to_owned(), Asked::Known(status))]);
        let end = settled(followed.clone(), &ObservedEks { updates, ..observed("*") });
        assert_eq!((end.state, end.failure.as_deref()), (state, failure));
    }
    assert_eq!(settled(followed.clone(), &observed("*")).state, Planned, "nobody asked");
    let busy = ObservedEks::bare(cluster("UPDATING"));
    assert_eq!(settled(followed, &busy).state, Planned);
}

#[test]
fn what_was_never_accepted_is_settled_by_what_is_there() {
    let mut on = observed("*");
    on.cluster.logs = logs(&[LogType::Api, LogType::Scheduler]);
    assert_eq!(settled(raised(1, Planned), &on).state, Done);
    assert_eq!(settled(raised(1, Planned), &observed("*")).state, Abandoned);
    let mut two = ledger([raised(1, Planned), raised(2, Planned)]);
    assert_eq!(two.settle(&on).len(), 2);
    let states: Vec<_> = two.of(EksAspect::ControlPlaneLogs).iter().map(|change| change.state).collect();
    assert_eq!(states, [Abandoned, Done]);
}

#[test]
fn an_addon_is_done_with_the_version_that_eks_chose() {
    let with =
        |status| ObservedEks { addons: Asked::Known(vec![addon(METRICS_SERVER, status)]), ..observed("*") };
    for (status, state) in [("CREATING", Planned), ("ACTIVE", Done), ("DEGRADED", Done)] {
        assert_eq!(settled(installed(), &with(status)).state, state, "{status}");
    }
    assert_eq!(settled(installed(), &with("ACTIVE")).to.to_string(), "v0.8.0-eksbuild.1");
    let accepted = || EksChange { accepted: true, ..installed() };
    let undone = settled(accepted(), &observed("*"));
    assert_eq!((undone.state, undone.to), (Done, EksState::DEFAULT_ADDON), "made, and deleted by somebody");
    let mut configured = with("ACTIVE");
    configured.addons =
        Asked::Known(vec![Addon { configuration: Some("{}".to_owned()), ..addon(METRICS_SERVER, "ACTIVE") }]);
    let theirs = settled(accepted(), &configured);
    assert_eq!((theirs.state, theirs.to), (Done, EksState::DEFAULT_ADDON), "no restore takes it for ours");
    let failed = settled(installed(), &with("CREATE_FAILED"));
    assert_eq!((failed.state, failed.failure.is_some()), (Abandoned, true));
    assert_eq!(settled(installed(), &observed("*")).state, Abandoned);
}

#[test]
fn what_fails_at_eks_gets_another_cause_and_another_token() {
    let failed = EksChange { failure: Some("why".to_owned()), ..raised(1, Abandoned) };
    let of = |change| EksSubjectLedger { changes: vec![change], reverts: Vec::new() };
    assert_eq!(of(failed.clone()).cause_for("event-1"), "event-1+2");
    assert_eq!(of(raised(1, Abandoned)).cause_for("event-1"), "event-1");
    assert_eq!(of(raised(1, Restored)).cause_for("event-1"), "event-1+2");
    let again = EksChange { cause: "event-1+2".to_owned(), ..failed.clone() };
    assert_eq!((failed.token().len(), failed.token() == again.token()), (32, false));
    assert_eq!(failed.token(), raised(1, Planned).token());
}

#[test]
fn what_is_older_than_the_cluster_is_about_another_one() {
    let mut ledger = ledger([raised(1, Done), raised(3, Done)]);
    ledger.forget_before(at(2));
    assert_eq!(ledger.of(EksAspect::ControlPlaneLogs).len(), 1);
}

#[test]
fn changes_read_what_they_write_and_say_what_is_wrong() {
    let states = (EksState::ConfigMap(data("[OUTPUT]\n")), EksState::Absent);
    let logging = change(4, EksAspect::AwsLogging, states, Restored);
    let full = EksChange {
        accepted: true,
        update_id: Some("u".to_owned()),
        request_id: Some("r".to_owned()),
        failure: Some("f".to_owned()),
        restored_by: Some("run".to_owned()),
        ..raised(1, Planned)
    };
    for change in [logging, full, installed()] {
        let attributes = change.to_attributes();
        let read = EksChange::from_attributes(&|name| attributes.get(name).cloned());
        assert_eq!(read, Ok(change));
    }
    let attributes = installed().to_attributes();
    for name in ["subject", "time", "cause", "from", "to", "wish", "reason", "state"] {
        let without = |asked| attributes.get(asked).filter(|_| asked != name).cloned();
        assert_eq!(EksChange::from_attributes(&without).unwrap_err().attribute, name);
    }
    assert!("payments".parse::<EksSubject>().is_err() && "a/b".parse::<EksSubject>().is_err());
}
