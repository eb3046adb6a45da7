//! A server without a socket, in virtual time; and its output for pods in odd states.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{access, limits, now};
use fake_kubernetes::{Container, Effect, Estate, FakeKubernetes, Fault, Gap, Handle, Identity, Pod, Rights};
use fargaze_kubernetes::{Access, Cause, Client, Limits, Network, Reached, Stream};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::time::Instant;

/// The only existing server.
struct One(Arc<Handle>);

impl std::fmt::Debug for One {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("One")
    }
}

impl Network for One {
    fn reach<'a>(&'a self, host: &'a str, port: u16, _: Duration) -> Reached<'a> {
        Box::pin(async move {
            assert_eq!((host, port), ("shop.invalid", 443));
            Ok(Box::new(self.0.connect()) as Box<dyn Stream>)
        })
    }
}

fn serve(change: impl FnOnce(&mut Estate)) -> (Arc<Handle>, Client) {
    let estate = Estate::default().with(|estate| {
        estate.server_names = vec!["shop.invalid".to_owned()];
        estate.identities = vec![Identity::any_signer(Rights::collector())];
        (estate.now, estate.ticking_since) = (Some(now()), Some(Instant::now()));
        change(estate);
    });
    let server = Arc::new(FakeKubernetes::in_process(estate));
    let client = client(&server, limits());
    (server, client)
}

fn client(server: &Arc<Handle>, limits: Limits) -> Client {
    let access = Access { endpoint: server.endpoint(), ..access(server) };
    Client::new(access, limits).unwrap().over(Arc::new(One(Arc::clone(server))))
}

fn pod(name: &str) -> Pod {
    let since = now() - SignedDuration::from_hours(1);
    Pod::running("shop", name, vec![Container::running("app", "1", "1Gi", since)], since)
}

async fn list(client: &Client, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    client.list(path, |page| all.extend(page)).await.unwrap();
    all
}

#[tokio::test(start_paused = true)]
async fn it_is_called_in_virtual_time() {
    let (server, client) = serve(|estate| {
        estate.page = Some(2);
        estate.latency = Duration::from_secs(3);
        ["a", "b", "c", "d", "e"].into_iter().for_each(|name| estate.place(pod(name)));
    });
    let began = Instant::now();
    assert_eq!(list(&client, "/api/v1/pods").await.len(), 5);
    assert_eq!(began.elapsed(), Duration::from_secs(9), "three pages");
    server.inject(Fault::once("/api/v1/pods", Effect::Stall { after: 3 }));
    client.get("/api/v1/pods").await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(9 + 3 + 20 + 3), "retried on another connection");
    server.inject(Fault::always("/api/v1/pods", Effect::Stall { after: 3 }));
    let stalled = client.get("/api/v1/pods").await.unwrap_err();
    assert!(matches!(stalled.cause, Cause::Stalled { .. }), "{stalled}");
}

/// Its token is accepted: the cluster's time continues with tokio's clock.
#[tokio::test(start_paused = true)]
async fn its_time_continues() {
    let (server, first) = serve(|_| {});
    first.get("/apis").await.unwrap();
    tokio::time::advance(Duration::from_hours(1)).await;
    let late = client(&server, limits());
    assert_eq!(late.get("/apis").await.unwrap_err().cause, Cause::Unauthorized, "signed an hour ago");
}

#[tokio::test(start_paused = true)]
async fn odd_pods_are_shown_as_by_the_real_server() {
    let at = now() - SignedDuration::from_mins(5);
    let (_server, client) = serve(|estate| {
        estate.place(Pod { gap: Some(Gap::NoContainers), ..pod("empty") });
        estate.place(Pod { gap: Some(Gap::NullUsage), ..pod("null") });
        estate.place(pod("evicted").evicted(at));
        estate.place(pod("refused").refused("OutOfcpu", "Node didn't have enough resource: cpu"));
        estate.place(Pod {
            for_node: Some("fargate-1".to_owned()),
            fargate_profile: None,
            ..pod("agent").pending("Unschedulable", "no node")
        });
    });
    let usage = list(&client, "/apis/metrics.k8s.io/v1beta1/pods").await;
    let names: Vec<&str> = usage.iter().map(|one| one["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["empty", "null"]);
    assert_eq!(usage[0]["containers"], serde_json::json!([]));
    assert!(usage[1]["containers"][0]["usage"]["cpu"].is_null());

    let pods = list(&client, "/api/v1/pods").await;
    let find = |name: &str| pods.iter().find(|pod| pod["metadata"]["name"] == name).unwrap();
    let condition = |pod: &Value, name: &str| {
        let conditions = pod["status"]["conditions"].as_array().unwrap();
        conditions.iter().find(|condition| condition["type"] == name).cloned()
    };
    let evicted = find("evicted");
    assert_eq!(
        (&evicted["status"]["phase"], &evicted["status"]["reason"]),
        (&"Failed".into(), &"Evicted".into())
    );
    let ready = condition(evicted, "Ready").unwrap();
    assert_eq!(ready["lastTransitionTime"], at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let refused = find("refused");
    assert!(refused["status"]["containerStatuses"].is_null() && condition(refused, "Ready").is_none());
    assert!(condition(refused, "PodScheduled").is_some());
    let agent = find("agent");
    assert_eq!(agent["spec"]["schedulerName"], "default-scheduler");
    assert!(agent["spec"]["affinity"].to_string().contains("fargate-1"));
}
