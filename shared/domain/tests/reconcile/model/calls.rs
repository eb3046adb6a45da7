//! Mutating calls of fargaze, and what happens to them.

use std::collections::BTreeSet;

use fargaze::evidence::eks::LogType;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::InsightsLevel;
use fargaze::reconcile::{AwsLogging, Change, Observed, Value};

use super::eks::{Accepted, LogsCall, fault};
use super::{Disruption, Id, Owner, Setting, Stop, World};
use crate::common::OURS;

impl World {
    /// The call that makes a change.
    pub(super) fn call(
        &mut self,
        id: &Id,
        change: &Change,
        observed: &Observed,
        disruption: Disruption,
    ) -> Result<Result<Accepted, Fault>, Stop> {
        let aspect = change.aspect;
        self.disturb(id, disruption, |world| world.overtake(id, change))?;
        if let Some(fault) = before_call(disruption) {
            return Ok(Err(fault));
        }
        let is_lost = matches!(disruption, Disruption::AfterCall | Disruption::Lost);
        let owner = if is_lost { Owner::Unanswered } else { Owner::Fargaze };
        if let Value::Level(to) = change.to {
            return after_call(self.set_level(id, Setting { level: to, owner }, disruption), disruption);
        }
        let (minute, token) = (self.minute, change.token());
        let Some(there) = self.resources.get_mut(id).and_then(|there| there.eks_mut()) else {
            panic!("{id} is no EKS cluster")
        };
        let answer = match (&change.to, aspect.addon(), observed.eks().map(|eks| &eks.logging)) {
            (Value::Logs(on), ..) => {
                let logs = LogsCall { on, off: &BTreeSet::new() };
                let answer = there.update_logs(&logs, Some(&token), owner, minute);
                self.emit_logs(id, &logs, OURS, answer.clone());
                answer
            }
            (_, Some(addon), _) => {
                let answer = there.create_addon(addon, Some(&token), owner, minute);
                self.emit_addon("CreateAddon", id, addon, OURS, answer.clone().map(drop));
                answer
            }
            (Value::ConfigMap(data), _, Some(AwsLogging::Known { namespace, .. })) => {
                there.write(namespace, &change.from, data, owner).map(|()| done())
            }
            (to, ..) => panic!("{aspect} cannot be made {to}"),
        };
        after_call(answer, disruption)
    }

    /// `UpdateClusterSettings` or `PutAccountSettingDefault`, and the read-back after it.
    pub(super) fn set_level(
        &mut self,
        id: &Id,
        to: Setting,
        disruption: Disruption,
    ) -> Result<Accepted, Fault> {
        let Some(setting) = self.resources.get_mut(id).and_then(|there| there.setting()) else {
            panic!("{id} has no level")
        };
        *setting = to;
        self.emit_level("UpdateClusterSettings", id, to.level, OURS);
        if disruption == Disruption::Busy {
            let other = match to.level {
                InsightsLevel::Disabled => InsightsLevel::Enhanced,
                InsightsLevel::Enabled | InsightsLevel::Enhanced => InsightsLevel::Disabled,
            };
            self.change_level(id, other, "alice", "UpdateClusterSettings");
            return Err(fault("ecs:UpdateClusterSettings", FaultKind::Transient, "not applied", ""));
        }
        Ok(done())
    }

    /// What happens just before a call of fargaze.
    pub(super) fn disturb(
        &mut self,
        id: &Id,
        disruption: Disruption,
        overtake: impl FnOnce(&mut Self),
    ) -> Result<(), Stop> {
        match (disruption, self.resources[id].eks()) {
            (Disruption::BeforeCall, _) => return Err(Stop::Killed),
            (Disruption::Busy, Some(eks)) => {
                let mut types = eks.log_types();
                if !types.remove(&LogType::Authenticator) {
                    types.insert(LogType::Authenticator);
                }
                self.set_logs(id, &types, "alice");
            }
            (Disruption::Overtaken, _) => overtake(self),
            _ => {}
        }
        Ok(())
    }

    /// Someone else makes the change; logs at once, as if EKS had needed no time.
    fn overtake(&mut self, id: &Id, change: &Change) {
        let minute = self.minute;
        match (&change.to, change.aspect.addon()) {
            (Value::Level(to), _) => self.change_level(id, *to, "alice", "UpdateClusterSettings"),
            (Value::Logs(to), _) => {
                let Some(there) = self.resources.get_mut(id) else { return };
                there.by_others(change.aspect, minute, |there| {
                    there.with_eks(|eks| {
                        for log in to {
                            eks.logs.entry(*log).or_insert(Owner::Others);
                        }
                    });
                });
            }
            (Value::ConfigMap(data), _) => self.set_map(id, Some(data.clone())),
            (_, Some(addon)) => self.install(id, addon, "alice"),
            _ => {}
        }
    }
}

/// The response to a call that is complete when it is answered.
pub(super) fn done() -> Accepted {
    Accepted { is_done: true, ..Accepted::default() }
}

/// Why a call does not reach the service or is rejected.
pub(super) fn before_call(disruption: Disruption) -> Option<Fault> {
    match disruption {
        Disruption::Unsent => Some(fault("any:Call", FaultKind::Throttled, "ThrottlingException", "")),
        Disruption::Denied => Some(fault("any:Call", FaultKind::Denied, "AccessDeniedException", "")),
        _ => None,
    }
}

/// What arrives of a response.
pub(super) fn after_call<T>(
    answer: Result<T, Fault>,
    disruption: Disruption,
) -> Result<Result<T, Fault>, Stop> {
    match disruption {
        Disruption::AfterCall => Err(Stop::Killed),
        Disruption::Lost => {
            Ok(answer.and_then(|_| Err(fault("any:Call", FaultKind::Transient, "timeout", ""))))
        }
        _ => Ok(answer),
    }
}
