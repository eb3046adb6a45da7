//! Load balancers as a source: the metrics of a service's target groups, and the reading of a
//! figure from them.
//!
//! Each metric has its own rule for gaps (Elastic Load Balancing User Guide, "CloudWatch metrics
//! for your Application Load Balancer", reporting criteria): errors are published only if there are
//! some, so that none are zero as long as requests are known; a response time only if there were
//! requests; hosts only while targets are registered.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::evidence::inventory::ClusterEntry;
use crate::model::fault::Fault;
use crate::model::load_balancer::{LoadBalancing, Route, TargetGroup};
use crate::model::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::subject::Subject;
use crate::rules::{AlarmRule, BalancerFigure, BalancerInput, BalancerMetric, Comparison, Condition};

use super::not_queried;

/// What is in front of a service, if it has been described.
pub fn of_service<'a>(subject: &Subject, entry: &'a ClusterEntry) -> Option<&'a LoadBalancing> {
    Some(&entry.setup(subject.service()?)?.load_balancing)
}

/// Whether something may be in front of a service of which nothing is known yet.
pub fn may_be_unknown(subject: &Subject, entry: &ClusterEntry) -> bool {
    let is_unknown = |group: &TargetGroup| group.balancer.is_none();
    of_service(subject, entry).is_none_or(|balancing| balancing.groups().any(is_unknown))
}

/// Whether a figure exists for a service.
pub fn has(figure: BalancerFigure, subject: &Subject, entry: &ClusterEntry) -> bool {
    let suits = |group: &TargetGroup| {
        group.balancer.as_ref().is_some_and(|balancer| figure.exists_for(balancer.kind()))
    };
    of_service(subject, entry).is_some_and(|balancing| balancing.groups().any(suits))
}

/// The queries of a rule for a service.
pub fn queries(
    figure: BalancerFigure,
    rule: &AlarmRule,
    subject: &Subject,
    entry: &ClusterEntry,
) -> Vec<MetricQuery> {
    let groups = of_service(subject, entry).into_iter().flat_map(LoadBalancing::groups);
    let inputs = figure.inputs(rule);
    let of_group = |group: &TargetGroup| -> Vec<MetricQuery> {
        let query = |input: &BalancerMetric| query(figure, group, input, rule.period);
        inputs.iter().filter_map(query).collect()
    };
    groups.flat_map(of_group).collect()
}

/// The queries of a rule for a service that may show an alarm, with the condition that each must
/// meet for it at least. May be true for a service that is OK: any error may be too many.
pub fn watched(
    figure: BalancerFigure,
    rule: &AlarmRule,
    subject: &Subject,
    entry: &ClusterEntry,
) -> Vec<(MetricQuery, Condition)> {
    let any = Condition { comparison: Comparison::GreaterThanThreshold, threshold: 0.0, ..rule.condition };
    let groups = || of_service(subject, entry).into_iter().flat_map(LoadBalancing::groups);
    let inputs = figure.inputs(rule);
    let inputs = inputs.iter().filter_map(|input| match (input.input, figure) {
        // Hosts are added up over target groups.
        (BalancerInput::Errors, _) | (BalancerInput::Value, BalancerFigure::UnhealthyHosts) => {
            Some((input, any))
        }
        (BalancerInput::Requests, BalancerFigure::Http5xxPercent | BalancerFigure::ResponseTime) => None,
        (BalancerInput::Requests | BalancerInput::Value, _) => Some((input, rule.condition)),
    });
    let of_input = |(input, condition)| {
        groups()
            .filter_map(move |group| Some((query(figure, group, input, rule.period)?, condition)))
            .collect::<Vec<_>>()
    };
    inputs.flat_map(of_input).collect()
}

/// The query of one metric of a target group; `None` without a load balancer that publishes it.
fn query(
    figure: BalancerFigure,
    group: &TargetGroup,
    input: &BalancerMetric,
    period: Period,
) -> Option<MetricQuery> {
    let balancer = group.balancer.as_ref().filter(|balancer| figure.exists_for(balancer.kind()))?;
    let dimensions = [("LoadBalancer", balancer.as_str()), ("TargetGroup", group.name.as_str())];
    let metric = Metric {
        namespace: balancer.kind().namespace().into(),
        name: input.name.into(),
        dimensions: Dimensions::new(dimensions),
    };
    Some(MetricQuery { metric, statistic: input.statistic.clone(), period })
}

/// Requests and errors of one period.
#[derive(Debug, Clone, Copy, Default)]
struct Traffic {
    requests: f64,
    errors: f64,
}

/// What was read of one target group.
#[derive(Debug, Default)]
struct Seen {
    traffic: BTreeMap<Timestamp, Traffic>,
    values: BTreeMap<Timestamp, f64>,
    /// Start of the requested range.
    from: Option<Timestamp>,
}

/// The reading of a figure of a service. `answer` returns the answer to a query of
/// [`queries`].
///
/// The two target groups of a blue/green deployment share the production traffic while it is
/// shifted. If test traffic may reach one of them, the one with more requests in a period takes the
/// production traffic, and errors of the other one do not count.
pub fn reading(
    figure: BalancerFigure,
    rule: &AlarmRule,
    balancing: &LoadBalancing,
    answer: impl Fn(&MetricQuery) -> Option<Reading>,
) -> Reading {
    let mut parts = Parts { figure, rule, answer, fault: None, from: None };
    let mut whole: BTreeMap<Timestamp, Traffic> = BTreeMap::new();
    let mut values: BTreeMap<Timestamp, f64> = BTreeMap::new();
    for route in &balancing.routes {
        let Some(seen) = parts.route(route) else {
            return Reading::Unread(parts.fault.unwrap_or_else(|| not_queried(rule.measure.label())));
        };
        for (at, traffic) in seen.traffic {
            let sum = whole.entry(at).or_default();
            sum.requests += traffic.requests;
            sum.errors += traffic.errors;
        }
        for (at, value) in seen.values {
            values
                .entry(at)
                .and_modify(|known| *known = combined(figure, rule, *known, value))
                .or_insert(value);
        }
    }
    let least = rule.minimum_samples.map_or(0.0, f64::from);
    let is_enough = |traffic: &Traffic| traffic.requests > 0.0 && traffic.requests >= least;
    let points: Vec<Datapoint> = match figure {
        BalancerFigure::Requests => {
            whole.iter().map(|(at, traffic)| Datapoint { timestamp: *at, value: traffic.requests }).collect()
        }
        BalancerFigure::Http5xxPercent => whole
            .iter()
            .filter(|(_, traffic)| is_enough(traffic))
            // Both counts are sums of the same requests, but not always of the same instant.
            .map(|(at, one)| (at, (100.0 * one.errors / one.requests).min(100.0)))
            .map(|(at, value)| Datapoint { timestamp: *at, value })
            .collect(),
        BalancerFigure::ResponseTime | BalancerFigure::UnhealthyHosts => {
            values.iter().map(|(at, value)| Datapoint { timestamp: *at, value: *value }).collect()
        }
    };
    // A sum over several groups of which one is incomplete is no sum.
    if let Some(fault) = parts.fault.take_if(|_| balancing.groups().count() > 1) {
        return Reading::Unread(fault);
    }
    let series = MetricSeries::new(points);
    let series = parts.from.into_iter().fold(series, MetricSeries::requested_from);
    match parts.fault {
        None => Reading::Complete(series),
        Some(fault) => Reading::Partial(series, fault),
    }
}

/// The value of two groups: hosts are added up, and of times the worse counts.
fn combined(figure: BalancerFigure, rule: &AlarmRule, known: f64, value: f64) -> f64 {
    match figure {
        BalancerFigure::UnhealthyHosts => known + value,
        _ => rule.condition.comparison.worse(known, value),
    }
}

impl Seen {
    /// Both groups of a blue/green deployment: together, or in each period the one with more
    /// requests if test traffic may reach the other one.
    fn joined(self, other: &Self, is_tested: bool, combine: impl Fn(f64, f64) -> f64) -> Self {
        let mut joined = Self { from: self.from.max(other.from), ..Self::default() };
        let both = [&self, other];
        let instants = both.into_iter().flat_map(|seen| seen.traffic.keys().chain(seen.values.keys()));
        for at in instants.copied().collect::<BTreeSet<Timestamp>>() {
            let requests = both.map(|seen| seen.traffic.get(&at).map_or(0.0, |traffic| traffic.requests));
            let counts = match (is_tested, requests[0].total_cmp(&requests[1])) {
                (true, Ordering::Greater) => &both[..1],
                (true, Ordering::Less) => &both[1..],
                _ => &both[..],
            };
            for seen in counts {
                if let Some(traffic) = seen.traffic.get(&at) {
                    let sum = joined.traffic.entry(at).or_default();
                    sum.requests += traffic.requests;
                    sum.errors += traffic.errors;
                }
                if let Some(value) = seen.values.get(&at) {
                    joined
                        .values
                        .entry(at)
                        .and_modify(|known| *known = combine(*known, *value))
                        .or_insert(*value);
                }
            }
        }
        joined
    }
}

/// The answers of a rule for one service, being combined.
struct Parts<'a, A> {
    figure: BalancerFigure,
    rule: &'a AlarmRule,
    answer: A,
    /// The first fault.
    fault: Option<Fault>,
    /// Start of the requested range of all groups.
    from: Option<Timestamp>,
}

impl<A: Fn(&MetricQuery) -> Option<Reading>> Parts<'_, A> {
    /// What was read of a route; `None` if a metric could not be read.
    fn route(&mut self, route: &Route) -> Option<Seen> {
        let one = self.group(&route.group)?;
        let Some(alternate) = &route.alternate else { return Some(one) };
        let other = self.group(alternate)?;
        let has_tests = matches!(self.figure, BalancerFigure::Http5xxPercent | BalancerFigure::ResponseTime);
        let (figure, rule) = (self.figure, self.rule);
        let combine = |known, value| combined(figure, rule, known, value);
        Some(one.joined(&other, route.is_tested && has_tests, combine))
    }

    /// What was read of a target group; empty if nothing publishes the figure for it.
    fn group(&mut self, group: &TargetGroup) -> Option<Seen> {
        let mut seen = Seen::default();
        let inputs = self.figure.inputs(self.rule);
        let readings: Vec<(BalancerInput, Reading)> = inputs
            .iter()
            .filter_map(|input| Some((input.input, query(self.figure, group, input, self.rule.period)?)))
            .map(|(input, query)| {
                let unread = || Reading::Unread(not_queried(&query.metric.name));
                (input, (self.answer)(&query).unwrap_or_else(unread))
            })
            .collect();
        let of = |wanted: BalancerInput| {
            readings.iter().find(|(input, _)| *input == wanted).map(|(_, reading)| reading)
        };
        for (_, reading) in &readings {
            self.fault = self.fault.take().or_else(|| reading.fault().cloned());
            let series = reading.series()?;
            seen.from = seen.from.max(series.from());
        }
        self.from = self.from.max(seen.from);
        let points =
            |input| of(input).and_then(Reading::series).map(MetricSeries::points).unwrap_or_default();
        for point in points(BalancerInput::Requests) {
            seen.traffic.entry(point.timestamp).or_default().requests = point.value;
        }
        // Where errors were not read in full, a period without any may have had some.
        if let Some(Reading::Partial(errors, _)) = of(BalancerInput::Errors) {
            seen.traffic.retain(|at, _| errors.at(*at).is_some());
        }
        for point in points(BalancerInput::Errors) {
            seen.traffic.entry(point.timestamp).or_default().errors = point.value;
        }
        // Of several groups, one counts only if enough requests reached it.
        let least = self.rule.minimum_samples.map_or(0.0, f64::from);
        let is_enough = |at| least == 0.0 || seen.traffic.get(&at).is_some_and(|one| one.requests >= least);
        let values = points(BalancerInput::Value).iter().filter(|point| is_enough(point.timestamp));
        let values: Vec<_> = values.map(|point| (point.timestamp, point.value)).collect();
        seen.values.extend(values);
        Some(seen)
    }
}

/// What the load balancers of a service show in the newest period with requests of each target
/// group: `Target group web of load balancer edge: 31 of 240 requests were answered with 5XX at
/// 10:04 UTC, 2 targets are unhealthy.` `None` if nothing is known.
pub fn said<'a>(
    rule: &AlarmRule,
    balancing: &LoadBalancing,
    answer: impl Fn(&MetricQuery) -> Option<&'a Reading>,
) -> Option<String> {
    let sentences: Vec<String> =
        balancing.groups().filter_map(|group| said_of(rule, group, &answer)).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn said_of<'a>(
    rule: &AlarmRule,
    group: &TargetGroup,
    answer: impl Fn(&MetricQuery) -> Option<&'a Reading>,
) -> Option<String> {
    let balancer = group.balancer.as_ref()?;
    let points = |figure: BalancerFigure, input: &BalancerMetric| {
        let query = query(figure, group, input, rule.period)?;
        Some(answer(&query)?.series()?.points())
    };
    let of = |figure: BalancerFigure, wanted: BalancerInput| {
        let inputs = figure.inputs(rule);
        points(figure, inputs.iter().find(|one| one.input == wanted)?)
    };
    let mut parts = Vec::new();
    let requests = of(BalancerFigure::Requests, BalancerInput::Requests).unwrap_or_default();
    // A group without any takes no production traffic.
    if let Some(newest) = requests.iter().rfind(|point| point.value > 0.0) {
        let at = newest.timestamp.strftime("%H:%M UTC");
        let errors = of(BalancerFigure::Http5xxPercent, BalancerInput::Errors);
        let errors = errors.map(|points| points.iter().find(|point| point.timestamp == newest.timestamp));
        parts.push(match errors {
            Some(errors) => {
                let errors = errors.map_or(0.0, |point| point.value);
                format!("{errors} of {} requests were answered with 5XX at {at}", newest.value)
            }
            None => format!("{} requests at {at}", newest.value),
        });
    }
    let unhealthy = of(BalancerFigure::UnhealthyHosts, BalancerInput::Value).and_then(|points| points.last());
    parts.extend(unhealthy.filter(|point| point.value > 0.0).map(|point| match point.value {
        1.0 => "1 target is unhealthy".to_owned(),
        n => format!("{n} targets are unhealthy"),
    }));
    let place = format!("Target group {} of load balancer {}", group.short_name(), balancer.name());
    (!parts.is_empty()).then(|| format!("{place}: {}.", parts.join(", ")))
}

/// The queries of a report for a service: what each kind of load balancer publishes. Network Load
/// Balancers have neither requests nor response times.
pub fn report_queries(balancing: &LoadBalancing, period: Period) -> Vec<MetricQuery> {
    let figures = [
        (BalancerFigure::Requests, "RequestCount", Statistic::Sum),
        (BalancerFigure::Http5xxPercent, "HTTPCode_Target_5XX_Count", Statistic::Sum),
        (BalancerFigure::ResponseTime, "TargetResponseTime", BalancerFigure::ResponseTime.statistic()),
        (BalancerFigure::UnhealthyHosts, "UnHealthyHostCount", Statistic::Maximum),
    ];
    let of_group = |group: &TargetGroup| -> Vec<MetricQuery> {
        let metric = |(figure, name, statistic): &(BalancerFigure, &'static str, Statistic)| {
            let input = BalancerMetric { input: BalancerInput::Value, name, statistic: statistic.clone() };
            query(*figure, group, &input, period)
        };
        figures.iter().filter_map(metric).collect()
    };
    balancing.groups().flat_map(of_group).collect()
}
