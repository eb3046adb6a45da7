//! Container Insights of an ECS cluster, and the account default.

use super::{Action, Aspect, AspectCase, Fault, Observed, Step, Value};

pub(super) fn value(aspect: Aspect, observed: &Observed) -> Result<Value, &Fault> {
    observed.ecs().map_or_else(|| observed.asked(aspect), |cluster| Ok(Value::Level(cluster.level)))
}

pub(super) fn judge(case: &AspectCase<'_>) -> Step {
    let policy = &case.policy;
    match &case.now {
        Err(fault) => case.unknown(fault),
        Ok(now) => match policy.desired.wanted(now) {
            Some(to) => case.change(to),
            None => case.step(Action::Comply, format!("it is {now}, and its policy is {policy}")),
        },
    }
}
