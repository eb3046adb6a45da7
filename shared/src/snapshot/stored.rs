//! Reads only the series of a stored snapshot, without building the question of each: the next run continues from them.

use std::io::{BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::reader::cut;
use super::{BadSnapshot, Line, SeriesLine, SnapshotBegin, SnapshotLine, Status};
use crate::metric::MetricQuery;
use crate::series::{MetricSeries, Reading};

/// The last field of the part of a line that names the question.
const PERIOD: &str = "\"period_seconds\":";

/// What a line of a series holds beside its question.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StoredSeries {
    #[serde(default)]
    status: Status,
    /// Start of the first period that the line covers, in epoch seconds; none if it covers the whole window of its run.
    #[serde(default)]
    pub from: Option<i64>,
    /// Start of the period of the first value, in epoch seconds.
    pub start: Option<i64>,
    /// Values of that period and of each one after it.
    pub values: Vec<Option<f64>>,
    #[serde(default)]
    unread: Vec<i64>,
}

impl StoredSeries {
    /// Whether CloudWatch answered in full.
    pub fn is_complete(&self) -> bool {
        self.status == Status::Complete && self.unread.is_empty()
    }
}

/// Reads the series of a snapshot, line by line. It ends with an error if the snapshot was cut.
#[derive(Debug)]
pub struct StoredSeriesReader<R> {
    from: R,
    text: String,
    /// The part of the newest line after its head, as an object of its own.
    object: String,
    lines: usize,
    begin: SnapshotBegin,
}

impl<R: Read> StoredSeriesReader<BufReader<MultiGzDecoder<R>>> {
    /// Reads the line of the run.
    pub fn new(from: R) -> Result<Self, BadSnapshot> {
        let mut from = BufReader::new(MultiGzDecoder::new(from));
        let mut text = String::new();
        from.read_line(&mut text)?;
        let bad = |error: String| BadSnapshot::Line { line: 1, error };
        let line: Line<'_> = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        match line.into_fact().map_err(bad)? {
            SnapshotLine::Run(begin) => {
                Ok(Self { from, text, object: String::new(), lines: 1, begin: *begin })
            }
            _ => Err(bad("it is not the line of the run".to_owned())),
        }
    }
}

impl<R: BufRead> StoredSeriesReader<R> {
    /// Run and target of the snapshot.
    pub fn begin(&self) -> &SnapshotBegin {
        &self.begin
    }

    /// The next series with its [`head`]; none after the last.
    pub fn next_series(&mut self) -> Result<Option<(&str, StoredSeries)>, BadSnapshot> {
        loop {
            self.text.clear();
            if self.from.read_line(&mut self.text)? == 0 {
                return Err(cut(self.lines));
            }
            self.lines += 1;
            // Lines begin with their kind, as serde writes the tag first.
            if self.text.starts_with("{\"kind\":\"series\"") {
                break;
            }
            if self.text.starts_with("{\"kind\":\"end\"") {
                return Ok(None);
            }
        }
        let bad = |error: String| BadSnapshot::Line { line: self.lines, error };
        let length = head_length(&self.text).ok_or_else(|| bad("it names no question".to_owned()))?;
        let (head, tail) = self.text.split_at(length);
        let tail = tail.strip_prefix(',').ok_or_else(|| bad("it holds no values".to_owned()))?;
        // The rest of the object is an object once its brace stands before it.
        self.object.clear();
        self.object.push('{');
        self.object.push_str(tail);
        let series = serde_json::from_str(&self.object).map_err(|error| bad(error.to_string()))?;
        Ok(Some((head, series)))
    }
}

/// The text with which the line of a question begins, whatever the answer; written into `text`.
pub fn head(query: &MetricQuery, text: &mut Vec<u8>) {
    text.clear();
    let silent = Reading::Complete(MetricSeries::default());
    // Writing into memory does not fail, and a line has no key that is not text.
    if serde_json::to_writer(&mut *text, &Line::Series(SeriesLine::new(query, &silent))).is_err() {
        text.clear();
    }
    let length = std::str::from_utf8(text).ok().and_then(head_length);
    text.truncate(length.unwrap_or_default());
}

/// Where the head of a line ends. Quotes within texts are escaped, and no field after the head has that name, so that the
/// last one is the period's.
fn head_length(line: &str) -> Option<usize> {
    let digits = line.rfind(PERIOD)? + PERIOD.len();
    let length = line[digits..].bytes().take_while(u8::is_ascii_digit).count();
    Some(digits + length)
}
