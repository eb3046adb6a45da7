//! What fargaze knows about a target: its clusters and services, what EKS and Kubernetes report
//! about them, how many queries were answered, and the snapshot that stores all this.
//!
//! Every query ends as a value, as zero, as no data, or as could not ask. None of the four turns
//! into another on the way into a snapshot, out of it, or from one run to the next.

pub mod continuation;
pub mod coverage;
pub mod eks;
pub mod inventory;
pub mod pods;
pub mod snapshot;
