//! Parser for the text format of cAdvisor and other exporters (Prometheus documentation,
//! "Exposition formats").

use std::borrow::Cow;
use std::fmt;

/// One line of a page: a value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Name of the metric.
    pub name: Cow<'a, str>,
    labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Value in the metric's own unit; it may be NaN or infinite.
    pub value: f64,
    /// Milliseconds since 1970, if the line has a timestamp: it differs between lines, and some
    /// families have none.
    pub timestamp_ms: Option<i64>,
}

impl Sample<'_> {
    /// Value of a label. An absent label is equivalent to an empty one.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels().find(|(label, _)| *label == name).map(|(_, value)| value)
    }

    /// Labels in the order in which they appear on the line.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Statistics about parsing a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of samples.
    pub samples: u64,
    /// Number of lines that are not a sample, a comment or empty.
    pub skipped: u64,
    /// The first skipped line.
    pub first_skipped: Option<SkippedLine>,
    /// The last line, if it cannot be read and has no line end: the page was truncated. It does not
    /// count as skipped. A page that is truncated within its last number looks complete here and
    /// can only be detected by the length of the response.
    pub truncated: Option<SkippedLine>,
}

/// A line that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedLine {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: BadLine,
}

impl fmt::Display for SkippedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Why a line is not a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// No name, a bad name, or two names.
    #[error("it does not have exactly one metric name")]
    Name,
    /// A label with an empty or invalid name.
    #[error("a label has an empty or invalid name")]
    LabelName,
    /// A label without a value in quotes.
    #[error("a label has no value in quotes")]
    LabelValue,
    /// A quoted text without a closing quote, or with an unknown escape.
    #[error("a quoted text has no closing quote, or an escape other than \\\\, \\\" and \\n")]
    Quotes,
    /// Something other than a comma or the closing brace after a label.
    #[error("its labels are not separated by commas or not closed by a brace")]
    Labels,
    /// The same label more than once.
    #[error("a label appears twice")]
    LabelTwice,
    /// A missing value, or one that is not a number.
    #[error("its value is not a number")]
    Value,
    /// A timestamp that is not a 64-bit integer.
    #[error("its timestamp is not a whole number of milliseconds")]
    Timestamp,
    /// More than name, value and timestamp.
    #[error("there is text after its timestamp")]
    Trailing,
}

/// Parses a page line by line and passes each sample to `each`; a sample borrows its texts from the
/// page unless they have escapes. Lines that cannot be read are skipped and reported: one bad line
/// does not invalidate the page.
pub fn parse<'a>(page: &'a [u8], mut each: impl FnMut(&Sample<'a>)) -> Report {
    let mut report = Report::default();
    // One sample is reused for all lines, so that its labels are not allocated for each line.
    let mut sample = Sample { name: Cow::Borrowed(""), labels: Vec::new(), value: 0.0, timestamp_ms: None };
    let mut rest = page;
    let mut line = 0;
    while !rest.is_empty() {
        line += 1;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (text, behind) = end.map_or((rest, &[][..]), |end| (&rest[..end], &rest[end + 1..]));
        rest = behind;
        match read(text, &mut sample) {
            Ok(false) => {}
            Ok(true) => {
                report.samples += 1;
                each(&sample);
            }
            Err(reason) if end.is_none() => report.truncated = Some(SkippedLine { line, reason }),
            Err(reason) => {
                report.skipped += 1;
                report.first_skipped.get_or_insert(SkippedLine { line, reason });
            }
        }
    }
    report
}

/// Parses a line; returns false if it is empty or a comment, including HELP and TYPE lines.
fn read<'a>(line: &'a [u8], sample: &mut Sample<'a>) -> Result<bool, BadLine> {
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    if start.is_none_or(|start| line[start] == b'#') {
        return Ok(false);
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut cursor = Cursor(std::str::from_utf8(line).map_err(|_| BadLine::Encoding)?);
    cursor.skip_blanks();
    let name = cursor.word(|byte| byte == b':');
    cursor.skip_blanks();
    sample.labels.clear();
    let quoted_name = if cursor.eat(b'{') { read_labels(&mut cursor, &mut sample.labels)? } else { None };
    sample.name = match (name, quoted_name) {
        (Some(name), None) => Cow::Borrowed(name),
        (None, Some(name)) if !name.is_empty() => name,
        _ => return Err(BadLine::Name),
    };
    sample.value = float(cursor.token()).ok_or(BadLine::Value)?;
    let timestamp = cursor.token();
    sample.timestamp_ms = match timestamp {
        "" => None,
        text => Some(text.parse().map_err(|_| BadLine::Timestamp)?),
    };
    if cursor.token().is_empty() { Ok(true) } else { Err(BadLine::Trailing) }
}

/// Parses labels up to the closing brace. A quoted text without a value is the metric name: names
/// with characters outside the legacy set are written this way.
fn read_labels<'a>(
    cursor: &mut Cursor<'a>,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Result<Option<Cow<'a, str>>, BadLine> {
    let mut metric = None;
    loop {
        cursor.skip_blanks();
        if cursor.eat(b'}') {
            return Ok(metric);
        }
        let quoted = cursor.eat(b'"');
        let name = if quoted {
            cursor.quoted()?
        } else {
            Cow::Borrowed(cursor.word(|_| false).ok_or(BadLine::LabelName)?)
        };
        cursor.skip_blanks();
        if cursor.eat(b'=') {
            if name.is_empty() || name == "__name__" {
                return Err(BadLine::LabelName);
            }
            if labels.iter().any(|(label, _)| *label == name) {
                return Err(BadLine::LabelTwice);
            }
            cursor.skip_blanks();
            let value = if cursor.eat(b'"') { cursor.quoted()? } else { return Err(BadLine::LabelValue) };
            labels.push((name, value));
        } else if !quoted {
            return Err(BadLine::LabelValue);
        } else if metric.replace(name).is_some() {
            return Err(BadLine::Name);
        }
        cursor.skip_blanks();
        if !cursor.eat(b',') && !cursor.0.starts_with('}') {
            return Err(BadLine::Labels);
        }
    }
}

/// A number as Go's `strconv.ParseFloat` parses it, except hexadecimal numbers, which the format
/// does not allow.
fn float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let in_words = text.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    let signed = text.starts_with(['+', '-']);
    // In Go, a number that is too large for a float is an error, and so is a sign before NaN.
    let refused = (value.is_infinite() && !in_words) || (value.is_nan() && signed);
    (!refused).then_some(value)
}

/// The rest of a line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// Length of the longest prefix whose bytes all pass.
    fn length(&self, passes: impl Fn(u8) -> bool) -> usize {
        self.0.bytes().position(|byte| !passes(byte)).unwrap_or(self.0.len())
    }

    fn skip_blanks(&mut self) {
        let blanks = self.length(|byte| matches!(byte, b' ' | b'\t'));
        self.take(blanks);
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.0.as_bytes().first() == Some(&byte);
        self.take(usize::from(there));
        there
    }

    /// A name of letters, digits, underscores and bytes that `also` allows; `None` if it would be
    /// empty or start with a digit.
    fn word(&mut self, also: impl Fn(u8) -> bool) -> Option<&'a str> {
        let length = self.length(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte));
        let starts_well = !self.0.starts_with(|first: char| first.is_ascii_digit());
        (length > 0 && starts_well).then(|| self.take(length))
    }

    /// The text up to the next blank, after skipping leading blanks; empty at the end.
    fn token(&mut self) -> &'a str {
        self.skip_blanks();
        let length = self.length(|byte| !matches!(byte, b' ' | b'\t'));
        self.take(length)
    }

    /// The rest of a quoted text, with escapes resolved.
    fn quoted(&mut self) -> Result<Cow<'a, str>, BadLine> {
        let plain = self.length(|byte| !matches!(byte, b'"' | b'\\'));
        let start = self.take(plain);
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(start));
        }
        let mut text = start.to_owned();
        while self.eat(b'\\') {
            let escaped = self.0.as_bytes().first().copied();
            text.push(match escaped {
                Some(b'n') => '\n',
                Some(b'"') => '"',
                Some(b'\\') => '\\',
                _ => return Err(BadLine::Quotes),
            });
            self.take(1);
            let plain = self.length(|byte| !matches!(byte, b'"' | b'\\'));
            text.push_str(self.take(plain));
        }
        if self.eat(b'"') { Ok(Cow::Owned(text)) } else { Err(BadLine::Quotes) }
    }
}
