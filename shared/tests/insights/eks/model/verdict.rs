//! What the judge of a history says to the calls of fargaze.

use fargaze::cluster::ClusterName;
use fargaze::eks::CLOUDWATCH_OBSERVABILITY;
use fargaze::fault::Fault;
use fargaze::insights::eks::{
    AddonWish, AwsLoggingWish, EksAspect, EksChange, EksResult, EksState, EksWishes, LoggingNamespace,
    LogsWish, UpdateStatus,
};
use fargaze::insights::{ChangeState, opts_out};
use jiff::Timestamp;

use super::cloud::{Accepted, DEFAULT_VERSION, Installed};
use super::judge::is_met;
use super::past::Past;
use super::{Cluster, Data, Owner, Trouble, World, key};
use crate::common::at;

impl World {
    /// A call that fargaze is about to make: a good one, and not once too often.
    pub(super) fn judge_call(&mut self, change: &EksChange, trouble: Trouble) {
        let (name, aspect) = (&change.subject.cluster, change.subject.aspect);
        let policies = self.configured(name).wishes;
        let cluster = &self.clusters[name];
        assert!(!opts_out(&cluster.tags) && !self.config.dry_run, "{name} is not to be touched");
        assert_eq!(cluster.status(self.minute), "ACTIVE", "{name}");
        let unfinished = self.table.values().find(|other| {
            other.subject == change.subject
                && other.state == ChangeState::Planned
                && other.accepted
                && other.time >= cluster.born
        });
        assert!(
            unfinished.is_none(),
            "it is not known how this ended, and it is asked for again: {unfinished:?}"
        );
        match &change.to {
            EksState::Logs(to) => {
                let LogsWish::AtLeast(wanted) = &policies.control_plane_logs else {
                    panic!("nobody asked for logs")
                };
                let on = cluster.log_types();
                assert!(on.is_subset(to) && (to - &on).is_subset(wanted) && *to != on, "{on:?} to {to:?}");
            }
            EksState::Addon { .. } => self.judge_place(name, aspect.addon().unwrap(), &policies),
            EksState::ConfigMap(data) => {
                assert_eq!(policies.aws_logging, AwsLoggingWish::Write(data.clone()));
                // The same data by somebody else cannot be told from fargaze's.
                let is_theirs = |(there, owner): &&(Data, Owner)| {
                    *owner == Owner::Others && !cluster.past.asked.maps.contains_key(there)
                };
                let theirs = cluster.config_map.as_ref().filter(is_theirs);
                assert!(theirs.is_none(), "{theirs:?} is overwritten");
                let open = [LoggingNamespace::Missing, LoggingNamespace::Enabled];
                assert!(open.contains(&cluster.namespace), "{:?}", cluster.namespace);
            }
            EksState::Absent => panic!("{aspect} of {name} is removed"),
        }
        let (fails, minute) = (cluster.mood.fails, self.minute);
        let past = self.past(name);
        past.wanted.insert(aspect);
        let is_answered =
            !matches!(trouble, Trouble::BeforeCall | Trouble::AfterCall | Trouble::Unsent | Trouble::Lost);
        if !is_answered {
            past.unanswered.insert(aspect);
            *past.failures.entry(aspect).or_default() += usize::from(fails);
            past.asked.add(change, minute);
            let row = past.rows.entry(aspect).or_default();
            row.failed.1 = 0;
            if row.made.0 != change.wish {
                row.made = (change.wish.clone(), 0);
            }
        }
    }

    fn judge_place(&self, name: &ClusterName, addon: &'static str, policies: &EksWishes) {
        let cluster = &self.clusters[name];
        let is_observability = addon == CLOUDWATCH_OBSERVABILITY;
        let policy =
            if is_observability { policies.cloudwatch_observability } else { policies.metrics_server };
        assert_eq!(policy, AddonWish::Install);
        assert!(!cluster.addons.contains_key(addon), "{addon} is there");
        let is_place = |(namespace, ready): (&str, i64)| namespace != "default" && self.minute >= ready;
        let has_place = cluster.has_nodes || !is_observability && cluster.profile.is_some_and(is_place);
        assert!(has_place, "{addon} has no place in {name}");
    }

    /// What EKS answered to a change.
    pub(super) fn judge_answer(&mut self, change: &EksChange, answer: &Result<Accepted, Fault>) {
        let Ok(Accepted { update_id, .. }) = answer else { return };
        let (name, aspect, minute) = (&change.subject.cluster, change.subject.aspect, self.minute);
        let cluster = self.clusters.get_mut(name).unwrap();
        cluster.past.answered.add(change, minute);
        let Some(fails) = cluster.fails(aspect, update_id.as_deref()) else { return };
        let past = &mut cluster.past;
        past.accepted.insert(aspect, minute);
        past.asked.add(change, minute);
        let row = past.rows.entry(aspect).or_default();
        let wish = &change.wish;
        let counted = if fails { &mut row.failed } else { &mut row.made };
        *counted = (wish.clone(), if counted.0 == *wish { counted.1 + 1 } else { 1 });
        assert!(counted.1 <= 2, "{aspect} of {name} is changed again and again for {wish}");
        if fails {
            *past.failures.entry(aspect).or_default() += 1;
        } else {
            row.failed.1 = 0;
            self.judge.made.push((key(change), change.subject.clone()));
        }
    }

    /// What fargaze made of the answer.
    pub(super) fn judge_result(&mut self, change: &EksChange, trouble: Trouble, result: &EksResult) {
        let subject = &change.subject;
        match trouble {
            Trouble::Overtaken => {
                let met = is_met(
                    subject.aspect,
                    &self.clusters[&subject.cluster].state(subject.aspect),
                    &self.configured(&subject.cluster).wishes,
                );
                self.judge.seen.extend(met.then_some("made so by others"));
                let is_right = *result == EksResult::Right || !met;
                assert!(is_right, "somebody made {subject} so at the same time: {result:?}");
            }
            Trouble::Busy => {
                let waits =
                    *result == EksResult::InProgress || change.subject.aspect == EksAspect::AwsLogging;
                assert!(waits, "EKS is at work on {subject}: {result:?}");
            }
            _ => {}
        }
    }

    /// A restore marks changes of an aspect, before or after it undoes them.
    pub(super) fn judge_marks(&mut self, name: &ClusterName, aspect: EksAspect, marked: &[EksChange]) {
        let past = self.past(name);
        past.restored.extend(marked.iter().map(|change| (aspect, change.wish.clone())));
        past.undone.extend(marked.iter().any(|change| change.undo.is_some()).then_some(aspect));
        past.rows.remove(&aspect);
    }

    /// What a restore is about to take away was asked for by fargaze since then, as far as anybody can tell by what is
    /// there. Log types and add-ons look alike whoever made them, so fargaze must have been told that they are its own.
    pub(super) fn judge_undo(
        &mut self,
        name: &ClusterName,
        aspect: EksAspect,
        to: &EksState,
        since: Option<Timestamp>,
    ) {
        let cluster = &self.clusters[name];
        let Past { asked, answered, .. } = &cluster.past;
        let is_since = |minute: Option<&i64>| {
            minute.is_some_and(|minute| since.is_none_or(|since| at(*minute) >= since))
        };
        match (to, aspect.addon()) {
            (EksState::Logs(on), _) => {
                let mut off = cluster.logs.iter().filter(|(log, _)| !on.contains(log));
                let strange = off.find(|(log, _)| !is_since(answered.logs.get(log)));
                assert_eq!(strange, None, "it is turned off");
            }
            (_, Some(name)) => {
                let is_ours = |addon: &Installed| {
                    addon.version == DEFAULT_VERSION && is_since(answered.addons.get(name))
                };
                let there = cluster.addons.get(name);
                assert!(there.is_none_or(is_ours), "{there:?} is deleted");
            }
            _ => {
                let there = cluster.config_map.as_ref();
                assert!(
                    there.is_none_or(|(data, _)| is_since(asked.maps.get(data))),
                    "{there:?} is taken away"
                );
            }
        }
        let minute = self.minute;
        self.past(name).accepted.insert(aspect, minute);
    }
}

impl Cluster {
    /// Whether EKS fails at what it accepted just now; none if nobody knows.
    fn fails(&self, aspect: EksAspect, update_id: Option<&str>) -> Option<bool> {
        match (update_id, aspect.addon()) {
            (Some(id), _) => match self.ended.get(id) {
                Some(status) => Some(*status != UpdateStatus::Successful),
                None => self.update.as_ref().filter(|update| update.is_of(id)).map(|update| update.fails),
            },
            (None, Some(addon)) => Some(self.addons.get(addon).is_some_and(|addon| addon.fails)),
            (None, None) => Some(false),
        }
    }
}
