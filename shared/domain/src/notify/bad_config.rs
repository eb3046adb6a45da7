//! Notification about an invalid configuration file.

use serde_json::{Map, Value, json};

use super::words::{count, wrap};
use super::{attributes, head};
use crate::config::CONFIG_KEY;
use crate::model::run::{BadVersion, Run};
use crate::text::message::{Message, harmless};

/// Adds a first paragraph about the invalid file to the message, or makes a message of its own if
/// there is none.
pub fn bad_config_first(run: &Run, bad: &BadVersion, message: Option<Message>) -> Message {
    let in_force = match &run.config_version {
        Some(version) => format!("the last good version ({version}) stays in force"),
        None => "the built-in rules are in force".to_owned(),
    };
    let problems = count(bad.problems.len(), "problem");
    let mut body = wrap(&format!("{CONFIG_KEY} HAS {problems}; {in_force}."), 0);
    for problem in &bad.problems {
        body.push_str(&wrap(&harmless(problem), 2));
    }
    let bad = json!({ "version": bad.version, "in_force": run.config_version, "problems": bad.problems });
    let Some(Message { subject, body: rest, json, attributes }) = message else {
        let subject = format!("{CONFIG_KEY} has {problems}: {in_force}");
        let mut json = head(run);
        json.insert("bad_config".to_owned(), bad);
        return Message::new(&subject, &body, &json, attributes(run, "warning"));
    };
    let mut json: Map<String, Value> = serde_json::from_str(&json).unwrap_or_else(|_| head(run));
    json.insert("bad_config".to_owned(), bad);
    Message::new(&subject, &format!("{body}\n{rest}"), &json, attributes)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::run::RunKind;

    fn run(config_version: Option<&str>) -> Run {
        let time = "2026-11-22T10:05:00Z".parse().unwrap();
        let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(15));
        Run::new(RunKind::Alarms, time, delay, lookback, config_version.map(ToOwned::to_owned))
    }

    fn bad() -> BadVersion {
        let problems =
            vec!["fargaze.yaml:5: rule `busy`: unknown key `treshold`; did you mean `threshold`?".to_owned()];
        BadVersion { version: "v2".to_owned(), problems }
    }

    #[test]
    fn alone_it_says_what_is_in_force() {
        let message = bad_config_first(&run(None), &bad(), None);
        assert_eq!(message.subject, "fargaze.yaml has 1 problem: the built-in rules are in force");
        assert_eq!(
            message.body,
            "\
fargaze.yaml HAS 1 problem; the built-in rules are in force.
  fargaze.yaml:5: rule `busy`: unknown key `treshold`; did you mean
  `threshold`?
"
        );
    }

    #[test]
    fn it_comes_first_in_another_message() {
        let other = Message::new(
            "ALARM shop/web",
            "WARNING shop/web\n",
            &head(&run(None)),
            attributes(&run(None), "warning"),
        );
        let message = bad_config_first(&run(Some("v1")), &bad(), Some(other));
        assert_eq!(message.subject, "ALARM shop/web");
        assert!(
            message
                .body
                .starts_with("fargaze.yaml HAS 1 problem; the last good version (v1) stays in force.")
        );
        assert!(message.body.ends_with("\n\nWARNING shop/web\n"));
    }
}
