//! Health of services without Container Insights, as ECS reports it, by the built-in rules: what
//! must fire, and what must stay silent.

use fake_aws::{Estate, ServiceSpec};
use function_tests::{Stack, insights, minute, put_minutes, running, shop};
use serde_json::{Value, json};

use super::{notified, quiet, run, says, stack};

/// `DescribeServices` of a service whose circuit breaker stopped a deployment without a rollback at
/// 09:50, and of one whose circuit breaker has rolled it back since.
const FAILED: &str = include_str!("../../../fixtures/ecs/service_failed.json");
const ROLLED_BACK: &str = include_str!("../../../fixtures/ecs/service_rolled_back.json");
/// The same for a service with one task on each instance.
const DAEMON: &str = include_str!("../../../fixtures/ecs/service_daemon.json");

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
fn seconds(at: i64) -> f64 {
    minute(at).as_second() as f64
}

/// The cluster `shop` whose `web` is as given; all running tasks are healthy.
fn with(web: ServiceSpec) -> Stack {
    let mut estate: Estate = shop(|_| 50.0);
    estate.put_service("shop", web);
    stack(estate)
}

fn web(desired: i64, running: i64) -> ServiceSpec {
    ServiceSpec::new("web").desired(desired).running(running)
}

fn put(stack: &Stack, web: ServiceSpec) {
    stack.aws.edit(|world| world.home().put_service("shop", web));
}

/// A deployment of two tasks.
fn deployment(status: &str, began: i64, rollout: &str) -> Value {
    json!({
        "id": format!("ecs-svc/{status}"), "status": status, "rolloutState": rollout,
        "desiredCount": 2, "runningCount": 2, "pendingCount": 0, "failedTasks": 0,
        "createdAt": seconds(began), "updatedAt": seconds(began),
    })
}

#[tokio::test(start_paused = true)]
async fn a_failed_deployment_is_notified_while_the_previous_version_keeps_running() {
    let stack = with(ServiceSpec::of_answer(FAILED));
    let mail = notified(&stack, 0).await;
    says(
        &mail,
        &[
            "ALARM shop/web: 1 deployment failed in eu-west-1 |",
            "CRITICAL shop/web: 1 deployment failed The newest deployment failed or is being rolled back.",
            "ECS says: its deployment is FAILED, 10 tasks failed. ECS deployment circuit breaker: tasks failed to start.",
            "Rule deployment-failed.",
        ],
    );
    quiet(&stack, [5, 10, 60]).await;
    put(&stack, web(2, 2).deployed_at(seconds(61)));
    assert!(notified(&stack, 65).await.starts_with("OK shop/web: deployment-failed ended |"));
}

/// Only events are left of the failed deployment, and events about what followed are newer.
#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_rolled_back_is_notified_and_is_over_after_an_hour() {
    let stack = with(ServiceSpec::of_answer(ROLLED_BACK));
    says(&notified(&stack, 0).await, &["ALARM shop/web: 1 deployment failed", "rolling back"]);
    quiet(&stack, (5..50).step_by(5)).await;
    // It was rolled back at 09:50.
    says(
        &notified(&stack, 50).await,
        &["OK shop/web: deployment-failed ended |", "shop/web no longer has a failed deployment"],
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_under_way_is_a_failed_deployment_and_a_new_deployment_is_not() {
    let reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.";
    let rolling = || web(2, 2).rollout("IN_PROGRESS").deployed_at(seconds(-3)).rollout_reason(reason);
    assert!(notified(&with(rolling()), 0).await.starts_with("ALARM shop/web: 1 deployment failed"));
    // Someone has deployed after the failure in the events.
    let mut answer: Value = serde_json::from_str(FAILED).unwrap();
    answer["deployments"] =
        json!([deployment("PRIMARY", -5, "IN_PROGRESS"), deployment("ACTIVE", -900, "COMPLETED")]);
    let stack = with(ServiceSpec::of_answer(&answer.to_string()));
    quiet(&stack, [0]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_between_two_runs_is_notified_within_15_minutes() {
    let stack = with(web(2, 2));
    quiet(&stack, [0]).await;
    put(&stack, ServiceSpec::of_answer(FAILED));
    let mut mails = Vec::new();
    for at in [5, 10, 15] {
        mails.extend(run(&stack, at).await);
    }
    assert!(mails.len() == 1 && mails[0].starts_with("ALARM shop/web: 1 deployment failed"), "{mails:?}");
}

#[tokio::test(start_paused = true)]
async fn tasks_that_fail_one_after_another_are_notified_with_their_count_since_the_previous_check() {
    let deploying = |failed| web(2, 2).rollout("IN_PROGRESS").deployed_at(seconds(-4)).failed_tasks(failed);
    let stack = with(deploying(7));
    // The time of these failures is unknown.
    quiet(&stack, [0]).await;
    put(&stack, deploying(8));
    quiet(&stack, [5]).await;
    put(&stack, deploying(11));
    let mail = notified(&stack, 10).await;
    says(
        &mail,
        &[
            "ALARM shop/web: 3 tasks failed in eu-west-1 |",
            "WARNING shop/web: 3 tasks failed 3 failed since the previous check; the rule fires on values over 1.",
            "ECS says: its deployment is IN_PROGRESS, 11 tasks failed.",
            "Rule tasks-failing.",
        ],
    );
    quiet(&stack, [15, 20]).await;
    put(&stack, web(2, 2).deployed_at(seconds(-4)));
    assert!(notified(&stack, 40).await.starts_with("OK shop/web: tasks-failing ended |"));
}

#[tokio::test(start_paused = true)]
async fn a_service_with_too_few_tasks_is_notified_after_ten_minutes_without_container_insights() {
    let short =
        || web(3, 2).event("(service web) was unable to place a task. Reason: Capacity is unavailable.");
    let stack = with(short());
    quiet(&stack, [0, 5]).await;
    let mail = notified(&stack, 10).await;
    says(
        &mail,
        &[
            "ALARM shop/web: 1 task below desired in eu-west-1 |",
            "WARNING shop/web: 1 task below desired",
            "Newest event: (service web) was unable to place a task. Reason: Capacity is unavailable.",
            "Rule tasks-missing.",
        ],
    );
    assert_eq!(stack.aws.meter().count("cloudwatch:ListMetrics"), 0);
    put(&stack, web(3, 3));
    let end = notified(&stack, 30).await;
    says(&end, &["OK shop/web: tasks-missing ended |", "shop/web has all its tasks again"]);
}

/// Runs every five minutes for an hour; `at` gives ECS's response for `web` at a minute.
async fn stays_quiet(what: &str, at: impl Fn(i64) -> ServiceSpec) {
    let stack = with(at(0));
    for minute in (0..60).step_by(5) {
        put(&stack, at(minute));
        assert_eq!(run(&stack, minute).await, None, "{what}, at minute {minute}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_healthy_deployment_stays_quiet() {
    let deploys = |web: ServiceSpec| web.rollout("IN_PROGRESS").deployed_at(seconds(9));
    stays_quiet("a rolling deployment", |at| match at {
        10..20 => deploys(web(2, 3).pending(1)),
        _ => web(2, 2),
    })
    .await;
    stays_quiet("a rolling deployment that stops half of the tasks first", |at| match at {
        10..30 => deploys(web(2, 1).pending(1)),
        _ => web(2, 2),
    })
    .await;
    stays_quiet("blue/green with its bake time", |at| {
        let both = json!([deployment("PRIMARY", 9, "COMPLETED"), deployment("ACTIVE", -900, "COMPLETED")]);
        match at {
            10..40 => web(2, 4).member("deployments", both),
            _ => web(2, 2),
        }
    })
    .await;
    stays_quiet("scaled to 0", |at| match at {
        ..10 => web(2, 2),
        10 => web(0, 2),
        _ => web(0, 0),
    })
    .await;
    stays_quiet("desired raised a minute ago, again and again", |at| match at % 15 {
        0 => web(4, 2).pending(2),
        _ => web(4, 4),
    })
    .await;
    stays_quiet("one task that fails and one that does not", |at| match at {
        10 => deploys(web(2, 2).pending(1).failed_tasks(1)),
        15 => deploys(web(2, 3)),
        _ => web(2, 2),
    })
    .await;
    stays_quiet("a service that was created a minute ago", |at| {
        let new = web(2, if at < 10 { 1 } else { 2 }).created_at(seconds(-1)).deployed_at(seconds(-1));
        if at < 10 { new.rollout("IN_PROGRESS") } else { new }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_service_stays_quiet_while_instances_come_and_go() {
    let mut estate = shop(|_| 50.0);
    running(&mut estate, "shop", "agent", |_| 50.0);
    estate.put_service("shop", ServiceSpec::of_answer(DAEMON));
    let stack = stack(estate);
    // An instance is drained, and two are added.
    for (at, desired, running) in [(0, 3, 3), (5, 2, 3), (10, 2, 2), (15, 4, 2), (20, 4, 4), (25, 4, 4)] {
        stack.aws.edit(|world| {
            let agent = world.home().service_mut("shop", "agent").unwrap();
            for (name, count) in [("desiredCount", desired), ("runningCount", running)] {
                agent.members.insert(name.to_owned(), json!(count));
                agent.members["deployments"][0][name] = json!(count);
            }
        });
        quiet(&stack, [at]).await;
    }
}

const FEW: &str = "rules: [{name: few, what: running-below-desired, threshold: 0, comparison: GreaterThanThreshold, \
                   evaluation-periods: 3}]";

/// The first available source is used: metrics where the cluster reports them, otherwise ECS.
#[tokio::test(start_paused = true)]
async fn tasks_below_desired_are_read_from_metrics_where_there_are_any() {
    for (level, reports, billed, described) in
        [("enabled", true, 4, 0), ("enabled", false, 0, 1), ("disabled", false, 0, 1)]
    {
        let mut estate = shop(|_| 50.0);
        level.clone_into(&mut estate.cluster_mut("shop").unwrap().insights);
        estate.put_service("shop", web(3, 2));
        if reports {
            put_minutes(
                &mut estate,
                "ECS/ContainerInsights",
                "TaskCount",
                &[("ClusterName", "shop")],
                |_| 4.0,
            );
            for (name, value) in [("DesiredTaskCount", 3.0), ("RunningTaskCount", 2.0)] {
                insights(&mut estate, "shop", "web", name, |_| value);
                insights(&mut estate, "shop", "api", name, |_| 2.0);
            }
        }
        let stack = stack(estate);
        stack.put_rules(FEW);
        let mut mails = Vec::new();
        for at in [0, 5] {
            stack.aws.reset_meter();
            mails.extend(run(&stack, at).await);
            let meter = stack.aws.meter();
            let asked = (meter.billed_metrics, meter.count("ecs:DescribeServices"));
            assert_eq!(asked, (billed, described), "{level}, {reports}, at minute {at}");
        }
        assert!(
            mails.len() == 1 && mails[0].starts_with("ALARM shop/web: 1 task below desired"),
            "{mails:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_may_choose_its_source() {
    let mut estate = shop(|_| 50.0);
    "enabled".clone_into(&mut estate.cluster_mut("shop").unwrap().insights);
    put_minutes(&mut estate, "ECS/ContainerInsights", "TaskCount", &[("ClusterName", "shop")], |_| 4.0);
    let stack = stack(estate);
    stack.put_rules(&FEW.replace("what:", "source: ecs-api, what:"));
    quiet(&stack, [0]).await;
    let meter = stack.aws.meter();
    assert_eq!((meter.billed_metrics, meter.count("ecs:DescribeServices")), (0, 1));
}

/// 35 services are queried in four calls, each once in fifteen minutes; those with something in
/// progress are queried in all runs.
#[tokio::test(start_paused = true)]
async fn services_are_checked_in_rotation() {
    let mut estate = shop(|_| 50.0);
    (0..33).for_each(|n| running(&mut estate, "shop", &format!("s-{n}"), |_| 50.0));
    let stack = stack(estate);
    let mut calls = Vec::new();
    for at in (0..=30).step_by(5) {
        stack.aws.reset_meter();
        quiet(&stack, [at]).await;
        calls.push(stack.aws.meter().count("ecs:DescribeServices"));
    }
    assert_eq!(calls[0], 4, "all, where no run before is known");
    assert_eq!((calls[1..4].iter().sum::<usize>(), calls[4..].iter().sum::<usize>()), (4, 4), "{calls:?}");
    put(&stack, web(3, 2).deployed_at(seconds(33)).rollout("IN_PROGRESS"));
    for at in (35..=60).step_by(5) {
        stack.aws.reset_meter();
        quiet(&stack, [at]).await;
        if at >= 50 {
            assert!(stack.aws.meter().count("ecs:DescribeServices") > 0, "at minute {at}");
        }
    }
}

/// ECS does not answer: a service whose metrics arrive is still known to be running.
#[tokio::test(start_paused = true)]
async fn services_that_could_not_be_checked_are_queried_again_and_are_not_called_healthy() {
    let stack = with(ServiceSpec::of_answer(FAILED));
    notified(&stack, 0).await;
    let home = stack.aws.edit(|world| {
        let home = world.home();
        let before = home.clone();
        *home = std::mem::take(home).deny("ecs:DescribeServices");
        before
    });
    says(&notified(&stack, 5).await, &["CANNOT READ", "ecs:DescribeServices"]);
    let mail = notified(&stack, 10).await;
    says(
        &mail,
        &[
            "COULD NOT BE EVALUATED",
            "Rule deployment-failed on",
            "ecs:DescribeServices of shop: AccessDeniedException",
        ],
    );
    assert!(!mail.contains("Rule nothing-running"), "{mail}");
    stack.aws.edit(|world| *world.home() = home);
    says(&notified(&stack, 15).await, &["can be evaluated again"]);
    quiet(&stack, [20, 25]).await;
}
