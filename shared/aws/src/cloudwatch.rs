//! Amazon CloudWatch: metric values and the list of metrics.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::operation::get_metric_data::builders::GetMetricDataFluentBuilder;
use aws_sdk_cloudwatch::types::{
    Dimension, MessageData, Metric as SdkMetric, MetricDataQuery, MetricDataResult, MetricStat,
    RecentlyActive, Statistic as SdkStatistic, StatusCode,
};
use aws_smithy_types::DateTime;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};
use fargaze::model::operation::Operation;
use fargaze::model::series::{Datapoint, MetricSeries, Reading};
use fargaze::model::window::Window;
use fargaze::rules::{PERCENT_OF_QUOTA, RESOURCE_COUNT};
use fargaze::sources::batch::{Batch, QUERIES_PER_CALL, Segment, segments};
use fargaze::sources::gather::{Gather, PageResult, ResultStatus, query_id};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pages::Pages;
use super::rate_limiter::RateLimiter;
use super::sdk_error::fault;

/// Label of every query. Without it, labels would make up a tenth of a response with few data
/// points.
const LABEL: &str = "m";
/// Batches in flight at once; [`RateLimiter`] limits the rate. Each batch holds some megabytes of
/// queries and results, so more of them would cost more memory than they save time.
const AT_ONCE: usize = 4;

/// CloudWatch in one account and Region, limited to its published quotas (CloudWatch User Guide,
/// "CloudWatch service quotas").
#[derive(Debug)]
pub struct CloudWatch {
    client: Client,
    get_metric_data: RateLimiter,
    list_metrics: RateLimiter,
}

/// An on-demand query of one metric over any time range, up to 1,440 data points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatisticsQuery {
    /// CloudWatch namespace.
    pub namespace: String,
    /// Name of the metric.
    pub metric: String,
    /// Exact dimensions.
    pub dimensions: Dimensions,
    /// Statistics; either named ones or percentiles.
    pub statistics: Vec<Statistic>,
    /// Length of a period.
    #[serde(rename = "period_seconds")]
    pub period: Period,
    /// Inclusive.
    pub start: Timestamp,
    /// Exclusive.
    pub end: Timestamp,
}

impl CloudWatch {
    /// Creates the client with the credentials and Region of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
            get_metric_data: RateLimiter::new(50, 50),
            list_metrics: RateLimiter::new(25, 25),
        }
    }

    /// Runs all queries over the whole window (`GetMetricData`, in batches of 500, every page) and
    /// passes each result on, in the order of the queries. Each query ends as a [`Reading`]; a
    /// failure affects only the queries it concerns. Returns the faults that belong to no query:
    /// unknown ids, and messages about a whole call.
    pub async fn get_metric_data(
        &self,
        queries: &[MetricQuery],
        window: &Window,
        mut each: impl FnMut(&MetricQuery, Reading),
    ) -> Vec<Fault> {
        let call = |(number, batch): (usize, &[MetricQuery])| {
            let longest = batch.iter().map(|query| query.period).max().unwrap_or(window.period);
            let first = number * QUERIES_PER_CALL;
            let queries = (first..first + batch.len()).collect();
            Batch { start: window.in_periods(longest).start, queries }
        };
        let calls = queries.chunks(QUERIES_PER_CALL).enumerate().map(call).collect();
        let mut faults = Vec::new();
        self.ask_all(queries, calls, window.end, &mut faults, |place, reading| {
            each(&queries[place], reading);
        })
        .await;
        faults
    }

    /// Like [`Self::get_metric_data`], but each query has its own start; all end at `end`. Results
    /// are passed on with the index of their query. Queries with the same start share calls.
    pub async fn get_metric_data_from(
        &self,
        queries: &[MetricQuery],
        starts: &[Timestamp],
        end: Timestamp,
        mut each: impl FnMut(usize, Reading),
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        for Segment { ahead, in_order } in segments(starts) {
            let mut waiting = BTreeMap::new();
            self.ask_all(queries, ahead, end, &mut faults, |place, reading| {
                waiting.insert(place, reading);
            })
            .await;
            self.ask_all(queries, in_order, end, &mut faults, |place, reading| {
                while let Some(first) = waiting.first_entry().filter(|first| *first.key() < place) {
                    let (earlier, reading) = first.remove_entry();
                    each(earlier, reading);
                }
                each(place, reading);
            })
            .await;
            waiting.into_iter().for_each(|(place, reading)| each(place, reading));
        }
        faults
    }

    /// Makes the calls, several at once, and passes their results on in order.
    async fn ask_all(
        &self,
        queries: &[MetricQuery],
        calls: Vec<Batch>,
        end: Timestamp,
        faults: &mut Vec<Fault>,
        mut each: impl FnMut(usize, Reading),
    ) {
        let calls: Vec<_> = calls.into_iter().map(|batch| self.ask_batch(queries, batch, end)).collect();
        // In order, and dropped batch by batch, so that memory never holds the results of all
        // clusters at once.
        let mut finished = stream::iter(calls).buffered(AT_ONCE);
        while let Some((batch, readings, some_faults)) = finished.next().await {
            batch.queries.into_iter().zip(readings).for_each(|(place, reading)| each(place, reading));
            faults.extend(some_faults);
        }
    }

    async fn ask_batch(
        &self,
        queries: &[MetricQuery],
        batch: Batch,
        end: Timestamp,
    ) -> (Batch, Vec<Reading>, Vec<Fault>) {
        let mut gather = Gather::new(batch.queries.iter().map(|place| queries[*place].period));
        let (messages, ended_by) = match self.ask_pages(queries, &batch, end, &mut gather).await {
            Ok(messages) => (messages, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let (readings, mut faults) = gather.finish(ended_by.as_ref());
        faults.extend(messages);
        (batch, readings, faults)
    }

    async fn ask_pages(
        &self,
        queries: &[MetricQuery],
        batch: &Batch,
        end: Timestamp,
        gather: &mut Gather,
    ) -> Result<Vec<Fault>, Fault> {
        const OPERATION: Operation = Operation::CloudwatchGetMetricData;
        let mut messages = Vec::new();
        let mut token: Option<String> = None;
        let mut pages = Pages::of(OPERATION, "");
        loop {
            self.get_metric_data.ready().await;
            // Rebuilt for each further page, which is rare: keeping it would hold every query in
            // memory twice.
            let page = self.request(queries, batch, end).set_next_token(token.clone()).send().await;
            let GetMetricDataOutput { metric_data_results, next_token, messages: page_messages, .. } =
                page.map_err(|error| fault(OPERATION, "", &error))?;
            let results = metric_data_results.unwrap_or_default();
            // Checked after the page is added: a finished series is complete, whatever later pages
            // hold.
            let next = pages.next(results.iter().map(points_of), next_token.as_deref());
            results.into_iter().for_each(|result| gather.add(from_sdk_result(result)));
            messages.extend(
                page_messages.unwrap_or_default().iter().map(|message| about_the_call(OPERATION, message)),
            );
            token = next?;
            if token.is_none() {
                return Ok(messages);
            }
        }
    }

    fn request(&self, queries: &[MetricQuery], batch: &Batch, end: Timestamp) -> GetMetricDataFluentBuilder {
        let asked = batch.queries.iter().enumerate();
        let asked = asked.flat_map(|(i, place)| to_sdk_queries(i, &queries[*place]));
        self.client
            .get_metric_data()
            .set_metric_data_queries(Some(asked.collect()))
            .start_time(to_sdk_time(batch.start))
            .end_time(to_sdk_time(end))
    }

    /// Lists the metrics of a name that had data in the last three hours (`ListMetrics` with
    /// `RecentlyActive`, every page). A new metric may take 15 minutes to be listed.
    pub async fn list_active_metrics(&self, namespace: &str, name: &str) -> Result<Vec<Metric>, Fault> {
        self.list_active(namespace, Some(name)).await
    }

    /// Lists all metrics of a namespace that had data in the last three hours.
    pub async fn list_active_namespace(&self, namespace: &str) -> Result<Vec<Metric>, Fault> {
        self.list_active(namespace, None).await
    }

    async fn list_active(&self, namespace: &str, name: Option<&str>) -> Result<Vec<Metric>, Fault> {
        const OPERATION: Operation = Operation::CloudwatchListMetrics;
        let (mut metrics, mut token) = (Vec::new(), None);
        let subject = format!("{namespace} {}", name.unwrap_or("*"));
        let mut pages = Pages::of(OPERATION, &subject);
        loop {
            self.list_metrics.ready().await;
            let request = self.client.list_metrics().namespace(namespace);
            let request = request
                .set_metric_name(name.map(ToOwned::to_owned))
                .recently_active(RecentlyActive::Pt3H)
                .set_next_token(token.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, &subject, &error))?;
            let first = metrics.len();
            metrics.extend(page.metrics().iter().map(from_sdk_metric));
            token = pages.next(&metrics[first..], page.next_token())?;
            if token.is_none() {
                return Ok(metrics);
            }
        }
    }

    /// Runs an on-demand query (`GetMetricStatistics`); returns one series per requested statistic.
    pub async fn get_metric_statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<BTreeMap<Statistic, MetricSeries>, Fault> {
        const OPERATION: Operation = Operation::CloudwatchGetMetricStatistics;
        let mut request = self
            .client
            .get_metric_statistics()
            .namespace(&query.namespace)
            .metric_name(&query.metric)
            .set_dimensions(Some(to_sdk_dimensions(&query.dimensions)))
            .start_time(to_sdk_time(query.start))
            .end_time(to_sdk_time(query.end))
            .period(i32::try_from(query.period.seconds()).unwrap_or(i32::MAX));
        for statistic in &query.statistics {
            request = match statistic {
                Statistic::Percentile(percentile) => request.extended_statistics(percentile),
                named => request.statistics(SdkStatistic::from(named.as_str())),
            };
        }
        let subject = format!("{} {} {}", query.namespace, query.metric, query.dimensions);
        let answer = request.send().await.map_err(|error| fault(OPERATION, &subject, &error))?;
        let mut series: BTreeMap<Statistic, Vec<Datapoint>> =
            query.statistics.iter().map(|statistic| (statistic.clone(), Vec::new())).collect();
        for point in answer.datapoints() {
            let timestamp =
                point.timestamp().map(DateTime::secs).and_then(|second| Timestamp::from_second(second).ok());
            let timestamp = timestamp
                .ok_or_else(|| Fault::malformed(OPERATION, &subject, "a data point without a timestamp"))?;
            for (statistic, points) in &mut series {
                let value = match statistic {
                    Statistic::Average => point.average(),
                    Statistic::Maximum => point.maximum(),
                    Statistic::Minimum => point.minimum(),
                    Statistic::SampleCount => point.sample_count(),
                    Statistic::Sum => point.sum(),
                    Statistic::Percentile(name) => {
                        point.extended_statistics().and_then(|values| values.get(name)).copied()
                    }
                };
                points.extend(value.map(|value| Datapoint { timestamp, value }));
            }
        }
        Ok(series.into_iter().map(|(statistic, points)| (statistic, MetricSeries::new(points))).collect())
    }
}

fn about_the_call(operation: Operation, message: &MessageData) -> Fault {
    Fault {
        operation,
        subject: String::new(),
        kind: FaultKind::Transient,
        code: message.code().unwrap_or("message").to_owned(),
        message: message.value().unwrap_or_default().to_owned(),
    }
}

/// A metric, or its use in percent of a quota: a call can hold half as many of these.
fn to_sdk_queries(index: usize, query: &MetricQuery) -> Vec<MetricDataQuery> {
    if query.metric.name != PERCENT_OF_QUOTA {
        return vec![to_sdk_query(index, query)];
    }
    let used = Metric { name: RESOURCE_COUNT.into(), ..query.metric.clone() };
    let mut used = to_sdk_query(index, &MetricQuery { metric: used, ..query.clone() });
    let id = format!("u{index}");
    (used.id, used.return_data) = (Some(id.clone()), Some(false));
    let percent = MetricDataQuery::builder().id(query_id(index)).label(LABEL);
    let percent = percent.expression(format!("100*{id}/SERVICE_QUOTA({id})")).build();
    vec![used, percent]
}

fn to_sdk_query(index: usize, query: &MetricQuery) -> MetricDataQuery {
    let metric = SdkMetric::builder()
        .namespace(query.metric.namespace.as_ref())
        .metric_name(query.metric.name.as_ref())
        .set_dimensions(Some(to_sdk_dimensions(&query.metric.dimensions)))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(i32::try_from(query.period.seconds()).unwrap_or(i32::MAX))
        .stat(query.statistic.as_str())
        .build();
    // No code reads the label, and CloudWatch would generate a long one from the metric's
    // dimensions.
    MetricDataQuery::builder().id(query_id(index)).label(LABEL).metric_stat(stat).build()
}

fn to_sdk_dimensions(dimensions: &Dimensions) -> Vec<Dimension> {
    dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect()
}

fn to_sdk_time(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.as_second())
}

fn from_sdk_metric(metric: &SdkMetric) -> Metric {
    let pair =
        |d: &Dimension| (d.name().unwrap_or_default().to_owned(), d.value().unwrap_or_default().to_owned());
    Metric {
        namespace: metric.namespace().unwrap_or_default().to_owned().into(),
        name: metric.metric_name().unwrap_or_default().to_owned().into(),
        dimensions: Dimensions::new(metric.dimensions().iter().map(pair)),
    }
}

/// Identifies a page's part of one query's result: if it is repeated, the page brings nothing new.
fn points_of(result: &MetricDataResult) -> (Option<&str>, Option<&str>, Vec<i64>) {
    let times = result.timestamps().iter().map(DateTime::secs).collect();
    (result.id(), result.status_code().map(StatusCode::as_str), times)
}

fn from_sdk_result(result: MetricDataResult) -> PageResult {
    let status = match result.status_code {
        Some(StatusCode::Complete) => ResultStatus::Complete,
        Some(StatusCode::PartialData) => ResultStatus::PartialData,
        Some(StatusCode::InternalError) => ResultStatus::InternalError,
        Some(StatusCode::Forbidden) => ResultStatus::Forbidden,
        Some(other) => ResultStatus::Other(other.as_str().to_owned()),
        None => ResultStatus::Other("no status".to_owned()),
    };
    let text = |message: MessageData| {
        let (code, value) = (message.code.unwrap_or_default(), message.value.unwrap_or_default());
        format!("{code}: {value}")
    };
    PageResult {
        id: result.id.unwrap_or_default(),
        timestamps: result.timestamps.unwrap_or_default().iter().map(DateTime::secs).collect(),
        values: result.values.unwrap_or_default(),
        status,
        messages: result.messages.unwrap_or_default().into_iter().map(text).collect(),
    }
}
