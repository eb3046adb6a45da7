//! A user's file that cannot be used: the last good version stays in force, and every mail says so
//! first.

use fake_aws::Estate;
use function_tests::{Function, Stack, minute, request, shop};
use serde_json::{Value, json};

use super::{newest_text, notified, quiet, says, stack};

const BAD: &str = "rules:\n  - name: mine\n    what: memory-percent\n    treshold: 95 %\n    \
                   comparison: GreaterThanThreshold\n    evaluation-periods: 3\nbuilt-in-rules: none\n";

/// `web` is at 85 %, over the threshold of the built-in rule, and from minute 15 on at 97 %.
fn estate() -> Estate {
    shop(|at| if at < 15 { 85.0 } else { 97.0 })
}

fn put(stack: &Stack, yaml: &str) -> String {
    stack.aws.put_object(Stack::BUCKET, "fargaze.yaml", yaml)
}

fn version(stack: &Stack, key: &str) -> Value {
    stack.json(key)["version"].clone()
}

#[tokio::test(start_paused = true)]
async fn the_last_good_version_stays_in_force_until_the_file_is_fixed_and_each_bad_one_is_notified_once() {
    let stack = stack(estate());
    let good = put(&stack, &BAD.replace("treshold", "threshold"));
    quiet(&stack, [0]).await;
    assert_eq!(version(&stack, "config/last-good.json"), json!(good));

    let bad = put(&stack, BAD);
    let mail = notified(&stack, 5).await;
    assert!(mail.starts_with("fargaze.yaml has "), "{mail}");
    says(
        &mail,
        &[
            &format!("the last good version ({good}) stays in force"),
            "fargaze.yaml:4: ",
            "did you mean `threshold`",
        ],
    );
    assert_eq!(stack.mails()[0].attributes["severity"], "warning");
    assert_eq!(version(&stack, "config/notified-bad.json"), json!(bad));
    // The built-in rule would fire.
    quiet(&stack, [10, 15]).await;
    assert_eq!(stack.plan("alarms", minute(15)).await["run"]["config_version"], json!(good));

    put(&stack, &BAD.replace("memory-percent", "memory"));
    let mail = notified(&stack, 16).await;
    says(&mail, &[&format!("({good}) stays in force"), "did you mean `memory-percent`"]);
    let mail = notified(&stack, 25).await;
    assert!(mail.starts_with("ALARM shop/web: memory 97 %"), "{mail}");
    assert!(newest_text(&stack).starts_with("fargaze.yaml HAS "), "{mail}");
    says(&mail, &[&format!("({good}) stays in force"), "WARNING shop/web", "Rule mine."]);
    quiet(&stack, [30]).await;

    let fixed = put(&stack, &BAD.replace("treshold: 95", "threshold: 96"));
    quiet(&stack, [35]).await;
    let run = stack.plan("alarms", minute(35)).await["run"].clone();
    assert_eq!((&run["config_version"], run.get("bad_config")), (&json!(fixed), None));
    assert_eq!(version(&stack, "config/last-good.json"), json!(fixed));

    put(&stack, BAD);
    says(&notified(&stack, 40).await, &[&format!("the last good version ({fixed}) stays in force")]);
}

#[tokio::test(start_paused = true)]
async fn a_mail_about_a_bad_file_reads_like_this() {
    let stack = stack(shop(|_| 50.0));
    put(&stack, "ruels: []\n");
    notified(&stack, 0).await;
    let mail = stack.mails().remove(0);
    assert_eq!(mail.subject.as_deref(), Some("fargaze.yaml has 1 problem: the built-in rules are in force"));
    let lines: Vec<&str> = mail.message.lines().collect();
    assert_eq!(lines[0], "fargaze.yaml HAS 1 problem; the built-in rules are in force.");
    assert!(
        lines[1].starts_with("  fargaze.yaml:1: ") && lines[1].contains("did you mean `rules`?"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_report_says_it_first() {
    let stack = stack(shop(|_| 50.0));
    put(&stack, "ruels: []\n");
    for at in [0, 10] {
        stack.run_line("report", minute(at)).await.receipt.unwrap();
        assert!(newest_text(&stack).starts_with("fargaze.yaml HAS 1 problem"), "{}", newest_text(&stack));
    }
    quiet(&stack, [15]).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_about_it_that_sns_does_not_take_is_sent_by_the_next_run() {
    let stack = stack(shop(|_| 50.0));
    put(&stack, "ruels: []\n");
    let down = fake_aws::Fault::on("sns:Publish").times(function_tests::ATTEMPTS);
    stack.aws.add_fault(down.error(500, "InternalFailure", "down"));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap_err();
    assert!(notified(&stack, 5).await.starts_with("fargaze.yaml has 1 problem"));
    quiet(&stack, [10]).await;
}

#[tokio::test(start_paused = true)]
async fn if_the_last_good_version_is_missing_or_bad_by_now_the_built_in_rules_apply() {
    for last_good in [json!({"version": "missing"}), json!({"nonsense": 1})] {
        let stack = stack(estate());
        put(&stack, BAD);
        stack.aws.put_object(Stack::BUCKET, "config/last-good.json", last_good.to_string());
        let mail = notified(&stack, 0).await;
        says(&mail, &["ALARM shop/web: memory 85 %", "the built-in rules are in force", "Rule memory-high."]);
    }
    let stack = stack(estate());
    let once_good = put(&stack, "rules: [{name: of-an-older-fargaze}]");
    put(&stack, BAD);
    stack.aws.put_object(Stack::BUCKET, "config/last-good.json", json!({"version": once_good}).to_string());
    says(&notified(&stack, 0).await, &["the built-in rules are in force", "Rule memory-high."]);
}

#[tokio::test(start_paused = true)]
async fn nonsense_where_the_versions_are_remembered_is_written_over() {
    let stack = stack(shop(|_| 50.0));
    for key in ["config/last-good.json", "config/notified-bad.json"] {
        stack.aws.put_object(Stack::BUCKET, key, "nonsense");
    }
    let good = put(&stack, "built-in-rules: none\n");
    quiet(&stack, [0]).await;
    let bad = put(&stack, BAD);
    says(&notified(&stack, 5).await, &[&format!("({good}) stays in force")]);
    quiet(&stack, [10]).await;
    assert_eq!(version(&stack, "config/last-good.json"), json!(good));
    assert_eq!(version(&stack, "config/notified-bad.json"), json!(bad));
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_to_read_the_last_good_file_the_run_fails_with_the_name_of_the_object() {
    let stack = stack(shop(|_| 50.0));
    put(&stack, BAD);
    let down = fake_aws::Fault::on("s3:GetObject").nth(2).times(function_tests::ATTEMPTS);
    stack.aws.add_fault(down.error(403, "AccessDenied", "no"));
    let failure = stack.invoke(Function::PlanRun, request("alarms", minute(0))).await.unwrap_err();
    assert!(failure.to_string().contains("s3:GetObject of config/last-good.json"), "{failure}");
    assert_eq!(failure.error_type(), "Denied");
}
