//! JSON Schemas that are generated from types and committed with the documentation.

use std::path::Path;

use serde_json::Value;

/// Asserts that `docs/NAME` contains this schema. `FARGAZE_WRITE_DOCS=1 cargo test -p fargaze
/// schema` regenerates it.
pub(crate) fn is_fresh(name: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        let text = serde_json::to_string_pretty(schema).unwrap();
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let committed: Value = serde_json::from_str(&committed).unwrap();
    assert!(committed == *schema, "docs/{name} is stale; regenerate it with FARGAZE_WRITE_DOCS=1");
}
