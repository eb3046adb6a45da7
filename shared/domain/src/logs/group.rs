//! Log groups: their settings, what they receive, and what that costs.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::finding::{FindingKind, FindingPlace, LogFinding};
use crate::model::cluster::Region;
use crate::model::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::subject::Subject;
use crate::text::shell::quoted;

/// Namespace of the metrics of `CloudWatch` Logs.
const NAMESPACE: &str = "AWS/Logs";
/// What a group received: bytes and events (Amazon `CloudWatch` Logs User Guide, "Monitoring with
/// `CloudWatch` metrics").
const RECEIVED: [&str; 2] = ["IncomingBytes", "IncomingLogEvents"];
const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a deployment must have been silent before that means something.
const SETTLED: SignedDuration = SignedDuration::from_hours(2);

/// Bytes of a gigabyte on the bill.
const GB: f64 = 1_073_741_824.0;
/// Days of a month on the bill.
const DAYS: f64 = 365.0 / 12.0;

/// US dollars for a GB of logs, in us-east-1 in November 2026 (`CloudWatch` pricing).
struct Tariff {
    standard: f64,
    infrequent_access: f64,
    /// For a GB stored for a month.
    stored: f64,
}

const TARIFF: Tariff = Tariff { standard: 0.50, infrequent_access: 0.25, stored: 0.03 };

/// A log group as `CloudWatch` Logs describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// Its class, such as `STANDARD`.
    pub class: String,
    /// After how many days its events expire; `None` if never.
    pub retention_days: Option<u32>,
    /// Bytes stored, updated once a day; `None` if not known.
    pub stored_bytes: Option<u64>,
    /// Whether it is encrypted with a KMS key of the account.
    pub has_kms_key: bool,
    /// When it was created; `None` if not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// What a group receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Bytes in the last 24 hours.
    pub bytes: u64,
    /// Events in the last 24 hours.
    pub events: u64,
    /// Bytes in the 24 hours a week before.
    pub bytes_a_week_ago: u64,
    /// End of the newest hour with an event, within the last 24 hours.
    pub newest: Option<Timestamp>,
}

/// A service, or tasks without one, that writes to a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The service or the family.
    pub subject: Subject,
    /// Since when tasks of its newest deployment run; `None` if no task runs, or if it is not
    /// known.
    pub runs_since: Option<Timestamp>,
}

/// A log group of the target, with its volume and its writers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedGroup {
    /// The group.
    #[serde(flatten)]
    pub group: LogGroup,
    /// What it receives; `None` if it could not be queried.
    pub volume: Option<Volume>,
    /// Who writes to it; empty for groups of AWS itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writers: Vec<Writer>,
}

impl LogGroup {
    /// What its stored events cost a month, in US dollars.
    pub fn dollars_stored(&self) -> Option<f64> {
        self.stored_bytes.map(|bytes| gigabytes(bytes) * TARIFF.stored)
    }

    /// US dollars for a received GB.
    fn dollars_for_a_gb(&self) -> f64 {
        if self.class == "INFREQUENT_ACCESS" { TARIFF.infrequent_access } else { TARIFF.standard }
    }
}

impl AuditedGroup {
    /// What it receives costs a month, in US dollars, if each day is like the last.
    pub fn dollars_received(&self) -> Option<f64> {
        let of = |volume: Volume| gigabytes(volume.bytes) * DAYS * self.group.dollars_for_a_gb();
        self.volume.map(of)
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / GB
}

/// The metrics of these groups: the bytes of each, then its events.
pub fn volume_queries<'a>(groups: impl IntoIterator<Item = &'a str>) -> Vec<MetricQuery> {
    let queries = |group: &str| {
        RECEIVED.map(|name| MetricQuery {
            metric: Metric {
                namespace: NAMESPACE.into(),
                name: name.into(),
                dimensions: Dimensions::new([("LogGroupName", group)]),
            },
            statistic: Statistic::Sum,
            period: Period::HOUR,
        })
    };
    groups.into_iter().flat_map(queries).collect()
}

/// The volume from the readings of a group's bytes and events, over hours up to `end`. A group
/// without a point received nothing. `None` if a reading is incomplete.
pub fn volume_of(bytes: &Reading, events: &Reading, end: Timestamp) -> Option<Volume> {
    let (Reading::Complete(bytes), Reading::Complete(events)) = (bytes, events) else { return None };
    let newest = events.points().iter().rfind(|point| point.value > 0.0).map(|point| point.timestamp);
    let newest = newest.map(|hour| hour + SignedDuration::from_hours(1));
    Some(Volume {
        bytes: sum(bytes, end - DAY, end),
        events: sum(events, end - DAY, end),
        bytes_a_week_ago: sum(bytes, end - WEEK - DAY, end - WEEK),
        newest: newest.filter(|newest| *newest > end - DAY),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sums of counts")]
fn sum(series: &MetricSeries, start: Timestamp, end: Timestamp) -> u64 {
    let is_within = |point: &&Datapoint| (start..end).contains(&point.timestamp);
    series.points().iter().filter(is_within).map(|point| point.value).sum::<f64>().max(0.0).round() as u64
}

/// What is wrong with the groups. `end` is the end of the hours that were queried.
pub fn group_findings(
    groups: &BTreeMap<String, AuditedGroup>,
    region: &Region,
    end: Timestamp,
) -> Vec<LogFinding> {
    let mut findings = Vec::new();
    for (name, audited) in groups {
        let mut add = |kind, detail: String, remedy: String| {
            findings.push(LogFinding { kind, place: FindingPlace::Group(name.clone()), detail, remedy });
        };
        if audited.group.retention_days.is_none() && audited.group.class != "DELIVERY" {
            let name = quoted(name);
            let remedy = format!(
                "aws logs put-retention-policy --region {region} --log-group-name {name} --retention-in-days 30"
            );
            add(FindingKind::NeverExpires, stored(&audited.group), remedy);
        }
        if ["INFREQUENT_ACCESS", "DELIVERY"].contains(&audited.group.class.as_str()) {
            add(FindingKind::LimitedClass, audited.group.class.clone(), String::new());
        }
        if let Some(since) = silent_since(audited, end) {
            let names: Vec<String> = audited.writers.iter().map(|one| one.subject.to_string()).collect();
            let since = since.strftime("%Y-%m-%d %H:%M UTC");
            add(
                FindingKind::GroupSilent,
                format!("no event since {since}; written by {}", names.join(", ")),
                String::new(),
            );
        }
    }
    findings
}

/// `4.2 GB stored, $0.13 a month`
fn stored(group: &LogGroup) -> String {
    match (group.stored_bytes, group.dollars_stored()) {
        (Some(bytes), Some(dollars)) => {
            let dollars = crate::text::words::about_dollars(dollars);
            format!("{} stored, about {dollars} a month", crate::text::words::size(bytes))
        }
        _ => "stored bytes not known".to_owned(),
    }
}

/// Since when a group has received nothing although some of its writers run: for a day, or, if none
/// of them has run for that long, since the deployment of the one that has run longest. Groups that
/// several services share are silent only as a whole.
fn silent_since(audited: &AuditedGroup, end: Timestamp) -> Option<Timestamp> {
    let volume = audited.volume?;
    let first = audited.writers.iter().filter_map(|writer| writer.runs_since).min()?;
    let since = if first <= end - DAY { end - DAY } else { after_drain(first) };
    let is_quiet = volume.newest.is_none_or(|newest| newest <= since);
    (is_quiet && end.duration_since(since) >= SETTLED).then_some(since)
}

/// The end of the hour after the one in which a deployment began: until then tasks of the deployment
/// before may write.
fn after_drain(began: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600;
    let hours = began.as_second().div_euclid(HOUR) + 2;
    Timestamp::from_second(hours * HOUR).unwrap_or(Timestamp::MAX)
}
