//! Which services ECS must be asked about, because CloudWatch does not tell.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::cluster::{ClusterName, ServiceName};
use fargaze::inventory::Inventory;
use fargaze::metric::MetricQuery;
use fargaze::observe::SILENT_AFTER;
use fargaze::plan::needs_service_states;
use fargaze::rule::AlarmRule;
use fargaze::run::{Run, RunKind};
use fargaze::series::Reading;

/// The services to describe, by cluster.
///
/// An alarms run needs the state of services without a recent point, if a rule is judged by it: metrics vanish together
/// with the last task. A report shows the counts of services whose cluster has no metrics for them.
pub(crate) fn to_describe(
    run: &Run,
    rules: &[AlarmRule],
    inventory: &Inventory,
    readings: &BTreeMap<MetricQuery, Reading>,
) -> BTreeMap<ClusterName, Vec<ServiceName>> {
    let alive = alive(run, readings);
    let unclear = |cluster: &ClusterName, service: &ServiceName| match run.kind {
        RunKind::Report => !inventory.clusters.get(cluster).is_some_and(|entry| entry.reports_insights),
        RunKind::Alarms | RunKind::Sweep => {
            needs_service_states(rules) && !alive.contains(&(cluster.as_str(), service.as_str()))
        }
    };
    let mut services = BTreeMap::<ClusterName, Vec<ServiceName>>::new();
    for (cluster, service) in inventory.services().filter(|(cluster, service)| unclear(cluster, service)) {
        services.entry(cluster.clone()).or_default().push(service.clone());
    }
    services
}

/// Services with a recent point: they have running tasks.
fn alive<'a>(run: &Run, readings: &'a BTreeMap<MetricQuery, Reading>) -> BTreeSet<(&'a str, &'a str)> {
    let recent = run.window.end - SILENT_AFTER;
    let has_recent = |reading: &Reading| {
        let newest = reading.series().and_then(|series| series.points().last());
        newest.is_some_and(|point| point.timestamp >= recent)
    };
    let alive = readings.iter().filter(|(_, reading)| has_recent(reading)).filter_map(|(query, _)| {
        let dimensions = &query.metric.dimensions;
        Some((dimensions.get("ClusterName")?, dimensions.get("ServiceName")?))
    });
    alive.collect()
}
