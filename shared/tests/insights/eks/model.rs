//! One EKS cluster with its owners, EKS itself, and fargaze, which is killed now and then.

use std::collections::{BTreeMap, BTreeSet};

use fargaze::eks::{CLOUDWATCH_OBSERVABILITY, LogType, METRICS_SERVER};
use fargaze::insights::eks::{
    Asked, AwsLogging, EksAction, EksAspect, EksChange, EksHistory, EksLedger, EksRestoreStep, EksState,
    EksStep, EksSubject, EksUndo, EksWished, EksWishes, LoggingNamespace, ObservedEks, UpdateStatus,
    decide_eks, eks_restore_step,
};
use fargaze::insights::{Acquaintance, ChangeState, ExistingClusters};

use super::table::{addon, at, name, observed};

/// Minutes that EKS takes for a cluster, an update and an add-on.
const EKS_TAKES: i64 = 3;

/// Where fargaze is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    Never,
    BeforeCall,
    AfterCall,
    /// Not killed, but somebody else makes it so just before the call, which EKS refuses then.
    Overtaken,
}

/// An update of the logs in flight.
struct Update {
    id: String,
    ends: i64,
    fails: bool,
    to: BTreeSet<LogType>,
}

pub(crate) struct World {
    pub(crate) wishes: EksWishes,
    pub(crate) namespace: &'static str,
    pub(crate) has_nodes: bool,
    /// Whether EKS fails at what it accepts.
    pub(crate) is_broken: bool,
    pub(crate) logs: BTreeSet<LogType>,
    pub(crate) config_map: Option<BTreeMap<String, String>>,
    /// Add-ons with the minute when they are ready.
    addons: BTreeMap<&'static str, (i64, bool)>,
    update: Option<Update>,
    ended: BTreeMap<String, UpdateStatus>,
    ledger: EksLedger,
    acquaintance: Acquaintance,
    minute: i64,
    /// Calls by aspect since the wish changed or a restore, and what gave reason for another one.
    calls: BTreeMap<EksAspect, (usize, usize)>,
    /// What we ever turned on or wrote. Only the judge of a restore reads it.
    ours: (BTreeSet<LogType>, Vec<BTreeMap<String, String>>),
    /// Add-ons that we ever made; the judge's as well.
    our_addons: BTreeSet<&'static str>,
}

impl World {
    pub(crate) fn new(wishes: EksWishes, acquaintance: Acquaintance) -> Self {
        Self {
            wishes,
            namespace: "default",
            has_nodes: false,
            is_broken: false,
            logs: BTreeSet::new(),
            config_map: None,
            addons: BTreeMap::new(),
            update: None,
            ended: BTreeMap::new(),
            ledger: EksLedger::default(),
            acquaintance,
            minute: 0,
            calls: BTreeMap::new(),
            ours: (BTreeSet::new(), Vec::new()),
            our_addons: BTreeSet::new(),
        }
    }

    pub(crate) fn pass(&mut self, minutes: i64) {
        self.minute += minutes;
        if let Some(update) = self.update.take_if(|update| update.ends <= self.minute) {
            let status = if update.fails {
                self.reason(EksAspect::ControlPlaneLogs);
                UpdateStatus::Failed("no free addresses".to_owned())
            } else {
                self.logs = update.to;
                UpdateStatus::Successful
            };
            self.ended.insert(update.id, status);
        }
    }

    /// Something happened after which a change may be made once more.
    pub(crate) fn reason(&mut self, aspect: EksAspect) {
        self.calls.entry(aspect).or_default().1 += 1;
    }

    pub(crate) fn wish(&mut self, wishes: EksWishes) {
        self.wishes = wishes;
        self.calls.clear();
    }

    pub(crate) fn delete_addon(&mut self, name: &'static str) {
        if self.addons.remove(name).is_some() {
            self.reason(if name == METRICS_SERVER {
                EksAspect::MetricsServer
            } else {
                EksAspect::CloudwatchObservability
            });
        }
    }

    /// Somebody else installs it, of EKS's default version as well.
    pub(crate) fn install_addon(&mut self, name: &'static str) {
        if self.minute >= EKS_TAKES {
            self.addons.entry(name).or_insert((self.minute, false));
        }
    }

    fn observed(&self) -> ObservedEks {
        let mut seen = observed(self.namespace);
        let is_busy = self.minute < EKS_TAKES || self.update.is_some();
        let status = if self.minute < EKS_TAKES { "CREATING" } else { "UPDATING" };
        if is_busy {
            status.clone_into(&mut seen.cluster.status);
        }
        seen.cluster.logs.clone_from(&self.logs);
        seen.node_groups = Asked::Known(if self.has_nodes { vec!["nodes".to_owned()] } else { Vec::new() });
        let addons = self.addons.iter().map(|(name, (ready, fails))| {
            let end = if *fails { "CREATE_FAILED" } else { "ACTIVE" };
            addon(name, if *ready > self.minute { "CREATING" } else { end })
        });
        seen.addons = Asked::Known(addons.collect());
        seen.logging = AwsLogging::Known {
            namespace: if self.config_map.is_some() {
                LoggingNamespace::Enabled
            } else {
                LoggingNamespace::Missing
            },
            config_map: self.config_map.clone(),
            problems: Vec::new(),
        };
        let ended = self.ended.iter().map(|(id, status)| (id.clone(), Asked::Known(status.clone())));
        seen.updates = ended.collect();
        seen
    }

    /// What event path, queue and sweep do: settle, decide, write, call, write. Gives what was decided.
    pub(crate) fn look(&mut self, kill: Kill) -> Vec<EksStep> {
        let seen = self.observed();
        self.ledger.settle(&seen);
        let wished = EksWished {
            wishes: self.wishes.clone(),
            named: EksAspect::ALL.into(),
            existing: ExistingClusters::Report,
            source: "built-in".to_owned(),
        };
        let history = EksHistory { acquaintance: self.acquaintance, ledger: &self.ledger };
        let steps = decide_eks(&wished, &seen, &history, at(self.minute));
        for step in &steps {
            if let (Some(aspect), EksAction::Set { from, to }) = (step.aspect, &step.action) {
                self.make(aspect, from, to, kill);
                if kill != Kill::Never {
                    break;
                }
            }
        }
        steps
    }

    fn make(&mut self, aspect: EksAspect, from: &EksState, to: &EksState, kill: Kill) {
        let cause = format!("run-{}", self.minute);
        let cause = self.ledger.aspects.entry(aspect).or_default().cause_for(&cause);
        let mut change = EksChange {
            subject: EksSubject { cluster: name(), aspect },
            time: at(self.minute),
            cause,
            from: from.clone(),
            to: to.clone(),
            wish: self.wishes.text(aspect),
            reason: String::new(),
            request_id: None,
            state: ChangeState::Planned,
            accepted: false,
            update_id: None,
            failure: None,
            undo: None,
            restored_by: None,
        };
        self.ledger.put(change.clone());
        if kill == Kill::BeforeCall {
            return;
        }
        if kill == Kill::Overtaken && self.overtake(aspect, to) {
            change.state = ChangeState::Abandoned;
            self.ledger.put(change);
            return;
        }
        let update_id = self.call(aspect, to);
        if kill == Kill::AfterCall {
            return;
        }
        change.accepted = true;
        change.update_id = update_id;
        if aspect == EksAspect::AwsLogging {
            change.state = ChangeState::Done;
        }
        self.ledger.put(change);
    }

    /// Somebody else makes it so; false of what EKS would still accept.
    fn overtake(&mut self, aspect: EksAspect, to: &EksState) -> bool {
        match to {
            EksState::Logs(to) => self.logs.extend(to),
            EksState::Addon { .. } => self.install_addon(aspect.addon().unwrap()),
            EksState::ConfigMap(_) | EksState::Absent => return false,
        }
        true
    }

    /// The call to EKS or Kubernetes, which must be a good one.
    fn call(&mut self, aspect: EksAspect, to: &EksState) -> Option<String> {
        let (calls, reasons) = self.calls.entry(aspect).or_default();
        *calls += 1;
        assert!(*calls <= 1 + *reasons, "{aspect}: call {calls} after {reasons} reasons");
        assert!(*calls <= 6, "{aspect} is changed again and again for one wish");
        assert!(self.update.is_none() && self.minute >= EKS_TAKES, "{aspect}: the cluster is busy");
        match to {
            EksState::Logs(to) => {
                assert!(self.logs.is_subset(to) && self.logs != *to, "{:?} to {to:?}", self.logs);
                let id = format!("update-{}", self.minute);
                self.ours.0.extend(to - &self.logs);
                let ends = self.minute + EKS_TAKES;
                self.update = Some(Update { id: id.clone(), ends, fails: self.is_broken, to: to.clone() });
                Some(id)
            }
            EksState::Addon { .. } => {
                let name = aspect.addon().unwrap();
                assert!(!self.addons.contains_key(name), "{name} is there");
                assert!(name != CLOUDWATCH_OBSERVABILITY || self.has_nodes);
                let is_broken = self.is_broken;
                self.our_addons.insert(name);
                self.addons.insert(name, (self.minute + EKS_TAKES, is_broken));
                None
            }
            EksState::ConfigMap(data) => {
                let is_ours = |there| self.ours.1.contains(there);
                assert!(self.config_map.as_ref().is_none_or(is_ours), "somebody's configuration");
                assert_ne!(self.config_map.as_ref(), Some(data));
                self.config_map = Some(data.clone());
                self.ours.1.push(data.clone());
                None
            }
            EksState::Absent => panic!("{aspect} is never removed"),
        }
    }

    /// A restore. One that is killed at its first call is not repeated at once: others look in between.
    pub(crate) fn restore(&mut self, kill: Kill) {
        let seen = self.observed();
        self.ledger.settle(&seen);
        for aspect in EksAspect::ALL {
            let EksRestoreStep::PutBack { to } = eks_restore_step(aspect, &seen, &self.ledger, None) else {
                continue;
            };
            let unmarked = self.ledger.clone();
            let undo = EksUndo::InProgress { since: at(self.minute), update_id: None };
            self.mark_restored(aspect, Some(&undo));
            if kill == Kill::BeforeCall {
                return;
            }
            self.put_back(aspect, to);
            if kill == Kill::AfterCall {
                return;
            }
            self.ledger = unmarked;
            self.mark_restored(aspect, None);
            self.calls.remove(&aspect);
        }
    }

    fn mark_restored(&mut self, aspect: EksAspect, undo: Option<&EksUndo>) {
        let restore = format!("restore-{}", self.minute);
        self.ledger.aspects.entry(aspect).or_default().mark_restored(None, &restore, undo);
    }

    fn put_back(&mut self, aspect: EksAspect, to: EksState) {
        match to {
            EksState::Logs(to) => {
                assert!((&self.logs - &to).is_subset(&self.ours.0), "{:?} to {to:?}", self.logs);
                self.logs = to;
            }
            EksState::Absent if aspect == EksAspect::AwsLogging => {
                let is_ours = |there| self.ours.1.contains(there);
                assert!(self.config_map.as_ref().is_none_or(is_ours), "somebody's configuration");
                self.config_map = None;
            }
            EksState::Absent => {
                let name = aspect.addon().unwrap();
                let is_there = self.addons.remove(name).is_some();
                assert!(!is_there || self.our_addons.contains(name), "somebody's {name}");
            }
            other => panic!("{aspect} back to {other}"),
        }
    }

    /// Whether an aspect is as its wish says, where the wish asks for something.
    pub(crate) fn fulfils(&self, aspect: EksAspect) -> bool {
        use fargaze::insights::eks::{AwsLoggingWish, LogsWish};
        match (aspect, &self.wishes.control_plane_logs, &self.wishes.aws_logging) {
            (EksAspect::ControlPlaneLogs, LogsWish::AtLeast(types), _) => types.is_subset(&self.logs),
            (EksAspect::AwsLogging, _, AwsLoggingWish::Write(data)) => self.config_map.as_ref() == Some(data),
            (EksAspect::MetricsServer | EksAspect::CloudwatchObservability, ..) => {
                self.addons.contains_key(aspect.addon().unwrap())
            }
            _ => true,
        }
    }
}
