//! What an aspect is, before and after a change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::eks::{Addon, LogType};

/// What an aspect is. The ledger keeps it as JSON, so its form must stay what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EksState {
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

impl EksState {
    /// An add-on as EKS will make it: of its default version and without configuration.
    pub const DEFAULT_ADDON: Self = Self::Addon { version: None, configuration: None };

    /// What was asked for to have this: of an add-on its default version, whichever that was.
    pub fn asked_for(&self) -> &Self {
        if matches!(self, Self::Addon { .. }) { &Self::DEFAULT_ADDON } else { self }
    }

    pub(super) fn of_addon(addon: &Addon) -> Self {
        Self::Addon { version: addon.version.clone(), configuration: addon.configuration.clone() }
    }

    /// Whether this is what a change to `wanted` brings about. Others may turn on more logs meanwhile, and the version of an
    /// add-on is EKS's choice.
    pub(super) fn fulfils(&self, wanted: &Self) -> bool {
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

/// In words: `api, audit`, `v0.8.0-eksbuild.1`, `there`, `absent`.
impl fmt::Display for EksState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
