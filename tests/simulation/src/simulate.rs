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

/// Bytes of stack of a thread that plays worlds.
const STACK: usize = 16 << 20;

/// Which worlds there are: those of one sort have nothing to do with those of the other of the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Clusters of ECS.
    Ecs,
    /// Clusters of EKS, perhaps beside some of ECS.
    Eks,
}

/// What came of worlds in which all was well.
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
    /// Second copies of a notice, all in the window that the documentation names.
    pub copies: usize,
    /// Alarms with a gap in what was judged of them.
    pub gaps: usize,
}

/// A world in which something was wrong.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// What there is in it.
    pub sort: Sort,
    /// Its seed.
    pub seed: u64,
    /// What was wrong.
    pub why: String,
    /// What happened, line by line; empty unless asked for.
    pub story: Vec<String>,
}

/// A world and all that happened in it.
#[derive(Debug, Clone)]
struct Told {
    tally: Tally,
    why: Option<String>,
    story: Vec<String>,
    gaps: Vec<String>,
}

/// What was not judged although it was there, alarm by alarm.
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

/// On a thread of its own: the futures of all functions in one are large without optimisation.
fn live(fate: Fate, story: bool) -> Told {
    let thread = thread::Builder::new().stack_size(STACK);
    thread.spawn(move || live_here(fate, story)).unwrap().join().unwrap()
}

/// The line as it is in every Region: also the name of a plan follows from it.
fn of_any_region(line: &str, region: &str) -> String {
    const HASH: usize = 16;
    let line = line.replace(region, "eu-west-1");
    match line.split_once("/plan-") {
        Some((before, plan)) => format!("{before}/plan-…{}", plan.get(HASH..).unwrap_or_default()),
        None => line,
    }
}

fn live_here(fate: Fate, story: bool) -> Told {
    static REGIONS: AtomicU64 = AtomicU64::new(1);
    // The client of Kubernetes draws from it how long it waits.
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
        // The Region is the world's own, and no part of the story.
        let story = story.into_iter().map(|line| of_any_region(&line, &region)).collect();
        Told { tally, why: checker.failure.clone(), story, gaps }
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
    let Told { tally, why, story, .. } = live(sort.fate(seed), true);
    match why {
        None => Ok((tally, story)),
        Some(why) => Err(Wrong { sort, seed, why, story }),
    }
}

/// So many virtual days of runs every five minutes, with so many calls of a hundred failing. Returns the gaps in what was
/// judged.
pub fn month(seed: u64, days: Minute, failing: i64) -> Result<(Tally, Vec<String>), Wrong> {
    let Told { tally, why, story, gaps } = live(Fate::of_days(seed, days, failing), false);
    match why {
        None => Ok((tally, gaps)),
        Some(why) => Err(Wrong { sort: Sort::Ecs, seed, why, story }),
    }
}

/// Worlds of a sort from this seed on, until so many executions have taken place; on all processors. `progress` hears after
/// each world how many had taken place before and have now.
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
            let notified = live(sort.fate(seed), false);
            let before = done.fetch_add(notified.tally.executions, Ordering::Relaxed);
            progress(before, before + notified.tally.executions);
            lock(&tally).add(notified.tally);
            if let Some(why) = notified.why {
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
            "{why}\nThe world of seed {seed}; `cargo run -p simulation -- {sort}--seed {seed}` tells its story."
        )
    }
}
