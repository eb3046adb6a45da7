//! The list of aspects, and what differs between them: the current value, whether it complies, and
//! what a change requires.
//!
//! An aspect is a row here and a file in this folder with two functions: `value` reads its value
//! from [`Observed`], and `judge` says what to do if its history does not decide.

mod addons;
mod control_plane_logs;
mod fargate_logging;
mod levels;
mod log_retention;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::case::AspectCase;
use super::step::Step;
use super::{Action, CostNote, Desired, EffectivePolicy, Observed, Remedy, SubjectKind, Value};
use crate::evidence::eks::{CLOUDWATCH_OBSERVABILITY, METRICS_SERVER};
use crate::model::cluster::BadName;
use crate::model::fault::Fault;
use crate::model::insights::InsightsLevel;

/// Declares the aspects: key in `fargaze.yaml`, name in messages, kind of subject, built-in policy,
/// and the file with `value` and `judge`.
macro_rules! aspects {
    ($($(#[$doc:meta])* $aspect:ident = $key:literal, $title:literal, $kind:ident, $built_in:expr, $file:ident;)+) => {
        /// A reconciled setting of a subject, in the order of reconciliation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Aspect {
            $($(#[$doc])* #[serde(rename = $key)] $aspect,)+
        }

        impl Aspect {
            /// All aspects, in the order of reconciliation.
            pub const ALL: [Self; [$($key),+].len()] = [$(Self::$aspect),+];

            /// The key in `fargaze.yaml`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$aspect => $key,)+ }
            }

            /// Its name in messages.
            pub fn title(self) -> &'static str {
                match self { $(Self::$aspect => $title,)+ }
            }

            /// The kind of subject that has this aspect.
            pub fn kind(self) -> SubjectKind {
                match self { $(Self::$aspect => SubjectKind::$kind,)+ }
            }

            /// The policy if no policy of the user names the aspect: cheap aspects are set, all
            /// others are reported or left.
            pub(super) fn built_in(self) -> Desired {
                match self { $(Self::$aspect => $built_in,)+ }
            }

            /// The current value, or the fault that prevented reading it.
            pub(super) fn value(self, observed: &Observed) -> Result<Value, &Fault> {
                match self { $(Self::$aspect => $file::value(self, observed),)+ }
            }

            fn judge(self, case: &AspectCase<'_>) -> Step {
                match self { $(Self::$aspect => $file::judge(case),)+ }
            }
        }
    };
}

// Control-plane logs come last: while they are being turned on, the cluster is UPDATING and accepts
// no other change.
aspects! {
    /// The account's Container Insights default in a Region, which new ECS clusters get.
    AccountDefault = "account-default", "account default", Account, Desired::Leave, levels;
    /// Container Insights of an ECS cluster.
    ContainerInsights = "container-insights", "Container Insights", EcsCluster, Desired::AtLeast(InsightsLevel::Enabled), levels;
    /// Retention of a log group.
    LogRetention = "log-retention", "log retention", LogGroup, Desired::Leave, log_retention;
    /// The add-on `metrics-server`, which serves the Metrics API.
    MetricsServer = "metrics-server", "metrics-server", EksCluster, Desired::Installed, addons;
    /// The add-on `amazon-cloudwatch-observability`: Container Insights for EC2 nodes of EKS.
    CloudwatchObservability = "cloudwatch-observability", "cloudwatch-observability", EksCluster, Desired::Report, addons;
    /// The `ConfigMap` that makes Fargate forward the logs of pods on EKS.
    AwsLogging = "aws-logging", "aws-logging", EksCluster, Desired::Report, fargate_logging;
    /// Control-plane logs of an EKS cluster.
    ControlPlaneLogs = "control-plane-logs", "control-plane-logs", EksCluster, Desired::Report, control_plane_logs;
}

impl Aspect {
    /// The aspects of one kind of subject, in the order of reconciliation.
    pub fn of(kind: SubjectKind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |aspect| aspect.kind() == kind)
    }

    /// EKS's name of the add-on, if the aspect is one.
    pub fn addon(self) -> Option<&'static str> {
        match self {
            Self::MetricsServer => Some(METRICS_SERVER),
            Self::CloudwatchObservability => Some(CLOUDWATCH_OBSERVABILITY),
            _ => None,
        }
    }

    /// Whether the policy justifies calls of its own to query the value.
    pub(super) fn is_asked(self, policy: &EffectivePolicy) -> bool {
        match self {
            Self::AwsLogging => fargate_logging::is_asked(policy),
            _ => policy.desired != Desired::Leave,
        }
    }
}

/// The step for an aspect whose history does not decide.
pub(super) fn judge(case: &AspectCase<'_>) -> Step {
    if case.policy.desired != Desired::Leave {
        return case.aspect.judge(case);
    }
    match case.now {
        // The report shows the account default, so one that cannot be read is reported whatever the
        // policy.
        Err(fault) if case.aspect == Aspect::AccountDefault => case.unknown(fault),
        _ => case.left(),
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Aspect {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|aspect| aspect.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "aspect",
            expected: "an aspect listed in docs/policies.md, such as container-insights",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::samples::bare;
    use super::*;
    use crate::model::fault::FaultKind;

    #[test]
    fn what_a_busy_cluster_was_not_queried_for_is_unknown_and_no_bug() {
        let busy = Observed::of_eks(bare("UPDATING"));
        for aspect in [Aspect::MetricsServer, Aspect::CloudwatchObservability, Aspect::AwsLogging] {
            let fault = aspect.value(&busy).unwrap_err();
            assert_eq!(fault.kind, FaultKind::InProgress, "{aspect}");
        }
        // `DescribeCluster` includes the logs.
        assert_eq!(Aspect::ControlPlaneLogs.value(&busy), Ok(Value::Logs(BTreeSet::new())));
    }

    #[test]
    fn every_aspect_round_trips() {
        for aspect in Aspect::ALL {
            assert_eq!(aspect.to_string().parse(), Ok(aspect));
            assert_eq!(serde_json::to_string(&aspect).unwrap(), format!("\"{aspect}\""));
        }
        assert!("insights".parse::<Aspect>().is_err());
    }
}
