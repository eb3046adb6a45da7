//! The sweep of a platform's target, and its record of the clusters.

use std::collections::BTreeSet;

use fargaze::model::cluster::ClusterName;
use fargaze::model::run::Platform;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Finding, FindingResult, Waiting};
use jiff::Timestamp;

use super::receive::Following;
use super::reconcile::{Check, Checked};
use super::{Hit, Id, Known, Stop, World};

impl World {
    /// The sweep; ends early and returns nothing if it is killed.
    pub(crate) fn sweep(&mut self, platform: Platform, hit: Hit) -> Option<Vec<Finding>> {
        self.hit = hit;
        let ended = self.sweep_all(platform);
        self.hit = Hit::NONE;
        ended.ok()
    }

    fn sweep_all(&mut self, platform: Platform) -> Result<Vec<Finding>, Stop> {
        let (time, cause) = (self.now(), format!("sweep-{}", self.minute));
        let of_target: Vec<Id> = self.ids().into_iter().filter(|id| id.platform == platform).collect();
        let clusters = of_target.iter().filter(|id| id.subject != Subject::Account).count();
        let allowed = self.config.limits.allows(clusters);
        if platform == Platform::Ecs {
            self.note_deletions(time);
        }
        let (mut all, mut changed, mut set) = (Vec::new(), 0, 0);
        for id in &of_target {
            let is_account = id.subject == Subject::Account;
            if self.resources[id].is_hidden && !is_account {
                continue;
            }
            let may_change = is_account || changed < allowed;
            let check = Check { id, cause: &cause, rolls_back: false, may_change };
            let Checked { mut findings, log, follow } = self.check(&check)?;
            if follow && may_change && !self.config.limits.dry_run {
                let (since, waiting) = (time, Waiting::AtWork);
                self.follow(id, &log, &Following { cause: &cause, since, waiting, rolls_back: false });
            }
            let counts = findings.iter().any(|finding| finding.result.counts_as_change());
            changed += usize::from(counts && !is_account);
            let is_set = findings.iter().any(|finding| finding.result == FindingResult::Set);
            set += usize::from(is_set && !is_account);
            assert!(set <= allowed, "more are changed than may be");
            if let Some(first) = findings.first_mut().filter(|_| !is_account) {
                let is_reported = self.life(id).reports_creation(self.created_at(id));
                first.unannounced = !is_reported && self.is_seen(id) == Some(false);
                self.judge_announcement(id, first);
            }
            for finding in &mut findings {
                let mut last = self.known.get(&platform).into_iter().flat_map(|known| &known.findings);
                let same =
                    |last: &&Finding| (&last.subject, last.aspect) == (&finding.subject, finding.aspect);
                finding.mark_news(last.find(same));
                self.judge_sweep(id, finding);
            }
            all.extend(findings);
        }
        if !self.config.limits.dry_run {
            self.know(platform, &all, time);
        }
        Ok(all)
    }

    /// A sweep records the deletion of ECS clusters that no longer exist.
    fn note_deletions(&mut self, time: Timestamp) {
        let of_table = self.table.keys().map(|(id, ..)| id);
        let ids: BTreeSet<Id> = of_table.chain(self.lives.keys()).cloned().collect();
        for id in ids.into_iter().filter(|id| id.is_ecs_cluster() && !self.resources.contains_key(id)) {
            let log = self.log_of(&id, None);
            if let Some(deleted) = self.life(&id).missed_by(time, Some(&log)) {
                self.lives.entry(id).or_default().add_deletion(deleted);
            }
        }
    }

    /// What the sweep records at its end.
    fn know(&mut self, platform: Platform, findings: &[Finding], time: Timestamp) {
        let of = |name: &ClusterName| {
            let name = name.clone();
            findings.iter().filter(move |finding| finding.cluster() == Some(&name))
        };
        // Nothing is recorded as complete for a cluster that could not be read.
        let is_open = |name: &ClusterName| {
            of(name).next().is_none() || of(name).any(|finding| finding.result.is_open())
        };
        let is_being_made = |name: &ClusterName| of(name).any(Finding::is_being_made);
        let listed: Vec<Id> = self.ids().into_iter().filter(|id| id.platform == platform).collect();
        let since = |id: &Id| {
            let name = id.subject.cluster()?;
            let at = self.sweep_record(id).after(time, is_open(name), is_being_made(name))?;
            Some((name.clone(), at))
        };
        let clusters = listed.iter().filter_map(since).collect();
        let is_closed = |id: &&Id| id.subject.cluster().is_some_and(|name| !is_open(name));
        let closed: BTreeSet<Id> = listed.iter().filter(is_closed).cloned().collect();
        let kept = findings.iter().filter(|finding| finding.is_remarkable()).cloned().collect();
        let is_first = self.known.insert(platform, Known { clusters, findings: kept }).is_none();
        self.judge_end_of_sweep(platform, &closed, is_first);
    }

    /// Whether the last sweep saw an existing cluster.
    pub(super) fn is_seen(&self, id: &Id) -> Option<bool> {
        self.life(id).seen(self.sweep_record(id), self.created_at(id))
    }

    pub(crate) fn is_swept(&self, platform: Platform) -> bool {
        self.known.contains_key(&platform)
    }
}
