//! Reproducible random numbers: one seed makes a world.

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

    /// A separate generator, so that its draws do not shift those of this one.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number from `from` to `to`, inclusive.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.next() % u64::try_from(to - from + 1).unwrap()).unwrap()
    }

    /// The same for counts.
    pub(crate) fn count(&mut self, from: usize, to: usize) -> usize {
        from + usize::try_from(self.next() % u64::try_from(to - from + 1).unwrap()).unwrap()
    }

    /// True with this probability in percent.
    pub(crate) fn percent(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.count(0, these.len() - 1)]
    }
}
