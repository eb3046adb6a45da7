//! Notifications other than the report: the digest of an alarms run, the findings of a sweep, an
//! invalid file; and the [`heartbeat`] that CloudWatch watches, because a mail cannot report that
//! mails do not arrive.
//!
//! Mail through SNS is plain text that may be displayed in any font, so nothing here depends on
//! columns lining up. Lines are at most 78 characters wide, and all text that others could have
//! written is sanitized.

mod bad_config;
mod console;
mod coverage;
mod digest;
pub mod heartbeat;
mod kubectl;
mod spark;
mod sweep;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::alarms::{RuleChange, RulePlace, RuleRecord};
use crate::model::run::{Platform, Run, Target};
use crate::outcome::{CoverageChange, TargetResult};
use crate::report::RuleLine;
use crate::text::message::Attribute;
use crate::text::words;

pub use bad_config::bad_config_first;
pub use digest::{DigestLogs, digest};
pub use sweep::{nothing_to_do, sweep};

/// Compares the rule observations of an alarms run's targets with the stored records.
pub fn rule_changes(now: Timestamp, results: &[TargetResult], known: &[RuleRecord]) -> Vec<RuleChange> {
    let seen = results.iter().filter_map(TargetResult::outcome);
    let observations: Vec<_> =
        seen.map(|outcome| (RulePlace::of(&outcome.target), outcome.rules())).collect();
    crate::alarms::rule_changes(now, &observations, observations.len() == results.len(), known)
}

/// The place of a target, after a subject: `in eu-west-1 (123456789012)`, `on EKS in eu-west-1
/// (123456789012)`.
fn place(target: &Target) -> String {
    match target.platform {
        Platform::Ecs => format!("in {target}"),
        Platform::Eks => format!("on {target}"),
    }
}

/// Message attributes that every message carries.
fn attributes(run: &Run, severity: &str) -> BTreeMap<String, Attribute> {
    BTreeMap::from([
        ("kind".to_owned(), run.kind.as_str().into()),
        ("run".to_owned(), run.id.as_str().into()),
        ("severity".to_owned(), severity.into()),
    ])
}

/// Adds the attributes `account` and `region` of the targets that a message is about.
fn add_places<'a>(
    attributes: &mut BTreeMap<String, Attribute>,
    targets: impl Iterator<Item = &'a Target> + Clone,
) {
    let accounts = targets.clone().map(|target| target.account.to_string());
    let regions = targets.map(|target| target.region.to_string());
    attributes.insert("account".to_owned(), accounts.collect());
    attributes.insert("region".to_owned(), regions.collect());
}

/// The first members of every message's JSON; [`Message::new`](crate::text::message::Message::new)
/// adds the subject.
fn head(run: &Run) -> serde_json::Map<String, serde_json::Value> {
    let head = [("kind", run.kind.to_string()), ("run", run.id.clone()), ("time", run.time.to_string())];
    head.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
