//! The sources of evidence: CloudWatch, load balancers, the ECS API, the Kubernetes API, cAdvisor,
//! Logs Insights and the events of tasks.
//!
//! Each source plans its queries for a set of rules, and turns the answers into the readings that
//! rules evaluate. A measure may list several sources; the first one that can answer for a subject
//! is used. A failed source shows up in the coverage and as an unread reading, never as silence.
//!
//! ```text
//! AlarmRule, Inventory -> QueryPlan -> Segment of calls -> (CloudWatch) -> Gather -> Reading
//!                         plan.rs      batch.rs                            gather.rs
//! ```
//!
//! [`usage`] computes what the calls cost, and [`paging`] aborts listings that never end.

pub mod batch;
pub mod cloudwatch;
pub mod ecs_api;
pub mod gather;
pub mod load_balancers;
pub mod paging;
pub mod parts;
pub mod plan;
pub mod rotation;
pub mod task_events;
pub mod usage;

use crate::evidence::inventory::{ClusterEntry, Reporting};
use crate::model::fault::Fault;
use crate::model::insights::InsightsLevel;
use crate::model::operation::Operation;
use crate::rules::{AlarmRule, Measure, ReadFrom, Sampled, Scope, Source};

/// The source that a rule uses in a cluster: the first one that can answer, if any.
pub fn source_of(rule: &AlarmRule, entry: &ClusterEntry) -> Option<Source> {
    let mut sources = rule.sources().peekable();
    while let Some(source) = sources.next() {
        let needs = match &rule.measure {
            Measure::Custom(_) => rule.measure.needs(),
            _ if matches!(rule.scope, Scope::Task | Scope::Container) => InsightsLevel::Enhanced,
            _ => source.needs(),
        };
        let is_available = match source {
            Source::Metric(_) | Source::Derived { .. } | Source::Custom => entry.insights() >= needs,
            Source::EcsApi(_)
            | Source::LogsInsights
            | Source::TaskEvents(_)
            | Source::LoadBalancer(_)
            | Source::Quota(_) => true,
            Source::Sampled(Sampled { from, .. }) => {
                from != ReadFrom::Cadvisor || entry.eks().is_some_and(|eks| eks.cadvisor)
            }
        };
        // Container Insights may be enabled without reporting. If another source is left, that one
        // is used.
        let is_reported = needs == InsightsLevel::Disabled
            || entry.ecs().is_some_and(|ecs| ecs.reports_insights == Reporting::Reporting)
            || sources.peek().is_none();
        if is_available && is_reported {
            return Some(source);
        }
    }
    None
}

/// The fault of a value that is in no line of the snapshot.
pub(crate) fn not_queried(what: &str) -> Fault {
    Fault::bug(Operation::FargazeJudge, "", format!("{what} was not queried"))
}
