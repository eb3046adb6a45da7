//! 4,000 runs in random worlds, the same world twice, and days of failing calls.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a broken setting stops the test; the tally is worth a line"
)]

use std::hash::{BuildHasher, RandomState};

use simulation::{many, month, one};

/// Runs of the usual test run. `make simulate` plays a million.
const RUNS: usize = 4_000;

/// The seeds are new each time, or begin at `FARGAZE_SEED`.
fn first_seed() -> u64 {
    let fixed =
        std::env::var("FARGAZE_SEED").ok().map(|text| text.parse().expect("FARGAZE_SEED is a number"));
    fixed.unwrap_or_else(|| RandomState::new().hash_one(0) >> 16)
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_whatever_befalls_the_runs() {
    let tally = many(RUNS, first_seed(), |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{tally}");
    assert!(tally.executions >= RUNS && tally.began > RUNS / 20, "too little happened: {tally}");
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    let story = |seed| one(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
    for seed in [3, 7] {
        assert!(story(seed) == story(seed), "seed {seed}");
    }
}

#[test]
fn a_day_of_runs_with_every_fifth_call_failing_leaves_no_gap() {
    let (tally, gaps) = month(first_seed(), 1, 20).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(gaps.is_empty() && tally.executions > 280, "{tally}: {gaps:?}");
}
