//! Served objects have the shapes of the real server.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::{names, now, seeded, serve};
use fake_kubernetes::{Container, Estate, Identity, MetricsApi, Pod, Recorded, Rights, recorded};
use fargaze_kubernetes::{Cause, Client, Explanation};
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn get(client: &Client, path: &str) -> Value {
    serde_json::from_slice(&client.get(path).await.unwrap()).unwrap()
}

/// All field paths, without the content of managedFields, whose keys are field names.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if !path.ends_with("fieldsV1") => {
            map.iter().for_each(|(name, value)| fields(value, &format!("{path}.{name}"), found));
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, &format!("{path}[]"), found)),
        _ => drop(found.insert(path.to_owned())),
    }
}

fn fields_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    fields(value, "", &mut found);
    // Excluding the names of labels, and fields that only a ReplicaSet's template has.
    found.retain(|field| !field.contains(".labels.") && !field.ends_with("generateName"));
    found
}

#[tokio::test]
async fn every_recorded_answer_is_served_as_it_was() {
    let (_server, client) = serve(Estate::recorded().with(|estate| estate.now = Some(now()))).await;
    for one in recorded() {
        match client.get(one.path).await {
            Ok(body) => assert_eq!((body.as_slice(), one.status() / 100), (one.body(), 2), "{}", one.name),
            Err(error) => {
                let text = error.cause.to_string();
                assert!(text.starts_with(&one.status().to_string()), "{}: {text}", one.name);
            }
        }
    }
}

#[tokio::test]
async fn a_seeded_pod_has_the_fields_and_the_bulk_of_a_recorded_one() {
    let (_server, client) = seeded(50).await;
    let list = get(&client, "/api/v1/namespaces/default/pods").await;
    let pod = &list["items"][0];
    let real: Value = serde_json::from_slice(Recorded::named("pods_page1").body()).unwrap();
    assert_eq!(fields_of(pod), fields_of(&real["items"][0]));
    let bytes = list["items"].as_array().unwrap().iter().map(|pod| pod.to_string().len());
    let (all, count) = (bytes.sum::<usize>(), list["items"].as_array().unwrap().len());
    assert!((8_000..9_200).contains(&(all / count)), "{} bytes a pod", all / count);
    let node = pod["spec"]["nodeName"].as_str().unwrap();
    let node = get(&client, &format!("/api/v1/nodes/{node}")).await;
    let real: Value = serde_json::from_slice(Recorded::named("nodes_page1").body()).unwrap();
    let mut node_fields = fields_of(&node);
    node_fields.retain(|field| !matches!(field.as_str(), ".kind" | ".apiVersion"));
    assert_eq!(node_fields, fields_of(&real["items"][0]));
    assert_eq!(node["status"]["capacity"]["pods"], "1");
}

#[tokio::test]
async fn usage_has_the_fields_of_metrics_server_and_lacks_its_own_pod() {
    let (_server, client) = seeded(10).await;
    let usage = get(&client, "/apis/metrics.k8s.io/v1beta1/pods").await;
    let real: Value = serde_json::from_slice(Recorded::named("podmetrics_fake_server").body()).unwrap();
    assert_eq!(fields_of(&usage), fields_of(&real));
    assert_eq!(usage["items"].as_array().unwrap().len(), 10);
    assert_eq!(names(&client, "/apis/metrics.k8s.io/v1beta1/nodes").await.unwrap().len(), 10);
    let cpu = usage["items"][0]["containers"][0]["usage"]["cpu"].as_str().unwrap();
    assert!(cpu.ends_with('n'), "{cpu}");
    let groups = get(&client, "/apis").await;
    let metrics = groups["groups"].as_array().unwrap().iter().find(|group| group["name"] == "metrics.k8s.io");
    assert_eq!(metrics.unwrap()["preferredVersion"]["version"], "v1beta1");
}

#[tokio::test]
async fn the_group_of_metrics_follows_its_server() {
    for (metrics, version) in [
        (MetricsApi::Serving("v1"), Some("v1")),
        (MetricsApi::Absent, None),
        (MetricsApi::Down, Some("v1beta1")),
    ] {
        let (_server, client) =
            serve(Estate::seeded(1, 1, now()).with(|estate| estate.metrics = metrics)).await;
        let groups = get(&client, "/apis").await;
        let group =
            groups["groups"].as_array().unwrap().iter().find(|group| group["name"] == "metrics.k8s.io");
        assert_eq!(group.map(|group| group["preferredVersion"]["version"].as_str().unwrap()), version);
    }
}

#[tokio::test]
async fn unhealthy_pods_have_the_shapes_of_real_ones() {
    let ended = now() - SignedDuration::from_mins(7);
    let app = || vec![Container::running("app", "250m", "512Mi", ended)];
    let pod = |name: &str| Pod::running("odd", name, app(), ended);
    let mut estate = Estate::default().with(|estate| estate.now = Some(now()));
    estate.place(pod("crashes").crash_looping(12, ended));
    estate.place(pod("killed").oom_killed(1, ended));
    estate.place(pod("waits").pending("Unschedulable", "Pod provisioning timed out"));
    estate.place(pod("done").completed(ended));
    estate.place(pod("new").not_scraped());
    let (init, sidecar) = (app().remove(0), Container { name: "proxy".to_owned(), ..app().remove(0) });
    estate.place(pod("sidecar").with_init(init).with_sidecar(sidecar));
    let (server, client) = serve(estate).await;
    let of = async |name: &str| get(&client, &format!("/api/v1/namespaces/odd/pods/{name}")).await;

    let crashes = &of("crashes").await["status"]["containerStatuses"][0];
    assert_eq!(crashes["state"]["waiting"]["reason"], "CrashLoopBackOff");
    assert_eq!((&crashes["restartCount"], &crashes["ready"]), (&12.into(), &false.into()));
    let killed = &of("killed").await["status"]["containerStatuses"][0];
    assert_eq!(killed["lastState"]["terminated"]["reason"], "OOMKilled");
    assert_eq!(killed["lastState"]["terminated"]["finishedAt"], "2026-11-22T09:58:00Z");
    assert!(killed["state"]["running"].is_object());
    let waits = of("waits").await;
    assert_eq!(waits["status"]["conditions"][0]["reason"], "Unschedulable");
    assert!(waits["spec"]["nodeName"].is_null() && waits["metadata"]["annotations"] == json!({}));
    assert_eq!(of("done").await["status"]["phase"], "Succeeded");
    let sidecar = of("sidecar").await;
    assert_eq!(sidecar["spec"]["initContainers"][1]["restartPolicy"], "Always");
    assert_eq!(sidecar["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"], 0);

    let measured = names(&client, "/apis/metrics.k8s.io/v1beta1/pods").await.unwrap();
    assert_eq!(measured, ["odd/killed", "odd/sidecar"]);
    server.change(|estate| {
        estate.pod("odd", "new").unwrap().scraped = true;
        estate.remove("odd", "killed");
    });
    let measured = names(&client, "/apis/metrics.k8s.io/v1beta1/pods").await.unwrap();
    assert_eq!(measured, ["odd/new", "odd/sidecar"]);
}

#[tokio::test]
async fn the_owners_of_pods_are_there() {
    let (_server, client) = seeded(200).await;
    for (path, count) in [
        ("/apis/apps/v1/deployments", 29),
        ("/apis/apps/v1/replicasets", 29),
        ("/apis/apps/v1/statefulsets", 7),
        ("/apis/apps/v1/daemonsets", 0),
        ("/apis/batch/v1/jobs", 5),
        ("/apis/batch/v1/cronjobs", 0),
        ("/api/v1/namespaces", 5),
    ] {
        assert_eq!(names(&client, path).await.unwrap().len(), count, "{path}");
    }
}

#[tokio::test]
async fn namespaces_and_config_maps_are_kept() {
    let (server, client) = seeded(1).await;
    server
        .change(|estate| estate.identities[0] = Identity { rights: Rights::all(), ..Identity::collector() });
    let maps = "/api/v1/namespaces/aws-observability/configmaps";
    let map = |output: &str| json!({"metadata": {"name": "aws-logging"}, "data": {"output.conf": output}});
    let cause = client.post(maps, &map("a")).await.unwrap_err().cause;
    assert!(matches!(cause, Cause::NotFound(Explanation::Status { .. })));
    let labels = json!({"aws-observability": "enabled"});
    let namespace = json!({"metadata": {"name": "aws-observability", "labels": labels}});
    client.post("/api/v1/namespaces", &namespace).await.unwrap();
    let kept = get(&client, "/api/v1/namespaces/aws-observability").await;
    assert_eq!(kept["metadata"]["labels"]["aws-observability"], "enabled");

    client.post(maps, &map("a")).await.unwrap();
    let again = client.post(maps, &map("b")).await.unwrap_err().cause;
    assert!(matches!(again, Cause::Conflict(_)));
    let one = format!("{maps}/aws-logging");
    let mut read = get(&client, &one).await;
    read["data"]["output.conf"] = "b".into();
    client.put(&one, &read).await.unwrap();
    let conflict = client.put(&one, &read).await.unwrap_err().cause;
    assert!(matches!(conflict, Cause::Conflict(Explanation::Status { reason, .. }) if reason == "Conflict"));
    let stored = server.estate();
    assert_eq!(
        stored.stored("configmaps", "aws-observability", "aws-logging").unwrap()["data"]["output.conf"],
        "b"
    );
}

#[tokio::test]
async fn a_config_map_is_deleted_only_in_the_requested_version() {
    let (server, client) = seeded(1).await;
    let one = "/api/v1/namespaces/aws-observability/configmaps/aws-logging";
    let rights =
        Rights::collector().with_named("aws-observability", "configmaps", "aws-logging", &["delete"]);
    server.change(|estate| {
        estate.identities[0].rights = rights;
        estate.place_config_map("aws-observability", "aws-logging", &[("output.conf", "a")]);
    });
    let metadata = get(&client, one).await["metadata"].clone();
    let options = |uid: &serde_json::Value, version: &str| {
        json!({"kind": "DeleteOptions", "apiVersion": "v1",
            "preconditions": {"uid": uid, "resourceVersion": version}})
    };
    let uid = metadata["uid"].as_str().unwrap();
    for (options, why) in [
        (
            options(&json!("another"), "229"),
            format!("the UID in the precondition (another) does not match the UID in record ({uid}). The object might have been deleted and then recreated"),
        ),
        (
            options(&metadata["uid"], "228"),
            "the ResourceVersion in the precondition (228) does not match the ResourceVersion in record (229). The object might have been modified".to_owned(),
        ),
    ] {
        let error = client.delete(one, &options).await.unwrap_err();
        let said = format!("Operation cannot be fulfilled on ConfigMap \"aws-logging\": {why}");
        assert_eq!(
            error.to_string(),
            format!("DELETE {one} of cluster shop: 409 Conflict: {said}"),
            "it names the request and the server's message"
        );
    }
    let answer = client.delete(one, &options(&metadata["uid"], "229")).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((&answer["status"], &answer["details"]["uid"]), (&json!("Success"), &metadata["uid"]));
    let missing = client.delete(one, &json!({})).await.unwrap_err().cause;
    assert!(matches!(missing, Cause::NotFound(Explanation::Status { .. })));
    let elsewhere = "/api/v1/namespaces/default/configmaps/aws-logging";
    assert!(matches!(client.delete(elsewhere, &json!({})).await.unwrap_err().cause, Cause::Forbidden(_)));
}
