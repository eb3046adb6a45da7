//! The cost of a change.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::model::catalogue::{CATALOGUE, CONTAINER_INSIGHTS, CatalogueMetric, DimensionSet};
use crate::model::insights::InsightsLevel;

/// Prices of Container Insights metrics for ECS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tariff {
    /// Month in which the prices were looked up.
    pub date: &'static str,
    /// Region of the prices; others differ somewhat.
    pub region: &'static str,
    /// US dollars per metric and month at the level `enabled`: the price of the first 10,000 custom
    /// metrics.
    pub enabled: f64,
    /// US dollars per metric and month at the level `enhanced`, where all metrics of the cluster
    /// cost the same.
    pub enhanced: f64,
}

/// The only table of prices. `enabled` is the list price of custom metrics ("Amazon CloudWatch
/// pricing"), unchanged for years; beyond 10,000 metrics per account and Region it falls to $0.10,
/// so the estimate is too high there. `enhanced` is second-hand: several published bills and
/// calculations agree on it, but it was not checked against AWS's page. Logs and the ten free
/// metrics are not included.
pub const TARIFF: Tariff =
    Tariff { date: "November 2026", region: "us-east-1", enabled: 0.30, enhanced: 0.07 };

/// The number of resources in a cluster that Container Insights measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClusterSize {
    /// Active services.
    pub services: u32,
    /// Task definition families with running tasks.
    pub task_families: u32,
    /// Running tasks.
    pub tasks: u32,
    /// Containers of the running tasks.
    pub containers: u32,
}

/// What a change adds: billed metrics and their cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CostEstimate {
    /// Additional metrics.
    pub metrics: u32,
    /// Additional US dollars per month at [`TARIFF`]; negative if it becomes cheaper.
    pub dollars_a_month: f64,
}

impl Add for CostEstimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            metrics: self.metrics.saturating_add(other.metrics),
            dollars_a_month: self.dollars_a_month + other.dollars_a_month,
        }
    }
}

impl Sum for CostEstimate {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// What changing a cluster of this size from one level to another adds. It counts the metrics that
/// the catalogue lists for running resources; metrics that need more than a task (a volume, a
/// restart policy, a health check) are not included.
pub fn estimate(from: InsightsLevel, to: InsightsLevel, size: &ClusterSize) -> CostEstimate {
    let (now, then) = (metrics_at(from, size), metrics_at(to, size));
    CostEstimate {
        metrics: then.saturating_sub(now),
        dollars_a_month: dollars(to, then) - dollars(from, now),
    }
}

fn dollars(level: InsightsLevel, metrics: u32) -> f64 {
    let each = match level {
        InsightsLevel::Disabled => 0.0,
        InsightsLevel::Enabled => TARIFF.enabled,
        InsightsLevel::Enhanced => TARIFF.enhanced,
    };
    f64::from(metrics) * each
}

fn metrics_at(level: InsightsLevel, size: &ClusterSize) -> u32 {
    let published = |metric: &&CatalogueMetric| {
        metric.namespace == CONTAINER_INSIGHTS && metric.needs <= level && metric.only_with.is_none()
    };
    let sets = CATALOGUE.iter().filter(published).flat_map(|metric| metric.sets_at(level));
    sets.fold(0, |sum: u32, set| sum.saturating_add(size.series_of(set)))
}

impl ClusterSize {
    /// Number of time series that a set of dimensions has in this cluster.
    fn series_of(&self, set: DimensionSet) -> u32 {
        use DimensionSet::{
            Cluster, Family, FamilyContainer, FamilyTask, FamilyTaskContainer, Service, ServiceContainer,
            ServiceTask, ServiceTaskContainer,
        };
        // Container names per task: the average, at least one.
        let names = self.containers.div_ceil(self.tasks.max(1)).max(1);
        // Without services all tasks are standalone; otherwise nearly all belong to a service.
        let in_services = |n: u32| if self.services > 0 { n } else { 0 };
        match set {
            Cluster => 1,
            Service => self.services,
            Family => self.task_families,
            ServiceTask => in_services(self.tasks),
            FamilyTask => self.tasks,
            ServiceContainer => self.services.saturating_mul(names),
            FamilyContainer => self.task_families.saturating_mul(names),
            ServiceTaskContainer => in_services(self.containers),
            FamilyTaskContainer => self.containers,
        }
    }
}

/// What a change costs or would cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// A sum, for metrics that can be counted in advance.
    Metrics(CostEstimate),
    /// A description, for what cannot be counted in advance.
    Note(CostNote),
}

impl Cost {
    /// The sum, if it could be computed.
    pub fn estimate(self) -> Option<CostEstimate> {
        match self {
            Self::Metrics(estimate) => Some(estimate),
            Self::Note(_) => None,
        }
    }
}

/// What an aspect costs, described in words: the volume of logs and observations cannot be counted
/// in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostNote {
    /// Nothing.
    Free,
    /// The add-on is free, but its pods are billed if they run on Fargate (AWS Fargate pricing).
    FreeButPods,
    /// Vended logs per GB, including the audit log, which is the largest (Amazon EKS User Guide,
    /// "control plane logs").
    LogsWithAudit,
    /// Vended logs per GB, without the audit log.
    Logs,
    /// Pod logs per GB, and memory for the log router in every pod (Amazon EKS User Guide, "Fargate
    /// logging").
    PodLogs,
    /// Metrics per observation, logs per GB, Application Signals per request; prices were not
    /// verified (CloudWatch User Guide, "Install the CloudWatch agent with the Amazon CloudWatch
    /// Observability EKS add-on").
    PerObservation,
}

impl CostNote {
    /// The description.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free of charge",
            Self::FreeButPods => {
                "the add-on is free; its pods on Fargate, usually two, cost about $9 a month each (us-east-1)"
            }
            Self::LogsWithAudit => "CloudWatch Logs ingestion per GB; audit is the largest",
            Self::Logs => "CloudWatch Logs ingestion per GB",
            Self::PodLogs => {
                "CloudWatch Logs ingestion per GB if the output is CloudWatch Logs, and up to 50 MB of memory in every Fargate pod"
            }
            Self::PerObservation => {
                "metrics per observation, container logs per GB, Application Signals per request; for prices, see the \
                 CloudWatch pricing page"
            }
        }
    }
}

impl fmt::Display for CostNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::level;
    use super::*;
    use crate::kubernetes::fargate::expected_size;
    use crate::kubernetes::quantity::Quantity;
    use crate::kubernetes::resources::Resources;
    use crate::model::insights::InsightsLevel::{Disabled, Enabled, Enhanced};

    /// Four services with two tasks each, and two containers per task.
    const SHOP: ClusterSize = ClusterSize { services: 4, task_families: 4, tasks: 8, containers: 16 };

    #[test]
    fn enabled_counts_the_cluster_its_services_and_its_families() {
        // 10 resource metrics each, plus 2 counts per cluster and 5 per service.
        let cost = estimate(Disabled, Enabled, &SHOP);
        assert_eq!(cost.metrics, 12 + 4 * 15 + 4 * 10);
        assert_eq!(format!("{:.2}", cost.dollars_a_month), "33.60");
        assert_eq!(estimate(Disabled, Enabled, &ClusterSize::default()).metrics, 12);
    }

    #[test]
    fn enhanced_adds_tasks_and_containers_at_a_lower_price_per_metric() {
        // In addition to the metrics of `enabled`: 10 metrics per task in two sets; 3 + 3
        // percentages and network values per cluster, service, family and task; 7 values per
        // cluster and per container, by name and one by one.
        let (cluster, services, families, tasks, names, containers) = (1, 4, 4, 8, 8, 16);
        let standard = 12 + 4 * 15 + 4 * 10;
        let per_task = 10 * 2 * tasks;
        let rates = 6 * (cluster + services + families + 2 * tasks);
        let per_container = 7 * (cluster + 2 * names + 2 * containers);
        let cost = estimate(Disabled, Enhanced, &SHOP);
        assert_eq!(cost.metrics, standard + per_task + rates + per_container);
        assert_eq!(cost.dollars_a_month, f64::from(cost.metrics) * 0.07);
    }

    #[test]
    fn an_unchanged_level_costs_nothing_and_a_lower_one_saves() {
        assert_eq!(estimate(Enabled, Enabled, &SHOP), CostEstimate::default());
        let saved = estimate(Enabled, Disabled, &SHOP);
        assert_eq!(saved.metrics, 0);
        assert_eq!(saved.dollars_a_month, -estimate(Disabled, Enabled, &SHOP).dollars_a_month);
    }

    #[test]
    fn without_services_a_task_only_has_the_metrics_of_its_family() {
        let alone = ClusterSize { services: 0, ..SHOP };
        let less = estimate(Disabled, Enhanced, &SHOP).metrics - estimate(Disabled, Enhanced, &alone).metrics;
        // 15 + 6 per service, 10 + 6 per task, 7 per container name and per container.
        assert_eq!(less, 4 * 21 + 8 * 16 + 7 * (8 + 16));
    }

    proptest! {
        #[test]
        fn one_step_costs_the_same_as_two(
            services in 0u32..50, families in 0u32..50, tasks in 0u32..500, each in 0u32..5,
            from in level(), over in level(), to in level(),
        ) {
            let size = ClusterSize { services, task_families: families, tasks, containers: tasks * each };
            let two = estimate(from, over, &size).dollars_a_month + estimate(over, to, &size).dollars_a_month;
            prop_assert!((estimate(from, to, &size).dollars_a_month - two).abs() < 1e-6);
            if from <= over && over <= to {
                let sum: CostEstimate = [estimate(from, over, &size), estimate(over, to, &size)].into_iter().sum();
                prop_assert_eq!(estimate(from, to, &size).metrics, sum.metrics);
            }
        }

        #[test]
        fn any_size_has_a_finite_cost(services in any::<u32>(), tasks in any::<u32>(), containers in any::<u32>()) {
            let size = ClusterSize { services, task_families: services, tasks, containers };
            prop_assert!(estimate(Disabled, Enhanced, &size).dollars_a_month.is_finite());
        }
    }

    /// AWS Fargate's list prices per vCPU hour and GB hour, for Linux on x86 in us-east-1, as of
    /// November 2026 (AWS Fargate pricing).
    const HOUR: (f64, f64) = (0.04048, 0.004_445);
    /// Hours in a month of 30 days.
    const MONTH: f64 = 720.0;

    /// The requests are those in the manifests of kubernetes-sigs/metrics-server.
    #[test]
    fn a_metrics_server_pod_costs_what_the_note_says() {
        let (cpu, memory) = (Some(Quantity::millis(100)), Some(Quantity::bytes(200 << 20)));
        let size = expected_size(&Resources { cpu, memory, ..Resources::default() }).unwrap();
        assert_eq!(size.to_string(), "0.25vCPU 0.5GB");
        let (vcpu, gigabytes) = (size.cpu.as_f64(), size.memory.as_f64() / f64::from(1 << 30));
        let dollars = (vcpu * HOUR.0 + gigabytes * HOUR.1) * MONTH;
        assert_eq!(format!("{dollars:.2}"), "8.89");
        assert!(CostNote::FreeButPods.as_str().contains(&format!("about ${dollars:.0} a month each")));
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policies.md");
        assert!(std::fs::read_to_string(page).unwrap().contains(&format!("${dollars:.2} a month")));
    }
}
