//! One test for each trigger: event file -> handlers -> fake AWS -> what SNS received.

use fake_aws::ClusterSpec;
use function_tests::{Function, Stack, estate, event_file, minute, shop, sqs_batch_of};
use serde_json::json;

#[tokio::test]
async fn the_schedule_of_alarms_mails_the_hot_service_and_what_was_checked() {
    let stack = Stack::start(shop(|at| if at > -20 { 93.1 } else { 50.0 })).await;
    let line = stack.play(event_file("plan-run.alarms.ok")).await;
    assert_eq!(line.receipt.unwrap()["published"], true);
    assert_eq!(stack.mails().len(), 1);
    assert!(stack.mails()[0].topic_arn.ends_with(":fargaze-topic"));
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/web"), "{mail}");
    for said in
        ["memory 93.1 %", "over 80", "In eu-west-1 (123456789012)", "memory-high", "Checked 1 of 1 cluster"]
    {
        assert!(mail.contains(said), "{said}: {mail}");
    }
}

#[tokio::test]
async fn the_schedule_of_reports_mails_every_service() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let line = stack.play(event_file("plan-run.report.ok")).await;
    assert_eq!(line.receipt.unwrap()["published"], true);
    assert_eq!(stack.mails().len(), 1);
    let mail = stack.mail(0);
    assert!(
        mail.contains("web") && mail.contains("api") && mail.contains("Checked 1 of 1 cluster"),
        "{mail}"
    );
}

#[tokio::test]
async fn the_schedule_of_sweeps_mails_what_it_set() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    stack.put_config("limits: {existing: change}");
    let line = stack.play(event_file("plan-run.sweep.ok")).await;
    assert_eq!(line.receipt.unwrap()["published"], true);
    let mail = stack.mail(0);
    assert!(mail.starts_with("ECS: 1 set |"), "{mail}");
    assert!(
        mail.contains("SET Container Insights: disabled -> enabled, in eu-west-1 (123456789012): shop"),
        "{mail}"
    );
    assert_eq!(stack.mails().len(), 1);
}

#[tokio::test]
async fn a_sweep_with_nothing_to_report_mails_nothing_and_says_so() {
    let stack = Stack::start(estate().cluster(ClusterSpec::new("shop").insights("enabled"))).await;
    let receipt = stack.play(event_file("plan-run.sweep.ok")).await.receipt.unwrap();
    assert_eq!(receipt["published"], false);
    assert!(
        receipt["why"].as_str().unwrap().starts_with("nothing to do: 1 of 1 ECS cluster complies"),
        "{receipt}"
    );
    assert_eq!((stack.aws.meter().count("ecs:UpdateClusterSettings"), stack.mails().len()), (0, 0));
}

#[tokio::test]
async fn a_rollback_by_hand_undoes_what_was_set_and_mails_it() {
    let stack = Stack::start(estate().cluster(ClusterSpec::new("shop"))).await;
    let batch = sqs_batch_of(&["enable-insights.create-cluster.ok"]);
    stack.invoke(Function::EnableInsights, batch).await.unwrap();
    for (event, published) in [("plan-run.rollback.ok", 1), ("plan-run.rollback-all.ok", 2)] {
        let line = stack.play(event_file(event)).await;
        assert_eq!(line.receipt.unwrap()["published"], true);
        assert_eq!(stack.mails().len(), published);
        assert_eq!(stack.aws.edit(|world| world.home().insights("shop").unwrap().to_owned()), "disabled");
    }
    let mail = stack.mail(0);
    assert!(mail.starts_with("ECS: 1 rolled back |"), "{mail}");
    assert!(
        mail.contains(
            "ROLLED BACK Container Insights: enabled -> disabled, in eu-west-1 (123456789012): shop"
        ),
        "{mail}"
    );
    assert!(stack.mail(1).starts_with("ECS, EKS: nothing to roll back |"), "{}", stack.mail(1));
}

#[tokio::test]
async fn a_create_cluster_event_in_a_batch_raises_the_cluster_and_the_next_report_mails_it() {
    let stack = Stack::start(estate().cluster(ClusterSpec::new("shop"))).await;
    let batch = sqs_batch_of(&["enable-insights.create-cluster.ok"]);
    let answer = stack.invoke(Function::EnableInsights, batch).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let level = stack.aws.edit(|world| world.home().insights("shop").unwrap().to_owned());
    assert_eq!(level, "enabled");
    assert_eq!(stack.mails().len(), 0, "a change that went well is no news of its own");
    stack.play(event_file("plan-run.report.ok")).await.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(mail.contains("shop") && mail.contains("from disabled to enabled"), "{mail}");
}

#[tokio::test]
async fn a_run_by_hand_without_a_time_is_about_the_start_of_its_execution() {
    let stack = Stack::start(shop(|_| 93.1)).await;
    stack.set_now(minute(1));
    let line = stack.play(event_file("plan-run.by-hand.ok")).await;
    assert_eq!(line.plan["run"]["id"], "alarms-20261122T100503Z");
    assert_eq!(line.plan["run"]["window"]["end"], "2026-11-22T10:03:00Z");
    assert_eq!(line.receipt.unwrap()["published"], true);
}
