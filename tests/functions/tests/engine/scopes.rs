//! Scopes of rules: task families, any CloudWatch metric, and clusters by tag.

use fake_aws::{ClusterSpec, Estate, Series, SeriesKey, TaskSpec};
use function_tests::{aws_ecs, estate, minute, put_minutes, running, shop};
use serde_json::json;

use super::{notified, quiet, says, stack, the_alarm};

/// The cluster `jobs` with Container Insights and two families of tasks outside of services.
fn jobs() -> Estate {
    let mut estate = estate();
    let cluster = ClusterSpec::new("jobs").insights("enabled").tag("team", "data");
    estate.put_cluster(cluster.task(TaskSpec::new("nightly-import")).task(TaskSpec::new("cleanup")));
    put_minutes(&mut estate, "ECS/ContainerInsights", "TaskCount", &[("ClusterName", "jobs")], |_| 2.0);
    for (family, used) in [("nightly-import", 1000.0), ("cleanup", 1010.0)] {
        let dimensions = [("ClusterName", "jobs"), ("TaskDefinitionFamily", family)];
        for (name, value) in [("MemoryUtilized", used), ("MemoryReserved", 1024.0), ("CpuReserved", 256.0)] {
            put_minutes(&mut estate, "ECS/ContainerInsights", name, &dimensions, |_| value);
        }
    }
    estate
}

#[tokio::test(start_paused = true)]
async fn a_rule_on_task_families_evaluates_those_that_publish_and_match() {
    let stack = stack(jobs());
    stack.put_rules(
        "rules:\n  - {name: job-memory, what: memory-percent-of-reservation, scope: task-family, task-families: [nightly-*], \
         threshold: 95 %, comparison: GreaterThanThreshold, evaluation-periods: 1}\n",
    );
    let mail = notified(&stack, 0).await;
    assert!(mail.starts_with("ALARM jobs#nightly-import: memory 97.7 % in eu-west-1 |"), "{mail}");
    says(&mail, &["WARNING jobs#nightly-import: memory 97.7 %", "Rule job-memory."]);
    assert!(!mail.contains("cleanup"), "{mail}");
    let meter = stack.aws.meter();
    assert_eq!(meter.billed_metrics, 2, "both inputs of the one family that fits");
    assert_eq!(the_alarm(&stack)["alarm"], "job-memory#jobs#nightly-import");
    // The listing is free and cached for an hour.
    stack.aws.reset_meter();
    quiet(&stack, [5]).await;
    assert_eq!(stack.aws.meter().count("cloudwatch:ListMetrics"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rule_on_task_families_that_comes_later_has_the_families_listed_at_once() {
    let stack = stack(jobs());
    quiet(&stack, [0]).await;
    stack.put_rules(
        "rules:\n  - {name: m, what: memory-percent-of-reservation, scope: task-family, threshold: 95 %, \
         comparison: GreaterThanThreshold, evaluation-periods: 1}\n",
    );
    let mail = notified(&stack, 5).await;
    assert!(mail.contains("jobs#nightly-import") && mail.contains("jobs#cleanup"), "{mail}");
}

#[tokio::test(start_paused = true)]
async fn any_metric_with_names_filled_in_is_evaluated_by_a_percentile() {
    let mut estate = shop(|_| 50.0);
    for (service, slow) in [("web", 900.0), ("api", 90.0)] {
        let name = format!("shop/{service}");
        // 95 of 100 requests are fast: neither the mean nor p90 is over the threshold.
        let samples: Vec<f64> = (0..100).map(|n| if n < 95 { 20.0 } else { slow }).collect();
        let minutes: Vec<Vec<f64>> = (0..60).map(|_| samples.clone()).collect();
        let key = SeriesKey::new("Shop/Web", "Latency", &[("App", &name), ("Stage", "prod")]);
        estate.put_series(key, Series::of_samples(minute(-40), &minutes));
    }
    let stack = stack(estate);
    let rule = |name: &str, statistic: &str| {
        format!(
            "  - name: {name}\n    what:\n      namespace: Shop/Web\n      metric: Latency\n      dimensions: {{App: \
             \"{{cluster}}/{{service}}\", Stage: prod}}\n      unit: milliseconds\n    statistic: {statistic}\n    threshold: 0.5 \
             s\n    comparison: GreaterThanThreshold\n    evaluation-periods: 3\n"
        )
    };
    stack.put_rules(&format!(
        "rules:\n{}{}{}",
        rule("slow", "p99"),
        rule("mean", "Average"),
        rule("most", "p90")
    ));
    let mail = notified(&stack, 0).await;
    assert!(mail.starts_with("ALARM shop/web: Latency 900 ms in eu-west-1 |"), "{mail}");
    says(&mail, &["3 of the last 3 minutes were over 500 ms", "Rule slow."]);
    assert!(
        !mail.contains("shop/api") && !mail.contains("Rule mean.") && !mail.contains("Rule most."),
        "{mail}"
    );
    assert_eq!(stack.aws.meter().billed_metrics, 6, "three statistics of two services");
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_all_services_share_is_requested_once_and_evaluated_for_each() {
    let mut estate = shop(|_| 50.0);
    put_minutes(&mut estate, "AWS/SQS", "ApproximateAgeOfOldestMessage", &[("QueueName", "shop")], |_| 700.0);
    let stack = stack(estate);
    stack.put_rules(
        "rules:\n  - name: waiting\n    what: {namespace: AWS/SQS, metric: ApproximateAgeOfOldestMessage, dimensions: {QueueName: \
         \"{cluster}\"}, unit: seconds}\n    statistic: Maximum\n    threshold: 300 s\n    comparison: \
         GreaterThanThreshold\n    evaluation-periods: 3\n",
    );
    let mail = notified(&stack, 0).await;
    assert!(mail.contains("shop/web") && mail.contains("shop/api"), "{mail}");
    assert_eq!(stack.aws.meter().billed_metrics, 1);
}

#[tokio::test(start_paused = true)]
async fn a_rule_with_tags_applies_to_the_clusters_that_have_them_all() {
    let mut estate = estate();
    for (cluster, tags) in [
        ("shop", &[("team", "web-eu"), ("stage", "prod")][..]),
        ("shop-test", &[("team", "web-eu"), ("stage", "test")]),
        ("search", &[("team", "data"), ("stage", "prod")]),
        ("bare", &[]),
    ] {
        let tagged =
            tags.iter().fold(ClusterSpec::new(cluster), |cluster, (key, value)| cluster.tag(key, value));
        estate.put_cluster(tagged);
        running(&mut estate, cluster, "web", |_| 50.0);
        aws_ecs(&mut estate, cluster, "web", "MemoryUtilization", |_| 93.1);
    }
    let stack = stack(estate);
    stack.put_rules(
        "rules:\n  - {name: r, what: memory-percent, tags: {team: web-*, stage: prod}, threshold: 80 %, comparison: \
         GreaterThanThreshold, evaluation-periods: 3}\n",
    );
    let mail = notified(&stack, 0).await;
    assert!(mail.starts_with("ALARM shop/web: memory 93.1 % in eu-west-1 |"), "{mail}");
    assert_eq!(stack.aws.meter().billed_metrics, 1, "nothing is requested for the others");
    let alarm = the_alarm(&stack);
    assert_eq!((&alarm["alarm"], &alarm["state"]), (&json!("r#shop/web"), &json!("ALARM")));
}
