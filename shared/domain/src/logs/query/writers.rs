//! Who writes to which log group, so that the events of a group can be attributed to services and
//! workloads.

use std::collections::{BTreeMap, BTreeSet};

use crate::logs::{Running, TaskLogging};
use crate::model::cluster::{ClusterName, Region};
use crate::model::subject::Subject;
use crate::rules::QueryPlaces;

/// Someone who writes to a log group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// The service, task family or workload.
    pub subject: Subject,
    /// How the names of its streams begin, without the task's id; `None` if that is not known.
    pub source: Option<String>,
}

/// Who writes to which log group of an account and Region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    groups: BTreeMap<String, BTreeSet<Destination>>,
    /// The workloads of pods by namespace and name, which are unique in a cluster.
    pods: BTreeMap<(String, String), BTreeSet<Subject>>,
}

impl Destinations {
    /// Of what runs on ECS.
    pub fn of_tasks(
        running: &[Running],
        definitions: &BTreeMap<String, TaskLogging>,
        region: &Region,
    ) -> Self {
        let mut groups = BTreeMap::<String, BTreeSet<Destination>>::new();
        for Running { subject, revision, .. } in running {
            let containers = definitions.get(revision).into_iter().flat_map(|logging| &logging.containers);
            for container in containers {
                let here = container
                    .group()
                    .filter(|group| group.region.is_none_or(|written| written == region.as_str()));
                let Some(group) = here else { continue };
                let destination = Destination { subject: subject.clone(), source: container.stream_source() };
                groups.entry(group.name.to_owned()).or_default().insert(destination);
            }
        }
        Self { groups, pods: BTreeMap::new() }
    }

    /// Adds the pods of an EKS cluster, which write to these groups: namespace, name and workload of
    /// each.
    pub fn add_pods(&mut self, groups: &[String], pods: impl IntoIterator<Item = (String, String, Subject)>) {
        for (namespace, name, subject) in pods {
            for group in groups {
                let destination = Destination { subject: subject.clone(), source: None };
                self.groups.entry(group.clone()).or_default().insert(destination);
            }
            self.pods.entry((namespace, name)).or_default().insert(subject);
        }
    }

    /// The groups that a subject writes to.
    pub fn groups_of(&self, subject: &Subject) -> Vec<&str> {
        let writes = |writers: &BTreeSet<Destination>| writers.iter().any(|one| one.subject == *subject);
        self.groups.iter().filter(|(_, writers)| writes(writers)).map(|(name, _)| name.as_str()).collect()
    }

    /// Who writes to a group.
    pub fn of_group(&self, group: &str) -> impl Iterator<Item = &Destination> {
        self.groups.get(group).into_iter().flatten()
    }

    /// The groups of those that a query covers.
    pub fn groups_covered(&self, places: &QueryPlaces) -> impl Iterator<Item = &str> {
        self.covered(places).into_keys()
    }

    /// The groups of those that a query covers, with who of them writes there.
    pub(super) fn covered(&self, places: &QueryPlaces) -> BTreeMap<&str, BTreeSet<&Subject>> {
        let mut covered = BTreeMap::<&str, BTreeSet<&Subject>>::new();
        for (group, writers) in &self.groups {
            for writer in writers.iter().filter(|writer| places.covers(&writer.subject)) {
                covered.entry(group).or_default().insert(&writer.subject);
            }
        }
        covered
    }

    /// Whether several subjects write to the group.
    pub(super) fn is_shared(&self, group: &str) -> bool {
        let subjects: BTreeSet<&Subject> = self.of_group(group).map(|writer| &writer.subject).collect();
        subjects.len() > 1
    }

    /// Who may have written what a stream that begins so holds: several if that cannot be told.
    pub(super) fn writers(&self, group: &str, source: Option<&str>) -> BTreeSet<&Subject> {
        let all: BTreeSet<&Subject> = self.of_group(group).map(|writer| &writer.subject).collect();
        if all.len() == 1 || source.is_none() {
            return all;
        }
        let named = self.of_group(group).filter(|writer| writer.source.as_deref() == source);
        named.map(|writer| &writer.subject).collect()
    }

    /// Whose pod may have written to the group: a pod that was seen, or one that is named after a
    /// workload. Several if clusters that share the group have such a pod.
    pub(super) fn workloads(&self, group: &str, namespace: &str, pod: &str) -> BTreeSet<&Subject> {
        let writers: BTreeSet<&Subject> = self.of_group(group).map(|writer| &writer.subject).collect();
        let seen = self.pods.get(&(namespace.to_owned(), pod.to_owned()));
        let seen: BTreeSet<&Subject> =
            seen.into_iter().flatten().filter(|subject| writers.contains(subject)).collect();
        if !seen.is_empty() {
            return seen;
        }
        let named_after = |subject: &&Subject| {
            subject.workload().is_some_and(|workload| {
                workload.namespace == namespace
                    && pod.strip_prefix(workload.name.as_str()).is_some_and(|rest| rest.starts_with('-'))
            })
        };
        let length = |subject: &Subject| subject.workload().map_or(0, |workload| workload.name.len());
        let named: Vec<&Subject> = writers.into_iter().filter(named_after).collect();
        let longest = named.iter().map(|subject| length(subject)).max();
        named.into_iter().filter(|subject| Some(length(subject)) == longest).collect()
    }

    /// The clusters of those who write.
    pub fn clusters(&self) -> BTreeSet<&ClusterName> {
        self.groups.values().flatten().filter_map(|writer| writer.subject.cluster()).collect()
    }
}
