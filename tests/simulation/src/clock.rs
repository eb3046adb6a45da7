//! The world's time: whole minutes since its start.

use jiff::{SignedDuration, Timestamp};

/// A minute, counted from [`START`]; also the period that begins with it.
pub(crate) type Minute = i64;

/// Minute 0 of every world.
const START: &str = "2026-11-22T08:00:00Z";

/// Minutes between the end of a run's window and its time, the template's default.
pub(crate) const DELAY: Minute = 2;
/// How many minutes late a point may come, the template's default.
pub(crate) const LOOKBACK: Minute = 60;
/// Minutes between two runs of the schedule, the template's default.
pub(crate) const EVERY: Minute = 5;

pub(crate) fn at(minute: Minute) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

/// The minute of an instant on a whole minute.
pub(crate) fn minute(instant: Timestamp) -> Minute {
    let since = instant.duration_since(at(0));
    assert_eq!(since, SignedDuration::from_mins(since.as_mins()), "{instant} is no whole minute");
    since.as_mins()
}

pub(crate) fn minute_of_text(text: &str) -> Minute {
    minute(text.parse().unwrap())
}

/// `HH:MM` as in mails.
pub(crate) fn hour_and_minute(minute: Minute) -> String {
    at(minute).strftime("%H:%M").to_string()
}
