//! An EKS cluster: what EKS and its Kubernetes API contain, accept and refuse.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::evidence::eks::LogType;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::reconcile::{Aspect, LoggingNamespace, UpdateStatus, Value};

/// Minutes that EKS takes to create a cluster, to update it, for an add-on or a Fargate profile,
/// and to delete a cluster.
const CREATION: i64 = 10;
const UPDATE: i64 = 3;
const PART: i64 = 2;
const DELETION: i64 = 4;
/// The same while EKS is slow: more than the hour after which fargaze stops following a cluster.
const SLOW: i64 = 70;

pub(crate) type Data = BTreeMap<String, String>;

/// Who created an existing resource. Only the judge of a history reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Fargaze,
    /// A call of fargaze whose response was lost.
    Unanswered,
    Others,
}

/// An add-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(super) owner: Owner,
    pub(super) version: &'static str,
    /// Minute until which EKS works on it, and the status meanwhile.
    pub(super) busy: (i64, &'static str),
    pub(super) fails: bool,
}

/// An update of the control-plane logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Update {
    id: String,
    pub(super) owner: Owner,
    began: i64,
    ends: i64,
    pub(super) fails: bool,
    to: BTreeSet<LogType>,
}

/// The condition of EKS and Kubernetes: what they fail at, and which calls they do not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mood {
    /// EKS fails at what it accepted.
    pub(crate) fails: bool,
    /// An update takes more than an hour.
    pub(crate) is_slow: bool,
    /// Calls about add-ons, their placement and updates are throttled.
    pub(crate) throttled: [bool; 3],
    /// The Kubernetes API rejects every caller.
    pub(crate) is_locked: bool,
}

/// The desired state of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Namespace that its Fargate profile selects.
    pub(crate) profile: Option<&'static str>,
    pub(crate) has_nodes: bool,
    /// EKS takes more than an hour to create it.
    pub(crate) is_slow: bool,
    /// EKS fails to create it.
    pub(crate) is_failed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Eks {
    ready: i64,
    is_failed: bool,
    deleted_at: Option<i64>,
    pub(super) logs: BTreeMap<LogType, Owner>,
    pub(super) addons: BTreeMap<&'static str, Installed>,
    pub(super) update: Option<Update>,
    /// Completed updates.
    pub(super) ended: BTreeMap<String, UpdateStatus>,
    /// The responses of EKS by `clientRequestToken`: a repeated call changes nothing.
    tokens: BTreeMap<String, Accepted>,
    pub(super) namespace: LoggingNamespace,
    /// Minute at which a namespace that is being deleted no longer exists.
    namespace_missing: i64,
    pub(super) config_map: Option<(Data, Owner)>,
    /// Namespace that its Fargate profile selects, and the minute from which the profile is ACTIVE.
    pub(super) profile: Option<(&'static str, i64)>,
    pub(super) has_nodes: bool,
    pub(super) mood: Mood,
}

/// Log types that a call turns on and off.
pub(super) struct LogsCall<'a> {
    pub(super) on: &'a BTreeSet<LogType>,
    pub(super) off: &'a BTreeSet<LogType>,
}

/// The response of EKS to an accepted change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Id of the update, if there is one.
    pub(super) update_id: Option<String>,
    /// Version of a new add-on.
    pub(super) version: Option<String>,
    /// It is complete.
    pub(super) is_done: bool,
}

/// EKS's default version of add-ons, and the version to which others update.
pub(super) const DEFAULT_VERSION: &str = "v0.8.0-eksbuild.1";
const NEXT_VERSION: &str = "v0.9.0-eksbuild.1";

pub(super) fn fault(operation: &str, kind: FaultKind, code: &str, message: &str) -> Fault {
    // Calls of owners are not operations of fargaze, and nothing checks them.
    let operation = operation.parse().unwrap_or(Operation::EksDescribeCluster);
    let subject = "the cluster".to_owned();
    Fault { operation, subject, kind, code: code.to_owned(), message: message.to_owned() }
}

fn conflict() -> Fault {
    fault("kubernetes:POST configmaps", FaultKind::Conflict, "Conflict", "\"aws-logging\" already exists")
}

impl Eks {
    /// A cluster that EKS begins to create.
    pub(super) fn new(minute: i64, shape: Shape) -> Self {
        let Shape { profile, has_nodes, is_slow, is_failed } = shape;
        let ready = minute + if is_slow { SLOW } else { CREATION };
        Self {
            ready,
            is_failed,
            deleted_at: None,
            logs: BTreeMap::new(),
            addons: BTreeMap::new(),
            update: None,
            ended: BTreeMap::new(),
            tokens: BTreeMap::new(),
            namespace: LoggingNamespace::Missing,
            namespace_missing: i64::MAX,
            config_map: None,
            profile: profile.map(|namespace| (namespace, ready + PART)),
            has_nodes,
            mood: Mood::default(),
        }
    }

    pub(crate) fn status(&self, minute: i64) -> &'static str {
        match &self.update {
            _ if self.deleted_at.is_some() => "DELETING",
            _ if minute < self.ready => "CREATING",
            _ if self.is_failed => "FAILED",
            // EKS needs a moment to report it.
            Some(update) if minute > update.began => "UPDATING",
            _ => "ACTIVE",
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        self.is_failed
    }

    pub(super) fn log_types(&self) -> BTreeSet<LogType> {
        self.logs.keys().copied().collect()
    }

    /// The true value of an aspect.
    pub(super) fn value(&self, aspect: Aspect) -> Value {
        match (aspect, aspect.addon()) {
            (_, Some(name)) => match self.addons.get(name).filter(|addon| addon.busy.1 != "DELETING") {
                Some(addon) => Value::Addon { version: Some(addon.version.to_owned()), configuration: None },
                None => Value::Absent,
            },
            (Aspect::AwsLogging, _) => {
                self.config_map.as_ref().map_or(Value::Absent, |(data, _)| Value::ConfigMap(data.clone()))
            }
            _ => Value::Logs(self.log_types()),
        }
    }

    /// Whether it still exists.
    pub(super) fn is_there(&self, minute: i64) -> bool {
        self.deleted_at.is_none_or(|at| minute < at)
    }

    /// The update that is complete.
    pub(super) fn take_ended(&mut self, minute: i64) -> Option<Update> {
        self.update.take_if(|update| update.ends <= minute)
    }

    /// Removes add-ons whose deletion is complete.
    pub(super) fn drop_addons(&mut self, minute: i64) {
        self.addons.retain(|_, addon| addon.busy.1 != "DELETING" || addon.busy.0 > minute);
    }

    /// Whether the deletion of the namespace is complete.
    pub(super) fn loses_namespace(&self, minute: i64) -> bool {
        self.namespace_missing <= minute
    }

    /// Deletes the namespace with everything in it.
    pub(super) fn lose_namespace(&mut self) {
        (self.namespace, self.namespace_missing, self.config_map) =
            (LoggingNamespace::Missing, i64::MAX, None);
    }

    /// Completes an update, which changes the logs unless it fails.
    pub(super) fn end(&mut self, Update { id, owner, fails, to, .. }: Update) {
        let status = if fails {
            UpdateStatus::Failed("no free addresses".to_owned())
        } else {
            UpdateStatus::Successful
        };
        self.ended.insert(id, status);
        if !fails {
            self.logs.retain(|log, _| to.contains(log));
            for log in to {
                self.logs.entry(log).or_insert(owner);
            }
        }
    }

    pub(super) fn delete(&mut self, minute: i64) -> Result<(), Fault> {
        self.must_be_idle("eks:DeleteCluster", minute)?;
        self.deleted_at = Some(minute + DELETION);
        Ok(())
    }

    pub(super) fn delete_namespace(&mut self, minute: i64) {
        self.namespace = LoggingNamespace::Terminating;
        self.namespace_missing = minute + PART;
    }

    pub(super) fn select(&mut self, namespace: Option<&'static str>, minute: i64) {
        self.profile = namespace.map(|namespace| (namespace, minute + PART));
    }

    fn must_be_idle(&self, operation: &str, minute: i64) -> Result<(), Fault> {
        if self.status(minute) == "ACTIVE" && self.update.is_none() {
            return Ok(());
        }
        let why = "Cannot LoggingUpdate because the cluster currently has an update in progress";
        Err(fault(operation, FaultKind::InProgress, "ResourceInUseException", why))
    }

    /// `UpdateClusterConfig`
    pub(super) fn update_logs(
        &mut self,
        logs: &LogsCall<'_>,
        token: Option<&str>,
        owner: Owner,
        minute: i64,
    ) -> Result<Accepted, Fault> {
        const OPERATION: &str = "eks:UpdateClusterConfig";
        if let Some(accepted) = token.and_then(|token| self.tokens.get(token)) {
            return Ok(accepted.clone());
        }
        self.must_be_idle(OPERATION, minute)?;
        let now = self.log_types();
        let to = &(&now | logs.on) - logs.off;
        if to == now {
            let why = "No changes needed for the logging config provided";
            return Err(fault(OPERATION, FaultKind::Conflict, "InvalidParameterException", why));
        }
        let id = format!("update-{}-{minute}", self.tokens.len());
        let ends = minute + if self.mood.is_slow { SLOW } else { UPDATE };
        self.update = Some(Update { id: id.clone(), owner, began: minute, ends, fails: self.mood.fails, to });
        let accepted = Accepted { update_id: Some(id.clone()), ..Accepted::default() };
        self.tokens.insert(token.unwrap_or(&id).to_owned(), accepted.clone());
        Ok(accepted)
    }

    /// `CreateAddon`, in EKS's default version.
    pub(super) fn create_addon(
        &mut self,
        name: &'static str,
        token: Option<&str>,
        owner: Owner,
        minute: i64,
    ) -> Result<Accepted, Fault> {
        const OPERATION: &str = "eks:CreateAddon";
        if let Some(accepted) = token.and_then(|token| self.tokens.get(token)) {
            return Ok(accepted.clone());
        }
        self.must_be_idle(OPERATION, minute)?;
        if self.addons.contains_key(name) {
            return Err(fault(
                OPERATION,
                FaultKind::Conflict,
                "ResourceInUseException",
                "Addon already exists",
            ));
        }
        let (busy, fails) = ((minute + PART, "CREATING"), self.mood.fails);
        self.addons.insert(name, Installed { owner, version: DEFAULT_VERSION, busy, fails });
        let accepted = Accepted { version: Some(DEFAULT_VERSION.to_owned()), ..Accepted::default() };
        self.tokens.extend(token.map(|token| (token.to_owned(), accepted.clone())));
        Ok(accepted)
    }

    /// `UpdateAddon` by others.
    pub(super) fn update_addon(&mut self, name: &'static str, minute: i64) -> Result<(), Fault> {
        self.must_be_idle("eks:UpdateAddon", minute)?;
        let absent =
            || fault("eks:UpdateAddon", FaultKind::NotFound, "ResourceNotFoundException", "no such add-on");
        let addon =
            self.addons.get_mut(name).filter(|addon| addon.busy.1 != "DELETING").ok_or_else(absent)?;
        (addon.owner, addon.version, addon.busy) = (Owner::Others, NEXT_VERSION, (minute + PART, "UPDATING"));
        Ok(())
    }

    /// `DeleteAddon`. Deleting a missing add-on succeeds.
    pub(super) fn delete_addon(&mut self, name: &'static str, minute: i64) -> Result<(), Fault> {
        self.must_be_idle("eks:DeleteAddon", minute)?;
        if let Some(addon) = self.addons.get_mut(name) {
            addon.busy = (minute + PART, "DELETING");
        }
        Ok(())
    }

    /// `POST` or `PUT` of the `ConfigMap`, with the namespace if that was missing.
    pub(super) fn write(
        &mut self,
        namespace: &LoggingNamespace,
        before: &Value,
        data: &Data,
        owner: Owner,
    ) -> Result<(), Fault> {
        if self.mood.is_locked {
            return Err(locked("kubernetes:POST configmaps"));
        }
        let there = self.value(Aspect::AwsLogging);
        if there != *before || *namespace == LoggingNamespace::Missing && self.namespace != *namespace {
            return Err(conflict());
        }
        if self.namespace == LoggingNamespace::Missing {
            self.namespace = LoggingNamespace::Enabled;
        }
        self.config_map = Some((data.clone(), owner));
        Ok(())
    }

    /// `DELETE` of the `ConfigMap` in the version that was read.
    pub(super) fn delete_map(&mut self, data: &Data) -> Result<(), Fault> {
        if self.mood.is_locked {
            return Err(locked("kubernetes:DELETE configmaps"));
        }
        if self.config_map.as_ref().is_some_and(|(there, _)| there != data) {
            return Err(conflict());
        }
        self.config_map = None;
        Ok(())
    }
}

impl Installed {
    pub(super) fn status(&self, minute: i64) -> &'static str {
        match self.busy {
            (_, "DELETING") => "DELETING",
            (until, status) if minute < until => status,
            _ if self.fails => "CREATE_FAILED",
            _ => "ACTIVE",
        }
    }
}

impl Update {
    /// `DescribeUpdate` while the update is in progress.
    pub(super) fn is_of(&self, id: &str) -> bool {
        self.id == id
    }
}

pub(super) fn locked(operation: &str) -> Fault {
    fault(operation, FaultKind::Denied, "Forbidden", "fargaze cannot get resource \"configmaps\"")
}
