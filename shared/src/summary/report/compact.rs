//! The report for programs behind the topic: JSON in short form, and the values that filters choose by.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::figures::History;
use super::link::ReportLink;
use super::mail::{WORST, is_whole};
use super::model::{Fleet, Report, WorstService};
use crate::message::Attribute;

/// The values that filters choose by; the message keeps lists within SNS's limits.
pub(super) fn attributes(report: &Report) -> BTreeMap<String, Attribute> {
    let is_bad = report.fleet.alarms > 0 || report.fleet.nothing_running > 0 || !is_whole(&report.coverage);
    let accounts: BTreeSet<&str> = report.clusters.iter().map(|cluster| cluster.account.as_str()).collect();
    let regions: BTreeSet<&str> = report.clusters.iter().map(|cluster| cluster.region.as_str()).collect();
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
    let worst: Vec<Value> = report
        .worst
        .iter()
        .take(WORST)
        .map(|WorstService { account, region, cluster, because, figures, .. }| {
            json!({
                "account": account, "region": region, "cluster": cluster, "because": because, "figures": figures,
            })
        })
        .collect();
    json!({
        "kind": "report",
        "format": report.format,
        "run": report.run,
        "time": report.time,
        "window": report.window,
        "fleet": Fleet { history: History::default(), ..report.fleet.clone() },
        "compared_with": report.since.as_ref().map(|since| since.time),
        "changes": report.since.as_ref().map(|since| &since.differences),
        "sight": report.sight,
        "alarms": report.alarms,
        "worst": worst,
        "posture": {
            "disabled": posture.disabled, "enabled": posture.enabled, "enhanced": posture.enhanced,
            "opted_out": posture.opted_out, "silent": posture.silent, "fights": posture.fights,
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
