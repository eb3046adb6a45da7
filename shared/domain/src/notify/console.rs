//! Links to the AWS console page that shows the subject of an alarm.

use jiff::SignedDuration;

use crate::alarms::{Evaluation, Notice};
use crate::model::cluster::Region;
use crate::model::metric::Metric;
use crate::model::run::{Platform, Target};
use crate::model::subject::Subject;
use crate::rules::KUBERNETES;
use crate::text::links::{
    ecs_cluster_link, ecs_service_link, eks_cluster_link, fargate_quotas_link, jsurl as text,
};
use crate::text::message::harmless;

/// How much the graph shows before and after the evaluated window.
const BEFORE: SignedDuration = SignedDuration::from_hours(2);
const AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The console page for a notice: for metrics, a graph of exactly the evaluated metrics, period and
/// statistic, with the threshold; for states from ECS, its page of the service or cluster; for
/// states from Kubernetes, which CloudWatch does not have, the page of the EKS cluster.
pub(super) fn alarm_link(target: &Target, notice: &Notice) -> Option<String> {
    let is_sample = |metric: &Metric| metric.namespace == KUBERNETES;
    let of_cloudwatch = |evaluation: &&Evaluation| {
        let metrics = evaluation.source.as_ref().map(|source| &source.metrics[..]).unwrap_or_default();
        !metrics.is_empty() && !metrics.iter().any(is_sample)
    };
    match notice.evaluation().filter(of_cloudwatch) {
        Some(evaluation) => metrics_link(&target.region, &notice.rule, evaluation),
        None if notice.subject == Subject::Account => fargate_quotas_link(&target.region),
        None if target.platform == Platform::Eks => {
            eks_cluster_link(&target.region, notice.subject.cluster()?)
        }
        None => ecs_link(&target.region, &notice.subject),
    }
}

/// The ECS console page of the service or cluster.
fn ecs_link(region: &Region, subject: &Subject) -> Option<String> {
    let cluster = subject.cluster()?;
    match subject.service() {
        Some(service) => ecs_service_link(region, cluster, service),
        None => ecs_cluster_link(region, cluster),
    }
}

/// The CloudWatch console's metrics graph. The parameter `graph` is in JSURL, an encoding of JSON
/// that the console itself writes: `~(key~value)` is an object, `~(~value~value)` a list, `'`
/// starts a string, `*2f` is an escaped byte. The link ends with the console's search parameter,
/// because mail programs drop a closing bracket at the end of a link.
fn metrics_link(region: &Region, rule: &str, evaluation: &Evaluation) -> Option<String> {
    let Evaluation { values, until, period, threshold, source, .. } = evaluation;
    let source = source.as_ref()?;
    let seconds = i64::try_from(values.len().max(1)).unwrap_or(1).saturating_mul(period.seconds());
    let (start, end) = (*until - SignedDuration::from_secs(seconds) - BEFORE, *until + AFTER);
    let metrics: Vec<String> =
        source.metrics.iter().map(|metric| format!("~(~{})", metric_words(metric))).collect();
    let metrics = metrics.concat();
    // The threshold of a value derived from two metrics does not apply to either of them.
    let threshold = match source.metrics.len() {
        1 => format!(
            "~annotations~(horizontal~(~(label~{}~value~{})))",
            text(&harmless(rule)),
            plain(*threshold)
        ),
        _ => String::new(),
    };
    let graph = format!(
        "metrics~({metrics})~view~'timeSeries~stacked~false~region~{}~stat~{}~period~{}~start~{}~end~{}{threshold}",
        text(region.as_str()),
        text(source.statistic.as_str()),
        period.seconds(),
        text(&start.to_string()),
        text(&end.to_string()),
    );
    let search: Vec<&str> = source.metrics.first().into_iter().flat_map(table).collect();
    let search = text(&format!("{{{}}}", search.join(",")));
    region.console(&format!("cloudwatch/home?region={region}#metricsV2?graph=~({graph})&query=~{search}"))
}

/// Namespace, name and dimensions, in the console's format.
fn metric_words(metric: &Metric) -> String {
    let dimensions = metric.dimensions.iter().flat_map(|(name, value)| [name, value]);
    let words = [metric.namespace.as_ref(), metric.name.as_ref()].into_iter().chain(dimensions);
    words.map(text).collect::<Vec<_>>().join("~")
}

/// The search for the metric: its namespace and the names of its dimensions.
fn table(metric: &Metric) -> impl Iterator<Item = &str> {
    std::iter::once(metric.namespace.as_ref()).chain(metric.dimensions.iter().map(|(name, _)| name))
}

/// A number in JSURL, without an exponent.
fn plain(number: f64) -> String {
    if number.is_finite() { format!("{number}") } else { "0".to_owned() }
}
