//! The Lambda runtime: events in, responses or failures out.

use std::time::SystemTime;

use fargaze::invocation::failure::Failure;
use lambda_runtime::tracing::error;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

/// The error that Lambda reports for a failure.
fn diagnostic(failure: &Failure) -> Diagnostic {
    Diagnostic { error_type: failure.error_type().to_owned(), error_message: failure.to_string() }
}

/// Serves a function until Lambda ends it. If the handler could not be built because its settings
/// are invalid, every event gets that failure, so that the state machine and the log show a message
/// instead of a crash.
pub async fn serve<Handler, Answer>(
    handler: Result<Handler, Failure>,
    handle: impl AsyncFn(&Handler, Value) -> Result<Answer, Failure>,
) -> Result<(), lambda_runtime::Error>
where
    Answer: Serialize,
{
    serve_until(handler, async |handler, event, _deadline| handle(handler, event).await).await
}

/// Like [`serve`], for a function that stops by itself before its timeout: the handler also gets
/// its deadline (`Lambda-Runtime-Deadline-Ms`).
pub async fn serve_until<Handler, Answer>(
    handler: Result<Handler, Failure>,
    handle: impl AsyncFn(&Handler, Value, Instant) -> Result<Answer, Failure>,
) -> Result<(), lambda_runtime::Error>
where
    Answer: Serialize,
{
    super::log::init();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let answer = match &handler {
            // Boxed, because the call tree of a function is otherwise one type too deep for the
            // compiler.
            Ok(handler) => {
                let deadline = instant_of(event.context.deadline());
                Box::pin(handle(handler, event.payload, deadline)).await
            }
            Err(failure) => Err(failure.clone()),
        };
        answer.map_err(|failure| {
            error!(error_type = failure.error_type(), "{failure}");
            diagnostic(&failure)
        })
    }))
    .await
}

/// Converts wall-clock time to an instant.
fn instant_of(time: SystemTime) -> Instant {
    Instant::now() + time.duration_since(now()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "Lambda gives its deadline as wall-clock time")]
fn now() -> SystemTime {
    SystemTime::now()
}
