//! CloudWatch as a source: which metrics to request, and which reading a rule takes from the
//! answers. EKS samples are stored in a snapshot in the same form as CloudWatch's answers.

use std::borrow::Cow;

use super::{load_balancers, not_queried};
use crate::evidence::inventory::ClusterEntry;
use crate::model::catalogue::CatalogueMetric;
use crate::model::metric::MetricQuery;
use crate::model::run::Run;
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, KUBERNETES, Measure, MissingData, Sampled, Source};

/// The CloudWatch queries for a rule on one subject with this source: none, one metric, or the two
/// of a derived value.
pub fn queries(
    rule: &AlarmRule,
    subject: &Subject,
    source: Source,
    entry: &ClusterEntry,
) -> Vec<MetricQuery> {
    let query = |metric| MetricQuery { metric, statistic: rule.statistic.clone(), period: rule.period };
    match (&rule.measure, source) {
        (Measure::Custom(custom), _) => vec![query(custom.of(subject))],
        (_, Source::LoadBalancer(figure)) => load_balancers::queries(figure, rule, subject, entry),
        _ => source.metrics().filter_map(|metric| metric.of(subject)).map(query).collect(),
    }
}

impl AlarmRule {
    /// The reading that the rule evaluates, if it comes from lines of a snapshot: `answers` are
    /// those of one subject.
    pub fn reading<'a>(&self, answers: &'a [(MetricQuery, Reading)]) -> Option<Cow<'a, Reading>> {
        let answer = |metric: &'static CatalogueMetric| {
            let found = answers.iter().find(|(query, _)| self.requests(metric, query));
            found.map_or_else(
                || Cow::Owned(Reading::Unread(not_queried(metric.name))),
                |(_, r)| Cow::Borrowed(r),
            )
        };
        match self.sources().find(|source| !matches!(source, Source::EcsApi(_)))? {
            Source::Metric(metric) => Some(answer(metric)),
            Source::Derived { formula, first, second } => {
                Some(Cow::Owned(formula.derive(&answer(first), &answer(second))))
            }
            Source::Sampled(sampled) => {
                let found = answers.iter().find(|(query, _)| self.samples(sampled, query));
                let unread = || Cow::Owned(Reading::Unread(not_queried(self.measure.label())));
                Some(found.map_or_else(unread, |(_, reading)| Cow::Borrowed(reading)))
            }
            Source::EcsApi(_)
            | Source::Custom
            | Source::LogsInsights
            | Source::TaskEvents(_)
            | Source::LoadBalancer(_)
            | Source::Quota(_) => None,
        }
    }

    /// Whether the rule may find the subject in ALARM in this run; `answers` are those of the
    /// subject. May be true for a subject that is OK.
    pub fn may_alarm(&self, answers: &[(MetricQuery, Reading)], run: &Run) -> bool {
        let window = run.window_of(self.range()).in_periods(self.period);
        let reading = self.reading(answers);
        let series = reading.as_deref().and_then(Reading::series);
        // With `ignore`, an alarm without points stays active.
        let stays = self.condition.treat_missing_data == MissingData::Ignore;
        series.is_some_and(|series| {
            (stays && series.points().is_empty())
                || !self.condition.surely_ok(series, &series.requested_window(&window))
        })
    }

    /// Whether this rule makes this query of the metric, whatever the subject.
    fn requests(&self, metric: &CatalogueMetric, query: &MetricQuery) -> bool {
        query.metric.name == metric.name
            && query.metric.namespace == metric.namespace
            && query.period == self.period
            && query.statistic == self.statistic
    }

    /// Whether the line holds the samples that this rule evaluates.
    fn samples(&self, sampled: Sampled, query: &MetricQuery) -> bool {
        query.metric.namespace == KUBERNETES
            && query.metric.name == sampled.metric
            && query.statistic == self.statistic
    }
}
