//! The report says when a service runs without CloudWatch data, and is never "all quiet" then.

use function_tests::{aws_ecs, minute, shop};
use serde_json::json;

use super::{says, stack};

/// The mail of a report at this minute, and its JSON.
async fn report(stack: &function_tests::Stack, at: i64) -> (String, serde_json::Value) {
    stack.run_line("report", minute(at)).await.receipt.unwrap();
    (stack.mail(stack.mails().len() - 1), stack.notifications().pop().unwrap())
}

/// Issue 12, point 4.
#[tokio::test(start_paused = true)]
async fn a_running_service_without_metrics_for_four_hours_is_named_by_the_report() {
    let until = |end: i64| move |at: i64| if at < end { 50.0 } else { f64::NAN };
    let mut estate = shop(until(-240));
    aws_ecs(&mut estate, "shop", "web", "CPUUtilization", until(-240));
    let stack = stack(estate);
    let (mail, json) = report(&stack, 0).await;
    assert!(mail.starts_with("Report: 1 service running without metrics; 1 cluster"), "{mail}");
    says(
        &mail,
        &[
            "1 running without metrics",
            "SERVICES running without metrics",
            "shop/web: 2 running tasks, no data since 2026-11-22 06:05 UTC (3 hours 55 minutes)",
            "shop/web: running without metrics",
        ],
    );
    assert!(!mail.contains("quiet"), "{mail}");
    assert_eq!(json["without_metrics"][0]["service"], "web");
    assert_eq!(json["fleet"]["running_without_metrics"], 1);
    let key = json["link"]["key"].as_str().unwrap();
    let page = String::from_utf8(stack.aws.object(function_tests::Stack::BUCKET, key).unwrap()).unwrap();
    assert!(page.contains("Services running without metrics"));
    let whole = stack.json(&key.replace(".html", ".json"));
    let web = &whole["clusters"][0]["services"][1];
    assert_eq!(
        (&web["service"], &web["without_metrics"]["since"]),
        (&json!("web"), &json!("2026-11-22T06:05:00Z"))
    );
}

/// Issue 12, point 4: a service with metrics, one without running tasks, and a CloudWatch that
/// could not be asked.
#[tokio::test(start_paused = true)]
async fn other_services_are_not_said_to_run_without_metrics() {
    let (mail, json) = report(&stack(shop(|_| 50.0)), 0).await;
    assert!(mail.starts_with("Report: all quiet in 1 cluster"), "{mail}");
    assert_eq!(json["without_metrics"], json!([]));

    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", fake_aws::ServiceSpec::new("idle").desired(0).running(0));
    let (mail, _) = report(&stack(estate), 0).await;
    assert!(!mail.contains("running without metrics"), "{mail}");

    let (mail, _) = report(&stack(shop(|_| 50.0).deny("cloudwatch:GetMetricData")), 0).await;
    assert!(mail.contains("could not ask") && !mail.contains("running without metrics"), "{mail}");
}

/// Issue 12, point 4: the reason why an alarm cannot be evaluated.
#[tokio::test(start_paused = true)]
async fn the_report_distinguishes_no_data_from_could_not_ask() {
    let until = |at: i64| if at < 60 { 50.0 } else { f64::NAN };
    let mut estate = shop(until);
    aws_ecs(&mut estate, "shop", "web", "CPUUtilization", until);
    let silent = stack(estate);
    for at in (0..=120).step_by(5) {
        silent.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    let (mail, json) = report(&silent, 125).await;
    says(
        &mail,
        &["2 alarms cannot be evaluated", "shop/web, rule memory-high: cannot be evaluated: no data for"],
    );
    assert_eq!(json["alarms"][0]["blind_because"], "no-data");
    assert!(!mail.contains("quiet"), "{mail}");
}
