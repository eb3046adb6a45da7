//! The token of the moment: one for many requests, a new one when it ends or is refused.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use tokio::sync::Mutex;

use super::Access;
use super::token::{BearerToken, TokenError};

/// Keeps the token that is in use.
#[derive(Default)]
pub(super) struct Session(Mutex<Option<BearerToken>>);

impl Session {
    /// The token to send; signed anew if there is none, if it ends now, or if it is the one that was refused.
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
    // Only the error's own sentence: what it wraps may hold an answer of the provider.
    let credentials = access.credentials.provide_credentials().await;
    let credentials = credentials.map_err(|error| TokenError::Credentials(error.to_string()))?;
    BearerToken::sign(&access.cluster, &access.region, &credentials, now)
}
