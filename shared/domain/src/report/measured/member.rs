//! What a service of ECS and a workload on EKS have in common.

use super::figures::Utilization;
use crate::model::cluster::ClusterName;
use crate::model::run::Platform;
use crate::text::Text;

/// What runs in a cluster: a service of ECS, or a workload on EKS.
pub(crate) trait Member {
    /// What tells it from the others of its cluster, in the order in which they are sorted.
    fn id(&self) -> [&str; 3];

    /// How alarms, changes and cards name it.
    fn subject(&self, cluster: &ClusterName) -> Text;

    /// CPU of its tasks or pods.
    fn cpu(&self) -> &Utilization;

    /// Memory of its tasks or pods.
    fn memory(&self) -> &Utilization;

    /// How many of its tasks run, or of its replicas are available, and how many should; none unless both are known.
    fn running_of_desired(&self) -> Option<(u32, u32)>;

    /// That number and what else is known of it, in a line.
    fn running_and_more(&self) -> String;

    /// Why a figure of it is empty.
    fn why_none(&self, figure: &Utilization) -> &'static str {
        figure.answer.words()
    }

    /// Something should run, and nothing does.
    fn none_runs(&self) -> bool {
        self.running_of_desired().is_some_and(|(running, desired)| running == 0 && desired > 0)
    }

    /// Something runs, and less than should.
    fn is_short(&self) -> bool {
        self.running_of_desired().is_some_and(|(running, desired)| 0 < running && running < desired)
    }

    /// Whether there is any figure of CPU or memory.
    fn has_figures(&self) -> bool {
        !(self.cpu().is_empty() && self.memory().is_empty())
    }

    /// `45.2 %, highest 93.1 % (last 3 hours 60 %, highest 80 %)`, or why there is no figure.
    fn sentence(&self, figure: &Utilization) -> String {
        if figure.is_empty() { self.why_none(figure).to_owned() } else { figure.sentence() }
    }
}

/// What the JSON leaves out: it knew ECS alone once.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_ecs(platform: &Platform) -> bool {
    *platform == Platform::Ecs
}
