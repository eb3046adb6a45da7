//! The one decision about an EKS cluster: what to do about each aspect, and why.

mod addons;
mod gate;
mod logging;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use super::super::{Acquaintance, ChangeState, OPT_OUT_TAG, opts_out};
use super::{
    Asked, CostNote, EksAspect, EksChange, EksLedger, EksRemedy, EksState, EksUndo, EksWished, LogsWish,
    ObservedEks,
};
use crate::eks::LogType;
use crate::fault::Fault;

/// How long EKS may take for a cluster or an update. It says "several minutes"; before it said up to 15 (Amazon EKS User
/// Guide, "Create an Amazon EKS cluster").
pub const OVERDUE: SignedDuration = SignedDuration::from_hours(1);

/// What is known of a cluster's past.
#[derive(Debug, Clone, Copy)]
pub struct EksHistory<'a> {
    /// How we know it.
    pub acquaintance: Acquaintance,
    /// What we did to it, after [`EksLedger::forget_before`] and [`EksLedger::settle`].
    pub ledger: &'a EksLedger,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EksAction {
    /// Change it. What is asked for is never what is there, for EKS refuses that ("No changes needed").
    Set {
        /// What is there.
        from: EksState,
        /// What is to be there.
        to: EksState,
    },
    /// Nothing: it is as wished.
    Right,
    /// Tell that it is not as wished, and leave it.
    Report,
    /// It would be changed, but the cluster lacks something that only its owner can give: tell it, and look again.
    Blocked,
    /// Leave it, and do not speak of it.
    Leave,
    /// What we set was undone twice: tell it, and leave it until the wish changes.
    Fight {
        /// By whom and by which calls, as far as events reported it; never empty.
        by: Vec<String>,
    },
    /// EKS works on it: look again later.
    Waiting,
    /// The cluster is being created: back to the queue.
    NotYet,
    /// It has been created or updated for more than [`OVERDUE`]: tell it.
    Overdue,
    /// What is there could not be asked: nothing is decided on it.
    Unknown(Fault),
}

/// What to do about one aspect of a cluster, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksStep {
    /// The aspect; none if it is about the cluster as a whole, and then it is the only step.
    pub aspect: Option<EksAspect>,
    /// What to do.
    pub action: EksAction,
    /// Why, in words that follow the name of the cluster or of the aspect.
    pub reason: String,
    /// What it costs or would cost, of what is changed or told.
    pub cost: Option<CostNote>,
    /// What a person can do about it.
    pub remedy: Option<EksRemedy>,
}

impl EksStep {
    fn new(aspect: EksAspect, action: EksAction, reason: impl Into<String>) -> Self {
        Self { aspect: Some(aspect), action, reason: reason.into(), cost: None, remedy: None }
    }

    fn whole(action: EksAction, reason: impl Into<String>) -> Self {
        Self { aspect: None, action, reason: reason.into(), cost: None, remedy: None }
    }

    fn unknown(aspect: EksAspect, fault: &Fault) -> Self {
        Self::new(aspect, EksAction::Unknown(fault.clone()), "it could not be asked what is there")
    }

    /// What would be changed cannot be, because the cluster lacks something.
    fn blocked_by(self, missing: &str, remedy: EksRemedy) -> Self {
        let reason = format!("{}; {missing}", self.reason);
        match self.action {
            EksAction::Set { .. } => {
                Self { action: EksAction::Blocked, reason, remedy: Some(remedy), ..self }
            }
            _ => Self { reason, ..self },
        }
    }

    /// What would be changed cannot be yet, because EKS still makes what it needs.
    fn waiting_for(self, what: &str) -> Self {
        let is_change = matches!(self.action, EksAction::Set { .. });
        let action = if is_change { EksAction::Waiting } else { self.action };
        Self { action, reason: format!("{}; {what}", self.reason), ..self }
    }

    fn costing(self, cost: CostNote) -> Self {
        Self { cost: Some(cost), ..self }
    }

    /// Whether the cluster is to be looked at again soon, through the queue.
    pub fn is_to_follow(&self) -> bool {
        matches!(self.action, EksAction::NotYet | EksAction::Waiting)
    }
}

/// Whether a cluster or change that began then has taken too long.
pub fn is_overdue(began: Option<Timestamp>, now: Timestamp) -> bool {
    began.is_some_and(|began| now.duration_since(began) > OVERDUE)
}

/// All that one decision looks at.
#[derive(Clone, Copy)]
struct Case<'a> {
    wished: &'a EksWished,
    observed: &'a ObservedEks,
    history: &'a EksHistory<'a>,
}

/// The one decision of event path, queue, sweep and dry run: a step for each aspect in the order of [`EksAspect::ALL`], or
/// one for the cluster as a whole. It lowers nothing, and once what it says is done, it says nothing more.
pub fn decide_eks(
    wished: &EksWished,
    observed: &ObservedEks,
    history: &EksHistory<'_>,
    now: Timestamp,
) -> Vec<EksStep> {
    if let Some(step) = of_the_whole(observed, history.ledger, now) {
        return vec![step];
    }
    let case = Case { wished, observed, history };
    let past = |aspect| case.in_progress(aspect, now).or_else(|| case.not_undone(aspect));
    let step = |aspect| past(aspect).unwrap_or_else(|| case.aspect(aspect));
    EksAspect::ALL.into_iter().map(step).collect()
}

fn of_the_whole(observed: &ObservedEks, ledger: &EksLedger, now: Timestamp) -> Option<EksStep> {
    let cluster = &observed.cluster;
    if opts_out(&cluster.tags) {
        let (tag, value) = OPT_OUT_TAG;
        return Some(EksStep::whole(EksAction::Leave, format!("its tag {tag} = {value} says so")));
    }
    let status = cluster.status.as_str();
    let working = EksAspect::ALL
        .into_iter()
        .find_map(|aspect| Some((aspect, ledger.of(aspect).iter().rev().find_map(EksChange::in_progress)?)));
    let (action, reason) = match status {
        "ACTIVE" => return None,
        "CREATING" | "PENDING" if is_overdue(cluster.created_at, now) => {
            (EksAction::Overdue, format!("it is still {status} after an hour"))
        }
        "CREATING" | "PENDING" => (EksAction::NotYet, format!("it is still {status}")),
        "UPDATING" => match working {
            Some((aspect, work)) if is_overdue(Some(work.since), now) => {
                (EksAction::Overdue, format!("EKS has worked on {aspect} for more than an hour"))
            }
            Some((aspect, _)) => (EksAction::Waiting, format!("EKS works on {aspect}")),
            None => (EksAction::Waiting, "somebody updates it".to_owned()),
        },
        "FAILED" => (
            EksAction::Report,
            "its status is FAILED; see its health issues in the console of EKS".to_owned(),
        ),
        _ => (EksAction::Leave, format!("its status is {status}")),
    };
    Some(EksStep::whole(action, reason))
}

impl Case<'_> {
    fn changes(&self, aspect: EksAspect) -> &[EksChange] {
        self.history.ledger.of(aspect)
    }

    /// A change of ours that EKS still works on.
    fn in_progress(&self, aspect: EksAspect, now: Timestamp) -> Option<EksStep> {
        let work = self.changes(aspect).iter().rev().find_map(EksChange::in_progress)?;
        let update = work.update_id.and_then(|id| self.observed.updates.get(id));
        if let Some(Asked::Unread(fault)) = update {
            return Some(EksStep::unknown(aspect, fault));
        }
        if let Err(fault) = self.observed.state(aspect) {
            return Some(EksStep::unknown(aspect, fault));
        }
        Some(if is_overdue(Some(work.since), now) {
            EksStep::new(aspect, EksAction::Overdue, "EKS has worked on it for more than an hour")
        } else {
            EksStep::new(aspect, EksAction::Waiting, "EKS works on it")
        })
    }

    /// A restore wanted it undone, and EKS did not do it. Nobody else would tell of it: the restore has ended.
    fn not_undone(&self, aspect: EksAspect) -> Option<EksStep> {
        let newest = self.changes(aspect).iter().rfind(|change| change.state != ChangeState::Abandoned)?;
        let wish = self.wished.wishes.text(aspect);
        match &newest.undo {
            Some(EksUndo::Failed(why)) if newest.wish == wish => {
                let reason =
                    format!("a restore wanted it undone, and EKS did not do it ({why}); restore again");
                Some(EksStep::new(aspect, EksAction::Report, reason))
            }
            _ => None,
        }
    }

    fn aspect(&self, aspect: EksAspect) -> EksStep {
        match aspect {
            EksAspect::MetricsServer => self.metrics_server(),
            EksAspect::CloudwatchObservability => self.cloudwatch_observability(),
            EksAspect::AwsLogging => self.aws_logging(),
            EksAspect::ControlPlaneLogs => self.control_plane_logs(),
        }
    }

    fn left(&self, aspect: EksAspect) -> EksStep {
        EksStep::new(aspect, EksAction::Leave, format!("its wish is {}", self.wished.placed(aspect)))
    }

    fn control_plane_logs(&self) -> EksStep {
        let aspect = EksAspect::ControlPlaneLogs;
        let on = &self.observed.cluster.logs;
        let is = EksState::Logs(on.clone());
        let placed = self.wished.placed(aspect);
        match &self.wished.wishes.control_plane_logs {
            LogsWish::Leave => self.left(aspect),
            LogsWish::Report if on.is_empty() => {
                let reason = format!(
                    "none is on; its wish is {placed}; to turn on these two, write control-plane-logs: [api, audit]"
                );
                EksStep::new(aspect, EksAction::Report, reason).costing(CostNote::LogsWithAudit)
            }
            LogsWish::AtLeast(wanted) if !wanted.is_subset(on) => {
                let added_audit = wanted.contains(&LogType::Audit) && !on.contains(&LogType::Audit);
                let cost = if added_audit { CostNote::LogsWithAudit } else { CostNote::Logs };
                // What is on is named again, so that it stays on whatever EKS takes the list for.
                self.change(aspect, EksState::Logs(on | wanted)).costing(cost)
            }
            LogsWish::Report | LogsWish::AtLeast(_) => {
                EksStep::new(aspect, EksAction::Right, format!("{is} on; its wish is {placed}"))
            }
        }
    }
}
