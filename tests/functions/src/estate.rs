//! Small estates with metrics, in minutes around [`START`](crate::START).

use std::ops::Range;

use fake_aws::{ClusterSpec, Estate, Series, SeriesKey, ServiceSpec};

use crate::minute;

/// Home account of all tests.
pub const ACCOUNT: &str = "123456789012";
/// Home Region of all tests.
pub const REGION: &str = "eu-west-1";

/// Minutes of history before the start, and of a future that the estate's clock hides until its
/// time.
const BEFORE: i64 = 25 * 60;
const AFTER: i64 = 3 * 60;

/// An estate without clusters, whose clock is set to [`START`](crate::START).
pub fn estate() -> Estate {
    Estate::new(ACCOUNT, REGION).now(minute(0))
}

/// One value a minute; `value` receives how many minutes after [`START`](crate::START) the minute
/// begins.
pub fn minutes(value: impl Fn(i64) -> f64) -> Vec<f64> {
    (-BEFORE..AFTER).map(value).collect()
}

/// Adds or replaces a series in an estate.
pub fn put_minutes(
    estate: &mut Estate,
    namespace: &str,
    name: &str,
    dimensions: &[(&str, &str)],
    value: impl Fn(i64) -> f64,
) {
    put_span(estate, namespace, name, dimensions, -BEFORE..AFTER, value);
}

/// The same over another range of minutes, such as the days of a long outage.
pub fn put_span(
    estate: &mut Estate,
    namespace: &str,
    name: &str,
    dimensions: &[(&str, &str)],
    span: Range<i64>,
    value: impl Fn(i64) -> f64,
) {
    let values: Vec<f64> = span.clone().map(value).collect();
    let series = Series::of_values(minute(span.start), &values);
    estate.put_series(SeriesKey::new(namespace, name, dimensions), series);
}

/// Adds or replaces one of the two metrics that every service has.
pub fn aws_ecs(estate: &mut Estate, cluster: &str, service: &str, name: &str, value: impl Fn(i64) -> f64) {
    let dimensions = [("ClusterName", cluster), ("ServiceName", service)];
    put_minutes(estate, "AWS/ECS", name, &dimensions, value);
}

/// Adds or replaces a metric of Container Insights of a service.
pub fn insights(estate: &mut Estate, cluster: &str, service: &str, name: &str, value: impl Fn(i64) -> f64) {
    let dimensions = [("ClusterName", cluster), ("ServiceName", service)];
    put_minutes(estate, "ECS/ContainerInsights", name, &dimensions, value);
}

/// Adds a service with two running tasks and both `AWS/ECS` metrics; healthy unless `memory` says
/// otherwise.
pub fn running(estate: &mut Estate, cluster: &str, service: &str, memory: impl Fn(i64) -> f64) {
    if estate.cluster_mut(cluster).is_none() {
        estate.put_cluster(ClusterSpec::new(cluster));
    }
    estate.put_service(cluster, ServiceSpec::new(service).desired(2).running(2));
    aws_ecs(estate, cluster, service, "MemoryUtilization", memory);
    aws_ecs(estate, cluster, service, "CPUUtilization", |_| 20.0);
}

/// The cluster `shop` with the services `web` (with the given memory) and `api` (healthy).
pub fn shop(memory_of_web: impl Fn(i64) -> f64) -> Estate {
    let mut estate = estate();
    running(&mut estate, "shop", "web", memory_of_web);
    running(&mut estate, "shop", "api", |_| 40.0);
    estate
}
