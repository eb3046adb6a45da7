//! Serves a seeded estate, and one of each other resource that the fake supports, until Ctrl-C, for
//! clients in other languages.
#![allow(clippy::disallowed_methods, reason = "the fake is the source of time, in place of AWS's own clocks")]

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use fake_aws::{ClusterSpec, EksClusterSpec, Estate, FakeAws, MetricSet, SeededEstate};

const USAGE: &str =
    "usage: fake-aws [--port N] [--clusters K] [--services S] [--latency-ms N] [--buckets] [--until-eof]
  --buckets    throttle at AWS's published quotas
  --until-eof  end with the input, as well as by Ctrl-C";

/// The command-line options.
struct Arguments {
    port: u16,
    clusters: usize,
    services: usize,
    latency: Duration,
    buckets: bool,
    until_eof: bool,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let latency = Duration::ZERO;
        let mut found =
            Self { port: 0, clusters: 10, services: 10, latency, buckets: false, until_eof: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--buckets" => found.buckets = true,
                "--until-eof" => found.until_eof = true,
                _ => found.number(&word, &words.next()?)?,
            }
        }
        Some(found)
    }

    /// An option with a number as its value.
    fn number(&mut self, word: &str, number: &str) -> Option<()> {
        let number: usize = number.parse().ok()?;
        match word {
            "--port" => self.port = u16::try_from(number).ok()?,
            "--clusters" => self.clusters = number,
            "--services" => self.services = number,
            "--latency-ms" => self.latency = Duration::from_millis(number as u64),
            _ => return None,
        }
        Some(())
    }
}

/// Its resources other than the seeded clusters, and everything that a client must know to use it.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    endpoint: String,
    region: String,
    account: String,
    /// The start time; the seeded estate ends here.
    now: String,
    ecs_cluster: String,
    eks_cluster: String,
    fargate_profile: String,
    table: String,
    bucket: String,
    topic_arn: String,
    queue_url: String,
    role_arn: String,
    external_id: String,
}

const NAME: &str = "fargaze";
/// The account of the role.
const MEMBER: &str = "210987654321";

/// Creates one of each resource that the services need.
fn furnish(aws: &FakeAws, plan: &SeededEstate) -> Offer {
    let role_arn = format!("arn:aws:iam::{MEMBER}:role/{NAME}");
    let mut member = Estate::new(MEMBER, &plan.region);
    member.put_cluster(ClusterSpec::new("member"));
    let endpoint = format!("https://0123456789ABCDEF.gr7.{}.eks.amazonaws.com", plan.region);
    // Nothing listens at that address: fake-kubernetes is the API server of clusters.
    let eks = EksClusterSpec::new(NAME)
        .at(&endpoint, "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==")
        .profile("default", &["default"])
        .addon("vpc-cni", "v1.20.0-eksbuild.1");
    aws.edit(|world| {
        world.add(member);
        world.home().put_eks(eks);
        world.role(&role_arn, Some(NAME));
        world.table(NAME);
        world.bucket(NAME);
        Offer {
            endpoint: aws.endpoint().to_owned(),
            region: plan.region.clone(),
            account: plan.account.clone(),
            now: plan.now.to_string(),
            ecs_cluster: world.home().clusters().keys().next().cloned().unwrap_or_default(),
            eks_cluster: NAME.to_owned(),
            fargate_profile: "default".to_owned(),
            table: NAME.to_owned(),
            bucket: NAME.to_owned(),
            topic_arn: world.topic(NAME),
            queue_url: world.queue(NAME),
            role_arn,
            external_id: NAME.to_owned(),
        }
    })
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
    let offer = furnish(&aws, &plan);
    let mut out = std::io::stdout();
    // A program reads the first line, a person the next.
    writeln!(out, "{}", serde_json::to_string(&offer)?)?;
    writeln!(
        out,
        "export AWS_ENDPOINT_URL={} AWS_REGION={} AWS_ACCESS_KEY_ID=fake AWS_SECRET_ACCESS_KEY=fake",
        offer.endpoint, offer.region
    )?;
    out.flush()?;

    let ended = async {
        if arguments.until_eof {
            let read = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = tokio::task::spawn_blocking(read).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = ended => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    report(&aws)?;
    // A pending read of the input would block the shutdown of the runtime.
    std::process::exit(0)
}

/// The calls and their cost.
fn report(aws: &FakeAws) -> std::io::Result<()> {
    let (meter, mut out) = (aws.meter(), std::io::stdout());
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
    )
}
