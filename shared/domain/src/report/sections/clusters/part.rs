//! Task families, tasks and containers of a cluster, as far as Container Insights reports them.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::runs_on::TaskOfRevision;
use crate::model::cluster::ServiceName;
use crate::model::metric::MetricQuery;
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::model::window::Window;
use crate::report::measured::figures::Utilization;
use crate::rules::derive::Formula;
use crate::sources::parts;
use crate::text::Text;

/// A task family, a task, or a container of the tasks of a service or family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PartReport {
    /// The service that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The task family that it is, or that a task or container without a service belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_family: Option<Text>,
    /// Id of the task, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Text>,
    /// Name of the container, if it is one: in all tasks of the service or family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Text>,
    /// For a task family: its revisions whose tasks run without a service, with what they ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_service: Vec<TaskOfRevision>,
    /// CPU, in percent of what it reserves; a container that reserves none has no figure.
    pub cpu: Utilization,
    /// Memory, in percent of what it reserves.
    pub memory: Utilization,
}

/// A part and what has been read of it.
#[derive(Debug)]
pub(crate) struct SeenPart {
    pub(crate) subject: Subject,
    pub(crate) figures: PartReport,
    /// Readings that wait for the other one of a share: by metric and statistic.
    waiting: HashMap<(String, String), Reading>,
}

impl SeenPart {
    pub(crate) fn new(subject: Subject) -> Self {
        let text = |name: &str| Some(Text::new(name));
        let figures = PartReport {
            service: subject.service_or_owner().cloned(),
            task_family: subject.task_family().and_then(text),
            task: if let Subject::Task(_, _, id) = &subject { text(id) } else { None },
            container: if let Subject::Container(_, _, name) = &subject { text(name) } else { None },
            without_service: Vec::new(),
            cpu: Utilization::default(),
            memory: Utilization::default(),
        };
        Self { subject, figures, waiting: HashMap::new() }
    }

    /// Takes a reading; the second one of a share completes it.
    pub(crate) fn take(&mut self, query: &MetricQuery, reading: &Reading, window: &Window) {
        let name = query.metric.name.as_ref();
        let shares = parts::shares(&self.subject);
        let Some(at) = shares.iter().position(|share| share.contains(&name)) else { return };
        let [used, reserved] = shares[at];
        let other = if name == used { reserved } else { used };
        let statistic = query.statistic.as_str().to_owned();
        let Some(waiting) = self.waiting.remove(&(other.to_owned(), statistic.clone())) else {
            self.waiting.insert((name.to_owned(), statistic), reading.clone());
            return;
        };
        let (used, reserved) = if name == used { (reading, &waiting) } else { (&waiting, reading) };
        let share = Formula::PercentOf.derive(used, reserved);
        let figure = if at == 0 { &mut self.figures.cpu } else { &mut self.figures.memory };
        figure.take(&query.statistic, &share, window);
    }
}

impl PartReport {
    /// Whether it is this task family.
    pub(crate) fn is_family(&self, family: &str) -> bool {
        self.service.is_none()
            && self.task.is_none()
            && self.container.is_none()
            && self.task_family.as_ref().is_some_and(|name| name.as_str() == family)
    }

    /// `nightly`, `web task 3b2a`, `web container app`.
    pub(crate) fn name(&self) -> String {
        let owner = self.service.as_ref().map(ServiceName::as_str);
        let owner = owner.or(self.task_family.as_ref().map(Text::as_str)).unwrap_or_default();
        match (&self.task, &self.container) {
            (Some(id), _) => format!("{owner} task {id}"),
            (None, Some(name)) => format!("{owner} container {name}"),
            (None, None) => owner.to_owned(),
        }
    }

    /// Sort key: the highest share of memory first, then of CPU.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        #[expect(clippy::cast_possible_truncation, reason = "a percentage in tenths")]
        let highest = |figure: &Utilization| (figure.maximum.unwrap_or(-1.0) * 10.0) as i64;
        (Reverse(highest(&self.memory)), Reverse(highest(&self.cpu)))
    }

    /// `task family`, `tasks without a service, 0.25 vCPU, 512 MiB`, `task`, `container`.
    pub(crate) fn kind(&self) -> String {
        if let Some(task) = self.without_service.last() {
            return format!("tasks without a service, {}", task.size);
        }
        let kind = match (&self.task, &self.container) {
            (Some(_), _) => "task",
            (None, Some(_)) => "container",
            (None, None) => "task family",
        };
        kind.to_owned()
    }
}
