//! `collect-pods` on 20 EKS clusters with 1,000 pods each, 20 ms per call to either API.

use std::time::{Duration, Instant};

use fake_aws::{Bootstrap, EksClusterSpec, Estate as AwsEstate, FakeAws, RuntimeApi};
use fake_kubernetes::{Estate, FakeKubernetes, Handle, Identity};
use fargaze::model::run::{Part, Platform, Run, RunKind, Target};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::plan::put_plan;
use crate::process::{bootstrap, cpu_time, ms, peak_mebibytes, spread};
use crate::start::SETTINGS;

const CLUSTERS: u64 = 20;
const PODS: usize = 1_000;
const LATENCY: Duration = Duration::from_millis(20);
/// Warm-up runs: after these the window of the rules is full of samples.
const BEFORE: i32 = 5;
const RUNS: i32 = 6;
const APART: SignedDuration = SignedDuration::from_mins(5);

const MOST_SECONDS: f64 = 3.0;
const MOST_MEBIBYTES: f64 = 44.0;

/// Fails if a limit is exceeded.
pub(crate) async fn measure() {
    println!("\n<!-- figures: collect-pods -->");
    println!(
        "| run | calls of AWS | of Kubernetes | kB received | wall s, median (min-max) | CPU ms | peak MiB | snapshot kB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let estate = BigEstate::start().await;
    let marks = [estate.row("warm", false).await, estate.row("first event of a process", true).await];
    println!("<!-- end -->");
    for (seconds, mebibytes) in marks {
        assert!(seconds < MOST_SECONDS, "{seconds:.2} s, which is over {MOST_SECONDS} s");
        assert!(mebibytes < MOST_MEBIBYTES, "{mebibytes:.1} MiB, which is over {MOST_MEBIBYTES} MiB");
    }
}

struct BigEstate {
    aws: FakeAws,
    clusters: Vec<Handle>,
    now: Timestamp,
}

impl BigEstate {
    #[allow(clippy::disallowed_methods, reason = "tokens are checked by the machine's clock")]
    async fn start() -> Self {
        let now = Timestamp::from_second(Timestamp::now().as_second() / 60 * 60).unwrap();
        let (mut aws, mut clusters) = (AwsEstate::new("123456789012", "eu-west-1").now(now), Vec::new());
        for number in 0..CLUSTERS {
            let name = format!("cluster-{number:02}");
            let mut estate = Estate::seeded(number, PODS, now);
            estate.now = None;
            estate.latency = LATENCY;
            // The cost of the server is not measured.
            estate.keep_answers = true;
            estate.cluster.clone_from(&name);
            // The keys that a bootstrap gets.
            estate.identities = vec![Identity {
                secret_access_key: "fake-secret-access-key".to_owned(),
                session_token: None,
                ..Identity::collector()
            }];
            let server = FakeKubernetes::start(estate).await;
            aws = aws.eks(EksClusterSpec::new(&name).at(&server.endpoint(), server.ca_base64()));
            clusters.push(server);
        }
        let aws = FakeAws::builder(aws).latency(LATENCY).published_buckets().start().await;
        aws.edit(|world| world.bucket("bucket"));
        Self { aws, clusters, now }
    }

    /// One kind of run; returns the median wall time and the maximum memory. `cold` starts a new
    /// process for each.
    async fn row(&self, name: &str, cold: bool) -> (f64, f64) {
        // Each row has its own day, so that none continues from the samples of another.
        let begin = self.now + SignedDuration::from_hours(if cold { 48 } else { 24 });
        let (mut walls, mut cpus, mut memories) = (Vec::new(), Vec::new(), Vec::new());
        let mut process: Option<(RuntimeApi, Bootstrap)> = None;
        let (mut counted, mut collected) = ((0, 0), serde_json::Value::Null);
        for number in 0..BEFORE + RUNS {
            if cold || process.is_none() {
                drop(process.take());
                let runtime = RuntimeApi::start().await;
                let mut settings = SETTINGS.to_vec();
                settings.push(("AWS_ENDPOINT_URL", self.aws.endpoint()));
                let bootstrap = Bootstrap::spawn(bootstrap("collect-pods"), &settings, &runtime).unwrap();
                bootstrap.first_next().await.unwrap();
                process = Some((runtime, bootstrap));
            }
            let (_, bootstrap) = process.as_ref().unwrap();
            self.aws.reset_meter();
            let before = self.counted();
            let (started, cpu) = (Instant::now(), cpu_time(bootstrap.pid()));
            let answer = bootstrap
                .invoke(&self.task(begin + APART * number), Duration::from_secs(120))
                .await
                .expect("the function failed");
            let (wall, cpu) = (started.elapsed(), cpu_time(bootstrap.pid()).saturating_sub(cpu));
            if number >= BEFORE {
                walls.push(wall.as_secs_f64());
                cpus.push(ms(cpu));
                memories.push(peak_mebibytes(bootstrap.pid()));
                let after = self.counted();
                counted = (after.0 - before.0, after.1 - before.1);
                collected = answer;
            }
        }
        let (wall, fastest, slowest) = spread(walls);
        let memory = spread(memories).2;
        let snapshot = collected["snapshot"]["key"].as_str().expect("a snapshot");
        println!(
            "| {name} | {} | {} | {} | {wall:.2} ({fastest:.2}-{slowest:.2}) | {:.0} | {memory:.1} | {} |",
            self.aws.meter().count_all(),
            counted.0,
            counted.1 / 1000,
            spread(cpus).0,
            self.aws.object("bucket", snapshot).expect("the snapshot").len() / 1000,
        );
        (wall, memory)
    }

    fn task(&self, time: Timestamp) -> serde_json::Value {
        let (delay, window) = (SignedDuration::from_mins(2), SignedDuration::from_hours(1));
        let run = Run::new(RunKind::Alarms, time, delay, window, None);
        let target = Target {
            platform: Platform::Eks,
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            part: Part::WHOLE,
            role: None,
        };
        json!({"plan": put_plan(&self.aws, "bucket", &run, target), "target": 0})
    }

    /// Kubernetes calls and bytes of their responses so far.
    fn counted(&self) -> (usize, usize) {
        let meters = self.clusters.iter().map(Handle::meter);
        meters.fold((0, 0), |(calls, bytes), meter| (calls + meter.calls.len(), bytes + meter.bytes()))
    }
}
