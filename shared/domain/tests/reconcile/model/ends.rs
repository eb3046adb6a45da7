//! What may remain at the end of a history, when nothing changes any more.

use fargaze::model::run::Platform;
use fargaze::reconcile::{
    Aspect, Change, ChangeState, Desired, Existing, Finding, FindingResult, LoggingNamespace, Value,
};

use super::past::is_met;
use super::reconcile::Check;
use super::{Ecs, Eks, Id, Kind, Owner, Resource, World};
use crate::common::data;

impl World {
    /// Every aspect complies, or there is a true reason why not.
    pub(crate) fn judge_end(&self, platform: Platform, findings: &[Finding]) {
        for finding in findings {
            let Finding { subject, aspect, result, reason, news, .. } = finding;
            assert!(!news, "it is reported again and again: {finding:?}");
            let id = Id { platform, subject: subject.clone() };
            let resource = &self.resources[&id];
            let Some(aspect) = *aspect else {
                let left = *result == FindingResult::Left && resource.opts_out();
                let is_failed = resource.eks().is_some_and(Eks::is_failed);
                assert!(left || *result == FindingResult::Reported && is_failed, "{finding:?}");
                continue;
            };
            let is_met = self.complies(&id, aspect);
            match result {
                FindingResult::Compliant => assert!(is_met, "{finding:?}"),
                FindingResult::Left if reason.contains("it was rolled back") => {
                    assert!(!is_met, "{finding:?}");
                }
                FindingResult::Left => assert!(self.is_not_asked_for(&id, aspect), "{finding:?}"),
                FindingResult::Blocked => assert!(resource.is_blocked(aspect), "{finding:?}"),
                FindingResult::Reported => self.judge_report(&id, aspect, finding),
                FindingResult::Conflict(_) => assert!(!is_met, "{finding:?}"),
                _ => panic!("{id} does not come to rest: {finding:?}"),
            }
        }
    }

    /// Whether an aspect complies with its policy.
    pub(crate) fn complies(&self, id: &Id, aspect: Aspect) -> bool {
        is_met(&self.desired(id, aspect), &self.resources[id].value(aspect))
    }

    fn is_not_asked_for(&self, id: &Id, aspect: Aspect) -> bool {
        let policy = self.policy(id).of(aspect);
        let eks = self.resources[id].eks();
        policy.desired == Desired::Leave
            || match aspect {
                Aspect::CloudwatchObservability => eks.is_some_and(|eks| !eks.has_nodes),
                Aspect::AwsLogging => eks.is_some_and(|eks| eks.profile.is_none()) || policy.is_built_in(),
                _ => false,
            }
    }

    fn judge_report(&self, id: &Id, aspect: Aspect, finding: &Finding) {
        let policy = self.policy(id).of(aspect);
        let resource = &self.resources[id];
        let says = |words: &str| finding.reason.contains(words);
        let is_met = self.complies(id, aspect);
        let is_true = match (&resource.kind, aspect) {
            _ if says("existing: report") => {
                let is_new =
                    id.is_ecs_cluster() && self.has_creation_event(id) && self.is_known_to_be_another(id);
                // A rolled-back cluster is no longer new.
                let was_rolled_back = resource.past.rolled_back.iter().any(|(of, _)| *of == aspect);
                policy.existing == Existing::Report && !is_met && (!is_new || was_rolled_back)
            }
            _ if says("EKS failed to apply it 2 times") => resource.past.has_failed_twice(aspect) && !is_met,
            _ if says("a rollback failed to undo it") => resource.past.undone.contains(&aspect),
            (Kind::Eks(eks), Aspect::ControlPlaneLogs) => {
                policy.desired == Desired::Report && eks.logs.is_empty()
            }
            (Kind::Eks(eks), Aspect::AwsLogging) => match &eks.config_map {
                None => policy.desired == Desired::Report,
                Some((there, owner)) => {
                    let is_bad = *there == data("bad") || resource.is_blocked(aspect);
                    is_bad || *owner == Owner::Others && !is_met
                }
            },
            (Kind::Eks(eks), _) => match eks.addons.get(aspect.addon().unwrap()) {
                Some(addon) => addon.fails,
                None => policy.desired == Desired::Report,
            },
            (Kind::Account(_) | Kind::Ecs(_), _) => false,
        };
        assert!(is_true, "{resource:?}: {finding:?}");
    }

    /// Changes with an open result, although the subject can be read.
    pub(crate) fn open(&self) -> Vec<&Change> {
        let is_open = |id: &Id, change: &Change| {
            let there = self.resources.get(id).filter(|there| change.made >= there.born);
            let is_asked = |there: &Resource| {
                there.eks().is_none() || there.status(self.minute) == "ACTIVE" && !there.opts_out()
            };
            there.is_some_and(is_asked)
                && (change.state == ChangeState::Planned || change.in_progress().is_some())
        };
        self.table.iter().filter(|((id, ..), change)| is_open(id, change)).map(|(_, change)| change).collect()
    }

    /// Resources of fargaze that nobody changed since and that a rollback must remove; only in
    /// clusters that can be changed.
    pub(crate) fn untouched(&self) -> Vec<(Id, Aspect)> {
        let active = self.resources.iter().filter(|(_, there)| there.status(self.minute) == "ACTIVE");
        let of = |(id, there): (&Id, &Resource)| {
            let aspects = id.aspects().filter(|aspect| there.is_of_fargaze(*aspect));
            aspects.map(|aspect| (id.clone(), aspect)).collect::<Vec<_>>()
        };
        active.flat_map(of).collect()
    }

    /// Event path and sweep do the same in the same world, if nothing takes time.
    pub(crate) fn judge_both_paths(&self) {
        let (mut received, mut swept) = (self.clone(), self.clone());
        swept.config.limits.max_changes = 1000;
        swept.tick();
        received.tick();
        swept.sweep(Platform::Ecs, super::Hit::NONE);
        for id in self.ids().into_iter().filter(|id| id.platform == Platform::Ecs) {
            let check = Check { id: &id, cause: "an event", rolls_back: false, may_change: true };
            assert!(received.check(&check).is_ok(), "nothing disturbs it");
            assert_eq!(received.traces(&id), swept.traces(&id), "{id}");
        }
    }

    /// The relevant state of the world after a subject was processed: its values, and the changes
    /// without time and cause.
    fn traces(&self, id: &Id) -> impl PartialEq + std::fmt::Debug + use<> {
        let values: Vec<Value> = id.aspects().map(|aspect| self.resources[id].value(aspect)).collect();
        let changes = self.table.iter().filter(|((of, ..), _)| of == id).map(|(_, change)| change.clone());
        let mut changes: Vec<_> = changes
            .map(|change| {
                (change.from.to_string(), change.to.to_string(), change.policy, change.state.as_str())
            })
            .collect();
        changes.sort();
        (values, changes)
    }
}

impl Resource {
    fn is_blocked(&self, aspect: Aspect) -> bool {
        let Some(eks) = self.eks() else { return false };
        match aspect {
            Aspect::MetricsServer => {
                !eks.has_nodes && eks.profile.is_none_or(|(namespace, _)| namespace == "default")
            }
            Aspect::AwsLogging => matches!(eks.namespace, LoggingNamespace::NotEnabled(_)),
            _ => false,
        }
    }

    /// Whether an aspect is as fargaze set it and fargaze knows that. After an unanswered call, the
    /// value may also come from others.
    pub(super) fn is_of_fargaze(&self, aspect: Aspect) -> bool {
        let ours = |owner: &Owner| *owner == Owner::Fargaze;
        let is_there = match (&self.kind, aspect.addon()) {
            (Kind::Account(setting) | Kind::Ecs(Ecs { setting, .. }), _) => ours(&setting.owner),
            (Kind::Eks(eks), Some(name)) => {
                eks.addons.get(name).is_some_and(|addon| ours(&addon.owner) && !addon.fails)
            }
            (Kind::Eks(eks), None) if aspect == Aspect::AwsLogging => {
                eks.config_map.as_ref().is_some_and(|(_, owner)| ours(owner))
            }
            (Kind::Eks(eks), None) => eks.logs.values().any(ours),
        };
        is_there && !self.past.unanswered.contains(&aspect)
    }
}
