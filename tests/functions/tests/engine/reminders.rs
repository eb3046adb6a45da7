//! An active alarm is notified again once a day.

use fake_aws::Estate;
use function_tests::{minute, put_span, shop};
use serde_json::json;

use super::{DAY, newest_text, notified, quiet, says, stack, the_alarm};

/// The cluster `shop` whose `web` is short of memory for five days.
fn hot_for_days() -> Estate {
    let mut estate = shop(|_| 50.0);
    for (service, name, value) in [
        ("web", "MemoryUtilization", 93.1),
        ("web", "CPUUtilization", 20.0),
        ("api", "MemoryUtilization", 40.0),
        ("api", "CPUUtilization", 20.0),
    ] {
        let dimensions = [("ClusterName", "shop"), ("ServiceName", service)];
        put_span(&mut estate, "AWS/ECS", name, &dimensions, -60..5 * DAY, |_| value);
    }
    estate
}

#[tokio::test(start_paused = true)]
async fn after_a_day_and_not_before_it_is_notified_again_and_marked_and_again_on_the_third_day() {
    let stack = stack(hot_for_days());
    notified(&stack, 0).await;
    quiet(&stack, [5, 60, DAY - 5]).await;
    for day in 1..=3 {
        let mail = notified(&stack, day * DAY).await;
        assert!(mail.starts_with("STILL shop/web: memory 93.1 % |"), "{mail}");
        let alarm = the_alarm(&stack);
        assert_eq!(
            (&alarm["pending"], &alarm["memory"]["notified_at"]),
            (&json!([]), &json!(minute(day * DAY)))
        );
        quiet(&stack, [day * DAY + 5, day * DAY + DAY - 5]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reminder_reads_like_this() {
    let stack = stack(hot_for_days());
    notified(&stack, 0).await;
    let mail = notified(&stack, 2 * DAY).await;
    assert!(mail.starts_with("STILL shop/web: memory 93.1 % |"), "{mail}");
    let text = newest_text(&stack);
    assert!(text.starts_with("STILL IN ALARM\n"), "{text}");
    says(
        &mail,
        &[
            "STILL IN ALARM",
            "WARNING shop/web: memory 93.1 %, for 2 days 15 minutes, in eu-west-1 (123456789012). Rule memory-high.",
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#metricsV2?graph=~(metrics~(~(~'AWS*2fECS~'MemoryUtilization",
            "Checked 1 of 1 cluster with 2 services.",
            "Run alarms-20261124T100500Z",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn a_reminder_that_sns_rejects_is_sent_by_the_next_run_and_the_day_counts_from_when_it_was_due() {
    use fake_aws::Fault;
    use function_tests::ATTEMPTS;

    let stack = stack(hot_for_days());
    notified(&stack, 0).await;
    stack.aws.add_fault(Fault::on("sns:Publish").times(ATTEMPTS).error(500, "InternalFailure", "down"));
    stack.run_line("alarms", minute(DAY)).await.receipt.unwrap_err();
    assert!(notified(&stack, DAY + 5).await.starts_with("STILL shop/web"));
    quiet(&stack, [DAY + 10, 2 * DAY - 5]).await;
    assert!(notified(&stack, 2 * DAY).await.starts_with("STILL shop/web"));
}

#[tokio::test(start_paused = true)]
async fn the_rule_says_how_often_and_never_is_never() {
    for (every, reminded) in [("12h", true), ("never", false)] {
        let stack = stack(hot_for_days());
        stack.put_rules(&format!(
            "rules:\n  - {{name: r, what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, \
             evaluation-periods: 3, remind-every: {every}}}\n"
        ));
        notified(&stack, 0).await;
        quiet(&stack, [DAY / 2 - 5]).await;
        assert_eq!(super::run(&stack, DAY / 2).await.is_some(), reminded, "{every}");
        assert_eq!(super::run(&stack, 4 * DAY).await.is_some(), reminded, "{every}");
    }
}
