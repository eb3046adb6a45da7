//! The trait that ECS services and EKS workloads share.

use super::figures::Utilization;
use crate::model::cluster::ClusterName;
use crate::model::run::Platform;
use crate::text::Text;

/// A member of a cluster: an ECS service or an EKS workload.
pub(crate) trait Member {
    /// Identifies it within its cluster, in sort order.
    fn id(&self) -> [&str; 3];

    /// Its name in alarms, changes and cards.
    fn subject(&self, cluster: &ClusterName) -> Text;

    /// CPU of its tasks or pods.
    fn cpu(&self) -> &Utilization;

    /// Memory of its tasks or pods.
    fn memory(&self) -> &Utilization;

    /// Running and desired tasks, or available and desired replicas; `None` unless both are known.
    fn running_of_desired(&self) -> Option<(u32, u32)>;

    /// These numbers and other known facts, in a line.
    fn running_and_more(&self) -> String;

    /// Why one of its figures is empty.
    fn why_none(&self, figure: &Utilization) -> &'static str {
        figure.answer.words()
    }

    /// Whether something is desired and nothing runs.
    fn none_runs(&self) -> bool {
        self.running_of_desired().is_some_and(|(running, desired)| running == 0 && desired > 0)
    }

    /// Whether something runs, but less than desired.
    fn is_short(&self) -> bool {
        self.running_of_desired().is_some_and(|(running, desired)| 0 < running && running < desired)
    }

    /// Whether it has any CPU or memory figure.
    fn has_figures(&self) -> bool {
        !(self.cpu().is_empty() && self.memory().is_empty())
    }

    /// `45.2 %, highest 93.1 % (last 3 hours 60 %, highest 80 %)`, or why there is no figure.
    fn sentence(&self, figure: &Utilization) -> String {
        if figure.is_empty() { self.why_none(figure).to_owned() } else { figure.sentence() }
    }
}

/// Whether the JSON omits the platform: an earlier version only covered ECS.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_ecs(platform: &Platform) -> bool {
    *platform == Platform::Ecs
}
