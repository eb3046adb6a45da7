//! 4,000 runs in random worlds, some with EKS clusters, the same world twice, and days of failing
//! calls.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a broken setting stops the test; the tally is worth a line"
)]

use std::hash::{BuildHasher, RandomState};

use simulation::{Sort, many, month, one};

/// Runs of a normal test run. `make simulate` plays a million.
const RUNS: usize = 4_000;

/// Runs in worlds with EKS clusters, which take twice the time.
const RUNS_ON_EKS: usize = 600;

/// The seeds are new each time, or consecutive from `FARGAZE_SEED`.
fn first_seed() -> u64 {
    let fixed =
        std::env::var("FARGAZE_SEED").ok().map(|text| text.parse().expect("FARGAZE_SEED is a number"));
    fixed.unwrap_or_else(|| RandomState::new().hash_one(0) >> 16)
}

#[test]
fn nothing_is_lost_and_nothing_is_sent_twice_whatever_happens_to_the_runs() {
    let tally = many(Sort::Ecs, RUNS, first_seed(), |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{tally}");
    assert!(tally.executions >= RUNS && tally.began > RUNS / 20, "too little happened: {tally}");
}

#[test]
fn the_same_holds_with_clusters_of_eks() {
    let tally =
        many(Sort::Eks, RUNS_ON_EKS, first_seed(), |_, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{tally}");
    assert!(
        tally.executions >= RUNS_ON_EKS && tally.began > RUNS_ON_EKS / 10,
        "too little happened: {tally}"
    );
}

#[test]
fn a_seed_gives_the_same_story_each_time() {
    let story = |sort, seed| one(sort, seed).unwrap_or_else(|wrong| panic!("{wrong}"));
    for (sort, seed) in [(Sort::Ecs, 3), (Sort::Ecs, 7), (Sort::Eks, 3), (Sort::Eks, 7)] {
        assert!(story(sort, seed) == story(sort, seed), "{sort:?}, seed {seed}");
    }
}

#[test]
fn a_day_of_runs_with_every_fifth_call_failing_leaves_no_gap() {
    let (tally, gaps) = month(first_seed(), 1, 20).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(gaps.is_empty() && tally.executions > 280, "{tally}: {gaps:?}");
}
