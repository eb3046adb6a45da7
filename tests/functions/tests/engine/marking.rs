//! After SNS has accepted the message nothing may publish it again in the same execution.

use fake_aws::{Estate, FakeAws, Fault};
use fargaze::invocation::failure::Failure;
use function_tests::{Function, Stack, estate, forward, minute, running};
use serde_json::{Value, json};

use super::{alarms, run};

/// One point decides, so an alarm has as many notices as its value has changes.
const ONE_OF_ONE: &str = "rules:\n  - {name: memory, what: memory-percent, threshold: 80 %, \
                          comparison: GreaterThanThreshold, evaluation-periods: 1}\n";
const SERVICES: usize = 20;
/// Attempts of `ForwardSummary`: the first, and `MaxAttempts` of its `Retry`.
const RETRIES: usize = 4;
/// Longer than any retries.
const FOR_EVER: usize = 10_000;

/// Services whose memory flaps around the threshold each minute, until minute 4.
fn swinging() -> Estate {
    let mut estate = estate();
    for index in 0..SERVICES {
        let memory = |at: i64| if at < 4 && at % 2 == 0 { 90.0 } else { 50.0 };
        running(&mut estate, "shop", &format!("web-{index:02}"), memory);
    }
    estate
}

fn stack(estate: Estate) -> Stack {
    let latency = std::time::Duration::from_millis(10);
    let stack = Stack::in_process(FakeAws::builder(estate).latency(latency));
    stack.put_rules(ONE_OF_ONE);
    stack
}

/// The input of `ForwardSummary` for a run whose targets have all been evaluated.
async fn judged(stack: &Stack, kind: &str, at: i64) -> Value {
    stack.set_now(minute(at));
    let planned = stack.planned(kind, minute(at)).await;
    let mut ends = Vec::new();
    for item in stack.items(kind, minute(at)).await {
        ends.push(stack.play_item(item).await);
    }
    forward(&planned, &ends)
}

/// `ForwardSummary` with the `Retry` of the state machine.
async fn forward_with_retries(stack: &Stack, event: &Value) -> Result<Value, Failure> {
    let mut answer = stack.invoke(Function::ForwardSummary, event.clone()).await;
    for _ in 1..RETRIES {
        match &answer {
            Err(failure) if ["Throttled", "Transient"].contains(&failure.error_type()) => {}
            _ => return answer,
        }
        answer = stack.invoke(Function::ForwardSummary, event.clone()).await;
    }
    answer
}

/// Issue 12, point 13.
#[tokio::test(start_paused = true)]
async fn many_notices_of_one_alarm_are_marked_by_one_write_and_read_by_one() {
    let stack = stack(swinging());
    let event = judged(&stack, "alarms", 0).await;
    let waiting = alarms(&stack).iter().map(|alarm| alarm["pending"].as_array().unwrap().len()).min();
    assert!(waiting > Some(6), "{waiting:?} notices of one alarm");
    let count = |operation: &str| {
        let calls = stack.aws.meter().calls.into_iter();
        calls.filter(|call| call.operation == operation && call.subject.starts_with("ALARMS#")).count()
    };
    let before = (count("dynamodb:GetItem"), count("dynamodb:PutItem"));
    let receipt = forward_with_retries(&stack, &event).await.unwrap();
    assert_eq!((&receipt["published"], stack.mails().len()), (&json!(true), 1));
    assert!(alarms(&stack).iter().all(|alarm| alarm["pending"] == json!([])), "{:#?}", alarms(&stack));
    let calls = (count("dynamodb:GetItem") - before.0, count("dynamodb:PutItem") - before.1);
    // One read before the message, one before the mark.
    assert_eq!(calls, (2 * SERVICES, SERVICES));
}

/// Issue 12, point 13: for every failure after the message.
#[tokio::test(start_paused = true)]
async fn a_failure_after_the_message_never_publishes_it_again_in_the_same_execution() {
    let down = |operation: &str, nth: usize| {
        Fault::on(operation).nth(nth).times(FOR_EVER).error(500, "InternalServerError", "down")
    };
    // The first `PutItem` takes the publish slot; the first reads ask what is pending.
    let after_reads = SERVICES + 1;
    for (name, kind, fault) in [
        ("marks are refused", "alarms", down("dynamodb:PutItem", 2)),
        (
            "marks are denied",
            "alarms",
            Fault::on("dynamodb:PutItem").nth(2).times(FOR_EVER).error(400, "AccessDeniedException", "no"),
        ),
        (
            "others always write first",
            "alarms",
            Fault::on("dynamodb:PutItem").nth(2).times(FOR_EVER).error(
                400,
                "ConditionalCheckFailedException",
                "The conditional request failed",
            ),
        ),
        (
            "answers to marks are lost",
            "alarms",
            Fault::on("dynamodb:PutItem").nth(2).times(FOR_EVER).lose_answer(),
        ),
        ("alarms cannot be read", "alarms", down("dynamodb:GetItem", after_reads)),
        ("the bad file cannot be remembered", "alarms", down("s3:PutObject", 1)),
        ("the bad file's mark cannot be read", "alarms", down("s3:GetObject", 4)),
        ("subscriptions cannot be counted", "alarms", down("sns:GetTopicAttributes", 1)),
        ("the report cannot be kept", "report", down("s3:PutObject", 3)),
    ] {
        let stack = stack(swinging());
        stack.plan("alarms", minute(-5)).await;
        stack.put_config("rules: no rules");
        let mut event = judged(&stack, kind, 0).await;
        // An unreadable target is recorded after the message, too.
        let plan = stack.json(event["plan"].as_str().unwrap());
        let mut targets = plan["targets"].as_array().unwrap().clone();
        targets.push(targets[0].clone());
        targets[2]["region"] = json!("us-east-1");
        event["plan"] = stack.put_plan(&plan["run"], &targets).into();
        stack.aws.add_fault(fault);
        let receipt = forward_with_retries(&stack, &event).await;
        let receipt = receipt.unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(receipt["published"], true, "{name}");
        assert_eq!(stack.mails().len(), 1, "{name}");
    }
}

/// Issue 12, point 13: the next run may send the second copy that docs/delivery.md describes, and
/// no more.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_marked_is_sent_once_more_by_the_next_run() {
    let stack = stack(swinging());
    let event = judged(&stack, "alarms", 5).await;
    stack.aws.add_fault(Fault::on("dynamodb:PutItem").nth(2).times(FOR_EVER).error(500, "Down", "down"));
    forward_with_retries(&stack, &event).await.unwrap();
    assert!(alarms(&stack).iter().all(|alarm| alarm["pending"] != json!([])));
    stack.aws.clear_faults();
    assert!(run(&stack, 10).await.is_some());
    assert!(run(&stack, 15).await.is_none());
}
