//! What runs pass on to each other: samples, listings, CloudWatch's own EKS metrics, and the
//! report.

use fake_aws::{EksClusterSpec, Fault};
use fake_kubernetes::{Estate, MetricsApi};
use fargaze::evidence::pods::NodeCount;
use fargaze::model::metric::Statistic;
use function_tests::{ATTEMPTS, Function, minute, put_minutes};

use super::{CLUSTER, ago, collector, healthy, watch, web};

#[tokio::test]
async fn samples_are_joined_from_snapshot_to_snapshot() {
    let watched = watch(healthy()).await;
    for run in 0..4 {
        watched.alarms(run * 5).await;
    }
    let snapshot = watched.snapshot("alarms", 15);
    let memory = snapshot.readings.iter().find(|(query, _)| {
        query.metric.name == "pod_memory_percent_of_provisioned" && query.statistic == Statistic::Maximum
    });
    let points = memory.unwrap().1.series().unwrap().points().to_vec();
    let starts: Vec<String> =
        points.iter().map(|point| point.timestamp.strftime("%H:%M").to_string()).collect();
    assert_eq!(
        starts,
        ["10:00", "10:05", "10:10", "10:15"],
        "each sample is that of the period which ends with its run"
    );
    assert!(points.iter().all(|point| (point.value - 29.296_875).abs() < 1e-9), "{points:?}");
}

#[tokio::test]
async fn a_retry_takes_no_second_sample() {
    let watched = watch(healthy()).await;
    let items = watched.stack.items("alarms", minute(0)).await;
    let item = items.into_iter().find(|item| item["platform"] == "eks").unwrap();
    let first = watched.stack.invoke(Function::CollectPods, item.clone()).await.unwrap();
    let calls = watched.kubernetes.meter().calls.len();
    assert_eq!(watched.stack.invoke(Function::CollectPods, item).await.unwrap(), first);
    assert_eq!(watched.kubernetes.meter().calls.len(), calls);
}

/// Restarted samples would end active alarms: of three samples two must breach, and a single one
/// does not.
#[tokio::test]
async fn a_snapshot_that_cannot_be_read_for_a_moment_is_read_by_another_try() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit_web("a", |pod| {
        let mut pod = pod.crash_looping(7, ago(0, 2));
        "Error".clone_into(&mut pod.containers[0].last.as_mut().unwrap().reason);
        pod
    });
    let (offset, mail) = watched.until_mail(0, 3).await.unwrap();
    assert!(offset == 5 && mail.contains("crash-loop"), "{mail}");
    let items = watched.stack.items("alarms", minute(10)).await;
    let item = items.into_iter().find(|item| item["platform"] == "eks").unwrap();
    // The previous snapshot is the last object that a collector reads from S3.
    watched.stack.aws.reset_meter();
    watched.stack.invoke(Function::CollectPods, item).await.unwrap();
    let calls = watched.stack.aws.meter().count("s3:GetObject");
    let items = watched.stack.items("alarms", minute(15)).await;
    let item = items.into_iter().find(|item| item["platform"] == "eks").unwrap();
    for times in [ATTEMPTS, 2 * ATTEMPTS] {
        watched.stack.aws.clear_faults();
        watched.stack.aws.add_fault(Fault::on("s3:GetObject").nth(calls).times(times).throttle());
        let failed = watched.stack.invoke(Function::CollectPods, item.clone()).await.unwrap_err();
        assert_eq!(failed.error_type(), "Throttled", "the state machine tries it again");
    }
    watched.stack.aws.clear_faults();
    assert_eq!(watched.until_mail(15, 3).await, None, "the alarm stays active");
    let snapshot = watched.snapshot("alarms", 15);
    let loops = snapshot.readings.iter().find(|(query, _)| query.metric.name == "pods_crash_looping");
    assert_eq!(loops.unwrap().1.series().unwrap().points().len(), 5, "from -5 to 15");
}

#[tokio::test]
async fn clusters_are_listed_once_an_hour_and_again_when_one_cannot_be_read() {
    let watched = watch(healthy()).await;
    for run in 0..3 {
        watched.alarms(run * 5).await;
    }
    // At minute 0 with descriptions, at minute 10 only names.
    assert_eq!(watched.stack.aws.meter().count("eks:ListClusters"), 2);
    assert_eq!(watched.stack.aws.meter().count("eks:DescribeCluster"), 1);
    // Recreated under its name, at another endpoint and with another CA.
    let recreated = fake_kubernetes::FakeKubernetes::start(healthy()).await;
    let spec = EksClusterSpec::new(CLUSTER).at(&recreated.endpoint(), recreated.ca_base64());
    watched.stack.aws.edit(|world| world.home().put_eks(spec));
    watched.edit(|estate| estate.identities.clear());
    watched.alarms(15).await;
    watched.alarms(20).await;
    assert_eq!(watched.stack.aws.meter().count("eks:ListClusters"), 3);
    assert!(recreated.meter().count("/api/v1/pods") > 0, "the new endpoint is queried");
}

#[tokio::test]
async fn usage_is_requested_in_the_version_that_the_server_prefers() {
    for version in ["v1beta1", "v1"] {
        let watched = watch(healthy().with(|estate| estate.metrics = MetricsApi::Serving(version))).await;
        watched.alarms(0).await;
        assert_eq!(
            watched.kubernetes.meter().count(&format!("/apis/metrics.k8s.io/{version}/pods")),
            1,
            "{version}"
        );
    }
}

#[tokio::test]
async fn a_thousand_pods_come_in_pages_with_few_requests_at_once() {
    let mut estate = Estate::seeded(1, 1000, minute(0));
    CLUSTER.clone_into(&mut estate.cluster);
    estate.now = None;
    estate.identities = vec![collector()];
    let watched = watch(estate).await;
    watched.alarms(0).await;
    let meter = watched.kubernetes.meter();
    assert!(meter.most_at_once <= 8, "{}", meter.most_at_once);
    assert_eq!(meter.count("/api/v1/pods"), 5, "1001 pods in pages of 250");
}

#[tokio::test]
async fn a_rule_on_a_vended_metric_is_evaluated_on_eks_clusters() {
    let watched = watch(healthy()).await;
    watched.stack.aws.edit(|world| {
        put_minutes(world.home(), "AWS/EKS", "scheduler_pending_pods", &[("ClusterName", CLUSTER)], |_| 7.0);
    });
    let yaml = "
rules:
  - name: unscheduled
    what:
      namespace: AWS/EKS
      metric: scheduler_pending_pods
      dimensions: {ClusterName: '{cluster}'}
    scope: cluster
    threshold: 5
    comparison: GreaterThanThreshold
    evaluation-periods: 3
";
    watched.stack.put_rules(yaml);
    let mails = watched.alarms(0).await;
    assert!(mails.len() == 1 && mails[0].contains("scheduler_pending_pods 7"), "{mails:?}");
}

#[tokio::test]
async fn a_report_finds_vended_metrics_by_asking_and_joins_the_samples_of_the_day() {
    let watched = watch(healthy()).await;
    watched.stack.aws.edit(|world| {
        for (namespace, name) in [("AWS/EKS", "named_tomorrow"), ("ContainerInsights", "pod_cpu_utilization")]
        {
            put_minutes(world.home(), namespace, name, &[("ClusterName", CLUSTER)], |_| 3.0);
        }
    });
    for run in 0..14 {
        watched.alarms(run * 5 - 65).await;
    }
    watched.stack.run_line("report", minute(5)).await.receipt.unwrap();
    let snapshot = watched.snapshot("report", 5);
    let names: Vec<&str> = snapshot.readings.keys().map(|query| query.metric.name.as_ref()).collect();
    assert!(names.contains(&"named_tomorrow") && names.contains(&"pod_cpu_utilization"), "{names:?}");
    let points = snapshot.readings.iter().filter(|(query, _)| query.metric.name == "pod_restarts");
    let points = points.map(|(_, reading)| reading.series().unwrap().points().len()).next();
    // Fourteen runs and the report's own sample; the first of them knows no restarts.
    assert_eq!(points, Some(14));
    let pod = snapshot.pods.iter().find(|pod| pod.pod.ends_with("-a")).unwrap();
    assert!(pod.of_node.contains_key("memory"), "{pod:?}");
    assert_eq!(snapshot.eks[0].nodes, Some(NodeCount { fargate: 2, other: 0 }));
}

/// Issue 12, point 12.
#[tokio::test]
async fn a_report_sums_counters_of_the_control_plane_and_has_what_adot_writes() {
    let watched = watch(healthy()).await;
    let (cluster, fargate) = (("ClusterName", CLUSTER), ("LaunchType", "fargate"));
    watched.stack.aws.edit(|world| {
        let home = world.home();
        for name in ["apiserver_request_total_5XX", "APIServerRequestsHTTP429"] {
            put_minutes(home, "AWS/EKS", name, &[cluster], |_| 2.0);
        }
        let namespace = ("Namespace", "web");
        for (name, dimensions) in [
            ("pod_memory_working_set", vec![cluster, fargate]),
            ("pod_cpu_usage_total", vec![cluster, fargate, namespace]),
            ("pod_memory_limit", vec![cluster, fargate, namespace, ("PodName", "web-1")]),
            ("pod_elsewhere", vec![("ClusterName", "another"), fargate]),
        ] {
            put_minutes(home, "ContainerInsights", name, &dimensions, |_| 3.0);
        }
    });
    watched.stack.run_line("report", minute(5)).await.receipt.unwrap();
    let report = watched.stack.json("reports/latest.json");
    let metrics = report["eks"][0]["metrics"].as_array().unwrap();
    let figures = |name: &str| {
        let metric = metrics.iter().find(|metric| metric["name"] == name)?;
        Some(["total", "average", "maximum"].map(|figure| metric[figure].as_f64()))
    };
    // Two a minute for a day; a period of the report has five minutes.
    let total = 2.0 * 24.0 * 60.0;
    for name in ["apiserver_request_total_5XX", "APIServerRequestsHTTP429"] {
        assert_eq!(figures(name), Some([Some(total), None, Some(10.0)]), "{name}: {metrics:#?}");
    }
    for name in ["pod_memory_working_set", "pod_cpu_usage_total"] {
        assert_eq!(figures(name), Some([None, Some(3.0), Some(3.0)]), "{name}: {metrics:#?}");
    }
    assert_eq!((figures("pod_memory_limit"), figures("pod_elsewhere")), (None, None));
}

/// Issue 12, point 12: twice a minute is not over 5, ten in five minutes are.
#[tokio::test]
async fn a_rule_on_a_counter_of_the_control_plane_evaluates_its_sum_by_default() {
    for (statistic, mails) in [("", 1), ("    statistic: Average\n", 0)] {
        let watched = watch(healthy()).await;
        watched.stack.aws.edit(|world| {
            let dimensions = [("ClusterName", CLUSTER)];
            put_minutes(world.home(), "AWS/EKS", "apiserver_request_total_5XX", &dimensions, |_| 2.0);
        });
        let what = "    what:\n      namespace: AWS/EKS\n      metric: apiserver_request_total_5XX\n      \
                    dimensions: {ClusterName: '{cluster}'}\n";
        let rest = "    scope: cluster\n    threshold: 5\n    comparison: GreaterThanThreshold\n    period: 300\n    \
                    evaluation-periods: 2\n";
        watched.stack.put_rules(&format!("rules:\n  - name: failing\n{what}{statistic}{rest}"));
        assert_eq!(watched.alarms(0).await.len(), mails, "`{statistic}`");
    }
}

#[tokio::test]
async fn a_workload_that_is_deleted_ends_its_alarm_with_a_word() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit_web("a", |pod| pod.oom_killed(1, minute(-1)));
    assert_eq!(watched.alarms(0).await.len(), 1);
    watched.edit(|estate| {
        for name in ["a", "b"] {
            estate.remove("shop", &super::web_name(name));
        }
        estate.place(web("z", minute(0)).owned_by("StatefulSet", "other"));
    });
    watched.edit(|estate| {
        let mut workload =
            fake_kubernetes::Workload::new(fake_kubernetes::Kind::Deployment, "shop", "web", 0, minute(-600));
        workload.ready = 0;
        estate.place_workload(workload);
    });
    // Scaled to zero: the alarm ends by itself after its hold.
    let (_, mail) = watched.until_mail(5, 10).await.unwrap();
    assert!(mail.starts_with("OK"), "{mail}");
}

/// Issue 12, point 12.
#[tokio::test]
async fn a_minute_that_cloudwatch_still_counts_is_not_evaluated_on_eks_either() {
    let watched = watch(healthy()).await;
    watched.stack.put_rules(
        "rules:\n  - name: quiet\n    what: {namespace: AWS/EKS, metric: apiserver_request_total, dimensions: {ClusterName: '{cluster}'}}\n    scope: cluster\n    threshold: 100\n    comparison: LessThanThreshold\n    evaluation-periods: 1\n",
    );
    for now in [0, 5, 10] {
        watched.stack.aws.edit(|world| {
            put_minutes(
                world.home(),
                "AWS/EKS",
                "apiserver_request_total",
                &[("ClusterName", CLUSTER)],
                |at| if at >= now - 1 { 50.0 } else { 200.0 },
            );
        });
        assert_eq!(watched.alarms(now).await, Vec::<String>::new(), "at minute {now}");
    }
}
