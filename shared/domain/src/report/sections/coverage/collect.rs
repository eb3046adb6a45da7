//! Collects what was checked, and what could not be queried.

use super::model::{Extent, Problem, ReportCoverage};
use crate::evidence::coverage::CountedFault;
use crate::logs::{TargetLogs, TargetQueries};
use crate::model::fault::Fault;
use crate::model::operation::Operation;
use crate::model::run::Target;
use crate::outcome::{TargetResult, merged, total};
use crate::report::seen::SeenTarget;
use crate::text::Text;

/// The coverage of all targets together.
pub(crate) fn coverage(
    targets: &[SeenTarget],
    results: &[TargetResult],
    logs: &[(Target, Result<TargetLogs, Fault>)],
    queries: &[(Target, Result<TargetQueries, Fault>)],
) -> ReportCoverage {
    let mut problems: Vec<Problem> = results.iter().flat_map(problems).collect();
    problems.extend(targets.iter().filter_map(|seen| cut_short(seen, results)));
    problems.extend(logs.iter().flat_map(|(target, logs)| of_logs(target, logs)));
    problems.extend(queries.iter().flat_map(|(target, queries)| of_queries(target, queries)));
    problems.sort_by_key(|problem| (problem.extent != Extent::Target, std::cmp::Reverse(problem.count)));
    let total = total(results);
    ReportCoverage {
        targets: results.len(),
        targets_seen: results.iter().filter(|result| result.outcome().is_some()).count(),
        clusters: total.clusters,
        clusters_seen: total.clusters_seen,
        metrics: total.metrics,
        with_data: total.with_data,
        without_data: total.without_data,
        partial: total.partial,
        unread: total.unread,
        problems,
    }
}

/// What went wrong in one target; faults that differ only in their subject are one problem.
fn problems(result: &TargetResult) -> Vec<Problem> {
    let outcome = match &result.result {
        Err(fault) => return vec![problem(&result.target, fault, Extent::Target, 1)],
        Ok(outcome) => outcome,
    };
    let merged = merged(&outcome.coverage.faults).into_iter();
    let problems = merged.map(|CountedFault { fault, count }| {
        problem(&result.target, &fault, Extent::of(&fault.operation), count)
    });
    problems.collect()
}

/// What went wrong while the logs of a target were read.
fn of_logs(target: &Target, logs: &Result<TargetLogs, Fault>) -> Vec<Problem> {
    match logs {
        Err(fault) => vec![problem(target, fault, Extent::Answer, 1)],
        Ok(TargetLogs::NoRole) => Vec::new(),
        Ok(TargetLogs::Read(read)) => {
            let merged = merged(&read.faults).into_iter();
            merged
                .map(|CountedFault { fault, count }| problem(target, &fault, Extent::Answer, count))
                .collect()
        }
    }
}

/// What went wrong while the saved queries of a target ran. What a budget refused is in the section
/// of the queries.
fn of_queries(target: &Target, queries: &Result<TargetQueries, Fault>) -> Vec<Problem> {
    match queries {
        Err(fault) => vec![problem(target, fault, Extent::Answer, 1)],
        Ok(TargetQueries::NoRole) => Vec::new(),
        Ok(TargetQueries::Asked(asked)) => {
            let merged = merged(&asked.faults).into_iter().filter(|counted| counted.fault.code != "budget");
            merged
                .map(|CountedFault { fault, count }| problem(target, &fault, Extent::Answer, count))
                .collect()
        }
    }
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

/// The problem of a snapshot that was not read to its end, unless the target failed anyway.
fn cut_short(seen: &SeenTarget, results: &[TargetResult]) -> Option<Problem> {
    let is_reported = results.iter().any(|result| result.target == seen.target && result.result.is_err());
    let fault = Fault::malformed(
        Operation::FargazeReadSnapshot,
        "",
        "it ends early, so there may be more than the report shows",
    );
    (!seen.is_whole && !is_reported).then(|| problem(&seen.target, &fault, Extent::Clusters, 1))
}
