//! Killed at every call, before and after it takes effect: the repeated invocation has the same
//! result.
//!
//! Lambda kills a function without notice, and SQS and Step Functions call it again with the same
//! input. So the same work is done once undisturbed, and once with a kill at each of its calls.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_aws::{ClusterSpec, Crash};
use fargaze::reconcile::{Change, ChangeState, Revert};
use function_tests::{Function, Stack, minute, sent_back, sqs_batch};
use serde_json::{Value, json};

use super::{
    CHANGE, UPDATE, account_default, change_log, created, finding, items, level, levels, outcome, result_of,
    results, someone_sets, stack, sweep, with,
};

/// When the caller dies: at which of its calls, and whether that call takes effect.
type Kill = fn(usize) -> Crash;
const KILLS: [(&str, Kill); 2] = [("before", Crash::before), ("after", Crash::after)];

/// Everything that must be the same, however often the caller died.
#[derive(Debug, PartialEq)]
struct End {
    levels: BTreeMap<String, String>,
    account_default: String,
    /// Without the ids of requests whose response was lost.
    change_log: Vec<Change>,
    reverts: Vec<Revert>,
    lives: Vec<Value>,
    /// Completed calls, by subject.
    calls: BTreeMap<String, usize>,
    /// The result: returned messages, or the outcome.
    answer: Value,
}

/// Passes an event batch to the function until nothing is returned to the queue.
async fn deliver(stack: &Stack, events: &[Value]) -> Value {
    super::pass(stack, events);
    let bodies: Vec<String> = events.iter().map(ToString::to_string).collect();
    let answer = call(stack, sqs_batch(&bodies)).await;
    assert_eq!(sent_back(&answer), [""; 0]);
    answer
}

/// Calls the function pass by pass, as the state machine does; returns the outcome.
async fn all_passes(stack: &Stack, item: &Value) -> Value {
    let mut item = item.clone();
    loop {
        let answer = call(stack, item.clone()).await;
        if answer["cursor"].is_null() {
            return stack.json(answer["outcome"]["key"].as_str().unwrap());
        }
        let (before, after) =
            (item["cursor"]["after"]["cluster"].as_str(), answer["cursor"]["after"]["cluster"].as_str());
        assert!(after > before, "no progress after {before:?}");
        item["cursor"] = answer["cursor"].clone();
    }
}

/// Calls the function, and once more with the same input if it dies.
async fn call(stack: &Stack, event: Value) -> Value {
    loop {
        let answer = tokio::select! {
            biased;
            () = stack.aws.crashed() => None,
            answer = stack.invoke(Function::EnableInsights, event.clone()) => Some(answer),
        };
        match answer {
            Some(answer) => return answer.unwrap(),
            None => stack.aws.revive(),
        }
    }
}

/// The result of the work that began after this many calls. `killed` is the call at which the
/// caller died, and when.
fn end(stack: &Stack, answer: Value, start: usize, killed: Option<(usize, &str)>) -> End {
    let mut log = stack.aws.meter().calls;
    if let Some((nth, "before")) = killed {
        log.remove(start + nth - 1);
    }
    let mut calls = BTreeMap::new();
    for call in log[start..]
        .iter()
        .filter(|call| [UPDATE, "ecs:PutAccountSettingDefault"].contains(&call.operation.as_str()))
    {
        *calls.entry(call.subject.clone()).or_default() += 1;
    }
    let mut entries = change_log(stack);
    let ids: Vec<&str> = log.iter().map(|call| call.request_id.as_str()).collect();
    let known = |entry: &&Change| entry.request_id.as_deref().is_some_and(|id| ids.contains(&id));
    let unknown = entries.iter().filter(|entry| !known(entry)).count();
    assert!(unknown <= usize::from(killed.is_some()), "requests without an id: {entries:?}");
    for entry in &mut entries {
        entry.request_id = None;
    }
    End {
        levels: levels(stack),
        account_default: stack.aws.edit(|world| world.home().account_insights().to_owned()),
        change_log: entries,
        reverts: super::super::reverts(stack),
        lives: items(stack, "LIVES#"),
        calls,
        answer,
    }
}

/// Does the work undisturbed, and then with a kill at each of its calls. `before` makes a stack for
/// the work and its input. Returns the end that all had in common.
async fn at_every_call<T>(
    before: impl AsyncFn() -> (Stack, T),
    work: impl AsyncFn(&Stack, &T) -> Value,
) -> End {
    let (stack, about) = before().await;
    let start = stack.aws.meter().count_all();
    let answer = work(&stack, &about).await;
    let (calls, undisturbed) = (stack.aws.meter().log(), end(&stack, answer, start, None));
    for (nth, call) in (1..).zip(&calls[start..]) {
        for (when, kill) in KILLS {
            let (stack, about) = before().await;
            stack.aws.crash(kill(nth));
            let answer = work(&stack, &about).await;
            let point = format!("killed {when} call {nth}, {call}");
            // The fatal call is in the log without a status.
            assert_eq!(stack.aws.meter().calls[start + nth - 1].status, 0, "{point}");
            assert_eq!(end(&stack, answer, start, Some((nth, when))), undisturbed, "{point}");
        }
    }
    undisturbed
}

/// Each change as its subject and state: `shop done`.
fn states(end: &End) -> Vec<String> {
    end.change_log.iter().map(|entry| format!("{} {}", entry.subject, entry.state.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn one_created_cluster() {
    let before = async || (stack(with(&[("shop", "disabled")])), [created("shop", 0)]);
    let end = at_every_call(before, async |stack, events| deliver(stack, events).await).await;
    assert_eq!(states(&end), ["shop done"]);
    assert_eq!((end.levels["shop"].as_str(), end.calls["shop"], end.lives.len()), ("enabled", 1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_created_cluster_and_killed_twice() {
    let work = async |stack: &Stack| deliver(stack, &[created("shop", 0)]).await;
    let undisturbed = stack(with(&[("shop", "disabled")]));
    work(&undisturbed).await;
    let calls = undisturbed.aws.meter().count_all();
    for (first, second) in (1..=calls).flat_map(|first| (1..=calls).map(move |second| (first, second))) {
        let stack = stack(with(&[("shop", "disabled")]));
        super::pass(&stack, &[created("shop", 0)]);
        for crash in [Crash::after(first), Crash::before(second)] {
            stack.aws.crash(crash);
            let event = sqs_batch(&[created("shop", 0).to_string()]);
            tokio::select! {
                biased;
                () = stack.aws.crashed() => stack.aws.revive(),
                // The remaining work may need fewer calls.
                answer = stack.invoke(Function::EnableInsights, event) => drop(answer.unwrap()),
            }
        }
        work(&stack).await;
        let states: Vec<ChangeState> = change_log(&stack).into_iter().map(|entry| entry.state).collect();
        assert_eq!(
            (level(&stack, "shop").as_str(), states),
            ("enabled", vec![ChangeState::Done]),
            "after {first}, then before {second}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn one_cluster_that_was_reverted() {
    let before = async || {
        let stack = stack(with(&[("shop", "disabled")]));
        deliver(&stack, &[created("shop", 0)]).await;
        let event = someone_sets(&stack, "terraform", "shop", "disabled", 10);
        (stack, [event])
    };
    let end = at_every_call(before, async |stack, events| deliver(stack, events).await).await;
    assert_eq!(states(&end), ["shop done", "shop done"]);
    assert_eq!((end.levels["shop"].as_str(), end.calls["shop"], end.reverts.len()), ("enabled", 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_three_clusters() {
    let before = async || {
        let stack = stack(with(&[("a", "disabled"), ("b", "enabled"), ("c", "disabled")]));
        (stack, [created("a", 0), created("b", 1), created("c", 2)])
    };
    let end = at_every_call(before, async |stack, events| deliver(stack, events).await).await;
    assert_eq!(states(&end), ["a done", "c done"]);
    assert_eq!((end.calls.len(), end.lives.len()), (2, 3));
    assert!(end.levels.values().all(|level| level == "enabled"));
}

/// Clusters to set, one only to report, and an account default to set; and the item of a sweep.
async fn to_be_swept(names: &[&str], limits: &str) -> (Stack, Value) {
    let clusters: Vec<(&str, &str)> = names.iter().map(|name| (*name, "disabled")).collect();
    let stack = stack(with(&clusters).cluster(ClusterSpec::new("reported")));
    stack.put_config(&format!(
        "limits: {{max-percent: 100, {limits} existing: change}}\npolicies:\n  - account-default: at-least-enabled\n  \
         - {{match: {{clusters: [reported]}}, container-insights: at-least-enabled, existing: report}}\n"
    ));
    let item = stack.items("sweep", minute(0)).await.remove(0);
    (stack, item)
}

#[tokio::test(start_paused = true)]
async fn a_sweep_of_four_clusters_and_the_account_default() {
    let before = async || to_be_swept(&["a", "b", "c", "d"], "").await;
    let end = at_every_call(before, async |stack, item| all_passes(stack, item).await).await;
    assert_eq!(states(&end), ["account done", "a done", "b done", "c done", "d done"]);
    let set = json!({"set": "enabled"});
    assert_eq!(result_of(account_default(&end.answer)), set);
    let found = results(&end.answer);
    assert!(["a", "b", "c", "d"].iter().all(|name| found[*name] == set), "{found:?}");
    let reported = finding(&end.answer, "reported");
    assert_eq!(reported["news"], true, "what is only reported is still news: {}", end.answer);
    assert_eq!((end.account_default.as_str(), end.calls.values().sum::<usize>()), ("enabled", 5));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_of_several_passes_that_may_change_one_cluster() {
    let before = async || {
        let (stack, item) = to_be_swept(&["a", "b"], "max-changes: 1,").await;
        stack.set_timeout(Duration::from_secs(1));
        (stack, item)
    };
    let end = at_every_call(before, async |stack, item| all_passes(stack, item).await).await;
    assert_eq!(states(&end), ["account done", "a done"]);
    let found = results(&end.answer);
    assert_eq!((&found["a"], &found["b"]), (&json!({"set": "enabled"}), &json!({"waiting": "enabled"})));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_two_clusters_and_the_account_default() {
    let before = async || {
        let stack = stack(with(&[("a", "disabled"), ("b", "disabled"), ("c", "enabled")]));
        stack.put_config(&format!("{CHANGE}\npolicies: [{{account-default: at-least-enabled}}]"));
        let line = sweep(&stack, 0).await;
        assert_eq!(results(&outcome(&stack, &line))["b"], json!({"set": "enabled"}));
        let item = stack.items("rollback", minute(60)).await.remove(0);
        (stack, item)
    };
    let end = at_every_call(before, async |stack, item| all_passes(stack, item).await).await;
    assert_eq!(states(&end), ["account rolled-back", "a rolled-back", "b rolled-back"]);
    let back = json!({"rolled-back": "disabled"});
    assert_eq!(result_of(account_default(&end.answer)), back);
    assert_eq!(
        results(&end.answer),
        [("a", &back), ("b", &back)].map(|(name, to)| (name.to_owned(), to.clone())).into()
    );
    assert_eq!((end.levels["a"].as_str(), end.account_default.as_str()), ("disabled", "disabled"));
    assert!(end.calls.values().all(|&calls| calls == 1), "{:?}", end.calls);
}
