//! EKS pods, workloads and clusters as one run observes them: what a snapshot stores, and the
//! figures that rules evaluate.
//!
//! ```text
//! PodFacts, PodUsage, PodCounters, PodEvent -> PodState ┐
//! WorkloadFacts -> WorkloadState              ┼-> figures -> samples, joined to those of earlier runs -> Snapshot
//! EksCluster -> ClusterState                  ┘
//! ```

mod before;
mod cause;
mod cluster;
mod counted;
mod counters;
mod figures;
mod pending;
mod preflight;
mod public_access;
mod read;
mod state;
mod times;
mod warnings;
mod why;

pub use before::PreviousPods;
pub use cluster::{CadvisorState, ClusterState, MetricsApi, NodeCount, SetupProblem};
pub use counted::Counted;
pub use counters::{PodCounters, PodRates, Throttled};
pub use figures::{Sample, cluster_samples, workload_samples};
pub use pending::PendingCause;
pub use preflight::{
    AccessEntry, CLUSTER_ROLE, Caller, Diagnosis, GROUP, NODE_PROXY_ROLE, RIGHTS, Refusal, finding,
    right_to_list, to_list,
};
pub use state::{
    Amounts, InitContainer, PendingPod, PodState, PodUsageState, Share, Termination, WaitingContainer,
    WorkloadState,
};
pub use times::SampleTimes;
pub use warnings::{PodWarning, Probe, ProbeKill};
pub use why::{NamedPod, Why, explains, why};
