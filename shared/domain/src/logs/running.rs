//! The audit of everything that runs in a target.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit::{AuditContext, audit};
use super::definition::TaskLogging;
use super::finding::{FindingPlace, LogFinding};
use super::group::Writer;
use super::outcome::RunningSize;
use crate::evidence::inventory::ServiceState;
use crate::model::cluster::{ClusterName, Region};
use crate::model::subject::{Subject, family_of};

/// A revision of a task definition, and who runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The service, or the family of tasks without a service.
    pub subject: Subject,
    /// ARN of the revision.
    pub revision: String,
    /// Since when tasks of the newest deployment run; `None` if no task runs, or if it is not known.
    pub runs_since: Option<Timestamp>,
}

/// What the audit of a target found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audited {
    /// Containers that were audited.
    pub containers: usize,
    /// What was found, the worst first.
    pub findings: Vec<LogFinding>,
    /// The log groups of this Region that containers write to, with those of them whose silence
    /// means something.
    pub writers: BTreeMap<String, Vec<Writer>>,
}

impl Running {
    /// The revisions of a service; none if it was deleted.
    pub fn of_service(state: &ServiceState) -> Vec<Self> {
        if state.is_missing() {
            return Vec::new();
        }
        let subject = Subject::Service(state.cluster.clone(), state.service.clone());
        let started = state.deployment.as_ref().and_then(|deployment| deployment.started_at);
        let runs_since = started.or(state.created_at).filter(|_| state.running > 0);
        let of =
            |revision: &String| Self { subject: subject.clone(), revision: revision.clone(), runs_since };
        state.task_definitions.iter().map(of).collect()
    }

    /// A revision that tasks without a service run.
    pub fn of_tasks(cluster: &ClusterName, revision: String) -> Self {
        let family = family_of(&revision).to_owned();
        Self { subject: Subject::TaskFamily(cluster.clone(), family), revision, runs_since: None }
    }
}

/// The sizes of all that runs, as far as the definitions are known.
pub fn sizes(running: &[Running], definitions: &BTreeMap<String, TaskLogging>) -> Vec<RunningSize> {
    let size = |running: &Running| {
        let size = definitions.get(&running.revision)?.size.clone()?;
        let revision = running.revision.rsplit('/').next().unwrap_or_default().to_owned();
        Some(RunningSize { subject: running.subject.clone(), revision, size })
    };
    running.iter().filter_map(size).collect()
}

/// Audits all that runs. Revisions without a definition are left out.
pub fn audit_all(
    running: &[Running],
    definitions: &BTreeMap<String, TaskLogging>,
    context: &AuditContext<'_>,
) -> Audited {
    let (mut audited, mut seen, mut findings) = (Audited::default(), BTreeSet::new(), BTreeMap::new());
    for Running { subject, revision, runs_since } in running {
        let Some(logging) = definitions.get(revision).filter(|logging| logging.on_fargate) else { continue };
        for container in &logging.containers {
            if seen.insert((subject.clone(), container.name.clone())) {
                audited.containers += 1;
            }
            let Some(group) = container.group().filter(|group| is_here(group.region, context.region)) else {
                continue;
            };
            let writers = audited.writers.entry(group.name.to_owned()).or_default();
            // Routers and helpers may have nothing to say for days.
            let speaks = container.essential && container.router.is_none();
            if speaks && !writers.iter().any(|writer| writer.subject == *subject) {
                writers.push(Writer { subject: subject.clone(), runs_since: *runs_since });
            }
        }
        for found in audit(logging, context) {
            let container = found.container.to_owned();
            let place = FindingPlace::Container { subject: subject.clone(), container };
            let key = (found.kind, place.clone(), found.detail.clone());
            let finding = LogFinding { kind: found.kind, place, detail: found.detail, remedy: found.remedy };
            findings.entry(key).or_insert(finding);
        }
    }
    // In the order of the rules, which is the worst first.
    audited.findings = findings.into_values().collect();
    audited
}

/// Whether a group is in the Region of the cluster. Without an option the router's Region counts,
/// which is the cluster's.
fn is_here(region: Option<&str>, here: &Region) -> bool {
    region.is_none_or(|region| region == here.as_str())
}

/// Log groups that AWS itself writes for a cluster, if they exist: Container Insights, EKS's control
/// plane, and the log router of EKS on Fargate.
pub fn groups_of_cluster(cluster: &ClusterName) -> Vec<String> {
    let mut groups = vec![
        format!("/aws/ecs/containerinsights/{cluster}/performance"),
        format!("/aws/eks/{cluster}/cluster"),
        format!("{cluster}-fluent-bit-logs"),
    ];
    let insights = ["application", "dataplane", "host", "performance"];
    groups.extend(insights.map(|part| format!("/aws/containerinsights/{cluster}/{part}")));
    groups
}
