//! The logs of the control plane of an EKS cluster.

use std::collections::BTreeSet;

use super::{Action, Aspect, Case, CostNote, Desired, Step, Value};
use crate::eks::LogType;

const ASPECT: Aspect = Aspect::ControlPlaneLogs;

pub(super) fn judge(case: &Case<'_>) -> Step {
    let policy = case.policy_of(ASPECT);
    let now = match case.observed.value(ASPECT) {
        Ok(now) => now,
        Err(fault) => return Step::unknown(ASPECT, fault),
    };
    let on = if let Value::Logs(on) = &now { on.clone() } else { BTreeSet::new() };
    if policy.desired == Desired::Report && on.is_empty() {
        let reason = format!(
            "none is on; its policy is {policy}; to turn on these two, write control-plane-logs: [api, audit]"
        );
        return Step::new(ASPECT, Action::Report, reason).costing(CostNote::LogsWithAudit);
    }
    match policy.desired.wanted(&now) {
        Some(to) => {
            let adds_audit = matches!(&to, Value::Logs(to) if to.contains(&LogType::Audit))
                && !on.contains(&LogType::Audit);
            let cost = if adds_audit { CostNote::LogsWithAudit } else { CostNote::Logs };
            case.change(ASPECT, to).costing(cost)
        }
        None => Step::new(ASPECT, Action::Comply, format!("{now} on; its policy is {policy}")),
    }
}
