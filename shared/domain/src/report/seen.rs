//! What has been read of one target's snapshot. The snapshot is never held whole: 10,000 services
//! take some 15 MB, however many points they have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::measured::figures::{highest, points, tenth};
use super::measured::member::Member;
use super::measured::slots::{Slots, Sparks};
use super::sections::clusters::part::SeenPart;
use super::sections::clusters::seen::{SeenCluster, SeenService};
use super::sections::clusters::service::ServiceReport;
use super::sections::eks::model::WorkloadReport;
use super::sections::eks::seen::SeenEks;
use super::sections::setup::model::QuotaReport;
use crate::deaths::{IncidentGroup, Known};
use crate::evidence::inventory::{ClusterContents, ClusterEntry};
use crate::evidence::snapshot::SnapshotLine;
use crate::model::cluster::{ClusterName, ServiceName};
use crate::model::metric::MetricQuery;
use crate::model::run::{Platform, Target};
use crate::model::series::Reading;
use crate::rules::QuotaFigure;
use crate::sources::parts;

/// What has been read of one target.
#[derive(Debug)]
pub(crate) struct SeenTarget {
    pub(crate) target: Target,
    /// ECS clusters, by name.
    pub(crate) clusters: Vec<SeenCluster>,
    /// EKS clusters, by name.
    pub(crate) eks: BTreeMap<ClusterName, SeenEks>,
    /// Since when its incidents are known.
    pub(crate) known: Option<Known>,
    /// Incidents of its services, tasks and workloads.
    pub(crate) incidents: Vec<IncidentGroup>,
    /// Whether its snapshot was read to the end.
    pub(crate) is_whole: bool,
    /// Quotas of its account.
    pub(crate) quotas: Vec<QuotaReport>,
    /// The services behind each target group: cluster and name.
    behind: HashMap<String, Vec<(ClusterName, ServiceName)>>,
}

/// A service or workload, its place, and its charts.
#[derive(Clone, Copy)]
pub(crate) struct SeenMember<'a> {
    pub(crate) target: &'a Target,
    pub(crate) cluster: &'a ClusterName,
    pub(crate) figures: MemberFigures<'a>,
    pub(crate) sparks: &'a Sparks,
}

/// The figures of a service or workload.
#[derive(Clone, Copy)]
pub(crate) enum MemberFigures<'a> {
    Service(&'a ServiceReport),
    Workload(&'a WorkloadReport),
}

impl<'a> MemberFigures<'a> {
    /// The figures as the trait that services and workloads share.
    pub(crate) fn member(&self) -> &'a dyn Member {
        match self {
            Self::Service(service) => *service,
            Self::Workload(workload) => *workload,
        }
    }
}

impl SeenTarget {
    /// A target of which nothing has been read.
    pub(crate) fn new(target: &Target) -> Self {
        Self {
            target: target.clone(),
            clusters: Vec::new(),
            eks: BTreeMap::new(),
            known: None,
            incidents: Vec::new(),
            is_whole: false,
            quotas: Vec::new(),
            behind: HashMap::new(),
        }
    }

    /// Takes the next line of its snapshot.
    pub(crate) fn take(&mut self, line: SnapshotLine, now: Timestamp, slots: &Slots) {
        match line {
            SnapshotLine::Run(_) => {}
            SnapshotLine::Cluster(name, entry) => self.take_cluster(name, entry),
            SnapshotLine::Eks(state) => {
                self.eks.entry(state.cluster.clone()).and_modify(|seen| seen.take_state(*state));
            }
            SnapshotLine::Workload(state) => {
                self.eks.entry(state.cluster.clone()).and_modify(|seen| seen.take_workload(&state));
            }
            SnapshotLine::Pod(pod) => {
                self.eks.entry(pod.cluster.clone()).and_modify(|seen| seen.take_pod(&pod, now));
            }
            SnapshotLine::Series(query, reading) => self.take_series(&query, &reading, slots),
            SnapshotLine::Service(state) => {
                if let Some(seen) = self.service(state.cluster.as_str(), state.service.as_str()) {
                    seen.take_state(&state);
                }
            }
            SnapshotLine::Undescribed(lost) => {
                if let Some(seen) = self.service(lost.cluster.as_str(), lost.service.as_str()) {
                    seen.figures.tasks.take_no_state();
                }
            }
            SnapshotLine::Events(known) => self.known = Some(known),
            SnapshotLine::Incidents(group) => self.incidents.push(*group),
            SnapshotLine::End(_) => self.is_whole = true,
        }
    }

    /// Marks missing data, once all lines are read.
    pub(crate) fn close(&mut self, slots: &Slots) {
        let services = self.clusters.iter_mut().flat_map(|cluster| &mut cluster.services);
        services.for_each(|seen| seen.close(slots.window()));
        self.eks.values_mut().for_each(SeenEks::close);
    }

    /// All services, and all workloads.
    pub(crate) fn members(&self) -> impl Iterator<Item = SeenMember<'_>> {
        let target = &self.target;
        let services = self.clusters.iter().flat_map(move |cluster| {
            cluster.services.iter().map(move |seen| SeenMember {
                target,
                cluster: &cluster.name,
                figures: MemberFigures::Service(&seen.figures),
                sparks: &seen.sparks,
            })
        });
        let workloads = self.eks.values().flat_map(move |cluster| {
            cluster.workloads.values().map(move |seen| SeenMember {
                target,
                cluster: &cluster.name,
                figures: MemberFigures::Workload(&seen.figures),
                sparks: &seen.sparks,
            })
        });
        services.chain(workloads)
    }

    fn take_cluster(&mut self, name: ClusterName, ClusterEntry { tags, unlisted, contents }: ClusterEntry) {
        let cluster = match contents {
            ClusterContents::Ecs(entry) => {
                for (service, setup) in &entry.setups {
                    let groups = setup.load_balancing.groups().map(|group| group.name.clone());
                    // Once for each service, even if it names a group twice.
                    for group in groups.collect::<BTreeSet<String>>() {
                        self.behind.entry(group).or_default().push((name.clone(), service.clone()));
                    }
                }
                SeenCluster::new(name, entry, &tags, unlisted)
            }
            ClusterContents::Eks(entry) => {
                self.eks.insert(name.clone(), SeenEks::new(name, &entry, unlisted));
                return;
            }
        };
        match self.clusters.binary_search_by(|other| other.name.cmp(&cluster.name)) {
            Ok(at) => self.clusters[at] = cluster,
            Err(at) => self.clusters.insert(at, cluster),
        }
    }

    fn take_series(&mut self, query: &MetricQuery, reading: &Reading, slots: &Slots) {
        let dimension = |name| query.metric.dimensions.get(name);
        if let Some(group) = dimension("TargetGroup") {
            for (cluster, service) in self.behind.get(group).cloned().unwrap_or_default() {
                if let Some(seen) = self.service(cluster.as_str(), service.as_str()) {
                    seen.take_balancer(query, reading, slots);
                }
            }
            return;
        }
        if let Some(figure) = QuotaFigure::of(&query.metric) {
            let Target { account, region, .. } = self.target.clone();
            let points = points(reading);
            let class = figure.class().to_owned();
            let percent = points.last().map(|point| tenth(point.value));
            let quota = QuotaReport { account, region, class, percent, highest: highest(points) };
            self.quotas.extend(Some(quota).filter(|quota| quota.highest.is_some()));
            return;
        }
        let Some(cluster) = dimension("ClusterName") else { return };
        if self.target.platform == Platform::Eks {
            let name = cluster.parse().ok();
            if let Some(seen) = name.and_then(|name: ClusterName| self.eks.get_mut(&name)) {
                seen.take(query, reading, slots);
            }
        } else if let Some(seen) = self.part(query) {
            seen.take(query, reading, slots.window());
        } else if let Some(service) = dimension("ServiceName")
            && query.metric.dimensions.len() == 2
            && let Some(seen) = self.service(cluster, service)
        {
            seen.take(query, reading, slots);
        }
    }

    /// The task family, task or container that a query names.
    fn part(&mut self, query: &MetricQuery) -> Option<&mut SeenPart> {
        let subject = parts::subject_of(&query.metric.dimensions)?;
        let cluster = subject.cluster()?;
        let at = self.clusters.binary_search_by(|seen| seen.name.cmp(cluster)).ok()?;
        self.clusters[at].parts.get_mut(&subject)
    }

    fn service(&mut self, cluster: &str, service: &str) -> Option<&mut SeenService> {
        let at = self.clusters.binary_search_by(|seen| seen.name.as_str().cmp(cluster)).ok()?;
        self.clusters[at].service(service)
    }
}
