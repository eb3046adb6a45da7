//! What a rule sees of a subject: the one reading that it is judged on.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::alarm::Mute;
use crate::catalogue::CatalogueMetric;
use crate::deployment::DeploymentState;
use crate::fault::Fault;
use crate::inventory::ServiceState;
use crate::metric::MetricQuery;
use crate::operation::Operation;
use crate::rule::{AlarmRule, KUBERNETES, KubernetesMeasure, Measure, MissingData};
use crate::run::Run;
use crate::series::{Datapoint, MetricSeries, Reading};
use crate::status::ServiceStatus;
use crate::window::Window;

/// How long a new service may take to start its first task before "nothing runs" counts; and how long a deployment that
/// goes well may leave nothing running.
const START_UP: SignedDuration = SignedDuration::from_mins(10);

/// How long a deployment that goes well keeps the other rules quiet.
const LONGEST_DEPLOYMENT: SignedDuration = SignedDuration::from_hours(1);

/// How long each minute must have had a point of a service, or the service counts as silent, where no earlier run says
/// from when on.
pub const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Most characters of a sentence of ECS that a notice repeats.
const LONGEST_REASON: usize = 300;

impl AlarmRule {
    /// The reading that the rule is judged on, if the catalogue's metrics tell: `answers` are those about one subject.
    pub fn reading<'a>(&self, answers: &'a [(MetricQuery, Reading)]) -> Option<Cow<'a, Reading>> {
        let answer = |metric: &'static CatalogueMetric| {
            let found = answers.iter().find(|(query, _)| self.asks(metric, query));
            found.map_or_else(
                || Cow::Owned(Reading::Unread(not_asked(metric.name))),
                |(_, r)| Cow::Borrowed(r),
            )
        };
        match self.measure {
            Measure::Metric(metric) => Some(answer(metric)),
            Measure::Derived { formula, first, second, .. } => {
                Some(Cow::Owned(formula.derive(&answer(first), &answer(second))))
            }
            Measure::Kubernetes(measure) => {
                let found = answers.iter().find(|(query, _)| self.samples(measure, query));
                let unread = || Cow::Owned(Reading::Unread(not_asked(measure.label())));
                Some(found.map_or_else(unread, |(_, reading)| Cow::Borrowed(reading)))
            }
            Measure::NothingRunning | Measure::Custom(_) => None,
        }
    }

    /// Whether the rule may find the subject in ALARM in this run; `answers` are those about it. It may say so of one that
    /// is OK.
    pub fn may_alarm(&self, answers: &[(MetricQuery, Reading)], run: &Run) -> bool {
        let window = run.window_of(self.range()).in_periods(self.period);
        let reading = self.reading(answers);
        let series = reading.as_deref().and_then(Reading::series);
        // Without points an alarm goes on that ignores them.
        let stays = self.condition.treat_missing_data == MissingData::Ignore;
        series.is_some_and(|series| {
            (stays && series.points().is_empty())
                || !self.condition.surely_ok(series, &series.asked_in(&window))
        })
    }

    /// Whether the query is what this rule asks of the metric, whatever the subject.
    fn asks(&self, metric: &CatalogueMetric, query: &MetricQuery) -> bool {
        query.metric.name == metric.name
            && query.metric.namespace == metric.namespace
            && query.period == self.period
            && query.statistic == self.statistic
    }

    /// Whether the line holds the samples that this rule judges.
    fn samples(&self, measure: KubernetesMeasure, query: &MetricQuery) -> bool {
        query.metric.namespace == KUBERNETES
            && query.metric.name == measure.metric_name()
            && query.statistic == self.statistic
    }

    /// What the service does that keeps the rule quiet. `excused` says whether tasks that are being started, without a
    /// deployment because the service was scaled, still have the time of one run.
    pub fn quiet_for(&self, state: &ServiceState, now: Timestamp, excused: bool) -> Option<Mute> {
        let nothing_runs = self.measure == Measure::NothingRunning;
        let at_most = if nothing_runs { START_UP } else { LONGEST_DEPLOYMENT };
        let deployment = state.deployment.as_ref();
        if !self.quiet_during_deployment {
            None
        } else if deployment.is_some_and(|deployment| deployment.goes_well(now, at_most)) {
            Some(Mute::Deployment)
        } else {
            let fails = deployment.is_some_and(|deployment| deployment.failed_tasks > 0);
            (nothing_runs && excused && state.pending > 0 && !fails).then_some(Mute::Start)
        }
    }
}

impl ServiceState {
    /// What "nothing runs" is judged on: the number of tasks that should run if none does, else 0. No data of a service
    /// that is being deleted or is so new that no task can run yet.
    pub fn tasks_missing(&self, rule: &AlarmRule, window: &Window, now: Timestamp) -> Reading {
        let starting = self.created_at.is_some_and(|created| now.duration_since(created) < START_UP);
        if self.status != ServiceStatus::Active || starting {
            return Reading::Complete(MetricSeries::default());
        }
        newest_only(rule, window, if self.running == 0 { f64::from(self.desired) } else { 0.0 })
    }

    /// What ECS says of the reason why nothing runs: how the deployment goes, and the newest event.
    pub fn why(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        if let Some(DeploymentState { rollout_state, failed_tasks, reason, .. }) = &self.deployment {
            let failed = match failed_tasks {
                0 => None,
                1 => Some("1 task failed".to_owned()),
                n => Some(format!("{n} tasks failed")),
            };
            let state = rollout_state.map(|state| format!("its deployment is {state}"));
            let head: Vec<String> = state.into_iter().chain(failed).collect();
            let reason = reason.as_deref().map(|reason| sentence(reason, ""));
            if !head.is_empty() {
                parts.push(sentence(&head.join(", "), ""));
            }
            parts.extend(reason);
        }
        if self.pending > 0 {
            parts.push(format!("{} pending.", self.pending));
        }
        parts.extend(self.events.first().map(|event| sentence(event, "Newest event: ")));
        (!parts.is_empty()).then(|| format!("ECS says: {}", parts.join(" ")))
    }
}

/// A sentence with a full stop, not too long.
fn sentence(text: &str, before: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    match text.char_indices().nth(LONGEST_REASON) {
        Some((cut, _)) => format!("{before}{}...", &text[..cut]),
        None => format!("{before}{text}."),
    }
}

/// A complete answer with one point, for what is known of one instant only: it counts as the newest period of the window.
pub fn newest_only(rule: &AlarmRule, window: &Window, value: f64) -> Reading {
    let newest = window.in_periods(rule.period).period_starts().next_back();
    let point = newest.map(|timestamp| Datapoint { timestamp, value });
    Reading::Complete(MetricSeries::new(point.into_iter().collect()))
}

/// What is known of a metric that stands in no line of the snapshot.
pub(crate) fn not_asked(what: &str) -> Fault {
    Fault::malformed(Operation::CloudwatchGetMetricData, "", format!("{what} was not asked"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DEFAULT_YAML, read_rules};

    fn now() -> Timestamp {
        "2026-11-22T10:05:00Z".parse().unwrap()
    }

    fn state(desired: u32, running: u32, age_minutes: i64) -> ServiceState {
        ServiceState {
            cluster: "shop".parse().unwrap(),
            service: "web".parse().unwrap(),
            status: ServiceStatus::Active,
            desired,
            running,
            pending: 0,
            created_at: Some(now() - SignedDuration::from_mins(age_minutes)),
            deployment: None,
            events: Vec::new(),
        }
    }

    fn rule() -> AlarmRule {
        let rules = read_rules(DEFAULT_YAML).unwrap();
        rules.into_iter().find(|rule| rule.measure == Measure::NothingRunning).unwrap()
    }

    fn missing(state: &ServiceState) -> Option<f64> {
        let window = Window::ending(
            now(),
            SignedDuration::from_mins(2),
            crate::metric::Period::MINUTE,
            SignedDuration::from_mins(15),
        );
        let Reading::Complete(series) = state.tasks_missing(&rule(), &window, now()) else { panic!() };
        series.max()
    }

    fn deployment(rollout_state: &str, failed_tasks: u32, minutes: i64) -> DeploymentState {
        DeploymentState {
            rollout_state: Some(rollout_state.parse().unwrap()),
            failed_tasks,
            reason: None,
            started_at: Some(now() - SignedDuration::from_mins(minutes)),
        }
    }

    #[test]
    fn a_service_with_desired_tasks_and_none_running_lacks_all_of_them() {
        assert_eq!(missing(&state(2, 0, 60)), Some(2.0));
        assert_eq!(missing(&state(2, 1, 60)), Some(0.0));
        assert_eq!(missing(&state(0, 0, 60)), Some(0.0));
    }

    #[test]
    fn a_service_created_a_minute_ago_or_being_deleted_is_not_judged() {
        let mut draining = state(2, 0, 60);
        draining.status = ServiceStatus::Draining;
        for service in [state(2, 0, 1), draining] {
            assert_eq!(missing(&service), None);
        }
    }

    #[test]
    fn a_deployment_keeps_quiet_only_while_it_goes_well() {
        let rule = AlarmRule { quiet_during_deployment: true, ..rule() };
        let cpu = read_rules(DEFAULT_YAML).unwrap().into_iter().find(|rule| rule.name == "cpu-high").unwrap();
        let cpu = AlarmRule { quiet_during_deployment: true, ..cpu };
        let quiet = Some(Mute::Deployment);
        for (deployment, nothing_running, cpu_high) in [
            (deployment("IN_PROGRESS", 0, 3), quiet.clone(), quiet.clone()),
            (deployment("IN_PROGRESS", 0, 30), None, quiet),
            (deployment("IN_PROGRESS", 0, 90), None, None),
            (deployment("IN_PROGRESS", 4, 3), None, None),
            (deployment("COMPLETED", 0, 3), None, None),
            (deployment("FAILED", 0, 3), None, None),
        ] {
            let state = ServiceState { deployment: Some(deployment.clone()), ..state(2, 0, 60) };
            let quiet = (rule.quiet_for(&state, now(), true), cpu.quiet_for(&state, now(), true));
            assert_eq!(quiet, (nothing_running, cpu_high), "{deployment:?}");
        }
    }

    #[test]
    fn tasks_that_are_being_started_get_the_time_of_one_run() {
        let rule = AlarmRule { quiet_during_deployment: true, ..rule() };
        let loud = AlarmRule { quiet_during_deployment: false, ..rule.clone() };
        let scaled =
            ServiceState { pending: 1, deployment: Some(deployment("COMPLETED", 0, 90)), ..state(1, 0, 90) };
        let failing = ServiceState { deployment: Some(deployment("COMPLETED", 3, 90)), ..scaled.clone() };
        for (rule, state, excused, mute) in [
            (&rule, &scaled, true, Some(Mute::Start)),
            (&rule, &scaled, false, None),
            (&rule, &failing, true, None),
            (&rule, &state(1, 0, 90), true, None),
            (&loud, &scaled, true, None),
        ] {
            assert_eq!(rule.quiet_for(state, now(), excused), mute, "{state:?}, {excused}");
        }
    }

    #[test]
    fn ecs_is_quoted_with_the_deployment_and_the_newest_event() {
        let deployment = DeploymentState {
            reason: Some("ECS deployment ecs-svc/1 in progress.".to_owned()),
            ..deployment("IN_PROGRESS", 12, 30)
        };
        let events = vec!["(service web) was unable to place a task.".to_owned(), "older".to_owned()];
        let state = ServiceState { deployment: Some(deployment), events, pending: 1, ..state(2, 0, 60) };
        assert_eq!(
            state.why().unwrap(),
            "ECS says: its deployment is IN_PROGRESS, 12 tasks failed. ECS deployment ecs-svc/1 in progress. 1 pending. \
             Newest event: (service web) was unable to place a task."
        );
        assert_eq!(super::tests::state(2, 0, 60).why(), None);
    }
}
