//! The judge's verdict on the calls of fargaze.

use fargaze::evidence::eks::CLOUDWATCH_OBSERVABILITY;
use fargaze::model::fault::Fault;
use fargaze::reconcile::{
    Aspect, Change, ChangeState, Desired, FindingResult, LoggingNamespace, UpdateStatus, Value,
};
use jiff::Timestamp;

use super::eks::{Accepted, DEFAULT_VERSION, Installed};
use super::past::{Past, is_met};
use super::{Data, Disruption, Eks, Id, Kind, Owner, Resource, World, key};
use crate::common::at;

impl World {
    /// Checks a call that fargaze is about to make: it must be right and not repeated.
    pub(super) fn judge_call(&mut self, id: &Id, change: &Change, disruption: Disruption) {
        let aspect = change.aspect;
        let desired = self.desired(id, aspect);
        let resource = &self.resources[id];
        assert!(!resource.opts_out() && !self.config.limits.dry_run, "{id} is not to be touched");
        assert_eq!(resource.status(self.minute), "ACTIVE", "{id}");
        let unfinished = self.table.iter().find(|((of, of_aspect, _), other)| {
            (of, *of_aspect) == (id, aspect)
                && other.state == ChangeState::Planned
                && other.accepted
                && other.made >= resource.born
        });
        assert!(unfinished.is_none(), "the result is unknown, and it is requested again: {unfinished:?}");
        match (&change.to, &resource.kind) {
            (Value::Level(to), Kind::Account(now) | Kind::Ecs(super::Ecs { setting: now, .. })) => {
                assert!(
                    *to != now.level && is_met(&desired, &change.to),
                    "a wasted call to set {id} to {to}"
                );
                let may_lower = matches!(desired, Desired::Exactly(_)) && aspect != Aspect::AccountDefault;
                assert!(*to > now.level || may_lower, "{id} is lowered to {to} for {desired}");
            }
            (to, Kind::Eks(eks)) => self.judge_eks_call(id, aspect, to, &desired, eks),
            (to, kind) => panic!("{kind:?} is set to {to}"),
        }
        let (fails, minute) = (resource.eks().is_some_and(|eks| eks.mood.fails), self.minute);
        let is_level = resource.eks().is_none();
        let past = self.past(id);
        past.wanted.insert(aspect);
        // Whose level it is then cannot be determined.
        past.unanswered.extend((disruption == Disruption::Overtaken && is_level).then_some(aspect));
        let is_answered = match disruption {
            Disruption::BeforeCall | Disruption::AfterCall | Disruption::Unsent | Disruption::Lost => false,
            // The level that is read back differs.
            Disruption::Busy => !is_level,
            Disruption::None | Disruption::Denied | Disruption::Overtaken => true,
        };
        if !is_answered {
            past.unanswered.insert(aspect);
            *past.failures.entry(aspect).or_default() += usize::from(fails);
            past.asked.add(change, minute);
            let row = past.rows.entry(aspect).or_default();
            row.failed.1 = 0;
            // The row ends with a change for another policy, including one with an unknown result.
            if row.made.0 != change.policy {
                row.made = (change.policy.clone(), 0);
            }
        }
    }

    fn judge_eks_call(&self, id: &Id, aspect: Aspect, to: &Value, desired: &Desired, eks: &Eks) {
        match to {
            Value::Logs(to) => {
                let Desired::Logs(wanted) = desired else { panic!("logs were not requested") };
                let on = eks.log_types();
                assert!(on.is_subset(to) && (to - &on).is_subset(wanted) && *to != on, "{on:?} to {to:?}");
            }
            Value::Addon { .. } => {
                let addon = aspect.addon().unwrap();
                assert_eq!(*desired, Desired::Installed);
                assert!(!eks.addons.contains_key(addon), "{addon} is there");
                let is_observability = addon == CLOUDWATCH_OBSERVABILITY;
                let is_place =
                    |(namespace, ready): (&str, i64)| namespace != "default" && self.minute >= ready;
                let has_place = eks.has_nodes || !is_observability && eks.profile.is_some_and(is_place);
                assert!(has_place, "{addon} has no place in {id}");
            }
            Value::ConfigMap(data) => {
                assert_eq!(*desired, Desired::ConfigMap(data.clone()));
                // The same data from someone else cannot be distinguished from fargaze's.
                let asked = &self.resources[id].past.asked.maps;
                let is_theirs =
                    |(there, owner): &&(Data, Owner)| *owner == Owner::Others && !asked.contains_key(there);
                let theirs = eks.config_map.as_ref().filter(is_theirs);
                assert!(theirs.is_none(), "{theirs:?} is overwritten");
                let open = [LoggingNamespace::Missing, LoggingNamespace::Enabled];
                assert!(open.contains(&eks.namespace), "{:?}", eks.namespace);
            }
            Value::Absent | Value::Level(_) | Value::Retention(_) => {
                panic!("{aspect} of {id} is set to {to}")
            }
        }
    }

    /// The service's response to a change.
    pub(super) fn judge_answer(&mut self, id: &Id, change: &Change, answer: &Result<Accepted, Fault>) {
        let Ok(Accepted { update_id, .. }) = answer else { return };
        let (aspect, minute) = (change.aspect, self.minute);
        let resource = self.resources.get_mut(id).unwrap();
        resource.past.answered.add(change, minute);
        let Some(fails) = resource.fails(aspect, update_id.as_deref()) else { return };
        let past = &mut resource.past;
        past.accepted.insert(aspect, minute);
        past.asked.add(change, minute);
        if change.to.level().is_some() {
            past.note_left(aspect, change.to.clone());
        }
        let row = past.rows.entry(aspect).or_default();
        let policy = &change.policy;
        let counted = if fails { &mut row.failed } else { &mut row.made };
        *counted = (policy.clone(), if counted.0 == *policy { counted.1 + 1 } else { 1 });
        assert!(counted.1 <= 2, "{aspect} of {id} is changed again and again for {policy}");
        if fails {
            *past.failures.entry(aspect).or_default() += 1;
        } else {
            row.failed.1 = 0;
            self.judge.made.push(key(id.platform, change));
        }
    }

    /// fargaze's reading of the response.
    pub(super) fn judge_result(
        &mut self,
        id: &Id,
        change: &Change,
        disruption: Disruption,
        result: &FindingResult,
    ) {
        let aspect = change.aspect;
        let resource = &self.resources[id];
        match disruption {
            Disruption::Overtaken => {
                let met = is_met(&self.desired(id, aspect), &resource.value(aspect));
                let is_level = resource.eks().is_none();
                self.judge.seen.extend(met.then_some("made so by others"));
                // ECS accepts a level that is already set.
                let is_right = *result == FindingResult::Compliant || !met || is_level;
                assert!(is_right, "someone made {aspect} of {id} so at the same time: {result:?}");
            }
            Disruption::Busy if resource.eks().is_some() => {
                let waits = *result == FindingResult::InProgress || aspect == Aspect::AwsLogging;
                assert!(waits, "EKS is at work on {aspect} of {id}: {result:?}");
            }
            _ => {}
        }
    }

    /// A rollback marks changes of an aspect, before or after it undoes them.
    pub(super) fn judge_marks(&mut self, id: &Id, aspect: Aspect, marked: &[Change]) {
        let asks = marked.iter().any(|change| change.undo.is_some());
        let past = self.past(id);
        past.rolled_back.extend(marked.iter().map(|change| (aspect, change.policy.clone())));
        past.undone.extend(asks.then_some(aspect));
        past.rows.remove(&aspect);
        // A restored level is its owner's again, whoever set it.
        let Some(resource) = self.resources.get_mut(id).filter(|_| !asks) else { return };
        if let Some(setting) = resource.setting() {
            setting.owner = Owner::Others;
            resource.past.note_left(aspect, resource.value(aspect));
        }
    }

    /// fargaze requested what a rollback is about to remove since then, as far as the current state
    /// shows. Log types and add-ons look the same whoever enabled them, so fargaze must know from a
    /// response that they are its own.
    pub(super) fn judge_undo(&mut self, id: &Id, aspect: Aspect, to: &Value, since: Option<Timestamp>) {
        let resource = &self.resources[id];
        let Past { asked, answered, .. } = &resource.past;
        let is_since = |minute: Option<&i64>| {
            minute.is_some_and(|minute| since.is_none_or(|since| at(*minute) >= since))
        };
        match (to, aspect.addon(), &resource.kind) {
            (Value::Logs(on), _, Kind::Eks(eks)) => {
                let mut off = eks.logs.iter().filter(|(log, _)| !on.contains(log));
                let strange = off.find(|(log, _)| !is_since(answered.logs.get(log)));
                assert_eq!(strange, None, "it is turned off");
            }
            (_, Some(name), Kind::Eks(eks)) => {
                let is_ours = |addon: &Installed| {
                    addon.version == DEFAULT_VERSION && is_since(answered.addons.get(name))
                };
                let there = eks.addons.get(name);
                assert!(there.is_none_or(is_ours), "{there:?} is deleted");
            }
            (_, None, Kind::Eks(eks)) => {
                let there = eks.config_map.as_ref();
                assert!(there.is_none_or(|(data, _)| is_since(asked.maps.get(data))), "{there:?} is removed");
            }
            _ => {
                let now = resource.value(aspect);
                let ours =
                    |change: &Change| change.to == now && since.is_none_or(|since| change.made >= since);
                let mut changes = self.table.iter().filter(|((of, ..), _)| of == id);
                let is_ours = now == *to || changes.any(|(_, change)| ours(change));
                assert!(is_ours, "{id} is {now} by others, and set to {to}");
            }
        }
        let minute = self.minute;
        self.past(id).accepted.insert(aspect, minute);
    }
}

impl Resource {
    /// Whether the service fails at what it just accepted; `None` if unknown.
    fn fails(&self, aspect: Aspect, update_id: Option<&str>) -> Option<bool> {
        let Some(eks) = self.eks() else { return Some(false) };
        match (update_id, aspect.addon()) {
            (Some(id), _) => match eks.ended.get(id) {
                Some(status) => Some(*status != UpdateStatus::Successful),
                None => eks.update.as_ref().filter(|update| update.is_of(id)).map(|update| update.fails),
            },
            (None, Some(addon)) => Some(eks.addons.get(addon).is_some_and(|addon| addon.fails)),
            (None, None) => Some(false),
        }
    }
}
