//! Deterministic simulation of alarms runs.
//!
//! A world is made of one seed: a small estate, a `fargaze.yaml`, points that go hot, vanish, come late or are rewritten,
//! and runs that are lost, die, wait, come twice or run beside each other while calls fail. The functions are the real
//! ones with their SDK clients, AWS is the fake in process, time is virtual, and the state machine is played here. A model
//! that knows nothing of the engine (`model.rs`) says after each call that took effect what the table must hold and what
//! people must have been told. Worlds of EKS (`eks`) hold each sample of a snapshot against pods and clusters as they
//! really are, and where cAdvisor is read, each rate against what a pod really did: restarted containers leave their
//! cgroup behind, disks and interfaces come and go. `cargo run -p simulation -- --seed N` tells the story of a world.
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
