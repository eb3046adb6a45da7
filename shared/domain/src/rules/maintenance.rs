//! Maintenance windows, which mute alarms during planned work.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::cron::{BadCron, Cron};
use crate::model::cluster::BadName;

/// A recurring maintenance window: it starts at certain local times in a time zone, and has a fixed
/// duration.
#[derive(Debug, Clone, PartialEq)]
pub struct MaintenanceWindow {
    begins: Cron,
    zone: TimeZone,
    /// Elapsed time: an hour is an hour, even if the clock changes during the window.
    duration: SignedDuration,
}

impl MaintenanceWindow {
    /// A window that starts at the times of `cron` in the time zone `zone`.
    pub fn new(cron: &str, duration: SignedDuration, zone: TimeZone) -> Result<Self, BadCron> {
        Ok(Self { begins: cron.parse()?, zone, duration })
    }

    /// A time zone by its IANA name, from the embedded database.
    pub fn zone(name: &str) -> Result<TimeZone, BadName> {
        TimeZone::get(name).map_err(|_| BadName {
            text: name.to_owned(),
            what: "time zone",
            expected: "an IANA name such as Europe/Berlin",
        })
    }

    /// Whether the window is open at this instant. Its start is included, its end is not.
    pub fn covers(&self, at: Timestamp) -> bool {
        let (Ok(earliest), Ok(latest)) = (at.checked_sub(self.duration), at.checked_add(24.hours())) else {
            return false;
        };
        // Checks one more day at both ends: because of clock changes, a window may start a day
        // earlier or later than computed.
        let mut date = self.zone.to_datetime(latest).date();
        let Ok(first) = self.zone.to_datetime(earliest).date().yesterday() else { return false };
        while date >= first {
            let mut begins = self.begins.times().flat_map(|time| self.instants(date.to_datetime(time)));
            if self.begins.falls_on(date) && begins.any(|begin| earliest < begin && begin <= at) {
                return true;
            }
            let Ok(previous) = date.yesterday() else { return false };
            date = previous;
        }
        false
    }

    /// The instants of this local time in the zone. A time that a clock change skips is interpreted
    /// with the offset before the change (RFC 5545, 3.3.5): 02:30 becomes 03:30. A time that occurs
    /// twice starts a window both times.
    fn instants(&self, clock: DateTime) -> impl Iterator<Item = Timestamp> + use<> {
        let (first, second) = match self.zone.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } => (offset, None),
            AmbiguousOffset::Gap { before, .. } => (before, None),
            AmbiguousOffset::Fold { before, after } => (before, Some(after)),
        };
        let offsets = std::iter::once(first).chain(second);
        offsets.filter_map(move |offset| offset.to_timestamp(clock).ok())
    }
}

impl fmt::Display for MaintenanceWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { begins, zone, duration } = self;
        write!(f, "`{begins}` for {duration:#}, {}", zone.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(cron: &str, minutes: i64, zone: &str) -> MaintenanceWindow {
        let zone = MaintenanceWindow::zone(zone).unwrap();
        MaintenanceWindow::new(cron, SignedDuration::from_mins(minutes), zone).unwrap()
    }

    /// Asserts for each instant whether the window covers it.
    fn check(window: &MaintenanceWindow, instants: &[(&str, bool)]) {
        for (at, covered) in instants {
            assert_eq!(window.covers(at.parse().unwrap()), *covered, "{window} at {at}");
        }
    }

    #[test]
    fn the_start_is_included_and_the_end_is_not() {
        check(
            &window("0 2 * * *", 60, "UTC"),
            &[
                ("2026-11-22T01:59:59Z", false),
                ("2026-11-22T02:00:00Z", true),
                ("2026-11-22T02:59:59Z", true),
                ("2026-11-22T03:00:00Z", false),
            ],
        );
    }

    #[test]
    fn it_may_last_over_midnight_and_over_days() {
        check(
            &window("30 23 * * SAT", 120, "UTC"),
            &[
                ("2026-11-21T23:29:00Z", false),
                ("2026-11-21T23:30:00Z", true),
                ("2026-11-22T01:29:00Z", true),
                ("2026-11-22T01:30:00Z", false),
                ("2026-11-22T23:45:00Z", false),
            ],
        );
        check(
            &window("0 18 * * FRI", 3 * 24 * 60, "UTC"),
            &[
                ("2026-11-20T17:59:00Z", false),
                ("2026-11-20T18:00:00Z", true),
                ("2026-11-23T17:59:00Z", true),
                ("2026-11-23T18:00:00Z", false),
            ],
        );
    }

    #[test]
    fn it_follows_the_clock_of_its_zone_over_both_switches() {
        // Berlin is two hours ahead of UTC in summer and one in winter.
        check(
            &window("0 9 * * *", 60, "Europe/Berlin"),
            &[
                ("2026-03-28T08:00:00Z", true),
                ("2026-03-29T07:00:00Z", true),
                ("2026-03-29T08:00:00Z", false),
                ("2026-10-24T07:00:00Z", true),
                ("2026-10-25T07:00:00Z", false),
                ("2026-10-25T08:00:00Z", true),
            ],
        );
        check(
            &window("0 9 * * *", 60, "America/New_York"),
            &[
                ("2026-03-07T14:00:00Z", true),
                ("2026-03-08T13:00:00Z", true),
                ("2026-03-08T14:00:00Z", false),
                ("2026-10-31T13:00:00Z", true),
                ("2026-11-01T14:00:00Z", true),
                ("2026-11-01T13:00:00Z", false),
            ],
        );
    }

    #[test]
    fn a_skipped_time_is_read_with_the_offset_before_the_change() {
        // In Berlin 02:00 +01 is 03:00 +02 on March 29 in 2026: 01:00 UTC.
        check(
            &window("30 2 * * *", 30, "Europe/Berlin"),
            &[
                ("2026-03-29T00:59:00Z", false),
                ("2026-03-29T01:29:00Z", false),
                ("2026-03-29T01:30:00Z", true),
                ("2026-03-29T01:59:00Z", true),
                ("2026-03-29T02:00:00Z", false),
            ],
        );
        // In New York 02:00 -05 is 03:00 -04 on March 8: 07:00 UTC.
        check(
            &window("30 2 * * *", 30, "America/New_York"),
            &[
                ("2026-03-08T07:29:00Z", false),
                ("2026-03-08T07:30:00Z", true),
                ("2026-03-08T08:00:00Z", false),
            ],
        );
    }

    #[test]
    fn a_time_that_occurs_twice_starts_a_window_both_times() {
        // In Berlin 03:00 +02 is 02:00 +01 on October 25: 01:00 UTC.
        check(
            &window("30 2 * * *", 30, "Europe/Berlin"),
            &[
                ("2026-10-25T00:29:00Z", false),
                ("2026-10-25T00:30:00Z", true),
                ("2026-10-25T01:00:00Z", false),
                ("2026-10-25T01:30:00Z", true),
                ("2026-10-25T02:00:00Z", false),
            ],
        );
        // In New York 02:00 -04 is 01:00 -05 on November 1: 06:00 UTC.
        check(
            &window("30 1 * * *", 30, "America/New_York"),
            &[
                ("2026-11-01T05:30:00Z", true),
                ("2026-11-01T06:00:00Z", false),
                ("2026-11-01T06:30:00Z", true),
                ("2026-11-01T07:00:00Z", false),
            ],
        );
    }

    #[test]
    fn its_length_is_elapsed_time_across_clock_changes() {
        check(
            &window("0 1 * * *", 120, "Europe/Berlin"),
            &[
                ("2026-03-29T00:00:00Z", true),
                ("2026-03-29T01:59:00Z", true),
                ("2026-03-29T02:00:00Z", false),
                ("2026-10-24T23:00:00Z", true),
                ("2026-10-25T00:59:00Z", true),
                ("2026-10-25T01:00:00Z", false),
            ],
        );
    }

    #[test]
    fn a_quarter_hour_window_every_quarter_hour_never_ends() {
        for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"] {
            let always = window("*/15 * * * *", 15, zone);
            for day in ["2026-03-08", "2026-03-29", "2026-04-04", "2026-10-03", "2026-10-25", "2026-11-01"] {
                let midnight: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
                for minute in (0..24 * 60).step_by(5) {
                    let at = midnight + SignedDuration::from_mins(minute);
                    assert!(always.covers(at), "{zone} {at}");
                }
            }
        }
    }

    proptest::proptest! {
        /// Compares with a clock that is read minute by minute. It never shows a skipped time, so
        /// there, and only there, a window may be open although the clock did not show its start.
        #[test]
        fn it_is_open_if_the_clock_showed_its_start_recently(
            zone in proptest::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
            (minute, hour, weekday) in (0_i8..60, 0_i8..4, 0_i8..7),
            length in 1_i64..300,
            // In 2026 the clocks of these zones change on the days 66, 87, 93, 276, 297 and 304
            // after January 1.
            day in proptest::sample::select(vec![40, 65, 66, 86, 87, 92, 93, 275, 276, 296, 297, 303, 304]),
            after in 0_i64..24 * 60,
        ) {
            let window = window(&format!("{minute} {hour} * * *"), length, zone);
            let on_weekday = MaintenanceWindow {
                begins: format!("{minute} {hour} * * {weekday}").parse().unwrap(),
                ..window.clone()
            };
            let new_year: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let at = new_year + SignedDuration::from_mins(day * 24 * 60 + after);
            let clock = |back: i64| window.zone.to_datetime(at - SignedDuration::from_mins(back));
            let mut beginnings = (0..length).map(clock).filter(|time| (time.minute(), time.hour()) == (minute, hour));
            let weekdays = |time: DateTime| time.weekday().to_sunday_zero_offset() == weekday;
            let shown = beginnings.clone().next().is_some();
            let leapt = (0..length + 24 * 60).any(|back| {
                window.zone.to_offset(at - SignedDuration::from_mins(back)).seconds()
                    > window.zone.to_offset(at - SignedDuration::from_mins(back + 1)).seconds()
            });
            proptest::prop_assert!(window.covers(at) == shown || (leapt && !shown), "{} at {}", window, at);
            let shown = beginnings.any(weekdays);
            proptest::prop_assert!(on_weekday.covers(at) == shown || (leapt && !shown), "{} at {}", on_weekday, at);
        }
    }

    #[test]
    fn zones_are_known_without_a_database_on_the_host() {
        assert!(MaintenanceWindow::zone("Asia/Kolkata").is_ok());
        assert!(MaintenanceWindow::zone("Europe/Berlinn").is_err());
    }
}
