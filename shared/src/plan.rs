//! The query plan: only what rules or the report need is asked, and its price is known before the first call.

use crate::catalogue::{self, AWS_ECS, CONTAINER_INSIGHTS, CatalogueMetric};
use crate::cluster::{ClusterName, ServiceName};
use crate::inventory::{ClusterEntry, Inventory};
use crate::metric::{Metric, MetricQuery, Period, Statistic};
use crate::rule::{AlarmRule, Measure, Scope, Subject};

/// US dollars for a thousand metrics asked for by `GetMetricData`, whatever the number of points, and never free
/// (Amazon `CloudWatch` pricing page, us-east-1; read in November 2026).
pub const DOLLARS_PER_THOUSAND_METRICS: f64 = 0.01;

/// What CloudWatch is asked in one run for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryPlan {
    /// The questions, each once, cluster by cluster and there service by service.
    pub queries: Vec<MetricQuery>,
}

impl QueryPlan {
    /// What the rules need of the clusters in the inventory.
    pub fn for_alarms(rules: &[AlarmRule], inventory: &Inventory) -> Self {
        // Few plans ask more than this; growing by doubling would copy every question several times.
        let mut plan = Self { queries: Vec::with_capacity(inventory.service_count() * 2 * rules.len()) };
        for (cluster, entry) in &inventory.clusters {
            let whole = Subject { cluster: cluster.clone(), service: None };
            let services = entry
                .services
                .iter()
                .map(|service| Subject { cluster: cluster.clone(), service: Some(service.clone()) });
            for subject in std::iter::once(whole).chain(services) {
                let judging = rules.iter().filter(|rule| judges(rule, &subject, entry));
                plan.ask(judging.flat_map(|rule| queries(rule, &subject)).collect());
            }
        }
        plan
    }

    /// What the report shows: mean and maximum of CPU and memory of every service, and the counts of those whose
    /// cluster reports Container Insights.
    pub fn for_report(inventory: &Inventory, period: Period) -> Self {
        let mut plan = Self { queries: Vec::new() };
        for (cluster, service) in inventory.services() {
            let reports = inventory.clusters.get(cluster).is_some_and(|entry| entry.reports_insights);
            let mut queries = Vec::new();
            for (namespace, name, statistic) in REPORT_METRICS {
                let needed = *namespace == AWS_ECS || reports;
                let metric = catalogue::find(namespace, name).filter(|_| needed);
                if let Some(metric) = metric.and_then(|metric| metric.of_service(cluster, service)) {
                    queries.push(MetricQuery { metric, statistic: statistic.clone(), period });
                }
            }
            plan.ask(queries);
        }
        plan
    }

    /// Adds the questions about one subject, each once. No other subject has the same.
    fn ask(&mut self, mut queries: Vec<MetricQuery>) {
        queries.sort_unstable();
        queries.dedup();
        self.queries.append(&mut queries);
    }

    /// US dollars that asking this plan once costs.
    #[expect(clippy::cast_precision_loss, reason = "a plan has far fewer than 2^52 queries")]
    pub fn dollars(&self) -> f64 {
        self.queries.len() as f64 * DOLLARS_PER_THOUSAND_METRICS / 1000.0
    }
}

/// Metrics of the report, per service.
const REPORT_METRICS: &[(&str, &str, Statistic)] = &[
    (AWS_ECS, "CPUUtilization", Statistic::Average),
    (AWS_ECS, "CPUUtilization", Statistic::Maximum),
    (AWS_ECS, "MemoryUtilization", Statistic::Average),
    (AWS_ECS, "MemoryUtilization", Statistic::Maximum),
    (CONTAINER_INSIGHTS, "DesiredTaskCount", Statistic::Average),
    (CONTAINER_INSIGHTS, "RunningTaskCount", Statistic::Average),
];

/// What a rule judges: the clusters or services that it selects and that publish what it needs.
pub fn subjects(rule: &AlarmRule, inventory: &Inventory) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for (cluster, entry) in &inventory.clusters {
        let services = match rule.scope {
            Scope::Cluster => vec![None],
            Scope::Service => entry.services.iter().cloned().map(Some).collect(),
        };
        let all = services.into_iter().map(|service| Subject { cluster: cluster.clone(), service });
        subjects.extend(all.filter(|subject| judges(rule, subject, entry)));
    }
    subjects
}

/// Whether a rule judges this subject. `entry` is its cluster.
fn judges(rule: &AlarmRule, subject: &Subject, entry: &ClusterEntry) -> bool {
    let selects = match (rule.scope, &subject.service) {
        (Scope::Cluster, None) => rule.selects_cluster(&subject.cluster),
        (Scope::Service, Some(service)) => rule.selects_service(&subject.cluster, service),
        _ => false,
    };
    selects && entry.insights >= rule.measure.needs()
}

/// The metric of the catalogue for one subject.
pub fn metric_of(
    metric: &CatalogueMetric,
    cluster: &ClusterName,
    service: Option<&ServiceName>,
) -> Option<Metric> {
    match service {
        Some(service) => metric.of_service(cluster, service),
        None => metric.of_cluster(cluster),
    }
}

/// What must be asked to judge the rule on one subject: nothing, one metric, or the two of a derived value.
pub fn queries(rule: &AlarmRule, subject: &Subject) -> Vec<MetricQuery> {
    let query = |metric| MetricQuery { metric, statistic: rule.statistic.clone(), period: rule.period };
    let metrics = rule.measure.metrics();
    metrics
        .filter_map(|metric| metric_of(metric, &subject.cluster, subject.service.as_ref()).map(query))
        .collect()
}

/// Whether some rule is judged by what ECS says about services without metrics.
pub fn needs_service_states(rules: &[AlarmRule]) -> bool {
    rules.iter().any(|rule| rule.measure == Measure::NothingRunning)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;
    use crate::insights::InsightsLevel;

    fn inventory(clusters: &[(&str, InsightsLevel, &[&str])]) -> Inventory {
        let entry = |insights, services: &[&str]| ClusterEntry {
            insights,
            reports_insights: insights > InsightsLevel::Disabled,
            tags: BTreeMap::new(),
            services: services.iter().map(|name| name.parse().unwrap()).collect(),
            services_unread: false,
        };
        Inventory {
            read_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            clusters: clusters.iter().map(|(n, i, s)| (n.parse().unwrap(), entry(*i, s))).collect(),
            faults: Vec::new(),
        }
    }

    fn rules(yaml: &str) -> Vec<AlarmRule> {
        Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap()).unwrap().rules
    }

    #[test]
    fn a_default_run_asks_two_free_metrics_a_service() {
        let inventory = inventory(&[
            ("shop", InsightsLevel::Disabled, &["web", "api"]),
            ("search", InsightsLevel::Enhanced, &["index"]),
        ]);
        let plan = QueryPlan::for_alarms(&rules("{}"), &inventory);
        assert_eq!(plan.queries.len(), 6);
        assert!(plan.queries.iter().all(|query| query.metric.namespace == AWS_ECS));
        assert!((plan.dollars() - 0.000_06).abs() < 1e-12);
    }

    #[test]
    fn two_rules_on_one_metric_ask_it_once_and_derived_values_ask_both_inputs() {
        let yaml = "
rules:
  - &rule
    name: warn
    what: cpu-percent-of-reservation
    threshold: 80
    comparison: GreaterThanThreshold
    evaluation-periods: 3
    datapoints-to-alarm: 3
  - <<: *rule
    name: page
    threshold: 95
";
        let inventory = inventory(&[
            ("shop", InsightsLevel::Disabled, &["web"]),
            ("orders", InsightsLevel::Enabled, &["api"]),
        ]);
        let names: Vec<String> = QueryPlan::for_alarms(&rules(yaml), &inventory)
            .queries
            .into_iter()
            .map(|q| q.metric.to_string())
            .collect();
        // Nothing of `shop`: a cluster without Container Insights publishes no such metric.
        assert_eq!(
            names,
            [
                "ECS/ContainerInsights CpuReserved {ClusterName=orders, ServiceName=api}",
                "ECS/ContainerInsights CpuUtilized {ClusterName=orders, ServiceName=api}",
            ]
        );
    }

    #[test]
    fn the_report_asks_counts_only_where_they_are_reported() {
        let inventory = inventory(&[
            ("shop", InsightsLevel::Disabled, &["web"]),
            ("orders", InsightsLevel::Enabled, &["api"]),
        ]);
        assert_eq!(QueryPlan::for_report(&inventory, Period::FIVE_MINUTES).queries.len(), 4 + 6);
    }
}
