//! A service that should run and does not: its metrics vanish, and ECS is queried.

use fake_aws::{Estate, ServiceSpec};
use function_tests::{SILENT_ONLY, aws_ecs, estate, insights, minute, put_span, running, shop};
use serde_json::json;

use super::{DAY, newest_text, notified, quiet, run, says, stack, the_alarm_of};

/// The cluster `shop` in which `web` (one task) dies at minute 2, with days of metrics for all
/// others.
fn dies() -> Estate {
    let mut estate = estate();
    for service in ["web", "api"] {
        running(&mut estate, "shop", service, |_| 40.0);
        let lives = if service == "web" { 2 } else { 5 * DAY };
        for name in ["MemoryUtilization", "CPUUtilization"] {
            let dimensions = [("ClusterName", "shop"), ("ServiceName", service)];
            put_span(&mut estate, "AWS/ECS", name, &dimensions, -60..lives, |_| 40.0);
        }
    }
    estate
}

#[tokio::test(start_paused = true)]
async fn t19_a_service_at_0_of_1_tasks_for_days_fires_within_two_runs_and_reminds_once_a_day() {
    let stack = stack(dies());
    quiet(&stack, [0]).await;
    stack.aws.edit(|world| {
        world.home().put_service("shop", ServiceSpec::new("web").desired(1).running(0));
    });
    let first = if let Some(mail) = run(&stack, 5).await { mail } else { notified(&stack, 10).await };
    assert!(first.starts_with("ALARM shop/web: 1 task missing in eu-west-1 |"), "{first}");
    let begun = stack.mails().len();
    assert_eq!(begun, 1);
    // Every half hour for three days, and then until it runs again.
    let mut reminded = Vec::new();
    for at in (40..=10 + 3 * DAY).step_by(30) {
        if let Some(mail) = run(&stack, at).await {
            assert!(mail.starts_with("STILL shop/web: 1 task missing |"), "{mail}");
            reminded.push(at);
        }
    }
    assert_eq!(reminded, [10 + DAY, 10 + 2 * DAY, 10 + 3 * DAY]);
    let alarm = the_alarm_of(&stack, "nothing-running#shop/web");
    assert_eq!((&alarm["state"], &alarm["pending"]), (&json!("ALARM"), &json!([])));
    stack.aws.edit(|world| world.home().service_mut("shop", "web").unwrap().running = 1);
    let end = notified(&stack, 15 + 3 * DAY).await;
    assert!(end.starts_with("OK shop/web: nothing-running ended |"), "{end}");
    says(&end, &["ENDED", "shop/web runs tasks again after 3 days"]);
}

/// The cluster `shop` with the given `web` and no metrics for it.
fn beside(web: ServiceSpec) -> Estate {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", web);
    for name in ["MemoryUtilization", "CPUUtilization"] {
        let dimensions = [("ClusterName", "shop"), ("ServiceName", "web")];
        put_span(&mut estate, "AWS/ECS", name, &dimensions, -60..-30, |_| 50.0);
    }
    estate
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
fn seconds(at: i64) -> f64 {
    minute(at).as_second() as f64
}

#[tokio::test(start_paused = true)]
async fn an_outage_shows_the_failed_tasks_and_the_newest_event_and_reads_like_this() {
    let web = ServiceSpec::new("web").desired(2).running(0).pending(1).rollout("IN_PROGRESS");
    let web =
        web.failed_tasks(12).deployed_at(seconds(-40)).event("(service web) has started 2 tasks: (task 1).");
    let stack = stack(beside(web.event("(service web) was unable to place a task.\r\nBcc: everyone")));
    let mail = notified(&stack, 0).await;
    assert!(mail.starts_with("ALARM shop/web: 2 tasks missing in eu-west-1 |"), "{mail}");
    says(
        &mail,
        &[
            "CRITICAL shop/web: 2 tasks missing",
            "ECS says: its deployment is IN_PROGRESS, 12 tasks failed. ECS deployment IN_PROGRESS. 1 pending. \
             Newest event: (service web) was unable to place a task.",
            "In eu-west-1 (123456789012), since 2026-11-22 10:03 UTC. Rule nothing-running.",
            "No tasks are running, but some are desired. Read the service's events and the stop reasons of its tasks.",
            "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web/health?region=eu-west-1",
            "Checked 1 of 1 cluster with 2 services.",
        ],
    );
    assert!(!mail.contains("has started 2 tasks"), "only the newest event: {mail}");
    assert!(newest_text(&stack).lines().all(|line| !line.starts_with("Bcc")), "{mail}");
    assert_eq!(stack.mails()[0].attributes["severity"], "critical");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_goes_well_keeps_an_outage_quiet_for_ten_minutes_only() {
    let web = ServiceSpec::new("web").desired(2).running(0).rollout("IN_PROGRESS").deployed_at(seconds(-3));
    let stack = stack(beside(web));
    quiet(&stack, [0, 5]).await;
    let mail = notified(&stack, 10).await;
    says(
        &mail,
        &["ALARM shop/web", "since 2026-11-22 10:03 UTC", "Held back until now because of a deployment."],
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_notified_at_once_if_the_deployment_or_its_tasks_failed() {
    let web = || ServiceSpec::new("web").desired(2).running(0).deployed_at(seconds(-3));
    for web in [web().rollout("IN_PROGRESS").failed_tasks(1), web().rollout("FAILED"), web()] {
        let rollout = web.rollout.clone();
        let mail = notified(&stack(beside(web)), 0).await;
        assert!(mail.contains(&format!("its deployment is {rollout}")), "{mail}");
        assert!(!mail.contains("Held back until now"), "{mail}");
    }
}

/// Issue 12, point 1: `DescribeServices` of a crash loop: one desired, none running, 40 failed
/// tasks.
#[tokio::test(start_paused = true)]
async fn a_crash_loop_is_notified_at_the_first_run() {
    let crash_loop = include_str!("../../../fixtures/ecs/service_crash_loop.json");
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", ServiceSpec::of_answer(crash_loop));
    let mail = notified(&stack(estate), 0).await;
    says(&mail, &["ALARM shop/loop: 1 task missing", "its deployment is IN_PROGRESS, 40 tasks failed."]);
}

/// Issue 12, point 1: the same loop caught with a pending task, and with its task running, at every
/// other run.
#[tokio::test(start_paused = true)]
async fn a_task_that_dies_repeatedly_is_notified_within_the_hour() {
    let web = |running: i64| ServiceSpec::new("web").desired(1).running(running).pending(1 - running);
    let stack = stack(beside(web(0)));
    let mut mails = 0;
    for at in (0..=60).step_by(5) {
        stack.aws.edit(|world| world.home().put_service("shop", web(at / 5 % 2)));
        mails += usize::from(run(&stack, at).await.is_some());
    }
    assert!(mails > 0);
}

/// A service whose task lives long enough for one point every third minute, and is never running
/// when ECS is queried.
fn dies_again() -> Estate {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", ServiceSpec::new("web").desired(1).running(0));
    for name in ["MemoryUtilization", "CPUUtilization"] {
        aws_ecs(&mut estate, "shop", "web", name, |at| if at % 3 == 0 { 50.0 } else { f64::NAN });
    }
    estate
}

/// Issue 12, point 1.
#[tokio::test(start_paused = true)]
async fn a_service_with_one_point_every_third_minute_and_no_task_fires_within_two_runs() {
    let stack = stack(dies_again());
    let mail = match run(&stack, 0).await {
        Some(mail) => mail,
        None => notified(&stack, 5).await,
    };
    assert!(mail.starts_with("ALARM shop/web: 1 task missing"), "{mail}");
    quiet(&stack, [10, 15, 20]).await;
}

/// Issue 12, point 1. Container Insights has points without tasks, too.
#[tokio::test(start_paused = true)]
async fn counts_of_container_insights_do_not_prove_a_task() {
    let mut estate = dies_again();
    "enabled".clone_into(&mut estate.cluster_mut("shop").unwrap().insights);
    insights(&mut estate, "shop", "web", "RunningTaskCount", |_| 0.0);
    insights(&mut estate, "shop", "web", "DesiredTaskCount", |_| 1.0);
    let stack = stack(estate);
    stack.put_rules(
        "rules:\n  - {name: none, what: nothing-running, threshold: 0, comparison: GreaterThanThreshold, evaluation-periods: 1}\n  \
         - {name: few, what: running-below-desired, threshold: 5, comparison: GreaterThanThreshold, evaluation-periods: 3}\n",
    );
    let mail = match run(&stack, 0).await {
        Some(mail) => mail,
        None => notified(&stack, 5).await,
    };
    assert!(mail.contains("ALARM shop/web: 1 task missing"), "{mail}");
}

/// Issue 12, point 1.
#[tokio::test(start_paused = true)]
async fn a_healthy_estate_needs_no_ecs_query_about_a_service() {
    let stack = stack(shop(|_| 50.0));
    stack.put_config(SILENT_ONLY);
    // How services are set up is learnt once.
    quiet(&stack, [-5]).await;
    for at in [0, 5, 10, 15] {
        stack.aws.reset_meter();
        quiet(&stack, [at]).await;
        assert_eq!(stack.aws.meter().count("ecs:DescribeServices"), 0, "at minute {at}");
    }
    // One gap since the last run is enough, wherever it is; an earlier gap was queried by an
    // earlier run.
    for (at, gap, calls) in [(20, 13, 1), (25, 22, 1), (30, 13, 0)] {
        stack.aws.edit(|world| {
            for name in ["MemoryUtilization", "CPUUtilization"] {
                let value = |at| if at == gap { f64::NAN } else { 20.0 };
                aws_ecs(world.home(), "shop", "web", name, value);
            }
        });
        stack.aws.reset_meter();
        quiet(&stack, [at]).await;
        assert_eq!(stack.aws.meter().count("ecs:DescribeServices"), calls, "at minute {at}, gap {gap}");
    }
}

/// Issue 12, point 4.
#[tokio::test(start_paused = true)]
async fn a_running_service_without_data_is_notified_whatever_other_rules_there_are() {
    let stack = stack(shop(|_| f64::NAN));
    stack.put_rules(
        "rules: [{name: memory, what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, evaluation-periods: 3}]",
    );
    let mut mails = Vec::new();
    for at in (0..=60).step_by(5) {
        mails.extend(run(&stack, at).await);
    }
    assert!(mails.len() == 1 && mails[0].starts_with("NO DATA from shop/web"), "{mails:#?}");
}

/// Issue 12, points 1, 3 and 4.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_scaled_up_from_zero_is_no_news_with_a_run_a_minute() {
    let mut estate = beside(ServiceSpec::new("web").desired(0).running(0));
    for name in ["MemoryUtilization", "CPUUtilization"] {
        aws_ecs(&mut estate, "shop", "web", name, |at| if at >= 8 { 50.0 } else { f64::NAN });
    }
    let stack = stack(estate);
    for at in 0..30 {
        let web = ServiceSpec::new("web");
        let web = match at {
            ..5 => web.desired(0).running(0),
            5..8 => web.desired(1).running(0).pending(1),
            _ => web.desired(1).running(1),
        };
        stack.aws.edit(|world| world.home().put_service("shop", web));
        quiet(&stack, [at]).await;
    }
}

/// Issue 12, points 1 and 3.
#[tokio::test(start_paused = true)]
async fn a_crash_loop_is_one_alarm_with_a_run_a_minute_too() {
    let stack = stack(dies_again());
    let mut mails = Vec::new();
    for at in 0..30 {
        mails.extend(run(&stack, at).await);
    }
    assert!(mails.len() == 1 && mails[0].starts_with("ALARM shop/web"), "{mails:#?}");
}

/// Issue 12, point 1.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_created_again_keeps_its_outage_until_it_runs() {
    let stack = stack(beside(ServiceSpec::new("web").desired(1).running(0)));
    notified(&stack, 0).await;
    quiet(&stack, [5, 10]).await;
    let again = || ServiceSpec::new("web").desired(1).created_at(seconds(11));
    stack.aws.edit(|world| world.home().put_service("shop", again().running(0).pending(1)));
    quiet(&stack, [15]).await;
    stack.aws.edit(|world| world.home().put_service("shop", again().running(1).created_at(seconds(-100))));
    assert!(notified(&stack, 20).await.starts_with("OK shop/web: nothing-running ended"));
}

/// Issue 12, points 1 and 3.
#[tokio::test(start_paused = true)]
async fn a_task_that_dies_again_and_again_is_notified_with_a_run_an_hour() {
    let web = |running: i64| ServiceSpec::new("web").desired(1).running(running).pending(1 - running);
    let stack = stack(beside(web(0)));
    stack.set("FARGAZE_ALARMS_SCHEDULE", "rate(1 hour)");
    let mut mails = String::new();
    for at in (0..=6 * 60).step_by(60) {
        stack.aws.edit(|world| world.home().put_service("shop", web(at / 60 % 2)));
        mails += &run(&stack, at).await.unwrap_or_default();
    }
    assert!(mails.contains("ALARM shop/web: 1 task missing"), "{mails}");
}
