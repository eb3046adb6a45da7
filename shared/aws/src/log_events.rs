//! Amazon `CloudWatch` Logs: events of one stream, or those that match a filter.

use fargaze::logs::query::{Answer, QueryRow};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::log_groups::Logs;
use super::pages::Pages;
use super::sdk_error::fault;

/// Events on one page of `FilterLogEvents`, the maximum.
const PAGE: i32 = 10_000;

impl Logs {
    /// The last events of a stream, oldest first (`GetLogEvents`), in the form of an answer.
    pub async fn last_events(&self, group: &str, stream: &str, count: usize) -> Result<Answer, Fault> {
        const OPERATION: Operation = Operation::LogsGetLogEvents;
        self.get_log_events.ready().await;
        let request = self
            .client
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .start_from_head(false)
            .limit(i32::try_from(count).unwrap_or(PAGE));
        let answer = request.send().await.map_err(|error| fault(OPERATION, stream, &error))?;
        let rows = answer.events().iter().map(|event| row(group, event.timestamp(), event.message()));
        Ok(Answer { rows: rows.collect(), ..Answer::default() })
    }

    /// The events of a group from `start` to before `end` that match a filter pattern, oldest first
    /// and at most `most` (`FilterLogEvents`, every page, of which some may be empty), and whether
    /// these are all: there may be more, or the deadline may have come first.
    pub async fn filtered_events(
        &self,
        group: &str,
        pattern: Option<&str>,
        (start, end): (Timestamp, Timestamp),
        most: usize,
        deadline: Instant,
    ) -> Result<(Vec<QueryRow>, bool), Fault> {
        const OPERATION: Operation = Operation::LogsFilterLogEvents;
        let (mut rows, mut token) = (Vec::new(), None);
        let mut pages = Pages::of(OPERATION, group);
        let mut page_number = 0_usize;
        loop {
            self.filter_log_events.ready().await;
            let request = self
                .client
                .filter_log_events()
                .log_group_name(group)
                .set_filter_pattern(pattern.map(ToOwned::to_owned))
                .start_time(start.as_millisecond())
                .end_time(end.as_millisecond() - 1)
                .limit(PAGE.min(i32::try_from(most).unwrap_or(PAGE)))
                .set_next_token(token.take());
            let Ok(page) = timeout_at(deadline, request.send()).await else { return Ok((rows, false)) };
            let page = page.map_err(|error| fault(OPERATION, group, &error))?;
            page_number += 1;
            token = pages.next([page_number.to_string().as_str()], page.next_token())?;
            rows.extend(page.events().iter().map(|event| row(group, event.timestamp(), event.message())));
            if token.is_none() || rows.len() >= most {
                let is_all = token.is_none() && rows.len() <= most;
                rows.truncate(most);
                return Ok((rows, is_all));
            }
        }
    }
}

/// An event in the form of a row of Logs Insights.
fn row(group: &str, milliseconds: Option<i64>, message: Option<&str>) -> QueryRow {
    let at = milliseconds.and_then(|at| Timestamp::from_millisecond(at).ok());
    let at = at.map(|at| ("@timestamp".to_owned(), at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()));
    let rest = [
        ("@log".to_owned(), group.to_owned()),
        ("@message".to_owned(), message.unwrap_or_default().trim_end().to_owned()),
    ];
    QueryRow(at.into_iter().chain(rest).collect())
}
