//! The value of an aspect, before and after a change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::eks::{Addon, LogType};
use crate::model::insights::InsightsLevel;

/// The value of an aspect. The change log stores it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A level of Container Insights.
    Level(InsightsLevel),
    /// The add-on or `ConfigMap` does not exist.
    Absent,
    /// Types of control-plane logs that are enabled.
    Logs(BTreeSet<LogType>),
    /// The add-on is installed.
    Addon {
        /// Its version; `None` before EKS has chosen one.
        version: Option<String>,
        /// Its configuration values, if any.
        configuration: Option<String>,
    },
    /// Data of the `ConfigMap`.
    ConfigMap(BTreeMap<String, String>),
    /// Days after which the events of a log group expire; `None` if never.
    Retention(Option<u32>),
}

impl Value {
    /// An add-on as EKS installs it: the default version, without configuration values.
    pub const DEFAULT_ADDON: Self = Self::Addon { version: None, configuration: None };

    /// The value that was requested to get this one: for an add-on the default version, whichever
    /// that was.
    pub fn requested(&self) -> &Self {
        if matches!(self, Self::Addon { .. }) { &Self::DEFAULT_ADDON } else { self }
    }

    /// The value of an installed add-on.
    pub fn of_addon(addon: &Addon) -> Self {
        Self::Addon { version: addon.version.clone(), configuration: addon.configuration.clone() }
    }

    /// The level, if the value is one.
    pub fn level(&self) -> Option<InsightsLevel> {
        match self {
            Self::Level(level) => Some(*level),
            _ => None,
        }
    }

    /// Whether the value is a set of independent parts, so that undoing a change keeps what others
    /// added. True for log types.
    pub fn is_additive(&self) -> bool {
        matches!(self, Self::Logs(_))
    }

    /// Whether this value is the result of a change to `wanted`. Others may turn on more logs
    /// meanwhile, and EKS chooses the version of an add-on.
    pub fn fulfils(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Logs(on), Self::Logs(wanted)) => wanted.is_subset(on),
            (
                Self::Addon { version, configuration },
                Self::Addon { version: wanted, configuration: with },
            ) => configuration == with && (wanted.is_none() || version == wanted),
            _ => self == wanted,
        }
    }
}

/// As text: `enabled`, `api, audit`, `v0.8.0-eksbuild.1`, `absent`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(level) => level.fmt(f),
            Self::Absent => f.pad("absent"),
            Self::Logs(on) if on.is_empty() => f.pad("no logs"),
            Self::Logs(on) => f.pad(&on.iter().map(|log| log.as_str()).collect::<Vec<_>>().join(", ")),
            Self::Addon { version: Some(version), .. } => f.pad(version),
            Self::Addon { version: None, .. } => f.pad("the add-on's default version"),
            Self::ConfigMap(data) => {
                let keys = data.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                f.pad(&format!("a ConfigMap with {keys}"))
            }
            Self::Retention(None) => f.pad("no expiry"),
            Self::Retention(Some(1)) => f.pad("1 day"),
            Self::Retention(Some(days)) => f.pad(&format!("{days} days")),
        }
    }
}
