//! The decision table of log retention in `docs/policies.md`.

use fargaze::logs::LogGroup;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Announced, Aspect, Case, Change, ChangeState, Desired, Existing, Expiring, Observed, Origin, Step,
    SubjectLog, Value, decide,
};
use jiff::{SignedDuration, Timestamp};

use super::words;
use crate::common::policies;

const NAME: &str = "/ecs/web";
const NEW: Desired = Desired::Retention(30);
const EXACTLY: Desired = Desired::ExactRetention(30);

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

/// A log group with its past, and a description for readers.
struct Row {
    described: &'static str,
    desired: Desired,
    retention: Option<u32>,
    age_days: i64,
    origin: Origin,
    announced: bool,
    states: &'static [ChangeState],
}

fn new(desired: Desired, retention: Option<u32>) -> Row {
    let (described, origin) = ("new", Origin::New);
    Row { described, desired, retention, age_days: 1, origin, announced: false, states: &[] }
}

fn existing(desired: Desired, retention: Option<u32>) -> Row {
    let described = "there before";
    Row { described, origin: Origin::Existing, age_days: 400, ..new(desired, retention) }
}

fn rows() -> Vec<Row> {
    use ChangeState::{Done, RolledBack};
    vec![
        new(Desired::Leave, None),
        new(NEW, None),
        new(NEW, Some(7)),
        new(EXACTLY, Some(90)),
        existing(NEW, Some(400)),
        existing(NEW, None),
        Row { described: "set, and then removed by others", states: &[Done], ..existing(NEW, None) },
        Row { described: "set, then rolled back", states: &[RolledBack], ..existing(NEW, None) },
        existing(EXACTLY, Some(30)),
        existing(EXACTLY, Some(7)),
        Row { described: "there before, ten days old", age_days: 10, ..existing(EXACTLY, None) },
        existing(EXACTLY, None),
        Row { described: "there before, announced", announced: true, ..existing(EXACTLY, None) },
        Row { described: "set, and then removed by others", states: &[Done], ..existing(EXACTLY, None) },
        Row {
            described: "set twice, and removed each time",
            states: &[Done, Done],
            ..existing(EXACTLY, None)
        },
        Row { described: "set, then rolled back", states: &[RolledBack], ..existing(EXACTLY, None) },
    ]
}

/// Changes by fargaze under the row's policy.
fn log(row: &Row) -> SubjectLog {
    let mut log = SubjectLog::default();
    for (number, state) in (1_u32..).zip(row.states) {
        log.put(Change {
            subject: Subject::LogGroup(NAME.to_owned()),
            aspect: Aspect::LogRetention,
            number,
            made: now() - SignedDuration::from_hours(24 * i64::from(10 - number)),
            cause: format!("sweep-{number}"),
            from: Value::Retention(None),
            to: Value::Retention(Some(30)),
            policy: row.desired.to_string(),
            reason: String::new(),
            request_id: None,
            state: *state,
            accepted: false,
            update_id: None,
            failure: None,
            undo: None,
            rolled_back_by: None,
        });
    }
    log
}

fn group(row: &Row) -> LogGroup {
    LogGroup {
        name: NAME.to_owned(),
        class: "STANDARD".to_owned(),
        retention_days: row.retention,
        stored_bytes: Some(400 << 30),
        has_kms_key: false,
        created_at: Some(now() - SignedDuration::from_hours(24 * row.age_days)),
    }
}

fn decided(row: &Row) -> Step {
    let policy = &policies([(Aspect::LogRetention, row.desired.clone())], Existing::Change);
    let (observed, log) = (&Observed::of_log_group(group(row)), &log(row));
    let day_ago = now() - SignedDuration::from_hours(24);
    let announced = row.announced.then(|| Announced { to: "30 days".to_owned(), at: day_ago });
    let announced = announced.as_ref();
    let mut steps = decide(&Case { policy, observed, origin: row.origin, log, announced, now: now() });
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

pub(super) fn decisions() -> String {
    let mut table =
        "| policy | retention | log group | what is done | why |\n|---|---|---|---|---|\n".to_owned();
    for row in rows() {
        let Step { action, reason, .. } = decided(&row);
        let (retention, described, desired) = (Value::Retention(row.retention), row.described, &row.desired);
        table.push_str(&format!(
            "| `{desired}` | {retention} | {described} | {} | {reason} |\n",
            words(&action)
        ));
    }
    table
}

/// Whatever the policy and the past, a change that deletes events of a group that is not new is
/// announced before it is made, and says what it deletes.
#[test]
fn no_event_is_deleted_unannounced() {
    for row in rows().into_iter().chain(rows().into_iter().map(|row| Row { announced: true, ..row })) {
        let step = decided(&row);
        let days = match &step.action {
            fargaze::reconcile::Action::Set { to: Value::Retention(Some(days)), .. } => *days,
            _ => continue,
        };
        let deleted = Expiring::of(&group(&row), days, now());
        let is_new = row.origin == Origin::New && row.states.is_empty();
        assert!(is_new || deleted.is_none() || row.announced, "{}: {step:?}", row.described);
        assert!(is_new || step.expiring == deleted, "{}: {step:?}", row.described);
    }
}
