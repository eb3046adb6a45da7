//! The account's default: read, told, raised if it is wished, and never lowered.

use fake_aws::{Estate, FakeAws, Fault};
use function_tests::{ACCOUNT, Stack, estate, minute};
use serde_json::json;

use super::{change, changes, finding, ledger, outcome, receipt, stack, subjects, sweep, with};

const PUT: &str = "ecs:PutAccountSettingDefault";
const LIST: &str = "ecs:ListAccountSettings";

fn default_of(stack: &Stack) -> String {
    stack.aws.edit(|world| world.home().account_insights().to_owned())
}

fn set_default(stack: &Stack, level: &str) {
    stack.aws.edit(|world| world.home().set_account_default(level));
}

#[tokio::test(start_paused = true)]
async fn it_is_raised_to_what_is_wished_and_never_lowered() {
    for (wish, has, result, after) in [
        ("leave", "disabled", json!("left"), "disabled"),
        ("leave", "enhanced", json!("left"), "enhanced"),
        ("enabled", "disabled", json!({"set": "enabled"}), "enabled"),
        ("enabled", "enabled", json!("right"), "enabled"),
        ("enabled", "enhanced", json!("right"), "enhanced"),
        ("enhanced", "enabled", json!({"set": "enhanced"}), "enhanced"),
    ] {
        let stack = stack(estate().account_default(has));
        stack.put_config(&format!("insights: {{account-default: {wish}}}"));
        let line = sweep(&stack, 0).await;
        let found = outcome(&stack, &line)["account_default"].clone();
        assert_eq!((&found["level"], &found["result"]), (&json!(has), &result), "{wish}, {has}");
        assert_eq!(default_of(&stack), after, "{wish}, {has}");
        let is_set = result.is_object();
        assert_eq!(subjects(&stack, PUT).len(), usize::from(is_set), "{wish}, {has}");
        assert_eq!(receipt(&line).0, is_set, "{wish}, {has}");
        // Again: nothing more to do.
        assert!(!receipt(&sweep(&stack, 60).await).0, "{wish}, {has}");
        assert_eq!(subjects(&stack, PUT).len(), usize::from(is_set), "{wish}, {has}");
    }
}

#[tokio::test(start_paused = true)]
async fn its_ledger_entry_is_complete_and_the_mail_tells_it() {
    let stack = stack(with(&[("shop", "enabled")]));
    stack.put_config("insights: {account-default: enabled}");
    sweep(&stack, 0).await;
    let entry = ledger(&stack).remove(0);
    assert_eq!(changes(&stack), [change("@account-default", "disabled", "enabled", "done")]);
    assert_eq!((entry.wish.as_str(), entry.reason.as_str()), ("enabled", "account-default is enabled"));
    assert_eq!((entry.cause.as_str(), entry.time), ("sweep-20261122T100500Z", minute(0).to_string()));
    let calls = stack.aws.meter().calls;
    let request = calls.iter().find(|call| call.operation == PUT).unwrap();
    assert_eq!(entry.request_id.as_deref(), Some(request.request_id.as_str()));
    let mail = stack.mail(0);
    assert!(mail.starts_with("Container Insights: the account default |"), "{mail}");
    assert!(mail.contains("ACCOUNT DEFAULT SET disabled -> enabled in eu-west-1 (123456789012)."), "{mail}");
}

#[tokio::test(start_paused = true)]
async fn each_region_has_one_of_its_own() {
    let there = Estate::new(ACCOUNT, "us-east-1").account_default("enhanced");
    let stack = Stack::in_process(FakeAws::builder(estate()).estate(there));
    stack.put_config(&format!(
        "{{insights: {{account-default: enabled}}, targets: [{{account: \"{ACCOUNT}\", regions: [eu-west-1, us-east-1], platforms: [ecs]}}]}}"
    ));
    let line = sweep(&stack, 0).await;
    let results: Vec<_> = line
        .items
        .iter()
        .map(|item| stack.json(item["outcome"]["key"].as_str().unwrap())["account_default"]["result"].clone())
        .collect();
    assert_eq!(results, [json!({"set": "enabled"}), json!("right")]);
    let over_there = stack.aws.edit(|world| world.estate(ACCOUNT, "us-east-1").account_insights().to_owned());
    assert_eq!((default_of(&stack).as_str(), over_there.as_str()), ("enabled", "enhanced"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_the_clusters_are_set_all_the_same() {
    let stack = stack(with(&[("off", "disabled")]).deny(PUT));
    stack.put_config("insights: {account-default: enabled, existing: change}");
    let found = outcome(&stack, &sweep(&stack, 0).await);
    assert_eq!(found["account_default"]["result"]["failed"]["operation"], PUT);
    assert_eq!(finding(&found, "off")["result"], json!({"set": "enabled"}));
    assert_eq!(default_of(&stack), "disabled");
    assert_eq!(changes(&stack)[0], change("@account-default", "disabled", "enabled", "abandoned"));
    let mail = stack.mail(0);
    assert!(mail.contains("ACCOUNT DEFAULT FAILED (disabled) in eu-west-1 (123456789012)."), "{mail}");
    assert_eq!(stack.mails()[0].attributes["severity"], "warning");
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_read_is_told_and_the_clusters_are_set_all_the_same() {
    let stack = stack(with(&[("off", "disabled")]).deny(LIST));
    stack.put_config("insights: {account-default: enabled, existing: change}");
    let found = outcome(&stack, &sweep(&stack, 0).await);
    assert_eq!(found["account_default"]["level"], json!(null));
    assert_eq!(finding(&found, "off")["result"], json!({"set": "enabled"}));
    assert_eq!(subjects(&stack, PUT), [""; 0], "what is not known is not changed");
    assert!(stack.mail(0).contains("ACCOUNT DEFAULT COULD NOT BE READ"), "{}", stack.mail(0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_is_settled_by_the_next_sweep() {
    let stack = stack(estate());
    stack.put_config("insights: {account-default: enabled}");
    // Set, and then the function could not look whether it was.
    stack.aws.add_fault(Fault::on(LIST).nth(2).error(400, "AccessDeniedException", "not now"));
    sweep(&stack, 0).await;
    assert_eq!(changes(&stack), [change("@account-default", "disabled", "enabled", "planned")]);
    sweep(&stack, 60).await;
    assert_eq!(changes(&stack), [change("@account-default", "disabled", "enabled", "done")]);
    assert_eq!(subjects(&stack, PUT).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_lowers_it_twice_has_won_until_the_wish_changes() {
    let stack = stack(estate());
    stack.put_config("insights: {account-default: enabled}");
    for at in [0, 60, 120] {
        set_default(&stack, "disabled");
        sweep(&stack, at).await.receipt.unwrap();
    }
    assert_eq!((default_of(&stack).as_str(), subjects(&stack, PUT).len()), ("disabled", 2));
    let mail = stack.mail(2);
    assert!(mail.contains("FIGHT over the account default (disabled)"), "{mail}");
    stack.put_config("insights: {account-default: enhanced}");
    sweep(&stack, 180).await.receipt.unwrap();
    assert_eq!(default_of(&stack), "enhanced");
}
