//! Events that are kept: stopped tasks, Spot warnings, deployments, trouble of services, and
//! announced retirements (Amazon ECS Developer Guide, "Amazon ECS events"; Amazon EKS User Guide,
//! "Set actions for AWS Fargate OS patching events"; AWS Health User Guide, "Events").

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Deserialize;
use serde_json::Value;

use super::record::Envelope;
use super::{BadEvent, BadField};
use crate::deaths::{ContainerOfTask, Died, Incident, IncidentKind, Of};
use crate::model::cluster::{AccountId, ClusterName, Region, ServiceName};
use crate::model::subject::{Workload, family_of};

/// The most characters of a reason that are kept: people write into it what they like.
const LONGEST_REASON: usize = 400;

/// The type of AWS Health's event about tasks on Fargate.
const RETIREMENT: &str = "AWS_ECS_TASK_PATCHING_RETIREMENT";

/// An event to keep, or why it is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Its incidents, with their account and Region.
    Incidents {
        /// The account.
        account: AccountId,
        /// The Region.
        region: Region,
        /// One, or one for each affected service or task of a retirement.
        incidents: Vec<Incident>,
        /// Parts of it that could not be read.
        odd: Vec<String>,
    },
    /// Well formed, but nothing to keep, with the reason.
    Ignored(String),
}

/// Reads an event from EventBridge. `id` of the envelope differs after each hop between buses, so
/// nothing depends on it: task and version identify what happened.
pub fn read_incidents(body: &str) -> Result<Kept, BadEvent> {
    let envelope: Envelope =
        serde_json::from_str(body).map_err(|error| BadEvent::NotAnEvent(error.to_string()))?;
    let id = envelope.id.clone();
    of_envelope(envelope).map_err(|(field, why)| BadEvent::BadField { id, field, why })
}

/// What an event says, or why it is ignored.
type Found = Result<Vec<Incident>, String>;

fn of_envelope(envelope: Envelope) -> Result<Kept, BadField> {
    let Envelope { id, source, detail_type, account, region, time, detail, resources } = envelope;
    let time = time.ok_or_else(|| ("time", "it is missing".to_owned()))?;
    let resource = resources.first().map(String::as_str).unwrap_or_default();
    let mut place = (account, region);
    let mut odd = Vec::new();
    let found = match (source.as_str(), detail_type.as_str()) {
        ("aws.ecs", "ECS Task State Change") => task(detail, time)?,
        ("aws.ecs", "ECS Deployment State Change") => deployment(detail, resource, time)?,
        ("aws.ecs", "ECS Service Action") => service(detail, resource, time)?,
        ("aws.health", "AWS Health Event") => retirement(detail, time, &mut place, &mut odd)?,
        ("aws.eks", "EKS Fargate Pod Scheduled Termination") => pod(detail, time)?,
        _ => return Ok(Kept::Ignored(format!("event {id} from {source} is a `{detail_type}`"))),
    };
    Ok(match found {
        Ok(incidents) => {
            let (account, region) = place;
            Kept::Incidents { account, region, incidents, odd }
        }
        Err(why) => Kept::Ignored(format!("event {id} {why}")),
    })
}

/// Reads the detail; null members count as absent.
fn parsed<T: for<'de> Deserialize<'de>>(detail: Value) -> Result<T, BadField> {
    serde_json::from_value(detail).map_err(|error| ("detail", error.to_string()))
}

fn cut(text: Option<String>) -> Option<String> {
    let cut = |text: String| match text.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    };
    text.filter(|text| !text.is_empty()).map(cut)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskDetail {
    cluster_arn: String,
    task_arn: String,
    task_definition_arn: String,
    group: Option<String>,
    last_status: String,
    stop_code: Option<String>,
    stopped_reason: Option<String>,
    started_by: Option<String>,
    started_at: Option<Timestamp>,
    stopping_at: Option<Timestamp>,
    stopped_at: Option<Timestamp>,
    execution_stopped_at: Option<Timestamp>,
    version: Option<u64>,
    containers: Option<Vec<ContainerDetail>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerDetail {
    name: Option<String>,
    exit_code: Option<i32>,
    reason: Option<String>,
    image: Option<String>,
    image_digest: Option<String>,
}

fn task(detail: Value, time: Timestamp) -> Result<Found, BadField> {
    let detail: TaskDetail = parsed(detail)?;
    let cluster: ClusterName =
        last(&detail.cluster_arn).parse().map_err(|error| ("detail.clusterArn", format!("{error}")))?;
    let id = last(&detail.task_arn).to_owned();
    let family = family_of(&detail.task_definition_arn);
    let service = detail.group.as_deref().and_then(|group| group.strip_prefix("service:"));
    let of = match service {
        Some(service) => {
            let service = service.parse().map_err(|error| ("detail.group", format!("{error}")))?;
            Of::Service(cluster, service)
        }
        None => Of::Family(cluster, family.to_owned()),
    };
    if detail.last_status != "STOPPED" {
        return Ok(match detail.stop_code.as_deref() {
            Some("TerminationNotice" | "SpotInterruption") => {
                Ok(vec![Incident { of, at: time, kind: IncidentKind::SpotWarning { task: id } }])
            }
            _ => Err(format!("says that task {id} is {}, and nothing about its end", detail.last_status)),
        });
    }
    let container = |container: ContainerDetail| ContainerOfTask {
        name: container.name.unwrap_or_default(),
        exit_code: container.exit_code,
        reason: cut(container.reason),
        image: container.image,
        digest: container.image_digest,
    };
    let died = Died {
        task: id,
        version: detail.version.unwrap_or_default(),
        definition: last(&detail.task_definition_arn).to_owned(),
        code: detail.stop_code,
        reason: cut(detail.stopped_reason),
        deployment: detail.started_by.filter(|by| by.starts_with("ecs-svc/")),
        started_at: detail.started_at,
        stopping_at: detail.stopping_at,
        ended_at: detail.execution_stopped_at.or(detail.stopped_at),
        containers: detail.containers.into_iter().flatten().map(container).collect(),
    };
    let at = detail.stopped_at.unwrap_or(time);
    Ok(Ok(vec![Incident { of, at, kind: IncidentKind::Stopped(died) }]))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceDetail {
    event_type: Option<String>,
    event_name: String,
    cluster_arn: Option<String>,
    deployment_id: Option<String>,
    updated_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    reason: Option<String>,
}

fn deployment(detail: Value, resource: &str, time: Timestamp) -> Result<Found, BadField> {
    let detail: ServiceDetail = parsed(detail)?;
    let of = match service_of(resource, detail.cluster_arn.as_deref())? {
        Ok(of) => of,
        Err(why) => return Ok(Err(why)),
    };
    let id = detail.deployment_id.ok_or_else(|| ("detail.deploymentId", "it is missing".to_owned()))?;
    let kind = IncidentKind::Deployment { event: detail.event_name, id, reason: cut(detail.reason) };
    Ok(Ok(vec![Incident { of, at: detail.updated_at.unwrap_or(time), kind }]))
}

fn service(detail: Value, resource: &str, time: Timestamp) -> Result<Found, BadField> {
    let detail: ServiceDetail = parsed(detail)?;
    if detail.event_type.as_deref() == Some("INFO") {
        return Ok(Err(format!("is {}, which is no trouble", detail.event_name)));
    }
    let of = match service_of(resource, detail.cluster_arn.as_deref())? {
        Ok(of) => of,
        Err(why) => return Ok(Err(why)),
    };
    let kind = IncidentKind::Service { event: detail.event_name, reason: cut(detail.reason) };
    Ok(Ok(vec![Incident { of, at: detail.created_at.unwrap_or(time), kind }]))
}

/// The service of `arn:aws:ecs:eu-west-1:123456789012:service/shop/web`. ARNs of the old format
/// lack the cluster.
fn service_of(arn: &str, cluster: Option<&str>) -> Result<Result<Of, String>, BadField> {
    let bad = |error: crate::model::cluster::BadName| ("resources", format!("{error}"));
    let names: Vec<&str> = arn.rsplit(':').next().unwrap_or_default().split('/').collect();
    let (cluster, service) = match (&names[..], cluster) {
        (["service", cluster, service], _) => (*cluster, *service),
        (["service", service], Some(cluster)) => (last(cluster), *service),
        (["service", service], None) => {
            return Ok(Err(format!("names service {service} without its cluster")));
        }
        _ => return Err(("resources", format!("`{arn}` is not the ARN of a service"))),
    };
    let cluster: ClusterName = cluster.parse().map_err(bad)?;
    let service: ServiceName = service.parse().map_err(bad)?;
    Ok(Ok(Of::Service(cluster, service)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthDetail {
    event_type_code: String,
    event_region: Option<Region>,
    affected_account: Option<AccountId>,
    start_time: Option<String>,
    affected_entities: Option<Vec<AffectedEntity>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AffectedEntity {
    entity_value: Option<String>,
}

/// Services come as `CLUSTER|SERVICE`, tasks without a service as ARNs. AWS Health also delivers to a
/// backup Region and to an organisation's administrator, so the detail says where it happens.
fn retirement(
    detail: Value,
    time: Timestamp,
    place: &mut (AccountId, Region),
    odd: &mut Vec<String>,
) -> Result<Found, BadField> {
    let detail: HealthDetail = parsed(detail)?;
    if detail.event_type_code != RETIREMENT {
        return Ok(Err(format!("is {}, not {RETIREMENT}", detail.event_type_code)));
    }
    place.0 = detail.affected_account.unwrap_or_else(|| place.0.clone());
    place.1 = detail.event_region.unwrap_or_else(|| place.1.clone());
    let field = "detail.startTime";
    let start = detail.start_time.ok_or_else(|| (field, "it is missing".to_owned()))?;
    let parsed = rfc2822::DateTimeParser::new().parse_timestamp(&start);
    let due = parsed.or_else(|_| start.parse()).map_err(|error: jiff::Error| (field, error.to_string()))?;
    let mut incidents = Vec::new();
    for entity in detail.affected_entities.into_iter().flatten().filter_map(|entity| entity.entity_value) {
        match retired(&entity) {
            Some((of, one)) => {
                incidents.push(Incident { of, at: time, kind: IncidentKind::Retirement { one, due } });
            }
            // One odd entity must not lose the dates of the others.
            None => odd.push(format!("`{entity}` is neither CLUSTER|SERVICE nor the ARN of a task")),
        }
    }
    match odd.first() {
        Some(odd) if incidents.is_empty() => Err(("detail.affectedEntities", odd.clone())),
        _ => Ok(Ok(incidents)),
    }
}

/// The service or task of an entity.
fn retired(entity: &str) -> Option<(Of, Option<String>)> {
    if let Some((cluster, service)) = entity.split_once('|') {
        return Some((Of::Service(last(cluster).parse().ok()?, last(service).parse().ok()?), None));
    }
    match entity.split('/').collect::<Vec<_>>()[..] {
        [arn, cluster, task] if arn.ends_with(":task") => {
            Some((Of::Cluster(cluster.parse().ok()?), Some(task.to_owned())))
        }
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodDetail {
    cluster_name: ClusterName,
    pod_name: String,
    pod_namespace: String,
    scheduled_termination_time: String,
}

/// EKS could not evict a pod, because a disruption budget forbids it, and will delete it. The event
/// names the workload only as part of the pod's name.
fn pod(detail: Value, time: Timestamp) -> Result<Found, BadField> {
    let PodDetail { cluster_name, pod_name, pod_namespace, scheduled_termination_time } = parsed(detail)?;
    // Java's notation: 2021-06-30T12:52:44.832Z[UTC]
    let due = scheduled_termination_time.split('[').next().unwrap_or_default();
    let due = due.parse().map_err(|error| ("detail.scheduledTerminationTime", format!("{error}")))?;
    let pod = Workload { namespace: pod_namespace, kind: "Pod".to_owned(), name: pod_name };
    let kind = IncidentKind::Retirement { one: Some(pod.name.clone()), due };
    Ok(Ok(vec![Incident { of: Of::Workload(cluster_name, pod), at: time, kind }]))
}

fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
