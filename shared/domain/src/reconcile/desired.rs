//! The desired value of an aspect.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::Value;
use crate::evidence::eks::LogType;
use crate::model::cluster::BadName;
use crate::model::insights::InsightsLevel;

/// The desired value of an aspect. Only [`Self::Exactly`] may lower a level; no policy turns off a
/// log, removes an add-on or overwrites what others wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired {
    /// Do not change it and do not report it.
    Leave,
    /// Anything complies.
    Any,
    /// Report it if it is missing or invalid, and change nothing.
    Report,
    /// This level of Container Insights or higher.
    AtLeast(InsightsLevel),
    /// Exactly this level of Container Insights.
    Exactly(InsightsLevel),
    /// The add-on installed.
    Installed,
    /// At least these types of logs enabled.
    Logs(BTreeSet<LogType>),
    /// A `ConfigMap` with this data.
    ConfigMap(BTreeMap<String, String>),
    /// New log groups whose events never expire keep them for these days.
    Retention(u32),
    /// All log groups keep their events for exactly these days.
    ExactRetention(u32),
}

impl Desired {
    /// The values for Container Insights as `fargaze.yaml` spells them, for error messages.
    pub const LEVEL_WORDS: &str = "leave, off-is-fine, at-least-enabled, at-least-enhanced, or exactly: enabled, \
                                   exactly: enhanced, exactly: disabled";

    /// The value to set if the current value is `now`; `None` if that complies. For a `ConfigMap`
    /// with other data this is `None` too: there, the decision depends on who wrote it.
    pub fn wanted(&self, now: &Value) -> Option<Value> {
        match self {
            Self::Leave | Self::Any | Self::Report => None,
            Self::AtLeast(least) => (now.level()? < *least).then_some(Value::Level(*least)),
            Self::Exactly(exact) => (now.level()? != *exact).then_some(Value::Level(*exact)),
            Self::Installed => (*now == Value::Absent).then_some(Value::DEFAULT_ADDON),
            // Includes the types that are on, so that they stay on however EKS interprets the list.
            Self::Logs(wanted) => match now {
                Value::Logs(on) if !wanted.is_subset(on) => Some(Value::Logs(on | wanted)),
                _ => None,
            },
            Self::ConfigMap(data) => (*now == Value::Absent).then(|| Value::ConfigMap(data.clone())),
            Self::Retention(days) => {
                (*now == Value::Retention(None)).then_some(Value::Retention(Some(*days)))
            }
            Self::ExactRetention(days) => {
                let exact = Value::Retention(Some(*days));
                (*now != exact).then_some(exact)
            }
        }
    }
}

/// The text that the change log stores and counts by, so it must not change. A checksum identifies
/// the data of a `ConfigMap`: different data is a different policy.
impl fmt::Display for Desired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave => f.pad("leave"),
            Self::Any => f.pad("off-is-fine"),
            Self::Report => f.pad("report"),
            Self::AtLeast(level) => f.pad(&format!("at-least-{level}")),
            Self::Exactly(level) => f.pad(&format!("exactly: {level}")),
            Self::Installed => f.pad("install"),
            Self::Logs(types) => {
                let types = types.iter().map(|log| log.as_str()).collect::<Vec<_>>().join(", ");
                f.pad(&format!("at least {types}"))
            }
            Self::ConfigMap(data) => f.pad(&format!("configuration {:08x}", checksum(data))),
            Self::Retention(days) => f.pad(&format!("{days}d")),
            Self::ExactRetention(days) => f.pad(&format!("exactly: {days}d")),
        }
    }
}

/// Parses a value for Container Insights, as [`Self::LEVEL_WORDS`] lists them.
impl FromStr for Desired {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let at_least = [InsightsLevel::Enabled, InsightsLevel::Enhanced].map(Self::AtLeast);
        let exactly = InsightsLevel::ALL.map(Self::Exactly);
        let all = [Self::Leave, Self::Any].into_iter().chain(at_least).chain(exactly);
        all.into_iter().find(|desired| desired.to_string() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "policy for Container Insights",
            expected: Self::LEVEL_WORDS,
        })
    }
}

/// 32-bit FNV-1a (RFC 9923) over keys and values, each followed by a zero byte.
fn checksum(data: &BTreeMap<String, String>) -> u32 {
    let parts = data.iter().flat_map(|(key, value)| [key, value]);
    let bytes = parts.flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
