//! A message as SNS takes it: within its limits, whatever the names in it.

use std::collections::BTreeMap;

/// Longest subject (SNS API Reference, `Publish`: fewer than 100 characters).
const MAX_SUBJECT: usize = 99;
/// Our own ceiling for a body: SNS takes 256 KiB with attributes, and queues behind the topic may take no more.
const MAX_BODY: usize = 200 * 1024;

/// Subject, body and attributes of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Printable ASCII, at most 99 characters.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Message attributes for filter policies.
    pub attributes: BTreeMap<String, String>,
}

impl Message {
    /// A message that SNS accepts: the subject is reduced to printable ASCII and shortened, the body cut at a line end.
    pub fn new(subject: &str, body: &str, attributes: BTreeMap<String, String>) -> Self {
        Self { subject: ascii_subject(subject), body: cut_body(body), attributes }
    }
}

fn ascii_subject(text: &str) -> String {
    let printable = text.chars().map(|c| match c {
        ' '..='~' => c,
        _ if c.is_control() || c.is_whitespace() => ' ',
        _ => '?',
    });
    let line: String = printable.collect();
    let line = line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end();
    if line.len() <= MAX_SUBJECT {
        line.to_owned()
    } else {
        format!("{}...", line[..MAX_SUBJECT - 3].trim_end())
    }
}

fn cut_body(body: &str) -> String {
    if body.len() <= MAX_BODY {
        return body.to_owned();
    }
    let mut end = MAX_BODY;
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    let kept = &body[..body[..end].rfind('\n').map_or(end, |newline| newline + 1)];
    let rest = body[kept.len()..].lines().count();
    format!("{kept}\n... and {rest} more lines, cut because a message has a size limit.\n")
}

/// Free text (a tag, a reason, an API's message) made harmless for a line of plain text: control, bidirectional and
/// zero-width characters become spaces, so that it can neither end a line nor reorder one.
pub fn harmless(text: &str) -> String {
    let replaced = text.chars().map(|c| match c {
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}'
        | '\u{2028}'
        | '\u{2029}' => ' ',
        _ if c.is_control() => ' ',
        _ => c,
    });
    replaced.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn t16_a_long_subject_is_shortened_and_foreign_characters_replaced() {
        let message =
            Message::new(&format!("ALARM \u{1f525} größe\n{}", "x".repeat(200)), "", BTreeMap::new());
        assert!(message.subject.starts_with("ALARM ? gr??e xxx") && message.subject.ends_with("..."));
        assert_eq!(message.subject.len(), MAX_SUBJECT);
    }

    #[test]
    fn a_body_over_the_limit_is_cut_at_a_line_end_and_says_so() {
        let body = "a line with ü\n".repeat(20_000);
        let cut = Message::new("s", &body, BTreeMap::new()).body;
        assert!(cut.len() <= MAX_BODY + 100 && cut.contains("more lines, cut"), "{}", cut.len());
        assert!(cut.lines().take(10_000).all(|line| line == "a line with ü"));
    }

    proptest! {
        #[test]
        fn t16_any_subject_is_one_ascii_line_within_the_limit(text in any::<String>()) {
            let subject = Message::new(&text, "", BTreeMap::new()).subject;
            prop_assert!(subject.len() < 100);
            prop_assert!(subject.bytes().all(|b| (0x20..0x7f).contains(&b)));
            prop_assert!(subject.is_empty() || subject.as_bytes()[0].is_ascii_alphanumeric());
        }

        #[test]
        fn harmless_text_has_one_line_and_no_hidden_characters(text in any::<String>()) {
            let hidden = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            prop_assert!(!harmless(&text).contains(hidden));
        }
    }
}
