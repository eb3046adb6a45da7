//! Alarms that are no longer evaluated end with a closing notification.

use function_tests::{SILENT_ONLY, shop};

use super::{alarms, notified, quiet, says, stack};

#[tokio::test(start_paused = true)]
async fn the_alarm_of_a_deleted_service_ends_with_a_closing_word() {
    let stack = stack(shop(|_| 93.1));
    stack.put_config(SILENT_ONLY);
    notified(&stack, 0).await;
    stack.aws.edit(|world| world.home().cluster_mut("shop").unwrap().services.remove("web"));
    // Until the next listing the cached inventory has it, and ECS reports it MISSING.
    quiet(&stack, [5]).await;
    let mail = notified(&stack, 60).await;
    assert!(mail.starts_with("NO LONGER EVALUATED shop/web: memory-high |"), "{mail}");
    says(
        &mail,
        &[
            "NO LONGER EVALUATED",
            "shop/web is no longer evaluated (the service or the rule was deleted), at 11:03 UTC, in \
             eu-west-1 (123456789012). Rule memory-high.",
        ],
    );
    assert!(!mail.contains("is back at"), "{mail}");
    quiet(&stack, [65, 120]).await;
    assert!(alarms(&stack).iter().all(|alarm| alarm["state"] == "OK"));
}

#[tokio::test(start_paused = true)]
async fn the_alarm_of_a_deleted_cluster_and_of_a_renamed_rule_end_too() {
    let rule = |name: &str| {
        format!(
            "rules: [{{name: {name}, what: memory-percent, threshold: 80 %, comparison: GreaterThanThreshold, \
             evaluation-periods: 3}}]"
        )
    };
    let stack = stack(shop(|_| 93.1));
    stack.put_rules(&rule("one"));
    notified(&stack, 0).await;
    stack.put_rules(&rule("two"));
    let mail = notified(&stack, 5).await;
    says(
        &mail,
        &["WARNING shop/web: memory 93.1 %", "Rule two.", "shop/web is no longer evaluated", "Rule one."],
    );
    stack.aws.edit(|world| world.home().remove_cluster("shop"));
    says(&notified(&stack, 60).await, &["shop/web is no longer evaluated", "Rule two."]);
    quiet(&stack, [65]).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_be_listed_is_not_deleted() {
    let stack = stack(shop(|_| 93.1));
    notified(&stack, 0).await;
    stack.aws.edit(|world| {
        let home = world.home();
        *home = std::mem::take(home).deny("ecs:ListServices");
    });
    let mail = notified(&stack, 60).await;
    says(&mail, &["CANNOT READ", "ecs:ListServices"]);
    assert!(!mail.contains("no longer evaluated") && !mail.contains("ENDED"), "{mail}");
    quiet(&stack, [65]).await;
}
