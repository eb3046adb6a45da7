//! Why tasks died: events kept in any order, judged, and told in the message about the service.

use fake_aws::{Estate, Fault, ServiceSpec, StoppedTaskSpec};
use function_tests::{ATTEMPTS, Function, Stack, event_file, minute, sent_back, shop, sqs_batch};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// An event like that of a file, about another task, so many minutes after the start of the test.
fn event(file: &str, task: i64, at: i64) -> Value {
    let mut event = event_file(&format!("keep-events.{file}.ok"));
    let id = format!("{task:032x}");
    let stopped = minute(at);
    let stamp = |before: i64| (stopped - SignedDuration::from_secs(before)).to_string();
    event["time"] = json!(stamp(0));
    let detail = event["detail"].as_object_mut().unwrap();
    for (key, before) in [("startedAt", 60), ("stoppingAt", 5), ("stoppedAt", 0), ("executionStoppedAt", 0)] {
        if detail.contains_key(key) {
            detail.insert(key.to_owned(), json!(stamp(before)));
        }
    }
    for key in ["createdAt", "updatedAt"] {
        if event["detail-type"] != "ECS Task State Change" && event["detail"].get(key).is_some() {
            event["detail"][key] = json!(stamp(0));
        }
    }
    if event["detail"].get("taskArn").is_some() {
        event["detail"]["taskArn"] = json!(format!("arn:aws:ecs:eu-west-1:123456789012:task/shop/{id}"));
    }
    event
}

/// What Lambda passes for these events, each sent a second after it happened.
fn batch(events: &[Value]) -> Value {
    let bodies: Vec<String> = events.iter().map(Value::to_string).collect();
    let mut batch = sqs_batch(&bodies);
    for (record, event) in batch["Records"].as_array_mut().unwrap().iter_mut().zip(events) {
        let time: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
        record["attributes"]["SentTimestamp"] = json!((time.as_millisecond() + 1000).to_string());
    }
    batch
}

async fn keep(stack: &Stack, events: &[Value]) {
    let answer = stack.invoke(Function::KeepEvents, batch(events)).await.unwrap();
    assert_eq!(sent_back(&answer), [""; 0]);
}

/// An event long before, so that events count as arriving.
async fn arriving(stack: &Stack) {
    keep(stack, &[event("task-scaled-in", 999, -60 * 30)]).await;
}

async fn mails(stack: &Stack, at: i64) -> usize {
    stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    stack.mails().len()
}

fn healthy() -> Estate {
    shop(|_| 50.0)
}

#[tokio::test]
async fn a_container_out_of_memory_is_named_with_its_exit_code_and_a_command() {
    let stack = Stack::start(healthy()).await;
    arriving(&stack).await;
    assert_eq!(mails(&stack, 0).await, 0, "nothing died");
    keep(&stack, &[event("task-out-of-memory", 1, 1), event("task-out-of-memory", 2, 2)]).await;
    assert_eq!(mails(&stack, 5).await, 1);
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/web: 2 tasks died"), "{mail}");
    for words in [
        "2 tasks died since 10:06 UTC: out of memory (OOM).",
        "task 00000000000000000000000000000002, container web, exit code 137, web:7, deployment ecs-svc/7120934857203948571",
        "(sha256:9f86d081884c)",
        "Reason: OutOfMemoryError: Container killed due to memory usage.",
        "Inspect: aws ecs describe-tasks --region eu-west-1 --cluster shop --tasks 00000000000000000000000000000002",
    ] {
        assert!(mail.contains(words), "{words}: {mail}");
    }
    let alarm = &stack.notifications()[0]["alarms"][0];
    assert_eq!((&alarm["deaths"][0]["class"], &alarm["deaths"][0]["count"]), (&json!("OOM"), &json!(2)));
    assert_eq!(mails(&stack, 10).await, 1, "it is notified once");
}

#[tokio::test]
async fn an_outage_is_one_entry_with_its_cause_and_what_it_hides() {
    let mut estate = healthy();
    estate.put_service("shop", ServiceSpec::new("web").desired(2).running(0));
    for name in ["MemoryUtilization", "CPUUtilization"] {
        function_tests::put_span(
            &mut estate,
            "AWS/ECS",
            name,
            &[("ClusterName", "shop"), ("ServiceName", "web")],
            -1500..-10,
            |_| 20.0,
        );
    }
    let stack = Stack::start(estate).await;
    arriving(&stack).await;
    let pulls: Vec<Value> = (1..=4).map(|task| event("task-image-not-found", task, -9 + task)).collect();
    keep(&stack, &pulls).await;
    assert_eq!(mails(&stack, 0).await, 1);
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/web: 2 tasks missing"), "{mail}");
    assert!(mail.contains("4 tasks died since 09:57 UTC: image not found (PULL_NOTFOUND)."), "{mail}");
    assert!(mail.contains("Part of this, and not notified on their own: tasks-cannot-start"), "{mail}");
    assert_eq!(mail.matches("Rule ").count(), 1, "one entry: {mail}");
    assert!(mail.contains("A lifecycle policy may have deleted it"), "{mail}");
}

#[tokio::test]
async fn tasks_that_fail_their_health_check_are_notified_when_it_repeats() {
    let stack = Stack::start(healthy()).await;
    arriving(&stack).await;
    keep(&stack, &[event("task-unhealthy", 1, -3), event("task-unhealthy", 2, 0)]).await;
    assert_eq!(mails(&stack, 5).await, 0, "twice in half an hour heals by itself");
    keep(&stack, &[event("task-unhealthy", 3, 6)]).await;
    assert_eq!(mails(&stack, 10).await, 1);
    let mail = stack.mail(0);
    assert!(mail.contains("3 tasks died since 10:02 UTC: failed the load balancer's health check"), "{mail}");
    assert!(mail.contains("Rule tasks-unhealthy."), "{mail}");
}

#[tokio::test]
async fn what_is_intended_or_normal_is_silent() {
    for events in [
        vec![event("spot-warning", 1, 1), event("spot-interruption", 1, 3)],
        vec![
            event("deployment-in-progress", 0, 0),
            event("task-scaled-in", 1, 2),
            event("task-scaled-in", 2, 2),
        ],
        vec![event("task-scaled-in", 1, 1)],
        (1..9).map(|task| event("task-without-service", task, task % 4)).collect(),
    ] {
        let stack = Stack::start(healthy()).await;
        arriving(&stack).await;
        keep(&stack, &events).await;
        assert_eq!(mails(&stack, 5).await, 0, "{events:?}");
    }
}

#[tokio::test]
async fn order_repetition_and_batches_do_not_matter() {
    let events: Vec<Value> = (1..=6).map(|task| event("task-out-of-memory", task, task)).collect();
    let mut told = Vec::new();
    for reordered in [false, true] {
        let stack = Stack::start(healthy()).await;
        arriving(&stack).await;
        if reordered {
            for event in events.iter().rev().chain(&events) {
                keep(&stack, std::slice::from_ref(event)).await;
            }
        } else {
            keep(&stack, &events).await;
        }
        mails(&stack, 10).await;
        told.push(stack.mail(0));
    }
    assert!(told[0].contains("6 tasks died"), "{}", told[0]);
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_bad_event_goes_back_and_delays_no_other() {
    let stack = Stack::start(healthy()).await;
    let bad = event_file("keep-events.bad-time.bad");
    let events = [event("task-out-of-memory", 1, 1), bad, event("task-out-of-memory", 2, 2)];
    let answer = stack.invoke(Function::KeepEvents, batch(&events)).await.unwrap();
    assert_eq!(sent_back(&answer), ["message-1"]);
    assert_eq!(mails(&stack, 5).await, 1, "the others are kept");
}

#[tokio::test]
async fn events_that_cannot_be_stored_go_back() {
    let stack = Stack::start(healthy()).await;
    stack.aws.add_fault(Fault::on("dynamodb:PutItem").times(ATTEMPTS).throttle());
    let events = [event("task-out-of-memory", 1, 1), event("task-out-of-memory", 2, 2)];
    let answer = stack.invoke(Function::KeepEvents, batch(&events)).await.unwrap();
    assert_eq!(sent_back(&answer), ["message-0", "message-1"]);
    let answer = stack.invoke(Function::KeepEvents, batch(&events)).await.unwrap();
    assert_eq!(sent_back(&answer), [""; 0]);
}

#[tokio::test]
async fn without_events_ecs_says_what_it_still_knows() {
    let mut estate = healthy();
    let stopped = |number: i64| StoppedTaskSpec {
        id: format!("{number:032x}"),
        revision: 7,
        container: "app".to_owned(),
        exit_code: Some(3),
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        stopped_at: minute(-number).as_second() as f64,
    };
    let mut web = ServiceSpec::new("web").desired(2).running(0);
    web.stopped_tasks = vec![stopped(2), stopped(4)];
    estate.put_service("shop", web);
    for name in ["MemoryUtilization", "CPUUtilization"] {
        let dimensions = [("ClusterName", "shop"), ("ServiceName", "web")];
        function_tests::put_span(&mut estate, "AWS/ECS", name, &dimensions, -1500..-10, |_| 20.0);
    }
    let stack = Stack::start(estate).await;
    assert_eq!(mails(&stack, 0).await, 1);
    let mail = stack.mail(0);
    assert!(mail.contains("2 tasks died since 10:01 UTC: ended with an error (EXIT_APP)."), "{mail}");
    assert!(mail.contains("container app, exit code 3"), "{mail}");
    assert_eq!(stack.aws.meter().count("ecs:DescribeTasks"), 1);
}

#[tokio::test]
async fn the_report_lists_deaths_retirements_and_what_is_not_known() {
    let stack = Stack::start(healthy()).await;
    keep(&stack, &[event("task-out-of-memory", 1, -20), event("task-scaled-in", 2, -20)]).await;
    keep(&stack, &[event_file("keep-events.retirement.ok")]).await;
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let mail = stack.mail(0);
    for words in [
        "STOPPED tasks",
        "shop/web: 1 task, out of memory (OOM), container web with exit code 137, at 2026-11-22 09:45 UTC.",
        "AWS replaces the tasks of shop/web from 2026-11-29 09:00 UTC on",
        "Other tasks that stopped: 1 scaled in.",
        "Events of eu-west-1 (123456789012) are kept since",
    ] {
        assert!(mail.contains(words), "{words}: {mail}");
    }
}

#[tokio::test]
async fn placements_that_fail_are_notified_with_their_cause() {
    let stack = Stack::start(healthy()).await;
    arriving(&stack).await;
    let events: Vec<Value> = (0..3).map(|at| event("placement-failure", 0, at)).collect();
    keep(&stack, &events).await;
    assert_eq!(mails(&stack, 5).await, 1);
    let mail = stack.mail(0);
    assert!(mail.starts_with("ALARM shop/web: 3 placements failed"), "{mail}");
    assert!(mail.contains("no capacity (CAPACITY)") && mail.contains("RESOURCE:FARGATE"), "{mail}");
}
