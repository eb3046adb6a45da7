//! Clusters of EKS in the report: what is set up, what runs on them, and how full it is.
//!
//! ```text
//! SnapshotLine -> SeenEks -> EksClusterReport -> mail, page, JSON
//!                 seen.rs    model.rs, pod.rs    ../mail.rs, ../html/eks/
//! ```

mod counted;
mod finish;
mod fleet;
mod hint;
mod model;
mod pod;
mod seen;
mod setup;
mod since;
mod vended;
mod words;

pub use counted::{CadvisorReport, PodCounted};
pub use fleet::EksFleet;
pub use hint::{Hint, HintKind};
pub use model::{EksClusterReport, WorkloadReport};
pub use pod::{PodEnd, PodReport, PodResource, PodUsage, PodWait};
pub use setup::{AddonReport, FindingReport, MetricsApiReport, MetricsApiState, ProfileReport};
pub use vended::VendedMetric;

pub(super) use finish::cluster;
pub(super) use fleet::fleet;
pub(super) use model::subject;
pub(super) use seen::{SeenEks, SeenWorkload, most_pods};
pub(super) use since::since;
