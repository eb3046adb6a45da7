//! What is known of a target: which clusters and services there are, what EKS and its pods say, how much of what was asked
//! was answered, and the snapshot that all of it is stored in.
//!
//! Every question ends as a value, as zero, as no data, or as could not ask; none of them becomes another on the way into a
//! snapshot, out of it, or from one run into the next.

pub mod continuation;
pub mod coverage;
pub mod eks;
pub mod inventory;
pub mod pods;
pub mod snapshot;
