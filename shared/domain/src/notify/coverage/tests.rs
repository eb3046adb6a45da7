//! Which coverage changes are notified, and when.

use super::*;
use crate::outcome::coverage_changes;
use jiff::SignedDuration;

use crate::model::fault::FaultKind;
use crate::model::operation::Operation;
use crate::model::run::{Part, RunKind, Target};
use crate::outcome::{Outcome, OutcomeKind};
use crate::text::words::WIDTH;

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

fn failed(kind: FaultKind) -> TargetResult {
    let target = Target {
        platform: crate::model::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let fault = Fault { kind, ..Fault::malformed(Operation::EcsListClusters, "", "no") };
    TargetResult { target, result: Err(fault) }
}

fn seen() -> TargetResult {
    let TargetResult { target, .. } = failed(FaultKind::Denied);
    let outcome = Outcome {
        target: target.clone(),
        coverage: Coverage::default(),
        kind: OutcomeKind::Report { snapshot: String::new(), account_default: None },
    };
    TargetResult { target, result: Ok(outcome) }
}

#[test]
fn a_denied_target_is_notified_immediately_and_once() {
    let first = coverage_changes(RunKind::Alarms, at(0), &[failed(FaultKind::Denied)], &[]);
    let [CoverageChange::Lost(broken, _)] = &first[..] else { panic!("{first:?}") };
    assert!(
        notifications(at(0), &first).starts_with("CANNOT READ eu-west-1 (123456789012): ecs:ListClusters")
    );
    assert!(
        coverage_changes(RunKind::Alarms, at(5), &[failed(FaultKind::Denied)], std::slice::from_ref(broken))
            .is_empty()
    );
    let back = coverage_changes(RunKind::Alarms, at(65), &[seen()], std::slice::from_ref(broken));
    assert_eq!(
        notifications(at(65), &back),
        "CAN READ eu-west-1 (123456789012) again, after 1 hour 5 minutes.\n"
    );
}

#[test]
fn a_transient_fault_is_notified_only_if_it_lasts() {
    let first = coverage_changes(RunKind::Alarms, at(0), &[failed(FaultKind::Throttled)], &[]);
    let [CoverageChange::Noticed(broken)] = &first[..] else { panic!("{first:?}") };
    assert!(!has_notifications(&first));
    assert!(
        coverage_changes(
            RunKind::Alarms,
            at(5),
            &[failed(FaultKind::Throttled)],
            std::slice::from_ref(broken)
        )
        .is_empty()
    );
    assert!(has_notifications(&coverage_changes(
        RunKind::Alarms,
        at(10),
        &[failed(FaultKind::Throttled)],
        std::slice::from_ref(broken)
    )));
    assert!(!has_notifications(&coverage_changes(
        RunKind::Alarms,
        at(5),
        &[seen()],
        std::slice::from_ref(broken)
    )));
}

#[test]
fn faults_that_differ_only_in_their_subject_are_one_sentence() {
    let fault = |subject: &str| CountedFault {
        fault: Fault::malformed(Operation::EcsListServices, subject, "no"),
        count: 1,
    };
    let mut result = seen();
    if let Ok(outcome) = &mut result.result {
        outcome.coverage.faults = ["a", "b", "c", "d", "e"].map(fault).to_vec();
    }
    let text = paragraph_after(&[result], &[]);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        line.contains(
            "ecs:ListServices of a, b, c and 2 more: malformed answer: no (5 times) (unexpected response format"
        ),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= WIDTH));
}

/// The next sweep is a day away and has forgotten the fault by then, and a rollback is not
/// repeated: even transient faults are notified immediately.
#[test]
fn a_sweep_notifies_a_transient_fault_immediately_and_once() {
    for kind in [RunKind::Sweep, RunKind::Rollback] {
        let first = coverage_changes(kind, at(0), &[failed(FaultKind::Transient)], &[]);
        let [CoverageChange::Lost(broken, _)] = &first[..] else { panic!("{first:?}") };
        let day = at(24 * 60);
        let again =
            coverage_changes(kind, day, &[failed(FaultKind::Transient)], std::slice::from_ref(broken));
        assert!(again.is_empty(), "{again:?}");
        assert!(has_notifications(&coverage_changes(kind, day, &[seen()], std::slice::from_ref(broken))));
    }
}
