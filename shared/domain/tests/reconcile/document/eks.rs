//! The table of decisions about EKS clusters, generated from the decision function.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::eks::{EksCluster, FargateProfile, FargateSelector, LogType, METRICS_SERVER};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{
    Aspect, AwsLogging, Case, Change, ChangeState, Desired, Existing, LoggingNamespace, Observed,
    ObservedEks, Origin, Queried, SubjectKind, SubjectLog, SubjectPolicy, Undo, Value, decide,
};

use super::words;
use crate::common::{OUTPUT, addon, at, built_in, cluster_name, data, most, policies};
use Aspect::{AwsLogging as Logging, CloudwatchObservability, ControlPlaneLogs, MetricsServer};

/// An ACTIVE cluster with a Fargate profile for this namespace and nothing else.
fn observed(namespace: &str) -> ObservedEks {
    let cluster = EksCluster { created_at: Some(at(0)), ..EksCluster::named(cluster_name(), "ACTIVE") };
    let selector = FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() };
    let profile = FargateProfile {
        name: "default".to_owned(),
        status: "ACTIVE".into(),
        selectors: vec![selector],
        pod_execution_role: None,
    };
    ObservedEks {
        is_asked: true,
        profiles: Queried::Known(vec![profile]),
        logging: AwsLogging::Known {
            namespace: LoggingNamespace::Missing,
            config_map: None,
            problems: Vec::new(),
        },
        ..ObservedEks::bare(cluster)
    }
}

/// Policies for all aspects of a cluster.
fn of_cluster(desired: fn(Aspect) -> Desired, existing: Existing) -> SubjectPolicy {
    policies(Aspect::of(SubjectKind::EksCluster).map(|aspect| (aspect, desired(aspect))), existing)
}

/// A cluster, its policies, its past, and a description for readers.
struct Row {
    aspect: Aspect,
    described: &'static str,
    observed: ObservedEks,
    policy: SubjectPolicy,
    origin: Origin,
    log: SubjectLog,
}

fn case(aspect: Aspect, described: &'static str, observed: ObservedEks) -> Row {
    Row {
        aspect,
        described,
        observed,
        policy: of_cluster(built_in, Existing::Report),
        origin: Origin::New,
        log: SubjectLog::default(),
    }
}

/// The same with the strictest policies.
fn desired(aspect: Aspect, described: &'static str, observed: ObservedEks) -> Row {
    Row { policy: of_cluster(most, Existing::Report), ..case(aspect, described, observed) }
}

/// Control-plane logs of an existing cluster, turned on this many times.
fn past(described: &'static str, states: &[ChangeState], failure: Option<&str>) -> Row {
    let mut log = SubjectLog::default();
    for (minute, state) in (1_i64..).zip(states) {
        log.put(Change {
            subject: Subject::Cluster(cluster_name()),
            aspect: ControlPlaneLogs,
            number: u32::try_from(minute).unwrap(),
            made: at(minute),
            cause: format!("event-{minute}"),
            from: Value::Logs(BTreeSet::new()),
            to: Value::Logs(BTreeSet::from([LogType::Api, LogType::Audit])),
            policy: most(ControlPlaneLogs).to_string(),
            reason: String::new(),
            request_id: None,
            state: *state,
            accepted: *state == ChangeState::Planned,
            update_id: None,
            failure: failure.map(ToOwned::to_owned),
            undo: None,
            rolled_back_by: None,
        });
    }
    Row { origin: Origin::Existing, log, ..desired(ControlPlaneLogs, described, observed("*")) }
}

/// The same, turned on once and then turned off by a rollback.
fn undone(described: &'static str, state: ChangeState, undo: &Undo) -> Row {
    let mut row = past(described, &[state], None);
    let changes = row.log.aspects.values_mut().flat_map(|of| &mut of.changes);
    changes.for_each(|change| change.undo = Some(undo.clone()));
    row.observed.cluster.logs = BTreeSet::from([LogType::Api, LogType::Audit]);
    row
}

fn with_status(status: &str, created: i64) -> ObservedEks {
    let mut observed = observed("*");
    status.clone_into(&mut observed.cluster.status);
    observed.cluster.created_at = Some(at(created));
    observed
}

fn with_map(namespace: LoggingNamespace, output: &str, problems: &[&str]) -> ObservedEks {
    let problems = problems.iter().map(ToString::to_string).collect();
    let config_map = Some(data(output));
    ObservedEks { logging: AwsLogging::Known { namespace, config_map, problems }, ..observed("*") }
}

fn denied() -> Fault {
    Fault {
        operation: Operation::kubernetes("GET", "configmaps"),
        subject: String::new(),
        kind: FaultKind::Denied,
        code: "403".to_owned(),
        message: String::new(),
    }
}

fn rows() -> Vec<Row> {
    use ChangeState::{Abandoned, Done, Planned, RolledBack};
    let nodes = || ObservedEks { node_groups: Queried::Known(vec!["a".to_owned()]), ..observed("default") };
    let with_addon =
        |status| ObservedEks { addons: Queried::Known(vec![addon(METRICS_SERVER, status)]), ..observed("*") };
    let some_logs = || {
        let mut observed = observed("*");
        observed.cluster.logs = BTreeSet::from([LogType::Scheduler]);
        observed
    };
    let mut tagged = observed("*");
    tagged.cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
    vec![
        case(MetricsServer, "new, `CREATING`", with_status("CREATING", 60)),
        case(MetricsServer, "new, `CREATING` for 90 minutes", with_status("CREATING", 0)),
        case(MetricsServer, "being updated by someone else", with_status("UPDATING", 0)),
        case(MetricsServer, "`FAILED`", with_status("FAILED", 0)),
        case(MetricsServer, "being deleted", with_status("DELETING", 0)),
        case(MetricsServer, "tagged `fargaze` = `hands-off`", tagged),
        case(MetricsServer, "new, a Fargate profile selects `kube-system`", observed("kube-system")),
        case(MetricsServer, "new, no profile does, no nodes", observed("default")),
        case(MetricsServer, "new, EC2 node groups", nodes()),
        Row {
            origin: Origin::Existing,
            ..case(MetricsServer, "there before, `existing: report`", observed("*"))
        },
        case(MetricsServer, "the add-on is there", with_addon("ACTIVE")),
        case(MetricsServer, "it is being created", with_addon("CREATING")),
        case(MetricsServer, "it is installed but unhealthy", with_addon("DEGRADED")),
        case(CloudwatchObservability, "new, Fargate only", observed("*")),
        case(CloudwatchObservability, "new, EC2 node groups", nodes()),
        desired(CloudwatchObservability, "new, EC2 node groups", nodes()),
        case(Logging, "new", observed("*")),
        desired(Logging, "new", observed("*")),
        desired(Logging, "the same data is there", with_map(LoggingNamespace::Enabled, OUTPUT, &[])),
        desired(Logging, "other data is there", with_map(LoggingNamespace::Enabled, "mine", &[])),
        case(
            Logging,
            "what is there is wrong",
            with_map(LoggingNamespace::Enabled, "x", &["`[INPUT]` is refused"]),
        ),
        case(
            Logging,
            "the namespace lacks the label",
            with_map(LoggingNamespace::NotEnabled(None), "x", &[]),
        ),
        desired(
            Logging,
            "new, the namespace is there without the label",
            ObservedEks {
                logging: AwsLogging::Known {
                    namespace: LoggingNamespace::NotEnabled(None),
                    config_map: None,
                    problems: Vec::new(),
                },
                ..observed("*")
            },
        ),
        desired(
            Logging,
            "new, the namespace is being deleted",
            ObservedEks {
                logging: AwsLogging::Known {
                    namespace: LoggingNamespace::Terminating,
                    config_map: None,
                    problems: Vec::new(),
                },
                ..observed("*")
            },
        ),
        desired(
            Logging,
            "the API server denies access",
            ObservedEks { logging: AwsLogging::Unread(denied()), ..observed("*") },
        ),
        case(ControlPlaneLogs, "new, none is on", observed("*")),
        desired(ControlPlaneLogs, "new, none is on", observed("*")),
        desired(ControlPlaneLogs, "new, `scheduler` is on", some_logs()),
        Row {
            policy: of_cluster(most, Existing::Change),
            ..past("there before, `existing: change`", &[], None)
        },
        past("turned on more than an hour ago, EKS is not done", &[Planned], None),
        past("turned on, turned off by someone else", &[Done], None),
        past("the same, twice", &[Done, Done], None),
        past("EKS failed at it twice", &[Abandoned, Abandoned], Some("no free addresses")),
        past("turned on, then rolled back", &[RolledBack], None),
        undone(
            "turned on, a rollback requested to turn it off",
            RolledBack,
            &Undo::InProgress { since: at(80), update_id: None },
        ),
        undone("the same, and EKS failed", Done, &Undo::Failed("no free addresses".to_owned())),
    ]
}

/// The table.
pub(super) fn decisions() -> String {
    let mut table =
        "| aspect | policy | cluster | what is done | why | cost |\n|---|---|---|---|---|---|\n".to_owned();
    for Row { aspect, described, observed, policy, origin, log } in rows() {
        let observed = Observed::of_eks(observed);
        let steps = decide(&Case {
            policy: &policy,
            observed: &observed,
            origin,
            log: &log,
            announced: None,
            now: at(90),
        });
        let step = steps.iter().find(|step| step.aspect.is_none_or(|of| of == aspect)).unwrap();
        let of = step.aspect.map_or("the cluster".to_owned(), |aspect| format!("`{aspect}`"));
        let desired = step.aspect.map_or("any".to_owned(), |of| format!("`{}`", policy.of(of).desired));
        let cost = step.cost.map(|cost| cost.to_string()).unwrap_or_default();
        let done = words(&step.action);
        table.push_str(&format!("| {of} | {desired} | {described} | {done} | {} | {cost} |\n", step.reason));
    }
    table
}
