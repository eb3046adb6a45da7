//! Reconciliation: policies, observed state, the decision between them, and the changes that
//! follow.
//!
//! ```text
//! Policies -> SubjectPolicy ┐
//!   policy.rs               │
//! Observed ─────────────────┼─> Step -> (ECS, EKS, Kubernetes) -> Change -> ChangeLog -> RollbackStep
//!   observed.rs             │  decide/, step.rs                   log/      log/         rollback.rs
//! ChangeLog ─> Origin ──────┘
//! Life          life.rs
//! ```
//!
//! One engine handles every aspect of every subject. `aspects/` holds what differs from [`Aspect`]
//! to aspect: whether the current value complies, and what a change requires. The rest is shared:
//! which subjects are changed and which are left alone because others reverted the change
//! ([`decide()`]), how a started change ends ([`SubjectLog::settle`]), and how it is rolled back
//! ([`rollback_step`]). Updates that take the service a while are followed through the queue
//! ([`FollowUp`]). [`Limits`] caps how much one run may change, and [`estimate`] computes what
//! Container Insights costs. The decision tables in `docs/policies.md` are generated from
//! [`decide()`] by tests.

mod aspects;
mod case;
mod cost;
mod decide;
mod desired;
mod expiring;
mod finding;
mod follow_up;
mod life;
mod limits;
mod log;
mod observed;
mod policy;
mod remedy;
mod rollback;
#[cfg(test)]
pub(crate) mod samples;
mod step;
mod subject_kind;
mod value;

pub use aspects::Aspect;
pub use case::Case;
pub use cost::{ClusterSize, Cost, CostEstimate, CostNote, TARIFF, Tariff, estimate};
pub use decide::{OVERDUE, conflict_over, decide, is_overdue};
pub use desired::Desired;
pub use expiring::Expiring;
pub use finding::{Announced, Finding, FindingResult, Transition};
pub use follow_up::{BadFollowUp, FollowUp, FollowedUpdate, Waiting};
pub use life::{Created, Life, Origin, SweepRecord};
pub use limits::{Existing, Limits};
pub use log::{
    AspectLog, Change, ChangeLog, ChangeState, Checker, InProgress, Intent, Revert, SubjectLog, UNDER_WAY,
    Undo,
};
pub use observed::{
    AwsLogging, CONFIG_MAP, LABEL, LoggingNamespace, NAMESPACE, Observed, ObservedEks, ObservedSubject,
    Queried, UpdateStatus,
};
pub use policy::{EffectivePolicy, Policies, Policy, SubjectPolicy};
pub use remedy::{Remedy, SET_UP_GROUP};
pub use rollback::{RollbackStep, rollback_step};
pub use step::{Action, Step};
pub use subject_kind::SubjectKind;
pub use value::Value;
