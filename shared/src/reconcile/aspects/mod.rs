//! What differs from aspect to aspect: whether what is there complies, and what a change needs.

mod addons;
mod control_plane_logs;
mod fargate_logging;
mod levels;

use super::case::{Case, is_left};
use super::step::Step;
use super::{Action, Aspect, CostNote, Desired, Remedy, Value};

/// What to do about an aspect that nothing of the past decides on.
pub(super) fn judge(case: &Case<'_>, aspect: Aspect) -> Step {
    if is_left(&case.policy_of(aspect).desired) {
        // The report says what the account default is, so that one that cannot be read is told, whatever the policy.
        return match case.observed.value(aspect) {
            Err(fault) if aspect == Aspect::AccountDefault => Step::unknown(aspect, fault),
            _ => case.left(aspect),
        };
    }
    match aspect {
        Aspect::AccountDefault | Aspect::ContainerInsights => levels::judge(case, aspect),
        Aspect::MetricsServer => addons::metrics_server(case),
        Aspect::CloudwatchObservability => addons::cloudwatch_observability(case),
        Aspect::AwsLogging => fargate_logging::judge(case),
        Aspect::ControlPlaneLogs => control_plane_logs::judge(case),
    }
}
