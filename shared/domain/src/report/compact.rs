//! The report for programs that subscribe to the topic: compact JSON, and message attributes for
//! filter policies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::link::ReportLink;
use super::model::Report;
use super::sections::SECTIONS;
use crate::text::message::Attribute;

/// Message attributes for filter policies; the message keeps lists within SNS's limits.
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
        || !report.coverage.is_whole();
    let places = report.places().map(|(account, region)| (account.as_str(), region.as_str()));
    let (accounts, regions) = places.unzip();
    let list = |values: BTreeSet<&str>| values.into_iter().map(ToOwned::to_owned).collect::<Attribute>();
    BTreeMap::from([
        ("kind".to_owned(), "report".into()),
        ("run".to_owned(), report.run.as_str().into()),
        ("severity".to_owned(), if is_bad { "warning" } else { "info" }.into()),
        ("account".to_owned(), list(accounts)),
        ("region".to_owned(), list(regions)),
    ])
}

/// The report as compact JSON: everything except healthy services, which are only in the JSON in
/// the bucket. The message shortens lists that are too long and counts what it left out.
pub(super) fn compact(report: &Report, link: &ReportLink) -> Map<String, Value> {
    let frame = [
        ("kind", json!("report")),
        ("format", json!(report.format)),
        ("run", json!(report.run)),
        ("time", json!(report.time)),
        ("window", json!(report.window)),
        (
            "link",
            json!({ "url": link.url, "bucket": link.bucket, "key": link.key, "kept_until": link.kept_until }),
        ),
    ];
    let sections = SECTIONS.iter().flat_map(|section| section.json(report));
    frame.into_iter().chain(sections).map(|(name, value)| (name.to_owned(), value)).collect()
}
