//! Whose turn it is: services that nothing points at are checked in rotation, each within a fixed time.
//!
//! ECS allows 20 reads of services a second, ten services each, and tells of up to 100 events of every service: asking about
//! a thousand services in every run would take six times the calls of all else. Which run asks about which service
//! follows from the time alone, so that nothing needs to be remembered and a repeated run asks the same.

use jiff::{SignedDuration, Timestamp};

use crate::model::cluster::ClusterName;

/// Within how long each service is checked, as far as runs are made so often.
pub const EACH_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// Services of a cluster that are checked together: one `DescribeServices` takes ten.
pub const TOGETHER: usize = 10;

/// The services whose turn it is in one run.
#[derive(Debug, Clone, Copy)]
pub struct Rotation {
    /// Time of the run before; none if it is not known.
    pub since: Option<Timestamp>,
    /// Time of the run.
    pub now: Timestamp,
}

impl Rotation {
    /// Whether it is the turn of the service at that place among those of its cluster. It is the turn of all where no run
    /// before is known.
    pub fn is_due(&self, cluster: &ClusterName, place: usize) -> bool {
        let Some(since) = self.since else { return true };
        let each = EACH_WITHIN.as_secs();
        let phase = i64::from(spread(cluster.as_str(), place / TOGETHER)) % each;
        let turn = |at: Timestamp| (at.as_second() - phase).div_euclid(each);
        turn(since) < turn(self.now)
    }
}

/// A number that spreads groups of services over time: FNV-1a.
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

    /// Runs that far apart over an hour: how often it was the turn of each group, and the most and least groups of a run.
    fn turns(every: i64) -> (Vec<usize>, usize, usize) {
        let clusters: Vec<ClusterName> = (0..100).map(|n| format!("c-{n}").parse().unwrap()).collect();
        let mut turns = vec![0; 300];
        let mut of_runs = Vec::new();
        for run in 0..60 / every {
            let rotation = Rotation { since: Some(at((run - 1) * every)), now: at(run * every) };
            let mut due = 0;
            for (place, turn) in turns.iter_mut().enumerate() {
                let is_due = rotation.is_due(&clusters[place / 3], place % 3 * TOGETHER);
                (*turn, due) = (*turn + usize::from(is_due), due + usize::from(is_due));
            }
            of_runs.push(due);
        }
        (turns, of_runs.iter().copied().max().unwrap(), of_runs.into_iter().min().unwrap())
    }

    #[test]
    fn each_has_its_turn_once_in_15_minutes_and_the_load_is_spread() {
        for (every, most) in [(1, 40), (5, 130), (15, 300)] {
            let (turns, highest, lowest) = turns(every);
            assert!(turns.iter().all(|turns| *turns == 4), "every {every} minutes: {turns:?}");
            assert!(highest <= most && lowest > 0, "every {every} minutes: {lowest} to {highest}");
        }
        // Runs that are rarer check all.
        assert!(turns(30).0.iter().all(|turns| *turns == 2));
    }

    #[test]
    fn without_a_run_before_it_is_the_turn_of_all() {
        let rotation = Rotation { since: None, now: at(0) };
        assert!((0..50).all(|place| rotation.is_due(&"shop".parse().unwrap(), place)));
    }
}
