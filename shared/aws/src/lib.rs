//! The border to AWS: thin clients that accept and return domain types. SDK types and SDK errors
//! stop here.

mod change_log;
mod clock;
mod cloudwatch;
mod ecs;
mod ecs_events;
mod ecs_services;
mod ecs_setups;
mod eks;
mod eks_changes;
mod incidents;
mod insights;
mod lives;
mod log;
mod log_events;
mod log_groups;
mod log_queries;
mod log_retention;
mod memory;
mod pages;
mod publish_slot;
mod queue;
mod rate_limiter;
mod role;
mod rule_problems;
mod sdk_error;
mod serve;
mod spending;
mod stopped_tasks;
mod store;
mod task_definitions;
mod topic;
mod user_file;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

pub use change_log::{ReadLog, cluster_of_key};
pub use clock::Clock;
pub use cloudwatch::{CloudWatch, StatisticsQuery};
pub use ecs::{Described, Ecs, Listed};
pub use ecs_services::DescribedServices;
pub use eks::{Eks, Equipment};
pub use eks_changes::Accepted;
pub use incidents::StoredIncidents;
pub use lives::Lives;
pub use log_groups::Logs;
pub use log_queries::Polled;
pub use memory::{AlarmPage, Memory, Written};
pub use queue::Queue;
pub use role::config_for;
pub use serve::{serve, serve_until};
pub use store::{Object, Store, missing_object};
pub use task_definitions::{StoppedContainer, StoppedTask};
pub use topic::Topic;
pub use user_file::UserFile;

/// Attempts per call, including the first. The rate limiters keep below the published rates, so
/// retries are for what other callers use up and for service failures.
const MAX_ATTEMPTS: u32 = 5;

/// Loads the SDK configuration of a function: credentials, Region and endpoint from the
/// environment, one HTTP client shared by all service clients. `app` appears in CloudTrail as part
/// of the user agent.
pub async fn load(app: &'static str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(20))
                .operation_timeout(Duration::from_secs(60))
                .build(),
        )
        .http_client(http_client())
        .app_name(app_name(app))
        .load()
        .await
}

/// One HTTP client for all services. By default, each SDK client creates its own and reads the
/// system's certificates for it.
fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https()
}

/// The app name that marks fargaze's calls.
fn app_name(function: &'static str) -> AppName {
    // `AppName` rejects only special characters, which function names do not have.
    AppName::new(format!("fargaze-{function}"))
        .unwrap_or_else(|_| unreachable!("{function} is a valid app name"))
}
