//! A deployment is a deployment, whichever controller and strategy carries it out: the ECS response
//! for each goes through the real parser to the mail, or to none.

use fake_aws::{Estate, ServiceSpec};
use function_tests::{SILENT_ONLY, Stack, aws_ecs, minute, shop};
use serde_json::{Value, json};

use super::{notified, quiet, says, stack};

/// `DescribeServices` of a service with the controller `CODE_DEPLOY`: one of two task sets has been
/// stabilizing since 09:56, nine minutes before [`function_tests::START`].
const CODE_DEPLOY: &str = include_str!("../../../fixtures/ecs/service_code_deploy.json");

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
fn seconds(at: i64) -> f64 {
    minute(at).as_second() as f64
}

/// The cluster `shop`, whose `web` is as given and has had a high CPU for 20 minutes.
fn busy(web: ServiceSpec) -> Stack {
    let mut estate: Estate = shop(|_| 50.0);
    aws_ecs(&mut estate, "shop", "web", "CPUUtilization", |at| if at >= -20 { 97.0 } else { 20.0 });
    estate.put_service("shop", web);
    let stack = stack(estate);
    stack.put_config(SILENT_ONLY);
    stack
}

fn deployment(status: &str, began: i64, more: &[(&str, Value)]) -> Value {
    let mut deployment = json!({
        "id": format!("ecs-svc/{status}"),
        "status": status,
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "failedTasks": 0,
        "createdAt": seconds(began),
        "updatedAt": seconds(began),
    });
    for (name, value) in more {
        deployment[name] = value.clone();
    }
    deployment
}

fn rollout(state: &str) -> (&'static str, Value) {
    ("rolloutState", json!(state))
}

fn deployments(deployments: Value) -> ServiceSpec {
    ServiceSpec::new("web").desired(2).running(2).member("deployments", deployments)
}

fn task_set(status: &str, stability: &str, began: i64) -> Value {
    json!({
        "id": format!("ecs-svc/{status}"),
        "status": status,
        "computedDesiredCount": 2,
        "pendingCount": 0,
        "runningCount": 2,
        "createdAt": seconds(began),
        "updatedAt": seconds(began),
        "stabilityStatus": stability,
    })
}

fn task_sets(controller: &str, task_sets: Value) -> ServiceSpec {
    deployments(json!([]))
        .member("deploymentController", json!({ "type": controller }))
        .member("taskSets", task_sets)
}

/// Issue 12, point 7.
#[tokio::test(start_paused = true)]
async fn a_deployment_by_code_deploy_keeps_quiet_for_an_hour_from_when_its_task_set_was_created() {
    let stack = busy(ServiceSpec::of_answer(CODE_DEPLOY));
    quiet(&stack, (0..=50).step_by(5)).await;
    let mail = notified(&stack, 55).await;
    says(&mail, &["ALARM shop/web: CPU 97 %", "Held back until now because of a deployment."]);
}

/// Issue 12, point 7: the same for every other kind.
#[tokio::test(start_paused = true)]
async fn every_kind_of_deployment_that_goes_well_keeps_quiet() {
    let strategy = |strategy: &str| json!({ "strategy": strategy, "bakeTimeInMinutes": 30 });
    let baking = json!([
        deployment("PRIMARY", -9, &[rollout("COMPLETED")]),
        deployment("ACTIVE", -900, &[rollout("COMPLETED")])
    ]);
    let shifting = json!([
        deployment("PRIMARY", -9, &[rollout("IN_PROGRESS")]),
        deployment("ACTIVE", -900, &[rollout("COMPLETED")])
    ]);
    for (what, web) in [
        (
            "Classic ELB",
            deployments(json!([deployment("PRIMARY", -9, &[]), deployment("ACTIVE", -900, &[])])),
        ),
        (
            "Classic ELB, the first",
            deployments(json!([deployment(
                "PRIMARY",
                -9,
                &[("runningCount", json!(1)), ("pendingCount", json!(1))]
            )])),
        ),
        (
            "blue/green, bake time",
            deployments(baking.clone()).member("deploymentConfiguration", strategy("BLUE_GREEN")),
        ),
        (
            "blue/green",
            deployments(shifting.clone()).member("deploymentConfiguration", strategy("BLUE_GREEN")),
        ),
        ("linear", deployments(shifting.clone()).member("deploymentConfiguration", strategy("LINEAR"))),
        ("canary", deployments(shifting).member("deploymentConfiguration", strategy("CANARY"))),
        (
            "CODE_DEPLOY, traffic shifted, the old task set waits for its end",
            task_sets(
                "CODE_DEPLOY",
                json!([task_set("ACTIVE", "STEADY_STATE", -900), task_set("PRIMARY", "STEADY_STATE", -9)]),
            ),
        ),
        (
            "CODE_DEPLOY, the old task set drains",
            task_sets(
                "CODE_DEPLOY",
                json!([task_set("DRAINING", "STABILIZING", -900), task_set("PRIMARY", "STEADY_STATE", -9)]),
            ),
        ),
        ("EXTERNAL", task_sets("EXTERNAL", json!([task_set("ACTIVE", "STABILIZING", -9)]))),
    ] {
        let stack = busy(web);
        assert_eq!(super::run(&stack, 0).await, None, "{what}");
    }
}

/// Issue 12, point 7: a failing deployment, or no deployment at all, mutes nothing.
#[tokio::test(start_paused = true)]
async fn no_deployment_and_one_that_fails_keep_nothing_quiet() {
    let failed = |tasks: i64| ("failedTasks", json!(tasks));
    for (what, web) in [
        ("Classic ELB, over", deployments(json!([deployment("PRIMARY", -9, &[])]))),
        (
            "replaced completely",
            deployments(json!([
                deployment("PRIMARY", -9, &[rollout("COMPLETED")]),
                deployment("INACTIVE", -900, &[])
            ])),
        ),
        (
            "tasks of the older one fail",
            deployments(json!([deployment("PRIMARY", -9, &[]), deployment("ACTIVE", -900, &[failed(2)])])),
        ),
        (
            "rolled back",
            deployments(json!([
                deployment("PRIMARY", -3, &[rollout("IN_PROGRESS")]),
                deployment("ACTIVE", -9, &[rollout("FAILED")]),
            ])),
        ),
        ("CODE_DEPLOY, over", task_sets("CODE_DEPLOY", json!([task_set("PRIMARY", "STEADY_STATE", -9)]))),
        (
            "two task sets since two hours",
            task_sets(
                "EXTERNAL",
                json!([task_set("PRIMARY", "STEADY_STATE", -900), task_set("ACTIVE", "STEADY_STATE", -120)]),
            ),
        ),
        ("EXTERNAL without a task set", task_sets("EXTERNAL", json!([]))),
    ] {
        let stack = busy(web);
        let mail = super::run(&stack, 0).await;
        assert!(mail.is_some_and(|mail| mail.starts_with("ALARM shop/web: CPU 97 %")), "{what}");
    }
}
