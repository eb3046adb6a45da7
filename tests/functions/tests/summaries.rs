//! How summaries reach people and programs: forms, attributes, publish slots, subscriptions, and
//! the stored report.

use fake_aws::{FakeAws, Fault};
use function_tests::{ATTEMPTS, Stack, minute, shop};
use serde_json::{Value, json};

/// A hot service in a cluster with an owner.
fn hot() -> fake_aws::Estate {
    let mut estate = shop(|_| 93.1);
    let cluster = estate.cluster_mut("shop").unwrap();
    cluster.tags.insert("Owner".to_owned(), "team-web".to_owned());
    estate
}

#[tokio::test]
async fn mail_is_text_and_queues_get_json_with_attributes_to_filter_by() {
    let stack = Stack::start(hot()).await;
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    let published = stack.aws.published().remove(0);
    assert_eq!(published.structure.as_deref(), Some("json"));
    let forms: Value = serde_json::from_str(&published.message).unwrap();
    let subject = published.subject.unwrap();
    assert_eq!(forms["sms"], json!(subject));
    assert!(forms["default"].as_str().unwrap().lines().count() > 5, "{forms}");
    assert_eq!(forms["sqs"], forms["lambda"]);
    let json = stack.notifications().remove(0);
    assert_eq!((&json["kind"], &json["subject"]), (&json!("alarms"), &json!(subject)));
    let alarm = &json["alarms"][0];
    let place = ["account", "region", "cluster", "service", "rule"].map(|name| alarm[name].clone());
    assert_eq!(json!(place), json!(["123456789012", "eu-west-1", "shop", "web", "memory-high"]));
    let attributes = |name: &str| published.attributes[name].clone();
    assert_eq!((attributes("kind"), attributes("severity")), ("alarms".into(), "warning".into()));
    for (name, values) in [
        ("account", r#"["123456789012"]"#),
        ("region", r#"["eu-west-1"]"#),
        ("cluster", r#"["shop"]"#),
        ("owner", r#"["team-web"]"#),
    ] {
        assert_eq!(attributes(name), values, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_messages_are_a_second_apart() {
    let stack = Stack::in_process(FakeAws::builder(shop(|_| 93.1)));
    let began = tokio::time::Instant::now();
    for kind in ["alarms", "report", "report"] {
        let at = i64::from(stack.mails().len() == 2);
        stack.run_line(kind, minute(at)).await.receipt.unwrap();
    }
    assert_eq!(stack.mails().len(), 3);
    let took = began.elapsed();
    assert!((2..5).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_publish_slot_it_is_still_published() {
    let stack = Stack::in_process(FakeAws::builder(shop(|_| 50.0)));
    stack.aws.add_fault(Fault::on("dynamodb:PutItem").error(400, "AccessDeniedException", "no"));
    let receipt = stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(receipt["published"], true, "{receipt}");
}

#[tokio::test]
async fn each_run_counts_who_listens() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let listeners =
        async |at| stack.run_line("alarms", minute(at)).await.receipt.unwrap()["listeners"].clone();
    assert_eq!(listeners(0).await, json!(0));
    stack.aws.edit(|world| {
        let topic = world.topic("fargaze-topic");
        world.subscribe(&topic, "email", "team@example.org");
    });
    assert_eq!(listeners(5).await, json!(1));
    let fault = Fault::on("sns:GetTopicAttributes").times(ATTEMPTS);
    stack.aws.add_fault(fault.error(500, "InternalError", "down"));
    assert_eq!(listeners(10).await, json!(null), "what cannot be counted is not zero, and no reason to fail");
}

#[tokio::test]
async fn a_report_is_kept_as_page_and_json_and_the_next_one_is_compared_with_it() {
    let mut estate = shop(|_| 50.0);
    let stack = Stack::start(estate.clone()).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let stem = "reports/dt=2026-11-22/report-20261122T100500Z";
    let page = stack.aws.object(Stack::BUCKET, &format!("{stem}.html")).unwrap();
    assert!(String::from_utf8(page).unwrap().starts_with("<!DOCTYPE html>"));
    let report = stack.json(&format!("{stem}.json"));
    assert_eq!((&report["run"], &report["since"]), (&json!("report-20261122T100500Z"), &Value::Null));
    assert_eq!(stack.json("reports/latest.json"), report);
    assert!(stack.mail(0).contains(&format!("{stem}.html")), "{}", stack.mail(0));
    // The template's lifecycle rule keeps it for 90 days.
    assert!(stack.mail(0).contains("until 2027-02-20"), "{}", stack.mail(0));

    estate.put_service("shop", fake_aws::ServiceSpec::new("new").desired(1).running(1));
    stack.aws.edit(|world| world.add(estate));
    stack.run_line("report", minute(24 * 60)).await.receipt.unwrap();
    let next = stack.json("reports/latest.json");
    assert_eq!(next["run"], "report-20261123T100500Z");
    assert!(next["since"].to_string().contains("new"), "{}", next["since"]);
    let mail = stack.mail(1);
    assert!(mail.contains("shop/new"), "{mail}");

    // An unreadable copy does not prevent the report.
    stack.aws.put_object(Stack::BUCKET, "reports/latest.json", "{");
    stack.run_line("report", minute(48 * 60)).await.receipt.unwrap();
    assert_eq!(stack.json("reports/latest.json")["since"], Value::Null);
}

#[tokio::test]
async fn a_report_shows_what_the_runs_since_the_last_one_requested() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let first = stack.json("reports/latest.json")["cost"].clone();
    for at in [5, 10, 15] {
        stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    stack.run_line("report", minute(20)).await.receipt.unwrap();
    let usage = stack.json("reports/latest.json")["cost"]["usage"].clone();
    // Three alarms runs of two metrics for each of two services and two quotas, one call each, and
    // this report.
    let of_report = first["report_metrics"].as_u64().unwrap();
    assert_eq!(usage["runs"], json!(4), "{usage}");
    assert_eq!(usage["metrics"], json!(3 * (4 + 2) + of_report), "{usage}");
    assert_eq!(usage["calls"], json!(4), "{usage}");
}

#[tokio::test]
async fn a_report_is_sent_and_says_so_if_the_number_of_requests_is_unknown() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    stack.aws.add_fault(Fault::on("s3:ListObjectsV2").times(ATTEMPTS).error(403, "AccessDenied", "no"));
    let receipt = stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(receipt["published"], true, "{receipt}");
    let mail = stack.mail(0);
    assert!(mail.contains("The usage of fargaze since the last report is not known."), "{mail}");
    assert_eq!(stack.json("reports/latest.json")["cost"]["usage"], Value::Null);
}

#[tokio::test]
async fn a_weekly_report_is_about_seven_days_by_the_hour() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    stack.set("FARGAZE_REPORT_DAYS", "7");
    let run = stack.plan("report", minute(0)).await["run"].clone();
    assert_eq!(run["window"]["start"], "2026-11-15T10:00:00Z");
    assert_eq!(run["window"]["end"], "2026-11-22T10:00:00Z");
    assert_eq!(run["window"]["period_seconds"], json!(3600), "{run}");
    let alarms = stack.plan("alarms", minute(0)).await["run"].clone();
    assert_eq!(alarms["window"]["period_seconds"], json!(60), "{alarms}");
}

#[tokio::test]
async fn a_report_describes_every_service() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(stack.aws.meter().count("ecs:DescribeServices"), 1);
    let described = stack.json("reports/latest.json")["clusters"][0]["services"].clone();
    assert!(
        described.as_array().unwrap().iter().all(|service| service["tasks"] != Value::Null),
        "{described}"
    );
}
