//! Every file in `events/` has the result that its ending says: `ok`, `ignored` or `bad`. A new
//! file is tested automatically.

use std::collections::BTreeMap;
use std::fs;

use fake_aws::LogGroupSpec;
use fargaze::events::Received;
use function_tests::{Function, Stack, event_file, events_folder, minute, sent_back, shop, sqs_batch};
use serde_json::json;

/// The files as function, whole name and ending.
fn files() -> Vec<(String, String, String)> {
    let entries = fs::read_dir(events_folder()).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let stem = name.strip_suffix(".json").unwrap_or_else(|| panic!("{name} is no .json file"));
            let parts: Vec<&str> = stem.split('.').collect();
            let [function, _, ending] = parts[..] else {
                panic!("{name} is not named FUNCTION.CASE.ENDING.json")
            };
            (function.to_owned(), stem.to_owned(), ending.to_owned())
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn every_event_file_does_what_its_ending_says() {
    let mut checked = BTreeMap::<(String, String), usize>::new();
    for (function, name, ending) in files() {
        let mut estate = shop(|_| 50.0);
        estate.put_log_group(LogGroupSpec::new("/ecs/web"));
        estate.write_logs("/ecs/web", "web/app/0a1b2c3d4e5f", [(minute(-10), "ERROR GET /checkout")]);
        let stack = Stack::start(estate).await;
        match function.as_str() {
            "collect-logs" => search(&stack, &name, &ending).await,
            "enable-insights" => cluster_event(&stack, &name, &ending).await,
            "keep-events" => task_event(&stack, &name, &ending).await,
            "plan-run" => run_request(&stack, &name, &ending).await,
            other => panic!("{name}: there is no test for events of {other}"),
        }
        *checked.entry((function, ending)).or_default() += 1;
    }
    for (function, ending) in [
        ("collect-logs", "ok"),
        ("collect-logs", "bad"),
        ("enable-insights", "ok"),
        ("enable-insights", "ignored"),
        ("enable-insights", "bad"),
        ("keep-events", "ok"),
        ("keep-events", "ignored"),
        ("keep-events", "bad"),
        ("plan-run", "ok"),
        ("plan-run", "bad"),
    ] {
        assert!(checked.contains_key(&(function.to_owned(), ending.to_owned())), "no {function} *.{ending}");
    }
}

async fn cluster_event(stack: &Stack, name: &str, ending: &str) {
    let body = event_file(name).to_string();
    let received = fargaze::events::read(&body);
    let answer = stack.invoke(Function::EnableInsights, sqs_batch(&[body])).await.unwrap();
    let back = sent_back(&answer);
    match ending {
        "ok" => {
            assert!(
                received.as_ref().is_ok_and(|received| !matches!(received, Received::Ignored(_))),
                "{name}: {received:?}"
            );
            assert_eq!(back, [""; 0], "{name}");
        }
        "ignored" => {
            assert!(matches!(received, Ok(Received::Ignored(_))), "{name}: {received:?}");
            assert_eq!(back, [""; 0], "{name}");
            assert_eq!(stack.aws.meter().count_all(), 0, "{name} makes no call");
        }
        "bad" => {
            assert!(received.is_err(), "{name}: {received:?}");
            assert_eq!(back, ["message-0"], "{name} goes to the dead-letter queue");
            assert_eq!(stack.aws.meter().count_all(), 0, "{name} makes no call");
        }
        other => panic!("{name}: `{other}` is not ok, ignored or bad"),
    }
}

async fn task_event(stack: &Stack, name: &str, ending: &str) {
    let answer =
        stack.invoke(Function::KeepEvents, sqs_batch(&[event_file(name).to_string()])).await.unwrap();
    let back = sent_back(&answer);
    let calls = stack.aws.meter().count_all();
    match ending {
        "ok" => assert!(back.is_empty() && calls > 0, "{name}: {answer}"),
        "ignored" => assert!(back.is_empty() && calls == 0, "{name}: {answer}"),
        "bad" => {
            assert_eq!(back, ["message-0"], "{name} goes to the dead-letter queue");
            assert_eq!(calls, 0, "{name} makes no call");
        }
        other => panic!("{name}: `{other}` is not ok, ignored or bad"),
    }
}

async fn search(stack: &Stack, name: &str, ending: &str) {
    let answer = stack.invoke(Function::CollectLogs, event_file(name)).await;
    match ending {
        "ok" => {
            let found = answer.unwrap_or_else(|failure| panic!("{name}: {failure}"));
            assert_eq!(found["groups"], json!(["/ecs/web"]), "{name}");
            assert_eq!(found["rows"].as_array().unwrap().len(), 1, "{name}: {found}");
        }
        "bad" => {
            let failure = answer.expect_err(name);
            assert_eq!(failure.error_type(), "Invalid", "{name}");
            assert!(
                !stack.aws.meter().calls.iter().any(|call| call.operation.starts_with("logs:")),
                "{name}"
            );
        }
        other => panic!("{name}: a search is ok or bad, not `{other}`"),
    }
}

async fn run_request(stack: &Stack, name: &str, ending: &str) {
    let answer = stack.invoke(Function::PlanRun, event_file(name)).await;
    match ending {
        "ok" => {
            let plan = answer.unwrap_or_else(|failure| panic!("{name}: {failure}"));
            assert_eq!(plan["targets"].as_array().unwrap().len(), 2, "{name}: ECS and EKS");
        }
        "bad" => {
            let failure = answer.expect_err(name);
            assert_eq!(failure.error_type(), "Invalid", "{name}");
            assert!(failure.to_string().contains("the run request is invalid"), "{name}: {failure}");
            assert_eq!(stack.aws.meter().count_all(), 0, "{name} makes no call");
        }
        other => panic!("{name}: a run request is ok or bad, not `{other}`"),
    }
}
