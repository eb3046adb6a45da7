//! Alarms: from readings to stored alarm states and notifications.
//!
//! [`evaluate`] computes the verdict on one period, as CloudWatch documents it. [`step()`] decides
//! about one alarm in one run. It is pure: it takes the stored state and the observation, and
//! returns the state to store, including pending notices. [`Judging`] applies it to a snapshot,
//! line by line.

mod course;
pub mod evaluate;
mod grace;
mod grid;
mod judging;
mod notice;
mod observation;
mod record;
mod rule_observation;
mod rule_problem;
mod step;
mod which;

pub use grid::{Basis, Grid};
pub use judging::{ChangedAlarm, Judged, Judging};
pub use notice::{Evaluation, MetricSource, Notice, NoticeBody, NoticeKind};
pub use observation::Observation;
pub use record::{AlarmKey, AlarmRecord, Blindness, BrokenTarget, Remembered, Settled, Unseen};
pub use rule_observation::{GRACE, MissingMetric, RuleFound, RuleObservation};
pub use rule_problem::{RuleChange, RulePlace, RuleProblem, RuleRecord, rule_changes};
pub use step::{end, step};
