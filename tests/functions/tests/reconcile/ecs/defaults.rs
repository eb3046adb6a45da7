//! The account's default: read, reported, raised if a policy says so, and never lowered.

use fake_aws::{Estate, FakeAws, Fault};
use function_tests::{ACCOUNT, Stack, estate, minute};
use serde_json::json;

use super::{
    account_default, change, change_log, changes, items, outcome, receipt, result, result_of, stack,
    subjects, sweep, text, with,
};

const PUT: &str = "ecs:PutAccountSettingDefault";
const LIST: &str = "ecs:ListAccountSettings";
const ENABLED: &str = "policies: [{account-default: at-least-enabled}]";

fn default_of(stack: &Stack) -> String {
    stack.aws.edit(|world| world.home().account_insights().to_owned())
}

fn set_default(stack: &Stack, level: &str) {
    stack.aws.edit(|world| world.home().set_account_default(level));
}

#[tokio::test(start_paused = true)]
async fn it_is_raised_to_its_policy_and_never_lowered() {
    for (policy, has, result, after) in [
        ("leave", "disabled", json!("left"), "disabled"),
        ("leave", "enhanced", json!("left"), "enhanced"),
        ("at-least-enabled", "disabled", json!({"set": "enabled"}), "enabled"),
        ("at-least-enabled", "enabled", json!("compliant"), "enabled"),
        ("at-least-enabled", "enhanced", json!("compliant"), "enhanced"),
        ("at-least-enhanced", "enabled", json!({"set": "enhanced"}), "enhanced"),
    ] {
        let stack = stack(estate().account_default(has));
        stack.put_config(&format!("policies: [{{account-default: {policy}}}]"));
        let line = sweep(&stack, 0).await;
        let outcome = outcome(&stack, &line);
        let found = account_default(&outcome);
        let before = found["now"].as_str().or(found["change"]["from"].as_str());
        assert_eq!((before, result_of(found)), (Some(has), result.clone()), "{policy}, {has}");
        assert_eq!(default_of(&stack), after, "{policy}, {has}");
        let is_set = result.is_object();
        assert_eq!(subjects(&stack, PUT).len(), usize::from(is_set), "{policy}, {has}");
        assert_eq!(receipt(&line).0, is_set, "{policy}, {has}");
        // Again: nothing left to do.
        assert!(!receipt(&sweep(&stack, 60).await).0, "{policy}, {has}");
        assert_eq!(subjects(&stack, PUT).len(), usize::from(is_set), "{policy}, {has}");
    }
}

#[tokio::test(start_paused = true)]
async fn its_change_is_logged_and_the_mail_reports_it() {
    let stack = stack(with(&[("shop", "enabled")]));
    stack.put_config(ENABLED);
    sweep(&stack, 0).await;
    let entry = change_log(&stack).remove(0);
    assert_eq!(changes(&stack), [change("account", "disabled", "enabled", "done")]);
    let reason = "it is below its policy; its policy is at-least-enabled (fargaze.yaml:1)";
    assert_eq!((entry.policy.as_str(), entry.reason.as_str()), ("at-least-enabled", reason));
    assert_eq!((entry.cause.as_str(), entry.made), ("sweep-20261122T100500Z", minute(0)));
    assert_eq!(text(&items(&stack, "CHANGES#")[0], "sk"), "@account/account-default#1");
    let calls = stack.aws.meter().calls;
    let request = calls.iter().find(|call| call.operation == PUT).unwrap();
    assert_eq!(entry.request_id.as_deref(), Some(request.request_id.as_str()));
    let mail = stack.mail(0);
    assert!(mail.starts_with("ECS: account default set |"), "{mail}");
    assert!(
        mail.contains("SET account default: disabled -> enabled, in eu-west-1 (123456789012)."),
        "{mail}"
    );
}

#[tokio::test(start_paused = true)]
async fn each_region_has_its_own_default() {
    let there = Estate::new(ACCOUNT, "us-east-1").account_default("enhanced");
    let stack = Stack::in_process(FakeAws::builder(estate()).estate(there));
    stack.put_config(&format!(
        "{ENABLED}\ntargets: [{{account: \"{ACCOUNT}\", regions: [eu-west-1, us-east-1], platforms: [ecs]}}]"
    ));
    let line = sweep(&stack, 0).await;
    let results: Vec<_> = line
        .items
        .iter()
        .map(|item| result_of(account_default(&stack.json(item["outcome"]["key"].as_str().unwrap()))))
        .collect();
    assert_eq!(results, [json!({"set": "enabled"}), json!("compliant")]);
    let over_there = stack.aws.edit(|world| world.estate(ACCOUNT, "us-east-1").account_insights().to_owned());
    assert_eq!((default_of(&stack).as_str(), over_there.as_str()), ("enabled", "enhanced"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_notified_and_the_clusters_are_set_all_the_same() {
    let stack = stack(with(&[("off", "disabled")]).deny(PUT));
    stack.put_config(&format!("{ENABLED}\nlimits: {{existing: change}}"));
    let found = outcome(&stack, &sweep(&stack, 0).await);
    assert_eq!(account_default(&found)["result"]["failed"]["operation"], PUT);
    assert_eq!(result(&found, "off"), json!({"set": "enabled"}));
    assert_eq!(default_of(&stack), "disabled");
    assert_eq!(changes(&stack)[0], change("account", "disabled", "enabled", "abandoned"));
    let mail = stack.mail(0);
    assert!(mail.contains("FAILED account default in eu-west-1 (123456789012)."), "{mail}");
    assert_eq!(stack.mails()[0].attributes["severity"], "warning");
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_read_is_notified_and_the_clusters_are_set_all_the_same() {
    let stack = stack(with(&[("off", "disabled")]).deny(LIST));
    stack.put_config(&format!("{ENABLED}\nlimits: {{existing: change}}"));
    let found = outcome(&stack, &sweep(&stack, 0).await);
    assert!(account_default(&found)["result"]["unknown"].is_object(), "{found}");
    assert_eq!(result(&found, "off"), json!({"set": "enabled"}));
    assert_eq!(subjects(&stack, PUT), [""; 0], "what is not known is not changed");
    assert!(
        stack.mail(0).contains("COULD NOT BE READ: account default in eu-west-1 (123456789012)."),
        "{}",
        stack.mail(0)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_is_settled_by_the_next_sweep() {
    let stack = stack(estate());
    stack.put_config(ENABLED);
    // Set, and then the read-back failed.
    stack.aws.add_fault(Fault::on(LIST).nth(2).error(400, "AccessDeniedException", "not now"));
    sweep(&stack, 0).await;
    assert_eq!(changes(&stack), [change("account", "disabled", "enabled", "planned")]);
    sweep(&stack, 60).await;
    assert_eq!(changes(&stack), [change("account", "disabled", "enabled", "done")]);
    assert_eq!(subjects(&stack, PUT).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_lowers_it_twice_has_won_until_the_policy_changes() {
    let stack = stack(estate());
    stack.put_config(ENABLED);
    for at in [0, 60, 120] {
        set_default(&stack, "disabled");
        sweep(&stack, at).await.receipt.unwrap();
    }
    assert_eq!((default_of(&stack).as_str(), subjects(&stack, PUT).len()), ("disabled", 2));
    let mail = stack.mail(2);
    assert!(mail.contains("CONFLICT over account default (disabled)"), "{mail}");
    stack.put_config("policies: [{account-default: at-least-enhanced}]");
    sweep(&stack, 180).await.receipt.unwrap();
    assert_eq!(default_of(&stack), "enhanced");
}
