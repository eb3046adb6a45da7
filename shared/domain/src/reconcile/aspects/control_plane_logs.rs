//! Control-plane logs of an EKS cluster.

use std::collections::BTreeSet;

use super::{Action, Aspect, AspectCase, CostNote, Desired, Fault, Observed, Step, Value};
use crate::evidence::eks::LogType;

pub(super) fn value(aspect: Aspect, observed: &Observed) -> Result<Value, &Fault> {
    observed.eks().map_or_else(|| observed.asked(aspect), |eks| Ok(Value::Logs(eks.cluster.logs.clone())))
}

pub(super) fn judge(case: &AspectCase<'_>) -> Step {
    let policy = &case.policy;
    let now = match &case.now {
        Ok(now) => now,
        Err(fault) => return case.unknown(fault),
    };
    let on = if let Value::Logs(on) = now { on } else { &BTreeSet::new() };
    if policy.desired == Desired::Report && on.is_empty() {
        let reason = format!(
            "no logs are on; its policy is {policy}; to turn on these two, set control-plane-logs: [api, audit]"
        );
        return case.step(Action::Report, reason).costing(CostNote::LogsWithAudit);
    }
    match policy.desired.wanted(now) {
        Some(to) => {
            let adds_audit = matches!(&to, Value::Logs(to) if to.contains(&LogType::Audit))
                && !on.contains(&LogType::Audit);
            let cost = if adds_audit { CostNote::LogsWithAudit } else { CostNote::Logs };
            case.change(to).costing(cost)
        }
        None => case.step(Action::Comply, format!("{now} on; its policy is {policy}")),
    }
}
