//! Retention of a log group.
//!
//! A group that never expires keeps its events the longest. Giving it days deletes the older ones
//! for good, within 72 hours (CloudWatch Logs API, `PutRetentionPolicy`), and no rollback brings
//! them back. So a change that deletes events of a group that is not new is announced by one sweep,
//! with what it deletes, and made by a later one.

use jiff::SignedDuration;

use super::{Action, Aspect, AspectCase, Desired, Fault, Observed, Step, Value};
use crate::logs::LogGroup;
use crate::reconcile::{Change, ChangeState, Expiring, Origin};

/// The class of groups that deliver to Amazon S3 or Data Firehose: they keep events for a day, and
/// that cannot be changed (CloudWatch Logs User Guide, "Log classes").
const DELIVERY: &str = "DELIVERY";

/// How long before it is made a change that deletes events is announced: less than a day, so that a
/// daily sweep makes it.
const NOTICE: SignedDuration = SignedDuration::from_hours(20);

pub(super) fn value(aspect: Aspect, observed: &Observed) -> Result<Value, &Fault> {
    let group = observed.log_group();
    group.map_or_else(|| observed.asked(aspect), |group| Ok(Value::Retention(group.retention_days)))
}

pub(super) fn judge(case: &AspectCase<'_>) -> Step {
    let (policy, group) = (&case.policy, case.whole.observed.log_group());
    let (now, group) = match (&case.now, group) {
        (Ok(now), Some(group)) => (now, group),
        (Err(fault), _) => return case.unknown(fault),
        (Ok(_), None) => return case.left(),
    };
    if group.class == DELIVERY {
        return case.step(Action::Leave, "a group of class DELIVERY keeps its events for a day");
    }
    let Some(to) = policy.desired.wanted(now) else {
        return case.step(Action::Comply, format!("it has {now}, and its policy is {policy}"));
    };
    if let Some(step) = case.backed_off() {
        return step;
    }
    match &policy.desired {
        Desired::ExactRetention(days) => exactly(case, group, *days, to),
        Desired::Retention(days) => if_new(case, group, *days, to),
        _ => case.left(),
    }
}

fn if_new(case: &AspectCase<'_>, group: &LogGroup, days: u32, to: Value) -> Step {
    let policy = &case.policy;
    if was_changed(case) {
        let reason = "fargaze set it before, and it was removed; it is not set again, because that would delete events";
        return case.step(Action::Report, format!("{reason}; its policy is {policy}"));
    }
    if is_new(case, group, days) {
        return set(case, to, "the log group is new");
    }
    let desired = &policy.desired;
    let reason = format!(
        "the log group existed before fargaze or is older than {days} days, and {desired} sets only new ones; to set it too, \
         which deletes older events for good, write log-retention: {{exactly: {desired}}}; its policy is {policy}"
    );
    case.step(Action::Report, reason)
}

fn exactly(case: &AspectCase<'_>, group: &LogGroup, days: u32, to: Value) -> Step {
    if is_new(case, group, days) {
        return set(case, to, "the log group is new");
    }
    let Some(expiring) = Expiring::of(group, days, case.whole.now) else {
        return set(case, to, "nothing in it is older");
    };
    let now = case.whole.now;
    let announced = case.whole.announced.filter(|announced| announced.to == to.to_string());
    let at = announced.map_or(now, |announced| announced.at);
    let step = if now.duration_since(at) >= NOTICE {
        let why =
            format!("it was announced; events older than {days} days are deleted for good within 72 hours");
        set(case, to, &why)
    } else {
        let from = Value::Retention(group.retention_days);
        let reason = format!(
            "the first sweep after {} sets it, and then events older than {days} days are deleted for good within 72 hours, \
             which no rollback undoes; to keep them, write log-retention: leave for it, or export them before; its policy is {}",
            (at + NOTICE).strftime("%Y-%m-%d %H:%M UTC"),
            case.policy
        );
        case.step(Action::Announce { from, to }, reason)
    };
    Step { expiring: Some(expiring), announced_at: Some(at), ..step }
}

/// Whether it is new, so that these days delete nothing that was written to it.
fn is_new(case: &AspectCase<'_>, group: &LogGroup, days: u32) -> bool {
    let kept = SignedDuration::from_hours(24 * i64::from(days));
    let is_young = |created| case.whole.now.duration_since(created) <= kept;
    case.whole.origin == Origin::New && !was_changed(case) && group.created_at.is_some_and(is_young)
}

fn set(case: &AspectCase<'_>, to: Value, why: &str) -> Step {
    match &case.now {
        Ok(from) => {
            let from = from.clone();
            case.step(Action::Set { from, to }, format!("{why}; its policy is {}", case.policy))
        }
        Err(fault) => case.unknown(fault),
    }
}

/// Whether fargaze has ever changed it: then it is not new any more.
fn was_changed(case: &AspectCase<'_>) -> bool {
    let is_made = |change: &Change| matches!(change.state, ChangeState::Done | ChangeState::RolledBack);
    case.changes.iter().any(is_made)
}
