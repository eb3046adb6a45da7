//! Reads an ECS cluster from a snapshot line by line, and keeps only figures, not the series behind
//! them.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::load_balancing::LoadBalancingReport;
use super::model::ClusterReport;
use super::part::{PartReport, SeenPart};
use super::runs_on::RunsOn;
use super::service::{ServiceReport, WithoutMetrics};
use crate::evidence::inventory::{EcsEntry, Reporting, ServiceSetup, ServiceState};
use crate::model::catalogue::{AWS_ECS, CONTAINER_INSIGHTS};
use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::insights::{InsightsLevel, opts_out};
use crate::model::metric::MetricQuery;
use crate::model::run::Target;
use crate::model::series::Reading;
use crate::model::subject::Subject;
use crate::model::window::Window;
use crate::report::measured::figures::{Answer, points};
use crate::report::measured::slots::{Slots, Sparks};
use crate::sources::parts;

/// How long the first metrics of a deployment may take after its start: tasks need up to ten
/// minutes to start.
const STARTING: SignedDuration = SignedDuration::from_mins(15);

/// What has been read of one cluster.
#[derive(Debug)]
pub(crate) struct SeenCluster {
    pub(crate) name: ClusterName,
    pub(crate) insights: InsightsLevel,
    pub(crate) reports_insights: Reporting,
    pub(crate) opted_out: bool,
    pub(crate) services_unread: bool,
    /// By name.
    pub(crate) services: Vec<SeenService>,
    /// Task families, tasks and containers.
    pub(crate) parts: HashMap<Subject, SeenPart>,
    /// How many others there are.
    parts_left_out: usize,
}

/// What has been read of one service.
#[derive(Debug)]
pub(crate) struct SeenService {
    pub(crate) figures: ServiceReport,
    pub(crate) sparks: Sparks,
    /// End of the newest period with CPU or memory.
    newest: Option<Timestamp>,
}

impl SeenCluster {
    /// A cluster of the inventory; `unlisted` if its services could not be listed.
    pub(crate) fn new(
        name: ClusterName,
        entry: EcsEntry,
        tags: &BTreeMap<String, String>,
        unlisted: bool,
    ) -> Self {
        let listed = parts::subjects(&name, &entry);
        let parts_left_out = listed.len().saturating_sub(parts::MOST);
        let parts = listed
            .into_iter()
            .take(parts::MOST)
            .map(|subject| (subject.clone(), SeenPart::new(subject)))
            .collect();
        let (mut names, setups) = (entry.services, entry.setups);
        names.sort_unstable();
        names.dedup();
        let service = |name: ServiceName| {
            let setup = setups.get(&name);
            SeenService::new(name, setup)
        };
        Self {
            insights: entry.insights,
            reports_insights: entry.reports_insights,
            opted_out: opts_out(tags),
            services_unread: unlisted,
            services: names.into_iter().map(service).collect(),
            parts,
            parts_left_out,
            name,
        }
    }

    /// The service of that name. A service that the inventory does not list, for example because it
    /// was just created, is added.
    pub(crate) fn service(&mut self, name: &str) -> Option<&mut SeenService> {
        let found = self.services.binary_search_by(|seen| seen.figures.service.as_str().cmp(name));
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                self.services.insert(at, SeenService::new(name.parse().ok()?, None));
                at
            }
        };
        self.services.get_mut(at)
    }

    /// Its report; [`insights`](super::super::insights) marks silence and conflicts later.
    pub(crate) fn finish(self, Target { account, region, .. }: &Target) -> ClusterReport {
        let mut parts: Vec<PartReport> = self.parts.into_values().map(|seen| seen.figures).collect();
        parts.sort_by_cached_key(|part| (part.order(), part.name()));
        ClusterReport {
            parts,
            parts_left_out: self.parts_left_out,
            account: account.clone(),
            region: region.clone(),
            cluster: self.name,
            insights: self.insights,
            reports_insights: self.reports_insights,
            opted_out: self.opted_out,
            silent: false,
            reverted_by: Vec::new(),
            services_unread: self.services_unread,
            services: self.services.into_iter().map(|seen| seen.figures).collect(),
        }
    }
}

impl SeenService {
    fn new(service: ServiceName, setup: Option<&ServiceSetup>) -> Self {
        let figures = ServiceReport {
            runs_on: setup.map(|setup| RunsOn::from(&setup.compute)),
            load_balancing: setup.and_then(|setup| LoadBalancingReport::of(&setup.load_balancing)),
            ..ServiceReport::new(service)
        };
        Self { figures, sparks: Sparks::default(), newest: None }
    }

    /// Takes a reading of a target group in front of it.
    pub(crate) fn take_balancer(&mut self, query: &MetricQuery, reading: &Reading, slots: &Slots) {
        if let Some(requests) = &mut self.figures.load_balancing {
            requests.take(query, reading, slots.window());
        }
    }

    /// Takes a CloudWatch reading.
    pub(crate) fn take(&mut self, query: &MetricQuery, reading: &Reading, slots: &Slots) {
        let MetricQuery { metric, statistic, period } = query;
        let (window, figures) = (slots.window(), &mut self.figures);
        if metric.namespace == AWS_ECS {
            let newest = points(reading).last().map(|point| point.timestamp + period.length());
            self.newest = self.newest.max(newest);
        }
        match (metric.namespace.as_ref(), metric.name.as_ref()) {
            (AWS_ECS, "CPUUtilization") => {
                figures.cpu.take(statistic, reading, window);
                self.sparks.cpu.take(statistic, reading, slots);
            }
            (AWS_ECS, "MemoryUtilization") => {
                figures.memory.take(statistic, reading, window);
                self.sparks.memory.take(statistic, reading, slots);
            }
            (CONTAINER_INSIGHTS, "RunningTaskCount") => figures.tasks.take_running(reading, window),
            (CONTAINER_INSIGHTS, "DesiredTaskCount") => figures.tasks.take_desired(reading, window),
            (CONTAINER_INSIGHTS, "DeploymentCount") => {
                figures.deployment.get_or_insert_default().take_count(reading);
            }
            (CONTAINER_INSIGHTS, name @ ("NetworkRxBytes" | "NetworkTxBytes")) => {
                figures.network.get_or_insert_default().take(name, reading);
            }
            // In the snapshot, but not part of this report.
            _ => {}
        }
    }

    /// Marks the service, once all lines are read, if its tasks run and CloudWatch has no metrics
    /// for it. A failed query marks nothing.
    pub(crate) fn close(&mut self, window: &Window) {
        let ServiceReport { cpu, memory, tasks, deployment, .. } = &self.figures;
        let is_silent = [cpu, memory].into_iter().all(|figure| {
            matches!(figure.answer, Answer::Known | Answer::NoData)
                && figure.average_3h.or(figure.maximum_3h).is_none()
        });
        let runs = tasks.reported_by_ecs && tasks.running.is_some_and(|running| running > 0);
        let started = deployment.as_ref().and_then(|deployment| deployment.started_at);
        let is_new = started.is_some_and(|started| window.end.duration_since(started) < STARTING);
        let without = WithoutMetrics { since: self.newest };
        self.figures.without_metrics = (is_silent && runs && !is_new).then_some(without);
        self.figures.deployment.take_if(|deployment| deployment.is_empty());
    }

    /// Takes its state from ECS.
    pub(crate) fn take_state(&mut self, state: &ServiceState) {
        self.figures.tasks.take_state(state);
        if let Some(deployment) = &state.deployment {
            self.figures.deployment.get_or_insert_default().take_state(deployment);
        }
    }
}
