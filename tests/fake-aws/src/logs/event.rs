//! An event as Logs Insights sees it.

use std::collections::BTreeMap;

/// An event with the fields that it has.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) fields: BTreeMap<String, String>,
}
