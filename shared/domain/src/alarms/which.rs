//! Which lines must be kept for rules, which subject a line is about, and in which order rules mute
//! each other.

use std::collections::HashSet;

use super::AlarmKey;
use crate::evidence::coverage::Coverage;
use crate::evidence::inventory::ClusterEntry;
use crate::model::load_balancer::BalancerKind;
use crate::model::metric::Dimensions;
use crate::model::operation::Operation;
use crate::model::subject::{Subject, Workload};
use crate::rules::{AWS_USAGE, AlarmRule, Measure, Mute, PERCENT_OF_QUOTA, Scope, Source};
use crate::sources::{parts, source_of};

/// Whether the rule is evaluated only at the end in this cluster: because it uses an ECS figure or
/// logs, or because its lines are kept.
pub(super) fn is_late(rule: &AlarmRule, kept: &HashSet<(String, String)>, entry: &ClusterEntry) -> bool {
    matches!(
        source_of(rule, entry),
        Some(
            Source::EcsApi(_)
                | Source::LogsInsights
                | Source::TaskEvents(_)
                | Source::LoadBalancer(_)
                | Source::Quota(_)
        )
    ) || is_kept(rule, kept)
}

/// Whether the rule's lines are kept.
fn is_kept(rule: &AlarmRule, kept: &HashSet<(String, String)>) -> bool {
    metrics_of(rule).iter().any(|metric| kept.contains(metric))
}

/// Namespaces and names of the rule's metrics.
fn metrics_of(rule: &AlarmRule) -> Vec<(String, String)> {
    if let Measure::Custom(custom) = &rule.measure {
        return vec![(custom.namespace.clone(), custom.name.clone())];
    }
    let metrics = rule.sources().flat_map(Source::metrics);
    let metrics = metrics.map(|metric| (metric.namespace.to_owned(), metric.name.to_owned()));
    let inputs = rule.measure.balancer_figure().into_iter().flat_map(|figure| figure.inputs(rule));
    let of_balancers = inputs.flat_map(|input| {
        [BalancerKind::Application, BalancerKind::Network]
            .map(|kind| (kind.namespace().to_owned(), input.name.to_owned()))
    });
    let quota = rule.measure.quota_figure();
    let quota = quota.map(|_| (AWS_USAGE.to_owned(), PERCENT_OF_QUOTA.to_owned()));
    metrics.chain(of_balancers).chain(quota).collect()
}

/// Metrics whose lines are kept to the end: metrics of custom rules and of load balancers, and of
/// all rules that share one with them.
pub(super) fn kept_metrics(rules: &[AlarmRule]) -> HashSet<(String, String)> {
    let is_shared = |rule: &&AlarmRule| {
        matches!(rule.measure, Measure::Custom(_))
            || rule.measure.balancer_figure().is_some()
            || rule.measure.quota_figure().is_some()
    };
    let mut kept: HashSet<_> = rules.iter().filter(is_shared).flat_map(metrics_of).collect();
    loop {
        let sharing = rules.iter().filter(|rule| is_kept(rule, &kept));
        let more: HashSet<_> = sharing.flat_map(metrics_of).collect();
        if more.len() == kept.len() {
            return kept;
        }
        kept = more;
    }
}

/// The subject of a catalogue metric or a sample.
pub(super) fn subject_of(dimensions: &Dimensions) -> Option<Subject> {
    let cluster = dimensions.get("ClusterName")?.parse().ok()?;
    if let Some(part) = parts::subject_of(dimensions) {
        return Some(part);
    }
    if let Some(service) = dimensions.get("ServiceName") {
        return Some(Subject::Service(cluster, service.parse().ok()?));
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

/// Indices of the rules, each after those that it names in `unless`. In a cycle, the order of the
/// file applies.
pub(super) fn muting_rules_first(rules: &[AlarmRule]) -> Vec<usize> {
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

/// Whether all clusters were listed, and for task families, tasks and containers also these, which
/// `ListMetrics` finds.
pub(super) fn was_listed(coverage: &Coverage, scope: Scope) -> bool {
    let is_finer = matches!(scope, Scope::TaskFamily | Scope::Task | Scope::Container);
    let lists = |operation: &Operation| {
        operation.lists_clusters() || is_finer && *operation == Operation::CloudwatchListMetrics
    };
    !coverage.faults.iter().any(|counted| lists(&counted.fault.operation))
}

/// The alarm of another rule that mutes this one.
pub(super) fn unless(rule: &AlarmRule, subject: &Subject, in_alarm: &HashSet<AlarmKey>) -> Option<Mute> {
    let cluster = subject.cluster().cloned().map(Subject::Cluster);
    let places: Vec<&Subject> = std::iter::once(subject).chain(&cluster).collect();
    let fires = |name: &&String| {
        let key = |subject: &Subject| AlarmKey { rule: (*name).clone(), subject: subject.clone() };
        places.iter().any(|place| in_alarm.contains(&key(place)))
    };
    rule.unless.iter().find(fires).map(|name| Mute::Unless { rule: name.clone() })
}
