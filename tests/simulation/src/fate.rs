//! What befalls the runs of a world.

use crate::chance::Chance;
use crate::clock::{EVERY, Minute};
use crate::eks::EksLife;
use crate::truth::Life;

/// Makes another world of a seed.
const OF_EKS: u64 = 0x6b75_6265_726e_6574;

/// What befalls the runs of a world, each in percent.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    pub(crate) seed: u64,
    /// The clusters of EKS, if there are any.
    pub(crate) eks: Option<EksLife>,
    pub(crate) runs: Minute,
    /// Minutes between two runs.
    pub(crate) every: Minute,
    pub(crate) life: Life,
    /// Shares of the clusters that are worked on by themselves.
    pub(crate) parts: u32,
    /// Calls that fail.
    pub(crate) failing: i64,
    /// Series that are answered oddly.
    pub(crate) odd: i64,
    /// Runs that never take place, die, wait between two steps, come twice, or run beside another.
    pub(crate) lost: i64,
    pub(crate) dying: i64,
    pub(crate) waiting: i64,
    pub(crate) twice: i64,
    pub(crate) beside: i64,
    /// Runs at which an outage of some operation begins.
    pub(crate) outages: i64,
    /// Whether the rules change on the way.
    pub(crate) changing: bool,
}

impl Fate {
    /// A short world with a bit of everything, or of nothing.
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
            beside: chance.one_of(&[0, 10, 30]),
            outages: chance.one_of(&[0, 0, 5]),
            changing: chance.percent(20),
        }
    }

    /// The same with clusters of EKS, and with those of ECS beside them or not. It is another world than that of ECS with
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
            troubled: chance.one_of(&[0, 15, 30]),
            disturbed: chance.one_of(&[0, 0, 15]),
            coming: chance.one_of(&[0, 30, 60]),
            cadvisor: chance.percent(40),
        };
        let life = Life { clusters, services: 1, ..life };
        Self { seed, eks: Some(eks), life, ..fate }
    }

    /// What everything in the world is drawn from.
    pub(crate) fn chance(&self) -> Chance {
        Chance::new(if self.eks.is_some() { !(self.seed ^ OF_EKS) } else { !self.seed })
    }

    /// Many days of nothing but calls that fail.
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
            beside: 0,
            outages: 0,
            changing: false,
            ..Self::any(seed)
        }
    }
}
