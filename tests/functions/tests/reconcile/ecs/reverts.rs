//! Every call that can change what fargaze watches is acted on at once, and its caller is named.

use fake_aws::FakeAws;
use function_tests::{ACCOUNT, Stack, estate};
use serde_json::{Value, json};

use super::{
    account_default, change, change_log, changes, created, level, outcome, receive_well, result, reverts,
    set_level, stack, subjects, sweep, with,
};

const PUT: &str = "ecs:PutAccountSettingDefault";
const TERRAFORM: &str = "arn:aws:sts::123456789012:assumed-role/terraform/session";

/// Terraform turns it off at this minute, as its provider does.
fn by_terraform(cluster: &str, at: i64) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/c01-update-cluster-by-terraform.json");
    let text =
        std::fs::read_to_string(folder).unwrap().replace("cluster/shop", &format!("cluster/{cluster}"));
    let mut event: Value = serde_json::from_str(&text).unwrap();
    event["detail"]["eventID"] = json!(format!("UpdateCluster-{cluster}-{at}"));
    event["detail"]["eventTime"] = json!(function_tests::minute(at).to_string());
    event
}

/// Issue 13, point 2.
#[tokio::test(start_paused = true)]
async fn what_terraform_reverts_by_update_cluster_is_set_again_at_once_and_terraform_is_named() {
    let stack = stack(with(&[("shop", "disabled")]));
    receive_well(&stack, &[created("shop", 0)]).await;
    set_level(&stack, "shop", "disabled");
    receive_well(&stack, &[by_terraform("shop", 10)]).await;
    assert_eq!(level(&stack, "shop"), "enabled");
    assert_eq!(reverts(&stack), [("shop".to_owned(), TERRAFORM.to_owned(), "disabled".to_owned())]);
    set_level(&stack, "shop", "disabled");
    receive_well(&stack, &[by_terraform("shop", 20), by_terraform("shop", 20)]).await;
    assert_eq!(level(&stack, "shop"), "disabled");
    let found = outcome(&stack, &sweep(&stack, 30).await);
    assert_eq!(result(&found, "shop"), json!({"conflict": [format!("{TERRAFORM} (UpdateCluster)")]}));
}

/// A call about the account's default, by terraform's session at this minute.
fn about_default(call: &str, request: &Value, at: i64) -> Value {
    let mut event = by_terraform("shop", at);
    let detail = &mut event["detail"];
    detail["eventName"] = json!(call);
    detail["eventID"] = json!(format!("{call}-{at}"));
    detail["requestParameters"] = request.clone();
    detail["responseElements"] = json!({"setting": {"name": "containerInsights", "value": "disabled"}});
    event
}

fn default_of(stack: &Stack) -> String {
    stack.aws.edit(|world| world.home().account_insights().to_owned())
}

/// Issue 13, point 2.
#[tokio::test(start_paused = true)]
async fn an_account_default_that_is_lowered_is_raised_again_at_once_and_who_did_it_is_named() {
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    for (call, request) in [
        ("PutAccountSettingDefault", json!({"name": "containerInsights", "value": "disabled"})),
        (
            "PutAccountSetting",
            json!({"name": "containerInsights", "value": "disabled", "principalArn": root}),
        ),
        ("DeleteAccountSetting", json!({"name": "containerInsights", "principalArn": root})),
    ] {
        let stack = stack(estate());
        stack.put_config("policies: [{account-default: at-least-enabled}]");
        sweep(&stack, 0).await;
        assert_eq!(default_of(&stack), "enabled");
        let lower = |stack: &Stack| stack.aws.edit(|world| world.home().set_account_default("disabled"));
        lower(&stack);
        receive_well(&stack, &[about_default(call, &request, 10)]).await;
        assert_eq!(default_of(&stack), "enabled", "{call}");
        let set = change("account", "disabled", "enabled", "done");
        assert_eq!(changes(&stack), [set.clone(), set], "{call}");
        // The second time it is left, and the sweep names who did it.
        lower(&stack);
        receive_well(&stack, &[about_default(call, &request, 20), about_default(call, &request, 10)]).await;
        assert_eq!((default_of(&stack).as_str(), subjects(&stack, PUT).len()), ("disabled", 2), "{call}");
        let found = outcome(&stack, &sweep(&stack, 30).await);
        let conflict = json!({"conflict": [format!("{TERRAFORM} ({call})")]});
        assert_eq!(account_default(&found)["result"], conflict, "{call}");
    }
}

/// Issue 13, point 2: events about other settings, or caused by fargaze itself, cost no ECS call.
#[tokio::test(start_paused = true)]
async fn other_account_settings_and_our_own_calls_are_ignored() {
    let stack = stack(estate());
    stack.put_config("policies: [{account-default: at-least-enabled}]");
    let own = {
        let mut event = about_default(
            "PutAccountSettingDefault",
            &json!({"name": "containerInsights", "value": "enabled"}),
            1,
        );
        event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(Stack::ROLE);
        event
    };
    let other =
        about_default("PutAccountSettingDefault", &json!({"name": "awsvpcTrunking", "value": "enabled"}), 2);
    let mine =
        about_default("PutAccountSetting", &json!({"name": "containerInsights", "value": "disabled"}), 3);
    receive_well(&stack, &[own, other, mine]).await;
    let calls = stack.aws.meter().calls;
    assert!(calls.iter().all(|call| call.operation == "s3:GetObject"), "{calls:?}");
    assert_eq!((change_log(&stack), default_of(&stack).as_str()), (vec![], "disabled"));
}

/// Issue 13, point 2: each Region of the file has its own default.
#[tokio::test(start_paused = true)]
async fn an_account_default_is_checked_where_the_event_is_from() {
    let there = fake_aws::Estate::new(ACCOUNT, "us-east-1");
    let stack = Stack::in_process(FakeAws::builder(estate()).estate(there));
    stack.put_config("policies: [{account-default: at-least-enabled}]");
    let request = json!({"name": "containerInsights", "value": "disabled"});
    let event =
        about_default("PutAccountSettingDefault", &request, 1).to_string().replace("eu-west-1", "us-east-1");
    receive_well(&stack, &[serde_json::from_str(&event).unwrap()]).await;
    let over_there = stack.aws.edit(|world| world.estate(ACCOUNT, "us-east-1").account_insights().to_owned());
    assert_eq!((over_there.as_str(), default_of(&stack).as_str()), ("enabled", "disabled"));
}
