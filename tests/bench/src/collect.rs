//! `collect-metrics` on estate L: 100 clusters x 10 services x 6 metrics, 20 ms a call, published quotas.

use std::time::{Duration, Instant};

use fake_aws::Estate;
use fake_aws::{Bootstrap, FakeAws, Meter, MetricSet, RuntimeApi, SeededEstate};
use fargaze::run::{Part, Run, RunKind, Target};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::process::{bootstrap, cpu_time, ms, peak_megabytes, spread};
use crate::start::SETTINGS;

const RUNS: usize = 20;
const LATENCY: Duration = Duration::from_millis(20);

/// The window of a default run: `LookbackMinutes` and the evaluation range of the rules.
const WINDOW: SignedDuration = SignedDuration::from_mins(67);
/// The window of tools that ask for the newest five minutes only.
const SHORT_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Rules that need six metrics of each service.
const SIX_METRICS: &str = "
rules:
  - &rule
    name: cpu
    what: cpu-percent-of-reservation
    threshold: 90 %
    comparison: GreaterThanThreshold
    evaluation-periods: 5
    datapoints-to-alarm: 3
  - <<: *rule
    name: memory
    what: memory-percent-of-reservation
  - <<: *rule
    name: tasks
    what: running-below-desired
    threshold: 0
";

pub(crate) async fn measure() {
    println!(
        "\n### collect-metrics, estate L (100 clusters x 10 services x 6 metrics), {RUNS} runs, 20 ms a call\n"
    );
    println!(
        "| run | calls | GetMetricData | metrics billed | $ | throttled | kB sent / received | wall s, median (min-max) | CPU ms | peak MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    one_row("fresh inventory, warm", WINDOW, true, false).await;
    one_row("fresh inventory, first event", WINDOW, true, true).await;
    one_row("the same with 5 points a metric", SHORT_WINDOW, true, false).await;
    one_row("inventory listed anew", WINDOW, false, true).await;
}

/// One kind of run. `cold` starts a new process for each; else one process serves all, after a first that does not count.
async fn one_row(name: &str, window: SignedDuration, fresh_inventory: bool, cold: bool) {
    let now: Timestamp = "2026-11-22T10:05:00Z".parse().unwrap();
    let mut estate = SeededEstate::new(100, 10, now);
    estate.metrics = MetricSet::ContainerInsights;
    let aws = FakeAws::builder(Estate::seeded(&estate)).latency(LATENCY).published_buckets().start().await;
    aws.edit(|world| world.bucket("bucket"));
    let version = aws.put_object("bucket", "fargaze.yaml", SIX_METRICS);
    let (mut walls, mut cpus, mut memories) = (Vec::new(), Vec::new(), Vec::new());
    let mut meter = Meter::default();
    let mut process: Option<(RuntimeApi, Bootstrap)> = None;
    let runs = if fresh_inventory { RUNS } else { 5 };
    for number in 0..=runs {
        // Each run has a time of its own, so that none finds the snapshot of another.
        let time = now + SignedDuration::from_secs(1) * i32::try_from(number).unwrap();
        if !fresh_inventory {
            // A cache that cannot be read is listed anew like an old one. The buckets of the API fill up first, as they
            // would in the hour between two listings.
            aws.put_object("bucket", "inventory/123456789012/eu-west-1/1-of-1.json.gz", "damaged");
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        if cold || process.is_none() {
            drop(process.take());
            let runtime = RuntimeApi::start().await;
            let mut settings = SETTINGS.to_vec();
            settings.push(("AWS_ENDPOINT_URL", aws.endpoint()));
            let bootstrap = Bootstrap::spawn(bootstrap("collect-metrics"), &settings, &runtime).unwrap();
            bootstrap.first_next().await.unwrap();
            process = Some((runtime, bootstrap));
        }
        let (_, bootstrap) = process.as_ref().unwrap();
        aws.reset_meter();
        let (started, cpu) = (Instant::now(), cpu_time(bootstrap.pid()));
        bootstrap
            .invoke(&task(time, window, &version), Duration::from_secs(120))
            .await
            .expect("the function failed");
        let (wall, cpu) = (started.elapsed(), cpu_time(bootstrap.pid()).saturating_sub(cpu));
        if number > 0 {
            walls.push(wall.as_secs_f64());
            cpus.push(ms(cpu));
            memories.push(peak_megabytes(bootstrap.pid()));
            meter = aws.meter();
        }
    }
    let (wall, fastest, slowest) = spread(walls);
    let (sent, received) = meter.bytes();
    println!(
        "| {name} | {} | {} | {} | {:.3} | {} | {} / {} | {wall:.3} ({fastest:.3}-{slowest:.3}) | {:.0} | {:.1} |",
        meter.count_all(),
        meter.count("cloudwatch:GetMetricData"),
        meter.billed_metrics,
        meter.dollars(),
        meter.throttled(),
        sent / 1000,
        received / 1000,
        spread(cpus).0,
        spread(memories).0,
    );
}

fn task(time: Timestamp, window: SignedDuration, version: &str) -> serde_json::Value {
    let delay = SignedDuration::from_mins(2);
    let run = Run::new(RunKind::Alarms, time, delay, window, Some(version.to_owned()));
    let target = Target {
        platform: fargaze::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    json!({"run": run, "target": target})
}
