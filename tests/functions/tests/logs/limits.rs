//! What queries cost, how often they are asked, and logs that are searched without a saved query.

use std::time::Duration;

use fake_aws::{FakeAws, Fault, LogGroupSpec, StoppedTaskSpec};
use fargaze::logs::query::{QueryFound, StartedQueries};
use function_tests::{Function, Stack, minute};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::queries::{BURST, ERRORS, asked, count, matched, service, writes};
use super::shop;

/// The only query that the alarms run at this minute started: first and last minute.
fn scanned(stack: &Stack, at: i64) -> (i64, i64) {
    let run = minute(at).strftime("%Y%m%dT%H%M%SZ");
    let key = format!("logs/alarms-{run}/123456789012.eu-west-1.1-of-1.started.json");
    let started: StartedQueries = serde_json::from_value(stack.json(&key)).unwrap();
    let [query] = &started.queries[..] else { panic!("{started:?}") };
    let since = |time: jiff::Timestamp| time.duration_since(minute(0)).as_secs() / 60;
    (since(query.query.start), since(query.query.end))
}

/// A rule scans the look-back once, then only what its next periods need; what no run evaluated is
/// scanned again.
#[tokio::test]
async fn a_rule_scans_what_is_not_evaluated_yet() {
    let mut home = shop();
    service(&mut home, "web");
    for second in 0..8 {
        writes(&mut home, "web", 1000 + second, "ERROR login failed");
    }
    let stack = Stack::start(home).await;
    stack.put_config(&BURST.replace("  excerpts: lines\n", ""));
    // The first run learns who writes where.
    for at in [-10, -5, 0] {
        stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    assert_eq!([scanned(&stack, -5), scanned(&stack, 0)], [(-40, -10), (-25, -5)]);
    // The answer is refused twice: nothing is evaluated, and the next run goes back.
    stack.aws.add_fault(Fault::on("logs:StartQuery").times(2).error(400, "AccessDeniedException", "not now"));
    for at in [5, 10, 15] {
        stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    assert_eq!(scanned(&stack, 15), (-20, 10));
    stack.run_line("alarms", minute(25)).await.receipt.unwrap();
    assert_eq!(scanned(&stack, 25), (-5, 20));
    let mails = stack.mails().len();
    assert!(
        (0..mails).any(|mail| stack.mail(mail).contains("ALARM shop/web: errors 8")),
        "{:?}",
        stack.mails()
    );
}

/// One budget for the whole file, counted by what was scanned.
#[tokio::test]
async fn a_budget_refuses_and_says_so() {
    let mut home = shop();
    service(&mut home, "web");
    // 300 GB in 30 days: an hour may scan 0.4 GB, which costs $0.002.
    home.put_log_group(LogGroupSpec::new("/ecs/web").retention(30).stored(300 << 30));
    writes(&mut home, "web", -60, "ERROR once");
    let stack = Stack::start(home).await;
    let config = |dollars: &str| {
        format!(
            "budget: {{month: {dollars} USD}}\nlogs: {{queries: [{{name: errors, groups: [/ecs/web], library: errors}}]}}"
        )
    };
    stack.put_config(&config("0.002"));
    stack.run_line("report", minute(2)).await.receipt.unwrap();
    let refused = asked(&stack, "report", minute(2));
    assert!(matches!(refused.results[0].found, QueryFound::Refused(_)), "{refused:?}");
    assert_eq!(count(&stack, "logs:StartQuery"), 0);
    let mail = stack.mail(0);
    assert!(
        mail.contains(
            "refused: of the budget of $0.00200 a month $0.00000 are spent, and it may cost $0.00208"
        ),
        "{mail}"
    );
    // Enough, and the estimate is replaced by what was scanned.
    stack.put_config(&config("1"));
    stack.run_line("report", minute(22)).await.receipt.unwrap();
    assert_eq!(matched(&asked(&stack, "report", minute(22)).results[0]), 1);
    let spent = stack.remembered().into_iter().find(|item| item["pk"]["S"] == "SPENT").unwrap();
    assert_eq!((spent["sk"]["S"].as_str(), spent["millionths"]["N"].as_str()), (Some("2026-11"), Some("0")));
}

/// Twenty queries over 500 groups stay within the published rates.
#[tokio::test(start_paused = true)]
async fn twenty_queries_over_five_hundred_groups_are_never_throttled() {
    let mut home = shop();
    for number in 0..500 {
        home.put_log_group(LogGroupSpec::new(&format!("/app/{number}")).retention(7));
    }
    let query = |number| format!("    - {{name: q{number}, groups: ['/app/*'], library: errors}}");
    let queries: Vec<String> = (0..20).map(query).collect();
    let stack = Stack::in_process(FakeAws::builder(home).published_buckets());
    stack.put_config(&format!("logs:\n  queries:\n{}", queries.join("\n")));
    stack.run_line("report", minute(2)).await.receipt.unwrap();
    let asked = asked(&stack, "report", minute(2));
    assert_eq!((asked.results.len(), asked.faults.len()), (20, 0), "{:?}", asked.faults.first());
    assert!(asked.results.iter().all(|result| result.groups.len() == 500));
    let meter = stack.aws.meter();
    assert_eq!((meter.count("logs:StartQuery"), meter.throttled()), (200, 0));
    let at = |operation: &str| {
        let of = || meter.calls.iter().filter(|call| call.operation == operation).map(|call| call.at);
        of().max().unwrap().saturating_sub(of().min().unwrap())
    };
    // 200 starts at 9 a second.
    assert!(at("logs:StartQuery") < Duration::from_secs(23), "{:?}", at("logs:StartQuery"));
}

/// The last lines of the task that died, by its own stream.
#[tokio::test]
async fn an_outage_has_the_last_lines_of_the_task_that_died() {
    let mut home = shop();
    service(&mut home, "web");
    let id = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    let at = |second| minute(0) + SignedDuration::from_secs(second);
    home.write_logs(
        "/ecs/web",
        &format!("web/app/{id}"),
        [
            (at(0), "starting"),
            (at(1), "db postgres://app:s3cret@db/shop"),
            (at(2), "KeyError: 'DATABASE_URL'"),
        ],
    );
    home.write_logs("/ecs/web", "web/app/other", [(at(3), "another task")]);
    let stack = Stack::start(home).await;
    stack.put_config("logs: {excerpts: lines}");
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    stack.aws.edit(|world| {
        let web = world.home().service_mut("shop", "web").unwrap();
        (web.desired, web.running) = (1, 0);
        #[expect(clippy::cast_precision_loss, reason = "epoch seconds")]
        let stopped = |second: i64, id: &str| StoppedTaskSpec {
            id: id.to_owned(),
            revision: 1,
            container: "app".to_owned(),
            exit_code: Some(1),
            stopped_at: minute(0).as_second() as f64 + second as f64,
        };
        web.stopped_tasks = vec![stopped(60, id), stopped(5, "ffffffffffffffffffffffffffffffff")];
    });
    for at in [5, 10] {
        stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    let mail = stack.mail(0);
    for said in [
        "shop/web",
        "Last lines of task 0a1b2c3d4e5f60718293a4b5c6d7e8f9 (app, exit code 1):",
        "postgres://app:[masked]@db/shop",
        "KeyError: 'DATABASE_URL'",
        "logs-insights$3F",
    ] {
        assert!(mail.contains(said), "{said} is not in {mail}");
    }
    assert!(!mail.contains("s3cret") && !mail.contains("another task"), "{mail}");
}

/// A retry of any step repeats nothing, and the message says the same.
#[tokio::test]
async fn a_retry_of_a_step_starts_no_second_query() {
    let mut home = shop();
    service(&mut home, "web");
    let stack = Stack::start(home).await;
    stack.put_config("logs: {queries: [{name: errors, groups: [/ecs/web], library: errors}]}");
    let item = stack.items("report", minute(2)).await.remove(0);
    let step = |work: &str| json!({"plan": item["plan"], "target": item["target"], "do": work});
    for _ in 0..2 {
        stack.invoke(Function::CollectLogs, step("start-queries")).await.unwrap();
    }
    assert_eq!(count(&stack, "logs:StartQuery"), 1);
    stack.invoke(Function::CollectMetrics, item.clone()).await.unwrap();
    for _ in 0..2 {
        stack.invoke(Function::CollectLogs, step("read-queries")).await.unwrap();
    }
    assert_eq!(count(&stack, "logs:GetQueryResults"), 1);
    let wrong = stack.invoke(Function::CollectLogs, step("logs-of-alarms")).await.unwrap_err().to_string();
    assert!(wrong.contains("a run of kind report has no such step"), "{wrong}");
}

/// By hand: a filter by time and keyword, and a query, on any target.
#[tokio::test]
async fn logs_are_searched_by_hand() {
    let mut home = shop();
    service(&mut home, "web");
    for (second, line) in [(-3000, "GET /a token=abc"), (-60, "GET /b token=abc"), (-50, "POST /b")] {
        writes(&mut home, "web", second, line);
    }
    home.empty_first_pages();
    let stack = Stack::start(home).await;
    stack.put_config(ERRORS);
    let ask = async |question: Value| stack.invoke(Function::CollectLogs, json!({"logs": question})).await;
    let end = minute(0).to_string();
    let found =
        ask(json!({"groups": ["/ecs/web"], "filter": "GET", "last": "1h", "end": end})).await.unwrap();
    let texts: Vec<&str> =
        found["rows"].as_array().unwrap().iter().map(|row| row["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["GET /a token=[masked]", "GET /b token=[masked]"]);
    let short =
        ask(json!({"groups": ["/ecs/*"], "filter": "\"/b\"", "last": "10m", "end": end})).await.unwrap();
    assert_eq!(short["rows"].as_array().unwrap().len(), 2, "{short}");
    let query = "filter @message like /GET/ | stats count(*) as n";
    let counted =
        ask(json!({"groups": ["/ecs/web"], "query": query, "last": "1h", "end": end})).await.unwrap();
    assert_eq!((&counted["rows"][0]["n"], counted["bytes_scanned"].as_u64() > Some(0)), (&json!("2"), true));
    let saved =
        ask(json!({"groups": ["/ecs/web"], "query": "errors", "last": "1h", "end": end})).await.unwrap();
    assert_eq!(saved["rows"], json!([]), "the saved query");
    for (question, why) in [
        (json!({"groups": ["/nothing"]}), "no log group in eu-west-1 (123456789012) matches /nothing"),
        (json!({"groups": ["/ecs/web"], "query": "nonsense | x"}), "MalformedQueryException"),
        (json!({"groups": ["/ecs/web"], "account": "210987654321"}), "fargaze.yaml has no target"),
        (json!({"groups": ["/ecs/web"], "last": "1h", "start": end}), "say `last` or `start`, not both"),
        (json!({"group": ["/ecs/web"]}), "unknown field `group`"),
    ] {
        let error = ask(question).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

/// What cannot be asked reaches coverage: without the right to start queries, rules on logs cannot
/// be evaluated, and people hear of it.
#[tokio::test]
async fn a_missing_right_is_under_coverage_and_not_an_ok() {
    let mut home = shop().deny("logs:StartQuery");
    service(&mut home, "web");
    let stack = Stack::start(home).await;
    stack.put_config(&BURST.replace("services: [shop/*]", "groups: [/ecs/web]"));
    stack.run_line("alarms", minute(5)).await.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(
        mail.contains("CANNOT READ eu-west-1 (123456789012)") && mail.contains("logs:StartQuery"),
        "{mail}"
    );
}
