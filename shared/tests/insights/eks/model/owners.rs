//! What owners of clusters do, and the events of it.

use std::collections::BTreeSet;

use fargaze::cluster::ClusterName;
use fargaze::eks::LogType;
use fargaze::fault::{Fault, FaultKind};
use fargaze::insights::eks::{EksAspect, EksState, LoggingNamespace};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::cloud::{Accepted, fault};
use super::{Cluster, Data, Mood, Owner, Shape, World};
use crate::common::{Call, Noise};

impl World {
    /// `CreateCluster`, which EKS refuses where there is one of that name.
    pub(crate) fn create(&mut self, name: &ClusterName, shape: Shape, by: &str) {
        let is_there = self.clusters.contains_key(name);
        let answer = if is_there {
            let why = "Cluster already exists with name";
            Err(fault("eks:CreateCluster", FaultKind::Invalid, "ResourceInUseException", why))
        } else {
            // CloudTrail tells whole seconds.
            let born = self.now() + SignedDuration::from_millis(400);
            self.clusters.insert(name.clone(), Cluster::new(born, self.minute, shape));
            self.judge.note_birth(self.serial + 1, name, born);
            Ok(())
        };
        let spelling = if self.serial.is_multiple_of(2) { "name" } else { "clusterName" };
        let request = json!({spelling: name});
        self.emit("CreateCluster", by, request, answer.map(|()| json!({"cluster": {spelling: name}})));
    }

    pub(crate) fn delete(&mut self, name: &ClusterName, by: &str) {
        let minute = self.minute;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        let answer = cluster.delete(minute);
        let answer = answer.map(|()| json!({"cluster": {"name": name, "status": "DELETING"}}));
        self.emit("DeleteCluster", by, json!({"name": name}), answer);
    }

    /// Types of logs are turned on and off.
    pub(crate) fn set_logs(&mut self, name: &ClusterName, to: &BTreeSet<LogType>, by: &str) {
        let minute = self.minute;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        let off = &cluster.log_types() - to;
        let answer = cluster.update_logs((to, &off), None, Owner::Others, minute);
        self.emit_logs(name, (to, &off), by, answer);
    }

    pub(crate) fn install(&mut self, name: &ClusterName, addon: &'static str, by: &str) {
        let minute = self.minute;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        let answer = cluster.create_addon(addon, None, Owner::Others, minute);
        if answer.is_ok() && cluster.mood.fails {
            // Which of two that are gone or failed EKS failed at, nobody can tell.
            self.is_in_doubt(name, aspect_of(addon));
        }
        self.emit_addon("CreateAddon", name, addon, by, answer.map(drop));
    }

    pub(crate) fn update_addon(&mut self, name: &ClusterName, addon: &'static str, by: &str) {
        let minute = self.minute;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        let answer = cluster.update_addon(addon, minute);
        self.emit_addon("UpdateAddon", name, addon, by, answer);
    }

    pub(crate) fn uninstall(&mut self, name: &ClusterName, addon: &'static str, by: &str) {
        let minute = self.minute;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        let aspect = aspect_of(addon);
        let absent =
            || fault("eks:DeleteAddon", FaultKind::NotFound, "ResourceNotFoundException", "no such add-on");
        let mut answer = if cluster.state(aspect) == EksState::Absent { Err(absent()) } else { Ok(()) };
        if answer.is_ok() {
            cluster.by_others(aspect, |cluster| answer = cluster.delete_addon(addon, minute));
        }
        self.emit_addon("DeleteAddon", name, addon, by, answer);
    }

    /// The `ConfigMap` becomes this, of which no event of CloudTrail tells.
    pub(crate) fn set_map(&mut self, name: &ClusterName, data: Option<Data>) {
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        if cluster.namespace != LoggingNamespace::Terminating {
            cluster.by_others(EksAspect::AwsLogging, |cluster| {
                if data.is_some() && cluster.namespace == LoggingNamespace::Missing {
                    cluster.namespace = LoggingNamespace::Enabled;
                }
                cluster.config_map = data.map(|data| (data, Owner::Others));
            });
        }
    }

    /// The namespace is made with another label, labelled, or deleted.
    pub(crate) fn set_namespace(&mut self, name: &ClusterName, namespace: &LoggingNamespace) {
        let minute = self.minute;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        match namespace {
            _ if cluster.namespace == LoggingNamespace::Terminating => {}
            LoggingNamespace::Missing if cluster.namespace == LoggingNamespace::Missing => {}
            LoggingNamespace::Missing => cluster.delete_namespace(minute),
            other => cluster.namespace = other.clone(),
        }
    }

    pub(crate) fn set_profile(&mut self, name: &ClusterName, namespace: Option<&'static str>, by: &str) {
        let minute = self.minute;
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        cluster.select(namespace, minute);
        let call = if namespace.is_some() { "CreateFargateProfile" } else { "DeleteFargateProfile" };
        let request = json!({"name": name, "fargateProfileName": "default"});
        self.emit(call, by, request, Ok(json!({"fargateProfile": {"clusterName": name}})));
    }

    pub(crate) fn set_nodes(&mut self, name: &ClusterName, has_nodes: bool, by: &str) {
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        cluster.has_nodes = has_nodes;
        let call = if has_nodes { "CreateNodegroup" } else { "DeleteNodegroup" };
        self.emit(call, by, json!({"name": name, "nodegroupName": "a"}), Ok(json!({"nodegroup": null})));
    }

    pub(crate) fn opt_out(&mut self, name: &ClusterName, out: bool) {
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        cluster.tags.clear();
        cluster.tags.extend(out.then(|| ("fargaze".to_owned(), "hands-off".to_owned())));
    }

    pub(crate) fn set_mood(&mut self, name: &ClusterName, mood: Mood) {
        self.clusters.entry(name.clone()).and_modify(|cluster| cluster.mood = mood);
    }

    /// EKS keeps updates for a while only.
    pub(crate) fn forget_updates(&mut self, name: &ClusterName) {
        if let Some(cluster) = self.clusters.get_mut(name) {
            cluster.ended.clear();
            self.is_in_doubt(name, EksAspect::ControlPlaneLogs);
        }
    }

    /// An event that looks as if somebody had created the cluster.
    pub(crate) fn noise(&mut self, noise: Noise, name: &ClusterName) {
        self.emit("CreateCluster", "somebody", json!({"name": name}), Ok(json!({"cluster": {"name": name}})));
        let mut event = serde_json::from_str(&self.messages.pop().unwrap()).unwrap();
        noise.spoil(&mut event, "UpdateClusterVersion");
        self.messages.push(event.to_string());
    }

    pub(super) fn emit_logs(
        &mut self,
        name: &ClusterName,
        (on, off): (&BTreeSet<LogType>, &BTreeSet<LogType>),
        by: &str,
        answer: Result<Accepted, Fault>,
    ) {
        let groups = [(on, true), (off, false)].into_iter().filter(|(types, _)| !types.is_empty());
        let groups = groups.map(|(types, enabled)| json!({"types": types, "enabled": enabled}));
        let request = json!({"name": name, "logging": {"clusterLogging": groups.collect::<Vec<_>>()}});
        let answer = answer
            .map(|Accepted { update_id, .. }| json!({"update": {"id": update_id, "status": "InProgress"}}));
        self.emit("UpdateClusterConfig", by, request, answer);
    }

    pub(super) fn emit_addon(
        &mut self,
        call: &str,
        name: &ClusterName,
        addon: &str,
        by: &str,
        answer: Result<(), Fault>,
    ) {
        let answer = answer.map(|()| json!({"addon": {"clusterName": name, "addonName": addon}}));
        self.emit(call, by, json!({"name": name, "addonName": addon}), answer);
    }

    /// The event of a call, which EventBridge delivers if it pleases.
    fn emit(&mut self, call: &str, by: &str, request: Value, answer: Result<Value, Fault>) {
        self.serial += 1;
        let (serial, time) = (self.serial, self.now());
        let (answer, code) = match answer {
            Ok(answer) => (answer, None),
            Err(fault) => (Value::Null, Some(fault.code)),
        };
        let mut event = Call { service: "eks", name: call, serial, time, by, request, answer }.event();
        if let Some(code) = code {
            event["detail"]["errorCode"] = json!(code);
        }
        self.messages.push(event.to_string());
    }
}

fn aspect_of(addon: &str) -> EksAspect {
    EksAspect::ALL.into_iter().find(|aspect| aspect.addon() == Some(addon)).unwrap()
}
