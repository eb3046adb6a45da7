//! The functions' log. It contains names, tags and messages from others, and people read it.
//!
//! Every line passes through one writer, so no call can forget to neutralize a text. Hidden
//! characters are escaped, not dropped: readers should see that they were there.
//!
//! Lambda treats a JSON line without an RFC 3339 `timestamp` as INFO, and drops it if the
//! function's level is WARN, errors included (AWS Lambda Developer Guide, "Log-level filtering").
//! The runtime's own subscriber writes no timestamp, so this module replaces it.

use std::io::{self, Write};

use fargaze::invocation::settings::from_env;
use fargaze::text::message::is_hidden;
use lambda_runtime::tracing::error;
use lambda_runtime::tracing::subscriber::EnvFilter;
use lambda_runtime::tracing::subscriber::filter::LevelFilter;
use lambda_runtime::tracing::subscriber::fmt::{SubscriberBuilder, fmt, format};

/// Starts the log according to Lambda's logging controls, and logs panics.
pub(super) fn init() {
    let form = Form::of(from_env("AWS_LAMBDA_LOG_FORMAT").as_deref());
    let level = from_env("AWS_LAMBDA_LOG_LEVEL").or_else(|| from_env("RUST_LOG"));
    let lines = lines(level.as_deref()).with_writer(move || Harmless { out: io::stdout(), form });
    match form {
        Form::Json => lines.json().init(),
        Form::Text => lines.without_time().init(),
    }
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));
}

/// Log lines at one of Lambda's levels, by default INFO.
fn lines(level: Option<&str>) -> SubscriberBuilder<format::DefaultFields, format::Format, EnvFilter> {
    fmt().with_target(false).with_ansi(false).with_env_filter(filter(level))
}

/// Logs fargaze's own events from this level on. TRACE of other crates is never logged: at TRACE,
/// the SDK and the signing crates write whole requests, with session tokens and with the presigned
/// URL that is the token of an EKS cluster.
fn filter(level: Option<&str>) -> EnvFilter {
    let level = match level {
        // `tracing` has no FATAL.
        Some(level) if level.eq_ignore_ascii_case("FATAL") => LevelFilter::ERROR,
        level => level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO),
    };
    EnvFilter::new(format!("{},fargaze={level}", level.min(LevelFilter::DEBUG)))
}

/// Format of log lines (AWS Lambda Developer Guide, "Configuring advanced logging controls").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One JSON object per line; hidden characters can only occur in its strings.
    Json,
    /// Text for people.
    Text,
}

impl Form {
    /// From the value of `AWS_LAMBDA_LOG_FORMAT`, as the Lambda runtime reads it.
    fn of(format: Option<&str>) -> Self {
        if format.is_some_and(|format| format.eq_ignore_ascii_case("json")) { Self::Json } else { Self::Text }
    }
}

/// A writer that escapes hidden characters. Each write is one complete line, as `tracing` makes
/// them.
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

/// Escapes the hidden characters of a line, except its final newline.
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

    use jiff::Timestamp;
    use lambda_runtime::tracing::subscriber::util::SubscriberInitExt;
    use lambda_runtime::tracing::{debug, info, trace, warn};
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

    /// The log line of a message and a field with this text.
    fn logged(text: &str, form: Form) -> String {
        let log = Log::default();
        let out = log.clone();
        let writer = move || Harmless { out: out.clone(), form };
        let lines = lines(None).with_writer(writer);
        {
            let _guard = match form {
                Form::Json => lines.json().set_default(),
                Form::Text => lines.without_time().set_default(),
            };
            error!(name = text, fault = %text, "failed: {text}");
        }
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Hidden characters that security advisories name.
    const HIDDEN: &str = "\u{202e}\u{2066}\u{200b}\u{200d}\u{7}\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{feff}\u{e0041}\r\n\t\0";

    fn hostile() -> impl Strategy<Value = String> {
        let hidden: Vec<char> = HIDDEN.chars().collect();
        let c =
            prop_oneof![any::<char>(), prop::sample::select(hidden), prop::sample::select(vec!['"', '\\'])];
        prop::collection::vec(c, 0..40).prop_map(|text| text.into_iter().collect())
    }

    proptest! {
        /// Issue 12, point 14: hostile names in the log.
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
    fn the_form_matches_the_lambda_runtime() {
        let forms = [Some("JSON"), Some("json"), Some("Text"), None].map(Form::of);
        assert_eq!(forms, [Form::Json, Form::Json, Form::Text, Form::Text]);
    }

    /// The log of a function with this filter, one object per line.
    fn logged_at(filter: EnvFilter, log_it: impl FnOnce()) -> String {
        let log = Log::default();
        let out = log.clone();
        let writer = move || Harmless { out: out.clone(), form: Form::Json };
        {
            let _guard = lines(None).with_env_filter(filter).with_writer(writer).json().set_default();
            log_it();
        }
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn one_of_each() {
        trace!("a");
        debug!("b");
        info!("c");
        warn!("d");
        error!("e");
        trace!(target: "aws_smithy_runtime::client::orchestrator", "a");
        debug!(target: "aws_smithy_runtime::client::orchestrator", "b");
        warn!(target: "aws_smithy_runtime::client::orchestrator", "d");
    }

    /// Issue 14, point 3: without a timestamp, Lambda treated each line as INFO, and dropped errors
    /// at `LogLevel` WARN.
    #[test]
    fn each_line_has_the_level_and_the_timestamp_that_lambda_filters_by() {
        for (level, logged) in [
            (Some("TRACE"), "TRACE DEBUG INFO WARN ERROR DEBUG WARN"),
            (Some("DEBUG"), "DEBUG INFO WARN ERROR DEBUG WARN"),
            (Some("INFO"), "INFO WARN ERROR WARN"),
            (Some("WARN"), "WARN ERROR WARN"),
            (Some("ERROR"), "ERROR"),
            (Some("FATAL"), "ERROR"),
            (None, "INFO WARN ERROR WARN"),
        ] {
            let log = logged_at(filter(level), one_of_each);
            let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let levels: Vec<&str> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
            assert_eq!(levels.join(" "), logged, "{level:?}");
            assert!(
                lines.iter().all(|line| line["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok())
            );
        }
    }

    /// Issue 14, point 3: TRACE of the signing crate contains the presigned URL of an EKS token,
    /// part by part.
    #[test]
    fn no_part_of_a_token_is_logged_at_trace() {
        use aws_credential_types::Credentials;
        use base64::Engine;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD;
        use fargaze_kubernetes::BearerToken;

        let session = "FwoGZXIvYXdzEXAMPLE";
        let keys =
            Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI", Some(session.to_owned()), None, "test");
        let now = "2026-11-22T10:05:00Z".parse::<Timestamp>().unwrap().into();
        let token = BearerToken::sign("shop", "us-east-1", &keys, now).unwrap();
        let url = token.header().to_str().unwrap().strip_prefix("Bearer k8s-aws-v1.").unwrap().to_owned();
        let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(url).unwrap()).unwrap();
        let (_, signature) = url.split_once("X-Amz-Signature=").unwrap();
        let signature = signature.split('&').next().unwrap();

        let log = |filter| {
            logged_at(filter, || {
                one_of_each();
                BearerToken::sign("shop", "us-east-1", &keys, now).unwrap();
            })
        };
        let ours = log(filter(Some("TRACE")));
        assert!(ours.contains("TRACE"), "{ours}");
        for secret in [signature, session, "wJalrXUtnFEMI", "sts.us-east-1.amazonaws.com"] {
            assert!(!ours.contains(secret), "{secret} in {ours}");
        }
        // The runtime's own filter lets it through.
        assert!(log(EnvFilter::new("trace")).contains(session));
    }
}
