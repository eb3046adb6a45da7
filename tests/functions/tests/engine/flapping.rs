//! A value that flaps around its threshold is one alarm: clear threshold and hold.

use function_tests::shop;

use super::{notified, quiet, run, says, stack};

fn rule(more: &str) -> String {
    format!(
        "rules:\n  - {{name: memory, what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, \
         evaluation-periods: 1{more}}}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn an_alarm_ends_only_behind_its_clear_threshold() {
    // Over the threshold, then between the two, then below both. The built-in rule: 3 of 5 over 80
    // %, clear at 75 %.
    let memory = |at: i64| match at {
        ..10 => 85.0,
        10..40 => 78.0,
        _ => 70.0,
    };
    let stack = stack(shop(memory));
    notified(&stack, 0).await;
    quiet(&stack, (5..45).step_by(5)).await;
    let mail = notified(&stack, 45).await;
    assert!(mail.starts_with("OK shop/web: memory-high ended |"), "{mail}");
    says(&mail, &["ENDED", "shop/web is back at memory 70 % after 1 hour, at 10:48 UTC"]);
    quiet(&stack, [50, 55, 60]).await;
}

#[tokio::test(start_paused = true)]
async fn a_value_between_the_two_thresholds_begins_nothing() {
    let stack = stack(shop(|_| 78.0));
    quiet(&stack, (0..30).step_by(5)).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_hold_every_swing_is_notified_and_with_one_the_alarm_lasts_as_long() {
    let swinging = |at: i64| if (0..20).contains(&at) && at % 4 < 2 { 90.0 } else { 50.0 };
    let plain = stack(shop(swinging));
    plain.put_rules(&rule(""));
    let mut mails = 0;
    for at in (5..60).step_by(5) {
        mails += usize::from(run(&plain, at).await.is_some());
    }
    assert!(mails > 3, "{mails} mails");

    let held = stack(shop(swinging));
    held.put_rules(&rule(", minimum-hold: 30m"));
    let first = notified(&held, 5).await;
    assert!(first.contains("since 2026-11-22 10:06 UTC") && !first.contains("ENDED"), "{first}");
    quiet(&held, (10..35).step_by(5)).await;
    let end = notified(&held, 35).await;
    says(&end, &["shop/web is back at memory 50 % after 30 minutes, at 10:36 UTC"]);
    quiet(&held, (40..60).step_by(5)).await;
}
