//! The report: how the last day was, the fullest services first.

use super::words::{count, dollars, list, utc, wrap};
use super::{CoverageChange, TargetResult, attributes, coverage, posture};
use crate::catalogue::{AWS_ECS, CONTAINER_INSIGHTS, find};
use crate::cluster::{ClusterName, ServiceName};
use crate::insights::Ledger;
use crate::message::Message;
use crate::metric::{MetricQuery, Statistic, Unit};
use crate::plan::DOLLARS_PER_THOUSAND_METRICS;
use crate::run::{Run, Target};
use crate::series::{MetricSeries, Reading};
use crate::snapshot::Snapshot;

/// Services that the mail lists one by one; the snapshot has them all.
const LISTED: usize = 25;

/// One service of the report.
struct Row<'a> {
    target: &'a Target,
    cluster: &'a ClusterName,
    service: &'a ServiceName,
    cpu: Usage,
    memory: Usage,
    /// Running and desired tasks, if they are known.
    tasks: Option<(f64, f64)>,
}

/// Mean and maximum of a percentage over the window.
enum Usage {
    Known { mean: f64, max: f64 },
    NoData,
    NotRead,
}

/// The message of a report run. It is always sent: a report that fails to come is noticed. `ledger` is the whole ledger of
/// each account and Region.
pub fn report(
    run: &Run,
    results: &[TargetResult],
    snapshots: &[Snapshot],
    ledger: &[(Target, Ledger)],
    changes: &[CoverageChange],
) -> Message {
    let mut rows: Vec<Row<'_>> = snapshots.iter().flat_map(rows).collect();
    rows.sort_by(|a, b| {
        b.urgency().total_cmp(&a.urgency()).then_with(|| (a.cluster, a.service).cmp(&(b.cluster, b.service)))
    });
    let clusters: usize = snapshots.iter().map(|snapshot| snapshot.inventory.clusters.len()).sum();
    let idle = rows.iter().filter(|row| row.lacks_all_tasks()).count();
    let mut body = coverage::news(run.time, changes);
    let (start, end) = (utc(run.window.start), utc(run.window.end));
    body.push_str(&format!("{start} to {end}\n"));
    body.push_str(&format!("{}, {}.\n\n", count(clusters, "cluster"), count(rows.len(), "service")));
    if !rows.is_empty() {
        body.push_str("SERVICES, the fullest first\n");
        rows.iter().take(LISTED).for_each(|row| body.push_str(&wrap(&row.line(snapshots.len() > 1), 2)));
        if rows.len() > LISTED {
            body.push_str(&format!("  ... and {} that are less full.\n", rows.len() - LISTED));
        }
        body.push('\n');
    }
    let seen = snapshots.iter().flat_map(|snapshot| {
        snapshot.inventory.clusters.iter().map(move |(name, entry)| (&snapshot.target, name, entry))
    });
    body.push_str(&posture::paragraph(run, results, &seen.collect::<Vec<_>>(), ledger));
    body.push('\n');
    body.push_str(&coverage::paragraph(results));
    let metrics: usize = snapshots.iter().map(|snapshot| snapshot.coverage.metrics).sum();
    body.push_str(&wrap(
        &format!(
            "This report asked CloudWatch for {}, billed {}.",
            count(metrics, "metric"),
            dollars(price(metrics))
        ),
        0,
    ));
    body.push_str(&wrap(
        &format!("Run {}. Its figures are kept in the bucket: {}.", run.id, keys(snapshots)),
        0,
    ));
    let subject = format!(
        "Report: {}, {}{}",
        count(clusters, "cluster"),
        count(rows.len(), "service"),
        if idle > 0 { format!(", {idle} with no task running") } else { String::new() }
    );
    Message::new(&subject, &body, attributes(run, "info"))
}

#[expect(clippy::cast_precision_loss, reason = "a report has far fewer than 2^52 metrics")]
fn price(metrics: usize) -> f64 {
    metrics as f64 * DOLLARS_PER_THOUSAND_METRICS / 1000.0
}

fn keys(snapshots: &[Snapshot]) -> String {
    let keys: Vec<String> =
        snapshots.iter().map(|snapshot| snapshot.target.snapshot_key(&snapshot.run)).collect();
    list(keys.iter().map(String::as_str), 3)
}

fn rows(snapshot: &Snapshot) -> Vec<Row<'_>> {
    let services = snapshot.inventory.services();
    services
        .map(|(cluster, service)| Row {
            target: &snapshot.target,
            cluster,
            service,
            cpu: usage(snapshot, cluster, service, "CPUUtilization"),
            memory: usage(snapshot, cluster, service, "MemoryUtilization"),
            tasks: tasks(snapshot, cluster, service),
        })
        .collect()
}

/// The answer to one question of the report.
fn answer<'a>(
    snapshot: &'a Snapshot,
    (cluster, service): (&ClusterName, &ServiceName),
    (namespace, name): (&str, &str),
    statistic: Statistic,
) -> Option<&'a Reading> {
    let metric = find(namespace, name)?.of_service(cluster, service)?;
    snapshot.readings.get(&MetricQuery { metric, statistic, period: snapshot.run.window.period })
}

fn usage(snapshot: &Snapshot, cluster: &ClusterName, service: &ServiceName, name: &str) -> Usage {
    let series = |statistic| {
        let reading = answer(snapshot, (cluster, service), (AWS_ECS, name), statistic);
        reading.and_then(Reading::series)
    };
    let (Some(mean), Some(max)) = (series(Statistic::Average), series(Statistic::Maximum)) else {
        return Usage::NotRead;
    };
    match (mean.mean(), max.max()) {
        (Some(mean), Some(max)) => Usage::Known { mean, max },
        _ => Usage::NoData,
    }
}

/// Running and desired tasks: what ECS says now, else the newest counts of Container Insights.
fn tasks(snapshot: &Snapshot, cluster: &ClusterName, service: &ServiceName) -> Option<(f64, f64)> {
    let described =
        snapshot.services.iter().find(|state| state.cluster == *cluster && state.service == *service);
    if let Some(state) = described.filter(|state| state.status == "ACTIVE") {
        return Some((f64::from(state.running), f64::from(state.desired)));
    }
    let newest = |name| {
        let reading = answer(snapshot, (cluster, service), (CONTAINER_INSIGHTS, name), Statistic::Average);
        reading
            .and_then(Reading::series)
            .map(MetricSeries::points)
            .and_then(<[_]>::last)
            .map(|point| point.value)
    };
    newest("RunningTaskCount").zip(newest("DesiredTaskCount"))
}

impl Row<'_> {
    fn lacks_all_tasks(&self) -> bool {
        self.tasks.is_some_and(|(running, desired)| running < 1.0 && desired >= 1.0)
    }

    /// The higher the nearer to the top: nothing running, then the fullest.
    fn urgency(&self) -> f64 {
        let max = |usage: &Usage| match usage {
            Usage::Known { max, .. } => *max,
            Usage::NoData | Usage::NotRead => -1.0,
        };
        if self.lacks_all_tasks() { f64::MAX } else { max(&self.cpu).max(max(&self.memory)) }
    }

    fn line(&self, with_place: bool) -> String {
        let usage = |usage: &Usage| match usage {
            Usage::Known { mean, max } => {
                format!("{} (at most {})", Unit::Percent.show(*mean), Unit::Percent.show(*max))
            }
            Usage::NoData => "no data".to_owned(),
            Usage::NotRead => "could not ask".to_owned(),
        };
        let tasks = self
            .tasks
            .map(|(running, desired)| format!(", tasks {running:.0} of {desired:.0}"))
            .unwrap_or_default();
        let place = if with_place { format!(" in {}", self.target) } else { String::new() };
        let warning = if self.lacks_all_tasks() { "NO TASK RUNS: " } else { "" };
        format!(
            "{warning}{}/{}{place}: memory {}, CPU {}{tasks}",
            self.cluster,
            self.service,
            usage(&self.memory),
            usage(&self.cpu)
        )
    }
}
