//! The table of what is decided about EKS clusters, made from the decision.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::cluster::ClusterName;
use fargaze::eks::{Addon, EksCluster, FargateProfile, FargateSelector, LogType, METRICS_SERVER};
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{
    AddonWish, Asked, AwsLogging, AwsLoggingWish, EksAction, EksAspect, EksChange, EksHistory, EksLedger,
    EksState, EksSubject, EksUndo, EksWished, EksWishes, LoggingNamespace, LogsWish, ObservedEks, decide_eks,
};
use fargaze::insights::{Acquaintance, ChangeState, ExistingClusters};
use fargaze::operation::Operation;
use fargaze::status::ProfileStatus;
use jiff::{SignedDuration, Timestamp};

use EksAspect::{AwsLogging as Logging, CloudwatchObservability, ControlPlaneLogs, MetricsServer};

pub(crate) fn name() -> ClusterName {
    "payments".parse().unwrap()
}

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

pub(crate) fn data(output: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("output.conf".to_owned(), output.to_owned())])
}

/// An ACTIVE cluster with a Fargate profile for this namespace, and nothing else.
pub(crate) fn observed(namespace: &str) -> ObservedEks {
    let cluster = EksCluster { created_at: Some(at(0)), ..EksCluster::named(name(), "ACTIVE") };
    let selector = FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() };
    let profile = FargateProfile {
        name: "default".to_owned(),
        status: ProfileStatus::Active,
        selectors: vec![selector],
        pod_execution_role: None,
    };
    ObservedEks {
        profiles: Asked::Known(vec![profile]),
        logging: AwsLogging::Known {
            namespace: LoggingNamespace::Missing,
            config_map: None,
            problems: Vec::new(),
        },
        ..ObservedEks::bare(cluster)
    }
}

pub(crate) fn addon(name: &str, status: &str) -> Addon {
    Addon {
        name: name.to_owned(),
        status: status.to_owned(),
        version: Some("v0.8.0-eksbuild.1".to_owned()),
        configuration: None,
        issues: Vec::new(),
    }
}

/// Everything is wished for.
pub(crate) fn all() -> EksWishes {
    EksWishes {
        control_plane_logs: LogsWish::AtLeast(BTreeSet::from([LogType::Api, LogType::Audit])),
        metrics_server: AddonWish::Install,
        cloudwatch_observability: AddonWish::Install,
        aws_logging: AwsLoggingWish::Write(data("[OUTPUT]")),
    }
}

/// A cluster, what is wished of it, its past, and how a person would tell it.
struct Case {
    aspect: EksAspect,
    told: &'static str,
    observed: ObservedEks,
    wishes: EksWishes,
    acquaintance: Acquaintance,
    existing: ExistingClusters,
    ledger: EksLedger,
}

fn case(aspect: EksAspect, told: &'static str, observed: ObservedEks) -> Case {
    Case {
        aspect,
        told,
        observed,
        wishes: EksWishes::default(),
        acquaintance: Acquaintance::New,
        existing: ExistingClusters::Report,
        ledger: EksLedger::default(),
    }
}

/// The same with everything wished for.
fn wished(aspect: EksAspect, told: &'static str, observed: ObservedEks) -> Case {
    Case { wishes: all(), ..case(aspect, told, observed) }
}

/// Control-plane logs of an existing cluster, turned on so many times.
fn past(told: &'static str, states: &[ChangeState], failure: Option<&str>) -> Case {
    let mut ledger = EksLedger::default();
    for (minute, state) in (1_i64..).zip(states) {
        ledger.put(EksChange {
            subject: EksSubject { cluster: name(), aspect: ControlPlaneLogs },
            time: at(minute),
            cause: format!("event-{minute}"),
            from: EksState::Logs(BTreeSet::new()),
            to: EksState::Logs(BTreeSet::from([LogType::Api, LogType::Audit])),
            wish: all().text(ControlPlaneLogs),
            reason: String::new(),
            request_id: None,
            state: *state,
            accepted: *state == ChangeState::Planned,
            update_id: None,
            failure: failure.map(ToOwned::to_owned),
            undo: None,
            restored_by: None,
        });
    }
    Case { acquaintance: Acquaintance::Existing, ledger, ..wished(ControlPlaneLogs, told, observed("*")) }
}

/// The same, turned on once, and then by a restore asked to be turned off.
fn undone(told: &'static str, state: ChangeState, undo: &EksUndo) -> Case {
    let mut case = past(told, &[state], None);
    let changes = case.ledger.aspects.values_mut().flat_map(|of| &mut of.changes);
    changes.for_each(|change| change.undo = Some(undo.clone()));
    case.observed.cluster.logs = BTreeSet::from([LogType::Api, LogType::Audit]);
    case
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

fn cases() -> Vec<Case> {
    use ChangeState::{Abandoned, Done, Planned, Restored};
    let nodes = || ObservedEks { node_groups: Asked::Known(vec!["a".to_owned()]), ..observed("default") };
    let with_addon =
        |status| ObservedEks { addons: Asked::Known(vec![addon(METRICS_SERVER, status)]), ..observed("*") };
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
        case(MetricsServer, "being updated by somebody", with_status("UPDATING", 0)),
        case(MetricsServer, "`FAILED`", with_status("FAILED", 0)),
        case(MetricsServer, "being deleted", with_status("DELETING", 0)),
        case(MetricsServer, "tagged `fargaze` = `hands-off`", tagged),
        case(MetricsServer, "new, a Fargate profile selects `kube-system`", observed("kube-system")),
        case(MetricsServer, "new, no profile does, no nodes", observed("default")),
        case(MetricsServer, "new, EC2 node groups", nodes()),
        Case {
            acquaintance: Acquaintance::Existing,
            ..case(MetricsServer, "there before, `existing: report`", observed("*"))
        },
        case(MetricsServer, "the add-on is there", with_addon("ACTIVE")),
        case(MetricsServer, "it is being created", with_addon("CREATING")),
        case(MetricsServer, "it is installed but unhealthy", with_addon("DEGRADED")),
        case(CloudwatchObservability, "new, Fargate only", observed("*")),
        case(CloudwatchObservability, "new, EC2 node groups", nodes()),
        wished(CloudwatchObservability, "new, EC2 node groups", nodes()),
        case(Logging, "new", observed("*")),
        wished(Logging, "new", observed("*")),
        wished(Logging, "the same data is there", with_map(LoggingNamespace::Enabled, "[OUTPUT]", &[])),
        wished(Logging, "other data is there", with_map(LoggingNamespace::Enabled, "mine", &[])),
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
        wished(
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
        wished(
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
        wished(
            Logging,
            "the API server lets nobody in",
            ObservedEks { logging: AwsLogging::Unread(denied()), ..observed("*") },
        ),
        case(ControlPlaneLogs, "new, none is on", observed("*")),
        wished(ControlPlaneLogs, "new, none is on", observed("*")),
        wished(ControlPlaneLogs, "new, `scheduler` is on", some_logs()),
        Case { existing: ExistingClusters::Change, ..past("there before, `existing: change`", &[], None) },
        past("turned on more than an hour ago, EKS is not done", &[Planned], None),
        past("turned on, turned off by somebody", &[Done], None),
        past("the same, twice", &[Done, Done], None),
        past("EKS failed at it twice", &[Abandoned, Abandoned], Some("no free addresses")),
        past("turned on, then put back by a restore", &[Restored], None),
        undone(
            "turned on, a restore asked EKS to turn it off",
            Restored,
            &EksUndo::InProgress { since: at(80), update_id: None },
        ),
        undone("the same, and EKS failed", Done, &EksUndo::Failed("no free addresses".to_owned())),
    ]
}

/// What is done, in a word or two.
fn words(action: &EksAction) -> String {
    match action {
        EksAction::Set { from, to } => format!("**set: {from} -> {to}**"),
        EksAction::Right => "nothing".to_owned(),
        EksAction::Report => "told, and left".to_owned(),
        EksAction::Blocked => "told, and looked at again".to_owned(),
        EksAction::Leave => "left alone".to_owned(),
        EksAction::Fight { .. } => "told as a fight, and left".to_owned(),
        EksAction::Waiting => "looked at again soon".to_owned(),
        EksAction::NotYet => "back to the queue".to_owned(),
        EksAction::Overdue => "told".to_owned(),
        EksAction::Unknown(_) => "told as not seen".to_owned(),
    }
}

/// The table.
pub(crate) fn decisions() -> String {
    let mut table =
        "| part | wish | cluster | what is done | why | cost |\n|---|---|---|---|---|---|\n".to_owned();
    for Case { aspect, told, observed, wishes, acquaintance, existing, ledger } in cases() {
        let wished =
            EksWished { wishes, named: EksAspect::ALL.into(), existing, source: "fargaze.yaml:9".to_owned() };
        let history = EksHistory { acquaintance, ledger: &ledger };
        let steps = decide_eks(&wished, &observed, &history, at(90));
        let step = steps.iter().find(|step| step.aspect.is_none_or(|of| of == aspect)).unwrap();
        let part = step.aspect.map_or("the cluster".to_owned(), |aspect| format!("`{aspect}`"));
        let wish = step.aspect.map_or("any".to_owned(), |aspect| format!("`{}`", wished.wishes.text(aspect)));
        let cost = step.cost.map(|cost| cost.to_string()).unwrap_or_default();
        table.push_str(&format!(
            "| {part} | {wish} | {told} | {} | {} | {cost} |\n",
            words(&step.action),
            step.reason
        ));
    }
    table
}
