//! The ECS API as a source: which services must be described for a set of rules, and the readings
//! from `DescribeServices`.

use jiff::{SignedDuration, Timestamp};

use super::{plan, source_of};
use crate::deaths::{Act, Class, Said, cause_of};
use crate::evidence::inventory::{ClusterEntry, ServiceState};
use crate::model::deployment::{DeploymentState, RolloutState};
use crate::model::run::Run;
use crate::model::series::{Datapoint, MetricSeries, Reading};
use crate::model::status::ServiceStatus;
use crate::model::subject::Subject;
use crate::model::window::Window;
use crate::rules::{AlarmRule, Mute, ServiceFigure, Source};
use crate::text::words::capital;

/// How long a new service may take to start its first task before "nothing running" counts, and how
/// long a healthy deployment may leave nothing running.
const START_UP: SignedDuration = SignedDuration::from_mins(10);

/// How long a healthy deployment keeps the other rules quiet.
const LONGEST_DEPLOYMENT: SignedDuration = SignedDuration::from_hours(1);

/// A service counts as silent unless each minute of this time has a point. Used where no earlier
/// run determines the time.
pub const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The most characters of an ECS message that a notice quotes.
const LONGEST_REASON: usize = 300;

/// Whether a rule needs a service without metrics to be described: to learn whether nothing runs, or
/// whether running tasks lack metrics.
pub fn needs_silent(rules: &[AlarmRule], subject: &Subject, entry: &ClusterEntry) -> bool {
    rules.iter().any(|rule| {
        let needs = rule.measure.is_always_published()
            || rule.sources().any(|source| source == Source::EcsApi(ServiceFigure::NothingRunning));
        needs && plan::judges(rule, subject, entry)
    })
}

/// Whether a rule evaluates a figure of the service that only ECS reports, whether or not the
/// service is silent; or its logs, for which its task definition must be known.
pub fn needs_service(rules: &[AlarmRule], subject: &Subject, entry: &ClusterEntry) -> bool {
    rules.iter().any(|rule| {
        let source = source_of(rule, entry);
        let needs = match source {
            Some(Source::EcsApi(figure)) => figure.needs_every_service(),
            Some(Source::LogsInsights) => true,
            Some(
                Source::Metric(_)
                | Source::Derived { .. }
                | Source::Custom
                | Source::Sampled(_)
                | Source::TaskEvents(_)
                | Source::Quota(_)
                | Source::LoadBalancer(_),
            )
            | None => false,
        };
        needs && plan::judges(rule, subject, entry)
    })
}

impl AlarmRule {
    /// The activity of the service that mutes the rule. `excused` says whether tasks that are
    /// starting without a deployment, because the service was scaled, still have the grace of one
    /// run.
    pub fn quiet_for(&self, state: &ServiceState, now: Timestamp, excused: bool) -> Option<Mute> {
        let nothing_runs = self.measure.service_figure() == Some(ServiceFigure::NothingRunning);
        let at_most = if nothing_runs { START_UP } else { LONGEST_DEPLOYMENT };
        let deployment = state.deployment.as_ref();
        if !self.quiet_during_deployment {
            None
        } else if deployment.is_some_and(|deployment| deployment.is_progressing(now, at_most)) {
            Some(Mute::Deployment)
        } else {
            let fails = deployment.is_some_and(|deployment| deployment.failed_tasks > 0);
            (nothing_runs && excused && state.pending > 0 && !fails).then_some(Mute::Start)
        }
    }
}

impl ServiceState {
    /// The reading of a figure. There is no data for a service that is being deleted, and none
    /// about its tasks while it is too new for any task to run.
    pub fn reading(&self, figure: ServiceFigure, rule: &AlarmRule, run: &Run) -> Reading {
        let starting = self.created_at.is_some_and(|created| run.time.duration_since(created) < START_UP);
        let value = match figure {
            _ if self.status != ServiceStatus::Active => None,
            ServiceFigure::NothingRunning | ServiceFigure::RunningBelowDesired if starting => None,
            ServiceFigure::RunningBelowDesired => return self.below_desired(rule, &run.window),
            ServiceFigure::NothingRunning => Some(if self.running == 0 { self.desired } else { 0 }),
            ServiceFigure::DeploymentFailed => {
                self.deployment.as_ref().map(|deployment| u32::from(deployment.has_failed(run.time)))
            }
            ServiceFigure::TasksFailing => self.trend.new_failures,
        };
        match value {
            Some(value) => newest_only(rule, &run.window, f64::from(value)),
            None => Reading::Complete(MetricSeries::default()),
        }
    }

    /// The missing tasks, for each period since a check first found some.
    fn below_desired(&self, rule: &AlarmRule, window: &Window) -> Reading {
        let window = window.in_periods(rule.period).of_newest(rule.condition.evaluation_range());
        let missing = f64::from(self.tasks_missing());
        let is_short = |start: Timestamp| {
            self.trend.short_since.is_some_and(|since| start + rule.period.length() >= since)
        };
        let point =
            |timestamp| Datapoint { timestamp, value: if is_short(timestamp) { missing } else { 0.0 } };
        Reading::Complete(MetricSeries::new(window.period_starts().map(point).collect()))
    }

    /// The reason that ECS gives: the state of the deployment, and the newest event.
    pub fn why(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        if let Some(DeploymentState { rollout_state, failed_tasks, reason, failure, .. }) = &self.deployment {
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
            // For a deployment that still exists, the reason already says this.
            let is_there = *rollout_state == Some(RolloutState::Failed);
            let failure = failure.as_ref().filter(|_| !is_there).map(|failure| sentence(&failure.said, ""));
            parts.extend(failure.filter(|failure| Some(failure) != reason.as_ref()));
            parts.extend(reason);
        }
        if self.pending > 0 {
            parts.push(format!("{} pending.", self.pending));
        }
        let act = |event: &&String| cause_of(Said::Service(event)).act == Act::Yes;
        match self.events.iter().find(act) {
            // Often the newest event only repeats that tasks were started.
            Some(event) => {
                let which = if self.events.first() == Some(event) { "Newest event: " } else { "Event: " };
                parts.push(sentence(event, which));
                let cause = cause_of(Said::Service(event));
                if cause.class != Class::Unknown {
                    let label = capital(cause.class.label());
                    parts.push(format!("{label} ({}). {}", cause.class, cause.advice));
                }
            }
            None => parts.extend(self.events.first().map(|event| sentence(event, "Newest event: "))),
        }
        (!parts.is_empty()).then(|| format!("ECS says: {}", parts.join(" ")))
    }
}

/// A sentence with a full stop, cut to [`LONGEST_REASON`].
fn sentence(text: &str, before: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    match text.char_indices().nth(LONGEST_REASON) {
        Some((cut, _)) => format!("{before}{}...", &text[..cut]),
        None => format!("{before}{text}."),
    }
}

/// A complete answer with a single point for a value known only at present. It counts as the newest
/// period of the window.
pub fn newest_only(rule: &AlarmRule, window: &Window, value: f64) -> Reading {
    let newest = window.in_periods(rule.period).period_starts().next_back();
    let point = newest.map(|timestamp| Datapoint { timestamp, value });
    Reading::Complete(MetricSeries::new(point.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DEFAULT_YAML, read_rules};
    use crate::evidence::inventory::{EarlierChecks, ServiceTrend, UndescribedService};
    use crate::model::run::RunKind;

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
            task_definitions: Vec::new(),
            setup: crate::evidence::inventory::ServiceSetup::default(),
            trend: ServiceTrend::default(),
        }
    }

    fn rule() -> AlarmRule {
        let rules = read_rules(DEFAULT_YAML).unwrap();
        rules.into_iter().find(|rule| rule.name == "nothing-running").unwrap()
    }

    fn missing(state: &ServiceState) -> Option<f64> {
        let (delay, lookback) = (SignedDuration::from_mins(2), SignedDuration::from_mins(15));
        let run = Run::new(RunKind::Alarms, now(), delay, lookback, None);
        let reading = state.reading(ServiceFigure::NothingRunning, &rule(), &run);
        let Reading::Complete(series) = reading else { panic!() };
        series.max()
    }

    fn deployment(rollout_state: &str, failed_tasks: u32, minutes: i64) -> DeploymentState {
        DeploymentState {
            rollout_state: Some(rollout_state.parse().unwrap()),
            failed_tasks,
            reason: None,
            started_at: Some(now() - SignedDuration::from_mins(minutes)),
            failure: None,
        }
    }

    #[test]
    fn without_running_tasks_all_desired_tasks_are_missing() {
        assert_eq!(missing(&state(2, 0, 60)), Some(2.0));
        assert_eq!(missing(&state(2, 1, 60)), Some(0.0));
        assert_eq!(missing(&state(0, 0, 60)), Some(0.0));
    }

    #[test]
    fn a_service_created_a_minute_ago_or_being_deleted_is_not_evaluated() {
        let mut draining = state(2, 0, 60);
        draining.status = ServiceStatus::Draining;
        for service in [state(2, 0, 1), draining] {
            assert_eq!(missing(&service), None);
        }
    }

    /// The trend of a service after a check whose window ended ten minutes ago, and another one
    /// now.
    fn trend(before: ServiceState, now_is: ServiceState) -> ServiceTrend {
        let (mut before, mut after, mut checks) = (before, now_is, EarlierChecks::default());
        before.compare(None, now() - SignedDuration::from_mins(10));
        checks.add(before);
        after.compare(Some(&checks), now());
        after.trend
    }

    #[test]
    fn tasks_are_missing_since_the_first_check_that_found_some_missing() {
        let since = |before: u32, after: u32| trend(state(2, before, 60), state(2, after, 60)).short_since;
        assert_eq!(since(1, 1), Some(now() - SignedDuration::from_mins(10)));
        assert_eq!((since(2, 1), since(1, 2), since(2, 2)), (Some(now()), None, None));
        let rule =
            read_rules(DEFAULT_YAML).unwrap().into_iter().find(|rule| rule.name == "tasks-missing").unwrap();
        let (delay, lookback) = (SignedDuration::ZERO, SignedDuration::from_mins(5));
        let run = Run::new(RunKind::Alarms, now(), delay, lookback, None);
        for (minutes, breaching) in [(0, 1), (5, 6), (60, 12)] {
            let short_since = Some(run.window.end - SignedDuration::from_mins(minutes));
            let trend = ServiceTrend { short_since, new_failures: None };
            let reading = ServiceState { trend, ..state(2, 1, 60) };
            let reading = reading.reading(ServiceFigure::RunningBelowDesired, &rule, &run);
            let points = reading.series().unwrap().points();
            assert_eq!(
                points.iter().filter(|point| point.value == 1.0).count(),
                breaching,
                "{minutes} minutes"
            );
            assert_eq!(points.len(), 12, "also where the look-back is short");
        }
    }

    #[test]
    fn tasks_failed_since_the_previous_check_are_those_of_the_same_deployment() {
        let with = |failed, minutes| ServiceState {
            deployment: Some(deployment("IN_PROGRESS", failed, minutes)),
            ..state(2, 2, 60)
        };
        for (before, after, failures) in [
            (with(3, 30), with(3, 30), 0),
            (with(3, 30), with(5, 30), 2),
            // A task ran in between, so ECS restarted its count; and another deployment.
            (with(3, 30), with(2, 30), 2),
            (with(3, 30), with(4, 1), 4),
        ] {
            assert_eq!(trend(before, after).new_failures, Some(failures));
        }
        let mut first = with(3, 30);
        first.compare(None, now());
        assert_eq!(first.trend.new_failures, None, "the time of the failures is unknown");
        let mut well = with(0, 30);
        well.compare(None, now());
        assert_eq!(well.trend.new_failures, Some(0));
        let mut lost = EarlierChecks::default();
        let fault = crate::model::fault::Fault::malformed(
            crate::model::operation::Operation::EcsDescribeServices,
            "",
            "cut",
        );
        let (cluster, service) = (first.cluster.clone(), first.service.clone());
        lost.add_undescribed(UndescribedService { cluster, service, fault, is_alive: true });
        first.compare(Some(&lost), now());
        assert_eq!(first.trend.new_failures, None, "the previous check failed");
        assert!(lost.must_recheck(&first.cluster, &first.service, now()));
    }

    #[test]
    fn only_a_healthy_deployment_mutes_rules() {
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
    fn starting_tasks_get_the_grace_of_one_run() {
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
    fn the_reason_quotes_the_deployment_and_the_newest_event() {
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
