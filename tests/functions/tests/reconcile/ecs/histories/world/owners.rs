//! What owners, ECS and chance do to clusters.

use fake_aws::{ClusterSpec, Fault, ServiceSpec};
use serde_json::json;

use super::{History, NAMES, PEOPLE};
use crate::reconcile::ecs::{UPDATE, created, deleted, levels, set_by, set_level};

impl History {
    pub(super) fn create(&mut self) {
        let (name, level) =
            (self.dice.one(&NAMES), self.dice.one(&["disabled", "disabled", "enabled", "enhanced"]));
        let is_there = levels(&self.stack).contains_key(name);
        if is_there {
            // As a deploy script does each time.
            let occupied = self.stack.aws.edit(|world| !world.home().clusters()[name].services.is_empty());
            let mut event = created(name, self.at);
            event["detail"]["responseElements"]["cluster"]["activeServicesCount"] =
                json!(i32::from(occupied));
            self.note(format!("{name} is created again"));
            self.emit(event);
        } else {
            let status = self.dice.one(&["ACTIVE", "ACTIVE", "PROVISIONING"]);
            let cluster = ClusterSpec::new(name).insights(level).status(status);
            self.stack.aws.edit(|world| world.home().put_cluster(cluster));
            // A compliant cluster of the name existed before; fargaze need not know that this is
            // another one.
            if !self.file.complies(name, level) {
                self.undone.entry(name.to_owned()).or_default().push(self.at);
            }
            // `shop` exists from the beginning.
            let at = if name == "shop" { i64::MAX } else { self.at };
            self.born.entry(name.to_owned()).and_modify(|first| *first = i64::MAX).or_insert(at);
            self.note(format!("{name} is created with {level}, {status}"));
            self.emit(created(name, self.at));
        }
    }

    /// ECS completes its pending creations.
    pub(in super::super) fn finish(&mut self) {
        self.stack.aws.edit(|world| {
            for name in NAMES {
                if let Some(cluster) = world.home().cluster_mut(name) {
                    "ACTIVE".clone_into(&mut cluster.status);
                }
            }
        });
        self.note("all that was being made is ACTIVE");
    }

    pub(super) fn occupy(&mut self) {
        let (name, occupied) = (self.dice.one(&NAMES), self.dice.one(&[true, true, false]));
        self.stack.aws.edit(|world| {
            let cluster = world.home().cluster_mut(name).filter(|cluster| cluster.status == "ACTIVE");
            if let Some(cluster) = cluster {
                cluster.services.clear();
                if occupied {
                    cluster.services.insert("web".to_owned(), ServiceSpec::new("web").running(0).desired(0));
                }
            }
        });
    }

    pub(super) fn change(&mut self) {
        let name = self.dice.one(&NAMES);
        let level = self.dice.one(&["disabled", "disabled", "disabled", "disabled", "enabled", "enhanced"]);
        let who = self.dice.one(&PEOPLE);
        let Some(before) = levels(&self.stack).remove(name) else { return };
        if self.file.complies(name, &before) && !self.file.complies(name, level) {
            self.undone.entry(name.to_owned()).or_default().push(self.at);
        }
        set_level(&self.stack, name, level);
        self.note(format!("{who} sets {name} from {before} to {level}"));
        let mut event = set_by(who, name, level, self.at);
        // Terraform's provider uses the one, the console the other.
        event["detail"]["eventName"] = json!(self.dice.one(&["UpdateClusterSettings", "UpdateCluster"]));
        self.emit(event);
    }

    pub(super) fn delete(&mut self) {
        let name = self.dice.one(&NAMES);
        if levels(&self.stack).contains_key(name) {
            self.stack.aws.edit(|world| world.home().remove_cluster(name));
            self.rows.remove(name);
            self.note(format!("{name} is deleted"));
            self.emit(deleted(name, self.at));
        }
    }

    pub(super) fn tag(&mut self) {
        let (name, value) = (self.dice.one(&NAMES), self.dice.one(&["hands-off", "yes", "no"]));
        self.stack.aws.edit(|world| {
            if let Some(cluster) = world.home().cluster_mut(name) {
                cluster.tags.insert("fargaze".to_owned(), value.to_owned());
            }
        });
        self.note(format!("{name} is tagged with {value}"));
    }

    /// Calls about a cluster of its name that do not concern fargaze.
    pub(super) fn noise(&mut self) {
        let (name, kind) = (self.dice.one(&NAMES), self.dice.below(4));
        let mut event = set_by("someone", name, "disabled", self.at);
        let detail = &mut event["detail"];
        match kind {
            0 => detail["errorCode"] = json!("AccessDenied"),
            1 => detail["eventSource"] = json!("kafka.amazonaws.com"),
            2 => detail["eventName"] = json!("PutClusterCapacityProviders"),
            _ => detail["requestParameters"]["settings"] = json!([]),
        }
        self.queue.push(event);
    }

    /// A future call is refused once.
    pub(super) fn refuse(&mut self) {
        let call = self.dice.one(&[
            UPDATE,
            "ecs:DescribeClusters",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:GetItem",
        ]);
        let nth = 1 + self.dice.below(3);
        self.stack.aws.add_fault(Fault::on(call).nth(nth).error(400, "AccessDeniedException", "not now"));
        self.note(format!("call {nth} of {call} will be refused"));
    }
}
