//! Serves a seeded cluster until its input ends or Ctrl-C, for other clients such as kubectl.

use std::io::Write as _;
use std::process::ExitCode;

use fake_kubernetes::{Container, Estate, FakeKubernetes, Identity, Pod, Rights};
use jiff::{SignedDuration, Timestamp};
use tokio::io::AsyncReadExt as _;

const USAGE: &str = "usage: fake-kubernetes [--pods N] [--seed N] [--cluster NAME] [--token TOKEN] [--any-signer]
  --cluster     the name that tokens have to be signed for; shop unless said
  --token       one that is taken as it is, with all rights
  --any-signer  accept a token from any signer; its form and its times are checked, and that it signs a cluster name";

/// The command-line options.
struct Arguments {
    pods: usize,
    seed: u64,
    cluster: Option<String>,
    /// Accepted without a signature.
    token: Option<String>,
    any_signer: bool,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut found = Self { pods: 20, seed: 1, cluster: None, token: None, any_signer: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--pods" => found.pods = words.next()?.parse().ok()?,
                "--seed" => found.seed = words.next()?.parse().ok()?,
                "--cluster" => found.cluster = Some(words.next()?),
                "--token" => found.token = Some(words.next()?),
                "--any-signer" => found.any_signer = true,
                _ => return None,
            }
        }
        Some(found)
    }

    /// The seeded cluster on the system's clock, and three unhealthy pods in the namespace `odd`.
    #[allow(clippy::disallowed_methods, reason = "the fake is the source of time")]
    fn estate(self) -> Estate {
        let now = Timestamp::now();
        let mut estate = Estate::seeded(self.seed, self.pods, now);
        estate.now = None;
        estate.cluster = self.cluster.unwrap_or(estate.cluster);
        if self.any_signer {
            estate.identities = vec![Identity::any_signer(all_roles())];
        }
        estate.identities.extend(self.token.as_deref().map(Identity::admin));
        let ended = now - SignedDuration::from_mins(7);
        let pod = |name: &str| {
            let app = Container::running("app", "250m", "512Mi", ended).using(120_000_000, 307_200);
            Pod::running("odd", name, vec![app], ended)
        };
        estate.place(pod("crashes").crash_looping(12, ended));
        estate.write_log("odd", "crashes", "app", true, LAST_WORDS);
        estate.place(pod("killed").oom_killed(3, ended));
        estate.place(pod("waits").pending("Unschedulable", "Pod provisioning timed out (will retry)"));
        estate.warn("odd", "waits", "FailedScheduling", NO_CAPACITY, ended);
        estate
    }
}

/// What the crash-looping container wrote before its last restart.
const LAST_WORDS: &str = "\
INFO catalogue 4.2.0 starts
INFO GET https://prices.internal/v2?token=a1b2c3d4e5f6
INFO loading prices into memory: 180000 of 412000
WARN memory is nearly full: 489 of 512 MiB
ERROR cannot allocate 64 MiB for the next batch
";

/// What Fargate's scheduler says when an Availability Zone is full.
const NO_CAPACITY: &str = "Fargate capacity is unavailable at this time. Please try again later or in a different availability zone.";

/// The permissions of fargaze's three roles in a cluster: one reads it, one reads the logs of its
/// pods, and one writes their logging configuration.
fn all_roles() -> Rights {
    Rights::collector().with("", &["pods/log"], &["get"]).with("", &["namespaces"], &["create"]).with(
        "",
        &["configmaps"],
        &["create", "get", "update"],
    )
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        let _ = writeln!(std::io::stderr(), "{USAGE}");
        return ExitCode::FAILURE;
    };
    let server = FakeKubernetes::start(arguments.estate()).await;
    let said = serde_json::json!({"endpoint": server.endpoint(), "certificateAuthority": server.ca_base64()});
    // The parent process reads this line; if it fails, there is no one to serve.
    if writeln!(std::io::stdout(), "{said}").is_err() {
        return ExitCode::FAILURE;
    }
    let (mut input, mut ignored) = (tokio::io::stdin(), Vec::new());
    tokio::select! {
        _ = input.read_to_end(&mut ignored) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    server.stop().await;
    // A pending read of the input would block the shutdown of the runtime.
    std::process::exit(0)
}
