//! The kernel's counters of a process, and the paths of the bootstraps.

use std::path::PathBuf;
use std::time::Duration;

/// Clock ticks a second in /proc: 100 on every Linux that Rust supports (proc(5),
/// `sysconf(_SC_CLK_TCK)`).
const TICK: Duration = Duration::from_millis(10);

/// The release bootstrap of a function.
pub(crate) fn bootstrap(function: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let path = target.join("release").join(function);
    assert!(path.exists(), "{} is not built; run `cargo build --release --workspace`", path.display());
    path
}

/// CPU time of a process, user and system. Nanoseconds come from `schedstat` where the kernel has
/// it, otherwise from ticks.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process has ended");
    let nanoseconds: Option<u64> = threads
        .map(|thread| {
            let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum();
    match nanoseconds {
        Some(nanoseconds) if nanoseconds > 0 => Duration::from_nanos(nanoseconds),
        _ => cpu_ticks(pid),
    }
}

fn cpu_ticks(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process has ended");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
    TICK * ticks
}

/// Peak resident memory of a process, in MiB.
pub(crate) fn peak_mebibytes(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process has ended");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024.0
}

/// Median, minimum and maximum of some figures.
pub(crate) fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    (figures[figures.len() / 2], figures[0], figures[figures.len() - 1])
}

/// A duration in milliseconds.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
