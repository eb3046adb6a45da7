//! Targets in other accounts and Regions, and the notification when one of them cannot be read.

use fake_aws::{Estate, FakeAws};
use function_tests::{ACCOUNT, REGION, Stack, minute, running, shop};

const OTHER: &str = "210987654321";
const ROLE: &str = "arn:aws:iam::210987654321:role/fargaze-reader";

fn config(external_id: &str) -> String {
    format!(
        "targets:\n  - {{account: \"{ACCOUNT}\", regions: [{REGION}]}}\n  - account: \"{OTHER}\"\n    \
         regions: [eu-central-1]\n    roles: {{read: \"{ROLE}\"}}\n    external-id: {external_id}\n"
    )
}

/// A hot service `web` at home, and a hot service `index` in the other account, behind a role.
async fn two_accounts() -> Stack {
    let mut other = Estate::new(OTHER, "eu-central-1").now(minute(0));
    running(&mut other, "search", "index", |_| 97.0);
    let stack = Stack::of(FakeAws::builder(shop(|_| 93.1)).estate(other)).await;
    stack.aws.edit(|world| world.role(ROLE, Some("fargaze-42")));
    stack
}

#[tokio::test]
async fn a_role_with_an_external_id_is_assumed_and_both_accounts_are_in_one_message() {
    let stack = two_accounts().await;
    stack.put_config(&config("fargaze-42"));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    assert_eq!(stack.mails().len(), 1);
    let mail = stack.mail(0);
    assert!(mail.contains("shop/web") && mail.contains("search/index"), "{mail}");
    assert!(mail.contains("In eu-central-1 (210987654321)"), "{mail}");
    let calls = stack.aws.meter().calls;
    let place = |operation: &str| {
        let call = calls.iter().rfind(|call| call.operation == operation).unwrap();
        (call.account.clone(), call.region.clone())
    };
    let there = (OTHER.to_owned(), "eu-central-1".to_owned());
    assert_eq!(place("cloudwatch:GetMetricData"), there);
    assert_eq!(place("ecs:ListClusters"), there);
    // Objects that the stack stores stay at home.
    for call in calls
        .iter()
        .filter(|call| call.operation.starts_with("s3:") || call.operation.starts_with("dynamodb:"))
    {
        assert_eq!((call.account.as_str(), call.region.as_str()), (ACCOUNT, REGION), "{}", call.operation);
    }
}

#[tokio::test]
async fn a_wrong_external_id_is_a_denied_failure_by_name_while_the_other_target_is_reported() {
    let stack = two_accounts().await;
    stack.put_config(&config("guessed"));
    let line = stack.run_line("alarms", minute(0)).await;
    let there = line.items.iter().filter(|item| item["name"].as_str().unwrap().contains(OTHER));
    assert!(there.clone().count() == 2 && there.clone().all(|item| item["failure"]["Error"] == "Denied"));
    line.receipt.unwrap();
    assert_eq!(stack.mails().len(), 1);
    let mail = stack.mail(0);
    assert!(mail.contains("shop/web") && !mail.contains("search/index"), "{mail}");
    assert!(mail.contains("CANNOT READ eu-central-1 (210987654321)"), "{mail}");
    assert!(mail.contains("sts:AssumeRole") && mail.contains(ROLE), "{mail}");
    assert_eq!(stack.aws.meter().calls.iter().filter(|call| call.account == OTHER).count(), 0);
}

#[tokio::test]
async fn a_target_that_cannot_be_read_is_notified_once_and_again_when_it_is_back() {
    let stack = two_accounts().await;
    stack.put_config(&config("guessed"));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    let receipt = stack.run_line("alarms", minute(5)).await.receipt.unwrap();
    assert_eq!(receipt["published"], false, "it is known");
    stack.aws.edit(|world| world.role(ROLE, Some("guessed")));
    stack.aws.edit(|world| world.estate(OTHER, "eu-central-1").set_now(minute(10)));
    stack.run_line("alarms", minute(10)).await.receipt.unwrap();
    assert_eq!(stack.mails().len(), 2);
    let mail = stack.mail(1);
    assert!(
        mail.contains("CAN READ eu-central-1 (210987654321) again") && mail.contains("search/index"),
        "{mail}"
    );
}

#[tokio::test]
async fn another_region_of_the_home_account_needs_no_role() {
    let mut there = Estate::new(ACCOUNT, "us-east-1").now(minute(0));
    running(&mut there, "search", "index", |_| 97.0);
    let stack = Stack::of(FakeAws::builder(shop(|_| 50.0)).estate(there)).await;
    stack.put_config(&format!("targets: [{{account: \"{ACCOUNT}\", regions: [{REGION}, us-east-1]}}]"));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    assert!(stack.mail(0).starts_with("ALARM search/index"), "{}", stack.mail(0));
    assert_eq!(stack.aws.meter().count("sts:AssumeRole"), 0);
}

#[tokio::test]
async fn a_sweep_reaches_other_accounts_with_their_role() {
    let stack = two_accounts().await;
    stack.put_config(&(config("fargaze-42") + "limits: {existing: change}\n"));
    stack.run_line("sweep", minute(0)).await.receipt.unwrap();
    let level =
        stack.aws.edit(|world| world.estate(OTHER, "eu-central-1").insights("search").unwrap().to_owned());
    assert_eq!(level, "enabled");
    assert!(
        stack
            .mail(0)
            .contains("SET Container Insights: disabled -> enabled, in eu-central-1 (210987654321): search"),
        "{}",
        stack.mail(0)
    );
}
