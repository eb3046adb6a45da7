//! The alarm engine through the real functions: what is notified, when, in which words, and what is
//! not.

mod blindness;
mod continued;
mod deleted;
mod deployments;
mod discovery;
mod flapping;
mod health;
mod last_good;
mod load_balancers;
mod marking;
mod outages;
mod parts;
mod quotas;
mod races;
mod reminders;
mod rules_without_data;
mod scopes;
mod silence;
mod silent_report;

use fake_aws::{Estate, FakeAws};
use function_tests::{Stack, minute};
use serde_json::{Value, json};

/// Minutes in a day.
const DAY: i64 = 24 * 60;

/// A stack without sockets: hundreds of runs take seconds.
fn stack(home: Estate) -> Stack {
    Stack::in_process(FakeAws::builder(home))
}

/// Plays an alarms run at this minute. Returns its mail on one line, if it sent one.
async fn run(stack: &Stack, at: i64) -> Option<String> {
    let before = stack.mails().len();
    stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    let mails = stack.mails().len();
    assert!(mails <= before + 1, "one run sends one mail at most");
    (mails > before).then(|| stack.mail(before))
}

/// The mail of the run at this minute.
async fn notified(stack: &Stack, at: i64) -> String {
    run(stack, at).await.unwrap_or_else(|| panic!("no mail at minute {at}"))
}

/// Runs that send no mail.
async fn quiet(stack: &Stack, at: impl IntoIterator<Item = i64>) {
    for at in at {
        assert_eq!(run(stack, at).await, None, "at minute {at}");
    }
}

/// The text of the newest mail, as it is sent.
fn newest_text(stack: &Stack) -> String {
    stack.mails().pop().unwrap().message
}

/// All stored alarms: name of the item, state, pending notifications, and the rest.
fn alarms(stack: &Stack) -> Vec<Value> {
    let items = stack.aws.items(Stack::TABLE).into_iter();
    let alarms = items.filter(|item| item["pk"]["S"].as_str().unwrap().starts_with("ALARMS#"));
    let json = |item: &Value, name: &str| -> Value {
        serde_json::from_str(item[name]["S"].as_str().unwrap()).unwrap()
    };
    let alarm = |item: Value| {
        json!({
            "alarm": item["sk"]["S"],
            "state": item["state"]["S"],
            "memory": json(&item, "memory"),
            "pending": json(&item, "pending"),
        })
    };
    alarms.map(alarm).collect()
}

/// The only stored alarm.
fn the_alarm(stack: &Stack) -> Value {
    let mut alarms = alarms(stack);
    assert_eq!(alarms.len(), 1, "{alarms:#?}");
    alarms.remove(0)
}

/// The stored alarm of this name.
fn the_alarm_of(stack: &Stack, name: &str) -> Value {
    let found = alarms(stack).into_iter().find(|alarm| alarm["alarm"] == name);
    found.unwrap_or_else(|| panic!("no alarm {name}"))
}

/// Asserts that the text has all of these parts, in this order.
fn says(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("`{part}` is not there (any more) in:\n{text}")
        };
        rest = after;
    }
}
