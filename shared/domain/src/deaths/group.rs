//! The incidents of one subject and class: what a snapshot stores, rules count and mails show.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::ContainerOfTask;
use super::{Act, Archive, Class, Died, Incident, IncidentKind, Of};

/// The incidents of one subject and class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentGroup {
    /// What they are about.
    pub of: Of,
    /// Whether tasks died; otherwise a warning, a failed placement or a retirement.
    pub deaths: bool,
    /// Whether they call for action: failures, and a deployment that failed.
    pub trouble: bool,
    /// Their class.
    pub class: Class,
    /// How many, by the start of the minute in epoch seconds.
    #[serde(with = "pairs")]
    pub by_minute: BTreeMap<i64, u32>,
    /// Of these, tasks that crashed within minutes of their start.
    #[serde(default, with = "pairs", skip_serializing_if = "BTreeMap::is_empty")]
    pub crashes: BTreeMap<i64, u32>,
    /// What to do.
    pub advice: String,
    /// When the newest happened.
    pub newest_at: Timestamp,
    /// The newest task that died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Died>,
    /// The reason of the newest, if it is not a task that died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Dates of announced retirements, with the task or pod if one is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<(Timestamp, Option<String>)>,
}

impl IncidentGroup {
    /// How many incidents there are.
    pub fn count(&self) -> u32 {
        self.by_minute.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many there are from a time on.
    pub fn count_since(&self, since: Timestamp) -> u32 {
        // A minute counts if it ends after that time.
        let minutes = self.by_minute.range(since.as_second() - 59..);
        minutes.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The minute of the first.
    pub fn first(&self) -> Option<Timestamp> {
        self.by_minute.keys().next().and_then(|second| Timestamp::from_second(*second).ok())
    }

    /// The container of the newest task whose end ended it.
    pub fn culprit(&self) -> Option<&ContainerOfTask> {
        self.newest.as_ref()?.culprit(&self.of)
    }

    fn new(of: &Of, deaths: bool, class: Class, at: Timestamp) -> Self {
        Self {
            of: of.clone(),
            deaths,
            trouble: false,
            class,
            by_minute: BTreeMap::new(),
            crashes: BTreeMap::new(),
            advice: String::new(),
            newest_at: at,
            newest: None,
            reason: None,
            due: Vec::new(),
        }
    }

    fn add(&mut self, incident: &Incident, advice: &str) {
        let at = incident.at.as_second();
        let minute = at - at.rem_euclid(60);
        *self.by_minute.entry(minute).or_default() += 1;
        let is_newest = incident.at >= self.newest_at;
        if is_newest {
            self.newest_at = incident.at;
            advice.clone_into(&mut self.advice);
        }
        match &incident.kind {
            IncidentKind::Stopped(died) => {
                if died.is_crash_at_start(self.class) {
                    *self.crashes.entry(minute).or_default() += 1;
                }
                if is_newest {
                    self.newest = Some(died.clone());
                }
            }
            IncidentKind::Service { event, reason } | IncidentKind::Deployment { event, reason, .. } => {
                if is_newest {
                    self.reason = Some(
                        reason.as_ref().map_or_else(|| event.clone(), |reason| format!("{event}: {reason}")),
                    );
                }
            }
            IncidentKind::Retirement { one, due } => self.due.push((*due, one.clone())),
            IncidentKind::SpotWarning { .. } => {}
        }
    }
}

/// The incidents of an archive in groups, ordered by subject and class. Those outside of `time` are
/// left out, except announced retirements that are still ahead. `primary` returns the newest
/// deployment of a service, if ECS named it; otherwise the newest that an event announced counts.
pub fn group(
    archive: &Archive,
    time: Range<Timestamp>,
    primary: impl Fn(&Of) -> Option<String>,
) -> Vec<IncidentGroup> {
    let incidents = archive.incidents();
    let mut announced = BTreeMap::<&Of, &str>::new();
    for incident in &incidents {
        if let IncidentKind::Deployment { id, .. } = &incident.kind {
            announced.insert(&incident.of, id);
        }
    }
    let mut groups = BTreeMap::<(Of, bool, Class), IncidentGroup>::new();
    let mut warned = std::collections::BTreeSet::new();
    for incident in &incidents {
        let is_ahead = matches!(&incident.kind, IncidentKind::Retirement { due, .. } if *due >= time.start);
        if !time.contains(&incident.at) && !is_ahead {
            continue;
        }
        let of = &incident.of;
        let primary = primary(of).or_else(|| announced.get(of).map(|id| (*id).to_owned()));
        let Some(cause) = incident.cause(primary.as_deref()) else { continue };
        // The warning and the end of a task are one interruption.
        let task = match &incident.kind {
            IncidentKind::SpotWarning { task } => Some(task),
            IncidentKind::Stopped(died) if cause.class == Class::Spot => Some(&died.task),
            _ => None,
        };
        if task.is_some_and(|task| !warned.insert((of, task))) {
            continue;
        }
        let deaths = matches!(incident.kind, IncidentKind::Stopped(_)) && cause.class != Class::Spot;
        let key = (of.clone(), deaths, cause.class);
        let group =
            groups.entry(key).or_insert_with(|| IncidentGroup::new(of, deaths, cause.class, incident.at));
        group.add(incident, cause.advice);
        let fails = cause.class.is_failure(matches!(of, Of::Service(..)));
        group.trouble |=
            if deaths { fails } else { cause.act == Act::Yes && (fails || cause.class == Class::Deploy) };
    }
    groups.into_values().collect()
}

/// Counts as a list of pairs: in JSON, the keys of a map would be texts.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(counts: &BTreeMap<i64, u32>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(counts)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<i64, u32>, D::Error> {
        Ok(Vec::<(i64, u32)>::deserialize(from)?.into_iter().collect())
    }
}
