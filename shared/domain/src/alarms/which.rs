//! Which rules judge what, which lines must be kept for them, and in which order they silence each other.

use std::collections::HashSet;

use super::AlarmKey;
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::ClusterEntry;
use crate::model::metric::Dimensions;
use crate::model::operation::Operation;
use crate::model::subject::{Subject, Workload};
use crate::rules::{AlarmRule, Measure, Mute, Source};
use crate::sources::source_of;

/// Whether the rule is judged at the end only in that cluster: because it is judged on what ECS says, or because lines are
/// kept for it.
pub(super) fn is_late(rule: &AlarmRule, kept: &HashSet<(String, String)>, entry: &ClusterEntry) -> bool {
    matches!(source_of(rule, entry), Some(Source::EcsApi(_))) || is_kept(rule, kept)
}

/// Whether lines are kept for the rule.
fn is_kept(rule: &AlarmRule, kept: &HashSet<(String, String)>) -> bool {
    metrics_of(rule).iter().any(|metric| kept.contains(metric))
}

/// Namespaces and names of the metrics that the rule is made of.
fn metrics_of(rule: &AlarmRule) -> Vec<(String, String)> {
    if let Measure::Custom(custom) = &rule.measure {
        return vec![(custom.namespace.clone(), custom.name.clone())];
    }
    let metrics = rule.sources().flat_map(Source::metrics);
    metrics.map(|metric| (metric.namespace.to_owned(), metric.name.to_owned())).collect()
}

/// Metrics whose lines are kept to the end: those of custom rules, and of all rules that share one with them.
pub(super) fn kept_metrics(rules: &[AlarmRule]) -> HashSet<(String, String)> {
    let custom = rules.iter().filter(|rule| matches!(rule.measure, Measure::Custom(_)));
    let mut kept: HashSet<_> = custom.flat_map(metrics_of).collect();
    loop {
        let sharing = rules.iter().filter(|rule| is_kept(rule, &kept));
        let more: HashSet<_> = sharing.flat_map(metrics_of).collect();
        if more.len() == kept.len() {
            return kept;
        }
        kept = more;
    }
}

/// The subject that a metric of the catalogue, or a sample of a workload, is about.
pub(super) fn subject_of(dimensions: &Dimensions) -> Option<Subject> {
    let cluster = dimensions.get("ClusterName")?.parse().ok()?;
    if let Some(service) = dimensions.get("ServiceName") {
        return Some(Subject::Service(cluster, service.parse().ok()?));
    }
    if let Some(family) = dimensions.get("TaskDefinitionFamily") {
        return Some(Subject::TaskFamily(cluster, family.to_owned()));
    }
    let named = |name| dimensions.get(name).map(ToOwned::to_owned);
    let workload = |name| Workload {
        namespace: named("Namespace").unwrap_or_default(),
        kind: named("WorkloadKind").unwrap_or_default(),
        name,
    };
    Some(match named("Workload") {
        Some(name) => Subject::Workload(cluster, workload(name)),
        None => Subject::Cluster(cluster),
    })
}

/// Indices of the rules, each after those that it names in `unless`. In a circle the order is that of the file.
pub(super) fn silencers_first(rules: &[AlarmRule]) -> Vec<usize> {
    fn visit(index: usize, rules: &[AlarmRule], seen: &mut [bool], order: &mut Vec<usize>) {
        if std::mem::replace(&mut seen[index], true) {
            return;
        }
        for name in &rules[index].unless {
            if let Some(other) = rules.iter().position(|rule| rule.name == *name) {
                visit(other, rules, seen, order);
            }
        }
        order.push(index);
    }
    let (mut seen, mut order) = (vec![false; rules.len()], Vec::with_capacity(rules.len()));
    (0..rules.len()).for_each(|index| visit(index, rules, &mut seen, &mut order));
    order
}

/// Whether all clusters were listed, and the task families if they matter: those whose metrics
/// `ListMetrics` sees.
pub(super) fn was_listed(coverage: &Coverage, with_families: bool) -> bool {
    let lists = |operation: &Operation| {
        operation.lists_clusters() || with_families && *operation == Operation::CloudwatchListMetrics
    };
    !coverage.faults.iter().any(|counted| lists(&counted.fault.operation))
}

/// The alarm of another rule that keeps this one silent.
pub(super) fn unless(rule: &AlarmRule, subject: &Subject, in_alarm: &HashSet<AlarmKey>) -> Option<Mute> {
    let cluster = subject.cluster().cloned().map(Subject::Cluster);
    let places: Vec<&Subject> = std::iter::once(subject).chain(&cluster).collect();
    let fires = |name: &&String| {
        let key = |subject: &Subject| AlarmKey { rule: (*name).clone(), subject: subject.clone() };
        places.iter().any(|place| in_alarm.contains(&key(place)))
    };
    rule.unless.iter().find(fires).map(|name| Mute::Unless { rule: name.clone() })
}
