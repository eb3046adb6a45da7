//! Interval between the runs of a schedule.

use jiff::SignedDuration;

/// Time between two runs of an EventBridge schedule `rate(N unit)`; `None` for `cron(...)` and
/// `at(...)`, whose runs need not be evenly spaced (EventBridge Scheduler User Guide, "Schedule
/// types").
pub fn interval(schedule: &str) -> Option<SignedDuration> {
    let rate = schedule.trim().strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = rate.trim().split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|count| *count > 0)?;
    let minutes = match unit.trim() {
        "minute" | "minutes" => 1,
        "hour" | "hours" => 60,
        "day" | "days" => 24 * 60,
        _ => return None,
    };
    Some(SignedDuration::from_mins(count.checked_mul(minutes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rate_has_an_interval() {
        for (schedule, minutes) in [
            ("rate(1 minute)", Some(1)),
            ("rate(15 minutes)", Some(15)),
            (" rate(2 hours) ", Some(120)),
            ("rate(1 day)", Some(1440)),
            ("rate(0 minutes)", None),
            ("rate(5 fortnights)", None),
            ("rate(9223372036854775807 days)", None),
            ("cron(0/15 * * * ? *)", None),
            ("", None),
        ] {
            assert_eq!(interval(schedule), minutes.map(SignedDuration::from_mins), "{schedule}");
        }
    }
}
