//! The message of a sweep or rollback: what was set or rolled back, what waits or failed, and what
//! is out of policy.

mod counts;
mod expiring;
mod json;
mod paragraphs;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::coverage::{self, worst_fault};
use super::words::{about_dollars, count, list, utc};
use super::{CoverageChange, TargetResult};
use crate::model::fault::Fault;
use crate::model::run::{Platform, Run, RunKind, Target};
use crate::model::subject::Subject;
use crate::reconcile::{Aspect, CostEstimate, Finding, FindingResult};
use crate::text::commands::AtCluster;
use crate::text::message::{Message, harmless};

/// A finding with its target.
#[derive(Clone, Copy)]
struct Placed<'a> {
    target: &'a Target,
    finding: &'a Finding,
}

/// What findings are counted by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Clusters of a platform, and the account as a whole.
    Clusters(Platform),
    /// Log groups.
    LogGroups,
}

impl Kind {
    fn of(found: &Placed<'_>) -> Self {
        match found.finding.subject {
            Subject::LogGroup(_) => Self::LogGroups,
            _ => Self::Clusters(found.target.platform),
        }
    }

    /// `ECS`, `log groups`: before counts.
    fn label(self) -> &'static str {
        match self {
            Self::Clusters(platform) => label(platform),
            Self::LogGroups => "log groups",
        }
    }

    /// `ECS cluster`, `log group`: after a count.
    fn noun(self) -> String {
        match self {
            Self::Clusters(platform) => format!("{} cluster", label(platform)),
            Self::LogGroups => "log group".to_owned(),
        }
    }
}

/// The findings of all targets.
struct Findings<'a> {
    kind: RunKind,
    dry_run: bool,
    found: Vec<Placed<'a>>,
    /// Platforms that were checked.
    platforms: BTreeSet<Platform>,
    /// A target that could not be fully read, and why.
    unseen: Option<(&'a Target, &'a Fault)>,
}

/// The message of a sweep or rollback. Rollbacks and dry runs always have one. A sweep has none if
/// it did nothing and has nothing new to notify; the report repeats what is out of policy.
pub fn sweep(run: &Run, results: &[TargetResult], changes: &[CoverageChange]) -> Option<Message> {
    let findings = Findings::of(run.kind, results);
    if !findings.needs_message() && !coverage::has_notifications(changes) {
        return None;
    }
    let mut body = coverage::notifications(run.time, changes);
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

/// Why a sweep has no message, for its receipt: `nothing to do: 41 of 41 ECS clusters comply`.
pub fn nothing_to_do(results: &[TargetResult]) -> String {
    let findings = Findings::of(RunKind::Sweep, results);
    let parts = findings.kinds().into_iter().map(|kind| findings.compliance(kind));
    let unseen = results.iter().filter(|result| result.result.is_err()).count();
    let mut text = format!("nothing to do: {}", parts.collect::<Vec<_>>().join("; "));
    if unseen > 0 {
        text.push_str(&format!(", and {} could not be read, as notified before", count(unseen, "target")));
    }
    text
}

impl<'a> Findings<'a> {
    fn of(kind: RunKind, results: &'a [TargetResult]) -> Self {
        let reconciled = |result: &'a TargetResult| Some((&result.target, result.outcome()?.reconciled()?));
        let seen = || results.iter().filter_map(reconciled);
        let found = seen().flat_map(|(target, reconciled)| {
            reconciled.findings.iter().map(move |finding| Placed { target, finding })
        });
        let mut faults = results.iter().filter_map(|result| Some((&result.target, worst_fault(result)?)));
        Self {
            kind,
            dry_run: seen().any(|(_, reconciled)| reconciled.dry_run),
            found: found.collect(),
            platforms: results.iter().map(|result| result.target.platform).collect(),
            unseen: faults.next(),
        }
    }

    /// The kinds that were checked.
    fn kinds(&self) -> Vec<Kind> {
        let of_logs = self.found.iter().any(|found| Kind::of(found) == Kind::LogGroups);
        let clusters = self.platforms.iter().map(|platform| Kind::Clusters(*platform));
        clusters.chain(of_logs.then_some(Kind::LogGroups)).collect()
    }

    fn that(&self, wanted: impl Fn(&Finding) -> bool) -> Vec<Placed<'a>> {
        self.found.iter().filter(|found| wanted(found.finding)).copied().collect()
    }

    fn with(&self, wanted: impl Fn(&FindingResult) -> bool) -> Vec<Placed<'a>> {
        self.that(|finding| wanted(&finding.result))
    }

    fn needs_message(&self) -> bool {
        self.dry_run
            || self.kind == RunKind::Rollback
            || self.found.iter().any(|found| found.finding.news || found.finding.result.is_act())
    }

    /// Whether something failed or is in conflict.
    fn needs_a_person(&self) -> bool {
        let is_cut_short = self.kind == RunKind::Rollback && self.unseen.is_some();
        let is_bad = |finding: &Finding| match &finding.result {
            FindingResult::Failed(_) | FindingResult::Conflict(_) | FindingResult::Overdue => true,
            FindingResult::Announced => finding.news,
            FindingResult::Unknown(_) => finding.subject == Subject::Account,
            _ => false,
        };
        self.found.iter().any(|found| is_bad(found.finding)) || is_cut_short
    }

    /// `set`, or `roll back`.
    fn verb(&self) -> &'static str {
        if self.kind == RunKind::Rollback { "roll back" } else { "set" }
    }

    /// The subject: the most urgent first, because it may be all that is read.
    fn subject(&self, changes: &[CoverageChange]) -> String {
        let failed = self.with(|result| matches!(result, FindingResult::Failed(_)));
        if !failed.is_empty() {
            return format!("FAILED to {} {}", self.verb(), what(&failed));
        }
        let lost = changes.iter().find_map(|change| match change {
            CoverageChange::Lost(broken, fault) => {
                Some(format!("CANNOT READ {}: {}", broken.name, fault.code))
            }
            CoverageChange::Noticed(_) | CoverageChange::Back(_) => None,
        });
        // A rollback always reports unreadable targets, even if a sweep has notified them before.
        let unseen = self.unseen.filter(|_| self.kind == RunKind::Rollback);
        let unseen = unseen.map(|(target, fault)| format!("CANNOT READ {target}: {}", fault.code));
        if let Some(lost) = lost.or(unseen) {
            return lost;
        }
        let conflicts =
            self.that(|finding| finding.news && matches!(finding.result, FindingResult::Conflict(_)));
        if !conflicts.is_empty() {
            return format!("CONFLICT over {}", what(&conflicts));
        }
        if self.dry_run {
            return self.dry_run_subject();
        }
        let counts = self.counts_in_subject();
        if !counts.is_empty() {
            return counts;
        }
        let names: Vec<&str> = self.platforms.iter().map(|platform| label(*platform)).collect();
        let names = list(names.iter().copied(), 2);
        match self.kind {
            RunKind::Rollback => format!("{names}: nothing to roll back"),
            _ if changes.iter().any(|change| matches!(change, CoverageChange::Back(_))) => {
                coverage::readable_again(changes)
            }
            _ => format!("{names}: nothing to do"),
        }
    }

    fn dry_run_subject(&self) -> String {
        let would = self.with(|result| *result == FindingResult::WouldSet);
        let waiting = subjects(&self.with(|result| *result == FindingResult::Waiting));
        let waiting = match waiting {
            0 => String::new(),
            1 => ", 1 waits".to_owned(),
            n => format!(", {n} wait"),
        };
        let (set, done) = match self.kind {
            RunKind::Rollback => ("roll back", "rolled back"),
            _ => ("set", "set"),
        };
        let cost = cost_of(&would);
        let cost = cost.map(|cost| about_dollars(cost.dollars_a_month.max(0.0)));
        let cost = cost.map(|cost| format!(", about {cost} a month")).unwrap_or_default();
        if would.is_empty() {
            return format!("Dry run: nothing would be {done}{waiting}");
        }
        format!("Dry run: would {set} {}{cost}{waiting}", what_of_count(&would))
    }
}

impl Placed<'_> {
    /// The remedy commands, one on each line.
    fn commands(&self) -> Option<String> {
        let Target { account, region, role, .. } = self.target;
        let at = AtCluster { account, region, cluster: self.finding.cluster()? };
        Some(self.finding.remedy()?.commands(&at, role.as_ref().map(|role| role.arn.as_str())))
    }

    /// What the remedy commands do.
    fn purpose(&self) -> Option<String> {
        Some(self.finding.remedy()?.purpose(self.target.role.is_some()))
    }
}

/// The name of a platform in messages.
fn label(platform: Platform) -> &'static str {
    match platform {
        Platform::Ecs => "ECS",
        Platform::Eks => "EKS",
    }
}

/// `Container Insights of shop, search and 3 more`, `the account default in eu-west-1`.
fn what(found: &[Placed<'_>]) -> String {
    let titles = titles(found);
    let titles = list(titles.iter().copied(), 2);
    match names(found, 3) {
        names if names.is_empty() => {
            let regions: BTreeSet<&str> = found.iter().map(|found| found.target.region.as_str()).collect();
            format!("{titles} in {}", list(regions.into_iter(), 3))
        }
        names => format!("{titles} of {names}"),
    }
}

/// `Container Insights of 3 clusters`.
fn what_of_count(found: &[Placed<'_>]) -> String {
    let titles = list(titles(found).iter().copied(), 2);
    match subjects(found) {
        0 => titles,
        n if found.iter().all(|found| Kind::of(found) == Kind::LogGroups) => {
            format!("{titles} of {}", count(n, "log group"))
        }
        n if found.iter().any(|found| Kind::of(found) == Kind::LogGroups) => {
            format!("{titles} of {n} clusters and log groups")
        }
        n => format!("{titles} of {}", count(n, "cluster")),
    }
}

/// The aspects in words, each once.
fn titles(found: &[Placed<'_>]) -> Vec<&'static str> {
    let aspects: BTreeSet<_> = found.iter().filter_map(|found| found.finding.aspect).collect();
    aspects.into_iter().map(Aspect::title).collect()
}

/// Identifies the cluster or log group of a finding; the parts of a target are one place.
fn key<'a>(found: &Placed<'a>) -> Option<(&'a str, &'a str, Platform, &'a str)> {
    let Placed { target, finding } = found;
    let name = match &finding.subject {
        Subject::LogGroup(name) => name,
        subject => subject.cluster()?.as_str(),
    };
    Some((target.account.as_str(), target.region.as_str(), target.platform, name))
}

/// The number of clusters and log groups in the findings.
fn subjects(found: &[Placed<'_>]) -> usize {
    found.iter().filter_map(key).collect::<BTreeSet<_>>().len()
}

/// Names of clusters and log groups, each once, at most `most`.
fn names(found: &[Placed<'_>], most: usize) -> String {
    let names: BTreeSet<_> = found.iter().filter_map(key).collect();
    let names: Vec<String> = names.into_iter().map(|(.., name)| harmless(name)).collect();
    list(names.iter().map(String::as_str), most)
}

/// Their total cost; `None` if none of them has an estimate.
fn cost_of(found: &[Placed<'_>]) -> Option<CostEstimate> {
    let costs: Vec<CostEstimate> = found.iter().filter_map(|found| found.finding.cost?.estimate()).collect();
    (!costs.is_empty()).then(|| costs.into_iter().sum())
}
