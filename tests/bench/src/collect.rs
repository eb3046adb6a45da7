//! `collect-metrics` on estate L: 100 clusters x 10 services x 6 metrics, 20 ms a call, published
//! quotas.

use std::time::Duration;

use fake_aws::{Bootstrap, Estate, FakeAws, Meter, MetricSet, RuntimeApi, SeededEstate, Series, SeriesKey};
use fargaze::model::run::{Part, Run, RunKind, Target};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::plan::put_plan;
use crate::process::{bootstrap, cpu_time, ms, peak_mebibytes, spread};
use crate::start::SETTINGS;

const RUNS: usize = 20;
const LATENCY: Duration = Duration::from_millis(20);
const BUCKET: &str = "bucket";

/// The window of a default run: `LookbackMinutes`, half of it again, and the evaluation range of
/// the rules.
const WINDOW: SignedDuration = SignedDuration::from_mins(97);
/// The window of tools that ask for the newest five minutes only.
const SHORT_WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// Interval between runs that continue from each other.
const APART: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of calls of a run that continues from the previous snapshot.
const MOST_CALLS: usize = 19;
/// Maximum number of bytes that it receives.
const MOST_RECEIVED: usize = 1_500_000;
/// Maximum CPU time of such a run. It was set where five points per metric took 16 ms; other
/// machines are scaled by that.
const MOST_CPU_MS: f64 = 24.0;
const MOST_CPU_OF_FIVE_POINTS: f64 = MOST_CPU_MS / 16.0;
/// Maximum memory of such a run.
const MOST_MEBIBYTES: f64 = 22.0;

/// Rules that need six metrics of each service.
const SIX_METRICS: &str = "
built-in-rules: none
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

const SIX_NAMES: [&str; 6] = [
    "CpuUtilized",
    "CpuReserved",
    "MemoryUtilized",
    "MemoryReserved",
    "RunningTaskCount",
    "DesiredTaskCount",
];

/// One kind of run.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    window: SignedDuration,
    fresh_inventory: bool,
    /// Starts a new process for each run; otherwise one process serves all, after a warm-up run
    /// that does not count.
    cold: bool,
    /// Each run finds the snapshot of the run five minutes before; otherwise none does.
    continues: bool,
    /// One in this many services has a gap in the lookback; none if it is zero.
    gappy: usize,
}

/// The cost of the runs of a row.
struct Figures {
    meter: Meter,
    /// Bytes of the snapshot.
    stored: usize,
    cpu: f64,
    mebibytes: f64,
}

impl Figures {
    /// Prints a row. `mebibytes` is the peak memory of a process without an earlier run.
    fn print(&self, name: &str, mebibytes: Option<f64>) {
        let Self { meter, stored, cpu, .. } = self;
        let (sent, received) = meter.bytes();
        let memory = mebibytes.map_or_else(|| "-".to_owned(), |mebibytes| format!("{mebibytes:.1}"));
        println!(
            "| {name} | {} | {} | {} | {:.3} | {} | {} / {} | {} | {cpu:.0} | {memory} |",
            meter.count_all(),
            meter.count("cloudwatch:GetMetricData"),
            meter.billed_metrics,
            meter.dollars(),
            meter.throttled(),
            sent / 1000,
            received / 1000,
            stored / 1000,
        );
    }
}

pub(crate) async fn measure() {
    println!("\n<!-- figures: collect-metrics -->");
    println!(
        "| run | calls | `GetMetricData` | metrics billed | $ | throttled | kB sent / received | snapshot kB | CPU ms | peak MiB of a new process |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let warm = Row {
        name: "the first run: 97 points of each metric",
        window: WINDOW,
        fresh_inventory: true,
        cold: false,
        continues: false,
        gappy: 0,
    };
    let continued =
        Row { name: "a run that continues: 8 points, and the snapshot before", continues: true, ..warm };
    one_row(warm).await.print(warm.name, None);
    let steady = one_row(continued).await;
    let cold = one_row(Row { cold: true, ..continued }).await;
    steady.print(continued.name, Some(cold.mebibytes));
    let gappy = Row { name: "the same, 5 % of the services with gaps", gappy: 20, ..continued };
    one_row(gappy).await.print(gappy.name, None);
    let short = Row { name: "5 points a metric, no snapshot before", window: SHORT_WINDOW, ..warm };
    let five = one_row(short).await;
    five.print(short.name, None);
    let listing =
        Row { name: "the first run, inventory listed again", fresh_inventory: false, cold: true, ..warm };
    let listed = one_row(listing).await;
    listed.print(listing.name, Some(listed.mebibytes));
    println!("<!-- end -->");
    hold(&steady, &cold, &five);
}

/// Fails the measurement if a limit is exceeded. The memory is that of a process without a warm-up
/// run.
fn hold(steady: &Figures, cold: &Figures, five: &Figures) {
    let (calls, (_, received)) = (steady.meter.count_all(), steady.meter.bytes());
    assert!(calls <= MOST_CALLS, "{calls} calls, at most {MOST_CALLS}");
    assert!(received <= MOST_RECEIVED, "{received} bytes received, at most {MOST_RECEIVED}");
    let most = MOST_CPU_MS.max(MOST_CPU_OF_FIVE_POINTS * five.cpu);
    assert!(steady.cpu <= most, "{:.0} ms of CPU, at most {most:.0}", steady.cpu);
    assert!(cold.mebibytes <= MOST_MEBIBYTES, "{:.1} MiB, at most {MOST_MEBIBYTES}", cold.mebibytes);
}

/// Measures one kind of run.
async fn one_row(row: Row) -> Figures {
    let Row { window, fresh_inventory, cold, continues, gappy, .. } = row;
    let now: Timestamp = "2026-11-22T10:05:00Z".parse().unwrap();
    let mut estate = SeededEstate::new(100, 10, now);
    estate.metrics = MetricSet::ContainerInsights;
    // The lookback of the first of the runs.
    estate.minutes = 360;
    let mut home = Estate::seeded(&estate);
    if gappy > 0 {
        drop_points(&mut home, &estate, gappy);
    }
    let aws = FakeAws::builder(home).latency(LATENCY).published_buckets().start().await;
    aws.edit(|world| world.bucket(BUCKET));
    let version = aws.put_object(BUCKET, "fargaze.yaml", SIX_METRICS);
    let (mut cpus, mut memories) = (Vec::new(), Vec::new());
    let (mut meter, mut stored) = (Meter::default(), 0);
    let mut process: Option<(RuntimeApi, Bootstrap)> = None;
    let runs = if fresh_inventory { RUNS } else { 5 };
    for number in 0..=runs {
        let number = i32::try_from(number).unwrap();
        // Runs that must not find a snapshot go back in time: only earlier ones are continued.
        let time = if continues {
            now - APART * (i32::try_from(runs).unwrap() - number)
        } else {
            now - SignedDuration::from_secs(1) * number
        };
        if !fresh_inventory {
            // An unreadable cache is replaced by a new listing, like an old one. The API buckets
            // refill first, as they would in the hour between two listings.
            aws.put_object(BUCKET, "inventory/123456789012/eu-west-1/1-of-1.json.gz", "damaged");
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
        let cpu = cpu_time(bootstrap.pid());
        // The first run lists the inventory. Where no run may find a snapshot it is a report, which
        // leaves no alarms snapshot, before all others.
        let lists_only = number == 0 && !continues;
        let (kind, time) = if lists_only {
            (RunKind::Report, now - SignedDuration::from_mins(1))
        } else {
            (RunKind::Alarms, time)
        };
        let run = run(kind, time, window, &version);
        let plan = put_plan(&aws, BUCKET, &run, target());
        bootstrap
            .invoke(&json!({"plan": plan, "target": 0}), Duration::from_secs(120))
            .await
            .expect("the function failed");
        let cpu = cpu_time(bootstrap.pid()).saturating_sub(cpu);
        // As evaluate-alarms finishes.
        aws.put_object(BUCKET, &target().outcome_key(&run), "{}");
        // Every ten minutes a run checks the inventory as well; a separate test counts the cost.
        let checks = continues && aws.meter().count("ecs:ListClusters") > 0;
        if number > 0 && !checks {
            cpus.push(ms(cpu));
            memories.push(peak_mebibytes(bootstrap.pid()));
            meter = aws.meter();
            stored = aws.object(BUCKET, &target().snapshot_key(&run)).unwrap().len();
        }
    }
    Figures { meter, stored, cpu: spread(cpus).0, mebibytes: spread(memories).0 }
}

/// Removes every third minute of one in this many services.
fn drop_points(home: &mut Estate, estate: &SeededEstate, gappy: usize) {
    let start = estate.now - SignedDuration::from_mins(i64::try_from(estate.minutes).unwrap());
    let values: Vec<f64> =
        (0..estate.minutes).map(|minute| if minute % 3 == 0 { f64::NAN } else { 40.125 }).collect();
    for number in (0..estate.clusters * estate.services_per_cluster).step_by(gappy) {
        let (cluster, service) = (number / estate.services_per_cluster, number % estate.services_per_cluster);
        let (cluster, service) = (format!("cluster-{cluster:03}"), format!("service-{service:02}"));
        let dimensions = [("ClusterName", cluster.as_str()), ("ServiceName", &service)];
        for name in SIX_NAMES {
            let key = SeriesKey::new("ECS/ContainerInsights", name, &dimensions);
            home.put_series(key, Series::of_values(start, &values));
        }
    }
}

fn run(kind: RunKind, time: Timestamp, window: SignedDuration, version: &str) -> Run {
    Run::new(kind, time, SignedDuration::from_mins(2), window, Some(version.to_owned()))
}

fn target() -> Target {
    Target {
        platform: fargaze::model::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    }
}
