//! What is told of EKS clusters.

use std::collections::BTreeSet;

use super::super::words::{count, list, wrap};
use super::paragraphs::{LIMIT_REACHED, NAMED, NO_TRAIL, grouped, people, place, why_failed};
use super::{Findings, TargetResult};
use crate::commands::AtCluster;
use crate::fault::{Fault, FaultKind};
use crate::insights::eks::{EksFinding, EksResult};
use crate::message::harmless;
use crate::run::{RunKind, Target};

/// Clusters of a paragraph whose commands are printed.
const COMMANDED: usize = 3;

/// A finding about an EKS cluster, with its place.
#[derive(Clone, Copy)]
pub(super) struct FoundEks<'a> {
    pub(super) target: &'a Target,
    pub(super) finding: &'a EksFinding,
}

pub(super) fn found(results: &[TargetResult]) -> Vec<FoundEks<'_>> {
    let seen = results.iter().filter_map(|result| Some((&result.target, result.outcome()?.reconciled()?)));
    seen.flat_map(|(target, reconciled)| {
        reconciled.eks.iter().map(move |finding| FoundEks { target, finding })
    })
    .collect()
}

/// The fault of what failed or could not be asked.
fn fault(result: &EksResult) -> Option<&Fault> {
    match result {
        EksResult::Failed(fault) | EksResult::Unknown(fault) => Some(fault),
        _ => None,
    }
}

fn is_plain(result: &EksResult) -> bool {
    matches!(result, EksResult::Right | EksResult::Left)
}

impl<'a> Findings<'a> {
    fn eks_that(&self, wanted: impl Fn(&EksFinding) -> bool) -> Vec<FoundEks<'a>> {
        self.eks.iter().filter(|found| wanted(found.finding)).copied().collect()
    }

    fn eks_with(&self, wanted: impl Fn(&EksResult) -> bool) -> Vec<FoundEks<'a>> {
        self.eks_that(|finding| wanted(&finding.result))
    }

    pub(super) fn is_eks_news(&self) -> bool {
        let acted = |result: &EksResult| {
            matches!(
                result,
                EksResult::Set
                    | EksResult::WouldSet
                    | EksResult::Waiting
                    | EksResult::Restored
                    | EksResult::Failed(_)
            )
        };
        self.eks.iter().any(|found| found.finding.news || acted(&found.finding.result))
    }

    pub(super) fn eks_needs_a_person(&self) -> bool {
        let bad = |result: &EksResult| {
            matches!(result, EksResult::Failed(_) | EksResult::Fight(_) | EksResult::Overdue)
        };
        self.eks.iter().any(|found| bad(&found.finding.result))
    }

    /// What is not plainly as wished or left alone.
    pub(super) fn remarkable_eks(&self) -> impl Iterator<Item = &FoundEks<'a>> {
        self.eks.iter().filter(|found| !is_plain(&found.finding.result) || found.finding.unannounced)
    }

    /// For the subject: what could not be set up.
    pub(super) fn eks_failure(&self) -> Option<String> {
        let failed = self.eks_with(|result| matches!(result, EksResult::Failed(_)));
        let what = if self.kind == RunKind::Restore { "put back" } else { "set up" };
        (!failed.is_empty()).then(|| format!("FAILED to {what} EKS: {}", names(&failed, 3)))
    }

    /// For the subject: new fights.
    pub(super) fn eks_fight(&self) -> Option<String> {
        let fights = self.eks_that(|finding| finding.news && matches!(finding.result, EksResult::Fight(_)));
        (!fights.is_empty()).then(|| format!("FIGHT over EKS: {}", names(&fights, 3)))
    }

    /// For the subject of a dry run: `2 EKS clusters would be set up`, or what came of them if they have no dry run.
    pub(super) fn eks_dry_run(&self) -> Option<String> {
        let would =
            clusters(&self.eks_with(|result| matches!(result, EksResult::WouldSet | EksResult::Waiting)));
        let what = if self.kind == RunKind::Restore { "put back" } else { "set up" };
        let acted = || self.eks_news().map(|counts| format!("EKS: {counts}"));
        if would > 0 { Some(format!("{} would be {what}", count(would, "EKS cluster"))) } else { acted() }
    }

    /// The counts, if there is news among them. Of a restore all is news, also what was skipped or could not be seen.
    pub(super) fn eks_news(&self) -> Option<String> {
        self.eks_counts().filter(|_| self.kind == RunKind::Restore || self.is_eks_news())
    }

    /// `3 set up, 1 still CREATING after an hour, 1 fight, 1 denied`: clusters by what there is to tell of them.
    pub(super) fn eks_counts(&self) -> Option<String> {
        let is_denied =
            |result: &EksResult| fault(result).is_some_and(|fault| fault.kind == FaultKind::Denied);
        let whole = |finding: &EksFinding| finding.result == EksResult::Overdue && finding.aspect.is_none();
        let part = |finding: &EksFinding| finding.result == EksResult::Overdue && finding.aspect.is_some();
        let counts = [
            (self.eks_with(|result| *result == EksResult::Set), "set up"),
            (self.eks_with(|result| *result == EksResult::WouldSet), "would be set up"),
            (self.eks_with(|result| *result == EksResult::Restored), "put back"),
            (self.eks_with(|result| *result == EksResult::Skipped), "skipped"),
            (self.eks_with(|result| *result == EksResult::Waiting), "waiting"),
            (self.eks_that(whole), "still CREATING after an hour"),
            (self.eks_that(part), "still updated after an hour"),
            (self.eks_with(|result| matches!(result, EksResult::Fight(_))), "fight"),
            (self.eks_with(is_denied), "denied"),
            (self.eks_with(|result| fault(result).is_some() && !is_denied(result)), "not answered"),
            (self.eks_that(|finding| finding.unannounced), "without an event"),
            (self.eks_with(|result| *result == EksResult::Blocked), "without what it needs"),
            (self.eks_with(|result| *result == EksResult::Reported), "only reported"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(found, _)| !found.is_empty())
            .map(|(found, what)| format!("{} {what}", clusters(found)))
            .collect();
        (!counts.is_empty()).then(|| counts.join(", "))
    }

    /// Clusters of which all is as wished or left alone, and all clusters.
    pub(super) fn eks_as_wished(&self) -> (usize, usize) {
        let not = self.eks_with(|result| !is_plain(result));
        let all = clusters(&self.eks);
        (all - clusters(&not), all)
    }

    /// Paragraphs of what a person is to look at.
    pub(super) fn eks_urgent(&self) -> Vec<String> {
        let mut paragraphs = self.with_faults("EKS FAILED", |result| match result {
            EksResult::Failed(fault) => Some(fault),
            _ => None,
        });
        paragraphs.extend(self.eks_fights());
        paragraphs.extend(self.alike("EKS STILL AT WORK", &EksResult::Overdue));
        paragraphs
    }

    /// All other paragraphs.
    pub(super) fn eks_paragraphs(&self) -> Vec<String> {
        let would = if self.kind == RunKind::Restore { "EKS WOULD PUT BACK" } else { "EKS WOULD SET UP" };
        let mut paragraphs = Vec::new();
        for (head, result) in [
            ("EKS SET UP", EksResult::Set),
            ("EKS PUT BACK", EksResult::Restored),
            ("EKS SKIPPED", EksResult::Skipped),
            ("EKS WAITS FOR THE NEXT RUN", EksResult::Waiting),
            (would, EksResult::WouldSet),
            ("EKS AT WORK", EksResult::InProgress),
            ("EKS NOT YET", EksResult::NotYet),
            ("EKS LACKS WHAT IT NEEDS", EksResult::Blocked),
            ("EKS NOT SET UP, ONLY REPORTED", EksResult::Reported),
        ] {
            paragraphs.extend(self.alike(head, &result));
        }
        paragraphs.extend(self.with_faults("EKS NOT SEEN", |result| match result {
            EksResult::Unknown(fault) => Some(fault),
            _ => None,
        }));
        paragraphs.extend(self.eks_unannounced());
        paragraphs.extend(self.eks_sum());
        paragraphs
    }

    /// `EKS clusters: 4 of 7 as wished, 2 set up, 1 fight.`
    fn eks_sum(&self) -> Option<String> {
        let (right, all) = self.eks_as_wished();
        let as_wished = (self.kind != RunKind::Restore).then(|| format!("{right} of {all} as wished"));
        let parts: Vec<String> = as_wished.into_iter().chain(self.eks_counts()).collect();
        (all > 0 && !parts.is_empty()).then(|| wrap(&format!("EKS clusters: {}.", parts.join(", ")), 0))
    }

    /// Which clusters are left as they are because it is a dry run: each section of the file has its own.
    pub(super) fn dry_run_head(&self) -> Option<&'static str> {
        let has = |result: EksResult| self.eks.iter().any(|found| found.finding.result == result);
        if self.dry_run {
            let eks_changed = has(EksResult::Set) || has(EksResult::Restored);
            return Some(if eks_changed {
                "DRY RUN of ECS clusters: none was changed, because fargaze.yaml says dry-run.\n"
            } else {
                "DRY RUN: nothing was changed, because fargaze.yaml says dry-run.\n"
            });
        }
        has(EksResult::WouldSet)
            .then_some("DRY RUN of EKS clusters: none was changed, because fargaze.yaml says dry-run.\n")
    }

    fn eks_unannounced(&self) -> Option<String> {
        let unannounced = self.eks_that(|finding| finding.unannounced);
        let text = || {
            let names = names(&unannounced, NAMED);
            let head = "EKS EVENTS DO NOT ARRIVE: is there a CloudTrail trail? No event came of";
            wrap(&format!("{head} {names}."), 0) + &wrap(NO_TRAIL, 2)
        };
        (!unannounced.is_empty()).then(text)
    }

    /// Fights, with who is in them; those that are alike together.
    fn eks_fights(&self) -> Vec<String> {
        let fights = self.eks.iter().filter_map(|found| match &found.finding.result {
            EksResult::Fight(by) => Some((*found, by)),
            _ => None,
        });
        let groups = grouped(fights, |(found, by)| {
            (place(found.target), found.finding.aspect, found.finding.reason.as_str(), *by)
        });
        let paragraphs = groups.into_iter().map(|((place, aspect, reason, by), group)| {
            let aspect = aspect.map(|aspect| format!(" {aspect}")).unwrap_or_default();
            let found: Vec<FoundEks<'_>> = group.iter().map(|(found, _)| *found).collect();
            wrap(&format!("EKS FIGHT{aspect} in {place}: {}.", names(&found, NAMED)), 0)
                + &wrap(&format!("Why: {}.", harmless(reason)), 2)
                + &wrap(&format!("Undone by {}.", people(by)), 2)
        });
        paragraphs.collect()
    }

    /// Findings with one result, those that are alike together.
    fn alike(&self, head: &str, result: &EksResult) -> Vec<String> {
        let found = self.eks_with(|other| other == result);
        let groups = grouped(found.into_iter(), |found| {
            let EksFinding { aspect, change, reason, cost, .. } = found.finding;
            (place(found.target), *aspect, change.as_deref(), reason.as_str(), *cost)
        });
        let paragraphs = groups.into_iter().map(|((place, aspect, change, reason, cost), group)| {
            let aspect = aspect.map(|aspect| format!(" {aspect}")).unwrap_or_default();
            let change = change.map(|change| wrap(&format!("{}.", harmless(change)), 2)).unwrap_or_default();
            let cost = cost.map(|cost| wrap(&format!("Cost: {cost}."), 2)).unwrap_or_default();
            let waits = if *result == EksResult::Waiting { wrap(LIMIT_REACHED, 2) } else { String::new() };
            wrap(&format!("{head}{aspect} in {place}: {}.", names(&group, NAMED)), 0)
                + &change
                + &wrap(&format!("Why: {}.", harmless(reason)), 2)
                + &waits
                + &cost
                + &remedies(&group)
        });
        paragraphs.collect()
    }

    fn with_faults(&self, head: &str, fault: impl Fn(&'a EksResult) -> Option<&'a Fault>) -> Vec<String> {
        let found = self.eks.iter().filter_map(|found| Some((*found, fault(&found.finding.result)?)));
        let groups = grouped(found, |(found, fault)| {
            (place(found.target), found.finding.aspect, &fault.operation, &fault.code)
        });
        let paragraphs = groups.into_iter().map(|((place, aspect, ..), group)| {
            let aspect = aspect.map(|aspect| format!(" {aspect}")).unwrap_or_default();
            let found: Vec<FoundEks<'_>> = group.iter().map(|(found, _)| *found).collect();
            let why = group.first().map(|(_, fault)| why_failed(fault)).unwrap_or_default();
            wrap(&format!("{head}{aspect} in {place}: {}.", names(&found, NAMED)), 0)
                + &wrap(&why, 2)
                + &remedies(&found)
        });
        paragraphs.collect()
    }
}

impl FoundEks<'_> {
    /// The commands that help, one on each line.
    pub(super) fn commands(&self) -> Option<String> {
        let Target { account, region, role, .. } = self.target;
        let at = AtCluster { account, region, cluster: &self.finding.cluster };
        Some(self.finding.remedy()?.commands(&at, role.as_ref().map(|role| role.arn.as_str())))
    }
}

/// The commands for the first clusters, never wrapped, so that they can be copied. What stands in capitals in them is
/// for the reader to fill in.
fn remedies(found: &[FoundEks<'_>]) -> String {
    let commands: Vec<String> = found.iter().filter_map(FoundEks::commands).collect();
    let shown = commands.iter().take(COMMANDED).flat_map(|commands| commands.lines());
    let shown: Vec<String> = shown.map(harmless).collect();
    let lines: String = shown.iter().flat_map(|line| ["    ", line, "\n"]).collect();
    match commands.len() {
        0 => String::new(),
        n if n > COMMANDED => format!("  To do:\n{lines}    (and the same for {} more)\n", n - COMMANDED),
        _ => format!("  To do:\n{lines}"),
    }
}

/// A cluster of a target; parts of a target are one place.
fn key<'a>(found: &FoundEks<'a>) -> (&'a str, &'a str, &'a str) {
    let FoundEks { target, finding } = found;
    (target.account.as_str(), target.region.as_str(), finding.cluster.as_str())
}

/// How many clusters these are about.
fn clusters(found: &[FoundEks<'_>]) -> usize {
    found.iter().map(key).collect::<BTreeSet<_>>().len()
}

/// Names of clusters, each once, so many at most.
fn names(found: &[FoundEks<'_>], most: usize) -> String {
    let names: BTreeSet<_> = found.iter().map(key).collect();
    list(names.into_iter().map(|(_, _, name)| name), most)
}
