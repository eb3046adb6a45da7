//! Saved queries: started, read, shown, and judged by rules, over the real clients.

use fake_aws::{FakeAws, LogGroupSpec};
use fargaze::logs::query::{QueryFound, QueryResult};
use fargaze::logs::{AskedQueries, TargetQueries};
use function_tests::{Stack, minute};
use jiff::{SignedDuration, Timestamp};

use super::{fixtures, runs, shop};

/// A service that logs to `/ecs/NAME` with the prefix `NAME`.
pub(super) fn service(home: &mut fake_aws::Estate, name: &str) {
    let mut definition = fixtures().into_iter().find(|fixture| fixture.name == "awslogs").unwrap().definition;
    definition["family"] = name.into();
    let options = &mut definition["containerDefinitions"][0]["logConfiguration"]["options"];
    options["awslogs-group"] = format!("/ecs/{name}").into();
    options["awslogs-stream-prefix"] = name.into();
    definition["containerDefinitions"][0]["name"] = "app".into();
    runs(home, definition);
    home.put_log_group(LogGroupSpec::new(&format!("/ecs/{name}")).retention(30).stored(1 << 30));
}

/// Writes a line to the stream of a task of the service, this many seconds after the start.
pub(super) fn writes(home: &mut fake_aws::Estate, name: &str, second: i64, line: &str) {
    let at = minute(0) + SignedDuration::from_secs(second);
    home.write_logs(&format!("/ecs/{name}"), &format!("{name}/app/0a1b2c3d4e5f"), [(at, line)]);
}

/// What the saved queries of the home account's ECS clusters found.
pub(super) fn asked(stack: &Stack, kind: &str, at: Timestamp) -> AskedQueries {
    let run = at.strftime("%Y%m%dT%H%M%SZ");
    let key = format!("logs/{kind}-{run}/123456789012.eu-west-1.1-of-1.queries.json");
    match serde_json::from_value(stack.json(&key)).unwrap() {
        TargetQueries::Asked(asked) => asked,
        TargetQueries::NoRole => panic!("{key}: no role"),
    }
}

pub(super) fn matched(result: &QueryResult) -> u64 {
    match &result.found {
        QueryFound::Answered { matched, .. } => *matched,
        other => panic!("{}: {other:?}", result.name),
    }
}

pub(super) fn count(stack: &Stack, operation: &str) -> usize {
    stack.aws.meter().count(operation)
}

pub(super) const ERRORS: &str = "
logs:
  queries:
    - {name: errors, services: [shop/*], library: errors}
";

/// The thinnest path: a first report learns who writes where, the second asks.
#[tokio::test]
async fn s89_a_saved_query_searches_several_groups_and_is_in_the_report() {
    let mut home = shop();
    for name in ["web", "api"] {
        service(&mut home, name);
    }
    for second in [-600, -590, -580, -60] {
        writes(&mut home, "web", second, "ERROR payment failed");
    }
    writes(&mut home, "api", -300, "java.lang.IllegalStateException: no route");
    writes(&mut home, "api", -300, "all is well");
    // Outside of the hour.
    writes(&mut home, "api", -4000, "ERROR long ago");
    let stack = Stack::start(home).await;
    stack.put_config(ERRORS);
    stack.run_line("report", minute(-20)).await.receipt.unwrap();
    assert!(stack.mail(0).contains("there is no log group to look into"), "{}", stack.mail(0));
    stack.run_line("report", minute(2)).await.receipt.unwrap();
    let asked = asked(&stack, "report", minute(2));
    let [errors] = &asked.results[..] else { panic!("{asked:?}") };
    assert_eq!((matched(errors), errors.groups.len()), (5, 2));
    let QueryFound::Answered { table: Some(table), histogram: Some(histogram), .. } = &errors.found else {
        panic!("{errors:?}")
    };
    assert_eq!(table.rows, [["/ecs/web", "4"], ["/ecs/api", "1"]]);
    assert_eq!(histogram.counts.iter().sum::<f64>(), 5.0);
    assert!(errors.bytes_scanned > 100 && errors.estimated_bytes > 0, "{errors:?}");
    let mail = stack.mail(1);
    for said in [
        "LOG queries errors: 5 events in 2 log groups, in 1 hour until",
        "/ecs/web | 4 /ecs/api | 1",
        "The queries of this report scanned",
    ] {
        assert!(mail.contains(said), "{said} is not in {mail}");
    }
    // Log lines are opt-in.
    assert!(!mail.contains("payment failed"), "{mail}");
    let notification = &stack.notifications()[1];
    assert_eq!(notification["log_queries"][0]["matched"], 5, "{notification}");
}

/// S82, S90: the seed's example: requests that were answered with 404, and no other 404.
#[tokio::test]
async fn s88_the_404_of_the_seed_is_that_of_the_status() {
    let mut home = shop();
    service(&mut home, "web");
    for line in [
        r#"10.0.0.1 - - [01/Dec/2026:10:00:00 +0000] "GET /missing HTTP/1.1" 404 196"#,
        r#"10.0.0.1 - - [01/Dec/2026:10:00:00 +0000] "GET /big HTTP/1.1" 200 404"#,
        r#"10.0.0.1 - - [01/Dec/2026:10:00:00 +0000] "GET /404 HTTP/1.1" 200 45"#,
    ] {
        writes(&mut home, "web", -60, line);
    }
    let stack = Stack::start(home).await;
    stack.put_config(
        "logs: {excerpts: lines, queries: [{name: missing, groups: [/ecs/web], library: http-404}, {name: classes, groups: ['/ecs/w*'], library: http-status}]}",
    );
    stack.run_line("report", minute(2)).await.receipt.unwrap();
    let asked = asked(&stack, "report", minute(2));
    let [missing, classes] = &asked.results[..] else { panic!("{asked:?}") };
    let QueryFound::Answered { table: Some(table), lines, .. } = &missing.found else {
        panic!("{missing:?}")
    };
    assert_eq!(table.rows, [["/missing", "1"]]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].text.contains("GET /missing"), "{lines:?}");
    let QueryFound::Answered { table: Some(table), .. } = &classes.found else { panic!("{classes:?}") };
    assert_eq!(table.rows, [["2xx", "2"], ["4xx", "1"]]);
    assert!(stack.mail(0).contains("GET /missing HTTP/1.1"), "{}", stack.mail(0));
}

/// S92: request volume and error rates by period.
#[tokio::test]
async fn s92_volume_and_error_rates_over_time() {
    let mut home = shop();
    service(&mut home, "web");
    for (second, status) in [(-900, 200), (-890, 200), (-300, 200), (-290, 503), (-280, 503)] {
        writes(&mut home, "web", second, &format!(r#"1.1.1.1 - - [x] "GET / HTTP/1.1" {status} 1"#));
    }
    let stack = Stack::start(home).await;
    stack
        .put_config("logs: {queries: [{name: failing, groups: [/ecs/web], library: http-5xx, window: 30m}]}");
    stack.run_line("report", minute(2)).await.receipt.unwrap();
    let asked = asked(&stack, "report", minute(2));
    let QueryFound::Answered { histogram: Some(histogram), matched, .. } = &asked.results[0].found else {
        panic!("{asked:?}")
    };
    assert_eq!((*matched, histogram.counts.iter().copied().fold(0.0, f64::max)), (2, 2.0));
    assert_eq!((histogram.counts.len(), histogram.bin_seconds), (6, 300));
}

pub(super) const BURST: &str = "
built-in-rules: none
rules:
  - name: error-burst
    what: {log-query: errors}
    threshold: 3
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    treat-missing-data: notBreaching
logs:
  excerpts: lines
  queries:
    - {name: errors, services: [shop/*], library: errors, run-with: [alarms]}
";

/// From lines in a log group to a mail with count, lines and link; and the end of the alarm.
#[tokio::test]
async fn an_error_burst_becomes_an_alarm_mail_with_its_lines() {
    let mut home = shop();
    for name in ["web", "api"] {
        service(&mut home, name);
    }
    for second in 0..8 {
        writes(&mut home, "web", 120 + second, "ERROR login failed password=hunter2 for ann");
    }
    writes(&mut home, "api", 120, "ERROR once");
    let stack = Stack::start(home).await;
    stack.put_config(BURST);
    // Services become known with the first runs; nothing is notified then.
    for at in [-10, -5, 0] {
        stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    assert_eq!(stack.mails().len(), 0, "{:?}", stack.mails());
    let line = stack.run_line("alarms", minute(10)).await;
    line.receipt.unwrap();
    let mail = stack.mail(0);
    for said in [
        "ALARM shop/web: errors 8 in eu-west-1",
        "Rule error-burst.",
        "Newest lines:",
        "ERROR login failed password=[masked] for ann",
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:logs-insights$3FqueryDetail",
        "LOG QUERIES errors:",
    ] {
        assert!(mail.contains(said), "{said} is not in {mail}");
    }
    assert!(!mail.contains("hunter2") && !mail.contains("shop/api"), "{mail}");
    let alarm = &stack.notifications()[0]["alarms"][0];
    assert_eq!(alarm["logs"]["lines"].as_array().unwrap().len(), 3, "{alarm}");
    // Nothing with a secret is stored.
    for object in stack.aws.objects() {
        let bytes = stack.aws.object(Stack::BUCKET, &object.key).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{}", object.key);
    }
    stack.run_line("alarms", minute(25)).await.receipt.unwrap();
    assert!(stack.mail(1).contains("OK shop/web: error-burst ended"), "{}", stack.mail(1));
}

/// The default: a link, and no line anywhere.
#[tokio::test]
async fn without_excerpts_there_is_a_link_and_no_line() {
    let mut home = shop();
    service(&mut home, "web");
    for second in 0..8 {
        writes(&mut home, "web", 120 + second, "ERROR login failed");
    }
    let stack = Stack::start(home).await;
    stack.put_config(&BURST.replace("  excerpts: lines\n", ""));
    for at in [-5, 0, 10] {
        stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    let mail = stack.mail(0);
    assert!(mail.contains("logs-insights$3F") && !mail.contains("login failed"), "{mail}");
    assert_eq!(count(&stack, "logs:GetLogEvents"), 0);
}

/// Rules on log groups, which belong to no service.
#[tokio::test]
async fn a_rule_on_a_log_group_alarms_and_ends_with_the_group() {
    let mut home = shop();
    let group = "/aws/eks/payments/cluster";
    home.put_log_group(LogGroupSpec::new(group));
    let refused = r#"{"responseStatus": {"code": 403}, "user": {"username": "mallory"}, "verb": "get", "objectRef": {"resource": "secrets"}}"#;
    let at = |second| minute(0) + SignedDuration::from_secs(second);
    home.write_logs(group, "kube-apiserver-audit-1", (0..5).map(|second| (at(second), refused)));
    home.write_logs(group, "kube-apiserver-1", [(at(0), "403")]);
    let stack = Stack::start(home).await;
    stack.put_config(
        "
built-in-rules: none
rules:
  - name: forbidden
    what: {log-query: audit}
    threshold: 3
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    treat-missing-data: notBreaching
logs:
  queries:
    - {name: audit, groups: ['/aws/eks/*/cluster'], library: eks-audit-403, run-with: [alarms, report]}
",
    );
    stack.run_line("alarms", minute(8)).await.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(mail.contains(&format!("ALARM log group {group}: audit 5 in eu-west-1")), "{mail}");
    assert_eq!(stack.notifications()[0]["alarms"][0]["log_group"], group);
    assert_eq!(count(&stack, "logs:StartQuery"), 1, "one target queries log groups, not both");
    stack.aws.edit(|world| world.home().remove_log_group(group));
    stack.run_line("alarms", minute(13)).await.receipt.unwrap();
    assert!(stack.mail(1).contains(&format!("NO LONGER EVALUATED log group {group}")), "{}", stack.mail(1));
}

/// A query that fails, times out or never ends keeps no other from its answer, and is stopped.
#[tokio::test(start_paused = true)]
async fn late_and_failed_queries_are_reported_and_stopped() {
    let mut home = shop();
    service(&mut home, "web");
    writes(&mut home, "web", -60, "ERROR once");
    for (part, status, polls) in [
        ("never", "Complete", 10_000),
        ("failing", "Failed", 1),
        ("unknown", "Unknown", 0),
        ("timing", "Timeout", 2),
    ] {
        home.odd_query(part, status, polls);
    }
    let query = |name: &str| {
        format!(
            "    - {{name: {name}, groups: [/ecs/web], text: 'filter @message like \"{name}\" | stats count(*)'}}\n"
        )
    };
    let names = ["never", "failing", "unknown", "timing"];
    let config = format!(
        "logs:\n  queries:\n    - {{name: errors, groups: [/ecs/web], library: errors}}\n{}",
        names.map(query).concat()
    );
    let stack = Stack::in_process(FakeAws::builder(home).published_buckets());
    stack.put_config(&config);
    stack.run_line("report", minute(2)).await.receipt.unwrap();
    let asked = asked(&stack, "report", minute(2));
    assert_eq!(matched(asked.results.iter().find(|result| result.name == "errors").unwrap()), 1);
    let code = |name: &str| {
        let result = asked.results.iter().find(|result| result.name == name).unwrap();
        assert_eq!(result.found, QueryFound::Unanswered, "{name}");
        result.faults[0].fault.code.clone()
    };
    assert_eq!(names.map(code), ["late", "Failed", "Unknown", "Timeout"]);
    assert_eq!((count(&stack, "logs:StopQuery"), stack.aws.meter().throttled()), (1, 0));
    let mail = stack.mail(0);
    assert!(mail.contains("the query had not ended after 60 s and was stopped"), "{mail}");
    assert!(mail.contains("Could not query eu-west-1 (123456789012): logs:GetQueryResults"), "{mail}");
}

/// What has no log group, or none that can be queried, is named and left out.
#[tokio::test]
async fn a_missing_group_is_named_and_fails_no_other() {
    let mut home = shop();
    service(&mut home, "web");
    writes(&mut home, "web", -60, "ERROR once");
    let stack = Stack::start(home).await;
    stack.put_config(
        "logs: {queries: [{name: errors, groups: [/ecs/web, /ecs/gone], library: errors}, {name: none, services: [lab/*], library: errors}]}",
    );
    stack.run_line("report", minute(2)).await.receipt.unwrap();
    assert_eq!(matched(&asked(&stack, "report", minute(2)).results[0]), 1);
    let mail = stack.mail(0);
    assert!(mail.contains("the log group /ecs/gone does not exist"), "{mail}");
    assert!(mail.contains("none: no answer. Could not query: there is no log group to look into"), "{mail}");
}
