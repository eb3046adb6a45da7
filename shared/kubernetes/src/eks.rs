//! Creates a Kubernetes client from EKS's description of a cluster.

use aws_types::SdkConfig;
use fargaze::evidence::eks::EksCluster;
use fargaze::model::cluster::Region;

use crate::{Access, Cause, Client, ClientError, Limits};

impl Client {
    /// A client for a cluster, with the credentials of `sdk`; makes no request yet.
    pub fn of_cluster(
        sdk: &SdkConfig,
        region: &Region,
        cluster: &EksCluster,
        limits: Limits,
    ) -> Result<Self, ClientError> {
        let error = |why: &str| ClientError {
            method: "connect to",
            path: cluster.endpoint.clone().unwrap_or_default(),
            cluster: cluster.name.to_string(),
            cause: Cause::Malformed(why.to_owned()),
        };
        let (Some(endpoint), Some(authority)) = (&cluster.endpoint, &cluster.certificate_authority) else {
            return Err(error("DescribeCluster returned no endpoint or certificate authority"));
        };
        let access = Access {
            cluster: cluster.name.to_string(),
            region: region.to_string(),
            endpoint: endpoint.clone(),
            certificate_authority: authority.clone(),
            credentials: sdk
                .credentials_provider()
                .ok_or_else(|| error("there are no credentials to sign with"))?,
            time: sdk.time_source().unwrap_or_default(),
        };
        Self::new(access, limits)
    }
}
