//! Denied, throttled or lost calls, and a function that dies between two calls.

use fake_aws::{Crash, Fault};
use function_tests::{ATTEMPTS, sent_back};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_throttled_change_is_retried_and_one_that_stays_refused_returns_to_the_queue() {
    let stack = stack([payments()]);
    stack.aws.add_fault(Fault::on(CREATE).times(2).throttle());
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);

    let stack = super::stack([payments()]);
    stack.aws.add_fault(Fault::on(CREATE).times(ATTEMPTS).throttle());
    assert_eq!(sent_back(&deliver(&stack, &[created("payments", now())]).await), ["message-0"]);
    assert_eq!(changes(&stack), [("payments/metrics-server".to_owned(), "planned".to_owned(), false)]);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "planned")]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_change_is_abandoned_and_reported_by_the_message_that_returns_to_the_queue() {
    let stack = stack([payments()]);
    stack.aws.add_fault(Fault::on(CREATE).error(403, "AccessDeniedException", "not authorized"));
    assert_eq!(sent_back(&deliver(&stack, &[created("payments", now())]).await), ["message-0"]);
    assert_eq!(changes(&stack), [("payments/metrics-server".to_owned(), "abandoned".to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_on_what_could_not_be_read() {
    for question in ["eks:ListFargateProfiles", "eks:DescribeAddon", "eks:DescribeCluster"] {
        let stack = stack([payments()]);
        stack.aws.add_fault(Fault::on(question).times(ATTEMPTS).throttle());
        let event = [created("payments", now())];
        assert_eq!(sent_back(&deliver(&stack, &event).await), ["message-0"], "{question}");
        assert_eq!(stack.aws.meter().count(CREATE), 0, "{question}");
        deliver_well(&stack, &event).await;
        assert_eq!(addons(&stack, "payments"), [METRICS_SERVER], "{question}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_makes_no_second_change() {
    let stack = stack([payments()]);
    stack.put_config("policies: [{control-plane-logs: [api]}]");
    stack.aws.add_fault(Fault::on(CREATE).lose_answer());
    stack.aws.add_fault(Fault::on(UPDATE).lose_answer());
    deliver_well(&stack, &[created("payments", now())]).await;
    let accepted =
        ["control-plane-logs", "metrics-server"].map(|part| entry(&format!("payments/{part}"), "planned"));
    assert_eq!(changes(&stack), accepted);
    edit(&stack, "payments", |cluster| assert_eq!(cluster.updates.len(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_could_not_be_sent_back_to_the_queue_is_not_forgotten() {
    let refused = || Fault::on("sqs:SendMessage").error(400, "AccessDeniedException", "not authorized");
    let stack = stack([payments()]);
    stack.aws.add_fault(refused());
    assert_eq!(sent_back(&deliver(&stack, &[created("payments", now())]).await), ["message-0"]);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!((stack.aws.meter().count(CREATE), follow(&stack).1), (1, 60));

    let stack = super::stack([payments().since("ACTIVE", minute(-600))]);
    stack.put_config("limits: {existing: change}");
    stack.aws.add_fault(refused());
    let outcome = ran(&stack, "sweep", 0).await;
    assert_eq!(outcome["coverage"]["faults"][0]["fault"]["operation"], "sqs:SendMessage");
    assert_eq!(changes(&stack), [entry("payments/metrics-server", "planned")]);
}

/// Delivers an event, again if the function dies, and the messages that the function sends itself,
/// until there are none left.
async fn to_the_end(stack: &Stack, event: Value) {
    let mut messages = vec![event];
    while let Some(message) = messages.pop() {
        loop {
            let answer = tokio::select! {
                biased;
                () = stack.aws.crashed() => None,
                answer = Box::pin(deliver(stack, std::slice::from_ref(&message))) => Some(answer),
            };
            match answer {
                None => stack.aws.revive(),
                Some(answer) if sent_back(&answer).is_empty() => break,
                Some(_) => {}
            }
        }
        finish(stack, "payments");
        let sent = stack.aws.take_sent();
        messages.extend(sent.iter().map(|sent| serde_json::from_str::<Value>(&sent.body).unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_every_call_it_reaches_the_same_end() {
    let time = now();
    let before = || {
        let stack = stack([payments().since("ACTIVE", time)]);
        stack.put_config("policies: [{control-plane-logs: [api]}]");
        stack
    };
    let undisturbed = before();
    to_the_end(&undisturbed, created("payments", time)).await;
    let done =
        ["control-plane-logs", "metrics-server"].map(|part| entry(&format!("payments/{part}"), "done"));
    assert_eq!(changes(&undisturbed), done);
    let calls = undisturbed.aws.meter().count_all();
    assert!(calls > 20, "{calls}");
    for nth in 1..=calls {
        for (when, crash) in [("before", Crash::before(nth)), ("after", Crash::after(nth))] {
            let stack = before();
            let point = format!("killed {when} call {nth}");
            stack.aws.crash(crash);
            to_the_end(&stack, created("payments", time)).await;
            // After a lost response there is no record that EKS accepted it.
            let ended = changes(&stack).into_iter().map(|(subject, state, _)| (subject, state));
            let expected = done.iter().map(|(subject, state, _)| (subject.clone(), state.clone()));
            assert_eq!(ended.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{point}");
            assert_eq!(logs(&stack, "payments"), ["api"], "{point}");
            assert_eq!(addons(&stack, "payments"), [METRICS_SERVER], "{point}");
            edit(&stack, "payments", |cluster| assert_eq!(cluster.updates.len(), 1, "{point}"));
        }
    }
}

/// The item of a sweep or rollback of the EKS target.
pub(super) async fn item(stack: &Stack, kind: &str, at: i64) -> Value {
    let mut items = Box::pin(stack.items(kind, minute(at))).await;
    items.retain(|item| item["platform"] == "eks");
    items.remove(0)
}

/// Plays all passes of an item, repeating a pass whose function died; returns the outcome.
async fn all_passes(stack: &Stack, mut item: Value) -> Value {
    loop {
        let answer = tokio::select! {
            biased;
            () = stack.aws.crashed() => None,
            answer = Box::pin(stack.invoke(Function::EnableInsights, item.clone())) => Some(answer.unwrap()),
        };
        match answer {
            None => stack.aws.revive(),
            Some(answer) if answer["cursor"].is_null() => {
                return stack.json(answer["outcome"]["key"].as_str().unwrap());
            }
            Some(answer) => item["cursor"] = answer["cursor"].clone(),
        }
    }
}

/// Two clusters; a sweep may change one of them.
async fn to_be_swept() -> (Stack, Value) {
    let old = ["a", "b"].map(|name| cluster(name).since("ACTIVE", minute(-600)));
    let stack = stack(old);
    stack.put_config("limits: {existing: change, max-changes: 1}\npolicies: [{control-plane-logs: [api]}]");
    let item = item(&stack, "sweep", 0).await;
    (stack, item)
}

/// The same after everything was set up.
async fn to_be_rolled_back() -> (Stack, Value) {
    let (stack, _) = to_be_swept().await;
    for at in [0, 60, 120] {
        ran(&stack, "sweep", at).await;
        ["a", "b"].iter().for_each(|name| finish(&stack, name));
    }
    let item = item(&stack, "rollback", 180).await;
    (stack, item)
}

/// What must be the same, however often the function died: change log, findings, and resources.
type End = (Vec<(String, String)>, Vec<Value>, Vec<Vec<String>>);

fn end(stack: &Stack, outcome: &Value) -> End {
    ["a", "b"].iter().for_each(|name| finish(stack, name));
    let states = changes(stack).into_iter().map(|(subject, state, _)| (subject, state)).collect();
    let found = findings(outcome).iter();
    let found =
        found.map(|one| json!([one["subject"], one["aspect"], one["result"], one["change"]])).collect();
    let there = ["a", "b"].iter().flat_map(|name| [addons(stack, name), logs(stack, name)]).collect();
    (states, found, there)
}

/// Plays an item undisturbed, and then with a kill at each of its calls.
async fn at_every_call(before: impl AsyncFn() -> (Stack, Value)) -> End {
    let (stack, item) = Box::pin(before()).await;
    let start = stack.aws.meter().count_all();
    let outcome = all_passes(&stack, item).await;
    let calls = stack.aws.meter().count_all() - start;
    let expected = end(&stack, &outcome);
    for nth in 1..=calls {
        for (when, crash) in [("before", Crash::before(nth)), ("after", Crash::after(nth))] {
            let (stack, item) = Box::pin(before()).await;
            stack.aws.crash(crash);
            let outcome = all_passes(&stack, item).await;
            assert_eq!(end(&stack, &outcome), expected, "killed {when} call {nth} of {calls}");
        }
    }
    expected
}

fn count(found: &[Value], result: &str) -> usize {
    found.iter().filter(|one| one[2] == result).count()
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_is_killed_at_every_call_reaches_the_same_end_and_reports_it() {
    let (states, found, there) = at_every_call(to_be_swept).await;
    assert_eq!((states.len(), count(&found, "set"), count(&found, "waiting")), (2, 2, 2), "{found:?}");
    assert_eq!(there[2..], [vec![] as Vec<String>, vec![]], "one cluster only");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_killed_at_every_call_reaches_the_same_end_and_reports_it() {
    let (states, found, there) = at_every_call(to_be_rolled_back).await;
    assert!(states.iter().all(|(_, state)| state == "rolled-back"), "{states:?}");
    assert_eq!((states.len(), count(&found, "rolled-back")), (4, 4), "{found:?}");
    assert!(there.iter().all(Vec::is_empty), "{there:?}");
}
