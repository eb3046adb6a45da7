//! A stand-in for the API server of an EKS cluster on Fargate.
//!
//! [`FakeKubernetes`] serves an [`Estate`] (pods, nodes, workloads and their usage) over TLS on the
//! loopback interface, with a CA created at start. Lists are paged from snapshots that can expire,
//! errors have the formats of the real server (JSON or text), tokens are checked like in
//! aws-iam-authenticator, signature included, and permissions like in RBAC. The [`Handle`] changes
//! the estate while it is served, injects a [`Fault`], and meters every call. A [`Balancer`] in
//! front of it breaks connections at any byte.
//!
//! The shapes of objects and the recorded responses are those of a kube-apiserver 1.36.2
//! (`tests/fixtures/kubernetes/`). Behavior that the real server leaves open is decided in the
//! code, with a comment.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test double: a broken set-up should stop the test on the spot"
)]
#![allow(clippy::disallowed_methods, reason = "the fake is the source of time, if no test gives it one")]

mod answer;
mod balancer;
mod body;
mod cadvisor;
mod crash;
mod delete;
mod discovery;
mod estate;
mod fault;
mod handle;
mod identity;
mod list;
mod manifests;
mod meter;
mod objects;
mod pipeline;
mod recorded;
mod reviews;
mod rights;
mod server;
mod sigv4;
mod state;
mod store;
mod target;
mod tls;
mod token;

pub use balancer::{Balancer, Break, Deaf, End};
pub use crash::Crash;
pub use estate::{
    Container, ContainerState, Counters, Estate, EventSpec, Gap, Kind, MetricsApi, Network, Node, Owner, Pod,
    Second, Terminated, Usage, Workload,
};
pub use fault::{Effect, Fault};
pub use handle::{FakeKubernetes, Handle};
pub use identity::Identity;
pub use meter::{Call, Meter};
pub use recorded::{Recorded, recorded};
pub use rights::Rights;
