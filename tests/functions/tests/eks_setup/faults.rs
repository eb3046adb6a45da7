//! Calls that are denied, throttled or lost, and a function that dies between two calls.

use fake_aws::{Crash, Fault};
use function_tests::{ATTEMPTS, sent_back};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_throttled_change_is_tried_again_and_one_that_stays_refused_goes_back_to_the_queue() {
    let stack = stack([payments()]);
    stack.aws.add_fault(Fault::on(CREATE).times(2).throttle());
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(addons(&stack, "payments"), [METRICS_SERVER]);

    let stack = super::stack([payments()]);
    stack.aws.add_fault(Fault::on(CREATE).times(ATTEMPTS).throttle());
    assert_eq!(sent_back(&deliver(&stack, &[created("payments", now())]).await), ["message-0"]);
    assert_eq!(ledger(&stack), [("payments/metrics-server".to_owned(), "planned".to_owned(), false)]);
    deliver_well(&stack, &[created("payments", now())]).await;
    assert_eq!(ledger(&stack), [entry("payments/metrics-server", "planned")]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_denied_is_abandoned_and_told_by_the_message_that_goes_back() {
    let stack = stack([payments()]);
    stack.aws.add_fault(Fault::on(CREATE).error(403, "AccessDeniedException", "not authorized"));
    assert_eq!(sent_back(&deliver(&stack, &[created("payments", now())]).await), ["message-0"]);
    assert_eq!(ledger(&stack), [("payments/metrics-server".to_owned(), "abandoned".to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_on_what_could_not_be_asked() {
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
    stack.put_config("eks: {wishes: [{control-plane-logs: [api]}]}");
    stack.aws.add_fault(Fault::on(CREATE).lose_answer());
    stack.aws.add_fault(Fault::on(UPDATE).lose_answer());
    deliver_well(&stack, &[created("payments", now())]).await;
    let accepted =
        ["control-plane-logs", "metrics-server"].map(|part| entry(&format!("payments/{part}"), "planned"));
    assert_eq!(ledger(&stack), accepted);
    edit(&stack, "payments", |cluster| assert_eq!(cluster.updates.len(), 1));
}

/// Delivers an event, which the queue does again if the function dies, and what the function sends itself, until there is no more.
async fn to_the_end(stack: &Stack, event: Value) {
    let mut messages = vec![event];
    while let Some(message) = messages.pop() {
        loop {
            let answer = tokio::select! {
                biased;
                () = stack.aws.crashed() => None,
                answer = deliver(stack, std::slice::from_ref(&message)) => Some(answer),
            };
            if answer.is_none() {
                stack.aws.revive();
            } else if sent_back(&answer.unwrap()).is_empty() {
                break;
            }
        }
        finish(stack, "payments");
        let sent = stack.aws.take_sent();
        messages.extend(sent.iter().map(|sent| serde_json::from_str::<Value>(&sent.body).unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_every_call_it_comes_to_the_same_end() {
    let time = now();
    let before = || {
        let stack = stack([payments().since("ACTIVE", time)]);
        stack.put_config("eks: {wishes: [{control-plane-logs: [api]}]}");
        stack
    };
    let undisturbed = before();
    to_the_end(&undisturbed, created("payments", time)).await;
    let done =
        ["control-plane-logs", "metrics-server"].map(|part| entry(&format!("payments/{part}"), "done"));
    assert_eq!(ledger(&undisturbed), done);
    let calls = undisturbed.aws.meter().count_all();
    assert!(calls > 20, "{calls}");
    for nth in 1..=calls {
        for (when, crash) in [("before", Crash::before(nth)), ("after", Crash::after(nth))] {
            let stack = before();
            let point = format!("killed {when} call {nth}");
            stack.aws.crash(crash);
            to_the_end(&stack, created("payments", time)).await;
            // An answer that nobody heard leaves no mark that EKS accepted it.
            let ended = ledger(&stack).into_iter().map(|(subject, state, _)| (subject, state));
            let expected = done.iter().map(|(subject, state, _)| (subject.clone(), state.clone()));
            assert_eq!(ended.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{point}");
            assert_eq!(logs(&stack, "payments"), ["api"], "{point}");
            assert_eq!(addons(&stack, "payments"), [METRICS_SERVER], "{point}");
            edit(&stack, "payments", |cluster| assert_eq!(cluster.updates.len(), 1, "{point}"));
        }
    }
}
