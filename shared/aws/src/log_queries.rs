//! Amazon `CloudWatch` Logs Insights: queries are started, polled for their answers, and stopped.

use aws_sdk_cloudwatchlogs::types::QueryStatus;
use fargaze::logs::query::{Answer, QueryRow, QueryRun};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;

use super::log_groups::Logs;
use super::pages::Pages;
use super::sdk_error::fault;

/// A pointer to the whole event, in every row of events: nobody reads it.
const POINTER: &str = "@ptr";

/// What a poll finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Polled {
    /// The query is not done.
    Running,
    /// It is done.
    Done(Answer),
}

impl Logs {
    /// Starts a query (`StartQuery`), and returns its id. Too many queries at once are a throttled
    /// fault.
    pub async fn start_query(&self, query: &QueryRun) -> Result<String, Fault> {
        const OPERATION: Operation = Operation::LogsStartQuery;
        self.start_query.ready().await;
        let request = self
            .client
            .start_query()
            .set_log_group_names(Some(query.groups.clone()))
            .query_string(&query.text)
            .start_time(query.start.as_second())
            // Both ends are inclusive.
            .end_time(query.end.as_second() - 1)
            .limit(i32::try_from(query.limit).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|error| {
            let fault = fault(OPERATION, &query.name, &error);
            // A query may end at any moment, and another one may start then.
            let kind = if fault.code == "LimitExceededException" { FaultKind::Throttled } else { fault.kind };
            Fault { kind, ..fault }
        })?;
        let missing = || Fault::malformed(OPERATION, &query.name, "the response has no query id".to_owned());
        answer.query_id.ok_or_else(missing)
    }

    /// Asks for the answer of a query (`GetQueryResults`, every page). Rows of a query that still
    /// runs are not all, so they are left. A query that ended without an answer is a fault.
    pub async fn answer(&self, query: &QueryRun, id: &str) -> Result<Polled, Fault> {
        const OPERATION: Operation = Operation::LogsGetQueryResults;
        let (mut answer, mut token) = (Answer::default(), None);
        let mut pages = Pages::of(OPERATION, &query.name);
        let mut page_number = 0_usize;
        loop {
            self.get_query_results.ready().await;
            let request = self.client.get_query_results().query_id(id).set_next_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, &query.name, &error))?;
            match page.status() {
                Some(QueryStatus::Complete) => {}
                Some(QueryStatus::Scheduled | QueryStatus::Running) => return Ok(Polled::Running),
                other => {
                    let status = other.map_or("no status", QueryStatus::as_str);
                    return Err(ended(query, status));
                }
            }
            if let Some(statistics) = page.statistics() {
                answer.bytes_scanned = whole(statistics.bytes_scanned());
                answer.matched = whole(statistics.records_matched());
            }
            page_number += 1;
            token = pages.next([page_number.to_string().as_str()], page.next_token())?;
            answer.rows.extend(page.results().iter().map(|fields| {
                let fields = fields.iter().filter(|field| field.field() != Some(POINTER));
                let pair = |field: &aws_sdk_cloudwatchlogs::types::ResultField| {
                    (
                        field.field().unwrap_or_default().to_owned(),
                        field.value().unwrap_or_default().to_owned(),
                    )
                };
                QueryRow(fields.map(pair).collect())
            }));
            if token.is_none() {
                return Ok(Polled::Done(answer));
            }
        }
    }

    /// Stops a query (`StopQuery`).
    pub async fn stop_query(&self, query: &QueryRun, id: &str) -> Result<(), Fault> {
        let answer = self.client.stop_query().query_id(id).send().await;
        answer.map(|_| ()).map_err(|error| fault(Operation::LogsStopQuery, &query.name, &error))
    }
}

/// A query that ended without an answer.
fn ended(query: &QueryRun, status: &str) -> Fault {
    Fault {
        operation: Operation::LogsGetQueryResults,
        subject: query.name.clone(),
        kind: FaultKind::Transient,
        code: status.to_owned(),
        message: "the query ended without an answer".to_owned(),
    }
}

/// A count, which the API gives as a double.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a saturating conversion")]
fn whole(count: f64) -> u64 {
    count as u64
}
