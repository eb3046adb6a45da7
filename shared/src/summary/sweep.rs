//! The findings of a sweep: what was raised, what waits, what failed, and what is off.

use super::words::{count, list, utc, wrap};
use super::{CoverageChange, TargetResult, attributes, coverage};
use crate::message::{Message, harmless};
use crate::outcome::{InsightsFinding, InsightsResult};
use crate::run::{Run, Target};

/// The message of a sweep; none if it changed nothing and everything could be seen. Clusters that are off and stay off
/// are no news: the report tells of them each time.
pub fn sweep(run: &Run, results: &[TargetResult], changes: &[CoverageChange]) -> Option<Message> {
    let findings: Vec<(&Target, &InsightsFinding)> = results
        .iter()
        .filter_map(|result| result.outcome().map(|outcome| (&result.target, outcome)))
        .flat_map(|(target, outcome)| outcome.insights.iter().map(move |finding| (target, finding)))
        .collect();
    let of = |wanted: fn(&InsightsResult) -> bool| -> Vec<(&Target, &InsightsFinding)> {
        findings.iter().copied().filter(|(_, finding)| wanted(&finding.result)).collect()
    };
    let raised = of(|result| matches!(result, InsightsResult::Raised(_)));
    let waiting = of(|result| matches!(result, InsightsResult::Waiting));
    let failed = of(|result| matches!(result, InsightsResult::Failed(_)));
    let reported = of(|result| matches!(result, InsightsResult::Reported(_)));
    let left = of(|result| matches!(result, InsightsResult::Left(_)));
    if raised.is_empty() && waiting.is_empty() && failed.is_empty() && !coverage::is_news(changes) {
        return None;
    }
    let mut body = coverage::news(run.time, changes);
    for (target, finding) in &raised {
        if let InsightsResult::Raised(to) = &finding.result {
            let (cluster, from) = (&finding.cluster, finding.level);
            body.push_str(&wrap(&format!("RAISED {cluster} from {from} to {to}, in {target}."), 0));
        }
    }
    for (target, finding) in &failed {
        if let InsightsResult::Failed(fault) = &finding.result {
            let why = harmless(&fault.to_string());
            body.push_str(&wrap(
                &format!("FAILED {}, in {target}: {why} ({}).", finding.cluster, fault.kind.advice()),
                0,
            ));
        }
    }
    let names =
        |of: &[(&Target, &InsightsFinding)]| list(of.iter().map(|(_, finding)| finding.cluster.as_str()), 20);
    for (of, what) in [
        (&waiting, "waits for the next sweep, because this one has changed enough"),
        (&reported, "is off and was there before fargaze; set ExistingClusters to `change` to raise it"),
        (&left, "is excluded or opted out"),
    ] {
        if !of.is_empty() {
            body.push_str(&wrap(&format!("{} {what}: {}.", count(of.len(), "cluster"), names(of)), 0));
        }
    }
    body.push_str(&format!("\n{}", coverage::paragraph(results)));
    body.push_str(&format!("Run {}, at {}.\n", run.id, utc(run.time)));
    let subject = if failed.is_empty() {
        format!("Container Insights: {} raised, {} waiting", raised.len(), waiting.len())
    } else {
        format!("FAILED to raise Container Insights of {}", names(&failed))
    };
    let severity = if failed.is_empty() { "info" } else { "warning" };
    Some(Message::new(&subject, &body, attributes(run, severity)))
}
