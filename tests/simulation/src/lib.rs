//! Deterministic simulation of alarms runs.
//!
//! One seed makes a world: a small estate, a `fargaze.yaml`, points that go hot, vanish, arrive
//! late or are rewritten, and runs that are lost, crash, wait, come twice or run concurrently while
//! calls fail. The functions are the real ones with their SDK clients; AWS is the in-process fake,
//! time is virtual, and this crate plays the state machine. An independent model of the engine
//! (`model.rs`) computes after each call that took effect what the table must contain and which
//! notifications must have been sent. Worlds of EKS (`eks`) compare each sample of a snapshot with
//! the true pods and clusters and, where cAdvisor is read, each rate with the true work of a pod:
//! restarted containers leave their cgroup behind, disks and interfaces come and go. `cargo run -p
//! simulation -- --seed N` prints the story of a world.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test harness: a broken set-up should stop the test on the spot"
)]

mod chance;
mod check;
mod clock;
mod coverage;
mod eks;
mod ending;
mod fate;
mod item;
mod mail;
mod model;
mod player;
mod rule;
mod simulate;
mod snapshot;
mod truth;
mod verdict;
mod wire;
mod world;

pub use simulate::{Sort, Tally, Wrong, many, month, one};
