//! Estates of any size for benchmarks: the values are computed from the seed on demand.

use jiff::Timestamp;

use super::{ClusterSpec, Estate, Series, SeriesKey, ServiceSpec, minute_of, mixture};

/// Which metrics the services of a seeded estate have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricSet {
    /// None: for estates that only need an inventory.
    None,
    /// The six of namespace `ECS/ContainerInsights` that fargaze reads.
    ContainerInsights,
    /// The two of namespace `AWS/ECS`.
    Ecs,
    /// All eight.
    Both,
}

/// The plan of a seeded estate.
#[derive(Clone, Debug)]
pub struct SeededEstate {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Number of clusters: `cluster-000`, ..., or `prod-0000`, `dev-0001`, ... if they are mixed.
    pub clusters: usize,
    /// Whether the clusters differ: in names, levels, tags and states, and the services in families
    /// and containers.
    pub mixed: bool,
    /// Number of services in each: `service-00`, ...
    pub services_per_cluster: usize,
    /// Their metrics.
    pub metrics: MetricSet,
    /// The same seed gives the same values.
    pub seed: u64,
    /// The estate's clock; the series end here.
    pub now: Timestamp,
    /// Minutes of history.
    pub minutes: usize,
    /// Fraction of the services whose CPU usage stays above 85 % of the reservation.
    pub hot: f64,
}

impl SeededEstate {
    /// One account with three hours of Container Insights and 5 % hot services.
    pub fn new(clusters: usize, services_per_cluster: usize, now: Timestamp) -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            clusters,
            mixed: false,
            services_per_cluster,
            metrics: MetricSet::ContainerInsights,
            seed: 1,
            now,
            minutes: 180,
            hot: 0.05,
        }
    }

    pub(super) fn build(&self) -> Estate {
        let mut estate = Estate::new(&self.account, &self.region).now(self.now);
        let first = minute_of(self.now.as_second()) - self.minutes as i64;
        for number in 0..self.clusters {
            let mut spec = if self.mixed { mixture::cluster(self.seed, number) } else { self.plain(number) };
            let cluster = spec.name.clone();
            // A cluster without Container Insights has none of its metrics, and a service without
            // tasks has no metrics.
            let metrics = match (self.metrics, spec.insights.as_str()) {
                (MetricSet::ContainerInsights, "disabled") => MetricSet::None,
                (MetricSet::Both, "disabled") => MetricSet::Ecs,
                (metrics, _) => metrics,
            };
            for place in 0..self.services_per_cluster {
                let service = format!("service-{place:02}");
                let serial = (number * self.services_per_cluster + place) as u64;
                let waves = Waves::new(self, serial);
                let tasks = waves.tasks as i64;
                let made = ServiceSpec::new(&service).desired(tasks).running(tasks);
                let made = if self.mixed { mixture::service(self.seed, serial, made) } else { made };
                let metrics = if made.running == 0 { MetricSet::None } else { metrics };
                spec = spec.service(made);
                let dimensions = [("ClusterName", cluster.as_str()), ("ServiceName", &service)];
                for (namespace, name, wave) in waves.all(metrics) {
                    let series = Series::of_wave(first, self.minutes, wave);
                    estate.put_series(SeriesKey::new(namespace, name, &dimensions), series);
                }
            }
            estate.put_cluster(spec);
        }
        estate
    }

    fn plain(&self, number: usize) -> ClusterSpec {
        let insights = if self.metrics == MetricSet::Ecs { "disabled" } else { "enabled" };
        ClusterSpec::new(&format!("cluster-{number:03}")).insights(insights)
    }
}

/// A value that varies between two bounds, the same for the same seed and minute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wave {
    seed: u64,
    low: f64,
    high: f64,
}

impl Wave {
    /// The value in this minute; constants stay constant.
    pub(super) fn at(self, minute: i64) -> f64 {
        let random = mix(self.seed ^ mix(minute as u64));
        // 53 random bits make a uniform number in 0..1.
        self.low + (self.high - self.low) * ((random >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// The metrics of one service.
struct Waves {
    seed: u64,
    tasks: f64,
    hot: bool,
}

impl Waves {
    fn new(plan: &SeededEstate, serial: u64) -> Self {
        let seed = mix(plan.seed ^ mix(serial));
        let share = (mix(seed) >> 11) as f64 / (1_u64 << 53) as f64;
        Self { seed, tasks: (seed % 8 + 1) as f64, hot: share < plan.hot }
    }

    fn all(&self, set: MetricSet) -> Vec<(&'static str, &'static str, Wave)> {
        const INSIGHTS: &str = "ECS/ContainerInsights";
        const ECS: &str = "AWS/ECS";
        let (cpu, memory) = (256.0 * self.tasks, 512.0 * self.tasks);
        let (low, high) = if self.hot { (0.86, 0.99) } else { (0.05, 0.6) };
        let insights = [
            (INSIGHTS, "CpuUtilized", cpu * low, cpu * high),
            (INSIGHTS, "CpuReserved", cpu, cpu),
            (INSIGHTS, "MemoryUtilized", memory * 0.3, memory * 0.5),
            (INSIGHTS, "MemoryReserved", memory, memory),
            (INSIGHTS, "RunningTaskCount", self.tasks, self.tasks),
            (INSIGHTS, "DesiredTaskCount", self.tasks, self.tasks),
        ];
        let ecs =
            [(ECS, "CPUUtilization", 100.0 * low, 100.0 * high), (ECS, "MemoryUtilization", 30.0, 50.0)];
        let wanted = |metric: &(&str, &str, f64, f64)| match set {
            MetricSet::None => false,
            MetricSet::Both => true,
            MetricSet::Ecs => metric.0 == ECS,
            MetricSet::ContainerInsights => metric.0 == INSIGHTS,
        };
        insights
            .into_iter()
            .chain(ecs)
            .filter(wanted)
            .enumerate()
            .map(|(place, (namespace, name, low, high))| {
                (namespace, name, Wave { seed: self.seed ^ mix(place as u64), low, high })
            })
            .collect()
    }
}

/// The finalizer of `SplitMix64`.
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deterministic_and_of_the_requested_size() {
        let plan = SeededEstate::new(3, 4, Timestamp::from_second(1_800_000_000).unwrap());
        let (one, two) = (plan.build(), plan.build());
        assert_eq!(one.series.len(), 3 * 4 * 6);
        let last = minute_of(1_800_000_000);
        for ((key, series), (_, same)) in one.series.iter().zip(&two.series) {
            let set = series.fold(last - 5, last).set().unwrap();
            assert_eq!(Some(set), same.fold(last - 5, last).set(), "{key:?}");
            assert!(!series.has_any(last, last + 100));
        }
        let other = SeededEstate { seed: 2, ..plan }.build();
        let value = |estate: &Estate| estate.series[0].1.fold(last - 1, last).set();
        assert_ne!(value(&one), value(&other));
    }

    #[test]
    fn a_mixed_estate_has_metrics_only_where_insights_are_on() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let estate = SeededEstate { mixed: true, ..SeededEstate::new(50, 2, now) }.build();
        assert_eq!(estate.clusters().len(), 50);
        let on = estate.clusters().values().filter(|cluster| cluster.insights != "disabled");
        let services = on.flat_map(|cluster| cluster.services.values()).filter(|service| service.running > 0);
        assert_eq!(estate.series.len(), services.count() * 6);
        let none = SeededEstate { mixed: true, metrics: MetricSet::None, ..SeededEstate::new(1_000, 2, now) }
            .build();
        assert_eq!((none.clusters().len(), none.series.len()), (1_000, 0));
    }

    #[test]
    fn the_hot_fraction_is_about_right() {
        let plan = SeededEstate::new(100, 10, Timestamp::from_second(1_800_000_000).unwrap());
        let hot = (0..1_000).filter(|serial| Waves::new(&plan, *serial).hot).count();
        assert!((30..80).contains(&hot), "{hot}");
    }
}
