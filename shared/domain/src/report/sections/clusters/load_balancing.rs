//! What the load balancers in front of a service show.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::load_balancer::{Balancer, BalancerKind, LoadBalancing, TargetGroup};
use crate::model::metric::MetricQuery;
use crate::model::series::Reading;
use crate::model::window::Window;
use crate::report::measured::figures::{Answer, newest, points, whole};
use crate::text::Text;
use crate::text::words::count;

/// Load balancers in front of a service, and what they show over the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LoadBalancingReport {
    /// Names of its Application and Network Load Balancers, each once.
    pub load_balancers: Vec<Text>,
    /// Names of its target groups, with the alternate ones of blue/green deployments.
    pub target_groups: Vec<Text>,
    /// Names of target groups to which no load balancer is known to route, so that nothing is known
    /// about them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_load_balancer: Vec<Text>,
    /// Target groups of VPC Lattice, by id; their metrics are not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lattice: Vec<Text>,
    /// Names of Classic Load Balancers; their metrics are not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classic: Vec<Text>,
    /// Whether any of them has requests and status codes. Network Load Balancers do not.
    pub has_http: bool,
    /// The result of the queries.
    pub answer: Answer,
    /// Requests over the window; absent if unknown or without HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Requests that its targets answered with 5XX; absent if unknown or without HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors_5xx: Option<u64>,
    /// Highest p99 of the response time in a period, in seconds; absent without requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_seconds: Option<f64>,
    /// Targets that fail their health check now, over all target groups; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy: Option<u32>,
    /// Most unhealthy targets of one target group in a period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_unhealthy: Option<u32>,
}

impl LoadBalancingReport {
    /// What is in front of a service, without figures; `None` if nothing is.
    pub(crate) fn of(balancing: &LoadBalancing) -> Option<Self> {
        if balancing.is_empty() {
            return None;
        }
        let texts = |names: BTreeSet<&str>| names.into_iter().map(Text::new).collect::<Vec<_>>();
        let balancers = || balancing.groups().filter_map(|group| group.balancer.as_ref());
        let unknown = balancing.groups().filter(|group| group.balancer.is_none());
        Some(Self {
            load_balancers: texts(balancers().map(Balancer::name).collect()),
            target_groups: texts(balancing.groups().map(TargetGroup::short_name).collect()),
            without_load_balancer: texts(unknown.map(TargetGroup::short_name).collect()),
            lattice: texts(balancing.lattice.iter().map(String::as_str).collect()),
            classic: texts(balancing.classic.iter().map(String::as_str).collect()),
            has_http: balancers().any(|balancer| balancer.kind() == BalancerKind::Application),
            ..Self::default()
        })
    }

    /// Takes the reading of a metric of one of its target groups.
    pub(crate) fn take(&mut self, query: &MetricQuery, reading: &Reading, window: &Window) {
        let points = points(reading);
        let sum = || points.iter().map(|point| point.value).filter(|value| value.is_finite()).sum::<f64>();
        let is_read = reading.fault().is_none();
        match query.metric.name.as_ref() {
            // No request at all is published as nothing.
            "RequestCount" if is_read || !points.is_empty() => add(&mut self.requests, sum()),
            // An error is published only if there is one.
            "HTTPCode_Target_5XX_Count" if is_read || !points.is_empty() => add(&mut self.errors_5xx, sum()),
            "TargetResponseTime" => {
                let slowest = points.iter().map(|point| point.value).max_by(f64::total_cmp);
                self.p99_seconds = self.p99_seconds.into_iter().chain(slowest).max_by(f64::total_cmp);
            }
            "UnHealthyHostCount" => {
                let now = newest(points, window);
                self.unhealthy = self.unhealthy.map_or(now, |known| Some(known + now.unwrap_or(0)));
                let most = points.iter().map(|point| point.value).max_by(f64::total_cmp).and_then(whole);
                self.most_unhealthy = self.most_unhealthy.max(most);
            }
            _ => {}
        }
        // No data is an answer: nothing happened.
        let answer = match Answer::of(reading) {
            Answer::NoData => Answer::Known,
            other => other,
        };
        self.answer = self.answer.and(answer);
    }

    /// 5XX answers in percent of the requests; `None` if either is not known in full or nothing was
    /// requested.
    #[expect(clippy::cast_precision_loss, reason = "requests of a day are far below 2^53")]
    pub fn percent_5xx(&self) -> Option<f64> {
        let requests = self.requests.filter(|requests| *requests > 0 && self.answer == Answer::Known);
        let (errors, requests) = (self.errors_5xx?, requests?);
        Some((100.0 * errors as f64 / requests as f64).min(100.0))
    }

    /// `12300 requests, 1.2 % 5XX, p99 up to 0.34 s, 2 targets unhealthy`.
    pub(crate) fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if let Some(requests) = self.requests.filter(|_| self.has_http) {
            parts.push(count(usize::try_from(requests).unwrap_or(usize::MAX), "request"));
        }
        parts.extend(self.percent_5xx().map(|percent| format!("{percent:.1} % 5XX")));
        parts.extend(self.p99_seconds.map(|seconds| format!("p99 up to {}", seconds_in_words(seconds))));
        parts.extend(self.unhealthy.map(|unhealthy| match unhealthy {
            1 => "1 target unhealthy".to_owned(),
            n => format!("{n} targets unhealthy"),
        }));
        parts.extend(self.unread());
        if parts.is_empty() { format!("requests {}", self.answer.words()) } else { parts.join(", ") }
    }

    /// What is in front of the service and is not read, in words.
    pub(crate) fn unread(&self) -> Option<String> {
        let list = |names: &[Text]| names.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        if !self.without_load_balancer.is_empty() {
            parts.push(format!(
                "no load balancer known for target group {}",
                list(&self.without_load_balancer)
            ));
        }
        if !self.lattice.is_empty() {
            parts.push(format!("VPC Lattice {} not read", list(&self.lattice)));
        }
        if !self.classic.is_empty() {
            parts.push(format!("Classic Load Balancer {} not read", list(&self.classic)));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// `0.34 s`, `12 s`, `340 ms`.
pub(crate) fn seconds_in_words(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{seconds:.0} s")
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn add(to: &mut Option<u64>, value: f64) {
    *to = Some(to.unwrap_or(0).saturating_add(value.max(0.0).round() as u64));
}
