//! The functions' own log: names, tags and messages of others stand in it, and it is read by people.
//!
//! Every line passes through one writer, whatever wrote it, so no call can forget to make a text harmless. A hidden
//! character is escaped and not left out: who reads the log shall see that it was there.

use std::io::{self, Write};

use lambda_runtime::tracing::{error, init_default_subscriber_with_writer};

use crate::message::is_hidden;
use crate::settings::from_env;

/// Starts the log as Lambda's logging controls ask for it, and sends panics there.
pub(super) fn init() {
    let form = Form::of(from_env("AWS_LAMBDA_LOG_FORMAT").as_deref());
    init_default_subscriber_with_writer(move || Harmless { out: io::stdout(), form });
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));
}

/// How lines of the log are written (AWS Lambda Developer Guide, "Configuring advanced logging controls").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An object of JSON a line; a hidden character can only stand in one of its strings.
    Json,
    /// Text for people.
    Text,
}

impl Form {
    /// By the value of `AWS_LAMBDA_LOG_FORMAT`, as the Lambda runtime reads it.
    fn of(format: Option<&str>) -> Self {
        if format.is_some_and(|format| format.eq_ignore_ascii_case("json")) { Self::Json } else { Self::Text }
    }
}

/// A writer that escapes what can hide. Each write is one line with its end, as `tracing` makes them.
struct Harmless<Out> {
    out: Out,
    form: Form,
}

impl<Out: Write> Write for Harmless<Out> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.out.write_all(escaped(&String::from_utf8_lossy(line), self.form).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The line with its hidden characters escaped, but for the end of the line.
fn escaped(line: &str, form: Form) -> String {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    let mut escaped = String::with_capacity(line.len());
    for c in text.chars() {
        match form {
            _ if !is_hidden(c) => escaped.push(c),
            Form::Text => escaped.extend(c.escape_unicode()),
            Form::Json => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    escaped + end
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use lambda_runtime::tracing::subscriber::fmt;
    use lambda_runtime::tracing::subscriber::util::SubscriberInitExt;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What the log holds of a message and a field with this text.
    fn logged(text: &str, form: Form) -> String {
        let log = Log::default();
        let out = log.clone();
        let writer = move || Harmless { out: out.clone(), form };
        let lines = fmt().with_target(false).without_time().with_ansi(false).with_writer(writer);
        {
            let _guard = match form {
                Form::Json => lines.json().set_default(),
                Form::Text => lines.set_default(),
            };
            error!(name = text, fault = %text, "failed: {text}");
        }
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// The hidden characters that are named by whoever warns of them.
    const HIDDEN: &str = "\u{202e}\u{2066}\u{200b}\u{200d}\u{7}\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{feff}\u{e0041}\r\n\t\0";

    fn hostile() -> impl Strategy<Value = String> {
        let hidden: Vec<char> = HIDDEN.chars().collect();
        let c =
            prop_oneof![any::<char>(), prop::sample::select(hidden), prop::sample::select(vec!['"', '\\'])];
        prop::collection::vec(c, 0..40).prop_map(|text| text.into_iter().collect())
    }

    proptest! {
        /// Issue 12, point 14: hostile names in our own log.
        #[test]
        fn no_line_of_the_log_hides_anything(text in hostile()) {
            for form in [Form::Json, Form::Text] {
                let line = logged(&text, form);
                let line = line.strip_suffix('\n').unwrap();
                prop_assert!(!line.contains(is_hidden), "{:?}", line);
            }
            // Escaped, and not lost.
            let read: Value = serde_json::from_str(&logged(&text, Form::Json)).unwrap();
            prop_assert_eq!(read["fields"]["name"].as_str(), Some(text.as_str()));
        }
    }

    #[test]
    fn each_hidden_character_is_escaped_in_both_forms() {
        for c in HIDDEN.chars() {
            let text = format!("a{c}b");
            assert!(!escaped(&text, Form::Text).contains(is_hidden), "{c:?}");
            let json: String = serde_json::from_str(&format!("\"{}\"", escaped(&text, Form::Json))).unwrap();
            assert_eq!(json, text);
        }
    }

    #[test]
    fn the_form_is_the_one_that_the_runtime_writes() {
        let forms = [Some("JSON"), Some("json"), Some("Text"), None].map(Form::of);
        assert_eq!(forms, [Form::Json, Form::Json, Form::Text, Form::Text]);
    }
}
