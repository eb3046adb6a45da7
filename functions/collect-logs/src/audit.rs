//! The audit: snapshot -> task definitions and log groups -> findings. It reads how containers are
//! set up to log and what their log groups receive, and no log line.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use fargaze::evidence::coverage::counted;
use fargaze::evidence::eks::PodLogs as Reads;
use fargaze::invocation::failure::Failure;
use fargaze::invocation::states::TargetTask;
use fargaze::logs::{
    AuditContext, AuditedGroup, LogFinding, LogGroup, LogMode, LogsRead, Running, Volume, audit_all,
    group_findings, groups_of_cluster, not_allowed, sizes, volume_of, volume_queries,
};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::metric::Period;
use fargaze::model::run::{Platform, Target};
use fargaze::model::series::Reading;
use fargaze::model::window::Window;
use fargaze_aws::{CloudWatch, Ecs, config_for};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::known::{self, Definitions, Known, PodLogs};
use crate::seen::Seen;
use crate::{Handler, cluster_api};

/// Time kept for what follows the task definitions: metrics of the groups, and storing the result.
const REST: Duration = Duration::from_secs(25);
/// Time kept for what follows the list of log groups.
const END: Duration = Duration::from_secs(10);
/// Clusters whose tasks are listed at once; the rate is limited anyway.
const AT_ONCE: usize = 16;
/// Clusters of EKS that are queried at once.
const CLUSTERS_AT_ONCE: usize = 4;
/// How far back the volume of a group is read: a day, and the same day a week before.
const VOLUME: jiff::SignedDuration = jiff::SignedDuration::from_hours(8 * 24);

/// What is known about the revisions that run.
#[derive(Default)]
struct Revisions {
    running: Vec<Running>,
    known: Definitions,
    count: usize,
    left: usize,
    default_mode: Option<LogMode>,
}

impl Handler {
    /// Audits a target. Revisions that cannot be described before the deadline are left to the next
    /// report.
    pub(crate) async fn audit(
        &self,
        task: &TargetTask,
        target: &Target,
        deadline: Instant,
    ) -> Result<LogsRead, Failure> {
        let seen = Seen::read(&self.store, &task.target.snapshot_key(&task.run)).await?;
        let sdk = config_for(&self.home, target).await?;
        let mut faults = Vec::new();
        let mut names: BTreeSet<String> = seen.clusters.keys().flat_map(groups_of_cluster).collect();
        let before = Known::read(&self.store, target).await;
        let (mut current, mut denied) = (Known::default(), Vec::new());
        let revisions = match target.platform {
            Platform::Ecs => self.revisions(&Ecs::new(&sdk), target, &seen, deadline, &mut faults).await?,
            Platform::Eks => {
                let found = self.pod_logs(task, &sdk, target, &seen, deadline).await?;
                for (cluster, found) in found {
                    // Rules on logs go on with what was known.
                    if let (Some(known), false) =
                        (before.clusters.get(&cluster), matches!(found, Found::Groups(_)))
                    {
                        current.clusters.insert(cluster.clone(), known.clone());
                    }
                    match found {
                        Found::Groups(groups) => {
                            let workloads = known::workloads(&cluster, &seen.pods);
                            current.clusters.insert(cluster, PodLogs { groups, workloads });
                        }
                        Found::NotAllowed(finding) => denied.push(*finding),
                        Found::Fault(fault) => faults.push(fault),
                    }
                }
                names.extend(current.clusters.values().flat_map(|logs| logs.groups.iter().cloned()));
                Revisions::default()
            }
        };
        current.running.clone_from(&revisions.running);
        current.write(&self.store, target, &before).await?;
        let groups = Self::logs(task, &sdk).groups(deadline - END).await;
        let groups = groups.map_err(|fault| faults.push(fault)).ok();
        let Revisions { running, known, count, left, default_mode } = revisions;
        let context = AuditContext { region: &target.region, default_mode, groups: groups.as_ref() };
        let audited = audit_all(&running, &known, &context);
        let used = groups.unwrap_or_default().into_iter();
        let used = used.filter(|(name, _)| names.contains(name) || audited.writers.contains_key(name));
        let used: BTreeMap<String, LogGroup> = used.collect();
        let delay = task.run.time.duration_since(task.run.window.end);
        let window = Window::ending(task.run.time, delay, Period::HOUR, VOLUME);
        let (mut volumes, metrics) = volumes(&CloudWatch::new(&sdk), &used, &window, &mut faults).await;
        let group = |(name, group): (String, LogGroup)| {
            let (volume, writers) = (volumes.remove(&name), audited.writers.get(&name).cloned());
            (name, AuditedGroup { group, volume, writers: writers.unwrap_or_default() })
        };
        let groups: BTreeMap<String, AuditedGroup> = used.into_iter().map(group).collect();
        let mut findings = audited.findings;
        findings.extend(denied);
        findings.extend(group_findings(&groups, &target.region, window.end));
        findings.sort_by(|one, other| (one.kind, &one.place).cmp(&(other.kind, &other.place)));
        Ok(LogsRead {
            containers: audited.containers,
            revisions: count,
            revisions_left: left,
            findings,
            groups: groups.into_values().collect(),
            sizes: sizes(&running, &known),
            metrics,
            faults: counted(faults),
        })
    }

    /// Describes the revisions that run, except those that an earlier run has described.
    async fn revisions(
        &self,
        ecs: &Ecs,
        target: &Target,
        seen: &Seen,
        deadline: Instant,
        faults: &mut Vec<Fault>,
    ) -> Result<Revisions, Failure> {
        let cached = known::definitions(&self.store, target).await;
        let mut running = seen.running.clone();
        let tasks = seen.clusters.iter().map(|(cluster, count)| async move {
            (cluster, ecs.task_definitions_without_service(cluster, *count).await)
        });
        let tasks: Vec<_> = stream::iter(tasks.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
        for (cluster, revisions) in tasks {
            match revisions {
                Ok(revisions) => {
                    let of_tasks = revisions.into_iter().map(|revision| Running::of_tasks(cluster, revision));
                    running.extend(of_tasks);
                }
                Err(fault) => faults.push(fault),
            }
        }
        running.sort_by(|one, other| (&one.subject, &one.revision).cmp(&(&other.subject, &other.revision)));
        let revisions: BTreeSet<&String> = running.iter().map(|running| &running.revision).collect();
        let (mut known, mut unknown) = (BTreeMap::new(), Vec::new());
        for revision in &revisions {
            match cached.get(*revision) {
                Some(logging) if logging.size.is_some() => {
                    drop(known.insert((*revision).clone(), logging.clone()));
                }
                _ => unknown.push((*revision).clone()),
            }
        }
        let described = ecs.task_definitions(&unknown, deadline - REST).await;
        let left = unknown.len() - described.len();
        for (revision, described) in described {
            match described {
                Ok(logging) => drop(known.insert(revision, logging)),
                Err(fault) => faults.push(fault),
            }
        }
        if known != cached {
            self.store.put_zipped(&target.task_definitions_key(), &known).await?;
        }
        let default_mode = ecs.default_log_mode().await.map_err(|fault| faults.push(fault)).ok();
        let count = revisions.len();
        Ok(Revisions { running, known, count, left, default_mode })
    }

    /// The logs of the pods, in the clusters that the user's file opens.
    async fn pod_logs(
        &self,
        task: &TargetTask,
        sdk: &SdkConfig,
        target: &Target,
        seen: &Seen,
        deadline: Instant,
    ) -> Result<Vec<(ClusterName, Found)>, Failure> {
        let reads = self.store.eks_reads(&task.run).await?;
        let role = target.role.as_ref().map_or(self.config.role.as_str(), |role| &role.arn);
        let opened = seen.clusters.keys().filter(|name| reads.pod_logs(target, name) == Reads::Read);
        let found = opened.map(|cluster| async move {
            let found = match self.cluster_api(sdk, target, cluster, deadline - REST).await {
                Ok(client) => match cluster_api::log_groups(&client).await {
                    Ok(groups) => match cluster_api::refusal(&client).await {
                        None => Ok(groups),
                        Some(why) => Err(Found::not_allowed(target, cluster, role, &why)),
                    },
                    Err(fault) if fault.kind == FaultKind::Denied => {
                        Err(Found::not_allowed(target, cluster, role, &fault.message))
                    }
                    Err(fault) => Err(Found::Fault(fault)),
                },
                Err(fault) => Err(Found::Fault(fault)),
            };
            (cluster.clone(), found.map_or_else(|not| not, Found::Groups))
        });
        Ok(stream::iter(found.collect::<Vec<_>>()).buffer_unordered(CLUSTERS_AT_ONCE).collect().await)
    }
}

/// What was found about the logs of the pods of a cluster.
enum Found {
    /// The log groups that they are sent to.
    Groups(Vec<String>),
    /// A permission is missing.
    NotAllowed(Box<LogFinding>),
    /// It could not be read.
    Fault(Fault),
}

impl Found {
    fn not_allowed(target: &Target, cluster: &ClusterName, role: &str, why: &str) -> Self {
        let Target { account, region, .. } = target;
        Self::NotAllowed(Box::new(not_allowed(account, region, cluster, role, why)))
    }
}

/// What the groups receive, and the number of metrics requested. A group whose metrics could not be
/// read is missing.
async fn volumes(
    cloudwatch: &CloudWatch,
    groups: &BTreeMap<String, LogGroup>,
    window: &Window,
    faults: &mut Vec<Fault>,
) -> (BTreeMap<String, Volume>, usize) {
    let queries = volume_queries(groups.keys().map(String::as_str));
    let mut readings: Vec<Reading> = Vec::with_capacity(queries.len());
    let add = |_: &_, reading: Reading| readings.push(reading);
    faults.extend(cloudwatch.get_metric_data(&queries, window, add).await);
    faults.extend(readings.iter().filter_map(Reading::fault).cloned());
    let of_groups = groups.keys().zip(readings.chunks(2));
    let volumes = of_groups.filter_map(|(name, readings)| {
        let [bytes, events] = readings else { return None };
        Some((name.clone(), volume_of(bytes, events, window.end)?))
    });
    (volumes.collect(), queries.len())
}
