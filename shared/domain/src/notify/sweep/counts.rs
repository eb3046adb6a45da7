//! Counts of clusters by finding.

use super::{Findings, Placed, clusters, label};
use crate::model::fault::FaultKind;
use crate::model::run::{Platform, RunKind};
use crate::notify::words::count;
use crate::reconcile::{Finding, FindingResult};

const SILENT: &str = "on, but silent";
const UNANNOUNCED: &str = "without an event";

impl Findings<'_> {
    /// For the subject: `ECS: 2 set, 1 waiting; EKS: 1 set`. A rollback counts everything. Actions
    /// count each time; a silent cluster, or one without an event, only the first time.
    pub(super) fn counts_in_subject(&self) -> String {
        let is_rollback = self.kind == RunKind::Rollback;
        let is_new = |finding: &Finding, of_result: bool| {
            is_rollback || finding.news || of_result && finding.result.is_act()
        };
        let of_platform = self.platforms.iter().filter_map(|platform| {
            let counts = self.counts(*platform, is_new);
            (!counts.is_empty()).then(|| format!("{}: {}", label(*platform), counts.join(", ")))
        });
        of_platform.collect::<Vec<_>>().join("; ")
    }

    /// `41 of 43 ECS clusters comply, 2 left alone`.
    pub(super) fn compliance(&self, platform: Platform) -> String {
        let all = self.on(platform, |_| true);
        let not = self.on(platform, |finding| !finding.result.is_plain());
        let left = self.on(platform, |finding| finding.result == FindingResult::Left);
        // Some aspects of an EKS cluster are always left alone; the cluster counts as left alone if
        // nothing else was found.
        let busy = self.on(platform, |finding| finding.result != FindingResult::Left);
        let only_left = clusters(&left) - shared(&left, &busy);
        let of = format!("{} cluster", label(platform));
        let compliant = clusters(&all) - clusters(&not) - only_left;
        let mut text = format!("{compliant} of {} comply", count(clusters(&all), &of));
        let counts = self.counts(platform, |_, _| true);
        for part in (only_left > 0).then(|| format!("{only_left} left alone")).into_iter().chain(counts) {
            text.push_str(&format!(", {part}"));
        }
        text
    }

    fn on(&self, platform: Platform, wanted: impl Fn(&Finding) -> bool) -> Vec<Placed<'_>> {
        let found = self.found.iter().filter(|found| found.target.platform == platform);
        found.filter(|found| wanted(found.finding)).copied().collect()
    }

    /// `3 set`, `1 still CREATING after an hour`, `1 in conflict`: the number of clusters by
    /// finding, for wanted findings only. The second argument of `wanted` is whether the count is
    /// about the finding's result. Account defaults are counted only where no cluster is.
    fn counts(&self, platform: Platform, wanted: impl Fn(&Finding, bool) -> bool) -> Vec<String> {
        type Is = fn(&Finding) -> bool;
        let rows: [(Is, &str); 17] = [
            (|finding| finding.result == FindingResult::Set, "set"),
            (|finding| finding.result == FindingResult::WouldSet, "would be set"),
            (|finding| finding.result == FindingResult::RolledBack, "rolled back"),
            (|finding| finding.result == FindingResult::Skipped, "skipped"),
            (|finding| finding.result == FindingResult::Waiting, "waiting"),
            (|finding| finding.result == FindingResult::InProgress, "in progress"),
            (|finding| finding.result == FindingResult::NotYet, "not yet created"),
            (
                |finding| finding.result == FindingResult::Overdue && finding.aspect.is_none(),
                "still CREATING after an hour",
            ),
            (
                |finding| finding.result == FindingResult::Overdue && finding.aspect.is_some(),
                "still updating after an hour",
            ),
            (|finding| matches!(finding.result, FindingResult::Conflict(_)), "in conflict"),
            (|finding| is_denied(finding), "denied"),
            (|finding| finding.result.fault().is_some() && !is_denied(finding), "with errors"),
            (|finding| finding.silent, SILENT),
            (|finding| finding.unannounced, UNANNOUNCED),
            (|finding| finding.result == FindingResult::Blocked, "blocked"),
            (|finding| finding.result == FindingResult::Reported, "out of policy"),
            (|finding| finding.result == FindingResult::UnderWay, "changed by another run"),
        ];
        let rows = rows.into_iter().filter_map(|(is, what)| {
            let of_result = !matches!(what, SILENT | UNANNOUNCED);
            let found = self.on(platform, |finding| wanted(finding, of_result) && is(finding));
            match (found.is_empty(), clusters(&found)) {
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
