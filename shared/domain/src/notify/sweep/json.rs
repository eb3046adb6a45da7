//! The JSON of a sweep or rollback, for queues and functions, and its message attributes for filter
//! policies.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Findings, Placed};
use crate::model::run::Run;
use crate::model::subject::Subject;
use crate::notify::{CoverageChange, TargetResult, add_places, attributes, coverage, head};
use crate::text::message::Attribute;

impl Findings<'_> {
    /// All findings except plain compliance and clusters left alone, every account default, and the
    /// coverage.
    pub(super) fn json(
        &self,
        run: &Run,
        results: &[TargetResult],
        changes: &[CoverageChange],
    ) -> Map<String, Value> {
        let mut json = head(run);
        json.insert("dry_run".to_owned(), self.dry_run.into());
        json.insert("findings".to_owned(), self.remarkable().map(placed).collect());
        json.insert("coverage".to_owned(), coverage::json(results));
        json.extend(coverage::changes_json(changes));
        json
    }

    /// Message attributes for filter policies.
    pub(super) fn filters(&self, run: &Run, severity: &str) -> BTreeMap<String, Attribute> {
        let mut attributes = attributes(run, severity);
        add_places(&mut attributes, self.found.iter().map(|found| found.target));
        let clusters = self.remarkable().filter_map(|found| Some(found.finding.cluster()?.to_string()));
        attributes.insert("cluster".to_owned(), clusters.collect());
        attributes
    }

    fn remarkable(&self) -> impl Iterator<Item = &Placed<'_>> {
        self.found
            .iter()
            .filter(|found| found.finding.is_remarkable() || found.finding.subject == Subject::Account)
    }
}

/// A finding with its place and its remedy commands.
fn placed(found: &Placed<'_>) -> Value {
    let Placed { target, finding } = found;
    let mut value = json!(finding);
    value["platform"] = json!(target.platform);
    value["account"] = json!(target.account);
    value["region"] = json!(target.region);
    if let Some(commands) = found.commands() {
        value["commands"] = json!(commands);
    }
    value
}
