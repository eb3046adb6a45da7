//! The report for programs behind the topic: JSON in short form, and the values that filters choose by.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::eks::{EksClusterReport, EksFleet};
use super::figures::History;
use super::link::ReportLink;
use super::mail::{WORST, is_whole};
use super::model::{Fleet, Report, Worst, WorstService, WorstWorkload};
use crate::message::Attribute;

/// The values that filters choose by; the message keeps lists within SNS's limits.
pub(super) fn attributes(report: &Report) -> BTreeMap<String, Attribute> {
    let fleet = &report.fleet;
    let eks_is_bad = fleet.eks.as_ref().is_some_and(|eks| eks.unread + eks.none_available > 0);
    let is_silent = fleet.running_without_metrics > 0
        || fleet.blind > 0
        || report.rules.iter().any(|line| !line.may_be_normal);
    let is_bad = fleet.alarms > 0
        || fleet.nothing_running > 0
        || is_silent
        || eks_is_bad
        || !is_whole(&report.coverage);
    let services = report.clusters.iter().map(|cluster| (cluster.account.as_str(), cluster.region.as_str()));
    let workloads = report.eks.iter().map(|cluster| (cluster.account.as_str(), cluster.region.as_str()));
    let (accounts, regions) = services.chain(workloads).unzip();
    let list = |values: BTreeSet<&str>| values.into_iter().map(ToOwned::to_owned).collect::<Attribute>();
    BTreeMap::from([
        ("kind".to_owned(), "report".into()),
        ("run".to_owned(), report.run.as_str().into()),
        ("severity".to_owned(), if is_bad { "warning" } else { "info" }.into()),
        ("account".to_owned(), list(accounts)),
        ("region".to_owned(), list(regions)),
    ])
}

/// The report for programs behind the topic: everything but the services that are well, which the JSON in the bucket has. The
/// message shortens its lists if they are too long, and says by how many.
pub(super) fn compact(report: &Report, link: &ReportLink) -> Value {
    let (posture, coverage) = (&report.posture, &report.coverage);
    let worst: Vec<Value> = report.worst.iter().take(WORST).map(worst_of).collect();
    json!({
        "kind": "report",
        "format": report.format,
        "run": report.run,
        "time": report.time,
        "window": report.window,
        "fleet": fleet(report),
        "compared_with": report.since.as_ref().map(|since| since.time),
        "changes": report.since.as_ref().map(|since| &since.differences),
        "sight": report.sight,
        "alarms": report.alarms,
        "rules": report.rules,
        "without_metrics": without_metrics(report),
        "worst": worst,
        "eks": report.eks.iter().map(eks).collect::<Vec<Value>>(),
        "posture": {
            "disabled": posture.disabled, "enabled": posture.enabled, "enhanced": posture.enhanced,
            "opted_out": posture.opted_out, "silent": posture.silent,
            "reporting_not_known": posture.reporting_not_known, "fights": posture.fights,
        },
        "coverage": {
            "targets": coverage.targets, "targets_seen": coverage.targets_seen,
            "clusters": coverage.clusters, "clusters_seen": coverage.clusters_seen,
            "metrics": coverage.metrics, "with_data": coverage.with_data, "without_data": coverage.without_data,
            "partial": coverage.partial, "unread": coverage.unread,
        },
        "problems": coverage.problems,
        "cost": report.cost,
        "link": { "url": link.url, "bucket": link.bucket, "key": link.key, "kept_until": link.kept_until },
    })
}

/// Services that run and have no metrics.
fn without_metrics(report: &Report) -> Vec<Value> {
    let services = report
        .clusters
        .iter()
        .flat_map(|cluster| cluster.services.iter().map(move |service| (cluster, service)));
    let services = services.filter_map(|(cluster, service)| {
        let since = service.without_metrics.as_ref()?.since;
        Some(json!({
            "account": cluster.account, "region": cluster.region, "cluster": cluster.cluster,
            "service": service.service, "running": service.tasks.running, "since": since,
        }))
    });
    services.collect()
}

fn fleet(report: &Report) -> Fleet {
    let eks = report.fleet.eks.clone().map(|eks| EksFleet { history: History::default(), ..eks });
    Fleet { history: History::default(), eks, ..report.fleet.clone() }
}

fn worst_of(worst: &Worst) -> Value {
    match worst {
        Worst::Service(worst) => {
            let WorstService { account, region, cluster, because, figures, .. } = &**worst;
            json!({
                "account": account, "region": region, "cluster": cluster, "because": because, "figures": figures,
            })
        }
        Worst::Workload(worst) => {
            let WorstWorkload { platform, account, region, cluster, because, figures, .. } = &**worst;
            json!({
                "platform": platform, "account": account, "region": region, "cluster": cluster, "because": because,
                "figures": figures,
            })
        }
    }
}

/// A cluster of EKS without what runs on it.
fn eks(cluster: &EksClusterReport) -> Value {
    let problems: Vec<_> = cluster.findings.iter().map(|finding| &finding.problem).collect();
    let workloads = cluster.knows_workloads().then_some(cluster.workloads.len());
    json!({
        "account": cluster.account, "region": cluster.region, "cluster": cluster.cluster, "status": cluster.status,
        "version": cluster.version, "metrics_api": cluster.metrics_api, "workloads": workloads,
        "unlisted": cluster.unlisted, "pods": cluster.pod_count(), "unread": cluster.unread, "findings": problems, "hints": cluster.hints,
    })
}
