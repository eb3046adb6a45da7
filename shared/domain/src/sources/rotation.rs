//! Rotation of service checks: services without a reason for a check are checked in rotation, each
//! within a fixed time.
//!
//! ECS allows 20 `DescribeServices` calls per second, for ten services each, and returns up to 100
//! events of every service. Describing a thousand services in every run would take six times as
//! many calls as everything else. Which run describes which service depends on the time alone, so
//! nothing needs to be stored, and a repeated run describes the same services.

use jiff::{SignedDuration, Timestamp};

use crate::model::cluster::ClusterName;

/// The time within which each service is checked, provided that runs are frequent enough.
pub const EACH_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// Services of a cluster that are checked together: one `DescribeServices` call takes ten.
pub const TOGETHER: usize = 10;

/// Selects the services that are due in one run.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    /// Time of the previous run; `None` if unknown.
    pub since: Option<Timestamp>,
    /// Time of the run.
    pub now: Timestamp,
}

impl Rotation {
    /// Whether the service at this place in its cluster's list is due. All are due if no previous
    /// run is known.
    pub fn is_due(&self, cluster: &ClusterName, place: usize) -> bool {
        let Some(since) = self.since else { return true };
        let each = EACH_WITHIN.as_secs();
        let phase = i64::from(spread(cluster.as_str(), place / TOGETHER)) % each;
        let round = |at: Timestamp| (at.as_second() - phase).div_euclid(each);
        round(since) < round(self.now)
    }
}

/// A hash that spreads groups of services over time: FNV-1a.
fn spread(cluster: &str, group: usize) -> u32 {
    let bytes = cluster.bytes().chain(group.to_le_bytes());
    bytes.fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    /// Simulates runs `every` minutes over an hour. Returns how often each group was due, and the
    /// most and fewest groups in a run.
    fn checks(every: i64) -> (Vec<usize>, usize, usize) {
        let clusters: Vec<ClusterName> = (0..100).map(|n| format!("c-{n}").parse().unwrap()).collect();
        let mut checks = vec![0; 300];
        let mut of_runs = Vec::new();
        for run in 0..60 / every {
            let rotation = Rotation { since: Some(at((run - 1) * every)), now: at(run * every) };
            let mut due = 0;
            for (place, count) in checks.iter_mut().enumerate() {
                let is_due = rotation.is_due(&clusters[place / 3], place % 3 * TOGETHER);
                (*count, due) = (*count + usize::from(is_due), due + usize::from(is_due));
            }
            of_runs.push(due);
        }
        (checks, of_runs.iter().copied().max().unwrap(), of_runs.into_iter().min().unwrap())
    }

    #[test]
    fn each_service_is_due_once_in_15_minutes_and_the_load_is_spread() {
        for (every, most) in [(1, 40), (5, 130), (15, 300)] {
            let (checks, highest, lowest) = checks(every);
            assert!(checks.iter().all(|count| *count == 4), "every {every} minutes: {checks:?}");
            assert!(highest <= most && lowest > 0, "every {every} minutes: {lowest} to {highest}");
        }
        // Less frequent runs check all services.
        assert!(checks(30).0.iter().all(|count| *count == 2));
    }

    #[test]
    fn without_a_previous_run_all_services_are_due() {
        let rotation = Rotation { since: None, now: at(0) };
        assert!((0..50).all(|place| rotation.is_due(&"shop".parse().unwrap(), place)));
    }
}
