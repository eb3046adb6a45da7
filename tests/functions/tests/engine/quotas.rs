//! The vCPU quotas of an account on Fargate.

use fake_aws::{Estate, SeriesKey};
use function_tests::{minute, put_minutes, shop};

use super::{notified, quiet, says, stack};

fn dimensions(class: &'static str) -> [(&'static str, &'static str); 4] {
    [("Service", "Fargate"), ("Type", "Resource"), ("Resource", "vCPU"), ("Class", class)]
}

/// An account that uses this many vCPUs on demand, and 5 of Spot, of a quota of 1,000 each.
fn using(vcpus: impl Fn(i64) -> f64) -> Estate {
    let mut estate = shop(|_| 50.0);
    put_minutes(&mut estate, "AWS/Usage", "ResourceCount", &dimensions("Standard/OnDemand"), vcpus);
    put_minutes(&mut estate, "AWS/Usage", "ResourceCount", &dimensions("Standard/Spot"), |_| 5.0);
    for class in ["Standard/OnDemand", "Standard/Spot"] {
        estate.put_quota(SeriesKey::new("AWS/Usage", "ResourceCount", &dimensions(class)), 1000.0);
    }
    estate
}

/// Issue 19: headroom of the vCPU quota, with a rule at 80 %.
#[tokio::test(start_paused = true)]
async fn a_quota_that_is_nearly_used_up_is_notified_once_for_the_account() {
    let stack = stack(using(|at| if (0..60).contains(&at) { 850.0 } else { 100.0 }));
    quiet(&stack, [0]).await;
    let mail = notified(&stack, 5).await;
    says(&mail, &["account: Fargate vCPU quota used 85 % in eu-west-1", "Rule vcpu-quota."]);
    assert!(!mail.contains("spot-vcpu-quota"), "{mail}");
    let text = super::newest_text(&stack);
    assert!(text.contains("/servicequotas/home/services/fargate/quotas"), "{text}");
    quiet(&stack, [10, 60, 65]).await;
    assert!(notified(&stack, 75).await.contains("vcpu-quota ended"));
}

/// An account without a quota in Service Quotas, or that uses nothing, has no percentage.
#[tokio::test(start_paused = true)]
async fn without_a_quota_there_is_no_percentage() {
    let stack = stack(shop(|_| 50.0));
    quiet(&stack, [0, 5, 60]).await;
    stack.run_line("report", minute(65)).await.receipt.unwrap();
    let report = stack.json("reports/latest.json");
    assert_eq!(report["quotas"], serde_json::Value::Null);
}

#[tokio::test(start_paused = true)]
async fn the_report_shows_how_much_is_used() {
    let stack = stack(using(|_| 850.0));
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let report = stack.json("reports/latest.json");
    let quota = &report["quotas"][0];
    assert_eq!((quota["class"].as_str(), quota["percent"].as_f64()), (Some("Standard/OnDemand"), Some(85.0)));
    let mail = stack.mail(0);
    let mail: Vec<&str> = mail.split_whitespace().collect();
    assert!(mail.join(" ").contains("Fargate vCPU quota in eu-west-1: 85 % used"), "{mail:?}");
}
