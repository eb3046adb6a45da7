//! What owners of clusters and services do, and the resulting events.

use std::collections::BTreeSet;

use fargaze::evidence::eks::LogType;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::InsightsLevel;
use fargaze::model::run::Platform;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, LoggingNamespace, Value as Setting};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::eks::{Accepted, Eks, LogsCall, fault};
use super::{Data, Ecs, Id, Kind, Mood, Owner, Resource, Shape, World};
use crate::common::{Call, Noise, account};

impl World {
    /// ECS's `CreateCluster`, which returns an existing cluster as it is.
    pub(crate) fn create_ecs(&mut self, id: &Id, level: InsightsLevel, by: &str, is_provisioning: bool) {
        if !self.resources.contains_key(id) {
            let born = self.now();
            let setting = super::Setting { level, owner: Owner::Others };
            let mut cluster =
                Resource::new(born, Kind::Ecs(Ecs { setting, is_provisioning, is_occupied: false }));
            cluster.past = self.judge.past_of_the_next(id);
            // A cluster of the same name may have been deleted with any level.
            cluster.past.note_creation(born, Setting::Level(level));
            self.resources.insert(id.clone(), cluster);
        }
        self.emit_level("CreateCluster", id, level, by);
    }

    /// EKS's `CreateCluster`, which fails if the name exists.
    pub(crate) fn create_eks(&mut self, id: &Id, shape: Shape, by: &str) {
        let is_there = self.resources.contains_key(id);
        let answer = if is_there {
            let why = "Cluster already exists with name";
            Err(fault("eks:CreateCluster", FaultKind::Invalid, "ResourceInUseException", why))
        } else {
            // CloudTrail has whole seconds.
            let born = self.now() + SignedDuration::from_millis(400);
            let kind = Kind::Eks(Box::new(Eks::new(self.minute, shape)));
            self.resources.insert(id.clone(), Resource::new(born, kind));
            self.judge.note_birth(self.serial + 1, id, born);
            Ok(())
        };
        let spelling = if self.serial.is_multiple_of(2) { "name" } else { "clusterName" };
        let request = json!({spelling: id.subject.cluster()});
        let answer = answer.map(|()| json!({"cluster": {spelling: id.subject.cluster()}}));
        self.emit("eks", "CreateCluster", by, request, answer);
    }

    pub(crate) fn delete(&mut self, id: &Id, by: &str) {
        let minute = self.minute;
        let Some(cluster) = self.resources.get_mut(id) else { return };
        match &mut cluster.kind {
            Kind::Account(_) => {}
            Kind::Ecs(ecs) => {
                let level = ecs.setting.level;
                self.emit_level("DeleteCluster", id, level, by);
                let Some(cluster) = self.resources.remove(id) else { return };
                self.judge.note_end(id, cluster.past);
            }
            Kind::Eks(eks) => {
                let name = id.subject.cluster();
                let answer = eks.delete(minute);
                let answer = answer.map(|()| json!({"cluster": {"name": name, "status": "DELETING"}}));
                self.emit("eks", "DeleteCluster", by, json!({"name": name}), answer);
            }
        }
    }

    /// ECS completes all pending creations.
    pub(crate) fn finish(&mut self) {
        for resource in self.resources.values_mut() {
            if let Kind::Ecs(ecs) = &mut resource.kind {
                ecs.is_provisioning = false;
            }
        }
    }

    /// Starts a service of an ECS cluster, or stops the last one.
    pub(crate) fn occupy(&mut self, id: &Id, is_occupied: bool) {
        let Some(Kind::Ecs(ecs)) = self.resources.get_mut(id).map(|there| &mut there.kind) else { return };
        ecs.is_occupied = is_occupied && !ecs.is_provisioning;
    }

    /// Sets Container Insights of a cluster by one of the two possible calls, or the account's
    /// default.
    pub(crate) fn change_level(&mut self, id: &Id, level: InsightsLevel, by: &str, call: &str) {
        let minute = self.minute;
        let Some(there) = self.resources.get_mut(id) else { return };
        let Some(aspect) = id.aspects().next() else { return };
        there.by_others(aspect, minute, |there| {
            if let Some(setting) = there.setting() {
                *setting = super::Setting { level, owner: Owner::Others };
            }
        });
        self.emit_level(call, id, level, by);
    }

    /// Turns log types on and off.
    pub(crate) fn set_logs(&mut self, id: &Id, to: &BTreeSet<LogType>, by: &str) {
        let minute = self.minute;
        let Some(eks) = self.resources.get_mut(id).and_then(Resource::eks_mut) else { return };
        let off = &eks.log_types() - to;
        let logs = LogsCall { on: to, off: &off };
        let answer = eks.update_logs(&logs, None, Owner::Others, minute);
        self.emit_logs(id, &logs, by, answer);
    }

    pub(crate) fn install(&mut self, id: &Id, addon: &'static str, by: &str) {
        let minute = self.minute;
        let Some(eks) = self.resources.get_mut(id).and_then(Resource::eks_mut) else { return };
        let answer = eks.create_addon(addon, None, Owner::Others, minute);
        if answer.is_ok() && eks.mood.fails {
            // Which of two missing or failed add-ons EKS failed at cannot be determined.
            self.is_in_doubt(id, aspect_of(addon));
        }
        self.emit_addon("CreateAddon", id, addon, by, answer.map(drop));
    }

    pub(crate) fn update_addon(&mut self, id: &Id, addon: &'static str, by: &str) {
        let minute = self.minute;
        let Some(eks) = self.resources.get_mut(id).and_then(Resource::eks_mut) else { return };
        let answer = eks.update_addon(addon, minute);
        self.emit_addon("UpdateAddon", id, addon, by, answer);
    }

    pub(crate) fn uninstall(&mut self, id: &Id, addon: &'static str, by: &str) {
        let minute = self.minute;
        let Some(there) = self.resources.get_mut(id).filter(|there| there.eks().is_some()) else { return };
        let aspect = aspect_of(addon);
        let absent =
            || fault("eks:DeleteAddon", FaultKind::NotFound, "ResourceNotFoundException", "no such add-on");
        let mut answer = if there.value(aspect) == Setting::Absent { Err(absent()) } else { Ok(()) };
        if answer.is_ok() {
            there.by_others(aspect, minute, |there| {
                there.with_eks(|eks| answer = eks.delete_addon(addon, minute));
            });
        }
        self.emit_addon("DeleteAddon", id, addon, by, answer);
    }

    /// Sets the `ConfigMap`; CloudTrail records no event for it.
    pub(crate) fn set_map(&mut self, id: &Id, data: Option<Data>) {
        let minute = self.minute;
        let Some(there) = self.resources.get_mut(id) else { return };
        if there.eks().is_none_or(|eks| eks.namespace == LoggingNamespace::Terminating) {
            return;
        }
        there.by_others(Aspect::AwsLogging, minute, |there| {
            there.with_eks(|eks| {
                if data.is_some() && eks.namespace == LoggingNamespace::Missing {
                    eks.namespace = LoggingNamespace::Enabled;
                }
                eks.config_map = data.map(|data| (data, Owner::Others));
            });
        });
    }

    /// Creates the namespace with another label, labels it, or deletes it.
    pub(crate) fn set_namespace(&mut self, id: &Id, namespace: &LoggingNamespace) {
        let minute = self.minute;
        let Some(eks) = self.resources.get_mut(id).and_then(Resource::eks_mut) else { return };
        match namespace {
            _ if eks.namespace == LoggingNamespace::Terminating => {}
            LoggingNamespace::Missing if eks.namespace == LoggingNamespace::Missing => {}
            LoggingNamespace::Missing => eks.delete_namespace(minute),
            other => eks.namespace = other.clone(),
        }
    }

    pub(crate) fn set_profile(&mut self, id: &Id, namespace: Option<&'static str>, by: &str) {
        let (minute, name) = (self.minute, id.subject.cluster());
        let Some(eks) = self.resources.get_mut(id).and_then(Resource::eks_mut) else { return };
        eks.select(namespace, minute);
        let call = if namespace.is_some() { "CreateFargateProfile" } else { "DeleteFargateProfile" };
        let request = json!({"name": name, "fargateProfileName": "default"});
        self.emit("eks", call, by, request, Ok(json!({"fargateProfile": {"clusterName": name}})));
    }

    pub(crate) fn set_nodes(&mut self, id: &Id, has_nodes: bool, by: &str) {
        let Some(eks) = self.resources.get_mut(id).and_then(Resource::eks_mut) else { return };
        eks.has_nodes = has_nodes;
        let call = if has_nodes { "CreateNodegroup" } else { "DeleteNodegroup" };
        let request = json!({"name": id.subject.cluster(), "nodegroupName": "a"});
        self.emit("eks", call, by, request, Ok(json!({"nodegroup": null})));
    }

    pub(crate) fn opt_out(&mut self, id: &Id, out: bool) {
        let Some(cluster) = self.resources.get_mut(id).filter(|_| id.subject != Subject::Account) else {
            return;
        };
        cluster.tags.clear();
        cluster.tags.extend(out.then(|| ("fargaze".to_owned(), "hands-off".to_owned())));
    }

    pub(crate) fn set_mood(&mut self, id: &Id, mood: Mood) {
        let Some(there) = self.resources.get_mut(id) else { return };
        match &mut there.kind {
            Kind::Account(_) | Kind::Ecs(_) => there.is_hidden = mood.throttled[0],
            Kind::Eks(eks) => eks.mood = mood,
        }
    }

    /// EKS keeps updates only for a while.
    pub(crate) fn forget_updates(&mut self, id: &Id) {
        if let Some(eks) = self.resources.get_mut(id).and_then(Resource::eks_mut) {
            eks.ended.clear();
            self.is_in_doubt(id, Aspect::ControlPlaneLogs);
        }
    }

    /// An event that looks as if someone had created the EKS cluster or turned the ECS cluster off.
    pub(crate) fn noise(&mut self, noise: Noise, id: &Id) {
        let other = match id.platform {
            Platform::Ecs => {
                self.emit_level("UpdateClusterSettings", id, InsightsLevel::Disabled, "someone");
                "PutClusterCapacityProviders"
            }
            Platform::Eks => {
                let name = id.subject.cluster();
                let answer = Ok(json!({"cluster": {"name": name}}));
                self.emit("eks", "CreateCluster", "someone", json!({"name": name}), answer);
                "UpdateClusterVersion"
            }
        };
        let mut event = serde_json::from_str(&self.messages.pop().unwrap()).unwrap();
        noise.spoil(&mut event, other);
        self.messages.push(event.to_string());
    }

    /// The event of a call about Container Insights.
    pub(super) fn emit_level(&mut self, call: &str, id: &Id, level: InsightsLevel, by: &str) {
        let Some(name) = id.subject.cluster() else {
            let request = json!({"name": "containerInsights", "value": level});
            self.emit("ecs", "PutAccountSettingDefault", by, request, Ok(json!({"setting": {}})));
            return;
        };
        let arn = format!("arn:aws:ecs:eu-west-1:{}:cluster/{name}", account());
        let is_occupied = matches!(self.resources.get(id).map(|there| &there.kind), Some(Kind::Ecs(ecs)) if ecs.is_occupied);
        let request =
            json!({"clusterName": name, "settings": [{"name": "containerInsights", "value": level}]});
        let answer = json!({"cluster": {"clusterArn": arn, "activeServicesCount": i32::from(is_occupied)}});
        self.emit("ecs", call, by, request, Ok(answer));
    }

    pub(super) fn emit_logs(
        &mut self,
        id: &Id,
        logs: &LogsCall<'_>,
        by: &str,
        answer: Result<Accepted, Fault>,
    ) {
        let groups = [(logs.on, true), (logs.off, false)].into_iter().filter(|(types, _)| !types.is_empty());
        let groups = groups.map(|(types, enabled)| json!({"types": types, "enabled": enabled}));
        let logging = json!({"clusterLogging": groups.collect::<Vec<_>>()});
        let request = json!({"name": id.subject.cluster(), "logging": logging});
        let answer = answer
            .map(|Accepted { update_id, .. }| json!({"update": {"id": update_id, "status": "InProgress"}}));
        self.emit("eks", "UpdateClusterConfig", by, request, answer);
    }

    pub(super) fn emit_addon(
        &mut self,
        call: &str,
        id: &Id,
        addon: &str,
        by: &str,
        answer: Result<(), Fault>,
    ) {
        let name = id.subject.cluster();
        let answer = answer.map(|()| json!({"addon": {"clusterName": name, "addonName": addon}}));
        self.emit("eks", call, by, json!({"name": name, "addonName": addon}), answer);
    }

    /// The event of a call; EventBridge may deliver it.
    fn emit(&mut self, service: &str, call: &str, by: &str, request: Value, answer: Result<Value, Fault>) {
        self.serial += 1;
        let (serial, time) = (self.serial, self.now());
        let (answer, code) = match answer {
            Ok(answer) => (answer, None),
            Err(fault) => (Value::Null, Some(fault.code)),
        };
        let mut event = Call { service, name: call, serial, time, by, request, answer }.event();
        if let Some(code) = code {
            event["detail"]["errorCode"] = json!(code);
        }
        self.messages.push(event.to_string());
    }
}

fn aspect_of(addon: &str) -> Aspect {
    Aspect::ALL.into_iter().find(|aspect| aspect.addon() == Some(addon)).unwrap()
}
