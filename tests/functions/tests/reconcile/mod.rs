//! `enable-insights` as a whole: events, its own messages, sweeps and rollbacks, and the state
//! after it is killed.

pub(crate) mod ecs;
mod eks;
mod plans;

use fargaze::reconcile::{Change, Revert};
use function_tests::Stack;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn text(item: &Value, name: &str) -> String {
    item[name]["S"].as_str().unwrap_or_default().to_owned()
}

/// Items of the table whose partition key has this prefix.
fn items(stack: &Stack, partition: &str) -> Vec<Value> {
    let mut items = stack.aws.items(Stack::TABLE);
    items.retain(|item| text(item, "pk").starts_with(partition));
    items
}

/// The change log's attribute of this name, as JSON.
fn logged<T: DeserializeOwned>(stack: &Stack, attribute: &str) -> Vec<T> {
    let items = items(stack, "CHANGES#").into_iter().filter(|item| item.get(attribute).is_some());
    items.map(|item| serde_json::from_str(&text(&item, attribute)).unwrap()).collect()
}

/// All changes of the change log, by subject and aspect, oldest first.
pub(crate) fn change_log(stack: &Stack) -> Vec<Change> {
    let mut changes: Vec<Change> = logged(stack, "change");
    let place =
        |change: &Change| (change.subject.clone(), change.aspect.as_str(), change.made, change.cause.clone());
    changes.sort_by_key(place);
    changes
}

/// Who reverted fargaze's changes, according to the change log.
fn reverts(stack: &Stack) -> Vec<Revert> {
    logged(stack, "revert")
}

/// All findings of a sweep or rollback.
fn findings(outcome: &Value) -> &Vec<Value> {
    outcome["findings"].as_array().unwrap()
}

/// Its result, and the current, new or planned value: `{"set": "enabled"}`.
fn result_of(finding: &Value) -> Value {
    match (&finding["result"], &finding["change"]["to"]) {
        (Value::String(word), Value::String(to)) => json!({ word.as_str(): to }),
        (result, _) => result.clone(),
    }
}
