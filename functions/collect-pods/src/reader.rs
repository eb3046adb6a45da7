//! Everything needed to read clusters.

use std::sync::Arc;

use aws_config::SdkConfig;
use fargaze::evidence::eks::EksReads;
use fargaze::model::run::{Run, Target};
use fargaze_aws::Eks;
use fargaze_kubernetes::{Limits, Network};

/// Everything needed to read clusters.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) eks: &'a Eks,
    pub(crate) sdk: &'a SdkConfig,
    pub(crate) target: &'a Target,
    pub(crate) run: &'a Run,
    /// For which clusters the user's file enables cAdvisor.
    pub(crate) reads: &'a EksReads,
    /// ARN of the role that reads.
    pub(crate) role: &'a str,
    pub(crate) limits: Limits,
    /// The network to API servers.
    pub(crate) network: &'a Arc<dyn Network>,
}
