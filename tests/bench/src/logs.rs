//! `collect-logs` on 1,000 services with a log group each, and 20 saved queries over 500 log groups:
//! 20 ms a call, published quotas.

use std::time::{Duration, Instant};

use fake_aws::{Bootstrap, ClusterSpec, Estate, FakeAws, LogGroupSpec, Meter, RuntimeApi, ServiceSpec};
use fargaze::invocation::states::Plan;
use fargaze::model::run::{Part, Platform, Run, RunKind, Target};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::process::{bootstrap, cpu_time, ms, peak_mebibytes};
use crate::start::SETTINGS;

const CLUSTERS: usize = 10;
const SERVICES: usize = 1_000;
const GROUPS: usize = 500;
const QUERIES: usize = 20;
const LATENCY: Duration = Duration::from_millis(20);
const BUCKET: &str = "bucket";
/// As in template.yaml.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Most calls of ECS for 1,000 services whose revisions are known, besides one `ListTasks` per
/// cluster.
const MOST_CALLS: usize = 3;
/// The most that describing new revisions may take, as a multiple of the quota's floor.
const MOST_OVER_FLOOR: f64 = 1.05;

/// Calls that wait for a token, and the published bucket: how many at once, and how many a second.
#[derive(Clone, Copy)]
struct Paced {
    operation: &'static str,
    burst: usize,
    per_second: f64,
}

impl Paced {
    /// The seconds that so many calls take at least.
    fn floor(self, calls: usize) -> f64 {
        u32::try_from(calls.saturating_sub(self.burst)).map_or(f64::MAX, f64::from) / self.per_second
    }

    /// The seconds from the first of these calls to the last.
    fn took(self, meter: &Meter) -> f64 {
        let at = || meter.calls.iter().filter(|call| call.operation == self.operation).map(|call| call.at);
        let span = at().max().zip(at().min()).map(|(last, first)| last.saturating_sub(first));
        span.unwrap_or_default().as_secs_f64()
    }
}

const REVISIONS: Paced = Paced { operation: "ecs:DescribeTaskDefinition", burst: 50, per_second: 20.0 };
const STARTS: Paced = Paced { operation: "logs:StartQuery", burst: 10, per_second: 10.0 };
const ANSWERS: Paced = Paced { operation: "logs:GetQueryResults", burst: 10, per_second: 10.0 };

/// Fails if a limit is exceeded.
pub(crate) async fn measure() {
    println!("\n<!-- figures: collect-logs -->");
    println!(
        "| step | calls of ECS | of CloudWatch Logs | of CloudWatch | throttled | s between the first and the last paced call | the quota's floor, s | wall s | CPU ms | peak MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let audited = Audited::start().await;
    // The state of the audit has a minute: what is left is described by the next report.
    let new = audited.row("audit of 1,000 services, all revisions new", 0, Some(REVISIONS)).await;
    let rest = audited.row("the next report, which describes the rest", 1, Some(REVISIONS)).await;
    let known = audited.row("audit of 1,000 services, all revisions known", 2, None).await;
    let queried = Queried::start().await;
    let started = queried.row("start of 20 queries over 500 log groups", "start-queries", STARTS).await;
    let read = queried.row("reading their answers", "read-queries", ANSWERS).await;
    println!("<!-- end -->");
    let (took, floor) = (REVISIONS.took(&new) + REVISIONS.took(&rest), REVISIONS.floor(SERVICES));
    assert!(took <= floor * MOST_OVER_FLOOR, "{took:.1} s for the revisions, the floor is {floor} s");
    let more = calls(&known, "ecs:") - CLUSTERS;
    assert!(more <= MOST_CALLS, "{more} calls more, at most {MOST_CALLS}");
    assert_eq!(new.count(REVISIONS.operation) + rest.count(REVISIONS.operation), SERVICES);
    assert_eq!(known.count(REVISIONS.operation), 0);
    // A query takes 50 log groups.
    let parts = QUERIES * GROUPS / 50;
    assert_eq!((started.count(STARTS.operation), read.count(ANSWERS.operation)), (parts, parts));
    for meter in [new, rest, known, started, read] {
        assert_eq!(meter.throttled(), 0, "throttled");
    }
}

fn calls(meter: &Meter, service: &str) -> usize {
    meter.calls.iter().filter(|call| call.operation.starts_with(service)).count()
}

/// Does one step in a new process, prints its row, and returns its calls.
async fn step(aws: &FakeAws, name: &str, event: &Value, paced: Option<Paced>) -> Meter {
    let runtime = RuntimeApi::start().await;
    let process = spawn(aws, "collect-logs", &runtime).await;
    aws.reset_meter();
    let (started, cpu) = (Instant::now(), cpu_time(process.pid()));
    process.invoke(event, TIMEOUT).await.expect("the function failed");
    let (wall, cpu) = (started.elapsed(), cpu_time(process.pid()).saturating_sub(cpu));
    let meter = aws.meter();
    let (took, floor) = paced.map_or_else(
        || ("-".to_owned(), "-".to_owned()),
        |paced| {
            let floor = paced.floor(meter.count(paced.operation));
            (format!("{:.1}", paced.took(&meter)), format!("{floor:.1}"))
        },
    );
    println!(
        "| {name} | {} | {} | {} | {} | {took} | {floor} | {:.1} | {:.0} | {:.1} |",
        calls(&meter, "ecs:"),
        calls(&meter, "logs:"),
        calls(&meter, "cloudwatch:"),
        meter.throttled(),
        wall.as_secs_f64(),
        ms(cpu),
        peak_mebibytes(process.pid()),
    );
    meter
}

async fn spawn(aws: &FakeAws, function: &str, runtime: &RuntimeApi) -> Bootstrap {
    let mut settings = SETTINGS.to_vec();
    settings.push(("AWS_ENDPOINT_URL", aws.endpoint()));
    let process = Bootstrap::spawn(bootstrap(function), &settings, runtime).unwrap();
    process.first_next().await.unwrap();
    process
}

/// Collects the metrics of a report, whose snapshot `collect-logs` reads; returns the event of the
/// target.
async fn collected(aws: &FakeAws, time: Timestamp, version: &str) -> Value {
    let (delay, window) = (SignedDuration::from_mins(2), SignedDuration::from_hours(1));
    let run = Run::new(RunKind::Report, time, delay, window, Some(version.to_owned()));
    let target = Target {
        platform: Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let plan = Plan { run, targets: vec![target], queries: vec![0] };
    let json = serde_json::to_vec(&plan).unwrap();
    let key = plan.key("bench", &json);
    aws.put_object(BUCKET, &key, json);
    let event = json!({"plan": key, "target": 0});
    let runtime = RuntimeApi::start().await;
    let process = spawn(aws, "collect-metrics", &runtime).await;
    process.invoke(&event, TIMEOUT).await.expect("the function failed");
    event
}

async fn serve(home: Estate) -> FakeAws {
    let aws = FakeAws::builder(home).latency(LATENCY).published_buckets().start().await;
    aws.edit(|world| {
        world.bucket(BUCKET);
        world.table("table");
    });
    aws
}

fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

/// 1,000 services in ten clusters, each with its own revision and its own log group.
struct Audited {
    aws: FakeAws,
    version: String,
}

impl Audited {
    async fn start() -> Self {
        let mut home = Estate::new("123456789012", "eu-west-1").now(now());
        for cluster in 0..CLUSTERS {
            let name = format!("cluster-{cluster}");
            home.put_cluster(ClusterSpec::new(&name));
            for number in 0..SERVICES / CLUSTERS {
                let family = format!("service-{cluster}-{number}");
                let group = format!("/ecs/{family}");
                home.put_service(&name, ServiceSpec::new(&family));
                home.put_task_definition(definition(&family, &group));
                home.put_log_group(LogGroupSpec::new(&group).retention(30).stored(1 << 30));
            }
        }
        let aws = serve(home).await;
        let version = aws.put_object(BUCKET, "fargaze.yaml", "built-in-rules: none\n");
        Self { aws, version }
    }

    /// The audit of the report of a day.
    async fn row(&self, name: &str, day: i64, paced: Option<Paced>) -> Meter {
        let time = now() + SignedDuration::from_hours(24 * day);
        let event = collected(&self.aws, time, &self.version).await;
        step(&self.aws, name, &event, paced).await
    }
}

fn definition(family: &str, group: &str) -> Value {
    let options = json!({
        "awslogs-group": group, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": family,
        "mode": "non-blocking", "max-buffer-size": "25m",
    });
    let logs = json!({"logDriver": "awslogs", "options": options});
    let container = json!({"name": "app", "image": "app", "essential": true, "logConfiguration": logs});
    json!({
        "taskDefinitionArn": format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{family}:1"),
        "family": family, "revision": 1, "status": "ACTIVE", "containerDefinitions": [container],
    })
}

/// 500 log groups, and 20 saved queries over all of them.
struct Queried {
    aws: FakeAws,
    event: Value,
}

impl Queried {
    async fn start() -> Self {
        let mut home = Estate::new("123456789012", "eu-west-1").now(now());
        home.put_cluster(ClusterSpec::new("shop").service(ServiceSpec::new("web")));
        for number in 0..GROUPS {
            let group = format!("/app/{number}");
            home.put_log_group(LogGroupSpec::new(&group).retention(7));
            let at = now() - SignedDuration::from_mins(5);
            home.write_logs(&group, "stream", [(at, "ERROR of the bench"), (at, "nothing")]);
        }
        let aws = serve(home).await;
        let query = |number| format!("    - {{name: q{number}, groups: ['/app/*'], library: errors}}\n");
        let queries = (0..QUERIES).map(query).collect::<Vec<_>>().concat();
        let file = format!("built-in-rules: none\nlogs:\n  queries:\n{queries}");
        let version = aws.put_object(BUCKET, "fargaze.yaml", file);
        let event = collected(&aws, now(), &version).await;
        Self { aws, event }
    }

    async fn row(&self, name: &str, work: &str, paced: Paced) -> Meter {
        let mut event = self.event.clone();
        event["do"] = work.into();
        step(&self.aws, name, &event, Some(paced)).await
    }
}
