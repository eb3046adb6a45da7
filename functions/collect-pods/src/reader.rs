//! What clusters are read with.

use std::sync::Arc;

use aws_config::SdkConfig;
use fargaze::evidence::eks::EksReads;
use fargaze::model::run::{Run, Target};
use fargaze_aws::Eks;
use fargaze_kubernetes::{Limits, Network};

/// What clusters are read with.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) eks: &'a Eks,
    pub(crate) sdk: &'a SdkConfig,
    pub(crate) target: &'a Target,
    pub(crate) run: &'a Run,
    /// Which clusters the user lets us read cAdvisor of.
    pub(crate) reads: &'a EksReads,
    /// ARN of the role that asks.
    pub(crate) role: &'a str,
    pub(crate) limits: Limits,
    /// The way to API servers.
    pub(crate) network: &'a Arc<dyn Network>,
}
