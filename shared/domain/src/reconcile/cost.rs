//! What a change costs.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::model::catalogue::{CATALOGUE, CONTAINER_INSIGHTS, CatalogueMetric, DimensionSet};
use crate::model::insights::InsightsLevel;

/// Prices of the metrics of Container Insights for ECS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tariff {
    /// Month in which the prices were looked up.
    pub date: &'static str,
    /// Region of the prices; others differ somewhat.
    pub region: &'static str,
    /// US dollars a metric and month at the level `enabled`: those of a custom metric, the first 10,000.
    pub enabled: f64,
    /// US dollars a metric and month at the level `enhanced`, where all metrics of the cluster cost the same.
    pub enhanced: f64,
}

/// The one table of prices. `enabled` is the list price of custom metrics ("Amazon CloudWatch pricing"), unchanged for years;
/// beyond 10,000 metrics of an account and Region it falls to $0.10, so the estimate is too high there. `enhanced` is
/// second-hand: several bills and reckonings agree on it, and AWS's page was not read. Logs and the ten free metrics are
/// left out.
pub const TARIFF: Tariff =
    Tariff { date: "November 2026", region: "us-east-1", enabled: 0.30, enhanced: 0.07 };

/// How much there is in a cluster to be measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClusterSize {
    /// Active services.
    pub services: u32,
    /// Families of task definitions that tasks run of.
    pub task_families: u32,
    /// Running tasks.
    pub tasks: u32,
    /// Containers in them.
    pub containers: u32,
}

/// What a change adds: metrics that are billed, and what they cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CostEstimate {
    /// Metrics more than now.
    pub metrics: u32,
    /// US dollars a month more than now, at [`TARIFF`]; less than nothing if it becomes cheaper.
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

/// What it adds to bring a cluster of this size from one level to another. It counts what the catalogue says is published
/// while everything runs; metrics that need more than a task (a volume, a restart policy, a health check) are left out.
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
    /// How many values a set of dimensions has here.
    fn series_of(&self, set: DimensionSet) -> u32 {
        use DimensionSet::{
            Cluster, Family, FamilyContainer, FamilyTask, FamilyTaskContainer, Service, ServiceContainer,
            ServiceTask, ServiceTaskContainer,
        };
        // Names of containers in one task, on average and not less than one.
        let names = self.containers.div_ceil(self.tasks.max(1)).max(1);
        // Without services all tasks stand alone; else nearly all belong to one.
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
    /// A sum, of metrics that can be counted beforehand.
    Metrics(CostEstimate),
    /// Words, of what cannot.
    Note(CostNote),
}

impl Cost {
    /// The sum, if there is one.
    pub fn estimate(self) -> Option<CostEstimate> {
        match self {
            Self::Metrics(estimate) => Some(estimate),
            Self::Note(_) => None,
        }
    }
}

/// What an aspect costs. How much is logged or observed cannot be counted beforehand, so these are words and no sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostNote {
    /// Nothing.
    Free,
    /// Nothing itself, but what it runs is billed where it runs on Fargate (AWS Fargate pricing).
    FreeButPods,
    /// Vended logs by the GB, among them the audit log, which is the most (Amazon EKS User Guide, "control plane logs").
    LogsWithAudit,
    /// Vended logs by the GB, without the audit log.
    Logs,
    /// Logs of pods by the GB, and memory of the router in every pod (Amazon EKS User Guide, "Fargate logging").
    PodLogs,
    /// Metrics by the observation, logs by the GB, Application Signals by the request; prices were not verified (CloudWatch User
    /// Guide, "Install the CloudWatch agent with the Amazon CloudWatch Observability EKS add-on").
    PerObservation,
}

impl CostNote {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free of charge",
            Self::FreeButPods => {
                "the add-on is free of charge; its pods on Fargate, usually two, are about $9 a month each (us-east-1)"
            }
            Self::LogsWithAudit => "CloudWatch Logs ingestion by the GB, of which audit is the most",
            Self::Logs => "CloudWatch Logs ingestion by the GB",
            Self::PodLogs => {
                "CloudWatch Logs ingestion by the GB if it writes there, and up to 50 MB of memory in every Fargate pod"
            }
            Self::PerObservation => {
                "metrics by the observation, container logs by the GB, Application Signals by the request, at prices that are not \
                 known here; see the page of CloudWatch's prices"
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

    /// Four services of two tasks of two containers each.
    const SHOP: ClusterSize = ClusterSize { services: 4, task_families: 4, tasks: 8, containers: 16 };

    #[test]
    fn enabled_counts_the_cluster_its_services_and_its_families() {
        // 10 metrics of resources each, and of counts 2 a cluster and 5 a service.
        let cost = estimate(Disabled, Enabled, &SHOP);
        assert_eq!(cost.metrics, 12 + 4 * 15 + 4 * 10);
        assert_eq!(format!("{:.2}", cost.dollars_a_month), "33.60");
        assert_eq!(estimate(Disabled, Enabled, &ClusterSize::default()).metrics, 12);
    }

    #[test]
    fn enhanced_adds_tasks_and_containers_and_costs_less_for_each() {
        // Beside what `enabled` has: 10 metrics per task in two sets; 3 + 3 percentages and network values per cluster,
        // service, family and task; 7 values per cluster and per container, by name and one by one.
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
    fn what_is_right_costs_nothing_more_and_what_is_lowered_saves() {
        assert_eq!(estimate(Enabled, Enabled, &SHOP), CostEstimate::default());
        let saved = estimate(Enabled, Disabled, &SHOP);
        assert_eq!(saved.metrics, 0);
        assert_eq!(saved.dollars_a_month, -estimate(Disabled, Enabled, &SHOP).dollars_a_month);
    }

    #[test]
    fn without_services_a_task_has_the_metrics_of_its_family_alone() {
        let alone = ClusterSize { services: 0, ..SHOP };
        let less = estimate(Disabled, Enhanced, &SHOP).metrics - estimate(Disabled, Enhanced, &alone).metrics;
        // 15 + 6 a service, 10 + 6 a task, 7 a container by name and one by one.
        assert_eq!(less, 4 * 21 + 8 * 16 + 7 * (8 + 16));
    }

    proptest! {
        #[test]
        fn a_way_costs_the_same_in_one_step_and_in_two(
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
        fn any_size_has_a_cost(services in any::<u32>(), tasks in any::<u32>(), containers in any::<u32>()) {
            let size = ClusterSize { services, task_families: services, tasks, containers };
            prop_assert!(estimate(Disabled, Enhanced, &size).dollars_a_month.is_finite());
        }
    }

    /// AWS Fargate's list prices an hour of a vCPU and a GB, for Linux on x86 in us-east-1, as of November 2026 (AWS Fargate
    /// pricing).
    const HOUR: (f64, f64) = (0.04048, 0.004_445);
    /// Hours of a month of 30 days.
    const MONTH: f64 = 720.0;

    /// The requests are those of the manifests of kubernetes-sigs/metrics-server.
    #[test]
    fn a_pod_of_metrics_server_costs_what_is_said() {
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
