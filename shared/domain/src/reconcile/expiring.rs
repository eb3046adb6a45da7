//! The events that a shorter retention of a log group deletes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::logs::LogGroup;

/// How long before its arrival an event may have happened (CloudWatch Logs API, `PutLogEvents`):
/// a group may have events that are older than itself.
const BACKDATED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The events of a log group that a change of its retention deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    /// Their bytes, as stored: the group's, in the proportion of the time that goes, because
    /// `CloudWatch` reports no more than the sum. `None` if not known.
    pub bytes: Option<u64>,
    /// No event is older; `None` if not known.
    pub oldest: Option<Timestamp>,
}

impl Expiring {
    /// What `days` of retention delete; `None` if nothing can be older.
    pub fn of(group: &LogGroup, days: u32, now: Timestamp) -> Option<Self> {
        let ago = |days: u32| now - SignedDuration::from_hours(i64::from(days) * 24);
        let (kept, before) = (ago(days), group.retention_days.map(ago));
        let first = group.created_at.map(|created| created - BACKDATED);
        let oldest = first.into_iter().chain(before).max();
        if oldest.is_some_and(|oldest| oldest >= kept) {
            return None;
        }
        let written = group.created_at.into_iter().chain(before).max();
        let bytes = group.stored_bytes.zip(written).map(|(bytes, since)| {
            let seconds = |from: Timestamp, to: Timestamp| {
                u128::from(to.duration_since(from).as_secs().max(0).unsigned_abs())
            };
            let share = u128::from(bytes) * seconds(since, kept) / seconds(since, now).max(1);
            u64::try_from(share).unwrap_or(bytes)
        });
        Some(Self { bytes, oldest })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: &str = "2026-11-22T10:00:00Z";

    fn group(created: Option<i64>, retention_days: Option<u32>, stored_bytes: Option<u64>) -> LogGroup {
        let now: Timestamp = NOW.parse().unwrap();
        LogGroup {
            name: "/ecs/web".to_owned(),
            class: "STANDARD".to_owned(),
            retention_days,
            stored_bytes,
            has_kms_key: false,
            created_at: created.map(|days| now - SignedDuration::from_hours(24 * days)),
        }
    }

    #[test]
    fn it_is_the_share_of_the_time_that_goes() {
        let of = |created, retention, bytes, days| {
            let found = Expiring::of(&group(created, retention, bytes), days, NOW.parse().unwrap())?;
            let oldest = found.oldest.map(|at| at.strftime("%F").to_string());
            Some((found.bytes, oldest))
        };
        let some = |bytes, oldest: &str| Some((Some(bytes), Some(oldest.to_owned())));
        // 100 days, of which 30 stay.
        assert_eq!(of(Some(100), None, Some(1000), 30), some(700, "2026-07-31"));
        // No event is older than the present retention.
        assert_eq!(of(Some(100), Some(60), Some(1000), 30), some(500, "2026-09-23"));
        // Longer than now, or as long: nothing goes.
        assert_eq!(of(Some(100), Some(7), Some(1000), 30), None);
        assert_eq!(of(Some(100), Some(30), Some(1000), 30), None);
        // Too young to have anything older, even if its first event was two weeks old.
        assert_eq!(of(Some(16), None, Some(1000), 30), None);
        assert_eq!(of(Some(17), None, Some(1000), 30), some(0, "2026-10-22"));
        // What is not known is not 0.
        assert_eq!(of(None, None, Some(1000), 30), Some((None, None)));
        assert_eq!(of(Some(100), None, None, 30), Some((None, Some("2026-07-31".to_owned()))));
    }

    proptest! {
        #[test]
        fn never_more_than_is_stored_and_never_less_for_fewer_days(
            created in 0i64..4000, retention in prop::option::of(1u32..4000), bytes in any::<u64>(), days in 1u32..4000,
        ) {
            let of = |days| Expiring::of(&group(Some(created), retention, Some(bytes)), days, NOW.parse().unwrap());
            let goes = |days| of(days).map_or(0, |found: Expiring| found.bytes.unwrap());
            prop_assert!(goes(days) <= bytes);
            prop_assert!(goes(days + 1) <= goes(days));
        }
    }
}
