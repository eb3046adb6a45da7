//! cAdvisor through the node proxy: the permission, and that fargaze's parser reads the page like
//! real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::{now, seeded, serve};
use fake_kubernetes::{Container, Counters, Estate, Handle, Network, Pod, Recorded, Rights};
use fargaze::kubernetes::cadvisor::{Page, Parts, read};
use fargaze::kubernetes::prometheus::parse;
use fargaze_kubernetes::{Cause, Client, Explanation};
use jiff::SignedDuration;

fn grant(server: &Handle) {
    server.change(|estate| estate.identities[0].rights = Rights::collector().with_node_proxy());
}

fn path(node: &str) -> String {
    format!("/api/v1/nodes/{node}/proxy/metrics/cadvisor")
}

/// A pod with a limited container with counters, one without a limit, and one that does not run.
fn pod() -> Pod {
    let since = now() - SignedDuration::from_hours(2);
    let counters = Counters {
        cpu_milliseconds: 8_018_171,
        cfs_periods: 339_563,
        cfs_throttled_periods: 14_192,
        disk_read: 9_608_635_690,
        disk_written: 4_096,
        second_disk: None,
    };
    let mut free = Container::running("log", "100m", "64Mi", since).counting(counters);
    free.limits.clear();
    let app = Container::running("app", "500m", "256Mi", since).counting(counters);
    let done = Container::running("init", "100m", "64Mi", since).counting(counters);
    Pod::running("shop", "web-\"1\"", vec![app, free], since).with_init(done).transferring(5_326_860, 259_012)
}

async fn page(server: &Handle, client: &Client) -> (Vec<u8>, Page) {
    let node = server.estate().pods().next().unwrap().node.clone().unwrap();
    let body = client.get(&path(&node)).await.unwrap();
    let page = read(&body, now());
    (body, page)
}

fn parts(of: &Parts) -> Vec<(&str, f64)> {
    of.iter().map(|(part, series)| (part.as_str(), series.values().map(|one| one.value).sum())).collect()
}

#[tokio::test]
async fn no_caller_reaches_a_kubelet_without_the_permission() {
    let (server, client) = seeded(1).await;
    let node = server.estate().nodes().next().unwrap().name.clone();
    let denied = client.get(&path(&node)).await.unwrap_err();
    assert!(matches!(&denied.cause, Cause::Forbidden(_)), "{denied}");
    let said = format!(
        "nodes \"{node}\" is forbidden: User \"arn:aws:sts::111122223333:assumed-role/collector/fn\" cannot get resource \"nodes/proxy\" in API \
         group \"\" at the cluster scope"
    );
    assert!(denied.to_string().ends_with(&said), "{denied}");
    grant(&server);
    assert!(client.get(&path(&node)).await.is_ok());
}

#[tokio::test]
async fn a_node_that_is_missing_or_does_not_answer_is_reported_as_recorded() {
    let (server, client) = seeded(1).await;
    grant(&server);
    let message = |of: &str| {
        let recorded: serde_json::Value = serde_json::from_slice(Recorded::named(of).body()).unwrap();
        recorded["message"].as_str().unwrap().to_owned()
    };
    let Cause::NotFound(Explanation::Status { message: said, .. }) =
        client.get(&path("nosuchnode")).await.unwrap_err().cause
    else {
        panic!("no 404")
    };
    assert_eq!(said, message("proxy_no_node_404"));
    let node = server.estate().nodes().next().unwrap().clone();
    server.change(|estate| estate.node(&node.name).unwrap().reachable = false);
    let Cause::Unavailable(Explanation::Status { message: said, .. }) =
        client.get(&path(&node.name)).await.unwrap_err().cause
    else {
        panic!("no 503")
    };
    let recorded =
        message("proxy_refused_503").replace("10.99.77.2:20251", &format!("{}:10250", node.address));
    assert_eq!(said, recorded);
}

#[tokio::test]
async fn a_pod_is_read_with_what_it_counts() {
    let mut estate = Estate::default().with(|estate| estate.now = Some(now()));
    estate.place(pod());
    let (server, client) = serve(estate).await;
    grant(&server);
    let (_, Page { pods, report }) = page(&server, &client).await;
    assert_eq!((report.skipped, report.truncated), (0, None));
    let [((namespace, name), of)] = pods.iter().collect::<Vec<_>>()[..] else { panic!("{pods:?}") };
    assert_eq!((namespace.as_str(), name.as_str()), ("shop", "web-\"1\""));
    assert_eq!(parts(&of.cpu_seconds), [("app", 8018.171), ("log", 8018.171)]);
    assert_eq!(parts(&of.cfs_periods), [("app", 339_563.0)]);
    assert_eq!(parts(&of.cfs_throttled), [("app", 14_192.0)]);
    assert_eq!(parts(&of.disk_read), [("app", 9_608_635_690.0), ("log", 9_608_635_690.0)]);
    assert_eq!(parts(&of.disk_written), [("app", 4_096.0), ("log", 4_096.0)]);
    assert_eq!(parts(&of.network_received), [("eth0", 5_326_860.0)]);
    assert_eq!(parts(&of.network_sent), [("eth0", 259_012.0)]);
    // Each row has its own timestamp, some seconds ago.
    let times: BTreeSet<_> =
        of.cpu_seconds.values().flat_map(|series| series.values()).map(|counter| counter.at).collect();
    assert!(times.len() == 2 && times.iter().all(|at| *at < now()), "{times:?}");
}

#[tokio::test]
async fn a_container_that_restarts_and_a_pod_that_counts_on_are_seen() {
    let (server, client) = seeded(1).await;
    grant(&server);
    let (_, before) = page(&server, &client).await;
    server.change(|estate| {
        estate.now = Some(now() + SignedDuration::from_mins(5));
        let pod = estate.pods_mut().next().unwrap();
        pod.network = pod.network.map(|of| Network { sent: of.sent + 300_000, ..of });
        for container in &mut pod.containers {
            container.counters.as_mut().unwrap().disk_written += 600_000;
        }
        pod.containers[0].counters.as_mut().unwrap().disk_read = 3_000;
    });
    let (_, after) = page(&server, &client).await;
    let (pod, before) = before.pods.iter().next().unwrap();
    let rates = after.pods[pod].rates_since(before);
    assert_eq!((rates.network_sent, rates.network_received), (Some(1000.0), Some(0.0)));
    assert_eq!((rates.disk_written, rates.disk_read), (Some(4000.0), Some(10.0)));
}

/// Families on both pages, by name, with their comments, the names of their labels in order, and
/// whether lines have a timestamp.
fn shape(page: &str) -> BTreeSet<(String, String, bool)> {
    let mut shapes = BTreeSet::new();
    parse(page.as_bytes(), |sample| {
        let labels: Vec<&str> = sample.labels().map(|(name, _)| name).collect();
        shapes.insert((sample.name.to_string(), labels.join(","), sample.timestamp_ms.is_some()));
    });
    shapes
}

#[tokio::test]
async fn each_line_has_the_labels_the_comments_and_the_numbers_of_cadvisor() {
    let (server, client) = seeded(3).await;
    grant(&server);
    let (body, _) = page(&server, &client).await;
    let body = String::from_utf8(body).unwrap();
    let real = [
        std::fs::read_to_string("../fixtures/kubernetes/cadvisor_1.36_code_families.txt").unwrap(),
        String::from_utf8(Recorded::named("proxy_cadvisor").body().to_vec()).unwrap(),
    ];
    let shapes: BTreeSet<_> = real.iter().flat_map(|page| shape(page)).collect();
    for one in shape(&body) {
        assert!(shapes.contains(&one), "{one:?}");
    }
    for comment in body.lines().filter(|line| line.starts_with('#')) {
        assert!(real.iter().any(|page| page.lines().any(|line| line == comment)), "{comment}");
    }
    assert!(body.contains(" 4e+07 ") && body.contains(" 1.2e+08 "), "{body}");
}
