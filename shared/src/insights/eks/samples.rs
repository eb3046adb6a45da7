//! Clusters, wishes and changes for the tests of this folder.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::samples::at;
use super::super::{ChangeState, ExistingClusters};
use super::*;
use crate::eks::{FargateSelector, LogType};
use crate::status::ProfileStatus;

pub(crate) fn cluster(status: &str) -> EksCluster {
    EksCluster {
        version: Some("1.33".to_owned()),
        created_at: Some(at(0)),
        ..EksCluster::named("payments".parse().unwrap(), status)
    }
}

/// An ACTIVE cluster whose one Fargate profile selects this namespace; nothing of it is set up.
pub(crate) fn observed(namespace: &str) -> ObservedEks {
    let selector = FargateSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() };
    ObservedEks {
        profiles: Asked::Known(vec![FargateProfile {
            name: "default".to_owned(),
            status: ProfileStatus::Active,
            selectors: vec![selector],
            pod_execution_role: None,
        }]),
        logging: AwsLogging::Known {
            namespace: LoggingNamespace::Missing,
            config_map: None,
            problems: Vec::new(),
        },
        ..ObservedEks::bare(cluster("ACTIVE"))
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

pub(crate) fn logs(types: &[LogType]) -> BTreeSet<LogType> {
    types.iter().copied().collect()
}

pub(crate) fn data(output: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("output.conf".to_owned(), output.to_owned())])
}

/// All that can be wished of a cluster.
pub(crate) fn all() -> EksWishes {
    EksWishes {
        control_plane_logs: LogsWish::AtLeast(logs(&[LogType::Api, LogType::Audit])),
        metrics_server: AddonWish::Install,
        cloudwatch_observability: AddonWish::Install,
        aws_logging: AwsLoggingWish::Write(data("[OUTPUT]")),
    }
}

pub(crate) fn wished(wishes: EksWishes, existing: ExistingClusters) -> EksWished {
    EksWished { wishes, named: EksAspect::ALL.into(), existing, source: "fargaze.yaml:9".to_owned() }
}

/// A change for all that can be wished, made at that minute.
pub(crate) fn change(
    minute: i64,
    aspect: EksAspect,
    (from, to): (EksState, EksState),
    state: ChangeState,
) -> EksChange {
    EksChange {
        subject: EksSubject { cluster: "payments".parse().unwrap(), aspect },
        time: at(minute),
        cause: format!("event-{minute}"),
        from,
        to,
        wish: all().text(aspect),
        reason: "the cluster is new".to_owned(),
        request_id: None,
        state,
        accepted: matches!(state, ChangeState::Done | ChangeState::Restored),
        update_id: None,
        failure: None,
        undo: None,
        restored_by: None,
    }
}

pub(crate) fn ledger(changes: impl IntoIterator<Item = EksChange>) -> EksLedger {
    let mut ledger = EksLedger::default();
    changes.into_iter().for_each(|change| ledger.put(change));
    ledger
}

pub(crate) fn now() -> Timestamp {
    at(30)
}
