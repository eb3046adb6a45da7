//! The query plan: only metrics that rules or the report need are requested, and the price is known
//! before the first call.

use std::collections::HashSet;

use super::cloudwatch::queries;
use super::{load_balancers, parts, source_of};
use crate::evidence::inventory::{ClusterEntry, EcsEntry, Inventory, Reporting};
use crate::model::catalogue::{self, AWS_ECS, CONTAINER_INSIGHTS};
use crate::model::cluster::ClusterName;
use crate::model::insights::InsightsLevel;
use crate::model::metric::{MetricQuery, Period, Statistic};
use crate::model::subject::{Subject, TaskOwner};
use crate::rules::{AlarmRule, Measure, Scope, Source};

/// US dollars per thousand metrics requested by `GetMetricData`, whatever the number of points,
/// without a free tier (Amazon `CloudWatch` pricing page, us-east-1; read in November 2026).
pub const DOLLARS_PER_THOUSAND_METRICS: f64 = 0.01;

/// The CloudWatch queries of one run for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryPlan {
    /// The queries, each once, ordered by cluster and within a cluster by service.
    pub queries: Vec<MetricQuery>,
}

/// The scopes whose subjects have metrics.
const SCOPES: [Scope; 6] =
    [Scope::Cluster, Scope::Service, Scope::TaskFamily, Scope::Task, Scope::Container, Scope::Workload];

impl QueryPlan {
    /// The queries that the rules need for the clusters in the inventory.
    pub fn for_alarms(rules: &[AlarmRule], inventory: &Inventory) -> Self {
        // Few plans need more than this; growing by doubling would copy every query several times.
        let mut plan = Self { queries: Vec::with_capacity(inventory.service_count() * 2 * rules.len()) };
        for (cluster, entry) in &inventory.clusters {
            for scope in SCOPES {
                let of_scope: Vec<&AlarmRule> = rules.iter().filter(|rule| rule.scope == scope).collect();
                if of_scope.is_empty() {
                    continue;
                }
                for subject in subjects_of(scope, cluster, entry) {
                    let evaluating = of_scope.iter().filter(|rule| judges(rule, &subject, entry));
                    let sources = evaluating.filter_map(|rule| Some((rule, source_of(rule, entry)?)));
                    plan.add(
                        sources.flat_map(|(rule, source)| queries(rule, &subject, source, entry)).collect(),
                    );
                }
            }
        }
        // Services may also share a target group.
        let is_shared = |rule: &AlarmRule| {
            matches!(rule.measure, Measure::Custom(_)) || rule.measure.balancer_figure().is_some()
        };
        if rules.iter().any(is_shared) {
            plan.dedup();
        }
        plan
    }

    /// The queries for the report: mean and maximum of CPU and memory of every service; where the
    /// cluster reports Container Insights, also minimum running and desired tasks, maximum
    /// deployments, and network; of its target groups requests, errors, response times and unhealthy
    /// targets; of task families, tasks and containers that are listed CPU and memory. There are no
    /// queries for clusters: their figures are sums over
    /// their services.
    pub fn for_report(inventory: &Inventory, period: Period) -> Self {
        let mut plan = Self { queries: Vec::new() };
        for (cluster, service) in inventory.services() {
            let entry = inventory.clusters.get(cluster);
            let reports = entry.and_then(ClusterEntry::ecs).is_some_and(may_report);
            let setup = entry.and_then(|entry| entry.setup(service));
            let balancing = setup.map(|setup| &setup.load_balancing);
            let of_balancers = |balancing| load_balancers::report_queries(balancing, period);
            let mut queries = balancing.map(of_balancers).unwrap_or_default();
            for (namespace, name, statistic) in REPORT_METRICS {
                let needed = *namespace == AWS_ECS || reports;
                let metric = catalogue::find(namespace, name).filter(|_| needed);
                if let Some(metric) = metric.and_then(|metric| metric.of_service(cluster, service)) {
                    queries.push(MetricQuery { metric, statistic: statistic.clone(), period });
                }
            }
            plan.add(queries);
        }
        for (cluster, entry) in &inventory.clusters {
            let ecs = entry.ecs().filter(|ecs| may_report(ecs));
            let listed = ecs.map(|ecs| parts::subjects(cluster, ecs)).into_iter().flatten();
            for part in listed.take(parts::MOST) {
                plan.add(parts::report_queries(&part, period));
            }
        }
        // Services may share a target group.
        if plan.queries.iter().any(|query| query.metric.dimensions.get("TargetGroup").is_some()) {
            plan.dedup();
        }
        plan
    }

    /// Adds the queries of one subject, each once. No other subject has the same ones, except for
    /// custom metrics.
    fn add(&mut self, mut queries: Vec<MetricQuery>) {
        queries.sort_unstable();
        queries.dedup();
        self.queries.append(&mut queries);
    }

    /// Removes duplicates: a custom metric may be the same for several subjects.
    fn dedup(&mut self) {
        let mut seen = HashSet::with_capacity(self.queries.len());
        self.queries.retain(|query| seen.insert(query.clone()));
    }

    /// Price of running this plan once, in US dollars.
    #[expect(clippy::cast_precision_loss, reason = "a plan has far fewer than 2^52 queries")]
    pub fn dollars(&self) -> f64 {
        self.queries.len() as f64 * DOLLARS_PER_THOUSAND_METRICS / 1000.0
    }
}

/// Whether a report requests Container Insights metrics. If it is unknown whether any arrive, it
/// does: an answer without data costs little, while skipping the query would lose existing data.
fn may_report(entry: &EcsEntry) -> bool {
    match entry.reports_insights {
        Reporting::Reporting => true,
        Reporting::Silent => false,
        Reporting::NotKnown => entry.insights > InsightsLevel::Disabled,
    }
}

/// Metrics of the report for each service.
const REPORT_METRICS: &[(&str, &str, Statistic)] = &[
    (AWS_ECS, "CPUUtilization", Statistic::Average),
    (AWS_ECS, "CPUUtilization", Statistic::Maximum),
    (AWS_ECS, "MemoryUtilization", Statistic::Average),
    (AWS_ECS, "MemoryUtilization", Statistic::Maximum),
    (CONTAINER_INSIGHTS, "DesiredTaskCount", Statistic::Average),
    (CONTAINER_INSIGHTS, "RunningTaskCount", Statistic::Minimum),
    (CONTAINER_INSIGHTS, "DeploymentCount", Statistic::Maximum),
    (CONTAINER_INSIGHTS, "NetworkRxBytes", Statistic::Average),
    (CONTAINER_INSIGHTS, "NetworkTxBytes", Statistic::Average),
];

/// The subjects of a rule: what it selects of its scope, in clusters that publish the metrics it
/// needs.
pub fn subjects(rule: &AlarmRule, inventory: &Inventory) -> Vec<Subject> {
    inventory.clusters.iter().flat_map(|(cluster, entry)| subjects_in(rule, cluster, entry)).collect()
}

/// The subjects of a rule in one cluster.
pub fn subjects_in<'a>(
    rule: &'a AlarmRule,
    cluster: &ClusterName,
    entry: &'a ClusterEntry,
) -> impl Iterator<Item = Subject> + 'a {
    let subjects =
        if source_of(rule, entry).is_some() { subjects_of(rule.scope, cluster, entry) } else { Vec::new() };
    subjects.into_iter().filter(|subject| judges(rule, subject, entry))
}

/// All subjects of a scope in one cluster.
fn subjects_of(scope: Scope, cluster: &ClusterName, entry: &ClusterEntry) -> Vec<Subject> {
    let cluster = || cluster.clone();
    match scope {
        Scope::Cluster => vec![Subject::Cluster(cluster())],
        Scope::Service => {
            entry.services().iter().map(|name| Subject::Service(cluster(), name.clone())).collect()
        }
        Scope::TaskFamily => {
            entry.task_families().iter().map(|name| Subject::TaskFamily(cluster(), name.clone())).collect()
        }
        Scope::Task | Scope::Container => {
            let parts =
                entry.ecs().map(|ecs| if scope == Scope::Task { &ecs.tasks } else { &ecs.containers });
            let subject = |(owner, name): &(TaskOwner, String)| match scope {
                Scope::Task => Subject::Task(cluster(), owner.clone(), name.clone()),
                _ => Subject::Container(cluster(), owner.clone(), name.clone()),
            };
            parts.into_iter().flatten().map(subject).collect()
        }
        Scope::Workload => {
            entry.workloads().iter().map(|workload| Subject::Workload(cluster(), workload.clone())).collect()
        }
        // They belong to no cluster.
        Scope::Account | Scope::LogGroup => Vec::new(),
    }
}

/// Whether a rule evaluates this subject. `entry` is the subject's cluster.
pub fn judges(rule: &AlarmRule, subject: &Subject, entry: &ClusterEntry) -> bool {
    let exists = |source| match source {
        Source::LoadBalancer(figure) => load_balancers::has(figure, subject, entry),
        _ => true,
    };
    subject.scope() == rule.scope
        && source_of(rule, entry).is_some_and(exists)
        && subject.cluster().is_some_and(|cluster| rule.selection.fits_cluster(cluster, &entry.tags))
        && rule.selection.fits_within(subject)
        && subject.service().is_none_or(|service| rule.selection.fits_capacity(entry.capacity(service)))
        && rule.covers(subject)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;

    fn inventory(clusters: &[(&str, InsightsLevel, &[&str])]) -> Inventory {
        let entry = |insights, services: &[&str]| EcsEntry {
            insights,
            reports_insights: Reporting::seen(insights > InsightsLevel::Disabled),
            services: services.iter().map(|name| name.parse().unwrap()).collect(),
            task_families: Vec::new(),
            tasks: Vec::new(),
            containers: Vec::new(),
            setups: BTreeMap::new(),
        };
        Inventory {
            read_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            clusters: clusters.iter().map(|(n, i, s)| (n.parse().unwrap(), entry(*i, s).into())).collect(),
            faults: Vec::new(),
            families_listed: false,
            tasks_listed: false,
        }
    }

    fn rules(yaml: &str) -> Vec<AlarmRule> {
        let own_only = if yaml.contains("rules:") { "\nbuilt-in-rules: none\n" } else { "" };
        let yaml = &format!("{yaml}{own_only}");
        Config::read(yaml, &"123456789012".parse().unwrap(), &"eu-west-1".parse().unwrap()).unwrap().rules
    }

    #[test]
    fn a_default_run_requests_two_free_metrics_per_service() {
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
    fn two_rules_on_one_metric_request_it_once_and_derived_values_request_both_inputs() {
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
        // Nothing for `shop`: a cluster without Container Insights does not publish these metrics.
        assert_eq!(
            names,
            [
                "ECS/ContainerInsights CpuReserved {ClusterName=orders, ServiceName=api}",
                "ECS/ContainerInsights CpuUtilized {ClusterName=orders, ServiceName=api}",
            ]
        );
    }

    const CUSTOM: &str = "
rules:
  - name: jobs-old
    what:
      namespace: AWS/SQS
      metric: ApproximateAgeOfOldestMessage
      dimensions: {QueueName: QUEUE}
      unit: seconds
    threshold: 60 s
    comparison: GreaterThanThreshold
    evaluation-periods: 3
";

    #[test]
    fn a_custom_metric_is_requested_once_for_each_distinct_set_of_dimensions() {
        let inventory = inventory(&[
            ("shop", InsightsLevel::Disabled, &["web", "api"]),
            ("lab", InsightsLevel::Disabled, &["web"]),
        ]);
        let requested = |queue: &str| {
            let plan = QueryPlan::for_alarms(&rules(&CUSTOM.replace("QUEUE", queue)), &inventory);
            plan.queries.iter().map(|query| query.metric.dimensions.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            requested("'{cluster}-{service}'"),
            ["{QueueName=lab-web}", "{QueueName=shop-web}", "{QueueName=shop-api}"]
        );
        assert_eq!(requested("'{service}'"), ["{QueueName=web}", "{QueueName=api}"]);
        assert_eq!(requested("jobs"), ["{QueueName=jobs}"]);
    }

    #[test]
    fn a_rule_selects_clusters_that_match_all_its_tags() {
        let mut inventory = inventory(&[
            ("shop", InsightsLevel::Disabled, &["web"]),
            ("lab", InsightsLevel::Disabled, &["web"]),
            ("bare", InsightsLevel::Disabled, &["web"]),
        ]);
        for (cluster, stage) in [("shop", "prod-eu"), ("lab", "test")] {
            let tags = [("team", "web"), ("stage", stage)].map(|(k, v)| (k.to_owned(), v.to_owned()));
            inventory.clusters.get_mut(&cluster.parse().unwrap()).unwrap().tags = BTreeMap::from(tags);
        }
        let judged = |tags: &str| {
            let yaml = format!("{CUSTOM}    tags: {tags}").replace("QUEUE", "jobs");
            let judged = subjects(&rules(&yaml)[0], &inventory);
            judged.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(judged("{stage: prod-*, team: web}"), ["shop/web"]);
        assert_eq!(judged("{team: '*'}"), ["lab/web", "shop/web"]);
        assert_eq!(judged("{team: ops}"), [""; 0]);
    }

    #[test]
    fn task_families_come_from_the_inventory() {
        let yaml = "
rules:
  - name: leak
    what: memory-percent-of-reservation
    scope: task-family
    task-families: [nightly-*]
    threshold: 90
    comparison: GreaterThanThreshold
    evaluation-periods: 3
";
        let mut inventory = inventory(&[
            ("shop", InsightsLevel::Enabled, &["web"]),
            ("lab", InsightsLevel::Disabled, &["web"]),
        ]);
        for entry in inventory.clusters.values_mut() {
            entry.ecs_mut().unwrap().task_families = vec!["nightly-bill".to_owned(), "web".to_owned()];
        }
        let rules = rules(yaml);
        // Nothing for `lab`: a cluster without Container Insights publishes nothing per family.
        let judged: Vec<String> = subjects(&rules[0], &inventory).iter().map(ToString::to_string).collect();
        assert_eq!(judged, ["shop#nightly-bill"]);
        let plan = QueryPlan::for_alarms(&rules, &inventory);
        let names: Vec<String> = plan.queries.iter().map(|query| query.metric.to_string()).collect();
        assert_eq!(
            names,
            [
                "ECS/ContainerInsights MemoryReserved {ClusterName=shop, TaskDefinitionFamily=nightly-bill}",
                "ECS/ContainerInsights MemoryUtilized {ClusterName=shop, TaskDefinitionFamily=nightly-bill}",
            ]
        );
    }

    #[test]
    fn the_report_requests_counts_only_where_they_are_reported() {
        let inventory = inventory(&[
            ("shop", InsightsLevel::Disabled, &["web"]),
            ("orders", InsightsLevel::Enabled, &["api"]),
        ]);
        assert_eq!(QueryPlan::for_report(&inventory, Period::FIVE_MINUTES).queries.len(), 4 + 9);
    }
}
