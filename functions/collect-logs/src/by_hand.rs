//! Searches logs by hand: a filter or a query on log groups of any target.

use std::time::Duration;

use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::logs::query::{Answer, Purpose, QueryRun, Started, estimated_scan, log_lines, masked_rows};
use fargaze::model::cluster::{AccountId, Region};
use fargaze::model::fault::FaultKind;
use fargaze::model::run::{Part, Platform, Run, RunKind, Target};
use fargaze::rules::DurationText;
use fargaze::rules::pattern::NamePattern;
use fargaze_aws::{Logs, UserFile, config_for};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{Handler, answers};

/// How long a query may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Part of the function's time that is reserved for the response.
const REST: Duration = Duration::from_secs(5);
/// Events or rows if the question does not say, and at most: Lambda's response has 6 MB at most.
const LIMIT: usize = 100;
const MOST: usize = 2_000;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A question about logs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Question {
    /// The account of a target; by default the stack's own.
    account: Option<AccountId>,
    /// The Region; by default the stack's own.
    region: Option<Region>,
    /// Names of log groups, or patterns.
    groups: Vec<String>,
    /// A filter pattern of `CloudWatch` Logs, such as `"\" 404 \""`.
    filter: Option<String>,
    /// A query of Logs Insights, or the name of a saved one.
    query: Option<String>,
    /// How far back to search, such as `1h`; or `start`.
    last: Option<DurationText>,
    start: Option<Timestamp>,
    /// Until when; by default now.
    end: Option<Timestamp>,
    /// The most events or rows.
    limit: Option<usize>,
}

/// What was found, with secrets masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The log groups that were searched.
    pub groups: Vec<String>,
    /// First instant, inclusive.
    pub start: Timestamp,
    /// End, exclusive.
    pub end: Timestamp,
    /// Events, oldest first, or rows.
    pub rows: Vec<Map<String, Value>>,
    /// Whether these are all rows. If not, raise the limit, or name fewer groups or a shorter time.
    #[serde(rename = "complete")]
    pub is_complete: bool,
    /// Bytes that a query has scanned; null for a filter, which is free.
    pub bytes_scanned: Option<u64>,
}

impl Handler {
    /// Answers a question by hand.
    pub(crate) async fn search(&self, question: Question, deadline: Instant) -> Result<Found, Failure> {
        let until = (deadline - REST).min(Instant::now() + PATIENCE);
        let UserFile { config: file, version, .. } =
            self.store.user_file(&self.config.account, &self.config.region).await?;
        let target = self.target_of(&question, &file.targets)?;
        let sdk = config_for(&self.home, &target).await?;
        let now = fargaze_aws::Clock::new(&self.home).now();
        let (start, end) = times(&question, now)?;
        let limit = question.limit.unwrap_or(LIMIT).clamp(1, MOST);
        let logs = Logs::new(&sdk, 0);
        let patterns: Vec<NamePattern> = question.groups.iter().map(NamePattern::new).collect();
        let groups = logs.groups_matching(&patterns, until).await?;
        let chosen: Vec<String> = groups
            .keys()
            .filter(|name| patterns.iter().any(|pattern| pattern.matches(name)))
            .cloned()
            .collect();
        if chosen.is_empty() {
            let asked = question.groups.join(", ");
            return Err(Failure::Invalid(format!("no log group in {target} matches {asked}")));
        }
        if chosen.len() > fargaze::logs::query::MOST_GROUPS {
            let most = fargaze::logs::query::MOST_GROUPS;
            return Err(Failure::Invalid(format!(
                "{} log groups match; at most {most} can be searched",
                chosen.len()
            )));
        }
        let masks = &file.logs.masks;
        let Some(text) = question.query else {
            let (mut lines, mut is_complete) = (Vec::new(), true);
            for group in &chosen {
                let filter = question.filter.as_deref();
                let (rows, all) = logs.filtered_events(group, filter, (start, end), limit, until).await?;
                is_complete &= all;
                lines.extend(log_lines(&Answer { rows, ..Answer::default() }, masks));
            }
            is_complete &= lines.len() <= limit;
            lines.sort_by_key(|line| line.at);
            lines.truncate(limit);
            let row = |line| match serde_json::to_value(line) {
                Ok(Value::Object(row)) => row,
                _ => Map::new(),
            };
            let rows = lines.into_iter().map(row).collect();
            return Ok(Found { groups: chosen, start, end, rows, is_complete, bytes_scanned: None });
        };
        if question.filter.is_some() {
            return Err(Failure::Invalid("ask with `filter` or with `query`, not with both".to_owned()));
        }
        let text = file.logs.query(&text).map_or(text, |saved| saved.text.clone());
        let window = end.duration_since(start);
        let estimated_bytes = chosen
            .iter()
            .filter_map(|name| groups.get(name))
            .map(|group| estimated_scan(group, window, now))
            .sum();
        let query = QueryRun {
            name: "by hand".to_owned(),
            purpose: Purpose::Result,
            text,
            groups: chosen.clone(),
            start,
            end,
            limit: u32::try_from(limit).unwrap_or(1),
            estimated_bytes,
        };
        let run = Run::new(RunKind::Report, now, SignedDuration::ZERO, HOUR, version);
        let task = TargetTask { run, target, cursor: None };
        let fate = self.start_one(&task, &logs, &file.logs, &query, until).await;
        let ended = answers::poll(&logs, vec![Started { query, fate }], until).await;
        self.spend(&task, &file.logs, &ended).await?;
        let Some((_, answer, _)) = ended.into_iter().next() else {
            return Err(Failure::Invalid("the query has no answer".to_owned()));
        };
        let answer = answer.map_err(|fault| match fault.kind {
            FaultKind::Invalid | FaultKind::Denied => Failure::Invalid(fault.to_string()),
            _ => Failure::from(fault),
        })?;
        let rows = masked_rows(&answer, masks);
        let bytes_scanned = Some(answer.bytes_scanned);
        let is_complete = rows.len() < limit;
        Ok(Found { groups: chosen, start, end, rows, is_complete, bytes_scanned })
    }

    /// The target that the question is about, with the role that reads logs.
    fn target_of(&self, question: &Question, targets: &[Target]) -> Result<Target, Failure> {
        let account = question.account.as_ref().unwrap_or(&self.config.account);
        let region = question.region.as_ref().unwrap_or(&self.config.region);
        let is_it = |target: &&Target| target.account == *account && target.region == *region;
        let found = targets.iter().find(is_it).cloned().or_else(|| {
            (*account == self.config.account).then(|| Target {
                platform: Platform::Ecs,
                account: account.clone(),
                region: region.clone(),
                part: Part::WHOLE,
                role: None,
            })
        });
        let Some(found) = found else {
            return Err(Failure::Invalid(format!("fargaze.yaml has no target {region} ({account})")));
        };
        found.for_logs().ok_or_else(|| {
            Failure::Invalid(format!("fargaze.yaml names no role read-logs for account {account}"))
        })
    }
}

/// The time to search.
fn times(question: &Question, now: Timestamp) -> Result<(Timestamp, Timestamp), Failure> {
    let end = question.end.unwrap_or(now);
    let start = match (&question.last, question.start) {
        (Some(_), Some(_)) => {
            return Err(Failure::Invalid("say `last` or `start`, not both".to_owned()));
        }
        (Some(DurationText(last)), None) => end - *last,
        (None, Some(start)) => start,
        (None, None) => end - HOUR,
    };
    if start >= end {
        return Err(Failure::Invalid(format!("there is no time between {start} and {end}")));
    }
    Ok((start, end))
}
