//! The alarms line from end to end: which alarms fire, which do not, and the text of the mail.

use fake_aws::{Estate, ServiceSpec};
use function_tests::{Stack, estate, insights, minute, put_minutes, running, shop};
use serde_json::json;

/// The cluster `shop` with Container Insights and two services, whose metrics are given by name.
fn with_insights(web: &[(&str, f64)], api: &[(&str, f64)]) -> Estate {
    let mut estate = shop(|_| 50.0);
    "enabled".clone_into(&mut estate.cluster_mut("shop").unwrap().insights);
    for (service, metrics) in [("web", web), ("api", api)] {
        for &(name, value) in metrics {
            insights(&mut estate, "shop", service, name, |_| value);
        }
    }
    put_minutes(&mut estate, "ECS/ContainerInsights", "TaskCount", &[("ClusterName", "shop")], |_| 4.0);
    estate
}

fn rule(what: &str, comparison: &str, threshold: &str) -> String {
    format!(
        "rules:\n  - name: under-test\n    what: {what}\n    threshold: {threshold}\n    comparison: {comparison}\n    \
         evaluation-periods: 5\n    datapoints-to-alarm: 3\n"
    )
}

#[tokio::test]
async fn t1_memory_percent_of_reservation_is_evaluated_and_not_the_amount() {
    // Both services use far more than 80 megabytes; only the first uses more than 80 percent of its
    // reservation.
    let web = [("MemoryUtilized", 953.0), ("MemoryReserved", 1024.0)];
    let api = [("MemoryUtilized", 1900.0), ("MemoryReserved", 8192.0)];
    let stack = Stack::start(with_insights(&web, &api)).await;
    stack.put_rules(&rule("memory-percent-of-reservation", "GreaterThanThreshold", "80 %"));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    assert_eq!(stack.mails().len(), 1);
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/web") && mail.contains("memory 93.1 %"), "{mail}");
    assert!(!mail.contains("shop/api"), "{mail}");
    assert_eq!(stack.aws.meter().billed_metrics, 4, "both inputs of the derived value, once each");
}

#[tokio::test]
async fn t1_a_reservation_that_is_missing_or_zero_gives_no_value() {
    let web = [("MemoryUtilized", 953.0), ("MemoryReserved", 0.0)];
    let stack = Stack::start(with_insights(&web, &[("MemoryUtilized", 1900.0)])).await;
    stack.put_rules(&rule("memory-percent-of-reservation", "GreaterThanThreshold", "80 %"));
    let line = stack.run_line("alarms", minute(0)).await;
    assert_eq!(line.receipt.unwrap()["published"], false);
}

#[tokio::test]
async fn t2_a_threshold_in_vcpu_is_scaled_to_cpu_units() {
    // 0.8 vCPU are 819.2 CPU units: 820 is over it, 818 is not, though both are far over 0.8.
    let stack = Stack::start(with_insights(&[("CpuUtilized", 820.0)], &[("CpuUtilized", 818.0)])).await;
    let what = "ECS/ContainerInsights CpuUtilized";
    stack.put_rules(&rule(what, "GreaterThanOrEqualToThreshold", "0.8 vCPU"));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/web"), "{mail}");
    assert!(!mail.contains("shop/api"), "{mail}");
}

#[tokio::test]
async fn a_rule_on_clusters_reads_the_series_of_the_cluster_and_no_service() {
    let mut estate = with_insights(&[("CpuUtilized", 10.0)], &[("CpuUtilized", 10.0)]);
    put_minutes(&mut estate, "ECS/ContainerInsights", "CpuUtilized", &[("ClusterName", "shop")], |_| 900.0);
    let stack = Stack::start(estate).await;
    let what = "ECS/ContainerInsights CpuUtilized";
    let rule = rule(what, "GreaterThanThreshold", "0.8 vCPU") + "    scope: cluster\n";
    stack.put_rules(&rule);
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop: "), "{mail}");
    assert_eq!(stack.aws.meter().billed_metrics, 1);
}

#[tokio::test]
async fn t12_missing_data_is_not_zero() {
    // `idle` publishes no points: a zero would breach "below 5 percent".
    let mut estate = shop(|_| 2.0);
    estate.put_service("shop", ServiceSpec::new("idle").desired(0).running(0));
    let stack = Stack::start(estate).await;
    stack.put_rules(&rule("memory-percent", "LessThanThreshold", "5 %"));
    let line = stack.run_line("alarms", minute(0)).await;
    line.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(mail.contains("shop/web") && !mail.contains("shop/idle"), "{mail}");
    let coverage = &stack.json(line.items[0]["outcome"]["key"].as_str().unwrap())["coverage"];
    assert_eq!((&coverage["with_data"], &coverage["without_data"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn a_service_without_running_tasks_is_notified() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", ServiceSpec::new("payments").desired(2).running(0));
    let stack = Stack::start(estate).await;
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/payments") && mail.contains("tasks missing"), "{mail}");
    assert_eq!(stack.mails()[0].attributes["severity"], "critical");
}

#[tokio::test]
async fn a_service_of_no_wanted_tasks_is_quiet() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", ServiceSpec::new("payments").desired(0).running(0));
    let stack = Stack::start(estate).await;
    let line = stack.run_line("alarms", minute(0)).await;
    assert_eq!(line.receipt.unwrap()["published"], false);
    assert_eq!(stack.aws.meter().count("ecs:DescribeServices"), 1, "it was checked");
}

#[tokio::test]
async fn t15_a_service_created_a_minute_ago_by_ecs_epoch_seconds_is_given_time_to_start() {
    for (age, notified) in [(1, false), (60, true)] {
        let created = minute(-age).as_second();
        let mut estate = shop(|_| 50.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let young = ServiceSpec::new("young").desired(2).running(0).created_at(created as f64 + 0.25);
        estate.put_service("shop", young);
        let stack = Stack::start(estate).await;
        let receipt = stack.run_line("alarms", minute(0)).await.receipt.unwrap();
        assert_eq!(receipt["published"], notified, "{age} minutes old");
    }
}

#[tokio::test]
async fn t16_sixty_services_that_fire_at_once_are_one_message_with_a_short_ascii_subject() {
    let mut estate = estate();
    let names: Vec<String> = (0..60).map(|n| format!("a-service-with-quite-a-long-name-{n:02}")).collect();
    for name in &names {
        running(&mut estate, "a-cluster-with-quite-a-long-name-too", name, |_| 93.1);
    }
    let stack = Stack::start(estate).await;
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    assert_eq!(stack.mails().len(), 1);
    let mail = &stack.mails()[0];
    let subject = mail.subject.as_deref().unwrap();
    assert!(subject.starts_with("ALARM ") && subject.len() < 100 && subject.is_ascii(), "{subject}");
    assert!(!subject.contains('\n'));
    for name in &names {
        assert!(mail.message.contains(name.as_str()), "{name} is missing");
    }
}

#[tokio::test]
async fn three_of_five_minutes_fire_and_two_do_not() {
    for (hot, notified) in [(3, true), (2, false)] {
        // The newest minute of the window begins three minutes before the run.
        let stack = Stack::start(shop(move |at| if at > -3 - hot { 93.1 } else { 50.0 })).await;
        let receipt = stack.run_line("alarms", minute(0)).await.receipt.unwrap();
        assert_eq!(receipt["published"], notified, "{hot} hot minutes");
    }
}

#[tokio::test]
async fn the_metrics_of_a_cluster_without_container_insights_are_not_requested() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    stack.put_rules(&rule("cpu-percent-of-reservation", "GreaterThanThreshold", "80 %"));
    let line = stack.run_line("alarms", minute(0)).await;
    assert_eq!(line.receipt.unwrap()["published"], false);
    assert_eq!(stack.aws.meter().billed_metrics, 0);
}
