//! `ListAccountSettings`, `PutAccountSettingDefault`.

use serde_json::{Value, json};

use super::{LEVELS, invalid, page};
use crate::estate::Estate;
use crate::wire::Refusal;

/// The settings by name, with their values in an account that never set them (Amazon ECS Developer
/// Guide, "Account settings"); `containerInsights` comes from the estate.
const SETTINGS: [(&str, &str); 7] = [
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("defaultLogDriverMode", "non-blocking"),
    ("fargateTaskRetirementWaitPeriod", "7"),
    ("serviceLongArnFormat", "enabled"),
    ("taskLongArnFormat", "enabled"),
];

pub(super) fn list(estate: &Estate, input: &Value) -> Result<Value, Refusal> {
    let (name, value) = (input["name"].as_str(), input["value"].as_str());
    if name.is_some_and(|name| SETTINGS.iter().all(|(known, _)| *known != name)) {
        return Err(invalid("Invalid account setting name."));
    }
    if value.is_some() && name.is_none() {
        return Err(invalid("You must specify a name to filter by value."));
    }
    // No caller has its own setting here, and without `effectiveSettings` only those are listed,
    // without the account's default.
    let effective = input["effectiveSettings"] == true;
    let settings: Vec<(&str, &str)> = SETTINGS
        .into_iter()
        .filter(|_| effective)
        .filter(|(known, _)| name.is_none_or(|name| name == *known))
        .map(|(known, usual)| (known, current(estate, known, usual)))
        .filter(|(_, current)| value.is_none_or(|value| value == *current))
        .collect();
    let (names, token) = page(settings.iter().map(|(name, _)| *name), input, 10, 10)?;
    let settings: Vec<Value> = settings
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, value)| setting(estate, name, value))
        .collect();
    let mut output = json!({ "settings": settings });
    if let Some(token) = token {
        output["nextToken"] = token.into();
    }
    Ok(output)
}

pub(super) fn put_default(estate: &mut Estate, input: &Value) -> Result<Value, Refusal> {
    let name = input["name"].as_str().unwrap_or_default();
    let value = input["value"].as_str().unwrap_or_default();
    if name != "containerInsights" {
        return Err(invalid(format!("fake-aws does not set the account setting {name}")));
    }
    if !LEVELS.contains(&value) {
        return Err(invalid("Invalid value for the containerInsights setting."));
    }
    estate.set_account_default(value);
    Ok(json!({ "setting": setting(estate, name, value) }))
}

fn current<'a>(estate: &'a Estate, name: &str, usual: &'a str) -> &'a str {
    if name == "containerInsights" { estate.account_insights() } else { usual }
}

/// An account-wide setting belongs to the root user.
fn setting(estate: &Estate, name: &str, value: &str) -> Value {
    let root = format!("arn:aws:iam::{}:root", estate.account);
    json!({ "name": name, "value": value, "principalArn": root, "type": "user" })
}
