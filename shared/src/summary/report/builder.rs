//! Takes snapshots line by line; of each answer only its figures are kept.

use std::collections::BTreeMap;

use super::eks::SeenEks;
use super::facts::ReportFacts;
use super::figures::{Answer, Tasks, Utilization, points};
use super::finish;
use super::model::{Report, ServiceReport, WithoutMetrics};
use super::slots::{Slots, Spark};
use crate::catalogue::{AWS_ECS, CONTAINER_INSIGHTS};
use crate::cluster::{ClusterName, ServiceName};
use crate::insights::{InsightsLevel, opts_out};
use crate::inventory::{ClusterContents, ClusterEntry, Reporting, ServiceState};
use crate::metric::{MetricQuery, Statistic};
use crate::run::{Platform, Run, Target};
use crate::series::Reading;
use crate::snapshot::SnapshotLine;
use crate::window::Window;
use jiff::{SignedDuration, Timestamp};

/// How long after the start of a deployment its first metrics may take: tasks need up to ten
/// minutes to start.
const STARTING: SignedDuration = SignedDuration::from_mins(15);

/// Builds a report of one run from the snapshots of its targets. It never holds a snapshot: 10,000 services take some 15 MB,
/// however many points they have.
#[derive(Debug)]
pub struct ReportBuilder {
    pub(super) run: Run,
    pub(super) slots: Slots,
    pub(super) targets: Vec<SeenTarget>,
}

/// What was read of one target so far.
#[derive(Debug)]
pub(super) struct SeenTarget {
    pub(super) target: Target,
    /// By name.
    pub(super) clusters: Vec<SeenCluster>,
    /// Those of EKS, by name.
    pub(super) eks: BTreeMap<ClusterName, SeenEks>,
    /// Whether its snapshot was read to the end.
    pub(super) is_whole: bool,
}

/// What was read of one cluster so far.
#[derive(Debug)]
pub(super) struct SeenCluster {
    pub(super) name: ClusterName,
    pub(super) insights: InsightsLevel,
    pub(super) reports_insights: Reporting,
    pub(super) opted_out: bool,
    pub(super) services_unread: bool,
    /// By name.
    pub(super) services: Vec<SeenService>,
}

/// What was read of one service so far.
#[derive(Debug)]
pub(super) struct SeenService {
    pub(super) figures: ServiceReport,
    pub(super) sparks: Sparks,
    /// End of the newest period with CPU or memory.
    newest: Option<Timestamp>,
}

/// CPU and memory of one service over time.
#[derive(Debug, Clone, Default)]
pub(super) struct Sparks {
    pub(super) cpu: Spark,
    pub(super) cpu_maximum: Spark,
    pub(super) memory: Spark,
    pub(super) memory_maximum: Spark,
}

impl ReportBuilder {
    /// The report of this run, about nothing yet.
    pub fn new(run: &Run) -> Self {
        Self { run: run.clone(), slots: Slots::of(&run.window), targets: Vec::new() }
    }

    /// The snapshot of a target begins. If it began before, for an attempt that failed, that is forgotten.
    pub fn target(&mut self, target: &Target) {
        self.targets.retain(|seen| seen.target != *target);
        let (target, clusters, eks) = (target.clone(), Vec::new(), BTreeMap::new());
        self.targets.push(SeenTarget { target, clusters, eks, is_whole: false });
    }

    /// Takes the next line of the target's snapshot.
    pub fn add(&mut self, line: SnapshotLine) {
        let Some(target) = self.targets.last_mut() else { return };
        match line {
            SnapshotLine::Run(_) => {}
            SnapshotLine::Cluster(name, entry) => target.add_cluster(name, entry),
            SnapshotLine::Eks(state) => {
                target.eks.entry(state.cluster.clone()).and_modify(|seen| seen.take_state(*state));
            }
            SnapshotLine::Workload(state) => {
                target.eks.entry(state.cluster.clone()).and_modify(|seen| seen.take_workload(&state));
            }
            SnapshotLine::Pod(pod) => {
                let now = self.run.time;
                target.eks.entry(pod.cluster.clone()).and_modify(|seen| seen.take_pod(&pod, now));
            }
            SnapshotLine::Series(query, reading) if target.target.platform == Platform::Eks => {
                if let Some(seen) = target.eks_cluster(query.metric.dimensions.get("ClusterName")) {
                    seen.take(&query, &reading, &self.run, &self.slots);
                }
            }
            SnapshotLine::Series(query, reading) => {
                let dimension = |name| query.metric.dimensions.get(name);
                if let (Some(cluster), Some(service)) = (dimension("ClusterName"), dimension("ServiceName"))
                    && let Some(seen) = target.service(cluster, service)
                {
                    seen.take(&query, &reading, &self.run, &self.slots);
                }
            }
            SnapshotLine::Service(state) => {
                if let Some(seen) = target.service(state.cluster.as_str(), state.service.as_str()) {
                    seen.take_state(&state);
                }
            }
            SnapshotLine::Undescribed(lost) => {
                if let Some(seen) = target.service(lost.cluster.as_str(), lost.service.as_str()) {
                    seen.figures.tasks.take_no_state();
                }
            }
            SnapshotLine::End(_) => target.is_whole = true,
        }
    }

    /// The report of all that was added, and of what else is known.
    pub fn finish(self, facts: ReportFacts<'_>) -> Report {
        finish::report(self, &facts)
    }
}

impl SeenTarget {
    fn eks_cluster(&mut self, name: Option<&str>) -> Option<&mut SeenEks> {
        self.eks.get_mut(&name?.parse().ok()?)
    }

    fn add_cluster(&mut self, name: ClusterName, ClusterEntry { tags, unlisted, contents }: ClusterEntry) {
        let ecs = match contents {
            ClusterContents::Ecs(ecs) => ecs,
            ClusterContents::Eks(eks) => {
                self.eks.insert(name.clone(), SeenEks::new(name, &eks, unlisted));
                return;
            }
        };
        let mut names: Vec<ServiceName> = ecs.services;
        names.sort_unstable();
        names.dedup();
        let cluster = SeenCluster {
            insights: ecs.insights,
            reports_insights: ecs.reports_insights,
            opted_out: opts_out(&tags),
            services_unread: unlisted,
            services: names.into_iter().map(SeenService::new).collect(),
            name,
        };
        match self.clusters.binary_search_by(|other| other.name.cmp(&cluster.name)) {
            Ok(at) => self.clusters[at] = cluster,
            Err(at) => self.clusters.insert(at, cluster),
        }
    }

    /// The service of that name. One that the inventory does not list, such as one that was created a minute ago, is added.
    fn service(&mut self, cluster: &str, service: &str) -> Option<&mut SeenService> {
        let at = self.clusters.binary_search_by(|seen| seen.name.as_str().cmp(cluster)).ok()?;
        let services = &mut self.clusters[at].services;
        let found = services.binary_search_by(|seen| seen.figures.service.as_str().cmp(service));
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                services.insert(at, SeenService::new(service.parse().ok()?));
                at
            }
        };
        services.get_mut(at)
    }
}

impl SeenService {
    fn new(service: ServiceName) -> Self {
        let figures = ServiceReport {
            service,
            cpu: Utilization::default(),
            memory: Utilization::default(),
            tasks: Tasks::default(),
            without_metrics: None,
            deployment: None,
            network: None,
        };
        Self { figures, sparks: Sparks::default(), newest: None }
    }

    fn take(
        &mut self,
        MetricQuery { metric, statistic, period }: &MetricQuery,
        reading: &Reading,
        run: &Run,
        slots: &Slots,
    ) {
        let (window, figures) = (&run.window, &mut self.figures);
        let is_maximum = *statistic == Statistic::Maximum;
        if metric.namespace == AWS_ECS {
            let newest = points(reading).last().map(|point| point.timestamp + period.length());
            self.newest = self.newest.max(newest);
        }
        match (metric.namespace.as_ref(), metric.name.as_ref()) {
            (AWS_ECS, "CPUUtilization") => {
                figures.cpu.take(statistic, reading, window);
                let Sparks { cpu, cpu_maximum, .. } = &mut self.sparks;
                keep_spark(is_maximum, reading, slots, cpu, cpu_maximum);
            }
            (AWS_ECS, "MemoryUtilization") => {
                figures.memory.take(statistic, reading, window);
                let Sparks { memory, memory_maximum, .. } = &mut self.sparks;
                keep_spark(is_maximum, reading, slots, memory, memory_maximum);
            }
            (CONTAINER_INSIGHTS, "RunningTaskCount") => figures.tasks.take_running(reading, window),
            (CONTAINER_INSIGHTS, "DesiredTaskCount") => figures.tasks.take_desired(reading, window),
            (CONTAINER_INSIGHTS, "DeploymentCount") => {
                figures.deployment.get_or_insert_default().take_count(reading);
            }
            (CONTAINER_INSIGHTS, name @ ("NetworkRxBytes" | "NetworkTxBytes")) => {
                figures.network.get_or_insert_default().take(name, reading);
            }
            // Of another report's plan: the snapshot keeps it.
            _ => {}
        }
    }

    /// Notes, once all lines have come, that CloudWatch has no metrics of a service whose tasks run.
    /// Where it could not be asked, nothing follows.
    pub(super) fn note_missing_metrics(&mut self, window: &Window) {
        let ServiceReport { cpu, memory, tasks, deployment, .. } = &self.figures;
        let is_silent = [cpu, memory].into_iter().all(|figure| {
            matches!(figure.answer, Answer::Known | Answer::NoData)
                && figure.average_3h.or(figure.maximum_3h).is_none()
        });
        let runs = tasks.told_by_ecs && tasks.running.is_some_and(|running| running > 0);
        let started = deployment.as_ref().and_then(|deployment| deployment.started_at);
        let is_new = started.is_some_and(|started| window.end.duration_since(started) < STARTING);
        let without = WithoutMetrics { since: self.newest };
        self.figures.without_metrics = (is_silent && runs && !is_new).then_some(without);
    }

    fn take_state(&mut self, state: &ServiceState) {
        self.figures.tasks.take_state(state);
        if let Some(deployment) = &state.deployment {
            self.figures.deployment.get_or_insert_default().take_state(deployment);
        }
    }
}

pub(super) fn keep_spark(
    is_maximum: bool,
    reading: &Reading,
    slots: &Slots,
    mean: &mut Spark,
    maximum: &mut Spark,
) {
    if is_maximum {
        *maximum = slots.maxima(points(reading));
    } else {
        *mean = slots.means(points(reading));
    }
}
