//! The message of a sweep or restore for queues and functions, and its attributes for filter policies.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::{CoverageChange, TargetResult, add_places, attributes, coverage, head};
use super::{Findings, Found, FoundDefault};
use crate::message::Attribute;
use crate::outcome::InsightsResult;
use crate::run::{Run, Target};

impl Findings<'_> {
    /// All that is not plainly as wished or left alone, and how much was looked at.
    pub(super) fn json(
        &self,
        run: &Run,
        results: &[TargetResult],
        changes: &[CoverageChange],
    ) -> Map<String, Value> {
        let mut json = head(run);
        json.insert("dry_run".to_owned(), self.dry_run.into());
        let clusters = self.remarkable().map(|Found { target, finding }| placed(target, finding));
        json.insert("clusters".to_owned(), clusters.collect());
        let defaults = self.defaults.iter().map(|FoundDefault { target, finding }| placed(target, finding));
        json.insert("account_defaults".to_owned(), defaults.collect());
        let eks = self.remarkable_eks().map(|found| {
            let mut value = placed(found.target, found.finding);
            if let Some(commands) = found.commands() {
                value["commands"] = json!(commands);
            }
            value
        });
        json.insert("eks_clusters".to_owned(), eks.collect());
        json.insert("coverage".to_owned(), coverage::json(results));
        json.extend(coverage::changes_json(changes));
        json
    }

    /// What filter policies may look at.
    pub(super) fn filters(&self, run: &Run, severity: &str) -> BTreeMap<String, Attribute> {
        let mut attributes = attributes(run, severity);
        let defaults = self.defaults.iter().map(|found| found.target);
        let eks = self.eks.iter().map(|found| found.target);
        let places = self.clusters.iter().map(|found| found.target).chain(defaults).chain(eks);
        add_places(&mut attributes, places);
        let clusters = self.remarkable().map(|found| found.finding.cluster.to_string());
        let eks = self.remarkable_eks().map(|found| found.finding.cluster.to_string());
        attributes.insert("cluster".to_owned(), clusters.chain(eks).collect());
        attributes
    }

    fn remarkable(&self) -> impl Iterator<Item = &Found<'_>> {
        let is_plain = |result: &InsightsResult| *result == InsightsResult::Right || result.is_left();
        self.clusters.iter().filter(move |Found { finding, .. }| {
            !is_plain(&finding.result) || finding.silent || finding.unannounced
        })
    }
}

/// A finding with its account and Region.
fn placed(target: &Target, finding: &impl Serialize) -> Value {
    let mut value = json!(finding);
    value["account"] = json!(target.account);
    value["region"] = json!(target.region);
    value
}
