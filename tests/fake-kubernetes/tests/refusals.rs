//! Error responses: which are retried, and their messages.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{limits, names, now, refusal, seeded, serve};
use fake_kubernetes::{Effect, Estate, FakeKubernetes, Fault, Identity, MetricsApi, Recorded, Rights};
use fargaze::model::fault::{Fault as DomainFault, FaultKind};
use fargaze_kubernetes::{Cause, Client, Explanation, Limits};
use tokio::time::Instant;

fn status(code: u16) -> Effect {
    Effect::Status { code, reason: "InternalError".to_owned(), message: "etcd is busy".to_owned() }
}

#[tokio::test]
async fn a_busy_server_is_queried_three_times() {
    let (server, client) = seeded(3).await;
    server.inject(Fault::times(2, "/pods", Effect::TooManyRequests { retry_after: Some(1) }));
    assert_eq!(names(&client, "/api/v1/pods").await.unwrap().len(), 4);
    server.inject(Fault::always("/pods", Effect::TooManyRequests { retry_after: None }));
    let said = "Too many requests, please try again later.".to_owned();
    assert_eq!(refusal(&client).await, Cause::TooManyRequests(Explanation::Text(said)));
    assert_eq!(client.calls(), 6);
}

#[tokio::test]
async fn each_refusal_is_tried_as_often_as_it_can_help() {
    for (effect, path, calls) in [
        (status(503), "/api/v1/pods", 3),
        (status(504), "/api/v1/pods", 3),
        (status(500), "/api/v1/pods", 1),
        (status(409), "/api/v1/pods", 1),
        (Effect::Forbidden, "/api/v1/pods", 1),
        (Effect::ServiceUnavailable, "/apis/metrics.k8s.io/v1beta1/pods", 2),
        (Effect::Recorded(Recorded::named("proxy_refused_503")), "/api/v1/nodes/n/proxy/metrics/cadvisor", 2),
        (Effect::Unauthorized, "/api/v1/pods", 2),
    ] {
        let (server, client) = seeded(1).await;
        let said = format!("{effect:?}");
        server.inject(Fault::always(path, effect));
        client.get(path).await.unwrap_err();
        assert_eq!(server.meter().calls.len(), calls, "{said}");
    }
}

#[tokio::test]
async fn a_post_is_sent_again_only_if_the_server_did_nothing() {
    for (effect, calls) in
        [(Effect::TooManyRequests { retry_after: None }, 3), (status(503), 1), (status(504), 1)]
    {
        let (server, client) = seeded(1).await;
        server.inject(Fault::always("/namespaces", effect));
        client.post("/api/v1/namespaces", &serde_json::json!({})).await.unwrap_err();
        assert_eq!(server.meter().calls.len(), calls);
    }
}

#[tokio::test]
async fn no_try_begins_that_could_not_end_in_time() {
    let server = FakeKubernetes::start(Estate::seeded(1, 1, now())).await;
    server.inject(Fault::always("/pods", Effect::TooManyRequests { retry_after: Some(60) }));
    let limits = Limits { longest_wait: Duration::from_mins(5), ..limits() };
    let limits = Limits { deadline: Instant::now() + Duration::from_secs(30), ..limits };
    let client = Client::new(common::access(&server), limits).unwrap();
    assert!(matches!(refusal(&client).await, Cause::TooManyRequests(_)));
    assert_eq!(client.calls(), 1);
}

#[tokio::test]
async fn a_missing_permission_is_reported_in_the_words_of_the_server() {
    let (server, client) = seeded(1).await;
    server.change(|estate| estate.identities[0].rights = Rights::collector().without("", "pods"));
    let error = names(&client, "/api/v1/pods").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /api/v1/pods of cluster shop: 403 Forbidden: pods is forbidden: User \
         \"arn:aws:sts::111122223333:assumed-role/collector/fn\" cannot list resource \"pods\" in API group \"\" at the cluster scope"
    );
    let said = DomainFault::from(error);
    assert_eq!(
        (said.kind, said.code.as_str(), said.subject.as_str()),
        (FaultKind::Denied, "Forbidden", "shop")
    );
    assert_eq!(said.operation.to_string(), "kubernetes:GET /api/v1/pods");
}

#[tokio::test]
async fn metrics_that_are_not_installed_differ_from_those_that_are_down() {
    let path = "/apis/metrics.k8s.io/v1beta1/pods";
    for (metrics, cause) in [
        (MetricsApi::Absent, Cause::NotFound(Explanation::Text("404 page not found".to_owned()))),
        (MetricsApi::Serving("v1"), Cause::NotFound(Explanation::Text("404 page not found".to_owned()))),
        (MetricsApi::Down, Cause::Unavailable(Explanation::Text("service unavailable".to_owned()))),
    ] {
        let (_server, client) =
            serve(Estate::seeded(1, 1, now()).with(|estate| estate.metrics = metrics)).await;
        assert_eq!(client.get(path).await.unwrap_err().cause, cause);
    }
    let (_server, client) = seeded(1).await;
    let missing = client.get("/api/v1/namespaces/default/pods/nope").await.unwrap_err().cause;
    assert!(matches!(missing, Cause::NotFound(Explanation::Status { reason, message })
        if reason == "NotFound" && message == "pods \"nope\" not found"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, client) = seeded(1).await;
    let headers = vec![("location", format!("{}/api/v1/nodes", server.endpoint()))];
    server.inject(Fault::once("/pods", Effect::Raw { code: 302, headers, body: Vec::new() }));
    assert!(matches!(refusal(&client).await, Cause::Status { code: 302, .. }));
    assert_eq!(server.meter().calls.len(), 1);
}

#[tokio::test]
async fn an_error_page_from_a_proxy_is_summarized() {
    let (server, client) = seeded(1).await;
    let body = format!("<html>\u{1b}[31m\n{}", "x".repeat(5_000)).into_bytes();
    let headers = vec![("content-type", "text/html".to_owned())];
    server.inject(Fault::once("/pods", Effect::Raw { code: 502, headers, body: body.clone() }));
    let Cause::Status { code: 502, explanation: Explanation::Text(text) } = refusal(&client).await else {
        panic!()
    };
    assert_eq!((text.len(), &text[..12]), (1_027, "<html> [31m "));
    // Even if it calls itself a success.
    let headers = vec![("content-type", "text/html".to_owned())];
    server.inject(Fault::once("/pods", Effect::Raw { code: 200, headers, body }));
    assert!(matches!(refusal(&client).await, Cause::Malformed(_)));
}

#[tokio::test]
async fn reviews_name_the_caller_and_its_permissions() {
    let (_server, client) = seeded(1).await;
    let review = |path: &'static str, body: serde_json::Value| {
        let client = &client;
        async move {
            let answer = client.review(path, &body).await.unwrap();
            serde_json::from_slice::<serde_json::Value>(&answer).unwrap()
        }
    };
    let kind = serde_json::json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"});
    let who = review("/apis/authentication.k8s.io/v1/selfsubjectreviews", kind).await;
    assert_eq!(who["status"]["userInfo"]["username"], Identity::collector().username);
    assert_eq!(who["status"]["userInfo"]["groups"][0], "fargate-collector");
    for (resource, subresource, allowed) in
        [("pods", "", true), ("nodes", "proxy", false), ("secrets", "", false)]
    {
        let verb = if subresource.is_empty() { "list" } else { "get" };
        let asked = serde_json::json!({"spec": {"resourceAttributes":
            {"verb": verb, "resource": resource, "subresource": subresource}}});
        let may = review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", asked).await;
        assert_eq!(may["status"]["allowed"], allowed, "{resource}/{subresource}");
    }
}

/// Issue 13, point 23: two refusals whose remedy is not a permission.
#[tokio::test]
async fn a_terminating_namespace_and_an_immutable_object_are_distinguished_from_missing_permissions() {
    let (server, client) = seeded(1).await;
    let maps = "/api/v1/namespaces/web/configmaps";
    let (one, fresh) =
        (format!("{maps}/kept"), serde_json::json!({"metadata": {"name": "new"}, "data": {"a": "b"}}));
    server.change(|estate| {
        estate.identities[0].rights = Rights::all();
        estate.place_config_map("web", "kept", &[("a", "b")]);
        estate.stored_mut("configmaps", "web", "kept").unwrap()["immutable"] = true.into();
        estate.terminate_namespace("web");
    });
    let cause = client.post(maps, &fresh).await.unwrap_err().cause;
    assert!(
        matches!(&cause, Cause::Terminating(_)) && cause.to_string().contains("being terminated"),
        "{cause}"
    );
    let mut changed =
        serde_json::json!({"metadata": {"name": "kept"}, "data": {"a": "c"}, "immutable": true});
    for is_immutable in [true, false] {
        changed["immutable"] = is_immutable.into();
        let cause = client.put(&one, &changed).await.unwrap_err().cause;
        assert!(matches!(&cause, Cause::Immutable(_)) && cause.to_string().contains("immutable"), "{cause}");
    }
    changed["data"]["a"] = "b".into();
    changed["immutable"] = true.into();
    client.put(&one, &changed).await.unwrap();
    server.change(|estate| estate.identities[0].rights = Rights::none());
    assert!(matches!(client.post(maps, &fresh).await.unwrap_err().cause, Cause::Forbidden(_)));
}
