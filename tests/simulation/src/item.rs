//! An item of the table and an outcome in the bucket, read according to their documentation.

use serde_json::Value;

use crate::clock::{Minute, minute_of_text};
use crate::model::{Alarm, Blind, Kind, News, Settled, Silence};
use crate::verdict::State;

/// An alarm as stored in the table.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) alarm: Alarm,
    /// Ids of pending notices, and the explanation of each.
    pub(crate) ids: Vec<String>,
    pub(crate) whys: Vec<Option<String>>,
}

/// An item of the table.
pub(crate) fn read(item: &Value) -> Result<Item, String> {
    let attribute = |name: &str| item[name]["S"].as_str().ok_or(format!("no attribute {name}"));
    let json = |name: &str| -> Result<Value, String> {
        serde_json::from_str(attribute(name)?).map_err(|error| format!("{name}: {error}"))
    };
    let memory = json("memory")?;
    for name in ["state", "since", "judged_until"] {
        if memory[name] != attribute(name)? {
            return Err(format!("{name} is {} and in the memory {}", attribute(name)?, memory[name]));
        }
    }
    let instant = |name: &str| memory[name].as_str().map(minute_of_text);
    let needed = |name: &str| instant(name).ok_or(format!("no {name}"));
    let pending = json("pending")?;
    let pending = pending.as_array().ok_or("pending is no list")?;
    let silenced = match memory["muted"]["because"].as_str() {
        None => None,
        Some("maintenance") => Some(Silence::Maintenance),
        Some("deployment") => Some(Silence::Deployment),
        Some("start") => Some(Silence::Start),
        Some("unless") => Some(Silence::Unless),
        Some(other) => return Err(format!("muted because {other}")),
    };
    let alarm = Alarm {
        state: state(&memory["state"])?,
        since: needed("since")?,
        judged_until: needed("judged_until")?,
        settled: Some(&memory["settled"]).filter(|settled| !settled.is_null()).map(settled).transpose()?,
        notified: state(&memory["notified"])? == State::Alarm,
        notified_at: instant("notified_at"),
        silenced,
        blind: Some(&memory["blind"]).filter(|blind| !blind.is_null()).map(blind).transpose()?,
        outage_seen: instant("outage_seen"),
        pending: pending.iter().map(news).collect::<Result<_, _>>()?,
    };
    let why = |notice: &Value| notice["why"].as_str().map(ToOwned::to_owned);
    Ok(Item { alarm, ids: pending.iter().map(id).collect(), whys: pending.iter().map(why).collect() })
}

/// Ids of the notices in an outcome.
pub(crate) fn outcome_ids(bytes: &[u8]) -> Vec<String> {
    let outcome: Value = serde_json::from_slice(bytes).unwrap_or_default();
    outcome["notices"].as_array().into_iter().flatten().map(id).collect()
}

fn id(notice: &Value) -> String {
    notice["id"].as_str().unwrap_or_default().to_owned()
}

fn state(value: &Value) -> Result<State, String> {
    let states = [State::Ok, State::Alarm, State::Blank];
    states.into_iter().find(|state| *value == state.word()).ok_or(format!("{value} is no state"))
}

fn time(value: &Value) -> Result<Minute, String> {
    value.as_str().map(minute_of_text).ok_or(format!("{value} is no time"))
}

fn settled(value: &Value) -> Result<Settled, String> {
    let changes = value["changes"].as_u64().ok_or("no changes")?;
    Ok(Settled {
        until: time(&value["until"])?,
        state: state(&value["state"])?,
        since: time(&value["since"])?,
        phase: (state(&value["phase"][0])?, time(&value["phase"][1])?),
        changes: usize::try_from(changes).unwrap(),
    })
}

fn blind(value: &Value) -> Result<Blind, String> {
    let no_data = match value["because"].as_str() {
        Some("could-not-ask") => false,
        Some("no-data") => true,
        other => return Err(format!("blind because {other:?}")),
    };
    let notified = value["notified"].as_bool().ok_or("no notified")?;
    let before_alarm = value["before_alarm"].as_bool().unwrap_or_default();
    Ok(Blind { since: time(&value["since"])?, no_data, notified, before_alarm })
}

fn news(notice: &Value) -> Result<News, String> {
    let kind = match notice["kind"].as_str().unwrap_or_default() {
        "began" => Kind::Began,
        "ended" => Kind::Ended,
        "reminder" => Kind::Reminder,
        "blind" => Kind::Blind,
        "no-data" => Kind::NoData,
        "seen-again" => Kind::SeenAgain,
        "deleted" => Kind::Deleted,
        other => return Err(format!("a notice of kind {other}")),
    };
    let to = match kind {
        Kind::Began => "ALARM",
        Kind::Ended => "OK",
        _ => notice["to"].as_str().unwrap_or_default(),
    };
    if notice["to"] != to {
        return Err(format!("{kind:?} leads to {}", notice["to"]));
    }
    let at = notice["at"].as_str().map(minute_of_text).ok_or("a notice without a time")?;
    Ok(News { kind, at, late: !notice["late"].is_null() })
}
