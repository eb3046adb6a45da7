//! Reads the series and service checks of a stored snapshot, from which the next run continues.
//! Does not build a query for each series.

use std::io::{BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reader::cut;
use super::{BadSnapshot, Line, SeriesLine, SnapshotBegin, SnapshotLine, Status};
use crate::evidence::inventory::EarlierChecks;
use crate::model::metric::MetricQuery;
use crate::model::series::{MetricSeries, Reading};

/// How the line of a series begins; serde writes the tag first.
const KIND: &str = "{\"kind\":\"series\"";
/// How lines about services begin.
const SERVICE: &str = "{\"kind\":\"service\"";
const UNDESCRIBED: &str = "{\"kind\":\"undescribed\"";
/// The last field of a line's head, the part that names the query.
const PERIOD: &str = "\"period_seconds\":";

/// The query of a series line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredHead<'a> {
    /// The expected query.
    Expected,
    /// Another query, or one with names that JSON escapes: the text that the line begins with, as
    /// built by [`head`].
    Other(&'a [u8]),
}

/// A series line without its query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredSeries<'a> {
    /// Whether CloudWatch answered completely.
    pub is_complete: bool,
    /// Start of the first period that the line covers, in epoch seconds; `None` if it covers the
    /// whole window of its run.
    pub from: Option<i64>,
    /// Start of the period of the first value, in epoch seconds.
    pub start: Option<i64>,
    /// Values of that period and of each one after it; NaN marks a gap.
    pub values: &'a [f64],
}

/// The part of a line after its query. Values stay text, because serde would allocate a list of
/// options for each line.
#[derive(Deserialize)]
struct Tail<'a> {
    #[serde(default)]
    status: Status,
    #[serde(default)]
    from: Option<i64>,
    start: Option<i64>,
    #[serde(borrow)]
    values: &'a RawValue,
    #[serde(default)]
    unread: Vec<i64>,
}

/// Reads the series of a snapshot line by line. A truncated snapshot ends in an error.
#[derive(Debug)]
pub struct StoredSeriesReader<R> {
    from: R,
    line: Vec<u8>,
    values: Vec<f64>,
    lines: usize,
    begin: SnapshotBegin,
    checks: EarlierChecks,
}

impl<R: Read> StoredSeriesReader<BufReader<MultiGzDecoder<R>>> {
    /// Reads the run line.
    pub fn new(from: R) -> Result<Self, BadSnapshot> {
        let mut from = BufReader::new(MultiGzDecoder::new(from));
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        let bad = |error: String| BadSnapshot::Line { line: 1, error };
        let run: Line<'_> = serde_json::from_slice(&line).map_err(|error| bad(error.to_string()))?;
        match run.into_fact().map_err(bad)? {
            SnapshotLine::Run(begin) => Ok(Self {
                from,
                line,
                values: Vec::new(),
                lines: 1,
                begin: *begin,
                checks: EarlierChecks::default(),
            }),
            _ => Err(bad("it is not the run line".to_owned())),
        }
    }
}

impl<R: BufRead> StoredSeriesReader<R> {
    /// Run and target of the snapshot.
    pub fn begin(&self) -> &SnapshotBegin {
        &self.begin
    }

    /// The service checks, once the last series has been read.
    pub fn into_checks(self) -> EarlierChecks {
        self.checks
    }

    /// Processes a line that is not a series.
    fn other(&mut self) -> Result<(), BadSnapshot> {
        if ![SERVICE, UNDESCRIBED].iter().any(|kind| self.line.starts_with(kind.as_bytes())) {
            return Ok(());
        }
        let bad = |error: String| BadSnapshot::Line { line: self.lines, error };
        let line: Line<'_> = serde_json::from_slice(&self.line).map_err(|error| bad(error.to_string()))?;
        match line {
            Line::Service(state) => self.checks.add(state.into_owned()),
            Line::Undescribed(service) => self.checks.add_undescribed(service.into_owned()),
            _ => {}
        }
        Ok(())
    }

    /// The next series; `None` after the last. `expected` is the query that it most likely answers.
    pub fn next_series(
        &mut self,
        expected: Option<&MetricQuery>,
    ) -> Result<Option<(StoredHead<'_>, StoredSeries<'_>)>, BadSnapshot> {
        loop {
            self.line.clear();
            if self.from.read_until(b'\n', &mut self.line)? == 0 {
                return Err(cut(self.lines));
            }
            self.lines += 1;
            if self.line.starts_with(KIND.as_bytes()) {
                break;
            }
            if self.line.starts_with(b"{\"kind\":\"end\"") {
                return Ok(None);
            }
            self.other()?;
        }
        let bad = |error: &str| BadSnapshot::Line { line: self.lines, error: error.to_owned() };
        let expected = expected.and_then(|query| length_if_about(&self.line, query));
        let length = expected.or_else(|| head_length(&self.line));
        let length = length.ok_or_else(|| bad("it names no query"))?;
        // Replacing its leading comma with a brace makes the rest of the object an object.
        match self.line.get_mut(length) {
            Some(comma) if *comma == b',' => *comma = b'{',
            _ => return Err(bad("it holds no values")),
        }
        let (head, tail) = self.line.split_at(length);
        let tail: Tail<'_> = serde_json::from_slice(tail).map_err(|error| bad(&error.to_string()))?;
        read_values(tail.values.get(), &mut self.values).ok_or_else(|| bad("a value is not a number"))?;
        let series = StoredSeries {
            is_complete: tail.status == Status::Complete && tail.unread.is_empty(),
            from: tail.from,
            start: tail.start,
            values: &self.values,
        };
        let head = if expected.is_some() { StoredHead::Expected } else { StoredHead::Other(head) };
        Ok(Some((head, series)))
    }
}

/// Parses a list of numbers and `null`s; `None` if the text is something else. A number stays
/// exactly the same, however often it is copied from snapshot to snapshot.
fn read_values(list: &str, values: &mut Vec<f64>) -> Option<()> {
    values.clear();
    let list = list.strip_prefix('[')?.strip_suffix(']')?;
    if list.trim().is_empty() {
        return Some(());
    }
    for value in list.split(',') {
        values.push(match value.trim() {
            "null" => f64::NAN,
            number => number.parse().ok()?,
        });
    }
    Some(())
}

/// Writes into `text` how the line of a query begins, whatever the answer.
pub fn head(query: &MetricQuery, text: &mut Vec<u8>) {
    text.clear();
    let silent = Reading::Complete(MetricSeries::default());
    // Writing into memory does not fail, and all keys of a line are text.
    if serde_json::to_writer(&mut *text, &Line::Series(SeriesLine::new(query, &silent))).is_err() {
        text.clear();
    }
    text.truncate(head_length(text).unwrap_or_default());
}

/// Where the head of a line ends. Quotes within strings are escaped, and no field after the head
/// has this name, so the last occurrence is the period.
fn head_length(line: &[u8]) -> Option<usize> {
    let period = line.windows(PERIOD.len()).rposition(|text| text == PERIOD.as_bytes())?;
    let digits = period + PERIOD.len();
    let length = line[digits..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some(digits + length)
}

/// Where the head of a line ends if the line answers the query. `None` if it answers another one,
/// and if names contain characters that JSON escapes: raw text is compared, for speed.
fn length_if_about(line: &[u8], query: &MetricQuery) -> Option<usize> {
    let MetricQuery { metric, statistic, period } = query;
    let mut rest = After(line);
    rest.skip(KIND)?.skip(",\"namespace\":")?.skip_name(&metric.namespace)?;
    rest.skip(",\"metric\":")?.skip_name(&metric.name)?.skip(",\"dimensions\":{")?;
    for (place, (name, value)) in metric.dimensions.iter().enumerate() {
        rest.skip(if place == 0 { "" } else { "," })?.skip_name(name)?.skip(":")?.skip_name(value)?;
    }
    rest.skip("},\"statistic\":")?.skip_name(statistic.as_str())?.skip(",")?.skip(PERIOD)?;
    let digits = rest.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, after) = rest.0.split_at(digits);
    let number: i64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    (number == period.seconds()).then(|| line.len() - after.len())
}

/// The rest of a line after the text matched so far.
struct After<'a>(&'a [u8]);

impl After<'_> {
    fn skip(&mut self, text: &str) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(self)
    }

    fn skip_name(&mut self, name: &str) -> Option<&mut Self> {
        let is_plain = !name.bytes().any(|byte| byte == b'"' || byte == b'\\');
        if is_plain { self.skip("\"")?.skip(name)?.skip("\"") } else { None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::metric::{Dimensions, Metric, Period, Statistic};

    /// Names from a small alphabet, so that two are often equal, with the characters that JSON uses
    /// and escapes.
    fn name() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec!["a", "b", "\"", "\\", "\n", "n", ",", ":", "{", "}", "ü"]),
            0..4,
        )
        .prop_map(|letters| letters.concat())
    }

    fn query() -> impl Strategy<Value = MetricQuery> {
        let dimensions = prop::collection::btree_map(name(), name(), 0..3);
        (name(), name(), dimensions, 1i64..3).prop_map(|(namespace, name, dimensions, minutes)| MetricQuery {
            metric: Metric {
                namespace: namespace.into(),
                name: name.into(),
                dimensions: Dimensions::new(dimensions),
            },
            statistic: Statistic::Average,
            period: Period::from_seconds(minutes * 60).unwrap(),
        })
    }

    fn line(query: &MetricQuery) -> Vec<u8> {
        let silent = Reading::Complete(MetricSeries::default());
        serde_json::to_vec(&Line::Series(SeriesLine::new(query, &silent))).unwrap()
    }

    proptest! {
        /// A line is matched to a query only if it answers it, and always if no name needs
        /// escaping.
        #[test]
        fn the_line_of_a_query_is_recognised(one in query(), other in query()) {
            let mut text = Vec::new();
            head(&one, &mut text);
            let needs_escaping = String::from_utf8(text.clone()).unwrap().contains('\\');
            let own = length_if_about(&line(&one), &one);
            prop_assert_eq!(own, (!needs_escaping).then_some(text.len()));
            if one != other {
                prop_assert_eq!(length_if_about(&line(&one), &other), None);
            }
        }
    }
}
