//! What fargaze changes: policies, what is there, the decision between them, and what comes of it.
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
//! One engine for every aspect of every subject. What differs from [`Aspect`] to aspect is in `aspects/`:
//! whether what is there complies, and what a change needs. All else is the same for all: who is changed at all, who is
//! left alone because others reverted it ([`decide()`]), how a change ends that was begun ([`SubjectLog::settle`]), and how
//! it is rolled back ([`rollback_step`]). What takes a service a while is followed through the queue ([`FollowUp`]).
//! [`Limits`] says how much one run may change, and [`estimate`] what Container Insights costs. What is decided when is
//! shown by the tables of `docs/policies.md`, which tests make from [`decide()`].

mod aspects;
mod case;
mod cost;
mod decide;
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
pub use finding::{Finding, FindingResult, Transition};
pub use follow_up::{BadFollowUp, FollowUp, FollowedUpdate, Waiting};
pub use life::{Created, Life, Origin, SweepRecord};
pub use limits::{Existing, Limits};
pub use log::{
    AspectLog, Change, ChangeLog, ChangeState, Checker, InProgress, Revert, SubjectLog, UNDER_WAY, Undo,
};
pub use observed::{
    Asked, AwsLogging, CONFIG_MAP, LABEL, LoggingNamespace, NAMESPACE, Observed, ObservedEks,
    ObservedSubject, UpdateStatus,
};
pub use policy::{Desired, EffectivePolicy, Policies, Policy, SubjectPolicy};
pub use remedy::{Remedy, SET_UP_GROUP};
pub use rollback::{RollbackStep, rollback_step};
pub use step::{Action, Step};
pub use subject_kind::SubjectKind;
pub use value::Value;
