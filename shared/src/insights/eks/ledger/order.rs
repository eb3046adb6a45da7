//! The order of changes.

use jiff::{SignedDuration, Timestamp};

use super::EksSubjectLedger;

/// How long a message that failed comes back as another attempt at the same change; the queue delivers it again after 12
/// minutes (`VisibilityTimeout` in template.yaml).
const RETRIED_WITHIN: SignedDuration = SignedDuration::from_mins(15);

impl EksSubjectLedger {
    /// The time to write for a change of this cause that is begun now, on a cluster of that creation: after all that were
    /// begun before, so that the newest stands last. The time of a late event would turn the order around, by which those
    /// in a row are counted and a restore goes back. It is in whole seconds, as the time of an event that undoes it. A
    /// newest attempt that was not made just before gives its place to the next, so that a retry makes no second entry.
    pub fn time_for(&self, cause: &str, now: Timestamp, created: Option<Timestamp>) -> Timestamp {
        let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let begun = created.map_or(second, |created| created.max(second));
        let Some(newest) = self.changes.iter().max_by_key(|change| change.time) else { return begun };
        if newest.cause == cause && now.duration_since(newest.time) < RETRIED_WITHIN {
            return newest.time;
        }
        begun.max(newest.time + SignedDuration::from_millis(1))
    }
}
