//! What to read when an alarm begins: a link to the logs, and if the user's file allows it, the
//! lines that say why.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::query::{Destination, Destinations, LogLine, SavedQuery, lines_query};
use crate::model::fault::Fault;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, KubernetesMeasure, Measure};

/// Lines of one alarm.
pub const LINES: usize = 3;
/// Lines of the last output of what died.
pub const LAST_LINES: usize = 5;
/// Events that the query of a link shows.
pub const LINK_LIMIT: usize = 200;
/// Log groups of a link: each makes it longer.
const LINK_GROUPS: usize = 3;
/// How long before the evaluated values the logs are shown: what went wrong began earlier.
const BEFORE: SignedDuration = SignedDuration::from_mins(15);
const AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Which lines say why an alarm began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// None: a link to the logs of the subject is enough.
    Link,
    /// Those that the rule's query found.
    Matching,
    /// The last ones of a task that stopped.
    StoppedTask,
    /// The last ones of a pod's container: of its instance before the last restart, or of the
    /// current one.
    Pod {
        /// Whether of the instance before.
        previous: bool,
    },
}

/// The logs of an alarm, as stored between the verdict and the message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmLogs {
    /// The query of the link; `None` if no log group is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<LogSearch>,
    /// Lines, oldest first, with secrets masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LogLine>,
    /// Whose lines they are, such as `task 0a1b2c (app)`; empty if the search says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// Why there are no lines, or no search, although they were wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// The logs of the alarms of a target that began in a run, by the id of the notice.
pub type LogsOfAlarms = BTreeMap<String, AlarmLogs>;

/// A search of Logs Insights, for a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSearch {
    /// The log groups.
    pub groups: Vec<String>,
    /// The query.
    pub query: String,
    /// First instant.
    pub start: Timestamp,
    /// Last instant.
    pub end: Timestamp,
}

/// Which lines say why an alarm of this rule began.
pub fn wanted(rule: &AlarmRule) -> Wanted {
    use KubernetesMeasure as M;
    if matches!(rule.measure, Measure::Log(_)) {
        return Wanted::Matching;
    }
    if rule.measure.service_figure().is_some() {
        return Wanted::StoppedTask;
    }
    match rule.measure.sampled().map(|sampled| sampled.measure) {
        Some(M::CrashLoopingPods | M::PodRestarts | M::OomKilled) => Wanted::Pod { previous: true },
        Some(M::AvailableBelowDesired | M::UnstartablePods) => Wanted::Pod { previous: false },
        _ => Wanted::Link,
    }
}

impl LogSearch {
    /// The search for an alarm on a subject, for at most so many events. `query` is that of a rule on
    /// logs. `None` if no log group of the subject is known.
    pub fn of_alarm(
        subject: &Subject,
        query: Option<&SavedQuery>,
        destinations: &Destinations,
        (start, end): (Timestamp, Timestamp),
        limit: usize,
    ) -> Option<Self> {
        let mut groups: Vec<String> = match subject {
            Subject::LogGroup(group) => vec![group.clone()],
            other => destinations.groups_of(other).into_iter().map(ToOwned::to_owned).collect(),
        };
        groups.truncate(LINK_GROUPS);
        if groups.is_empty() {
            return None;
        }
        let text =
            [only_of(subject, &groups, destinations), query.map_or("", |query| &query.text).to_owned()];
        let text: Vec<String> = text.into_iter().filter(|text| !text.is_empty()).collect();
        let query = lines_query(&text.join("\n| "), limit);
        Some(Self { groups, query, start, end })
    }

    /// The same search over some time before and after.
    #[must_use]
    pub fn widened(self) -> Self {
        Self { start: self.start - BEFORE, end: self.end + AFTER, ..self }
    }
}

/// A filter on the streams of the subject, where others write to the same groups.
fn only_of(subject: &Subject, groups: &[String], destinations: &Destinations) -> String {
    let writers = || groups.iter().flat_map(|group| destinations.of_group(group));
    if let Some(workload) = subject.workload() {
        // All pods of a cluster write to the same groups.
        let (namespace, name) = (quoted(&format!("_{}_", workload.namespace)), quoted(&workload.name));
        return format!("filter @logStream like {namespace} and @logStream like {name}");
    }
    if writers().all(|writer| writer.subject == *subject) {
        return String::new();
    }
    let own = writers().filter(|writer| writer.subject == *subject);
    let sources: Option<Vec<&str>> = own.map(|Destination { source, .. }| source.as_deref()).collect();
    let likes = |sources: Vec<&str>| {
        let likes: Vec<String> =
            sources.into_iter().map(|source| format!("@logStream like {}", beginning(source))).collect();
        format!("filter {}", likes.join(" or "))
    };
    sources.map(likes).unwrap_or_default()
}

/// A pattern of streams that begin so: another prefix may end like this one.
fn beginning(source: &str) -> String {
    let escaped = source.chars().flat_map(|c| {
        let plain = c.is_alphanumeric() || c == '_';
        (!plain).then_some('\\').into_iter().chain([c])
    });
    format!("/^{}[-\\/]/", escaped.collect::<String>())
}

/// A string of the language of Logs Insights.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
