//! The sweep, and what it writes down of the clusters that it saw.

use std::collections::BTreeSet;

use fargaze::cluster::ClusterName;
use fargaze::insights::Sighting;
use fargaze::insights::eks::{EksFinding, EksResult};
use jiff::Timestamp;

use super::setup::{Look, Looked};
use super::{Known, Stop, Trouble, World, followed};

impl World {
    /// The sweep; ends early if it is killed, and gives nothing then.
    pub(crate) fn sweep(&mut self, trouble: (usize, Trouble)) -> Option<Vec<EksFinding>> {
        self.trouble = trouble;
        let ended = self.sweep_all();
        self.trouble = (0, Trouble::None);
        ended.ok()
    }

    fn sweep_all(&mut self) -> Result<Vec<EksFinding>, Stop> {
        let (time, id) = (self.now(), format!("sweep-{}", self.minute));
        let listed: Vec<ClusterName> = self.clusters.keys().cloned().collect();
        let allowed = self.config.limits.allows(listed.len());
        let (mut all, mut changed) = (Vec::new(), 0);
        for name in &listed {
            let look = Look { cause: (&id, time), restores: false, may_change: changed < allowed };
            let Some(Looked { mut findings, log, follow }) = self.look(name, &look)? else { continue };
            if follow && look.may_change && !self.config.dry_run {
                self.follow(name, followed(&log), look.cause, false);
            }
            changed += usize::from(findings.iter().any(counts));
            let born = self.clusters[name].born;
            let is_reported = self.lives.get(name).is_some_and(|life| life.reports_creation(born));
            if let Some(first) = findings.first_mut() {
                first.unannounced = !is_reported && self.is_seen(name) == Some(false);
                self.judge_announcement(first);
            }
            for finding in &mut findings {
                let mut last = self.known.iter().flat_map(|known| &known.findings);
                let same = |last: &&EksFinding| last.cluster == *name && last.aspect == finding.aspect;
                finding.mark_news(last.find(same));
            }
            all.extend(findings);
        }
        if !self.config.dry_run {
            self.know(&listed, &all, time);
        }
        Ok(all)
    }

    /// What the sweep writes down at its end.
    fn know(&mut self, listed: &[ClusterName], findings: &[EksFinding], time: Timestamp) {
        let is_open = |name: &ClusterName| {
            findings.iter().any(|finding| finding.cluster == *name && finding.result.is_open())
        };
        let is_being_made = |name: &ClusterName| {
            findings.iter().any(|finding| finding.cluster == *name && finding.is_being_made())
        };
        let since = |name| self.sighting(name).after(time, is_open(name), is_being_made(name));
        let clusters = listed.iter().filter_map(|name| Some((name.clone(), since(name)?))).collect();
        let is_worth_a_word = |finding: &&EksFinding| {
            !matches!(finding.result, EksResult::Right | EksResult::Left) || finding.unannounced
        };
        let kept = findings.iter().filter(is_worth_a_word).cloned().collect();
        let closed: BTreeSet<ClusterName> = listed.iter().filter(|name| !is_open(name)).cloned().collect();
        self.known = Some(Known { clusters, findings: kept });
        self.judge_end_of_sweep(&closed);
    }

    fn sighting(&self, name: &ClusterName) -> Sighting {
        match &self.known {
            None => Sighting::NoSweep,
            Some(known) => known.clusters.get(name).map_or(Sighting::Unseen, |at| Sighting::Since(*at)),
        }
    }

    pub(super) fn is_heard(&self, name: &ClusterName) -> bool {
        self.lives.get(name).is_some_and(|life| life.created.is_some())
    }

    pub(super) fn is_seen(&self, name: &ClusterName) -> Option<bool> {
        match self.sighting(name) {
            Sighting::NoSweep => None,
            Sighting::Unseen => Some(false),
            Sighting::Since(seen) => Some(self.clusters[name].born <= seen),
        }
    }

    pub(crate) fn is_swept(&self) -> bool {
        self.known.is_some()
    }
}

/// Whether a cluster counts as one that the run changes.
fn counts(finding: &EksFinding) -> bool {
    match &finding.result {
        EksResult::Failed(fault) => !fault.kind.is_refusal(),
        EksResult::InProgress | EksResult::NotYet => true,
        result => result.is_change(),
    }
}
