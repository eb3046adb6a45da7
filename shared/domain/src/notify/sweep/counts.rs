//! Counts of clusters by finding.

use super::{Findings, Kind, Placed, subjects};
use crate::model::fault::FaultKind;
use crate::model::run::RunKind;
use crate::notify::words::count;
use crate::reconcile::{Finding, FindingResult};

const SILENT: &str = "on without metrics";
const UNANNOUNCED: &str = "without an event";

impl Findings<'_> {
    /// For the subject: `ECS: 2 set, 1 waiting; EKS: 1 set`. A rollback counts everything. Actions
    /// count each time; a silent cluster, or one without an event, only the first time.
    pub(super) fn counts_in_subject(&self) -> String {
        let is_rollback = self.kind == RunKind::Rollback;
        let is_new = |finding: &Finding, of_result: bool| {
            is_rollback || finding.news || of_result && finding.result.is_act()
        };
        let of_kind = self.kinds().into_iter().filter_map(|kind| {
            let counts = self.counts(kind, is_new);
            (!counts.is_empty()).then(|| format!("{}: {}", kind.label(), counts.join(", ")))
        });
        of_kind.collect::<Vec<_>>().join("; ")
    }

    /// `41 of 43 ECS clusters comply, 2 left alone`.
    pub(super) fn compliance(&self, kind: Kind) -> String {
        let all = self.on(kind, |_| true);
        let not = self.on(kind, |finding| !finding.result.is_plain());
        let left = self.on(kind, |finding| finding.result == FindingResult::Left);
        // Some aspects of an EKS cluster are always left alone; the cluster counts as left alone if
        // nothing else was found.
        let busy = self.on(kind, |finding| finding.result != FindingResult::Left);
        let only_left = subjects(&left) - shared(&left, &busy);
        let of = kind.noun();
        let compliant = subjects(&all) - subjects(&not) - only_left;
        let comply = if compliant == 1 { "complies" } else { "comply" };
        let mut text = format!("{compliant} of {} {comply}", count(subjects(&all), &of));
        let counts = self.counts(kind, |_, _| true);
        for part in (only_left > 0).then(|| format!("{only_left} left alone")).into_iter().chain(counts) {
            text.push_str(&format!(", {part}"));
        }
        text
    }

    fn on(&self, kind: Kind, wanted: impl Fn(&Finding) -> bool) -> Vec<Placed<'_>> {
        let found = self.found.iter().filter(|found| Kind::of(found) == kind);
        found.filter(|found| wanted(found.finding)).copied().collect()
    }

    /// `3 set`, `1 still CREATING after an hour`, `1 in conflict`: the number of subjects by
    /// finding, for wanted findings only. The second argument of `wanted` is whether the count is
    /// about the finding's result. Account defaults are counted only where no cluster is.
    fn counts(&self, kind: Kind, wanted: impl Fn(&Finding, bool) -> bool) -> Vec<String> {
        type Is = fn(&Finding) -> bool;
        let rows: [(Is, &str, bool); 18] = [
            (|finding| finding.result == FindingResult::Set, "set", true),
            (|finding| finding.result == FindingResult::WouldSet, "would be set", true),
            (|finding| finding.result == FindingResult::RolledBack, "rolled back", true),
            (|finding| finding.result == FindingResult::Skipped, "skipped", true),
            (|finding| finding.result == FindingResult::Announced, "announced", true),
            (|finding| finding.result == FindingResult::Waiting, "waiting", true),
            (|finding| finding.result == FindingResult::InProgress, "in progress", true),
            (|finding| finding.result == FindingResult::NotYet, "not yet created", true),
            (
                |finding| finding.result == FindingResult::Overdue && finding.aspect.is_none(),
                "still CREATING after an hour",
                true,
            ),
            (
                |finding| finding.result == FindingResult::Overdue && finding.aspect.is_some(),
                "still updating after an hour",
                true,
            ),
            (|finding| matches!(finding.result, FindingResult::Conflict(_)), "in conflict", true),
            (|finding| is_denied(finding), "denied", true),
            (|finding| finding.result.fault().is_some() && !is_denied(finding), "with errors", true),
            (|finding| finding.silent, SILENT, false),
            (|finding| finding.unannounced, UNANNOUNCED, false),
            (|finding| finding.result == FindingResult::Blocked, "blocked", true),
            (|finding| finding.result == FindingResult::Reported, "out of policy", true),
            (|finding| finding.result == FindingResult::UnderWay, "changed by another run", true),
        ];
        let rows = rows.into_iter().filter_map(|(is, what, of_result)| {
            let found = self.on(kind, |finding| wanted(finding, of_result) && is(finding));
            match (found.is_empty(), subjects(&found)) {
                (true, _) => None,
                (false, 0) => Some(format!("account default {what}")),
                (false, n) => Some(format!("{n} {what}")),
            }
        });
        rows.collect()
    }
}

fn is_denied(finding: &Finding) -> bool {
    finding.result.fault().is_some_and(|fault| fault.kind == FaultKind::Denied)
}

/// Number of clusters that are in both.
fn shared(one: &[Placed<'_>], other: &[Placed<'_>]) -> usize {
    let other: std::collections::BTreeSet<_> = other.iter().filter_map(super::key).collect();
    let one: std::collections::BTreeSet<_> = one.iter().filter_map(super::key).collect();
    one.intersection(&other).count()
}
