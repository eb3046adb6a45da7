//! Messages for SNS, always within its limits.
//!
//! All text that others could have written is sanitized here once more: even if a renderer forgot
//! it, no control, bidirectional or zero-width character gets into a subject, a body, the JSON or
//! an attribute.

mod attribute;
mod json;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

pub use attribute::Attribute;

/// Maximum length of a subject (SNS API Reference, `Publish`: fewer than 100 characters).
const MAX_SUBJECT: usize = 99;
/// Our limit for a body as a JSON string. SNS accepts 256 KiB, and the structured message contains
/// the body once and the JSON three times, all as JSON strings.
pub const MAX_BODY: usize = 96 * 1024;
/// Maximum length of an email line, in bytes without the line end (RFC 5322, section 2.1.1). Mail
/// servers break longer lines anywhere, or reject the mail.
const MAX_LINE: usize = 998;
/// Maximum length of a link in a body, in bytes: it leaves room for the text before the link.
const MAX_LINK: usize = 900;
/// Our limit for the JSON, in bytes.
pub const MAX_JSON: usize = 40 * 1024;
/// Our limit for the JSON as a string within JSON, where each quote takes two bytes.
const MAX_JSON_QUOTED: usize = 48 * 1024;

/// Subject, text, JSON and attributes of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Printable ASCII, at most 99 characters.
    pub subject: String,
    /// Plain text, for email.
    pub body: String,
    /// One JSON object in compact form, for queues and functions.
    pub json: String,
    /// Message attributes for filter policies; at most 10.
    pub attributes: BTreeMap<String, Attribute>,
}

impl Message {
    /// A message that SNS accepts. The subject is reduced to printable ASCII and shortened, the
    /// body is cut at a line end. The JSON gets the subject as a member; if it is too long, its
    /// lists are shortened, and `more` counts the removed elements.
    pub fn new(
        subject: &str,
        body: &str,
        json: &impl Serialize,
        attributes: BTreeMap<String, Attribute>,
    ) -> Self {
        let subject = ascii_subject(subject);
        let json = json::object(&subject, json, MAX_JSON, MAX_JSON_QUOTED);
        Self { subject, body: cut_body(body), json, attributes: attribute::within_limits(attributes) }
    }

    /// The `Message` of `MessageStructure: json`: the JSON for queues, functions and streams, the
    /// subject for SMS, the text for email and all others. With the attributes it is shorter than
    /// the 256 KiB that SNS accepts.
    pub fn structured(&self) -> String {
        let Self { subject, body, json, .. } = self;
        let forms = serde_json::json!({
            "default": body, "sqs": json, "lambda": json, "firehose": json, "sms": subject,
        });
        forms.to_string()
    }
}

fn ascii_subject(text: &str) -> String {
    let printable = harmless(text);
    let line: String = printable.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
    let line = line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end();
    match line {
        // SNS rejects an empty subject.
        "" => "fargaze".to_owned(),
        _ if line.len() <= MAX_SUBJECT => line.to_owned(),
        _ => {
            let most = &line[..MAX_SUBJECT - 3];
            // Whole words, unless the last one is very long.
            let end = most.rfind(' ').filter(|end| *end >= MAX_SUBJECT / 2).unwrap_or(most.len());
            format!("{}...", most[..end].trim_end_matches([' ', ',', ';', ':']))
        }
    }
}

fn cut_body(body: &str) -> String {
    let body: String = body.chars().map(|c| if c != '\n' && is_hidden(c) { ' ' } else { c }).collect();
    let body = fold(body);
    if 2 * body.len() <= MAX_BODY {
        return body;
    }
    // Room for the last line.
    let room = MAX_BODY - 100;
    let (mut quoted, mut end) = (0, 0);
    for line in body.split_inclusive('\n') {
        quoted += line.chars().map(quoted_len).sum::<usize>();
        if quoted > room {
            break;
        }
        end += line.len();
    }
    if end == body.len() {
        return body;
    }
    let rest = body[end..].lines().count();
    format!("{}\n... and {rest} more lines, omitted because of the message size limit.\n", &body[..end])
}

/// The body with lines folded to the length limit of email. A link is never broken, because part of
/// a link leads to the wrong place: one that is too long is replaced by a note.
fn fold(body: String) -> String {
    if body.lines().all(|line| line.len() <= MAX_LINE) {
        return body;
    }
    let mut folded = String::with_capacity(body.len() + 100);
    for line in body.split_inclusive('\n') {
        if line.trim_end_matches('\n').len() <= MAX_LINE {
            folded.push_str(line);
            continue;
        }
        let words: Vec<String> = line.split(' ').map(without_long_link).collect();
        let line = words.join(" ");
        let mut rest = line.as_str();
        while rest.trim_end_matches('\n').len() > MAX_LINE {
            let most = rest.floor_char_boundary(MAX_LINE);
            // Break at a space, if there is one after the indent.
            let space = rest[..most].rfind(' ').filter(|&at| !rest[..at].trim_start().is_empty());
            let at = space.unwrap_or(most);
            folded.push_str(rest[..at].trim_end());
            folded.push('\n');
            rest = rest[at..].strip_prefix(' ').unwrap_or(&rest[at..]);
        }
        folded.push_str(rest);
    }
    folded
}

fn without_long_link(word: &str) -> String {
    let is_link = ["https://", "http://"].iter().any(|scheme| word.contains(scheme));
    if !is_link || word.len() <= MAX_LINK {
        return word.to_owned();
    }
    let end = if word.ends_with('\n') { "\n" } else { "" };
    format!(
        "(a link of {} bytes was left out because it is too long for an email){end}",
        word.trim_end().len()
    )
}

/// Number of bytes that a character takes within a JSON string.
fn quoted_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' => 2,
        _ => c.len_utf8(),
    }
}

/// Whether a character can end a line, reorder it, or be invisible in it.
pub fn is_hidden(c: char) -> bool {
    // Fast path: nearly all characters are plain.
    if matches!(c, ' '..='~') {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{ad}'                                // soft hyphen
            | '\u{34f}'                             // combining grapheme joiner
            | '\u{61c}'                             // Arabic letter mark
            | '\u{115f}' | '\u{1160}'               // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'               // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}'               // Mongolian selectors and separator
            | '\u{200b}'..='\u{200f}'               // zero-width, left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}'               // line and paragraph separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}'               // word joiner, invisible operators, isolates
            | '\u{2800}' | '\u{3164}' | '\u{ffa0}'  // blanks that are letters or symbols
            | '\u{fe00}'..='\u{fe0f}'               // variation selectors
            | '\u{feff}'                            // byte order mark
            | '\u{fff0}'..='\u{fffb}'               // unassigned, interlinear annotation
            | '\u{1bca0}'..='\u{1bca3}'             // shorthand format controls
            | '\u{1d173}'..='\u{1d17a}'             // musical format controls
            | '\u{e0000}'..='\u{e0fff}') // tags, more variation selectors
}

/// Free text (a tag, a reason, an API's message) made harmless for a line of plain text: control,
/// bidirectional and zero-width characters become spaces, so that it can neither end a line nor
/// reorder one.
pub fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        if c == ' ' || is_hidden(c) || c.is_whitespace() {
            space = !harmless.is_empty();
        } else {
            if std::mem::take(&mut space) {
                harmless.push(' ');
            }
            harmless.push(c);
        }
    }
    harmless
}
