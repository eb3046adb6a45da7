//! Rules that cannot fire: they have no data anywhere, or match nothing.

use fake_aws::{ClusterSpec, ServiceSpec};
use function_tests::{Stack, minute, put_span, shop};
use serde_json::{Value, json};

use super::{DAY, notified, quiet, run, says, stack};

/// A rule on a metric of the user.
fn custom(metric: &str, more: &str) -> String {
    format!(
        "rules:\n  - name: jobs-old\n    what: {{namespace: Shop, metric: {metric}, dimensions: {{Queue: jobs}}, unit: \
         seconds}}\n    scope: cluster\n    threshold: 60 s\n    comparison: GreaterThanThreshold\n    \
         evaluation-periods: 3\n{more}"
    )
}

/// The cluster `shop` with the metric `Shop Age` of the queue `jobs`, over five days.
fn with_age(value: impl Fn(i64) -> f64) -> Stack {
    let mut estate = shop(|_| 50.0);
    put_span(&mut estate, "Shop", "Age", &[("Queue", "jobs")], -DAY..4 * DAY, value);
    stack(estate)
}

/// The stored problems of rules.
fn problems(stack: &Stack) -> Vec<Value> {
    let items = stack.aws.items(Stack::TABLE).into_iter();
    let open = items.filter(|item| item["pk"]["S"] == "RULES" && item["state"]["S"] != "ok");
    open.map(|item| json!([item["sk"]["S"], item["notified"]["S"]])).collect()
}

/// Issue 12, point 8.
#[tokio::test(start_paused = true)]
async fn a_misspelled_metric_is_notified_once_after_a_day_and_reported_at_once() {
    let stack = with_age(|_| 5.0);
    stack.put_rules(&custom("Agee", ""));
    quiet(&stack, [0, 5, 60, 12 * 60, DAY - 5]).await;
    assert_eq!(problems(&stack), [json!(["jobs-old", "no"])]);
    let mail = notified(&stack, DAY).await;
    assert!(mail.starts_with("CHECK RULE jobs-old: it has no data |"), "{mail}");
    says(
        &mail,
        &[
            "RULES WITHOUT DATA",
            "Rule jobs-old has had no data for",
            "in eu-west-1 (123456789012)",
            "Average of Shop Agee {Queue=jobs}",
            "Check the spelling of namespace, metric and dimensions.",
            "aws cloudwatch list-metrics --region eu-west-1 --namespace Shop",
        ],
    );
    quiet(&stack, [DAY + 5, DAY + 60, 2 * DAY, 3 * DAY]).await;
    assert_eq!(problems(&stack), [json!(["jobs-old", "yes"])]);
    // The name is corrected, and misspelled in another way a day later.
    stack.put_rules(&custom("Age", ""));
    quiet(&stack, [3 * DAY + 5]).await;
    assert_eq!(problems(&stack), [json!(null); 0]);
}

/// Issue 12, point 8: a dimension or a namespace that does not exist is the same fault as a
/// misspelled name.
#[tokio::test(start_paused = true)]
async fn another_misspelling_is_another_rule() {
    let stack = with_age(|_| 5.0);
    stack.put_rules(&custom("Agee", ""));
    quiet(&stack, [0]).await;
    notified(&stack, DAY).await;
    stack.put_rules(&custom("Age", "").replace("Queue: jobs", "Queue: jobss"));
    quiet(&stack, [DAY + 5, 2 * DAY]).await;
    says(&notified(&stack, 2 * DAY + 5).await, &["Shop Age {Queue=jobss}"]);
    quiet(&stack, [2 * DAY + 10]).await;
}

/// Issue 12, point 8: a nightly job publishes once a day, and an error count only when there are
/// errors.
#[tokio::test(start_paused = true)]
async fn what_is_sparse_or_expected_to_be_missing_is_not_notified() {
    // Half an hour of points a day.
    let nightly = with_age(|at| if at.rem_euclid(DAY) >= DAY - 30 { 5.0 } else { f64::NAN });
    nightly.put_rules(&custom("Age", ""));
    quiet(&nightly, (0..=3 * DAY).step_by(4 * 60)).await;
    let errors = stack(shop(|_| 50.0));
    for more in ["notBreaching", "breaching"] {
        errors.put_rules(&custom("Errors", &format!("    treat-missing-data: {more}\n")));
        for at in [0, DAY, 2 * DAY] {
            let mail = run(&errors, at).await.unwrap_or_default();
            assert!(!mail.contains("RULES WITHOUT DATA"), "{mail}");
        }
    }
}

/// Issue 12, point 8.
#[tokio::test(start_paused = true)]
async fn a_healthy_rule_and_a_service_scaled_to_zero_are_no_rules_without_data() {
    let healthy = with_age(|_| 5.0);
    healthy.put_rules(&custom("Age", ""));
    quiet(&healthy, [0, 60, DAY, DAY + 60, 2 * DAY]).await;
    assert!(
        healthy.aws.items(Stack::TABLE).iter().all(|item| item["pk"]["S"] != "RULES"),
        "nothing is written"
    );

    let mut estate = function_tests::estate();
    estate.put_cluster(ClusterSpec::new("shop"));
    estate.put_service("shop", ServiceSpec::new("web").desired(0).running(0));
    let idle = stack(estate);
    quiet(&idle, [0, 60, DAY, DAY + 60, 2 * DAY]).await;
    assert_eq!(problems(&idle), [json!(null); 0]);
    // With a user's rule on a metric of the service, next to the one that queries ECS for its
    // tasks.
    let own = custom("Age", "")
        .replace("scope: cluster", "scope: service")
        .replace("Queue: jobs", "Queue: '{service}'");
    let nothing_running = "  - {name: down, what: nothing-running, threshold: 0, comparison: GreaterThanThreshold, evaluation-periods: 1}\n";
    idle.put_rules(&(own + nothing_running));
    quiet(&idle, [2 * DAY + 5, 3 * DAY, 3 * DAY + 60]).await;
    assert_eq!(problems(&idle), [json!(null); 0]);
}

/// Issue 12, point 8: a selection that matches no subject, by cluster, service and tag, and a level
/// that no cluster has.
#[tokio::test(start_paused = true)]
async fn a_rule_that_applies_to_nothing_is_notified_once() {
    let rule = |what: &str, selection: &str| {
        format!(
            "rules:\n  - {{name: odd, what: {what}, threshold: 80 %, comparison: GreaterThanThreshold, \
             evaluation-periods: 3, {selection}}}\n"
        )
    };
    for (what, selection, words) in [
        ("memory-percent", "clusters: [shopp]", "no existing resource fits its selection"),
        ("memory-percent", "services: [wbe]", "no existing resource fits its selection"),
        ("memory-percent", "tags: {team: web}", "no existing resource fits its selection"),
        ("cpu-percent-of-reservation", "clusters: ['*']", "has Container Insights at the level enabled"),
    ] {
        let stack = stack(shop(|_| 50.0));
        stack.put_rules(&rule(what, selection));
        quiet(&stack, [0, 60, DAY - 5]).await;
        let mail = notified(&stack, DAY).await;
        assert!(mail.starts_with("CHECK RULE odd: it matches nothing |"), "{mail}");
        says(&mail, &["RULES THAT MATCH NOTHING", "Rule odd has matched nothing for", words]);
        quiet(&stack, [DAY + 5, 2 * DAY, 3 * DAY]).await;
    }
}

/// Issue 12, point 8: a failed query is not missing data, and an unread listing is not an empty
/// one.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_asked_is_no_rule_without_data() {
    for operation in ["cloudwatch:GetMetricData", "ecs:ListClusters"] {
        let stack = stack(shop(|_| 50.0).deny(operation));
        stack.put_rules(&(custom("Agee", "") + "    clusters: [shop]\n"));
        for at in [0, DAY, 2 * DAY] {
            let mail = run(&stack, at).await.unwrap_or_default();
            assert!(!mail.contains("jobs-old has") && !mail.contains("matches nothing"), "{mail}");
        }
        assert_eq!(problems(&stack), [json!(null); 0], "{operation}");
    }
}

/// Issue 12, point 8: after SNS accepted the message nothing fails; the mark is written then, and
/// not before.
#[tokio::test(start_paused = true)]
async fn a_rule_without_data_is_marked_after_the_message_is_published() {
    let stack = with_age(|_| 5.0);
    stack.put_rules(&custom("Agee", ""));
    quiet(&stack, [0]).await;
    let home = stack.aws.edit(|world| {
        let before = world.home().clone();
        *world.home() = before.clone().deny("sns:Publish");
        before
    });
    stack.run_line("alarms", minute(DAY)).await.receipt.unwrap_err();
    assert_eq!(problems(&stack), [json!(["jobs-old", "no"])]);
    stack.aws.edit(|world| *world.home() = home.deny("dynamodb:PutItem"));
    let line = stack.run_line("alarms", minute(DAY + 5)).await;
    assert_eq!(line.receipt.unwrap()["published"], true);
    assert_eq!(problems(&stack), [json!(["jobs-old", "no"])], "the mark could not be written");
}

/// Issue 12, point 8: the report lists the rule at once, whether or not it was notified.
#[tokio::test(start_paused = true)]
async fn the_report_lists_rules_without_data() {
    let stack = with_age(|_| 5.0);
    stack.put_rules(&custom("Agee", ""));
    quiet(&stack, [0]).await;
    stack.run_line("report", minute(5)).await.receipt.unwrap();
    let mail = stack.mail(stack.mails().len() - 1);
    assert!(mail.starts_with("Report: 1 rule without data;"), "{mail}");
    says(
        &mail,
        &["RULES without data or matches", "Rule jobs-old has had no data for", "Shop Agee {Queue=jobs}"],
    );
    let json = stack.notifications().pop().unwrap();
    assert_eq!(
        (&json["rules"][0]["rule"], &json["rules"][0]["problem"]["is"]),
        (&json!("jobs-old"), &json!("no-data"))
    );
}
