//! Failures of a connection and of a body.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use common::{access, limits, names, now, refusal, seeded, serve};
use fake_kubernetes::{Effect, Estate, FakeKubernetes, Fault};
use fargaze_kubernetes::{Access, Cause, Client, Limits, TlsError};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Long enough for a busy machine.
const SHORT: Duration = Duration::from_secs(1);

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(body: Vec<u8>) -> Effect {
    let headers =
        vec![("content-type", "application/json".to_owned()), ("content-encoding", "gzip".to_owned())];
    Effect::Raw { code: 200, headers, body }
}

#[tokio::test]
async fn only_the_ca_of_the_cluster_is_trusted() {
    let (one, _) = seeded(1).await;
    let (other, _) = seeded(1).await;
    let access_with = |certificate_authority: String| Access { certificate_authority, ..access(&one) };
    let client = Client::new(access_with(other.ca_base64().to_owned()), limits()).unwrap();
    let cause = refusal(&client).await;
    assert_eq!(cause, Cause::Tls(TlsError::UnknownIssuer));
    assert!(cause.to_string().starts_with("certificate not signed by the cluster's CA"));
    assert!(one.meter().calls.is_empty());
    // During a CA rotation there are two.
    let both: Vec<u8> = [other.ca_base64(), one.ca_base64()]
        .iter()
        .flat_map(|ca| BASE64_STANDARD.decode(ca).unwrap())
        .collect();
    let client = Client::new(access_with(BASE64_STANDARD.encode(both)), limits()).unwrap();
    assert_eq!(names(&client, "/api/v1/pods").await.unwrap().len(), 2);
    for bad in ["", "%", "bm8gUEVN"] {
        let error = Client::new(access_with(bad.to_owned()), limits()).unwrap_err();
        assert!(matches!(error.cause, Cause::Tls(TlsError::Authority(_))), "{error}");
    }
}

#[tokio::test]
async fn the_certificate_has_to_be_for_the_endpoint() {
    let server_names = vec!["elsewhere.example".to_owned()];
    let (server, client) = serve(Estate::default().with(|estate| estate.server_names = server_names)).await;
    assert_eq!(refusal(&client).await, Cause::Tls(TlsError::WrongName));
    assert!(server.meter().calls.is_empty());
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_says_why() {
    let server = FakeKubernetes::start(Estate::default()).await;
    let reach = async |endpoint: String| {
        let limits = Limits { connect: SHORT, ..limits() };
        match Client::new(Access { endpoint, ..access(&server) }, limits) {
            Ok(client) => refusal(&client).await,
            Err(error) => error.cause,
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // It listens, but never answers.
    assert_eq!(reach(format!("https://{address}")).await, Cause::ConnectTimeout(SHORT));
    drop(listener);
    assert_eq!(reach(format!("https://{address}")).await, Cause::Refused);
    for bad in ["http://127.0.0.1", "127.0.0.1", "https://a@b", "https://127.0.0.1/path", ""] {
        assert_eq!(reach(bad.to_owned()).await, Cause::Endpoint(bad.to_owned()));
    }
    let text = format!("{}", reach("https://127.0.0.1:1".to_owned()).await);
    assert_eq!(text, "connection refused");
}

#[tokio::test]
async fn a_name_without_an_address_is_reported_as_one() {
    let server = FakeKubernetes::start(Estate::default()).await;
    // RFC 6761: no name under `invalid` has an address.
    let endpoint = "https://a.eks.invalid".to_owned();
    let client = Client::new(Access { endpoint, ..access(&server) }, limits()).unwrap();
    assert!(matches!(refusal(&client).await, Cause::Dns(_)));
}

#[tokio::test]
async fn a_cut_answer_is_never_taken_for_a_whole_one() {
    let (server, client) = seeded(1).await;
    server.inject(Fault::always("/pods", Effect::Cut { after: 1_000 }));
    assert_eq!(refusal(&client).await, Cause::Cut { bytes: 1_000 });
    server.heal();
    // The connection ends normally, but the compressed body is incomplete.
    let whole = gzip(br#"{"items":[],"metadata":{"a":"0123456789"}}"#);
    let part = whole[..whole.len() - 4].to_vec();
    let bytes = part.len() as u64;
    server.inject(Fault::always("/pods", gzipped(part)));
    assert_eq!(refusal(&client).await, Cause::Cut { bytes });
    server.heal();
    let mut bad = whole.clone();
    bad[12] ^= 0xff;
    server.inject(Fault::once("/pods", gzipped(bad)));
    assert!(matches!(refusal(&client).await, Cause::Malformed(_)));
    server.inject(Fault::once("/pods", gzipped(whole)));
    assert!(names(&client, "/api/v1/pods").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let (server, client) = seeded(1).await;
    server.inject(Fault::once("/pods", gzipped(gzip(&vec![b' '; (64 << 20) + 1]))));
    assert_eq!(refusal(&client).await, Cause::TooLarge { limit: 64 << 20 });
    assert!(client.bytes() < 1 << 20);
}

#[tokio::test]
async fn an_answer_may_be_slow_but_not_silent() {
    let server = FakeKubernetes::start(Estate::seeded(1, 1, now())).await;
    let limits = Limits { silence: SHORT, ..limits() };
    let client = Client::new(access(&server), limits.clone()).unwrap();
    // 18 KB in pieces take longer than the idle timeout.
    server.inject(Fault::once("/pods", Effect::Slow { piece: 2_000, pause: SHORT / 6 }));
    let begin = Instant::now();
    assert_eq!(names(&client, "/api/v1/pods").await.unwrap().len(), 2);
    assert!(begin.elapsed() > SHORT);
    server.inject(Fault::times(2, "/pods", Effect::Stall { after: 1_000 }));
    assert_eq!(refusal(&client).await, Cause::Stalled { waited: SHORT, bytes: 1_000 });
    server.change(|estate| estate.latency = Duration::from_mins(1));
    assert_eq!(refusal(&client).await, Cause::Stalled { waited: SHORT, bytes: 0 });
}

#[tokio::test]
async fn the_deadline_ends_everything() {
    let server = FakeKubernetes::start(Estate::seeded(1, 1, now())).await;
    server.change(|estate| estate.latency = Duration::from_mins(1));
    let client =
        Client::new(access(&server), Limits { deadline: Instant::now() + SHORT, ..limits() }).unwrap();
    assert_eq!(refusal(&client).await, Cause::Deadline);
    assert_eq!(refusal(&client).await, Cause::Deadline);
    // This includes waiting for a free slot.
    let at_once = Arc::new(Semaphore::new(0));
    let limits = Limits { deadline: Instant::now() + SHORT, at_once, ..limits() };
    let client = Client::new(access(&server), limits).unwrap();
    assert_eq!((refusal(&client).await, client.calls()), (Cause::Deadline, 0));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let (server, client) = seeded(1).await;
    for _ in 0..3 {
        assert_eq!(names(&client, "/api/v1/pods").await.unwrap().len(), 2);
        // The next request on the same connection finds it closed.
        server.inject(Fault::once("/pods", Effect::Close));
    }
    // What always breaks becomes an error in the end.
    server.inject(Fault::always("/pods", Effect::Close));
    assert!(matches!(refusal(&client).await, Cause::Broken(_)));
    server.heal();
    // Writes are not sent twice.
    let create = async || client.post("/api/v1/namespaces", &serde_json::json!({})).await.unwrap_err().cause;
    assert!(matches!(create().await, Cause::Forbidden(_)));
    server.inject(Fault::once("/namespaces", Effect::Close));
    assert!(matches!(create().await, Cause::Broken(_)));
}

#[tokio::test]
async fn so_many_requests_run_at_once_as_the_clients_share() {
    let at_once = Arc::new(Semaphore::new(3));
    let server = FakeKubernetes::start(Estate::seeded(1, 1, now())).await;
    server.change(|estate| estate.latency = Duration::from_millis(20));
    let mut asking = JoinSet::new();
    for _ in 0..4 {
        let limits = Limits { at_once: Arc::clone(&at_once), ..limits() };
        let client = Arc::new(Client::new(access(&server), limits).unwrap());
        for _ in 0..5 {
            let client = Arc::clone(&client);
            asking.spawn(async move { client.get("/version").await.unwrap() });
        }
    }
    assert_eq!(asking.join_all().await.len(), 20);
    assert_eq!((server.meter().most_at_once, server.meter().at_once), (3, 0));
}

#[tokio::test]
async fn a_path_has_to_be_escaped() {
    let (server, client) = seeded(1).await;
    for path in ["api/v1/pods", "/api/v1/nodes/a b", "//x y", ""] {
        assert_eq!(client.get(path).await.unwrap_err().cause, Cause::Path, "{path}");
    }
    assert!(server.meter().calls.is_empty());
}
