//! Converts an SDK error to a [`Fault`]: which operation, on what, and what it means.
//!
//! An `SdkError` is never printed: its short text is only "service error", and its long text
//! contains the raw response.

use std::error::Error;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::error::metadata::ErrorMetadata;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;

/// Throttling codes of the services that fargaze calls (each API's "Common Errors" and error
/// lists).
const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "Throttled",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ProvisionedThroughputExceededException",
    "SlowDown",
    "KMSThrottling",
    "KMSThrottlingException",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "TooManyRequestsException",
    "ConcurrentModificationException",
];
/// Codes for missing permissions or invalid credentials.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationError",
    "AuthorizationErrorException",
    "NotAuthorized",
    "UnauthorizedOperation",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "OptInRequired",
    "RegionDisabledException",
    "SubscriptionRequiredException",
    "KMSAccessDenied",
    "KMSAccessDeniedException",
    "KMS.AccessDeniedException",
    "KmsAccessDenied",
];
/// Codes for missing resources.
const NOT_FOUND: &[&str] = &[
    "ClusterNotFoundException",
    "ServiceNotFoundException",
    "ResourceNotFoundException",
    "NoSuchKey",
    "NoSuchVersion",
    "NoSuchBucket",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
];
/// Codes for transient errors that do not come with a 5xx status.
const TRANSIENT: &[&str] = &["TransactionConflictException", "RequestTimeout"];
/// Codes for "another change is in progress" (ECS API, "Common Errors"; Amazon EKS API,
/// `UpdateClusterConfig`). EKS has no code for a change that has already been made: only its
/// message says so.
const IN_PROGRESS: &[&str] = &["UpdateInProgressException", "ResourceInUseException"];
/// Codes for "invalid" that EKS also uses for other errors, distinguished by the message.
const MAYBE_INVALID: &[&str] = &["InvalidParameterException", "InvalidRequestException"];
/// Phrases in EKS messages saying that the requested state already exists.
const ALREADY_DONE: &[&str] =
    &["No changes needed", "already at the desired configuration", "already exists"];

/// Converts the error of a failed call.
pub(super) fn fault<E>(operation: Operation, subject: impl Into<String>, error: &SdkError<E>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, code, message) = match error {
        SdkError::ServiceError(service) => {
            let meta: &ErrorMetadata = service.err().meta();
            let status = service.raw().status().as_u16();
            let code = meta.code().map_or_else(|| format!("HTTP {status}"), ToOwned::to_owned);
            let message = meta.message().unwrap_or_default().to_owned();
            (kind_of(&code, status, &message), code, message)
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let kind = if status >= 500 { FaultKind::Transient } else { FaultKind::Malformed };
            (kind, format!("HTTP {status}"), sources(error))
        }
        SdkError::TimeoutError(_) => (FaultKind::Transient, "timeout".to_owned(), sources(error)),
        SdkError::ConstructionFailure(_) => {
            (FaultKind::Invalid, "request not built".to_owned(), sources(error))
        }
        _ => (FaultKind::Transient, "no answer".to_owned(), sources(error)),
    };
    Fault { operation, subject: subject.into(), kind, code, message }
}

fn kind_of(code: &str, status: u16, message: &str) -> FaultKind {
    // CloudWatch's CBOR responses name the shape, some with its namespace as prefix.
    let code = code.rsplit('#').next().unwrap_or(code);
    if THROTTLED.contains(&code) || status == 429 {
        FaultKind::Throttled
    } else if DENIED.contains(&code) || status == 403 {
        FaultKind::Denied
    } else if NOT_FOUND.contains(&code) {
        FaultKind::NotFound
    } else if TRANSIENT.contains(&code) || status >= 500 {
        FaultKind::Transient
    } else if IN_PROGRESS.contains(&code) || MAYBE_INVALID.contains(&code) {
        of_change(code, message)
    } else {
        FaultKind::Invalid
    }
}

/// The kind of a rejected change, from its message.
fn of_change(code: &str, message: &str) -> FaultKind {
    if ALREADY_DONE.iter().any(|words| message.contains(words)) {
        FaultKind::Conflict
    } else if IN_PROGRESS.contains(&code) || message.contains("in progress") {
        FaultKind::InProgress
    } else {
        FaultKind::Invalid
    }
}

/// The whole chain of causes: the first link alone says nothing.
fn sources(error: &dyn Error) -> String {
    let mut links = Vec::new();
    let mut source = error.source();
    while let Some(link) = source {
        links.push(link.to_string());
        source = link.source();
    }
    links.dedup();
    links.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every error that the service models name for a missing resource or for throttling.
    #[test]
    fn errors_of_the_service_models_have_the_right_kind() {
        let models = [
            include_str!("../../../tests/fake-aws/model/cloudwatch.json"),
            include_str!("../../../tests/fake-aws/model/dynamodb.json"),
            include_str!("../../../tests/fake-aws/model/ecs.json"),
            include_str!("../../../tests/fake-aws/model/eks.json"),
            include_str!("../../../tests/fake-aws/model/logs.json"),
            include_str!("../../../tests/fake-aws/model/s3.json"),
            include_str!("../../../tests/fake-aws/model/sns.json"),
            include_str!("../../../tests/fake-aws/model/sqs.json"),
            include_str!("../../../tests/fake-aws/model/sts.json"),
        ];
        let mut seen = 0;
        for model in models {
            let model: serde_json::Value = serde_json::from_str(model).unwrap();
            let operations = model["operations"].as_object().unwrap().values();
            let errors = operations.flat_map(|operation| operation["errors"].as_object().unwrap());
            for code in errors.flat_map(|(shape, code)| [shape.as_str(), code.as_str().unwrap()]) {
                let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
                // A KMS key, or a Cloud Map namespace, is not the requested resource.
                let kind =
                    if has(&["NotFound", "NoSuch", "DoesNotExist"]) && !has(&["KMS", "Kms", "Namespace"]) {
                        FaultKind::NotFound
                    } else if has(&["Throttl", "ThroughputExceeded", "RequestLimitExceeded"]) {
                        FaultKind::Throttled
                    } else {
                        continue;
                    };
                assert_eq!(kind_of(code, 400, ""), kind, "{code}");
                seen += 1;
            }
        }
        assert!(seen > 30, "only {seen} errors");
    }

    #[test]
    fn codes_have_the_right_kind() {
        for (code, status, kind) in [
            ("ThrottlingException", 400, FaultKind::Throttled),
            ("com.amazonaws.cloudwatch#ThrottlingException", 400, FaultKind::Throttled),
            ("Throttled", 429, FaultKind::Throttled),
            ("AccessDeniedException", 400, FaultKind::Denied),
            ("HTTP 403", 403, FaultKind::Denied),
            ("OptInRequired", 400, FaultKind::Denied),
            ("IncompleteSignature", 400, FaultKind::Denied),
            ("ClusterNotFoundException", 400, FaultKind::NotFound),
            // SQS: the code in the JSON body, and the one in the header that SDKs prefer.
            ("QueueDoesNotExist", 400, FaultKind::NotFound),
            ("AWS.SimpleQueueService.NonExistentQueue", 400, FaultKind::NotFound),
            ("InternalServiceError", 500, FaultKind::Transient),
            ("UpdateInProgressException", 400, FaultKind::InProgress),
            ("InvalidParameterException", 400, FaultKind::Invalid),
        ] {
            assert_eq!(kind_of(code, status, ""), kind, "{code}");
        }
    }

    /// Issue 13, point 14.
    #[test]
    fn changes_already_made_in_progress_and_invalid_are_distinguished() {
        use FaultKind::{Conflict, Denied, InProgress, Invalid};
        let (invalid, request, in_use) =
            ("InvalidParameterException", "InvalidRequestException", "ResourceInUseException");
        for (code, message, kind) in [
            (invalid, "No changes needed for the logging config provided", Conflict),
            (invalid, "Cluster is already at the desired configuration with ...", Conflict),
            (request, "No changes needed for the logging config provided", Conflict),
            (in_use, "Addon already exists: metrics-server.", Conflict),
            (
                in_use,
                "Cannot LoggingUpdate because cluster payments currently has an update in progress",
                InProgress,
            ),
            (request, "Cluster has an update in progress", InProgress),
            (invalid, "Unsupported logging type", Invalid),
            ("AccessDeniedException", "No changes needed", Denied),
        ] {
            assert_eq!(kind_of(code, 400, message), kind, "{code}: {message}");
        }
    }
}
