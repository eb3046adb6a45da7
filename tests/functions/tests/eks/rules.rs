//! The built-in rules on EKS: each must stay silent on healthy estates and fire on the failure it
//! is for.

use fake_kubernetes::{Container, ContainerState, Kind, MetricsApi, Pod, Workload};
use function_tests::minute;

use super::{MIB, Watched, ago, healthy, watch, web, web_name};

/// Runs before anything fails, so that there is a previous sample.
async fn quiet_first(watched: &Watched) {
    assert_eq!(watched.until_mail(-10, 2).await, None);
}

/// Fires within this many runs, and the mail contains all of this.
async fn fires(watched: &Watched, runs: i64, words: &[&str]) -> (i64, String) {
    let notified = watched.until_mail(0, runs).await;
    let (offset, mail) = notified.unwrap_or_else(|| panic!("no mail in {runs} runs"));
    for word in words {
        assert!(mail.contains(word), "`{word}` is not in: {mail}");
    }
    (offset, mail)
}

fn using(mut pod: Pod, nanocores: u64, kib: u64) -> Pod {
    let container = pod.containers.remove(0).using(nanocores, kib);
    pod.containers.insert(0, container);
    pod
}

#[tokio::test]
async fn quiet_a_healthy_cluster_for_an_hour() {
    let watched = watch(healthy()).await;
    assert_eq!(watched.until_mail(0, 12).await, None);
    assert_eq!(watched.stack.remembered().len(), 0, "a quiet run remembers nothing");
}

#[tokio::test]
async fn quiet_one_restart_a_long_start_and_a_node_that_is_larger_than_its_pod() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    // One container started again; a new pod without usage; a pod pending for three minutes.
    watched.edit_web("a", |mut pod| {
        pod.containers[0].restart_count = 1;
        pod
    });
    watched.edit(|estate| {
        estate.place(web("c", minute(-1)).not_scraped());
        estate.place(web("d", ago(0, 2)).pending("Unschedulable", "0/2 nodes are available"));
    });
    assert_eq!(watched.alarms(0).await, Vec::<String>::new());
    watched.edit(|estate| {
        estate.remove("shop", &web_name("d"));
    });
    assert_eq!(watched.until_mail(5, 4).await, None);
}

#[tokio::test]
async fn quiet_a_rollout_that_takes_two_samples() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit(|estate| {
        let mut workload = Workload::new(Kind::Deployment, "shop", "web", 2, minute(-600));
        workload.ready = 1;
        estate.place_workload(workload);
    });
    assert_eq!(watched.until_mail(0, 2).await, None);
    watched.edit(|estate| {
        estate.place_workload(Workload::new(Kind::Deployment, "shop", "web", 2, minute(-600)));
    });
    assert_eq!(watched.until_mail(10, 3).await, None);
}

#[tokio::test]
async fn quiet_a_pod_that_is_hot_for_one_sample() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit_web("a", |pod| using(pod, 490_000_000, 990 * MIB));
    assert_eq!(watched.alarms(0).await, Vec::<String>::new());
    watched.edit_web("a", |pod| using(pod, 100_000_000, 300 * MIB));
    assert_eq!(watched.until_mail(5, 3).await, None);
}

#[tokio::test]
async fn fire_pod_memory_high_measured_by_what_is_provisioned() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    // 900 of 1024 MiB: 87.9 %. Its node has 16 GB.
    watched.edit_web("a", |pod| using(pod, 100_000_000, 900 * MIB));
    let words = [
        "ALARM",
        "payments shop/deployment/web",
        "pod memory 87.9 %",
        "web-7d9f8b6c5d-a",
        "900 MiB of 1024 MiB provisioned",
    ];
    let (offset, _) = fires(&watched, 3, &words).await;
    assert_eq!(offset, 5, "two of three samples");
    watched.edit_web("a", |pod| using(pod, 100_000_000, 300 * MIB));
    let (_, ended) = watched.until_mail(10, 4).await.unwrap();
    assert!(ended.starts_with("OK"), "{ended}");
}

#[tokio::test]
async fn fire_pod_cpu_high() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit_web("b", |pod| using(pod, 480_000_000, 300 * MIB));
    fires(&watched, 3, &["pod CPU 96 %", "web-7d9f8b6c5d-b", "480m of 500m provisioned"]).await;
}

#[tokio::test]
async fn fire_restarts_that_grow() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    for run in 0..3 {
        watched.edit_web("a", |mut pod| {
            pod.containers[0].restart_count += 1;
            pod
        });
        let mails = watched.alarms(run * 5).await;
        assert_eq!(mails.len(), usize::from(run == 2), "{mails:?}");
        if run == 2 {
            assert!(mails[0].contains("restarts"), "{}", mails[0]);
        }
    }
}

#[tokio::test]
async fn fire_crash_loop_with_what_ended_before() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    // Killed long before the previous sample, so only the loop is new.
    watched.edit_web("a", |pod| pod.crash_looping(7, ago(0, 120)));
    watched.alarms(-5).await;
    let (_, mail) =
        fires(&watched, 3, &["CrashLoopBackOff", "OOMKilled", "exit code 137", "web-7d9f8b6c5d-a"]).await;
    assert!(mail.contains("1 pod crash-looping"), "{mail}");
}

#[tokio::test]
async fn fire_oom_killed_and_end() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit_web("a", |pod| pod.oom_killed(1, ago(0, 3)));
    let (offset, mail) = fires(&watched, 1, &["1 container out of memory", "OOMKilled", "10:02 UTC"]).await;
    assert!(mail.starts_with("ALARM"), "{mail}");
    // The pod reports the kill for as long as it exists; the alarm does not.
    let (ended_at, ended) = watched.until_mail(offset + 5, 12).await.unwrap();
    assert!(ended.starts_with("OK"), "{ended}");
    assert!((30..=40).contains(&(ended_at - offset)), "held for half an hour: {ended_at}");
    assert_eq!(watched.until_mail(ended_at + 5, 3).await, None);
}

#[tokio::test]
async fn fire_a_pod_that_is_pending_for_over_ten_minutes() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit(|estate| {
        let mut pod = web("c", ago(0, 12));
        pod.created_at = ago(0, 12);
        estate.place(
            pod.pending("Unschedulable", "Pod not supported on Fargate: fields not supported: HostNetwork"),
        );
    });
    fires(&watched, 1, &["pending for 12 min", "Unschedulable", "HostNetwork"]).await;
}

#[tokio::test]
async fn fire_replicas_missing() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit(|estate| {
        let mut workload = Workload::new(Kind::Deployment, "shop", "web", 3, minute(-600));
        workload.ready = 1;
        estate.place_workload(workload);
    });
    let (offset, _) = fires(&watched, 3, &["2 replicas missing"]).await;
    assert_eq!(offset, 10, "three samples");
}

#[tokio::test]
async fn fire_completed_pods_that_are_still_paid_for() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit(|estate| {
        estate.place_workload(Workload::new(Kind::Job, "shop", "nightly", 1, minute(-600)));
        let pod = Pod::running(
            "shop",
            "nightly-x",
            vec![Container::running("app", "1", "1Gi", minute(-600))],
            minute(-600),
        );
        estate.place(pod.owned_by("Job", "nightly").completed(ago(0, 59)));
    });
    assert_eq!(watched.alarms(0).await, Vec::<String>::new(), "59 minutes are no hour");
    let (_, mail) = watched.until_mail(5, 1).await.unwrap();
    assert!(mail.contains("1 completed pod still billed") && mail.contains("nightly-x"), "{mail}");
}

#[tokio::test]
async fn fire_metrics_server_missing_and_down() {
    for (metrics, word) in [(MetricsApi::Absent, "missing"), (MetricsApi::Down, "missing")] {
        let watched = watch(healthy()).await;
        quiet_first(&watched).await;
        watched.edit(|estate| estate.metrics = metrics);
        let (offset, _) = fires(&watched, 3, &["Metrics API", word, "payments"]).await;
        assert_eq!(offset, 10, "three samples");
    }
}

#[tokio::test]
async fn fire_logging_disabled() {
    let watched = watch(healthy()).await;
    quiet_first(&watched).await;
    watched.edit_web("a", |mut pod| {
        pod.logging = Some("LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND".to_owned());
        pod
    });
    fires(&watched, 3, &["1 pod without logging", "LOGGING_CONFIGMAP_NOT_FOUND"]).await;
}

#[tokio::test]
async fn a_container_without_its_image_is_counted_by_a_rule_of_the_user() {
    let watched = watch(healthy()).await;
    let yaml = "
rules:
  - name: no-image
    what: unstartable-pods
    scope: workload
    namespaces: [shop]
    workloads: [web]
    threshold: 0
    comparison: GreaterThanThreshold
    evaluation-periods: 1
";
    watched.stack.put_rules(yaml);
    quiet_first(&watched).await;
    watched.edit_web("a", |mut pod| {
        let message = "Back-off pulling image".to_owned();
        pod.containers[0].state = ContainerState::Waiting { reason: "ImagePullBackOff".to_owned(), message };
        pod
    });
    fires(&watched, 1, &["1 pod that cannot start", "ImagePullBackOff"]).await;
}
