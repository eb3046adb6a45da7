//! Could not ask is neither OK nor ALARM: the state stays, and blindness that lasts is notified.

use std::mem;

use fake_aws::Estate;
use function_tests::{Stack, shop};
use serde_json::{Value, json};

use super::{alarms, notified, quiet, run, says, stack};

/// Removes the permission to query CloudWatch; returns what restores it.
fn deny(stack: &Stack) -> Estate {
    stack.aws.edit(|world| {
        let home = world.home();
        let before = home.clone();
        *home = mem::take(home).deny("cloudwatch:GetMetricData");
        before
    })
}

/// State and beginning of every alarm that is not OK.
fn states(stack: &Stack) -> Vec<(Value, Value, Value)> {
    let open = alarms(stack).into_iter().filter(|alarm| alarm["state"] != "OK");
    open.map(|alarm| (alarm["alarm"].clone(), alarm["state"].clone(), alarm["memory"]["since"].clone()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn denied_cloudwatch_keeps_the_state_and_is_notified_after_the_evaluation_range_and_when_it_is_over() {
    // `web` recovers while it cannot be read.
    let stack = stack(shop(|at| if at < 8 { 93.1 } else { 50.0 }));
    notified(&stack, 0).await;
    let before = states(&stack);
    let home = deny(&stack);
    // A permanent fault is notified at once; an alarm that could not be evaluated, after the seven
    // periods of its range.
    let lost = notified(&stack, 5).await;
    assert!(lost.starts_with("CANNOT READ eu-west-1 (123456789012): "), "{lost}");
    assert!(!lost.contains("COULD NOT BE EVALUATED"), "{lost}");
    quiet(&stack, [10]).await;
    let blind = notified(&stack, 15).await;
    assert!(blind.starts_with("CANNOT EVALUATE shop/"), "{blind}");
    says(
        &blind,
        &[
            "COULD NOT BE EVALUATED",
            "Rule memory-high on 2 services, for 10 minutes, in eu-west-1 (123456789012): shop/api, shop/web.",
            "cloudwatch:GetMetricData",
        ],
    );
    assert!(blind.contains("Rule cpu-high on 2 services"), "{blind}");
    assert!(!blind.contains("ENDED") && !blind.contains("back at"), "{blind}");
    assert_eq!(states(&stack), before);
    quiet(&stack, [20, 25]).await;
    stack.aws.edit(|world| *world.home() = home);
    let seen = notified(&stack, 30).await;
    says(&seen, &["CAN READ eu-west-1 (123456789012) again", "EVALUATED AGAIN"]);
    assert_eq!(
        seen.matches("can be evaluated again").count(),
        4 + 2 + usize::from(seen.starts_with("SEEN AGAIN")),
        "two rules on two services, and two quotas: {seen}"
    );
    says(&seen, &["shop/web is back at memory 50 %"]);
    quiet(&stack, [35, 40]).await;
    assert_eq!(states(&stack), []);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_passes_within_the_range_is_never_notified() {
    let stack = stack(shop(|_| 50.0));
    let down = fake_aws::Fault::on("cloudwatch:GetMetricData").times(function_tests::ATTEMPTS);
    stack.aws.add_fault(down.error(500, "InternalServiceFault", "down"));
    quiet(&stack, [0, 5, 10]).await;
    let open: Vec<Value> =
        alarms(&stack).into_iter().filter(|alarm| alarm["memory"]["blind"] != json!(null)).collect();
    assert_eq!(open, [Value::Null; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_cannot_be_evaluated_if_ecs_does_not_answer_and_is_not_reported_over() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", fake_aws::ServiceSpec::new("down").desired(1).running(0));
    let stack = stack(estate);
    stack.put_config(function_tests::SILENT_ONLY);
    notified(&stack, 0).await;
    let before = states(&stack);
    let home = stack.aws.edit(|world| {
        let home = world.home();
        let before = home.clone();
        *home = mem::take(home).deny("ecs:DescribeServices");
        before
    });
    let lost = notified(&stack, 5).await;
    says(&lost, &["CANNOT READ eu-west-1 (123456789012)", "ecs:DescribeServices"]);
    let blind = notified(&stack, 10).await;
    says(&blind, &["COULD NOT BE EVALUATED", "Rule nothing-running on 1 service", "shop/down."]);
    assert_eq!(states(&stack), before);
    stack.aws.edit(|world| *world.home() = home);
    says(&notified(&stack, 15).await, &["shop/down can be evaluated again"]);
    assert_eq!((states(&stack), run(&stack, 20).await), (before, None));
}
