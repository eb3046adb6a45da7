//! Tasks that stopped, and why, as data.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::deaths::{Class, DeathSummary, IncidentGroup, Known, Of, Origin};
use crate::model::cluster::{AccountId, ClusterName, Region};
use crate::model::run::Platform;
use crate::report::model::ReportWindow;
use crate::report::seen::SeenTarget;
use crate::text::Text;

/// Tasks that stopped, and why; and what AWS will stop.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StoppedReport {
    /// By subject and class, failures first, the most frequent first.
    pub groups: Vec<StoppedGroup>,
    /// Announced retirements that are still ahead, the earliest first.
    pub retirements: Vec<RetirementReport>,
    /// What is known, for each account and Region.
    pub known: Vec<KnownReport>,
}

/// The tasks of one service, task family or workload that stopped for one class of causes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StoppedGroup {
    /// Account.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// Cluster.
    pub cluster: ClusterName,
    /// Name of the service or task family, `NAMESPACE/POD` on EKS; empty for the cluster.
    pub name: Text,
    /// Whether it is a service; otherwise tasks without one.
    pub is_service: bool,
    /// Class.
    pub class: Class,
    /// Whether it calls for action: neither intended nor AWS's normal operation.
    pub is_failure: bool,
    /// Whether tasks died; otherwise something else went wrong, such as a placement.
    pub deaths: bool,
    /// How many.
    pub count: u32,
    /// The minute of the first.
    #[cfg_attr(test, schemars(with = "String"))]
    pub first: Timestamp,
    /// The newest.
    #[cfg_attr(test, schemars(with = "String"))]
    pub newest: Timestamp,
    /// How many in each hour of the report's window, oldest first.
    pub by_hour: Vec<f64>,
    /// What ECS said of the newest.
    pub reason: Option<Text>,
    /// The container whose end ended the newest task.
    pub container: Option<Text>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// What to do.
    pub advice: Text,
}

/// An announced retirement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RetirementReport {
    /// When AWS stops it.
    #[cfg_attr(test, schemars(with = "String"))]
    pub due: Timestamp,
    /// Account.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// Cluster.
    pub cluster: ClusterName,
    /// The service or pod; empty for a task without a service.
    pub name: Text,
    /// Id of the task, if one is named.
    pub task: Option<Text>,
}

/// What is known of the stopped tasks of an account and Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KnownReport {
    /// Account.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// Where from.
    pub origin: Origin,
    /// From when on.
    #[cfg_attr(test, schemars(with = "String"))]
    pub from: Timestamp,
    /// Why nothing is known; null if something is.
    pub fault: Option<Text>,
}

impl StoppedReport {
    /// Whether nothing was asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.retirements.is_empty() && self.known.is_empty()
    }

    /// What was read of the targets.
    pub(crate) fn of(targets: &[SeenTarget], window: &ReportWindow, now: Timestamp) -> Self {
        let mut report = Self::default();
        for seen in targets {
            let (account, region) = (&seen.target.account, &seen.target.region);
            for group in &seen.incidents {
                report.retirements.extend(retirements(group, account, region, now));
                if group.class != Class::Maint || group.deaths {
                    report.groups.extend(stopped(group, account, region, window));
                }
            }
            // Pods that ended are in the sections about EKS.
            if let Some(known) = seen.known.as_ref().filter(|_| seen.target.platform == Platform::Ecs) {
                report.known.push(of_known(known, account, region));
            }
        }
        report.known.dedup();
        report.retirements.sort();
        report.retirements.dedup();
        report.groups.sort_by(|a, b| {
            let key = |group: &StoppedGroup| (!group.is_failure, std::cmp::Reverse(group.count));
            key(a)
                .cmp(&key(b))
                .then_with(|| (&a.cluster, &a.name, a.class).cmp(&(&b.cluster, &b.name, b.class)))
        });
        report
    }
}

fn name(of: &Of) -> (Text, bool) {
    match of {
        Of::Service(_, service) => (Text::new(service.as_str()), true),
        Of::Family(_, family) => (Text::new(family), false),
        Of::Workload(_, pod) => (Text::new(&format!("{}/{}", pod.namespace, pod.name)), false),
        Of::Cluster(_) => (Text::default(), false),
    }
}

fn stopped(
    group: &IncidentGroup,
    account: &AccountId,
    region: &Region,
    window: &ReportWindow,
) -> Option<StoppedGroup> {
    let summary = DeathSummary::of(group)?;
    let (name, is_service) = name(&group.of);
    let text = |text: Option<String>| text.map(|text| Text::new(&text));
    Some(StoppedGroup {
        account: account.clone(),
        region: region.clone(),
        cluster: group.of.cluster().clone(),
        name,
        is_service,
        class: group.class,
        is_failure: group.trouble,
        deaths: group.deaths,
        count: summary.count,
        first: summary.since,
        newest: summary.newest,
        by_hour: by_hour(group, window),
        reason: text(summary.reason),
        container: text(summary.container),
        exit_code: summary.exit_code,
        advice: Text::new(&summary.advice),
    })
}

fn by_hour(group: &IncidentGroup, window: &ReportWindow) -> Vec<f64> {
    const HOUR: i64 = 3600;
    let (start, end) = (window.start.as_second(), window.end.as_second());
    let hours = (end - start + HOUR - 1) / HOUR;
    let count = |hour: i64| {
        let from = start + hour * HOUR;
        let count: u32 = group.by_minute.range(from..from + HOUR).map(|(_, count)| *count).sum();
        f64::from(count)
    };
    (0..hours).map(count).collect()
}

fn retirements(
    group: &IncidentGroup,
    account: &AccountId,
    region: &Region,
    now: Timestamp,
) -> Vec<RetirementReport> {
    let ahead = group.due.iter().filter(|(due, _)| *due >= now);
    let report = |(due, task): &(Timestamp, Option<String>)| RetirementReport {
        due: *due,
        account: account.clone(),
        region: region.clone(),
        cluster: group.of.cluster().clone(),
        name: name(&group.of).0,
        task: task.as_ref().filter(|_| matches!(group.of, Of::Cluster(_))).map(|task| Text::new(task)),
    };
    ahead.map(report).collect()
}

fn of_known(known: &Known, account: &AccountId, region: &Region) -> KnownReport {
    KnownReport {
        account: account.clone(),
        region: region.clone(),
        origin: known.origin,
        from: known.from,
        fault: known.fault.as_ref().map(|fault| Text::new(&fault.to_string())),
    }
}

impl KnownReport {
    /// Whether the whole window is known.
    pub(crate) fn is_whole(&self, window: &ReportWindow) -> bool {
        self.fault.is_none() && self.from <= window.start + SignedDuration::from_mins(1)
    }
}
