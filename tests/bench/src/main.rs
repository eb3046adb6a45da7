//! Measures fargaze against the fake AWS and prints Markdown: `cargo run --release -p bench --
//! [collect|logs|pods|start|throttle]`. `make figures` puts the tables into docs/performance.md,
//! between the markers that are printed around them.
//!
//! `collect`, `logs`, `pods` and `start` run the release bootstraps of this workspace as Lambda
//! would: real processes, real Runtime API, real clients over loopback. Build them first: `cargo
//! build --release --workspace`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made should end with the reason, and its output is the point"
)]

mod collect;
mod logs;
mod plan;
mod pods;
mod process;
mod start;
mod throttle;

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let all = wanted.is_empty();
    let known = ["collect", "logs", "pods", "start", "throttle"];
    if let Some(name) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        println!("unknown measurement `{name}`; there are {}", known.join(", "));
        std::process::exit(2);
    }
    if all || wanted.iter().any(|name| name == "collect") {
        collect::measure().await;
    }
    if all || wanted.iter().any(|name| name == "logs") {
        logs::measure().await;
    }
    if all || wanted.iter().any(|name| name == "pods") {
        pods::measure().await;
    }
    if all || wanted.iter().any(|name| name == "start") {
        start::measure().await;
    }
    if all || wanted.iter().any(|name| name == "throttle") {
        throttle::measure().await;
    }
}
