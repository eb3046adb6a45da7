//! Every message is within the limits of SNS, whatever its input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn message(subject: &str, body: &str, json: &Value) -> Message {
    Message::new(subject, body, json, BTreeMap::new())
}

fn list(n: usize, prefix: &str) -> Attribute {
    (0..n).rev().map(|i| format!("{prefix}{i:04}")).collect()
}

#[test]
fn t16_a_long_subject_is_shortened_and_foreign_characters_replaced() {
    let message = message(&format!("ALARM \u{1f525} größe\n{}", "x".repeat(200)), "", &json!({}));
    assert!(message.subject.starts_with("ALARM ? gr??e xxx") && message.subject.ends_with("..."));
    assert_eq!(message.subject.len(), MAX_SUBJECT);
}

#[test]
fn a_body_over_the_limit_is_cut_at_a_line_end_with_a_note() {
    let body = "a line with ü\n".repeat(20_000);
    let cut = message("s", &body, &json!({})).body;
    assert!(cut.len() <= MAX_BODY && cut.contains("more lines, omitted"), "{}", cut.len());
    let kept = cut.lines().take_while(|line| *line == "a line with ü").count();
    assert!(cut.contains(&format!("... and {} more lines", 20_000 - kept)) && kept > 5_000, "{kept}");
}

/// Issue 12, point 14.
#[test]
fn a_line_is_folded_by_bytes_and_a_link_is_never_broken() {
    let name = "é".repeat(1_000);
    let body = message("s", &format!("ALARM\n  {name} is high, since {name}\nend\n"), &json!({})).body;
    assert!(body.lines().all(|line| line.len() <= 998), "{body}");
    assert!(body.starts_with("ALARM\n  é") && body.ends_with("\nend\n"), "{body}");
    assert_eq!(body.matches('é').count(), 2_000);

    let link = |bytes: usize| format!("https://eu-west-1.console.aws.amazon.com/{}", "x".repeat(bytes - 41));
    for (bytes, is_kept) in [(78, true), (900, true), (994, true), (995, false), (5_000, false)] {
        let body = message("s", &format!("ALARM\n    {}\nend\n", link(bytes)), &json!({})).body;
        assert_eq!(body.contains(&link(bytes)), is_kept, "{bytes}: {body}");
        let note = format!("(a link of {bytes} bytes was left out because it is too long for an email)");
        assert_eq!(body.contains(&note), !is_kept, "{bytes}: {body}");
        assert_eq!(body.lines().count(), 3, "{body}");
    }
}

#[test]
fn long_lists_of_the_json_are_shortened_and_counted() {
    let alarms: Vec<Value> =
        (0..5_000).map(|i| json!({ "id": i, "rule": "memory-high", "why": "\"" })).collect();
    let whole = json!({ "kind": "alarms", "alarms": alarms, "lost": ["a"], "coverage": { "clusters": 3 } });
    let message = message("ALARM", "", &whole);
    assert!(message.json.len() <= MAX_JSON && message.json.len() > MAX_JSON / 2, "{}", message.json.len());
    let read: Value = serde_json::from_str(&message.json).unwrap();
    let kept = read["alarms"].as_array().unwrap();
    assert_eq!(read["more"]["alarms"], 5_000 - kept.len());
    assert_eq!((&kept[0], &read["lost"]), (&whole["alarms"][0], &whole["lost"]));
    assert_eq!((&read["kind"], &read["subject"]), (&json!("alarms"), &json!("ALARM")));
}

#[test]
fn however_long_a_list_is_the_json_is_filled_to_the_limit() {
    let json = message("s", "", &json!({ "ids": (0..2_000_000).collect::<Vec<_>>() })).json;
    assert!((MAX_JSON / 2..=MAX_JSON).contains(&json.len()), "{}", json.len());
}

#[test]
fn a_long_member_that_is_not_a_list_is_left_out_by_name() {
    let read: Value =
        serde_json::from_str(&message("s", "", &json!({ "run": "r", "text": "x".repeat(MAX_JSON) })).json)
            .unwrap();
    assert_eq!(read, json!({ "run": "r", "subject": "s", "left_out": ["text"] }));
}

#[test]
fn attributes_are_sorted_and_limited() {
    let attributes = BTreeMap::from([
        ("kind".to_owned(), "alarms".into()),
        ("empty".to_owned(), Attribute::List(vec!["\u{200b}".to_owned()])),
        ("region".to_owned(), ["b", "a", "b"].map(ToOwned::to_owned).into_iter().collect()),
        ("cluster".to_owned(), list(2_000, "cluster-")),
    ]);
    let kept = Message::new("s", "", &json!({}), attributes).attributes;
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["cluster", "kind", "region"]);
    assert_eq!((kept["kind"].data_type(), kept["kind"].value().as_str()), ("String", "alarms"));
    assert_eq!(
        (kept["region"].data_type(), kept["region"].value().as_str()),
        ("String.Array", r#"["a","b"]"#)
    );
    let Attribute::List(clusters) = &kept["cluster"] else { panic!() };
    assert!(clusters.len() > 50 && clusters.last().unwrap() == "*" && clusters[0] == "cluster-0000");
    assert!(kept.values().map(|value| value.value().len()).sum::<usize>() < 4096);
}

#[test]
fn each_protocol_gets_its_own_form() {
    let message = message("ALARM x", "ALARM x\n", &json!({ "kind": "alarms" }));
    let structured: Value = serde_json::from_str(&message.structured()).unwrap();
    assert_eq!(structured["default"], "ALARM x\n");
    assert_eq!(structured["sms"], "ALARM x");
    let default: Value = serde_json::from_str(structured["sqs"].as_str().unwrap()).unwrap();
    assert_eq!(default, json!({ "kind": "alarms", "subject": "ALARM x" }));
}

fn hostile() -> impl Strategy<Value = String> {
    let c = prop_oneof![any::<char>(), prop::sample::select(vec!['"', '\\', '\n', '\u{202e}', '\u{e9}'])];
    (prop::collection::vec(c, 0..12), 1usize..2_000)
        .prop_map(|(text, n)| text.iter().collect::<String>().repeat(n))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_message_is_over_the_limits(
        subject in any::<String>(),
        bodies in prop::collection::vec(hostile(), 0..20),
        texts in prop::collection::vec(hostile(), 0..20),
    ) {
        let names = Attribute::List(texts.clone());
        let attributes = ["account", "cluster", "owner"].map(|name| (name.to_owned(), names.clone()));
        let message = Message::new(&subject, &bodies.concat(), &json!({ "alarms": texts }), attributes.into());
        let attributes: usize = message.attributes.iter().map(|(name, value)| name.len() + value.value().len()).sum();
        prop_assert!(attributes < 4096);
        prop_assert!(message.structured().len() + attributes < 256 * 1024);
        prop_assert!(message.json.len() <= MAX_JSON && message.body.len() <= MAX_BODY);
        prop_assert!(serde_json::from_str::<Value>(&message.json).unwrap().is_object());
        prop_assert!(!message.json.contains(is_hidden));
        prop_assert!(!message.body.contains(|c| c != '\n' && is_hidden(c)));
        prop_assert!(message.body.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn t16_any_subject_is_one_ascii_line_within_the_limit(text in any::<String>()) {
        let subject = message(&text, "", &json!({})).subject;
        prop_assert!(!subject.is_empty() && subject.len() < 100);
        prop_assert!(subject.bytes().all(|b| (0x20..0x7f).contains(&b)));
        prop_assert!(subject.as_bytes()[0].is_ascii_alphanumeric());
    }

    #[test]
    fn harmless_text_has_one_line_and_no_hidden_characters(text in any::<String>()) {
        prop_assert!(!harmless(&text).contains(is_hidden));
        prop_assert_eq!(harmless(&harmless(&text)), harmless(&text));
    }
}
