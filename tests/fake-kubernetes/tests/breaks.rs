//! Connections that break anywhere: reads are retried, and arrive complete.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::io::Write;
use std::time::Duration;

use common::{Object, access, limits, names, now, refusal, seeded};
use fake_kubernetes::{Balancer, Break, Deaf, Effect, End, Estate, FakeKubernetes, Fault, Handle};
use fargaze_kubernetes::{Access, Cause, Client, Limits, TlsError};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Long enough for a busy machine.
const SHORT: Duration = Duration::from_secs(1);
/// More than two pages.
const PODS: usize = 600;

async fn server() -> Handle {
    let estate = Estate::seeded(1, PODS, now()).with(|estate| estate.keep_answers = true);
    FakeKubernetes::start(estate).await
}

fn client_at(endpoint: String, server: &Handle) -> Client {
    Client::new(Access { endpoint, ..access(server) }, limits()).unwrap()
}

/// A client with this idle timeout.
fn patient(endpoint: String, server: &Handle) -> Client {
    Client::new(Access { endpoint, ..access(server) }, Limits { silence: SHORT, ..limits() }).unwrap()
}

fn expected(server: &Handle) -> Vec<String> {
    server.estate().pods().map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect()
}

/// Issue 13, point 16: wherever the first connection breaks, the list continues at the page that
/// broke, and each page is returned once.
#[tokio::test]
async fn a_walk_is_whole_wherever_its_connection_breaks() {
    let server = server().await;
    let expected = expected(&server);
    let undisturbed = Balancer::before(&server, |_| None);
    assert_eq!(names(&client_at(undisturbed.endpoint(), &server), "/api/v1/pods").await.unwrap(), expected);
    let (all, pages) = (undisturbed.passed(), server.meter().count("/api/v1/pods"));
    assert_eq!((undisturbed.accepted(), pages), (1, 3));
    // In the handshake, in the response headers, and everywhere in the bodies.
    let places =
        [0, 1, 100, 1_000, 1_500, 2_000, 2_400].into_iter().chain((1..20).map(|part| all * part / 20));
    for after in places {
        for by in [End::Eof, End::Reset] {
            let before = server.meter().calls.len();
            let breaks = move |number| (number == 0).then_some(Break { after, by });
            let balancer = Balancer::before(&server, breaks);
            let client = client_at(balancer.endpoint(), &server);
            let mut seen = Vec::new();
            let walk = client.list("/api/v1/pods", |page: Vec<Object>| {
                seen.extend(
                    page.into_iter().map(|pod| format!("{}/{}", pod.metadata.namespace, pod.metadata.name)),
                );
            });
            let walk =
                walk.await.unwrap_or_else(|error| panic!("{by:?} after {after} of {all} bytes: {error}"));
            assert_eq!(
                (seen.len(), walk.pages, balancer.accepted()),
                (expected.len(), 3, 2),
                "{by:?} after {after}"
            );
            assert_eq!(seen, expected, "{by:?} after {after}");
            let calls = server.meter().calls.len() - before;
            assert!(
                (3..=4).contains(&calls),
                "{calls} calls, {by:?} after {after}: only the page that broke is requested again"
            );
        }
    }
}

fn gzipped_in_part() -> Effect {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(br#"{"items":[],"metadata":{"a":"0123456789"}}"#).unwrap();
    let mut body = encoder.finish().unwrap();
    body.truncate(body.len() - 4);
    let headers =
        vec![("content-type", "application/json".to_owned()), ("content-encoding", "gzip".to_owned())];
    Effect::Raw { code: 200, headers, body }
}

/// Everything that breaks a response.
fn breaking() -> [Effect; 6] {
    [
        Effect::Close,
        Effect::Cut { after: 0 },
        Effect::Cut { after: 28_188 },
        Effect::CutChunks { after: 0 },
        Effect::CutChunks { after: 28_188 },
        gzipped_in_part(),
    ]
}

/// Issue 13, point 16: the page that broke is requested with the same token, on another connection.
#[tokio::test]
async fn a_read_is_retried_whatever_breaks() {
    let server = server().await;
    let expected = expected(&server);
    for effect in breaking() {
        // The first page, a later one, and more than once.
        for (path, times) in [("/api/v1/pods", 1), ("continue=", 1), ("continue=", 5)] {
            let balancer = Balancer::before(&server, |_| None);
            let client = client_at(balancer.endpoint(), &server);
            server.inject(Fault::times(times, path, effect.clone()));
            let before = server.meter().calls.len();
            assert_eq!(names(&client, "/api/v1/pods").await.unwrap(), expected, "{effect:?} {path} {times}");
            assert_eq!(
                balancer.accepted(),
                1 + times as usize,
                "{effect:?} {path} {times}: each try on a new connection"
            );
            // A connection that is closed without a response is not metered as a call.
            let calls: Vec<String> =
                server.meter().calls.into_iter().skip(before).map(|call| call.path).collect();
            let mut pages = calls.clone();
            pages.dedup();
            assert_eq!(pages.len(), 3, "one page after the other: {calls:?}");
        }
    }
}

/// Issue 13, point 16: a connection that goes silent, as one to a killed server, is replaced by
/// another.
#[tokio::test]
async fn a_read_is_retried_if_a_connection_goes_silent() {
    let server = server().await;
    let expected = expected(&server);
    // The pages are cached from here on, so that none takes so long that it looks silent.
    assert_eq!(names(&client_at(server.endpoint(), &server), "/api/v1/pods").await.unwrap(), expected);
    for after in [0, 1_000, 28_188] {
        for path in ["/api/v1/pods", "continue="] {
            let balancer = Balancer::before(&server, |_| None);
            let client = patient(balancer.endpoint(), &server);
            server.inject(Fault::once(path, Effect::Stall { after }));
            assert_eq!(names(&client, "/api/v1/pods").await.unwrap(), expected, "{path} after {after}");
            assert_eq!(
                (client.calls(), balancer.accepted()),
                (4, 2),
                "{path} after {after}: one more of each"
            );
        }
    }
    // Retried once, and not forever.
    let client = patient(server.endpoint(), &server);
    server.inject(Fault::times(2, "/api/v1/pods", Effect::Stall { after: 0 }));
    assert_eq!((refusal(&client).await, client.calls()), (Cause::Stalled { waited: SHORT, bytes: 0 }, 2));
    // Writes, and requests to servers behind the API server, are treated differently.
    let node = "/api/v1/nodes/n/proxy/metrics/cadvisor";
    for path in ["/configmaps", node, "/apis/metrics.k8s.io/v1beta1/pods"] {
        let client = patient(server.endpoint(), &server);
        server.inject(Fault::always(path, Effect::Stall { after: 0 }));
        let asked = match path {
            "/configmaps" => client.post("/api/v1/namespaces/default/configmaps", &json!({})).await,
            path => client.get(path).await,
        };
        let cause = asked.unwrap_err().cause;
        assert!(matches!(cause, Cause::Stalled { .. } | Cause::Forbidden(_)), "{path}: {cause}");
        assert_eq!(client.calls(), 1, "{path}");
    }
}

/// Issue 13, point 16: a server that never answered is not awaited much longer, and within a short
/// deadline there is time for another connection.
#[tokio::test]
async fn a_dead_server_stays_cheap_and_a_short_time_is_shared() {
    let server = server().await;
    server.change(|estate| estate.latency = Duration::from_mins(1));
    let (client, begun) = (patient(server.endpoint(), &server), Instant::now());
    assert_eq!((refusal(&client).await, client.calls()), (Cause::Stalled { waited: SHORT, bytes: 0 }, 2));
    assert!(begun.elapsed() < SHORT * 7 / 4, "{:?}", begun.elapsed());
    let (server, _) = seeded(1).await;
    server.inject(Fault::once("/api/v1/pods", Effect::Stall { after: 0 }));
    let limits = Limits { deadline: Instant::now() + 4 * SHORT, ..limits() };
    let client = Client::new(access(&server), limits).unwrap();
    assert_eq!(names(&client, "/api/v1/pods").await.unwrap(), expected(&server));
}

/// Issue 13, point 16.
#[tokio::test]
async fn a_refused_connection_is_retried_until_a_server_listens() {
    let server = server().await;
    let deaf = Deaf::new();
    let client = client_at(deaf.endpoint(), &server);
    let mut walk = std::pin::pin!(names(&client, "/api/v1/pods"));
    let listening = async {
        while client.calls() < 3 {
            tokio::task::yield_now().await;
        }
        deaf.listen(&server)
    };
    let _balancer = tokio::select! {
        walked = &mut walk => panic!("given up after {} calls: {walked:?}", client.calls()),
        balancer = listening => balancer,
    };
    assert_eq!(walk.await.unwrap(), expected(&server));
    // If no server ever answers, it ends.
    let deaf = Deaf::new();
    let client = client_at(deaf.endpoint(), &server);
    assert_eq!((refusal(&client).await, client.calls()), (Cause::Refused, 10));
}

/// Issue 13, point 16: behind a balancer with one of two servers killed, no run loses the cluster.
#[tokio::test]
async fn behind_a_balancer_with_one_of_two_servers_killed_every_run_reads_all() {
    let server = server().await;
    let expected = expected(&server);
    for after in [0, 1_200, 28_188] {
        for by in [End::Eof, End::Reset] {
            // Connections alternate between the two.
            let balancer =
                Balancer::before(&server, move |number| (number % 2 == 0).then_some(Break { after, by }));
            for run in 0..8 {
                let client = client_at(balancer.endpoint(), &server);
                let walked = names(&client, "/api/v1/pods").await;
                assert_eq!(walked.unwrap_or_default(), expected, "run {run}, {by:?} after {after}");
            }
        }
    }
}

/// Issue 13, point 16: the effect of a broken write is unknown.
#[tokio::test]
async fn what_changes_something_is_never_sent_twice() {
    let (server, client) = seeded(1).await;
    let map = "/api/v1/namespaces/default/configmaps/x";
    for effect in breaking() {
        for method in ["POST", "PUT", "DELETE"] {
            server.inject(Fault::times(2, "/configmaps", effect.clone()));
            let calls = client.calls();
            let body = json!({});
            let error = match method {
                "POST" => client.post("/api/v1/namespaces/default/configmaps", &body).await,
                "PUT" => client.put(map, &body).await,
                _ => client.delete(map, &body).await,
            };
            let cause = error.unwrap_err().cause;
            // The refusal matters more than its truncated body.
            let is_known = cause.is_break() || matches!(cause, Cause::Forbidden(_));
            assert!(is_known && client.calls() == calls + 1, "{method} {effect:?}: {cause}");
            server.heal();
        }
    }
}

/// Issue 13, point 16: a review is a POST, but changes nothing.
#[tokio::test]
async fn a_review_is_retried() {
    let (server, client) = seeded(1).await;
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    for effect in [Effect::Close, Effect::Cut { after: 10 }, Effect::CutChunks { after: 10 }] {
        server.inject(Fault::times(2, path, effect.clone()));
        let review = client.review(path, &json!({"kind": "SelfSubjectReview"})).await;
        assert!(review.is_ok(), "{effect:?}: {review:?}");
    }
}

/// Issue 13, point 17: without an identified server there is no false identity.
#[tokio::test]
async fn a_handshake_that_breaks_off_is_no_false_identity() {
    let server = server().await;
    for after in [0, 1, 5, 90, 127, 500, 900] {
        for by in [End::Eof, End::Reset] {
            let balancer = Balancer::before(&server, move |_| Some(Break { after, by }));
            let cause = refusal(&client_at(balancer.endpoint(), &server)).await;
            assert!(matches!(cause, Cause::Handshake(_)), "{by:?} after {after}: {cause:?}");
        }
    }
    // Something else listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let speaker = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let cause = refusal(&client_at(endpoint, &server)).await;
    assert!(cause.is_break() && !matches!(cause, Cause::Tls(_)), "{cause:?}");
    speaker.abort();
    // A verified certificate is a different case.
    let other = self::server().await;
    let balancer = Balancer::before(&other, |_| None);
    let client = client_at(balancer.endpoint(), &server);
    assert_eq!(refusal(&client).await, Cause::Tls(TlsError::UnknownIssuer));
    assert_eq!(balancer.accepted(), 1, "who is false stays so");
}
