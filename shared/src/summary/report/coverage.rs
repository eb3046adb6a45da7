//! What was looked at, and what could not be asked.

use std::collections::HashSet;

use super::builder::SeenTarget;
use super::model::SightChange;
use super::standing::{Extent, Problem, ReportCoverage};
use super::text::Text;
use crate::fault::Fault;
use crate::operation::Operation;
use crate::outcome::Coverage;
use crate::run::Target;
use crate::summary::words::list;
use crate::summary::{CoverageChange, TargetResult};

/// Subjects that one sentence names.
const NAMED: usize = 3;

/// The coverage of all targets together.
pub(super) fn coverage(targets: &[SeenTarget], results: &[TargetResult]) -> ReportCoverage {
    let outcomes = || results.iter().filter_map(TargetResult::outcome).map(|outcome| &outcome.coverage);
    let sum = |field: fn(&Coverage) -> usize| outcomes().map(field).sum();
    let mut problems: Vec<Problem> = results.iter().flat_map(problems).collect();
    problems.extend(targets.iter().filter_map(|seen| cut_short(seen, results)));
    problems.sort_by_key(|problem| (problem.extent != Extent::Target, std::cmp::Reverse(problem.count)));
    ReportCoverage {
        targets: results.len(),
        targets_seen: outcomes().count(),
        clusters: sum(|c| c.clusters),
        clusters_seen: sum(|c| c.clusters_seen),
        metrics: sum(|c| c.metrics),
        with_data: sum(|c| c.with_data),
        without_data: sum(|c| c.without_data),
        partial: sum(|c| c.partial),
        unread: sum(|c| c.unread),
        problems,
    }
}

/// What went wrong in one target; faults that differ in their subject alone are one problem.
fn problems(result: &TargetResult) -> Vec<Problem> {
    let outcome = match &result.result {
        Err(fault) => return vec![problem(&result.target, fault, Extent::Target, 1)],
        Ok(outcome) => outcome,
    };
    let mut groups: Vec<(&Fault, Vec<&str>, usize)> = Vec::new();
    for counted in &outcome.coverage.faults {
        let fault = &counted.fault;
        let same = |(other, ..): &&mut (&Fault, Vec<&str>, usize)| {
            (&other.operation, &other.code, &other.message) == (&fault.operation, &fault.code, &fault.message)
        };
        match groups.iter_mut().find(same) {
            Some((_, subjects, count)) => {
                subjects.push(&fault.subject);
                *count += counted.count;
            }
            None => groups.push((fault, vec![&fault.subject], counted.count)),
        }
    }
    let told = groups.into_iter().map(|(fault, subjects, count)| {
        // One cluster may be named by many questions.
        let mut named = HashSet::new();
        let once = subjects.into_iter().filter(|subject| !subject.is_empty() && named.insert(*subject));
        let subject = list(once, NAMED);
        let extent = Extent::of(&fault.operation);
        problem(&result.target, &Fault { subject, ..fault.clone() }, extent, count)
    });
    told.collect()
}

fn problem(target: &Target, fault: &Fault, extent: Extent, count: usize) -> Problem {
    Problem {
        platform: target.platform,
        account: target.account.clone(),
        region: target.region.clone(),
        extent,
        why: Text::new(&fault.to_string()),
        advice: fault.advice().into(),
        count,
    }
}

/// A snapshot that was not read to its end, of a target that else did well.
fn cut_short(seen: &SeenTarget, results: &[TargetResult]) -> Option<Problem> {
    let is_told = results.iter().any(|result| result.target == seen.target && result.result.is_err());
    let fault = Fault::malformed(
        Operation::FargazeReadSnapshot,
        "",
        "it ends early, so there may be more than the report shows",
    );
    (!seen.is_whole && !is_told).then(|| problem(&seen.target, &fault, Extent::Clusters, 1))
}

/// What to tell of a change; nothing of one that may pass, or whose beginning nobody was told.
pub(super) fn sight(change: &CoverageChange) -> Option<SightChange> {
    let (broken, why) = match change {
        CoverageChange::Lost(broken, fault) => {
            (broken, Some(Text::new(&format!("{fault} ({})", fault.advice()))))
        }
        CoverageChange::Back(broken) if broken.told => (broken, None),
        CoverageChange::Back(_) | CoverageChange::Noticed(_) => return None,
    };
    Some(SightChange { target: Text::new(&broken.name), back: why.is_none(), since: broken.since, why })
}
