//! Container Insights of an ECS cluster, and the account's default of it.

use super::{Action, Aspect, Case, Step};

pub(super) fn judge(case: &Case<'_>, aspect: Aspect) -> Step {
    let policy = case.policy_of(aspect);
    match case.observed.value(aspect) {
        Err(fault) => Step::unknown(aspect, fault),
        Ok(now) => match policy.desired.wanted(&now) {
            Some(to) => case.change(aspect, to),
            None => Step::new(aspect, Action::Comply, format!("it is {now}, and its policy is {policy}")),
        },
    }
}
