//! The message of a sweep or restore: what was set, put back, waits or failed, and what is not as wished.

mod eks;
mod json;
mod paragraphs;
#[cfg(test)]
mod tests;

use super::coverage::worst_fault;
use super::words::{about_dollars, count, list, utc};
use super::{CoverageChange, TargetResult, coverage};
use crate::fault::Fault;
use crate::insights::CostEstimate;
use crate::message::Message;
use crate::outcome::{AccountDefaultFinding, InsightsFinding, InsightsResult};
use crate::run::{Platform, Run, RunKind, Target};

use eks::FoundEks;

/// A finding with its place.
#[derive(Clone, Copy)]
struct Found<'a> {
    target: &'a Target,
    finding: &'a InsightsFinding,
}

/// The account default of one Region.
#[derive(Clone, Copy)]
struct FoundDefault<'a> {
    target: &'a Target,
    finding: &'a AccountDefaultFinding,
}

/// Which kinds of clusters a run is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Ecs,
    Eks,
    Both,
}

impl Scope {
    /// By what was found of ECS and of EKS, and by the targets if nothing was: usually those of one kind stand beside
    /// those of the other.
    fn of(results: &[TargetResult], ecs: bool, eks: bool) -> Self {
        let has = |platform| results.iter().any(|result| result.target.platform == platform);
        let (ecs, eks) = if ecs || eks { (ecs, eks) } else { (has(Platform::Ecs), has(Platform::Eks)) };
        match (ecs, eks) {
            (false, true) => Self::Eks,
            (true, true) => Self::Both,
            (_, false) => Self::Ecs,
        }
    }
}

/// All that the targets found.
struct Findings<'a> {
    kind: RunKind,
    scope: Scope,
    dry_run: bool,
    clusters: Vec<Found<'a>>,
    defaults: Vec<FoundDefault<'a>>,
    eks: Vec<FoundEks<'a>>,
    /// A target of which not all could be seen, and why.
    unseen: Option<(&'a Target, &'a Fault)>,
}

/// The message of a sweep or restore. A restore and a dry run always have one. A sweep has none if it did nothing, all
/// could be seen, and what is not as wished was told before: the report tells of that each time.
pub fn sweep(run: &Run, results: &[TargetResult], changes: &[CoverageChange]) -> Option<Message> {
    let findings = Findings::of(run.kind, results);
    if !findings.is_news() && !coverage::is_news(changes) {
        return None;
    }
    let mut body = coverage::news(run.time, changes);
    let mut paragraphs = findings.paragraphs();
    paragraphs.push(
        coverage::paragraph_after(results, changes) + &format!("Run {}, at {}.\n", run.id, utc(run.time)),
    );
    for paragraph in paragraphs {
        if !body.is_empty() {
            body.push('\n');
        }
        body.push_str(&paragraph);
    }
    let is_lost = changes.iter().any(|change| matches!(change, CoverageChange::Lost(..)));
    let severity = if findings.needs_a_person() || is_lost { "warning" } else { "info" };
    let json = findings.json(run, results, changes);
    Some(Message::new(&findings.subject(changes), &body, &json, findings.filters(run, severity)))
}

/// Why a sweep has no message, for its receipt: `nothing to do: 41 of 41 clusters are as wished`.
pub fn nothing_to_do(results: &[TargetResult]) -> String {
    let findings = Findings::of(RunKind::Sweep, results);
    let (right, all) =
        (findings.with(|result| *result == InsightsResult::Right).len(), findings.clusters.len());
    let mut parts = Vec::new();
    let is_swept = |platform| results.iter().any(|result| result.target.platform == platform);
    let is_of_eks_alone = is_swept(Platform::Eks) && !is_swept(Platform::Ecs);
    if !is_of_eks_alone {
        parts.push(format!("{right} of {} are as wished", count(all, "cluster")));
    }
    let unseen = results.iter().filter(|result| result.result.is_err()).count();
    for (n, what) in [
        (findings.with(InsightsResult::is_left).len(), "left alone"),
        (findings.with(|result| *result == InsightsResult::Reported).len(), "reported before"),
        (findings.with(|result| matches!(result, InsightsResult::Fight(_))).len(), "in a fight told before"),
    ] {
        if n > 0 {
            parts.iter_mut().for_each(|text| text.push_str(&format!(", {n} {what}")));
        }
    }
    if is_of_eks_alone || !findings.eks.is_empty() {
        let (right, all) = findings.eks_as_wished();
        let told = findings.eks_counts().map(|counts| format!(", told before: {counts}"));
        let told = told.unwrap_or_default();
        parts.push(format!("{right} of {} are as wished{told}", count(all, "EKS cluster")));
    }
    let mut text = format!("nothing to do: {}", parts.join("; "));
    if unseen > 0 {
        text.push_str(&format!(", and {} could not be seen, as told before", count(unseen, "target")));
    }
    text
}

impl<'a> Findings<'a> {
    fn of(kind: RunKind, results: &'a [TargetResult]) -> Self {
        let reconciled = |result: &'a TargetResult| Some((&result.target, result.outcome()?.reconciled()?));
        let seen = || results.iter().filter_map(reconciled);
        let clusters = seen().flat_map(|(target, reconciled)| {
            reconciled.insights.iter().map(move |finding| Found { target, finding })
        });
        let defaults = seen().filter_map(|(target, reconciled)| {
            reconciled.account_default.as_ref().map(|finding| FoundDefault { target, finding })
        });
        let (clusters, defaults): (Vec<_>, Vec<_>) = (clusters.collect(), defaults.collect());
        let eks = eks::found(results);
        let mut faults = results.iter().filter_map(|result| Some((&result.target, worst_fault(result)?)));
        let unseen = faults.next();
        let found_ecs = !clusters.is_empty() || !defaults.is_empty();
        Self {
            kind,
            scope: Scope::of(results, found_ecs, !eks.is_empty()),
            dry_run: seen().any(|(_, reconciled)| reconciled.dry_run),
            clusters,
            defaults,
            eks,
            unseen,
        }
    }

    fn with(&self, wanted: impl Fn(&InsightsResult) -> bool) -> Vec<Found<'a>> {
        self.clusters.iter().filter(|found| wanted(&found.finding.result)).copied().collect()
    }

    fn that(&self, wanted: impl Fn(&InsightsFinding) -> bool) -> Vec<Found<'a>> {
        self.clusters.iter().filter(|found| wanted(found.finding)).copied().collect()
    }

    fn is_news(&self) -> bool {
        let acted = |result: &InsightsResult| match result {
            InsightsResult::Set(_)
            | InsightsResult::WouldSet(_)
            | InsightsResult::Waiting(_)
            | InsightsResult::Restored(_)
            | InsightsResult::Failed(_) => true,
            InsightsResult::Right
            | InsightsResult::Reported
            | InsightsResult::Left
            | InsightsResult::NotYet
            | InsightsResult::UnderWay
            | InsightsResult::Fight(_)
            | InsightsResult::Skipped => false,
        };
        self.dry_run
            || self.kind == RunKind::Restore
            || self.clusters.iter().any(|found| found.finding.news || acted(&found.finding.result))
            || self.defaults.iter().any(|found| found.finding.news || acted(&found.finding.result))
            || self.is_eks_news()
    }

    /// Whether something failed, or somebody works against us.
    fn needs_a_person(&self) -> bool {
        let is_cut_short = self.kind == RunKind::Restore && self.unseen.is_some();
        let bad =
            |result: &InsightsResult| matches!(result, InsightsResult::Failed(_) | InsightsResult::Fight(_));
        self.clusters.iter().any(|found| bad(&found.finding.result))
            || self.defaults.iter().any(|found| found.finding.level.is_none() || bad(&found.finding.result))
            || self.eks_needs_a_person()
            || is_cut_short
    }

    /// What matters most, first: it may be all that is read.
    fn subject(&self, changes: &[CoverageChange]) -> String {
        let of = |found: &[Found<'_>]| names(found, 3);
        let failed = self.with(|result| matches!(result, InsightsResult::Failed(_)));
        let fights = self.that(|finding| finding.news && matches!(finding.result, InsightsResult::Fight(_)));
        let lost = changes.iter().find_map(|change| match change {
            CoverageChange::Lost(broken, fault) => {
                Some(format!("CANNOT SEE {}: {}", broken.name, fault.code))
            }
            CoverageChange::Noticed(_) | CoverageChange::Back(_) => None,
        });
        // Whoever puts something back is told what was not, also if a sweep has told before that it cannot be seen.
        let unseen = self.unseen.filter(|_| self.kind == RunKind::Restore);
        let lost = lost.or(unseen.map(|(target, fault)| format!("CANNOT SEE {target}: {}", fault.code)));
        if !failed.is_empty() {
            let what = if self.kind == RunKind::Restore { "put back" } else { "set" };
            return format!("FAILED to {what} Container Insights of {}", of(&failed));
        }
        if let Some(bad) = self.eks_failure().or(lost) {
            return bad;
        }
        if !fights.is_empty() {
            return format!("FIGHT over Container Insights of {}", of(&fights));
        }
        if let Some(fight) = self.eks_fight() {
            return fight;
        }
        if self.dry_run {
            return self.dry_run_subject();
        }
        let counts = self.counts_in_subject();
        if !counts.is_empty() {
            return counts;
        }
        let is_back = changes.iter().any(|change| matches!(change, CoverageChange::Back(_)));
        match (self.kind, self.scope) {
            (RunKind::Restore, Scope::Ecs) => "Container Insights: nothing to put back".to_owned(),
            (RunKind::Restore, Scope::Eks) => "EKS: nothing to put back".to_owned(),
            (RunKind::Restore, Scope::Both) => "Container Insights and EKS: nothing to put back".to_owned(),
            _ if is_back => coverage::seen_again(changes),
            (_, Scope::Eks) => "EKS: nothing to do".to_owned(),
            (_, Scope::Ecs | Scope::Both) => "Container Insights: the account default".to_owned(),
        }
    }

    fn dry_run_subject(&self) -> String {
        let would =
            self.with(|result| matches!(result, InsightsResult::WouldSet(_) | InsightsResult::Waiting(_)));
        let what = if self.kind == RunKind::Restore { "put back" } else { "set" };
        let clusters = count(would.len(), "cluster");
        let has_cost = would.iter().any(|found| found.finding.cost.is_some());
        let cost = about_dollars(cost_of(&would).dollars_a_month.max(0.0));
        let cost = if has_cost { format!(", about {cost} a month") } else { String::new() };
        let ecs = format!("Container Insights of {clusters} would be {what}{cost}");
        match self.eks_dry_run() {
            Some(eks) if would.is_empty() => format!("Dry run: {eks}"),
            None if self.scope == Scope::Eks => {
                let what = if self.kind == RunKind::Restore { "put back" } else { "set up" };
                format!("Dry run: no EKS cluster would be {what}")
            }
            Some(eks) => format!("Dry run: {ecs}; {eks}"),
            None => format!("Dry run: {ecs}"),
        }
    }

    /// How many there are of what is told.
    fn counts_in_subject(&self) -> String {
        let counts = [
            (self.with(|result| matches!(result, InsightsResult::Set(_))), "set"),
            (self.with(|result| matches!(result, InsightsResult::Restored(_))), "put back"),
            (self.with(|result| *result == InsightsResult::Skipped), "skipped"),
            (self.with(|result| matches!(result, InsightsResult::Waiting(_))), "waiting"),
            (self.that(|finding| finding.news && finding.silent), "on, but silent"),
            (self.that(|finding| finding.news && finding.unannounced), "without an event"),
            (
                self.that(|finding| finding.news && finding.result == InsightsResult::Reported),
                "not as wished",
            ),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(found, _)| !found.is_empty())
            .map(|(found, what)| format!("{} {what}", found.len()))
            .collect();
        let ecs = (!counts.is_empty()).then(|| format!("Container Insights: {}", counts.join(", ")));
        let eks = self.eks_news().map(|counts| format!("EKS: {counts}"));
        ecs.into_iter().chain(eks).collect::<Vec<_>>().join("; ")
    }
}

/// Names of clusters, so many at most.
fn names(found: &[Found<'_>], most: usize) -> String {
    list(found.iter().map(|found| found.finding.cluster.as_str()), most)
}

/// What they cost together.
fn cost_of(found: &[Found<'_>]) -> CostEstimate {
    found.iter().filter_map(|found| found.finding.cost).sum()
}
