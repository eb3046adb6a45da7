//! The fake as an HTTP client of the AWS SDK for Rust: calls reach it without a socket.
//!
//! Time cannot be paused around sockets: with tokio's clock paused, waiting for the network looks
//! idle, and the clock would jump ahead. Without sockets a test only waits for timers, so minutes
//! of rate limiting take only the time to compute them.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config;
use http_body_util::BodyExt;
use hyper::header::CONTENT_LENGTH;

use crate::fake::{FakeAws, State};
use crate::pipeline;
use crate::request::Request;

/// An HTTP client of the AWS SDK that calls a [`FakeAws`] directly. Latency, faults, buckets, crash
/// points and meter are those of the server; connect and read timeouts do not apply, because there
/// is no connection.
#[derive(Clone)]
pub struct InProcess {
    state: Arc<State>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The SDK sometimes prints its configuration, which must not print the whole estate.
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let state = Arc::clone(&self.state);
        HttpConnectorFuture::new(async move { respond(request, &state).await })
    }
}

async fn respond(request: HttpRequest, state: &State) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    let request = Request::new(&head, body, (&state.home.0, &state.home.1));
    // Yields, so that other calls run before the response.
    tokio::task::yield_now().await;
    let answer = pipeline::answer(request, state).await.map_err(|cut| ConnectorError::io(cut.into()))?;
    let mut answer = answer.map(SdkBody::from);
    // Headers that a server adds.
    let length = answer.body().content_length().unwrap_or_default();
    answer.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    HttpResponse::try_from(answer).map_err(|error| ConnectorError::user(error.into()))
}

/// The time that STS and the SDK's clients share: it follows tokio's clock, paused or not.
#[derive(Debug)]
struct Clock(InProcess);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        self.0.state.wall_clock().into()
    }
}

impl FakeAws {
    /// An HTTP client for `SdkConfig` that calls this fake without a socket.
    pub fn http_client(&self) -> InProcess {
        InProcess { state: Arc::clone(self.state()) }
    }

    /// The configuration of an SDK client in the home account and Region, in process. Sleeps and
    /// times follow tokio's clock, paused or not. Retries, timeouts and the app's name are left to
    /// the caller.
    pub fn sdk_config(&self) -> sdk_config::Builder {
        // An access key that names no account belongs to the home account.
        let keys = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "fake-aws");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.endpoint())
            .region(Region::new(self.state().home.1.clone()))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(self.http_client())
            .sleep_impl(TokioSleep::new())
            .time_source(Clock(self.http_client()))
    }
}
