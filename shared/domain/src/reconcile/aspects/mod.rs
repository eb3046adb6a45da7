//! The list of aspects, and what differs from one to the next: what it is set to, whether that complies, and what a change
//! needs.
//!
//! An aspect is a row here and a file in this folder with two functions: `value`, which reads from [`Observed`] what it is set
//! to, and `judge`, which says what to do where nothing of the past decides.

mod addons;
mod control_plane_logs;
mod fargate_logging;
mod levels;

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

/// Declares the aspects: key of the user's file, name in messages, what it is of, what holds without a policy of the user,
/// and the file with `value` and `judge`.
macro_rules! aspects {
    ($($(#[$doc:meta])* $aspect:ident = $key:literal, $title:literal, $kind:ident, $built_in:expr, $file:ident;)+) => {
        /// What is reconciled of a subject, in the order in which it is done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Aspect {
            $($(#[$doc])* #[serde(rename = $key)] $aspect,)+
        }

        impl Aspect {
            /// All of them, in the order in which they are reconciled.
            pub const ALL: [Self; [$($key),+].len()] = [$(Self::$aspect),+];

            /// The key of the user's file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$aspect => $key,)+ }
            }

            /// Its name in messages.
            pub fn title(self) -> &'static str {
                match self { $(Self::$aspect => $title,)+ }
            }

            /// What it is of.
            pub fn kind(self) -> SubjectKind {
                match self { $(Self::$aspect => SubjectKind::$kind,)+ }
            }

            /// What holds where no policy of the user names it: what costs little is set, all else is reported.
            pub(super) fn built_in(self) -> Desired {
                match self { $(Self::$aspect => $built_in,)+ }
            }

            /// What it is set to, or why that is not known.
            pub(super) fn value(self, observed: &Observed) -> Result<Value, &Fault> {
                match self { $(Self::$aspect => $file::value(self, observed),)+ }
            }

            fn judge(self, case: &AspectCase<'_>) -> Step {
                match self { $(Self::$aspect => $file::judge(case),)+ }
            }
        }
    };
}

// The logs of the control plane come last: while they are turned on, the cluster is UPDATING and takes no other change.
aspects! {
    /// The account's default of Container Insights in a Region, which new ECS clusters get.
    AccountDefault = "account-default", "account default", Account, Desired::Leave, levels;
    /// Container Insights of an ECS cluster.
    ContainerInsights = "container-insights", "Container Insights", EcsCluster, Desired::AtLeast(InsightsLevel::Enabled), levels;
    /// The add-on `metrics-server`, which serves the Metrics API.
    MetricsServer = "metrics-server", "metrics-server", EksCluster, Desired::Installed, addons;
    /// The add-on `amazon-cloudwatch-observability`: Container Insights for EC2 nodes of EKS.
    CloudwatchObservability = "cloudwatch-observability", "cloudwatch-observability", EksCluster, Desired::Report, addons;
    /// The `ConfigMap` by which Fargate forwards the logs of pods on EKS.
    AwsLogging = "aws-logging", "aws-logging", EksCluster, Desired::Report, fargate_logging;
    /// The logs of the control plane of an EKS cluster.
    ControlPlaneLogs = "control-plane-logs", "control-plane-logs", EksCluster, Desired::Report, control_plane_logs;
}

impl Aspect {
    /// Those of one kind of subject, in the order in which they are reconciled.
    pub fn of(kind: SubjectKind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |aspect| aspect.kind() == kind)
    }

    /// EKS's name of the add-on, if it is one.
    pub fn addon(self) -> Option<&'static str> {
        match self {
            Self::MetricsServer => Some(METRICS_SERVER),
            Self::CloudwatchObservability => Some(CLOUDWATCH_OBSERVABILITY),
            _ => None,
        }
    }

    /// Whether a policy makes it worth calls of its own to ask what it is set to.
    pub(super) fn is_asked(self, policy: &EffectivePolicy) -> bool {
        match self {
            Self::AwsLogging => fargate_logging::is_asked(policy),
            _ => policy.desired != Desired::Leave,
        }
    }
}

/// What to do about an aspect that nothing of the past decides on.
pub(super) fn judge(case: &AspectCase<'_>) -> Step {
    if case.policy.desired != Desired::Leave {
        return case.aspect.judge(case);
    }
    match case.now {
        // The report says what the account default is, so that one that cannot be read is reported, whatever the policy.
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
            expected: "an aspect as docs/policies.md lists them, such as container-insights",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aspect_reads_what_it_writes() {
        for aspect in Aspect::ALL {
            assert_eq!(aspect.to_string().parse(), Ok(aspect));
            assert_eq!(serde_json::to_string(&aspect).unwrap(), format!("\"{aspect}\""));
        }
        assert!("insights".parse::<Aspect>().is_err());
    }
}
