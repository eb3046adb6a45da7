//! Alarms: from readings to what is remembered and what people are told.
//!
//! [`evaluate`] is the verdict on one period, as CloudWatch documents it.
//! [`step()`] is the whole decision about one alarm in one run, and pure: it is given what was remembered and what was
//! seen, and answers with what to remember now, including the notices that are still to be told. [`Judging`] takes it
//! through a snapshot, line by line.

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
pub use judging::{Change, Judged, Judging};
pub use notice::{Evaluation, MetricSource, Notice, NoticeBody, NoticeKind};
pub use observation::Observation;
pub use record::{AlarmKey, AlarmRecord, Blindness, BrokenTarget, Remembered, Settled, Unseen};
pub use rule_observation::{GRACE, MissingMetric, RuleFound, RuleObservation};
pub use rule_problem::{RuleChange, RulePlace, RuleProblem, RuleRecord, rule_changes};
pub use step::{end, step};
