//! The resources: an account, an ECS cluster or an EKS cluster, and their history.

use std::collections::BTreeMap;
use std::fmt;

use fargaze::model::cluster::ClusterName;
use fargaze::model::insights::{InsightsLevel, opts_out};
use fargaze::model::run::Platform;
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, SubjectKind, Value};
use jiff::Timestamp;

use super::eks::{Eks, Owner};
use super::past::Past;
use crate::common::at;

/// A subject on its platform: ECS and EKS clusters may have the same names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) platform: Platform,
    pub(crate) subject: Subject,
}

impl Id {
    pub(crate) const ACCOUNT: Self = Self { platform: Platform::Ecs, subject: Subject::Account };

    pub(crate) fn cluster(platform: Platform, name: &ClusterName) -> Self {
        Self { platform, subject: Subject::Cluster(name.clone()) }
    }

    pub(crate) fn is_ecs_cluster(&self) -> bool {
        self.platform == Platform::Ecs && self.subject != Subject::Account
    }

    pub(crate) fn aspects(&self) -> impl Iterator<Item = Aspect> + use<> {
        SubjectKind::of(self.platform, &self.subject).into_iter().flat_map(Aspect::of)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.platform.as_str(), self.subject)
    }
}

/// A setting of Container Insights, and who set it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(super) level: InsightsLevel,
    pub(super) owner: Owner,
}

/// An ECS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ecs {
    pub(super) setting: Setting,
    /// ECS is still creating it.
    pub(super) is_provisioning: bool,
    /// It runs a service.
    pub(super) is_occupied: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Account(Setting),
    Ecs(Ecs),
    Eks(Box<Eks>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(super) born: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    /// ECS is throttled and does not describe it.
    pub(super) is_hidden: bool,
    pub(super) kind: Kind,
    /// Its history. Only the judge of a history reads it.
    pub(super) past: Past,
}

impl Resource {
    pub(super) fn new(born: Timestamp, kind: Kind) -> Self {
        Self { born, tags: BTreeMap::new(), is_hidden: false, kind, past: Past::default() }
    }

    pub(super) fn status(&self, minute: i64) -> &'static str {
        match &self.kind {
            Kind::Ecs(Ecs { is_provisioning: true, .. }) => "PROVISIONING",
            Kind::Account(_) | Kind::Ecs(_) => "ACTIVE",
            Kind::Eks(eks) => eks.status(minute),
        }
    }

    /// Whether the service is still creating it.
    pub(super) fn is_being_made(&self, minute: i64) -> bool {
        matches!(self.status(minute), "CREATING" | "PROVISIONING")
    }

    pub(super) fn opts_out(&self) -> bool {
        opts_out(&self.tags)
    }

    /// The true value of an aspect.
    pub(super) fn value(&self, aspect: Aspect) -> Value {
        match &self.kind {
            Kind::Account(setting) | Kind::Ecs(Ecs { setting, .. }) => Value::Level(setting.level),
            Kind::Eks(eks) => eks.value(aspect),
        }
    }

    pub(super) fn setting(&mut self) -> Option<&mut Setting> {
        match &mut self.kind {
            Kind::Account(setting) | Kind::Ecs(Ecs { setting, .. }) => Some(setting),
            Kind::Eks(_) => None,
        }
    }

    pub(super) fn eks(&self) -> Option<&Eks> {
        match &self.kind {
            Kind::Eks(eks) => Some(eks),
            Kind::Account(_) | Kind::Ecs(_) => None,
        }
    }

    pub(super) fn eks_mut(&mut self) -> Option<&mut Eks> {
        match &mut self.kind {
            Kind::Eks(eks) => Some(eks),
            Kind::Account(_) | Kind::Ecs(_) => None,
        }
    }

    /// A change of an aspect by others, which may revert one of fargaze.
    pub(super) fn by_others(&mut self, aspect: Aspect, minute: i64, what: impl FnOnce(&mut Self)) {
        let before = self.value(aspect);
        what(self);
        let after = self.value(aspect);
        self.past.note_change_of_others(aspect, at(minute), before, after);
    }

    /// Time passes: EKS completes its work. False if the cluster no longer exists.
    pub(super) fn pass(&mut self, minute: i64) -> bool {
        let Kind::Eks(eks) = &mut self.kind else { return true };
        eks.drop_addons(minute);
        let (ended, loses_namespace) = (eks.take_ended(minute), eks.loses_namespace(minute));
        match ended {
            Some(update) if update.owner == Owner::Others => {
                self.by_others(Aspect::ControlPlaneLogs, minute, |of| of.with_eks(|eks| eks.end(update)));
            }
            Some(update) => self.with_eks(|eks| eks.end(update)),
            None => {}
        }
        if loses_namespace {
            self.by_others(Aspect::AwsLogging, minute, |of| of.with_eks(Eks::lose_namespace));
        }
        self.eks().is_none_or(|eks| eks.is_there(minute))
    }

    /// Does something with the EKS cluster, if it is one.
    pub(super) fn with_eks(&mut self, what: impl FnOnce(&mut Eks)) {
        if let Kind::Eks(eks) = &mut self.kind {
            what(eks);
        }
    }
}
