//! The JSON Schema of the report: generated from its types, and committed.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

use super::model::Report;
use crate::model::cluster::{ClusterName, ServiceName};

/// The schema of an ECS name.
macro_rules! ecs_name {
    ($type:ty) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": "^[a-zA-Z0-9_-]{1,255}$" })
            }
        }
    };
}

ecs_name!(ClusterName);
ecs_name!(ServiceName);

/// The schema for writing, which also holds for reading.
fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>().to_value();
    schema["title"] = "fargaze report".into();
    schema
}

/// `FARGAZE_WRITE_DOCS=1 cargo test -p fargaze schema` rewrites it.
#[test]
fn the_committed_report_schema_matches_the_types() {
    crate::tests::committed::is_fresh("report.schema.json", &schema());
}
