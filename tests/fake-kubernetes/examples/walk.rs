//! The cost of a walk over the pods of a cluster: CPU time and peak memory of this process alone.
//!
//! `fake-kubernetes --pods 1000 | walk live` walks with the client; `walk slice` and `walk reader`
//! read two pages of 500 pods from memory in two ways, `walk nothing` only holds them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    dead_code,
    reason = "a measurement"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SharedTimeSource;
use fake_kubernetes::{Identity, Recorded};
use fargaze_kubernetes::{Access, Client, Limits};
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pod {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: String,
    uid: String,
    creation_timestamp: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    image: String,
    #[serde(default)]
    resources: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    phase: String,
    start_time: Option<String>,
    #[serde(default)]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    ready: bool,
    restart_count: u32,
    #[serde(default)]
    image: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Pod>,
}

/// A page of 500 pods that differ in their names, compressed as the server does.
fn page() -> Vec<u8> {
    let recorded: Value = serde_json::from_slice(Recorded::named("pods_page1").body()).unwrap();
    let pod = recorded["items"][0].to_string();
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(1));
    encoder.write_all(b"{\"metadata\":{},\"items\":[").unwrap();
    for index in 0..500 {
        let comma = if index == 0 { "" } else { "," };
        let pod = pod.replace("0103850d2e-620aa", &format!("0103850d2e-{index:05}"));
        write!(encoder, "{comma}{pod}").unwrap();
    }
    encoder.write_all(b"]}").unwrap();
    encoder.finish().unwrap()
}

fn offline(way: &str, page: &[u8]) -> usize {
    match way {
        "slice" => {
            let mut plain = Vec::new();
            GzDecoder::new(page).read_to_end(&mut plain).unwrap();
            serde_json::from_slice::<Page>(&plain).unwrap().items.len()
        }
        "reader" => {
            let plain = BufReader::with_capacity(64 << 10, GzDecoder::new(page));
            serde_json::from_reader::<_, Page>(plain).unwrap().items.len()
        }
        _ => black_box(page).len(),
    }
}

async fn live() -> usize {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let Identity { access_key_id, secret_access_key, session_token, .. } = Identity::collector();
    let keys = Credentials::new(access_key_id, secret_access_key, session_token, None::<SystemTime>, "walk");
    let access = Access {
        cluster: "shop".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: text("endpoint"),
        certificate_authority: text("certificateAuthority"),
        credentials: SharedCredentialsProvider::new(keys),
        time: SharedTimeSource::default(),
    };
    let limits = Limits::until(Instant::now() + Duration::from_mins(1), Arc::new(Semaphore::new(8)));
    let client = Client::new(access, limits).unwrap();
    let begin = Instant::now();
    let walk = client.list("/api/v1/pods", |pods: Vec<Pod>| drop(black_box(pods))).await.unwrap();
    println!("{walk:?} in {:?}, {} calls, {} bytes", begin.elapsed(), client.calls(), client.bytes());
    walk.items
}

/// `VmHWM` in KiB, and user and system time in ticks of 10 ms.
fn cost() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned();
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    let nanos: f64 = stat.split(' ').next().unwrap().parse().unwrap();
    format!("{peak}; CPU of the main thread {:.1} ms", nanos / 1e6)
}

fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    let pods = if way == "live" {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(live())
    } else {
        let page = page();
        println!("before: {}", cost());
        (0..2).map(|_| offline(&way, &page)).sum()
    };
    println!("{way}: {pods}; {}", cost());
}
