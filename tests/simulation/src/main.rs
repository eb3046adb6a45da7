//! The simulation on the command line; `--help` shows its arguments.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

use std::process::ExitCode;
use std::time::Instant;

use simulation::{Sort, Tally, Wrong, many, month, one};

const USAGE: &str = "\
simulation [--eks] RUNS [SEED]
                              worlds from SEED (1) on until so many runs have taken place; with --eks, worlds with clusters of EKS
simulation [--eks] --seed SEED
                              the story of one world
simulation --days DAYS [SEED] so many days of runs every five minutes, with 20 % of all calls failing; lists what was not judged";

/// Percent of the calls that fail in `--days`.
const FAILING: i64 = 20;

/// The command-line arguments.
#[derive(Debug, Clone, Copy)]
enum Command {
    Runs { sort: Sort, runs: usize, first: u64 },
    Story { sort: Sort, seed: u64 },
    Days { days: i64, seed: u64 },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if arguments == ["--help"] {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(asked) = read(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let started = Instant::now();
    match play(asked) {
        Ok(tally) => {
            println!("{tally}; {:.0} s", started.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[&str]) -> Option<Command> {
    let (sort, arguments) = match arguments {
        ["--eks", rest @ ..] => (Sort::Eks, rest),
        all => (Sort::Ecs, all),
    };
    Some(match arguments {
        ["--seed", seed] => Command::Story { sort, seed: seed.parse().ok()? },
        ["--days", days] if sort == Sort::Ecs => Command::Days { days: days.parse().ok()?, seed: 1 },
        ["--days", days, seed] if sort == Sort::Ecs => {
            Command::Days { days: days.parse().ok()?, seed: seed.parse().ok()? }
        }
        [runs] => Command::Runs { sort, runs: runs.parse().ok()?, first: 1 },
        [runs, first] => Command::Runs { sort, runs: runs.parse().ok()?, first: first.parse().ok()? },
        _ => return None,
    })
}

fn play(asked: Command) -> Result<Tally, Wrong> {
    match asked {
        Command::Runs { sort, runs, first } => {
            let step = (runs / 20).max(1);
            many(sort, runs, first, |before, after| {
                if before / step < after / step {
                    println!("{after} runs");
                }
            })
        }
        Command::Story { sort, seed } => {
            let (tally, story) = one(sort, seed)?;
            story.iter().for_each(|line| println!("{line}"));
            Ok(tally)
        }
        Command::Days { days, seed } => {
            let (tally, gaps) = month(seed, days, FAILING)?;
            gaps.iter().for_each(|gap| println!("not evaluated: {gap}"));
            Ok(tally)
        }
    }
}
