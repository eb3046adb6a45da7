//! Worlds, one or many.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::check::Checker;
use crate::clock::Minute;
use crate::ending;
use crate::fate::Fate;
use crate::model::Kind;
use crate::wire::lock;
use crate::world::World;

/// Stack size in bytes of a thread that plays worlds.
const STACK: usize = 16 << 20;

/// The sorts of worlds: worlds of different sorts with the same seed are unrelated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Clusters of ECS.
    Ecs,
    /// EKS clusters, possibly with ECS clusters.
    Eks,
}

/// The totals of worlds without errors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Worlds.
    pub worlds: usize,
    /// Executions of the state machine.
    pub executions: usize,
    /// Calls of the functions.
    pub calls: usize,
    /// Notices that were found, of any kind.
    pub notices: usize,
    /// Alarms that began.
    pub began: usize,
    /// Second copies of a notice, all in the documented window.
    pub copies: usize,
    /// Alarms with a gap in their evaluation.
    pub gaps: usize,
}

/// A world with an error.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// Its sort.
    pub sort: Sort,
    /// Its seed.
    pub seed: u64,
    /// The error.
    pub why: String,
    /// The events, line by line; empty unless requested.
    pub story: Vec<String>,
}

/// The result of a world.
#[derive(Debug, Clone)]
struct Ended {
    tally: Tally,
    why: Option<String>,
    story: Vec<String>,
    gaps: Vec<String>,
}

/// Gaps in the evaluation of existing subjects, alarm by alarm.
fn gaps(checker: &Checker) -> Vec<String> {
    let with_gaps = checker.coverage.iter().filter_map(|(key, coverage)| {
        let (_, subject) = key.split_once('#')?;
        let is_there = |(from, to): &&(Minute, Minute)| {
            (*from..=*to).any(|minute| checker.truth.is_there(subject, minute))
        };
        let gaps: Vec<_> = coverage.gaps.iter().filter(is_there).collect();
        (!gaps.is_empty()).then(|| format!("{key}: {gaps:?}"))
    });
    with_gaps.collect()
}

/// On a separate thread: the futures of all functions in one are large without optimization.
fn live(fate: Fate, story: bool) -> Ended {
    let thread = thread::Builder::new().stack_size(STACK);
    thread.spawn(move || live_here(fate, story)).unwrap().join().unwrap()
}

/// The line without the Region: the name of a plan depends on it, too.
fn of_any_region(line: &str, region: &str) -> String {
    const HASH: usize = 16;
    let line = line.replace(region, "eu-west-1");
    match line.split_once("/plan-") {
        Some((before, plan)) => format!("{before}/plan-…{}", plan.get(HASH..).unwrap_or_default()),
        None => line,
    }
}

fn live_here(fate: Fate, story: bool) -> Ended {
    static REGIONS: AtomicU64 = AtomicU64::new(1);
    // The Kubernetes client draws its wait times from it.
    fastrand::seed(fate.seed);
    let region = format!("eu-west-{}", REGIONS.fetch_add(1, Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let mut world = World::new(fate, region.clone(), story);
        world.live().await;
        let mut checker = lock(&world.player.wire.checker);
        if checker.failure.is_none()
            && let Some(why) = ending::wrong(&checker, &world.rules, world.lookback())
        {
            checker.fail(why);
        }
        let gaps = gaps(&checker);
        let tally = Tally {
            worlds: 1,
            executions: world.executions,
            calls: checker.calls,
            notices: checker.notices.len(),
            began: checker.count(Kind::Began),
            copies: checker.copies,
            gaps: gaps.len(),
        };
        let story = checker.story.take().unwrap_or_default();
        // The Region belongs to the world and is not part of the story.
        let story = story.into_iter().map(|line| of_any_region(&line, &region)).collect();
        Ended { tally, why: checker.failure.clone(), story, gaps }
    })
}

impl Sort {
    fn fate(self, seed: u64) -> Fate {
        match self {
            Self::Ecs => Fate::any(seed),
            Self::Eks => Fate::of_eks(seed),
        }
    }
}

/// The world of this seed, with its story.
pub fn one(sort: Sort, seed: u64) -> Result<(Tally, Vec<String>), Wrong> {
    let Ended { tally, why, story, .. } = live(sort.fate(seed), true);
    match why {
        None => Ok((tally, story)),
        Some(why) => Err(Wrong { sort, seed, why, story }),
    }
}

/// This many virtual days of runs every five minutes, with this percentage of failing calls.
/// Returns the gaps in the evaluation.
pub fn month(seed: u64, days: Minute, failing: i64) -> Result<(Tally, Vec<String>), Wrong> {
    let Ended { tally, why, story, gaps } = live(Fate::of_days(seed, days, failing), false);
    match why {
        None => Ok((tally, gaps)),
        Some(why) => Err(Wrong { sort: Sort::Ecs, seed, why, story }),
    }
}

/// Worlds of a sort from this seed on, until this many executions have run; on all processors.
/// `progress` receives after each world the number of executions before it and now.
pub fn many(
    sort: Sort,
    executions: usize,
    first: u64,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Tally, Wrong> {
    let (next, done) = (AtomicU64::new(first), AtomicUsize::new(0));
    let (tally, wrong) = (Mutex::new(Tally::default()), Mutex::new(None::<Wrong>));
    let work = || {
        while done.load(Ordering::Relaxed) < executions && lock(&wrong).is_none() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let ended = live(sort.fate(seed), false);
            let before = done.fetch_add(ended.tally.executions, Ordering::Relaxed);
            progress(before, before + ended.tally.executions);
            lock(&tally).add(ended.tally);
            if let Some(why) = ended.why {
                lock(&wrong).get_or_insert(Wrong { sort, seed, why, story: Vec::new() });
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    match lock(&wrong).take() {
        Some(wrong) => Err(wrong),
        None => Ok(*lock(&tally)),
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.executions += other.executions;
        self.calls += other.calls;
        self.notices += other.notices;
        self.began += other.began;
        self.copies += other.copies;
        self.gaps += other.gaps;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { worlds, executions, calls, notices, began, copies, gaps } = self;
        write!(
            f,
            "{executions} runs in {worlds} worlds with {calls} calls: {notices} notices, of them {began} beginnings; {copies} second copies, all in \
             the documented window; {gaps} alarms with a gap"
        )
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in &self.story {
            writeln!(f, "{line}")?;
        }
        let Self { sort, seed, why, .. } = self;
        let sort = if *sort == Sort::Eks { "--eks " } else { "" };
        write!(
            f,
            "{why}\nThe world of seed {seed}; `cargo run -p simulation -- {sort}--seed {seed}` prints its story."
        )
    }
}
