//! What an aspect is set to, before and after a change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::eks::{Addon, LogType};
use crate::model::insights::InsightsLevel;

/// What an aspect is set to. The change log keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A level of Container Insights.
    Level(InsightsLevel),
    /// There is no such add-on or `ConfigMap`.
    Absent,
    /// Types of control-plane logs that are on.
    Logs(BTreeSet<LogType>),
    /// The add-on is there.
    Addon {
        /// Its version; none before EKS has chosen it.
        version: Option<String>,
        /// Its configuration values, if it has any.
        configuration: Option<String>,
    },
    /// Data of the `ConfigMap`.
    ConfigMap(BTreeMap<String, String>),
}

impl Value {
    /// An add-on as EKS will make it: of its default version and without configuration.
    pub const DEFAULT_ADDON: Self = Self::Addon { version: None, configuration: None };

    /// What was requested to get this: of an add-on its default version, whichever that was.
    pub fn requested(&self) -> &Self {
        if matches!(self, Self::Addon { .. }) { &Self::DEFAULT_ADDON } else { self }
    }

    /// An add-on that is there.
    pub fn of_addon(addon: &Addon) -> Self {
        Self::Addon { version: addon.version.clone(), configuration: addon.configuration.clone() }
    }

    /// The level, if it is one.
    pub fn level(&self) -> Option<InsightsLevel> {
        match self {
            Self::Level(level) => Some(*level),
            _ => None,
        }
    }

    /// Whether parts of it lie side by side, so that undoing a change leaves what others added: types of logs.
    pub fn is_additive(&self) -> bool {
        matches!(self, Self::Logs(_))
    }

    /// Whether this is what a change to `wanted` brings about. Others may turn on more logs meanwhile, and the version of
    /// an add-on is EKS's choice.
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

/// In words: `enabled`, `api, audit`, `v0.8.0-eksbuild.1`, `absent`.
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
        }
    }
}
