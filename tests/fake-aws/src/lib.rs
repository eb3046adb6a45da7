//! A stand-in for the AWS operations that fargaze calls, in their real wire formats.
//!
//! [`FakeAws`] serves an [`Estate`] (clusters, services and metric series of one or more accounts
//! and Regions) over HTTP on the loopback interface, or in process as an HTTP client of the AWS SDK
//! ([`InProcess`]), which works with tokio's clock paused. It implements AWS's paging, limits,
//! error codes and, optionally, its throttling; it can add latency, inject faults, and kill the
//! caller at any call ([`Crash`]); and it meters every call. Behavior that AWS leaves open is
//! decided in the code, with a comment.
//!
//! Each request is validated against the published API model of its operation before it is answered
//! (`model/`, trimmed by `model/trim.py`): its route, required members, types, words, lengths and
//! bounds. The fake refuses operations that it does not serve, and never answers with a similar
//! one. A walk over all operations (`tests/protocols/walk/`) and boto3 (`clients/`) check responses
//! and refusals.
//!
//! Passing these tests is not sufficient: they show that fargaze follows the protocols of the
//! published API models, not that AWS behaves as modeled.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test double: a broken set-up should stop the test on the spot"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "counts and epoch seconds in here are far below 2^52, and percentile ranks are rounded on purpose"
)]
#![allow(clippy::disallowed_methods, reason = "the fake is the source of time, in place of AWS's own clocks")]

mod buckets;
mod cloudwatch;
mod crash;
mod dynamodb;
mod ecs;
mod eks;
mod endless;
mod estate;
mod fake;
mod fault;
mod in_process;
mod lambda;
mod logs;
mod meter;
mod model;
mod pipeline;
mod request;
mod s3;
mod server;
mod service;
mod sns;
mod sqs;
mod sts;
mod subject;
mod wire;
mod world;

pub use buckets::{Quota, TokenBucket, published_quota};
pub use crash::Crash;
pub use eks::{AddonSpec, EksClusterSpec, ProfileSpec, UpdateSpec};
pub use endless::Endless;
pub use estate::{
    ClusterSpec, Estate, LogGroupSpec, MetricSet, Oddity, SeededEstate, Series, SeriesKey, ServiceSpec,
    StatisticSet, StoppedTaskSpec, TaskSpec,
};
pub use fake::{Builder, FakeAws};
pub use fault::{Effect, Fault};
pub use in_process::InProcess;
pub use lambda::{bootstrap, runtime_api};
pub use lambda::{bootstrap::Bootstrap, bootstrap::FunctionError, runtime_api::RuntimeApi};
pub use meter::{Call, Meter};
pub use world::{Object, Published, Sent, World};
