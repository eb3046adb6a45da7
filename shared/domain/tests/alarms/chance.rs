//! Reproducible random numbers: a failing test prints its seed.

use std::hash::{BuildHasher, RandomState};

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` to `to`, inclusive.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let count = u64::try_from(to - from + 1).unwrap();
        from + i64::try_from(self.next() % count).unwrap()
    }

    /// True with this probability in percent.
    pub(crate) fn percent(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[usize::try_from(self.between(0, i64::try_from(these.len()).unwrap() - 1)).unwrap()]
    }
}

/// Runs `check` with this many seeds: new ones each time, or consecutive ones from `FARGAZE_SEED`.
pub(crate) fn with_seeds(count: u64, check: impl Fn(Chance) -> Result<(), String>) {
    let fixed =
        std::env::var("FARGAZE_SEED").ok().map(|text| text.parse::<u64>().expect("FARGAZE_SEED is a number"));
    let first = fixed.unwrap_or_else(|| RandomState::new().hash_one(count));
    for seed in (0..count).map(|i| first.wrapping_add(i)) {
        if let Err(error) = check(Chance::new(seed)) {
            panic!("FARGAZE_SEED={seed} finds it again at once:\n{error}");
        }
    }
}
