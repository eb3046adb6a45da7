//! The page of AWS's console that shows what an alarm is about.

use jiff::SignedDuration;

use crate::alarms::{Evaluation, Notice};
use crate::model::cluster::Region;
use crate::model::metric::Metric;
use crate::model::run::{Platform, Target};
use crate::model::subject::Subject;
use crate::rules::KUBERNETES;
use crate::text::links::{ecs_cluster_link, ecs_service_link, eks_cluster_link};
use crate::text::message::harmless;

/// How much is shown before and after what was judged.
const BEFORE: SignedDuration = SignedDuration::from_hours(2);
const AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Where to look at what a notice is about: exactly the metrics, period and statistic that were judged, with the
/// threshold; of what ECS itself says, its page of the service or cluster; of what Kubernetes says, of which CloudWatch
/// knows nothing, the page of its cluster.
pub(super) fn alarm_link(target: &Target, notice: &Notice) -> Option<String> {
    let is_sample = |metric: &Metric| metric.namespace == KUBERNETES;
    let of_cloudwatch = |evaluation: &&Evaluation| {
        let metrics = evaluation.source.as_ref().map(|source| &source.metrics[..]).unwrap_or_default();
        !metrics.is_empty() && !metrics.iter().any(is_sample)
    };
    match notice.evaluation().filter(of_cloudwatch) {
        Some(evaluation) => metrics_link(&target.region, &notice.rule, evaluation),
        None if target.platform == Platform::Eks => {
            eks_cluster_link(&target.region, notice.subject.cluster()?)
        }
        None => ecs_link(&target.region, &notice.subject),
    }
}

/// The console's page of the service or cluster.
fn ecs_link(region: &Region, subject: &Subject) -> Option<String> {
    let cluster = subject.cluster()?;
    match subject.service() {
        Some(service) => ecs_service_link(region, cluster, service),
        None => ecs_cluster_link(region, cluster),
    }
}

/// The console's graph of metrics. What it shows stands behind `graph=` in JSURL, an encoding of JSON that the console
/// writes there itself: `~(key~value)` is an object, `~(~value~value)` a list, `'` begins a text, `*2f` is a byte of it.
/// The link ends with the console's search, because mail programs leave a closing bracket out of a link at its end.
fn metrics_link(region: &Region, rule: &str, evaluation: &Evaluation) -> Option<String> {
    let Evaluation { values, until, period, threshold, source, .. } = evaluation;
    let source = source.as_ref()?;
    let seconds = i64::try_from(values.len().max(1)).unwrap_or(1).saturating_mul(period.seconds());
    let (start, end) = (*until - SignedDuration::from_secs(seconds) - BEFORE, *until + AFTER);
    let metrics: Vec<String> =
        source.metrics.iter().map(|metric| format!("~(~{})", metric_words(metric))).collect();
    let metrics = metrics.concat();
    // The threshold of a value that is derived from two metrics is none of theirs.
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

/// Namespace, name and dimensions, as the console lists them.
fn metric_words(metric: &Metric) -> String {
    let dimensions = metric.dimensions.iter().flat_map(|(name, value)| [name, value]);
    let words = [metric.namespace.as_ref(), metric.name.as_ref()].into_iter().chain(dimensions);
    words.map(text).collect::<Vec<_>>().join("~")
}

/// The console's table of the metric: its namespace and the names of its dimensions.
fn table(metric: &Metric) -> impl Iterator<Item = &str> {
    std::iter::once(metric.namespace.as_ref()).chain(metric.dimensions.iter().map(|(name, _)| name))
}

/// A text in JSURL. Only letters, digits, `-`, `_` and `.` stay, so that nothing in it can end the text or the link.
fn text(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 1);
    encoded.push('\'');
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("*{byte:02x}")),
        }
    }
    encoded
}

/// A number in JSURL; without an exponent.
fn plain(number: f64) -> String {
    if number.is_finite() { format!("{number}") } else { "0".to_owned() }
}
