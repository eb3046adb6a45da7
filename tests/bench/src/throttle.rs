//! 400 `ListServices` against the published bucket (100 at once, 20 a second): retrying against
//! waiting for a token.

use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use fake_aws::{Estate, FakeAws, SeededEstate};
use fargaze::model::cluster::ClusterName;
use fargaze_aws::Ecs;
use futures_util::{StreamExt, stream};

const CALLS: usize = 400;
const AT_ONCE: usize = 40;

pub(crate) async fn measure() {
    println!("\n<!-- figures: throttle -->");
    println!("| way | lost | throttled answers | calls | wall s |");
    println!("|---|---|---|---|---|");
    row("SDK, standard retry, 5 attempts", false, RetryConfig::standard().with_max_attempts(5)).await;
    row("SDK, adaptive retry, 5 attempts", false, RetryConfig::adaptive().with_max_attempts(5)).await;
    row("own token bucket, then standard retry", true, RetryConfig::standard().with_max_attempts(5)).await;
    println!("<!-- end -->");
}

async fn row(name: &str, paced: bool, retry: RetryConfig) {
    let now = "2026-11-22T10:05:00Z".parse().unwrap();
    let aws = FakeAws::builder(Estate::seeded(&SeededEstate::new(CALLS, 1, now)))
        .latency(Duration::from_millis(20))
        .published_buckets()
        .start()
        .await;
    let config = sdk_config(aws.endpoint(), retry).await;
    let clusters: Vec<ClusterName> = (0..CALLS).map(|i| format!("cluster-{i:03}").parse().unwrap()).collect();
    let started = Instant::now();
    let lost = if paced {
        Ecs::new(&config).list_services_of(&clusters).await.values().filter(|listed| listed.is_err()).count()
    } else {
        let client = aws_sdk_ecs::Client::new(&config);
        let list =
            |cluster: &ClusterName| client.list_services().cluster(cluster.as_str()).max_results(100).send();
        let calls: Vec<_> = clusters.iter().map(list).collect();
        stream::iter(calls)
            .buffer_unordered(AT_ONCE)
            .filter(|listed| std::future::ready(listed.is_err()))
            .count()
            .await
    };
    let (wall, meter) = (started.elapsed(), aws.meter());
    println!(
        "| {name} | {lost} | {} | {} | {:.1} |",
        meter.throttled(),
        meter.count_all(),
        wall.as_secs_f64()
    );
}

async fn sdk_config(endpoint: &str, retry: RetryConfig) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "bench");
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(retry)
        .load()
        .await
}
