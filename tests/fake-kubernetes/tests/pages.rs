//! Lists of more than one page.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::{Object, names, now, seeded};
use fake_kubernetes::{Container, Effect, Fault, Pod};
use fargaze_kubernetes::{Cause, Explanation, Walk, escape};
use serde_json::Value;

#[tokio::test]
async fn a_walk_sees_every_pod_once_in_the_order_of_the_server() {
    let (server, client) = seeded(1_200).await;
    let names = names(&client, "/api/v1/pods").await.unwrap();
    let expected: Vec<String> =
        server.estate().pods().map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect();
    assert_eq!(names, expected);
    assert_eq!(names.len(), 1_201);
    assert_eq!((server.meter().count("/api/v1/pods?limit=250"), client.calls()), (5, 5));
    assert_eq!(u64::try_from(server.meter().bytes()).unwrap(), client.bytes());
    assert!(client.bytes() < 1_500_000, "gzip: {}", client.bytes());
}

#[tokio::test]
async fn all_pages_are_one_state_of_the_cluster() {
    let (server, client) = seeded(1_000).await;
    let mut seen = 0;
    let walk = client
        .list("/api/v1/pods", |pods: Vec<Object>| {
            seen += pods.len();
            server.change(|estate| {
                estate.place(Pod::running("zzz", &format!("new-{seen}"), Vec::new(), now()));
                estate.remove("web", &pods[0].metadata.name);
            });
        })
        .await;
    assert_eq!((seen, walk.unwrap()), (1_001, Walk { items: 1_001, pages: 5, inconsistent: false }));
    assert_eq!(server.estate().pods().filter(|pod| pod.namespace == "zzz").count(), 5);
}

#[tokio::test]
async fn a_list_whose_token_expired_continues_once_at_the_newest_state() {
    let (server, client) = seeded(1_000).await;
    let late = Pod::running("zzz", "late", vec![Container::running("app", "1", "1Gi", now())], now());
    let mut names = Vec::new();
    let mut late = Some(late);
    let walk = client
        .list("/api/v1/pods", |pods: Vec<Object>| {
            names.extend(pods.into_iter().map(|pod| pod.metadata.name));
            if let Some(late) = late.take() {
                server.change(|estate| estate.place(late));
                server.compact();
            }
        })
        .await
        .unwrap();
    assert_eq!(walk, Walk { items: 1_002, pages: 5, inconsistent: true });
    let pods: Vec<String> = server.estate().pods().map(|pod| pod.name.clone()).collect();
    assert_eq!(names, pods);
    assert_eq!(
        server.meter().calls.iter().map(|call| call.status).collect::<Vec<_>>(),
        [200, 410, 200, 200, 200, 200]
    );
}

#[tokio::test]
async fn a_walk_that_grows_too_old_twice_is_an_error() {
    let (server, client) = seeded(1_000).await;
    server.inject(Fault::times(2, "/api/v1/pods", Effect::Expired));
    let error = names(&client, "/api/v1/pods").await.unwrap_err();
    assert!(matches!(&error.cause, Cause::Gone(Explanation::Status { reason, .. }) if reason == "Expired"));
    let text = error.to_string();
    assert!(text.starts_with("GET /api/v1/pods of cluster shop: 410 Gone: The provided continue"), "{text}");
    assert_eq!(client.calls(), 3);
}

/// Issue 13, point 16: objects of the expired state are dropped, and no object is returned twice.
#[tokio::test]
async fn a_list_that_cannot_continue_restarts_once() {
    let (server, client) = seeded(600).await;
    let expired = |times| {
        let (reason, message) =
            ("Expired".to_owned(), "The provided continue parameter is too old".to_owned());
        Fault::times(times, "continue=", Effect::Status { code: 410, reason, message })
    };
    let all = async || client.list_all("/api/v1/pods", |pod: Object| pod.metadata.name).await;
    let pods: Vec<String> = server.estate().pods().map(|pod| pod.name.clone()).collect();
    server.inject(expired(1));
    let whole = Walk { items: 601, pages: 3, inconsistent: false };
    assert_eq!((all().await.unwrap(), client.calls()), ((pods.clone(), whole), 5));
    // With a newer state the list continues, and restarts if that expires as well.
    server.inject(Fault::times(2, "continue=", Effect::Expired));
    assert_eq!((all().await.unwrap(), client.calls()), ((pods, whole), 5 + 6));
    server.inject(expired(2));
    assert!(matches!(all().await.unwrap_err().cause, Cause::Gone(_)));
    assert_eq!(client.calls(), 5 + 6 + 4);
    // The first page has no state that could expire.
    server.inject(Fault::always(
        "/api/v1/pods",
        Effect::Status { code: 410, reason: String::new(), message: String::new() },
    ));
    assert!(matches!(all().await.unwrap_err().cause, Cause::Gone(_)));
    assert_eq!(client.calls(), 5 + 6 + 4 + 1);
}

#[tokio::test]
async fn selectors_hold_over_pages_and_metrics_have_none() {
    let (server, client) = seeded(40).await;
    let of = |namespace: &str| server.estate().pods().filter(|pod| pod.namespace == namespace).count();
    let names = async |path: &str| names(&client, path).await.unwrap();
    assert_eq!(names("/api/v1/namespaces/web/pods").await.len(), of("web"));
    let estate = server.estate();
    let pod = estate.pods().next().unwrap();
    let node = escape(pod.node.as_ref().unwrap());
    let on_node = names(&format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")).await;
    assert_eq!(on_node, [format!("{}/{}", pod.namespace, pod.name)]);
    let app = &pod.labels["app"];
    assert_eq!(names(&format!("/api/v1/pods?labelSelector=app%3D{app}")).await.len(), 5);
    let fargate = "/api/v1/nodes?labelSelector=eks.amazonaws.com%2Fcompute-type%3Dfargate";
    assert_eq!(names(fargate).await.len(), 41);
    assert_eq!(names("/apis/metrics.k8s.io/v1beta1/pods").await.len(), 40);
    assert!(names("/api/v1/namespaces/none/pods").await.is_empty());
}

#[tokio::test]
async fn a_page_says_how_much_is_left_unless_it_is_selected() {
    let (_server, client) = seeded(40).await;
    let get =
        async |path: &str| -> Value { serde_json::from_slice(&client.get(path).await.unwrap()).unwrap() };
    let page = get("/api/v1/pods?limit=30").await;
    assert_eq!((&page["kind"], &page["metadata"]["remainingItemCount"]), (&"PodList".into(), &11.into()));
    let next = page["metadata"]["continue"].as_str().unwrap();
    let page = get(&format!("/api/v1/pods?limit=30&continue={next}")).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 11);
    assert!(page["metadata"]["continue"].is_null());
    let page = get("/api/v1/pods?limit=2&labelSelector=app%3Dapp-0000").await;
    assert!(page["metadata"]["continue"].is_string() && page["metadata"]["remainingItemCount"].is_null());
    let page = get("/apis/metrics.k8s.io/v1beta1/pods?limit=2").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 40);
}

#[tokio::test]
async fn a_token_or_a_selector_that_the_server_does_not_know_is_a_bad_request() {
    let (_server, client) = seeded(1).await;
    for query in ["continue=nonsense", "fieldSelector=spec.hostname%3Dx"] {
        let error = client.get(&format!("/api/v1/pods?{query}")).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Status { code: 400, .. }), "{error}");
    }
}

/// A page without pods that names the next page.
fn empty_page(token: &str) -> Fault {
    let body = serde_json::json!({ "kind": "PodList", "metadata": { "continue": token }, "items": [] });
    let headers = vec![("content-type", "application/json".to_owned())];
    let body = body.to_string().into_bytes();
    Fault::once("/api/v1/pods", Effect::Raw { code: 200, headers, body })
}

/// Issue 12, point 9: the listings of Kubernetes like those of AWS.
#[tokio::test]
async fn a_walk_whose_pages_repeat_or_stay_empty_is_an_error() {
    for (circle, calls, why) in [(1, 2, "repeat"), (2, 3, "repeat"), (1_000, 100, "nothing new")] {
        let (server, client) = seeded(10).await;
        (0..200).for_each(|page| server.inject(empty_page(&(page % circle).to_string())));
        let error = names(&client, "/api/v1/pods").await.unwrap_err();
        assert!(matches!(&error.cause, Cause::Malformed(text) if text.contains(why)), "{error}");
        assert_eq!(client.calls(), calls, "a circle of {circle}");
    }
}
