//! The JSON Schema of the file, for editors: generated from the types that read the file, and
//! committed.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

use super::RawConfig;
use super::logs::{DollarsText, LibraryText, RunText};
use super::policies::{AddonText, DAYS, LogText, RawLevel, RawRetention, ReportText};
use super::read::{At, Either, ScalarText};
use super::rules::{RemindText, StatisticText, WhatText};
use crate::evidence::eks::LogType;
use crate::logs::query::Library;
use crate::model::catalogue::CATALOGUE;
use crate::model::cluster::{AccountId, Region};
use crate::reconcile::Desired;
use crate::rules::pattern::NamePattern;
use crate::rules::{DurationText, ThresholdText, words};

const DURATION: &str = r"^\s*([0-9.]+\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\s*)+$";

/// The schema of the value; its line is not part of the file.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<P: JsonSchema, C: JsonSchema> JsonSchema for Either<P, C> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", P::schema_name(), C::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (plain, compound) = (generator.subschema_for::<P>(), generator.subschema_for::<C>());
        json_schema!({ "anyOf": [plain, compound] })
    }
}

/// Implements the schema of a type that is written as a single value.
macro_rules! schema {
    ($type:ty, $($schema:tt)+) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($($schema)+)
            }
        }
    };
}

schema!(AccountId, { "type": "string", "pattern": "^[0-9]{12}$" });
schema!(Region, { "type": "string", "pattern": "^[a-z]+(-[a-z]+)+-[0-9]+$" });
schema!(NamePattern, { "type": "string", "minLength": 1 });
schema!(ScalarText, { "type": ["string", "number", "boolean"] });
schema!(DurationText, { "type": "string", "pattern": DURATION });
schema!(RemindText, { "anyOf": [{ "const": "never" }, { "type": "string", "pattern": DURATION }] });
schema!(StatisticText, {
    "type": "string",
    "pattern": r"^(Average|Maximum|Minimum|SampleCount|Sum|p[0-9]+(\.[0-9]*)?)$",
    "default": "Average",
});
schema!(ThresholdText, {
    "anyOf": [
        { "type": "number" },
        { "type": "string", "pattern": r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*(%|vCPU|m?s|min|h|([KMGT]i?)?B(/s)?)?\s*$" },
    ],
});
schema!(WhatText, {
    "anyOf": [
        { "enum": words().collect::<Vec<_>>() },
        { "enum": CATALOGUE.iter().map(|metric| format!("{} {}", metric.namespace, metric.name)).collect::<Vec<_>>() },
    ],
});
schema!(RawLevel, {
    "description": Desired::LEVEL_WORDS,
    "anyOf": [
        { "enum": ["leave", "off-is-fine", "at-least-enabled", "at-least-enhanced"] },
        {
            "type": "object",
            "properties": { "exactly": { "enum": ["enabled", "enhanced", "disabled"] } },
            "required": ["exactly"],
            "additionalProperties": false,
        },
    ],
});
schema!(RawRetention, {
    "anyOf": [
        { "enum": std::iter::once("leave".to_owned()).chain(days()).collect::<Vec<_>>() },
        {
            "type": "object",
            "properties": { "exactly": { "enum": days().collect::<Vec<_>>() } },
            "required": ["exactly"],
            "additionalProperties": false,
        },
    ],
});
schema!(AddonText, { "enum": ["install", "report", "leave"] });
schema!(ReportText, { "enum": ["report", "leave"] });
schema!(LibraryText, { "enum": Library::ALL.iter().map(|library| library.key()).collect::<Vec<_>>() });
schema!(RunText, { "enum": ["alarms", "report"] });
schema!(DollarsText, { "type": "string", "pattern": r"^\s*([0-9.]+\s*USD|\$\s*[0-9.]+)\s*$" });
schema!(LogText, { "enum": LogType::ALL.map(LogType::as_str) });

fn days() -> impl Iterator<Item = String> {
    DAYS.iter().map(|days| format!("{days}d"))
}

fn schema() -> serde_json::Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<RawConfig>();
    let mut schema = schema.to_value();
    // A rule that is turned off only needs its name.
    let rule = &mut schema["$defs"]["rule"];
    let needed = std::mem::take(&mut rule["required"]);
    rule["required"] = serde_json::json!(["name"]);
    rule["if"] =
        serde_json::json!({ "properties": { "enabled": { "const": false } }, "required": ["enabled"] });
    rule["else"] = serde_json::json!({ "required": needed });
    schema["$defs"]["metric"]["oneOf"] =
        serde_json::json!([{ "required": ["namespace", "metric"] }, { "required": ["log-query"] }]);
    schema["$defs"]["eks"]["anyOf"] =
        serde_json::json!([{ "required": ["cadvisor"] }, { "required": ["pod-logs"] }]);
    schema["title"] = "fargaze.yaml".into();
    schema
}

/// `FARGAZE_WRITE_DOCS=1 cargo test -p fargaze schema` regenerates it.
#[test]
fn the_committed_schema_matches_the_types() {
    crate::tests::committed::is_fresh("fargaze.schema.json", &schema());
}

/// The first cells of the rows in the table with this header.
fn first_cells(page: &str, head: &str) -> Vec<String> {
    let rows = page.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('|').nth(1))
        .map(|cell| cell.trim().trim_matches('`').to_owned())
        .collect()
}

#[test]
fn the_docs_list_every_key() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let page = std::fs::read_to_string(page).unwrap();
    let schema = schema();
    let mut keys: Vec<&String> = schema["$defs"]["rule"]["properties"].as_object().unwrap().keys().collect();
    let mut listed = first_cells(&page, "| key |");
    keys.sort();
    listed.sort();
    assert_eq!(keys, listed.iter().collect::<Vec<_>>());
}
