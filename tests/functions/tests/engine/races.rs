//! Two runs of one target: concurrent, or in the wrong order.

use std::time::Duration;

use fake_aws::{Estate, FakeAws, Fault};
use function_tests::{Function, Stack, forward, minute, request, shop};
use serde_json::{Value, json};

use super::{alarms, notified, quiet, stack, the_alarm};

/// How long each call takes, so that two runs overlap in every one of them.
const CALL: Duration = Duration::from_millis(10);

/// Plays two concurrent runs, one of which begins this many calls later.
async fn at_once(estate: Estate, before: &[i64], (one, other): (i64, i64), calls_later: u32) -> Stack {
    let stack = Stack::in_process(FakeAws::builder(estate).latency(CALL));
    for &at in before {
        notified(&stack, at).await;
    }
    stack.set_now(minute(one.max(other)));
    stack.aws.add_fault(Fault::on("s3:GetObject").delay(CALL * calls_later));
    let (one, other) = tokio::join!(
        stack.play(request("alarms", minute(one))),
        stack.play(request("alarms", minute(other)))
    );
    for line in [one, other] {
        assert_eq!(line.items[0].get("failure"), None);
        line.receipt.unwrap();
    }
    stack
}

/// The relevant parts of an alarm: its state and beginning, and that nothing is pending.
fn ends(stack: &Stack) -> Vec<Value> {
    let end = |alarm: Value| {
        let memory = &alarm["memory"];
        json!([alarm["alarm"], alarm["state"], memory["since"], memory["notified"], alarm["pending"]])
    };
    alarms(stack).into_iter().map(end).collect()
}

#[tokio::test(start_paused = true)]
async fn the_same_run_twice_at_once_ends_as_one() {
    let alone = stack(shop(|_| 93.1));
    notified(&alone, 0).await;
    let mut once = 0;
    for calls_later in 0..45 {
        let both = at_once(shop(|_| 93.1), &[], (0, 0), calls_later).await;
        assert_eq!(alarms(&both), alarms(&alone), "{calls_later} calls later");
        let mails: Vec<String> = (0..both.mails().len()).map(|index| both.mail(index)).collect();
        // Both may publish before one has marked (docs/delivery.md). Then they publish the same.
        assert!((1..=2).contains(&mails.len()), "{calls_later} calls later: {mails:?}");
        assert!(mails.iter().all(|mail| *mail == alone.mail(0)), "{calls_later} calls later: {mails:?}");
        once += usize::from(mails.len() == 1);
        quiet(&both, [5]).await;
    }
    assert!(once >= 10, "{once} of 45");
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_begin_one_alarm_and_end_it_once() {
    let hot = |at: i64| if (-10..3).contains(&at) { 93.1 } else { 50.0 };
    for (before, runs) in [(&[][..], (0, 5)), (&[0][..], (10, 15))] {
        let alone = stack(shop(hot));
        for at in before.iter().copied().chain([runs.0]) {
            notified(&alone, at).await;
        }
        quiet(&alone, [runs.1]).await;
        for calls_later in (0..30).step_by(3) {
            for runs in [runs, (runs.1, runs.0)] {
                let both = at_once(shop(hot), before, runs, calls_later).await;
                assert_eq!(ends(&both), ends(&alone), "{runs:?}, {calls_later} calls later");
                let news = both.mails().len() - before.len();
                assert!((1..=2).contains(&news), "{runs:?}, {calls_later} calls later: {news}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_run_that_ends_after_a_newer_one_changes_nothing() {
    // The older run sees an alarm that the newer one has seen begin and end; and the other way
    // round.
    for hot in [-20..2, 2..60] {
        let stack = stack(shop(move |at| if hot.contains(&at) { 93.1 } else { 50.0 }));
        stack.set_now(minute(0));
        let mut older = stack.collect("alarms", minute(0)).await.unwrap();
        notified(&stack, 10).await;
        let before = (stack.aws.items(Stack::TABLE), stack.mails().len());
        stack.invoke(Function::EvaluateAlarms, older.clone()).await.unwrap();
        let plan = stack.json(older["plan"].as_str().unwrap());
        older["plan"] = stack.put_plan(&plan["run"], &plan["targets"].as_array().unwrap()[..1]).into();
        let event = forward(&older, std::slice::from_ref(&older));
        let receipt = stack.invoke(Function::ForwardSummary, event).await.unwrap();
        assert_eq!(receipt["published"], false);
        assert_eq!((stack.aws.items(Stack::TABLE), stack.mails().len()), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_late_does_not_call_an_alarm_blind_that_a_newer_one_evaluated() {
    let stack = stack(shop(|_| 93.1));
    stack.set_now(minute(0));
    let down = Fault::on("cloudwatch:GetMetricData").times(function_tests::ATTEMPTS);
    stack.aws.add_fault(down.error(500, "InternalServiceFault", "down"));
    let older = stack.collect("alarms", minute(0)).await.unwrap();
    notified(&stack, 5).await;
    let before = the_alarm(&stack);
    stack.invoke(Function::EvaluateAlarms, older).await.unwrap();
    let after = alarms(&stack).into_iter().find(|alarm| alarm["alarm"] == before["alarm"]);
    assert_eq!(after, Some(before));
}
