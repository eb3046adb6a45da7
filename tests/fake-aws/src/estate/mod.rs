//! The estate of one account and Region: its clusters, services and metric series.

mod cluster;
mod logs;
mod mixture;
mod oddity;
mod seeded;
mod series;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::eks::EksClusterSpec;
use crate::logs::StartedQuery;

pub use cluster::{ClusterSpec, ServiceSpec, StoppedTaskSpec, TaskSpec};
pub use logs::LogGroupSpec;
pub use oddity::Oddity;
pub use seeded::{MetricSet, SeededEstate};
pub(crate) use series::{Fold, minute_of};
pub use series::{Series, SeriesKey, StatisticSet};

/// The resources of one account in one Region.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) denied: BTreeSet<String>,
    pub(crate) page_points: Option<usize>,
    pub(crate) series: Vec<(SeriesKey, Series)>,
    pub(crate) oddities: Vec<(SeriesKey, Oddity)>,
    pub(crate) eks: BTreeMap<String, EksClusterSpec>,
    /// Task definitions as `DescribeTaskDefinition` returns them, by `FAMILY:REVISION`.
    pub(crate) task_definitions: BTreeMap<String, serde_json::Value>,
    /// Log groups by name.
    pub(crate) log_groups: BTreeMap<String, LogGroupSpec>,
    /// Events with their time in epoch milliseconds, by group and stream.
    pub(crate) log_events: BTreeMap<(String, String), Vec<(i64, String)>>,
    /// Queries of logs that were started, by id.
    pub(crate) queries: BTreeMap<String, StartedQuery>,
    /// Polls until a query has ended.
    pub(crate) query_polls: usize,
    /// Queries whose text has a part, with the status that they end in and the polls until then.
    pub(crate) odd_queries: Vec<(String, String, usize)>,
    /// Quotas of usage metrics.
    pub(crate) quotas: HashMap<SeriesKey, f64>,
    /// Whether the first page of `FilterLogEvents` is empty.
    pub(crate) empty_pages: bool,
    clusters: BTreeMap<String, ClusterSpec>,
    /// The account setting `containerInsights`, if it was ever set.
    account_default: Option<String>,
    index: HashMap<SeriesKey, usize>,
    now: Option<Timestamp>,
}

impl Estate {
    /// An empty estate.
    pub fn new(account: &str, region: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), ..Self::default() }
    }

    /// An estate of any size, the same for the same seed.
    pub fn seeded(plan: &SeededEstate) -> Self {
        plan.build()
    }

    /// Adds or replaces a cluster.
    #[must_use]
    pub fn cluster(mut self, cluster: ClusterSpec) -> Self {
        self.put_cluster(cluster);
        self
    }

    /// Sets the quota of a usage metric, for `SERVICE_QUOTA`.
    pub fn put_quota(&mut self, key: SeriesKey, quota: f64) {
        self.quotas.insert(key, quota);
    }

    /// Adds or replaces a cluster of EKS.
    #[must_use]
    pub fn eks(mut self, cluster: EksClusterSpec) -> Self {
        self.put_eks(cluster);
        self
    }

    /// Adds or replaces a cluster of EKS.
    pub fn put_eks(&mut self, cluster: EksClusterSpec) {
        self.eks.insert(cluster.name.clone(), cluster);
    }

    /// A cluster of EKS.
    pub fn eks_cluster(&mut self, name: &str) -> Option<&mut EksClusterSpec> {
        self.eks.get_mut(name)
    }

    /// Deletes a cluster of EKS.
    pub fn remove_eks(&mut self, name: &str) {
        self.eks.remove(name);
    }

    /// Adds or replaces a service; the cluster must exist.
    #[must_use]
    pub fn service(mut self, cluster: &str, service: ServiceSpec) -> Self {
        self.put_service(cluster, service);
        self
    }

    /// Adds or replaces a series with one value a minute from `start`; NaN is a missing minute.
    #[must_use]
    pub fn metric(
        mut self,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        start: Timestamp,
        values: &[f64],
    ) -> Self {
        let series = Series::of_values(start, values);
        self.put_series(SeriesKey::new(namespace, name, dimensions), series);
        self
    }

    /// Adds or replaces a series with all samples of each minute from `start`, so that percentiles
    /// can be computed.
    #[must_use]
    pub fn samples(
        mut self,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        start: Timestamp,
        minutes: &[Vec<f64>],
    ) -> Self {
        let series = Series::of_samples(start, minutes);
        self.put_series(SeriesKey::new(namespace, name, dimensions), series);
        self
    }

    /// The estate's own clock. Later points do not exist yet, and retention counts from it. Without
    /// it the machine's clock decides what is recent, and every point exists.
    #[must_use]
    pub fn now(mut self, now: Timestamp) -> Self {
        self.set_now(now);
        self
    }

    /// Refuses an operation such as `ecs:ListClusters` as not authorized.
    #[must_use]
    pub fn deny(mut self, operation: &str) -> Self {
        self.denied.insert(operation.to_owned());
        self
    }

    /// Pages of `GetMetricData` end after this many points instead of 100,800.
    #[must_use]
    pub fn page_points(mut self, points: usize) -> Self {
        self.page_points = Some(points);
        self
    }

    /// Makes `GetMetricData` respond oddly for one series.
    #[must_use]
    pub fn odd(mut self, key: SeriesKey, oddity: Oddity) -> Self {
        self.oddities.push((key, oddity));
        self
    }

    /// Sets the account's default of `containerInsights`: `disabled`, `enabled` or `enhanced`.
    #[must_use]
    pub fn account_default(mut self, value: &str) -> Self {
        self.set_account_default(value);
        self
    }

    /// Adds or replaces a cluster.
    pub fn put_cluster(&mut self, cluster: ClusterSpec) {
        self.clusters.insert(cluster.name.clone(), cluster);
    }

    /// Creates a cluster like `CreateCluster` without a setting: it gets the account's default.
    pub fn create_cluster(&mut self, name: &str) {
        let level = self.account_insights().to_owned();
        self.put_cluster(ClusterSpec::new(name).insights(&level));
    }

    /// Removes a cluster as if it had never existed.
    pub fn remove_cluster(&mut self, name: &str) {
        self.clusters.remove(name);
    }

    /// Adds or replaces a service; the cluster must exist.
    pub fn put_service(&mut self, cluster: &str, service: ServiceSpec) {
        let cluster = self.clusters.get_mut(cluster).expect("the cluster of the service");
        cluster.services.insert(service.name.clone(), service);
    }

    /// A cluster, to read or change.
    pub fn cluster_mut(&mut self, name: &str) -> Option<&mut ClusterSpec> {
        self.clusters.get_mut(name)
    }

    /// A service, to read or change.
    pub fn service_mut(&mut self, cluster: &str, service: &str) -> Option<&mut ServiceSpec> {
        self.clusters.get_mut(cluster)?.services.get_mut(service)
    }

    /// The `containerInsights` setting of a cluster.
    pub fn insights(&self, cluster: &str) -> Option<&str> {
        Some(&self.clusters.get(cluster)?.insights)
    }

    /// All clusters by name, deleted ones included.
    pub fn clusters(&self) -> &BTreeMap<String, ClusterSpec> {
        &self.clusters
    }

    /// The account's default of `containerInsights`.
    pub fn account_insights(&self) -> &str {
        self.account_default.as_deref().unwrap_or("disabled")
    }

    /// Sets the account's default of `containerInsights`. Existing clusters are unchanged.
    pub fn set_account_default(&mut self, value: &str) {
        self.account_default = Some(value.to_owned());
    }

    /// Adds or replaces a series.
    pub fn put_series(&mut self, key: SeriesKey, series: Series) {
        if let Some(at) = self.index.get(&key) {
            self.series[*at].1 = series;
        } else {
            self.index.insert(key.clone(), self.series.len());
            self.series.push((key, series));
        }
    }

    /// Sets the estate's own clock.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = Some(now);
    }

    pub(crate) fn find_series(&self, key: &SeriesKey) -> Option<&Series> {
        self.index.get(key).map(|at| &self.series[*at].1)
    }

    /// The first minute that does not exist yet, if the estate has its own clock.
    pub(crate) fn horizon(&self) -> Option<i64> {
        self.now.map(|now| minute_of(now.as_second()))
    }

    /// The current minute.
    pub(crate) fn this_minute(&self) -> i64 {
        minute_of(self.now.unwrap_or_else(Timestamp::now).as_second())
    }
}
