//! The sources of evidence: CloudWatch, the ECS API, the Kubernetes API and cAdvisor.
//!
//! Each says what it must be asked for a set of rules, and folds the answers into the readings that rules are judged on. A
//! measure may name several sources: the first that can answer for a subject is used. A source that fails is coverage and an
//! unread reading, never silence.
//!
//! ```text
//! AlarmRule, Inventory -> QueryPlan -> Segment of calls -> (CloudWatch) -> Gather -> Reading
//!                         plan.rs      batch.rs                            gather.rs
//! ```
//!
//! What the calls cost is told by [`usage`], and [`paging`] gives up a listing that never ends.

pub mod batch;
pub mod cloudwatch;
pub mod ecs_api;
pub mod gather;
pub mod paging;
pub mod plan;
pub mod rotation;
pub mod usage;

use crate::evidence::inventory::{ClusterEntry, Reporting};
use crate::model::fault::Fault;
use crate::model::insights::InsightsLevel;
use crate::model::operation::Operation;
use crate::rules::{AlarmRule, Measure, ReadFrom, Sampled, Source};

/// The source that a rule is judged on in a cluster: the first that can answer. None if none can.
pub fn source_of(rule: &AlarmRule, entry: &ClusterEntry) -> Option<Source> {
    let mut sources = rule.sources().peekable();
    while let Some(source) = sources.next() {
        let needs = match &rule.measure {
            Measure::Custom(_) => rule.measure.needs(),
            _ => source.needs(),
        };
        let is_there = match source {
            Source::Metric(_) | Source::Derived { .. } | Source::Custom => entry.insights() >= needs,
            Source::EcsApi(_) => true,
            Source::Sampled(Sampled { from, .. }) => {
                from != ReadFrom::Cadvisor || entry.eks().is_some_and(|eks| eks.cadvisor)
            }
        };
        // What is switched on need not report. Where another source is left, that one is asked.
        let is_reported = needs == InsightsLevel::Disabled
            || entry.ecs().is_some_and(|ecs| ecs.reports_insights == Reporting::Reporting)
            || sources.peek().is_none();
        if is_there && is_reported {
            return Some(source);
        }
    }
    None
}

/// What is known of a value that stands in no line of the snapshot.
pub(crate) fn not_asked(what: &str) -> Fault {
    Fault::malformed(Operation::CloudwatchGetMetricData, "", format!("{what} was not asked"))
}
