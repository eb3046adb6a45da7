//! The deaths of one class, as a notification and a report show them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Class, IncidentGroup};

/// How many classes a notification shows.
const MOST: usize = 3;

/// Deaths of the tasks of one subject and class, or placements that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeathSummary {
    /// The class.
    pub class: Class,
    /// Whether tasks died; otherwise something else went wrong, such as a placement.
    pub deaths: bool,
    /// How many.
    pub count: u32,
    /// The minute of the first of them.
    pub since: Timestamp,
    /// The newest.
    pub newest: Timestamp,
    /// What to do.
    pub advice: String,
    /// What ECS said of the newest, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The newest task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Its family and revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// The deployment that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The container whose end ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Its exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Digest of that image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl DeathSummary {
    /// The summary of a group; `None` if it has no incident.
    pub fn of(group: &IncidentGroup) -> Option<Self> {
        let culprit = group.culprit();
        let newest = group.newest.as_ref();
        let reason = culprit
            .and_then(|container| container.reason.clone())
            .or_else(|| newest.and_then(|died| died.reason.clone()))
            .or_else(|| group.reason.clone());
        Some(Self {
            class: group.class,
            deaths: group.deaths,
            count: group.count(),
            since: group.first()?,
            newest: group.newest_at,
            advice: group.advice.clone(),
            reason,
            task: newest.map(|died| died.task.clone()),
            definition: newest.map(|died| died.definition.clone()),
            deployment: newest.and_then(|died| died.deployment.clone()),
            container: culprit.map(|container| container.name.clone()),
            exit_code: culprit.and_then(|container| container.exit_code),
            image: culprit.and_then(|container| container.image.clone()),
            digest: culprit.and_then(|container| container.digest.clone()),
        })
    }

    /// The failures of a service that explain an alarm, the most frequent first.
    pub fn failures(groups: &[IncidentGroup], also: impl Fn(Class) -> bool) -> Vec<Self> {
        let failures = groups.iter().filter(|group| group.trouble || also(group.class));
        let mut failures: Vec<Self> = failures.filter_map(Self::of).collect();
        failures.sort_by_key(|one| (std::cmp::Reverse(one.count), std::cmp::Reverse(one.newest)));
        failures.truncate(MOST);
        failures
    }
}
