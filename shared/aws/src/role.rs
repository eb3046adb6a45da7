//! The SDK configuration of a target: its Region, and its role if it is in another account.

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::Target;

use super::sdk_error::fault;

/// Returns `home` with the target's Region and, if the target names a role, that role's
/// credentials.
pub async fn config_for(home: &SdkConfig, target: &Target) -> Result<SdkConfig, Fault> {
    let region = SdkRegion::new(target.region.as_str().to_owned());
    let config = home.to_builder().region(region);
    let Some(role) = &target.role else {
        return Ok(config.build());
    };
    let answer = aws_sdk_sts::Client::new(home)
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name("fargaze")
        .set_external_id(role.external_id.clone())
        .send()
        .await
        .map_err(|error| fault(Operation::StsAssumeRole, &role.arn, &error))?;
    let given = answer.credentials.ok_or_else(|| {
        Fault::malformed(Operation::StsAssumeRole, &role.arn, "the response has no credentials")
    })?;
    let credentials = Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        given.expiration.try_into().ok(),
        "AssumeRole",
    );
    Ok(config.credentials_provider(SharedCredentialsProvider::new(credentials)).build())
}
