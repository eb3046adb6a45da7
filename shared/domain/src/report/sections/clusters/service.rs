//! An ECS service as data and in words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::evidence::inventory::ServiceState;
use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::deployment::DeploymentState;
use crate::model::series::Reading;
use crate::model::status::ServiceStatus;
use crate::model::window::Window;
use crate::report::measured::figures::{Answer, Utilization, highest, mean, newest, points, rate, whole};
use crate::report::measured::member::Member;
use crate::report::sections::clusters::load_balancing::LoadBalancingReport;
use crate::report::sections::clusters::runs_on::RunsOn;
use crate::text::Text;
use crate::text::words::count;

/// One ECS service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceReport {
    /// Its name.
    pub service: ServiceName,
    /// CPU, in percent of what its tasks reserve.
    pub cpu: Utilization,
    /// Memory, in percent of what its tasks reserve.
    pub memory: Utilization,
    /// Its tasks.
    pub tasks: Tasks,
    /// Set if its tasks run according to ECS, but CloudWatch has no CPU or memory data in the last
    /// 3 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_metrics: Option<WithoutMetrics>,
    /// Its newest deployment; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// Network traffic per task; only where Container Insights reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Traffic>,
    /// What its tasks run on; absent if ECS did not describe it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_on: Option<RunsOn>,
    /// Load balancers in front of it, and what they show; absent if there are none, or if ECS did
    /// not describe it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancing: Option<LoadBalancingReport>,
}

impl ServiceReport {
    /// A service of which nothing has been read.
    pub(crate) fn new(service: ServiceName) -> Self {
        Self {
            service,
            cpu: Utilization::default(),
            memory: Utilization::default(),
            tasks: Tasks::default(),
            without_metrics: None,
            deployment: None,
            network: None,
            runs_on: None,
            load_balancing: None,
        }
    }
}

impl Member for ServiceReport {
    fn id(&self) -> [&str; 3] {
        [self.service.as_str(), "", ""]
    }

    fn subject(&self, cluster: &ClusterName) -> Text {
        Text::new(&format!("{cluster}/{}", self.service))
    }

    fn cpu(&self) -> &Utilization {
        &self.cpu
    }

    fn memory(&self) -> &Utilization {
        &self.memory
    }

    fn running_of_desired(&self) -> Option<(u32, u32)> {
        self.tasks.running.zip(self.tasks.desired)
    }

    /// Tasks, deployment and network.
    fn running_and_more(&self) -> String {
        let mut rest = format!("tasks {}", self.tasks.of_desired());
        let rollout = self.deployment.as_ref().filter(|deployment| !deployment.is("COMPLETED"));
        if let Some(rollout) = rollout.and_then(|deployment| deployment.rollout.as_ref()) {
            rest.push_str(&format!(", deployment {rollout}"));
        }
        if let Some(failed) = self.deployment.as_ref().and_then(|deployment| deployment.failed_tasks) {
            rest.push_str(&format!(" with {} failed", count(usize::try_from(failed).unwrap_or(0), "task")));
        }
        if let Some(network) = &self.network {
            rest.push_str(&format!(", network {}", network.sentence()));
        }
        if let Some(requests) = &self.load_balancing {
            rest.push_str(&format!("; {}", requests.sentence()));
        }
        if let Some(runs_on) = self.runs_on.as_ref().filter(|runs_on| !runs_on.is_plain()) {
            rest.push_str(&format!("; on {runs_on}"));
        }
        rest
    }
}

/// Missing metrics of a service whose tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WithoutMetrics {
    /// End of the newest period with data; absent if the whole window has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub since: Option<Timestamp>,
}

/// The tasks of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tasks {
    /// The result of the query.
    pub answer: Answer,
    /// Running tasks: by ECS, or else the newest count of Container Insights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<u32>,
    /// Desired tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Tasks that are being started; only ECS reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<u32>,
    /// Fewest running tasks in the window; only where Container Insights reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<u32>,
    /// Whether the counts are from ECS and not from Container Insights.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reported_by_ecs: bool,
}

impl Tasks {
    /// Takes the state from ECS, which is newer than any metric.
    pub(crate) fn take_state(&mut self, state: &ServiceState) {
        if state.status == ServiceStatus::Missing {
            self.answer = self.answer.and(Answer::NoData);
            return;
        }
        let (running, desired, pending) = (Some(state.running), Some(state.desired), Some(state.pending));
        *self = Self { answer: Answer::Known, running, desired, pending, reported_by_ecs: true, ..*self };
    }

    /// Takes that ECS could not be queried; metrics may have the counts.
    pub(crate) fn take_no_state(&mut self) {
        let is_known = self.running.is_some() && self.desired.is_some();
        self.answer = if is_known { Answer::Partial } else { Answer::CouldNotAsk };
    }

    /// Takes the counts of running tasks. The newest of the last three hours is the current one.
    pub(crate) fn take_running(&mut self, reading: &Reading, window: &Window) {
        let points = points(reading);
        self.lowest = points.iter().map(|point| point.value).min_by(f64::total_cmp).and_then(whole);
        self.running = newest(points, window);
        self.count(reading);
    }

    /// Takes the counts of desired tasks.
    pub(crate) fn take_desired(&mut self, reading: &Reading, window: &Window) {
        self.desired = newest(points(reading), window);
        self.count(reading);
    }

    fn count(&mut self, reading: &Reading) {
        self.answer = self.answer.and(Answer::of(reading));
    }

    /// `3 of 3`, or why it is unknown.
    pub(crate) fn of_desired(&self) -> String {
        match self.running.zip(self.desired) {
            Some((running, desired)) => format!("{running} of {desired}"),
            None => self.answer.words().to_owned(),
        }
    }
}

/// The newest deployment of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Deployment {
    /// `COMPLETED`, `IN_PROGRESS` or `FAILED`; absent if ECS does not report it for this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Text>,
    /// Tasks of the deployment that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_tasks: Option<u32>,
    /// When the deployment started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub started_at: Option<Timestamp>,
    /// Most simultaneous deployments in the window; only where Container Insights reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_at_once: Option<u32>,
}

impl Deployment {
    pub(crate) fn take_state(&mut self, state: &DeploymentState) {
        self.rollout = state.rollout_state.map(|state| Text::new(state.as_str()));
        self.failed_tasks = (state.failed_tasks > 0).then_some(state.failed_tasks);
        self.started_at = state.started_at;
    }

    pub(crate) fn take_count(&mut self, reading: &Reading) {
        self.most_at_once = highest(points(reading)).and_then(whole);
    }

    /// Whether it failed, or is in progress with failed tasks.
    pub fn fails(&self) -> bool {
        self.is("FAILED") || (self.is("IN_PROGRESS") && self.failed_tasks.is_some())
    }

    /// Whether its rollout state is this word.
    pub fn is(&self, rollout: &str) -> bool {
        self.rollout.as_ref().is_some_and(|text| text.as_str() == rollout)
    }

    /// Whether nothing is known about it.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Average network traffic of one task of a service over the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Traffic {
    /// The result of the query.
    pub answer: Answer,
    /// Bytes received per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<f64>,
    /// Bytes sent per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<f64>,
}

impl Traffic {
    pub(crate) fn take(&mut self, name: &str, reading: &Reading) {
        self.answer = self.answer.and(Answer::of(reading));
        let average = mean(points(reading)).map(f64::round);
        if name == "NetworkRxBytes" {
            self.received = average;
        } else {
            self.sent = average;
        }
    }

    /// `1.2 MB/s in, 340 kB/s out`, or why it is unknown.
    pub(crate) fn sentence(&self) -> String {
        match (self.received, self.sent) {
            (None, None) => self.answer.words().to_owned(),
            (received, sent) => format!("{} in, {} out", rate(received), rate(sent)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Period;
    use crate::model::series::{Datapoint, MetricSeries};

    #[test]
    fn ecs_task_counts_win_over_metrics_and_a_fault_hides_none() {
        let state = |status: &str| ServiceState {
            cluster: "shop".parse().unwrap(),
            service: "web".parse().unwrap(),
            status: status.into(),
            desired: 3,
            running: 0,
            pending: 1,
            created_at: None,
            deployment: None,
            events: Vec::new(),
            task_definitions: Vec::new(),
            setup: crate::evidence::inventory::ServiceSetup::default(),
            trend: crate::evidence::inventory::ServiceTrend::default(),
        };
        let end: Timestamp = "2026-11-22T05:00:00Z".parse().unwrap();
        let day = jiff::SignedDuration::from_hours(24);
        let window = Window::ending(end, jiff::SignedDuration::ZERO, Period::FIVE_MINUTES, day);
        let counts = |first: f64| {
            let values = std::iter::once(first).chain(std::iter::repeat(3.0));
            let points = window.period_starts().zip(values);
            let points = points.map(|(timestamp, value)| Datapoint { timestamp, value }).collect();
            Reading::Complete(MetricSeries::new(points))
        };
        let service = |tasks| ServiceReport { tasks, ..ServiceReport::new("web".parse().unwrap()) };
        let running = |tasks| service(tasks).running_of_desired();
        let mut tasks = Tasks::default();
        tasks.take_running(&counts(1.0), &window);
        tasks.take_desired(&counts(3.0), &window);
        assert_eq!((running(tasks), tasks.lowest, service(tasks).is_short()), (Some((3, 3)), Some(1), false));
        let mut unread = tasks;
        unread.take_no_state();
        assert_eq!((running(unread), unread.answer), (Some((3, 3)), Answer::Partial));
        tasks.take_state(&state("ACTIVE"));
        assert!(service(tasks).none_runs() && tasks.reported_by_ecs && tasks.lowest == Some(1));
        let mut missing = Tasks::default();
        missing.take_state(&state("MISSING"));
        assert_eq!((missing.answer, running(missing)), (Answer::NoData, None));
    }
}
