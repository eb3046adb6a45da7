//! Task definitions and log groups as tests describe them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::Estate;

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroupSpec {
    /// Its name.
    pub name: String,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    pub class: String,
    /// Days after which its events expire, if they do.
    pub retention: Option<i64>,
    /// Bytes stored.
    pub stored: i64,
    /// ARN of its KMS key, if it has one.
    pub key: Option<String>,
    /// When it was created, in epoch milliseconds; `None` for long ago.
    pub created: Option<i64>,
}

impl LogGroupSpec {
    /// An empty group of the class `STANDARD` that never expires.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            class: "STANDARD".to_owned(),
            retention: None,
            stored: 0,
            key: None,
            created: None,
        }
    }

    /// Sets the days after which its events expire.
    #[must_use]
    pub fn retention(mut self, days: i64) -> Self {
        self.retention = Some(days);
        self
    }

    /// Sets the bytes stored.
    #[must_use]
    pub fn stored(mut self, bytes: i64) -> Self {
        self.stored = bytes;
        self
    }

    /// Sets the class.
    #[must_use]
    pub fn class(mut self, class: &str) -> Self {
        class.clone_into(&mut self.class);
        self
    }
}

impl Estate {
    /// Adds or replaces a task definition in the format of `DescribeTaskDefinition`, with a family
    /// and a revision. Families without one have containers that log to Splunk.
    #[must_use]
    pub fn task_definition(mut self, definition: Value) -> Self {
        self.put_task_definition(definition);
        self
    }

    /// Adds or replaces a task definition.
    pub fn put_task_definition(&mut self, definition: Value) {
        let family = definition["family"].as_str().expect("a family").to_owned();
        let revision = definition["revision"].as_i64().unwrap_or(1);
        self.task_definitions.insert(format!("{family}:{revision}"), definition);
    }

    /// All log groups.
    pub fn log_groups(&self) -> &BTreeMap<String, LogGroupSpec> {
        &self.log_groups
    }

    /// Adds or replaces a log group.
    #[must_use]
    pub fn log_group(mut self, group: LogGroupSpec) -> Self {
        self.put_log_group(group);
        self
    }

    /// Removes a log group with its events.
    pub fn remove_log_group(&mut self, name: &str) {
        self.log_groups.remove(name);
        self.log_events.retain(|(group, _), _| group != name);
    }

    /// Writes events to a stream of a log group.
    pub fn write_logs<'a>(
        &mut self,
        group: &str,
        stream: &str,
        events: impl IntoIterator<Item = (Timestamp, &'a str)>,
    ) {
        let written = self.log_events.entry((group.to_owned(), stream.to_owned())).or_default();
        written.extend(events.into_iter().map(|(at, text)| (at.as_millisecond(), text.to_owned())));
    }

    /// Queries end after so many polls instead of with the first.
    pub fn slow_queries(&mut self, polls: usize) {
        self.query_polls = polls;
    }

    /// Queries with this part in their text end with this status after so many polls.
    pub fn odd_query(&mut self, part: &str, status: &str, polls: usize) {
        self.odd_queries.push((part.to_owned(), status.to_owned(), polls));
    }

    /// The first page of `FilterLogEvents` is empty, with a token.
    pub fn empty_first_pages(&mut self) {
        self.empty_pages = true;
    }

    /// Adds or replaces a log group.
    pub fn put_log_group(&mut self, group: LogGroupSpec) {
        self.log_groups.insert(group.name.clone(), group);
    }
}
