//! What mutes an alarm: maintenance, a deployment that goes well, another alarm. It is notified
//! when the mute ends.

use fake_aws::{Estate, ServiceSpec};
use function_tests::{aws_ecs, insights, minute, put_minutes, shop};
use serde_json::json;

use super::{notified, quiet, says, stack, the_alarm, the_alarm_of};

const MEMORY: &str =
    "what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, evaluation-periods: 1";

#[tokio::test(start_paused = true)]
async fn a_maintenance_window_keeps_silent_and_what_lasts_is_notified_after_it_with_its_true_beginning() {
    // 10:00 to 10:30: from five minutes before the start until 25 after it. `api` recovers before
    // the window ends.
    let mut estate = shop(|at| if at >= 0 { 93.1 } else { 50.0 });
    aws_ecs(
        &mut estate,
        "shop",
        "api",
        "MemoryUtilization",
        |at| if (0..10).contains(&at) { 99.0 } else { 40.0 },
    );
    let stack = stack(estate);
    let window = r#"maintenance: [{cron: "0 11 * * SUN", duration: 30m, time-zone: Europe/Berlin}]"#;
    stack.put_rules(&format!("rules:\n  - {{name: memory, {MEMORY}, {window}}}\n"));
    quiet(&stack, (0..=25).step_by(5)).await;
    let alarm = the_alarm_of(&stack, "memory#shop/web");
    assert_eq!((&alarm["state"], &alarm["pending"]), (&json!("ALARM"), &json!([])), "still evaluated");
    let mail = notified(&stack, 30).await;
    assert!(mail.starts_with("ALARM shop/web: memory 93.1 % in eu-west-1 |"), "{mail}");
    says(
        &mail,
        &[
            "WARNING shop/web: memory 93.1 %",
            "since 2026-11-22 10:06 UTC. Rule memory.",
            "Held back until now because of a maintenance window.",
        ],
    );
    assert!(!mail.contains("shop/api"), "{mail}");
    quiet(&stack, [35, 40, 45]).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_notified_alarm_is_notified_in_a_maintenance_window_too() {
    let stack = stack(shop(|at| if at < 3 { 93.1 } else { 50.0 }));
    let window = r#"maintenance: [{cron: "6 10 * * *", duration: 2h}]"#;
    stack.put_rules(&format!("rules:\n  - {{name: memory, {MEMORY}, {window}}}\n"));
    notified(&stack, 0).await;
    assert!(notified(&stack, 10).await.starts_with("OK shop/web: memory ended |"));
}

/// The cluster `shop` whose `web` has this CPU and has been deploying since minute 0.
fn deploying(cpu: impl Fn(i64) -> f64) -> Estate {
    let mut estate = shop(|_| 50.0);
    aws_ecs(&mut estate, "shop", "web", "CPUUtilization", cpu);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let began = minute(0).as_second() as f64;
    let web = ServiceSpec::new("web").desired(2).running(2).rollout("IN_PROGRESS").deployed_at(began);
    estate.put_service("shop", web);
    estate
}

#[tokio::test(start_paused = true)]
async fn a_deployment_keeps_a_quiet_rule_silent_and_what_lasts_is_notified_after_it() {
    let stack = stack(deploying(|at| if at >= 0 { 97.0 } else { 20.0 }));
    quiet(&stack, (0..=30).step_by(5)).await;
    assert_eq!(the_alarm(&stack)["state"], "ALARM");
    stack
        .aws
        .edit(|world| "COMPLETED".clone_into(&mut world.home().service_mut("shop", "web").unwrap().rollout));
    let mail = notified(&stack, 35).await;
    says(
        &mail,
        &[
            "ALARM shop/web: CPU 97 % in eu-west-1 |",
            "since 2026-11-22 10:08 UTC. Rule cpu-high.",
            "Held back until now because of a deployment.",
        ],
    );
    quiet(&stack, [40, 45]).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_ends_during_the_deployment_is_never_notified() {
    let stack = stack(deploying(|at| if (0..12).contains(&at) { 97.0 } else { 20.0 }));
    quiet(&stack, (0..=30).step_by(5)).await;
    stack
        .aws
        .edit(|world| "COMPLETED".clone_into(&mut world.home().service_mut("shop", "web").unwrap().rollout));
    quiet(&stack, (35..=60).step_by(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_keeps_silent_what_stays_between_threshold_and_clear_threshold() {
    // Over 90 % for ten minutes, and then not under 80 %: the alarm lasts, though no point of the
    // window breaches any more.
    let stack = stack(deploying(|at| {
        if (0..10).contains(&at) {
            97.0
        } else if at < 0 {
            20.0
        } else {
            85.0
        }
    }));
    quiet(&stack, (0..60).step_by(5)).await;
    assert_eq!(the_alarm(&stack)["state"], "ALARM");
    // A deployment that takes an hour no longer mutes.
    says(
        &notified(&stack, 60).await,
        &["ALARM shop/web: CPU 85 %", "Held back until now because of a deployment."],
    );
}

#[tokio::test(start_paused = true)]
async fn a_deployment_whose_tasks_fail_and_a_rule_that_is_not_quiet_keep_nothing_silent() {
    let failing = stack(deploying(|at| if at >= 0 { 97.0 } else { 20.0 }));
    failing.aws.edit(|world| world.home().service_mut("shop", "web").unwrap().failed_tasks = 3);
    let mail = notified(&failing, 5).await;
    assert!(mail.starts_with("ALARM shop/web: CPU 97 %") && !mail.contains("Held back until now"), "{mail}");

    let loud = stack(deploying(|at| if at >= 0 { 97.0 } else { 20.0 }));
    loud.put_rules(
        "rules: [{name: cpu, what: cpu-percent, threshold: 90 %, comparison: GreaterThanThreshold, evaluation-periods: 3}]",
    );
    assert!(notified(&loud, 5).await.starts_with("ALARM shop/web: CPU 97 %"));
    assert_eq!(loud.aws.meter().count("ecs:DescribeServices"), 0, "no rule needs deployments");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_rule_on_a_metric_of_the_user_is_silent_during_a_deployment_too() {
    let mut estate = deploying(|_| 20.0);
    put_minutes(
        &mut estate,
        "Shop",
        "Latency",
        &[("App", "shop-web")],
        |at| if at >= 0 { 900.0 } else { 50.0 },
    );
    let stack = stack(estate);
    stack.put_rules(
        "rules:\n  - name: slow\n    what: {namespace: Shop, metric: Latency, dimensions: {App: \"{cluster}-{service}\"}, \
         unit: milliseconds}\n    threshold: 500 ms\n    comparison: GreaterThanThreshold\n    evaluation-periods: 3\n    \
         quiet-during-deployment: true\n",
    );
    quiet(&stack, (0..=20).step_by(5)).await;
    stack
        .aws
        .edit(|world| "COMPLETED".clone_into(&mut world.home().service_mut("shop", "web").unwrap().rollout));
    says(
        &notified(&stack, 25).await,
        &["ALARM shop/web: Latency 900", "Held back until now because of a deployment."],
    );
}

const UNLESS: &str = "
rules:
  - name: cluster-busy
    what: cpu-percent-of-reservation
    scope: cluster
    threshold: 95 %
    comparison: GreaterThanThreshold
    evaluation-periods: 3
    severity: critical
  - name: service-busy
    what: cpu-percent
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: 3
    unless: cluster-busy
";

#[tokio::test(start_paused = true)]
async fn an_alarm_of_the_whole_cluster_hides_its_services_and_no_others() {
    let mut estate = shop(|_| 50.0);
    "enabled".clone_into(&mut estate.cluster_mut("shop").unwrap().insights);
    let cluster = [("ClusterName", "shop")];
    let busy = |until: i64| move |at: i64| if (-30..until).contains(&at) { 1000.0 } else { 100.0 };
    put_minutes(&mut estate, "ECS/ContainerInsights", "CpuUtilized", &cluster, busy(12));
    put_minutes(&mut estate, "ECS/ContainerInsights", "CpuReserved", &cluster, |_| 1024.0);
    put_minutes(&mut estate, "ECS/ContainerInsights", "TaskCount", &cluster, |_| 4.0);
    insights(&mut estate, "shop", "web", "RunningTaskCount", |_| 2.0);
    aws_ecs(&mut estate, "shop", "web", "CPUUtilization", |_| 97.0);
    aws_ecs(&mut estate, "shop", "api", "CPUUtilization", |at| if at < 8 { 97.0 } else { 20.0 });
    function_tests::running(&mut estate, "orders", "db", |_| 50.0);
    aws_ecs(&mut estate, "orders", "db", "CPUUtilization", |_| 97.0);
    let stack = stack(estate);
    stack.put_rules(UNLESS);
    let mail = notified(&stack, 0).await;
    assert!(mail.starts_with("ALARM 2 alarms: shop CPU 97.7 %, orders/db CPU 97 % |"), "{mail}");
    says(&mail, &["CRITICAL shop: CPU 97.7 %", "Rule cluster-busy.", "WARNING orders/db: CPU 97 %"]);
    assert!(!mail.contains("shop/web") && !mail.contains("shop/api"), "{mail}");
    quiet(&stack, [5, 10]).await;
    // The cluster is healthy again, and so is `api`; `web` is not.
    let mail = notified(&stack, 15).await;
    says(
        &mail,
        &[
            "WARNING shop/web: CPU 97 %",
            "Held back until now because of an alarm of rule cluster-busy.",
            "ENDED",
            "shop is back",
        ],
    );
    assert!(!mail.contains("shop/api"), "{mail}");
    quiet(&stack, [20, 25]).await;
}
