//! What owners and ECS do, and the events of it.

use std::collections::BTreeMap;

use fargaze::cluster::ClusterName;
use fargaze::insights::InsightsLevel;
use serde_json::json;

use super::{Cluster, World};
use crate::common::{Call, Noise, account};

impl World {
    /// `CreateCluster`, which of a cluster that is there answers with it as it is.
    pub(crate) fn create(&mut self, name: &ClusterName, level: InsightsLevel, by: &str, provisioning: bool) {
        if !self.clusters.contains_key(name) {
            // One of the same name may have been deleted with any level.
            let born = self.now();
            self.moves.entry(name.clone()).or_default().push((born, None, level));
            let cluster = Cluster {
                level,
                tags: BTreeMap::new(),
                provisioning,
                occupied: false,
                serial: self.serial,
                born,
            };
            self.clusters.insert(name.clone(), cluster);
        }
        self.emit("CreateCluster", name, level, by);
    }

    pub(crate) fn delete(&mut self, name: &ClusterName, by: &str) {
        if let Some(cluster) = self.clusters.remove(name) {
            self.emit("DeleteCluster", name, cluster.level, by);
        }
    }

    /// ECS has made all that it was making.
    pub(crate) fn finish(&mut self) {
        for cluster in self.clusters.values_mut() {
            cluster.provisioning = false;
        }
    }

    /// A service is started, or the last one is stopped.
    pub(crate) fn occupy(&mut self, name: &ClusterName, occupied: bool) {
        if let Some(cluster) = self.clusters.get_mut(name).filter(|cluster| !cluster.provisioning) {
            cluster.occupied = occupied;
        }
    }

    /// A setting is changed by one of the two calls that can.
    pub(crate) fn change(&mut self, name: &ClusterName, level: InsightsLevel, by: &str, call: &str) {
        let now = self.now();
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        self.moves.entry(name.clone()).or_default().push((now, Some(cluster.level), level));
        cluster.level = level;
        self.emit(call, name, level, by);
    }

    pub(crate) fn opt_out(&mut self, name: &ClusterName, out: bool) {
        let Some(cluster) = self.clusters.get_mut(name) else { return };
        if out {
            cluster.tags.insert("fargaze".to_owned(), "hands-off".to_owned());
        } else {
            cluster.tags.clear();
        }
    }

    pub(crate) fn noise(&mut self, noise: Noise, name: &ClusterName) {
        self.emit("UpdateClusterSettings", name, InsightsLevel::Disabled, "somebody");
        let mut event = serde_json::from_str(&self.events.pop().unwrap()).unwrap();
        noise.spoil(&mut event, "PutClusterCapacityProviders");
        self.events.push(event.to_string());
    }

    /// The event of a call, as EventBridge delivers it.
    pub(super) fn emit(&mut self, call: &str, name: &ClusterName, level: InsightsLevel, by: &str) {
        self.serial += 1;
        let arn = format!("arn:aws:ecs:eu-west-1:{}:cluster/{name}", account());
        let services = i32::from(self.clusters.get(name).is_some_and(|cluster| cluster.occupied));
        let request =
            json!({"clusterName": name, "settings": [{"name": "containerInsights", "value": level}]});
        let answer = json!({"cluster": {"clusterArn": arn, "activeServicesCount": services}});
        let (serial, time) = (self.serial, self.now());
        let call = Call { service: "ecs", name: call, serial, time, by, request, answer };
        self.events.push(call.event().to_string());
    }
}
