//! Serves a seeded estate until Ctrl-C, for benchmarks with clients of other make.
#![allow(
    clippy::disallowed_methods,
    reason = "the fake is where time comes from: it stands for AWS's own clocks"
)]

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use fake_aws::{Estate, FakeAws, MetricSet, SeededEstate};

const USAGE: &str = "usage: fake-aws [--port N] [--clusters K] [--services S] [--latency-ms N] [--buckets]";

/// What the command line asks for.
struct Arguments {
    port: u16,
    clusters: usize,
    services: usize,
    latency: Duration,
    buckets: bool,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let latency = Duration::ZERO;
        let mut found = Self { port: 0, clusters: 10, services: 10, latency, buckets: false };
        while let Some(word) = words.next() {
            if word == "--buckets" {
                found.buckets = true;
                continue;
            }
            let number: usize = words.next()?.parse().ok()?;
            match word.as_str() {
                "--port" => found.port = u16::try_from(number).ok()?,
                "--clusters" => found.clusters = number,
                "--services" => found.services = number,
                "--latency-ms" => found.latency = Duration::from_millis(number as u64),
                _ => return None,
            }
        }
        Some(found)
    }
}

#[tokio::main]
async fn main() -> std::io::Result<ExitCode> {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        writeln!(std::io::stderr(), "{USAGE}")?;
        return Ok(ExitCode::FAILURE);
    };
    let plan = SeededEstate {
        metrics: MetricSet::Both,
        ..SeededEstate::new(arguments.clusters, arguments.services, jiff::Timestamp::now())
    };
    let mut builder = FakeAws::builder(Estate::seeded(&plan)).latency(arguments.latency).port(arguments.port);
    if arguments.buckets {
        builder = builder.published_buckets();
    }
    let aws = builder.start().await;
    let topic = aws.edit(|world| {
        world.table("fargaze");
        world.bucket("fargaze");
        world.topic("fargaze")
    });
    let mut out = std::io::stdout();
    writeln!(out, "{}", aws.endpoint())?;
    writeln!(
        out,
        "export AWS_ENDPOINT_URL={} AWS_REGION={} AWS_ACCESS_KEY_ID=fake AWS_SECRET_ACCESS_KEY=fake",
        aws.endpoint(),
        plan.region
    )?;
    writeln!(out, "table fargaze, bucket fargaze, topic {topic}; now is {}", plan.now)?;

    tokio::signal::ctrl_c().await?;
    let meter = aws.meter();
    for (operation, calls) in meter.calls_by_operation() {
        writeln!(out, "{calls:>8}  {operation}")?;
    }
    let (sent, received) = meter.bytes();
    writeln!(
        out,
        "{} calls, {} throttled, {sent} bytes sent, {received} bytes received, {} metrics billed, ${:.4}",
        meter.count_all(),
        meter.throttled(),
        meter.billed_metrics,
        meter.dollars()
    )?;
    Ok(ExitCode::SUCCESS)
}
