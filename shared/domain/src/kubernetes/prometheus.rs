//! The text format in which cAdvisor and other exporters print samples (Prometheus documentation, "Exposition formats").

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
    /// Milliseconds since 1970 if the line tells: it differs from line to line, and some families have none.
    pub timestamp_ms: Option<i64>,
}

impl Sample<'_> {
    /// Value of a label. One that is absent means the same as one that is empty.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels().find(|(label, _)| *label == name).map(|(_, value)| value)
    }

    /// Labels in the order of the line.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// What was on a page beside its samples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many samples there were.
    pub samples: u64,
    /// How many lines are neither sample nor comment nor empty.
    pub skipped: u64,
    /// The first of them.
    pub first_skipped: Option<SkippedLine>,
    /// A last line that cannot be read and has no end: the page was cut. It is not among the skipped ones. A page that was
    /// cut inside its last number cannot be told from a whole one here, only by the length of its answer.
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

/// Why a line is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    Encoding,
    /// No name, a bad one or two of them.
    #[error("it does not have exactly one name of a metric")]
    Name,
    /// A label without a name or with one that is not allowed.
    #[error("a label has no name or a bad one")]
    LabelName,
    /// A label without a value in quotes.
    #[error("a label has no value in quotes")]
    LabelValue,
    /// A text whose quotes are not closed, or that has an unknown escape.
    #[error("a text in quotes does not end, or has an escape other than \\\\, \\\" and \\n")]
    Quotes,
    /// Something else than a comma or the closing brace behind a label.
    #[error("its labels are not separated by commas or not closed by a brace")]
    Labels,
    /// The same label more than once.
    #[error("a label is there twice")]
    LabelTwice,
    /// No value, or none that is a number.
    #[error("its value is not a number")]
    Value,
    /// A timestamp that is no whole number of 64 bits.
    #[error("its timestamp is not a whole number of milliseconds")]
    Timestamp,
    /// More than name, value and timestamp.
    #[error("something follows behind its timestamp")]
    Trailing,
}

/// Reads a page line by line and hands each sample to `each`; a sample borrows its texts from the page unless they have
/// escapes. Lines that cannot be read are skipped and reported: one bad line does not spoil its page.
pub fn parse<'a>(page: &'a [u8], mut each: impl FnMut(&Sample<'a>)) -> Report {
    let mut report = Report::default();
    // One sample for all lines, so that its labels need no memory of their own each time.
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

/// Reads a line; false if it is empty or a comment, as the HELP and TYPE lines are.
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

/// Reads labels up to the closing brace. A text in quotes without a value is the name of the metric: that is how names
/// with characters beyond the old ones are written.
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

/// A number as Go's `strconv.ParseFloat` reads it, apart from its hexadecimal ones, which the format does not allow.
fn float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let in_words = text.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    let signed = text.starts_with(['+', '-']);
    // What is too large for a float is an error in Go, and so is a sign before NaN.
    let refused = (value.is_infinite() && !in_words) || (value.is_nan() && signed);
    (!refused).then_some(value)
}

/// What is left of a line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// Length of the longest beginning whose bytes all pass.
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

    /// A name of letters, digits, underscores and what else is allowed; none if it would be empty or start with a digit.
    fn word(&mut self, also: impl Fn(u8) -> bool) -> Option<&'a str> {
        let length = self.length(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte));
        let starts_well = !self.0.starts_with(|first: char| first.is_ascii_digit());
        (length > 0 && starts_well).then(|| self.take(length))
    }

    /// What is up to the next blank, behind the blanks before it; empty at the end.
    fn token(&mut self) -> &'a str {
        self.skip_blanks();
        let length = self.length(|byte| !matches!(byte, b' ' | b'\t'));
        self.take(length)
    }

    /// The rest of a text in quotes, without its escapes.
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
