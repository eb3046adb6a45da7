//! The disruptions of the runs of a world.

use crate::chance::Chance;
use crate::clock::{EVERY, Minute};
use crate::eks::EksLife;
use crate::truth::Life;

/// Derives a different world from a seed.
const OF_EKS: u64 = 0x6b75_6265_726e_6574;

/// The disruptions of the runs of a world, each in percent.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    pub(crate) seed: u64,
    /// The EKS clusters, if any.
    pub(crate) eks: Option<EksLife>,
    pub(crate) runs: Minute,
    /// Minutes between two runs.
    pub(crate) every: Minute,
    pub(crate) life: Life,
    /// Parts of the target, processed separately.
    pub(crate) parts: u32,
    /// Calls that fail.
    pub(crate) failing: i64,
    /// Series with odd responses.
    pub(crate) odd: i64,
    /// Runs that never start, crash, wait between two steps, come twice, or run concurrently with
    /// another.
    pub(crate) lost: i64,
    pub(crate) dying: i64,
    pub(crate) waiting: i64,
    pub(crate) twice: i64,
    pub(crate) concurrent: i64,
    /// Runs at which an outage of some operation begins.
    pub(crate) outages: i64,
    /// Whether the rules change during the world.
    pub(crate) changing: bool,
}

impl Fate {
    /// A short world with some of everything, or nothing.
    pub(crate) fn any(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let every = chance.one_of(&[EVERY, EVERY, EVERY, EVERY, 1, 2, 10, 15, 30, 60]);
        let runs = chance.between(10, 50);
        let life = Life {
            clusters: chance.one_of(&[1, 1, 2, 3]),
            services: chance.count(1, 3),
            minutes: (runs + 20) * every,
            every,
            rewritten: chance.one_of(&[0, 0, 6]),
            late: chance.one_of(&[(0, 0), (0, 0), (8, 25), (3, 60), (20, 60)]),
            lag: chance.one_of(&[0, 0, 1, 2]),
            coming: chance.one_of(&[0, 30, 60]),
            failing: chance.one_of(&[0, 100]),
            stages: chance.one_of(&[0, 2, 6]),
        };
        Self {
            seed,
            eks: None,
            runs,
            every,
            life,
            parts: if chance.percent(20) { 2 } else { 1 },
            failing: chance.one_of(&[0, 0, 0, 5, 20, 40]),
            odd: chance.one_of(&[0, 0, 5, 20]),
            lost: chance.one_of(&[0, 5, 15]),
            dying: chance.one_of(&[0, 10, 30]),
            waiting: chance.one_of(&[0, 5, 20]),
            twice: chance.one_of(&[0, 5, 15]),
            concurrent: chance.one_of(&[0, 10, 30]),
            outages: chance.one_of(&[0, 0, 5]),
            changing: chance.percent(20),
        }
    }

    /// The same with EKS clusters, with or without ECS clusters. It differs from the ECS world with
    /// this seed.
    pub(crate) fn of_eks(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ OF_EKS);
        let fate = Self::any(chance.next());
        let Self { life, every, .. } = fate;
        let clusters = usize::from(chance.percent(40));
        let eks = EksLife {
            clusters: chance.count(1, 2),
            minutes: life.minutes,
            every,
            disrupted: chance.one_of(&[0, 15, 30]),
            disturbed: chance.one_of(&[0, 0, 15]),
            coming: chance.one_of(&[0, 30, 60]),
            cadvisor: chance.percent(40),
        };
        let life = Life { clusters, services: 1, ..life };
        Self { seed, eks: Some(eks), life, ..fate }
    }

    /// The source of all draws in the world.
    pub(crate) fn chance(&self) -> Chance {
        Chance::new(if self.eks.is_some() { !(self.seed ^ OF_EKS) } else { !self.seed })
    }

    /// Many days with only failing calls.
    pub(crate) fn of_days(seed: u64, days: Minute, failing: i64) -> Self {
        let runs = days * 24 * 60 / EVERY;
        let minutes = (runs + 20) * EVERY;
        let life = Life {
            clusters: 1,
            services: 2,
            minutes,
            every: EVERY,
            rewritten: 0,
            late: (0, 0),
            lag: 0,
            coming: 0,
            failing: 0,
            stages: days,
        };
        Self {
            life,
            runs,
            every: EVERY,
            parts: 1,
            failing,
            odd: 0,
            lost: 0,
            dying: 0,
            waiting: 0,
            twice: 0,
            concurrent: 0,
            outages: 0,
            changing: false,
            ..Self::any(seed)
        }
    }
}
