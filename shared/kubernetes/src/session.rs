//! The current token: one for many requests, replaced when it expires or is rejected.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use tokio::sync::Mutex;

use super::Access;
use super::token::{BearerToken, TokenError};

/// Holds the current token.
#[derive(Default)]
pub(super) struct Session(Mutex<Option<BearerToken>>);

impl Session {
    /// Returns the token to send; signs a new one if there is none, if it has expired, or if it is
    /// the rejected one.
    pub(super) async fn token(
        &self,
        access: &Access,
        refused: Option<&BearerToken>,
    ) -> Result<BearerToken, TokenError> {
        let mut kept = self.0.lock().await;
        let now = access.time.now();
        let usable = |token: &&BearerToken| {
            now < token.expires_at() && refused.is_none_or(|refused| refused.header() != token.header())
        };
        if let Some(token) = kept.as_ref().filter(usable) {
            return Ok(token.clone());
        }
        let token = sign(access, now).await?;
        *kept = Some(token.clone());
        Ok(token)
    }
}

async fn sign(access: &Access, now: SystemTime) -> Result<BearerToken, TokenError> {
    // Only the error's own message: its sources may contain a response of the provider.
    let credentials = access.credentials.provide_credentials().await;
    let credentials = credentials.map_err(|error| TokenError::Credentials(error.to_string()))?;
    BearerToken::sign(&access.cluster, &access.region, &credentials, now)
}
