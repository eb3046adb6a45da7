//! What the reader of a summary can do about a failed call, by the service's code and, for a denial, by its sentence.
//!
//! Codes: the pages "Common Errors" ("Common Error Types") of the APIs that fargaze calls (ECS, EKS, CloudWatch,
//! DynamoDB, S3, SNS, SQS, STS), "Error responses" of S3, and STS API, `AssumeRole`. Sentences of denials: IAM User
//! Guide, "Troubleshoot access denied error messages".

use super::{Fault, FaultKind, kubernetes};
use crate::model::operation::Operation;

/// Codes that mean the same, and what to do about them.
const BY_CODE: &[(&[&str], &str)] = &[
    (
        &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"],
        "the credentials had expired, and the next run gets new ones; if it comes again, see whether the role is still there",
    ),
    (
        &["InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken"],
        "AWS does not know the credentials there: if the Region is one that an account must opt in to, enable it in the \
         account or take it out of targets; else see whether the role is still there",
    ),
    (
        &["RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"],
        "the clock that signed the request is off by more than some minutes; the next run signs again",
    ),
    (
        &[
            "IncompleteSignature",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "AuthFailure",
        ],
        "the signature was not accepted: see whether a proxy between the function and AWS changes its requests",
    ),
    (
        &["RegionDisabledException"],
        "STS is not active in the Region: activate it in the account settings of IAM, or take the Region out of targets",
    ),
    (
        &["OptInRequired", "SubscriptionRequiredException", "NotSignedUp", "InvalidRegionException"],
        "the account has not opted in to the service or the Region: enable it there, or take the Region out of targets",
    ),
    (
        &[
            "UnknownOperationException",
            "InvalidAction",
            "UnsupportedFeatureException",
            "UnsupportedOperation",
        ],
        "the service does not offer this call in the Region; take the Region out of targets",
    ),
    (
        &["KMSAccessDenied", "KMSAccessDeniedException"],
        "allow the role to use the KMS key, in the policy of the key",
    ),
    (
        &[
            "KMSDisabled",
            "KMSDisabledException",
            "KMSInvalidStateException",
            "KMSNotFound",
            "KMSNotFoundException",
        ],
        "the KMS key cannot be used: enable it again, or give the resource another key",
    ),
    (
        &[
            "LimitExceeded",
            "LimitExceededException",
            "ServiceQuotaExceededException",
            "ResourceLimitExceededException",
        ],
        "a quota of the account is used up: raise it in Service Quotas, or remove what nobody needs",
    ),
    (&["NoSuchBucket"], "the bucket is gone: deploy the stack again"),
    (
        &["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"],
        "the queue is gone: deploy the stack again",
    ),
    (
        &["timeout", "no answer"],
        "no answer came, and the next run asks again; if it comes each time and VpcSubnetIds is set, see whether these \
         subnets have a way to the service",
    ),
];

/// What the sentence of a denial blames, and what to do about it.
const BY_SENTENCE: &[(&str, &str)] = &[
    (
        "service control policy",
        "a service control policy of the organization does not allow it: ask whoever administers the organization",
    ),
    (
        "resource control policy",
        "a resource control policy of the organization does not allow it: ask whoever administers the organization",
    ),
    (
        "explicit deny in a permissions boundary",
        "the permissions boundary of the role denies it: take the action out of that statement",
    ),
    (
        "explicit deny in a VPC endpoint policy",
        "the policy of the VPC endpoint denies it: take the action out of that statement",
    ),
    (
        "explicit deny in a session policy",
        "the session's policy denies it: take the action out of that statement",
    ),
    (
        "explicit deny in a resource-based policy",
        "the policy of the resource denies it: take the action or the role out of that statement",
    ),
    (
        "explicit deny in an identity-based policy",
        "a policy of the role denies it: take the action out of that statement",
    ),
    ("perform: kms:", "allow the role to use the KMS key, in the policy of the key"),
    ("permissions boundary", "the permissions boundary of the role does not allow it: add the action there"),
    ("VPC endpoint policy", "the policy of the VPC endpoint does not allow it: add the action there"),
    ("session policy", "the session's policy does not allow it: add the action there"),
    ("resource-based policy", "the policy of the resource does not allow it: allow the role there"),
];

/// By the fault's kind, where its code says no more.
const fn by_kind(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Throttled => "the API is over its rate limit; the next run asks again",
        FaultKind::Transient => "the service did not answer; the next run asks again",
        FaultKind::Denied => {
            "deploy the stack again, which gives its role the action; in another account grant it to the target's role, see \
             docs/permissions.md"
        }
        FaultKind::NotFound => "it may have been deleted in the meantime",
        FaultKind::Invalid => "the same request will fail again; check the configuration",
        FaultKind::Conflict => "somebody else changed it at the same time; the next run looks at it again",
        FaultKind::InProgress => "another change of it is in progress; the next run looks at it again",
        FaultKind::Malformed => {
            "the answer was not of the form that was expected, and was left out; the next run asks again"
        }
        FaultKind::Unreadable => {
            "it alone was left out, and is so each time until its name or form is another"
        }
        FaultKind::Bug => "this is a mistake in fargaze: please report it with the log line",
    }
}

impl Fault {
    /// What the reader of a summary can do about it. Who may read inside an EKS cluster is decided there, and the
    /// report says what is missing.
    pub fn advice(&self) -> &'static str {
        if let Some(remedy) = kubernetes::advice(self) {
            return remedy;
        }
        // Some services name the shape with its namespace in front.
        let code = self.code.rsplit('#').next().unwrap_or(&self.code);
        let of_kubernetes = matches!(self.operation, Operation::Kubernetes { .. });
        let by_code = BY_CODE.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, remedy)| *remedy);
        if let Some(remedy) = by_code.filter(|_| !of_kubernetes) {
            return remedy;
        }
        match self.kind {
            FaultKind::Denied => self.of_denial(),
            kind => by_kind(kind),
        }
    }

    fn of_denial(&self) -> &'static str {
        let blamed = BY_SENTENCE.iter().find(|(policy, _)| self.message.contains(policy));
        match blamed {
            Some((_, remedy)) => remedy,
            None if self.operation == Operation::StsAssumeRole => {
                "let the role trust this stack's functions, with the target's external-id; see docs/permissions.md"
            }
            None => by_kind(FaultKind::Denied),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(operation: &str, kind: FaultKind, code: &str, message: &str) -> Fault {
        Fault {
            operation: operation.parse().unwrap(),
            subject: String::new(),
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Issue 13, point 6.
    #[test]
    fn every_class_of_error_has_a_remedy_that_fits() {
        use FaultKind::{
            Bug, Conflict, Denied, InProgress, Invalid, Malformed, NotFound, Throttled, Transient,
        };
        const GRANT: &str =
            "deploy the stack again, which gives its role the action; in another account grant it";
        let scp = "User: arn:aws:sts::123456789012:assumed-role/x/y is not authorized to perform: ecs:ListClusters with an \
                   explicit deny in a service control policy";
        let boundary = "is not authorized to perform: ecs:UpdateClusterSettings because no permissions boundary allows it";
        let endpoint =
            "is not authorized to perform: sqs:SendMessage because no VPC endpoint policy allows it";
        let identity =
            "is not authorized to perform: ecs:ListClusters because no identity-based policy allows it";
        let denied = "is not authorized to perform: ecs:UpdateClusterSettings with an explicit deny in a permissions boundary";
        let resource =
            "is not authorized to perform: s3:GetObject with an explicit deny in a resource-based policy";
        let kms = "is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no \
                   resource-based policy allows the kms:Decrypt action";
        for (operation, kind, code, message, remedy) in [
            ("ecs:ListClusters", Denied, "ExpiredTokenException", "", "expired"),
            ("ecs:ListClusters", Denied, "ExpiredToken", "The security token is expired", "expired"),
            ("ecs:ListClusters", Denied, "UnrecognizedClientException", "", "opt in"),
            ("sts:AssumeRole", Denied, "InvalidClientTokenId", "", "opt in"),
            ("ecs:ListClusters", Denied, "RequestTimeTooSkewed", "", "clock"),
            ("ecs:ListClusters", Invalid, "RequestExpired", "", "clock"),
            ("s3:GetObject", Denied, "SignatureDoesNotMatch", "", "signature"),
            ("sts:AssumeRole", Denied, "RegionDisabledException", "", "STS is not active"),
            ("eks:ListClusters", Denied, "OptInRequired", "", "opted in"),
            ("eks:ListClusters", Invalid, "UnknownOperationException", "", "does not offer"),
            ("ecs:ListClusters", Denied, "AccessDeniedException", scp, "service control policy"),
            ("ecs:UpdateClusterSettings", Denied, "AccessDeniedException", boundary, "boundary"),
            ("sqs:SendMessage", Denied, "AccessDenied", endpoint, "VPC endpoint"),
            ("ecs:ListClusters", Denied, "AccessDeniedException", identity, GRANT),
            ("ecs:ListClusters", Denied, "AccessDeniedException", "", GRANT),
            ("sts:AssumeRole", Denied, "AccessDenied", "", "trust"),
            ("s3:GetObject", Denied, "KMSAccessDenied", "", "KMS key"),
            ("s3:GetObject", Denied, "AccessDenied", kms, "KMS key"),
            (
                "ecs:UpdateClusterSettings",
                Denied,
                "AccessDeniedException",
                denied,
                "boundary of the role denies it",
            ),
            ("s3:GetObject", Denied, "AccessDenied", resource, "the policy of the resource denies it"),
            ("ecs:ListClusters", Throttled, "ThrottlingException", "", "rate limit"),
            ("eks:CreateAddon", Invalid, "ResourceLimitExceededException", "", "quota"),
            ("ecs:DescribeClusters", NotFound, "ClusterNotFoundException", "", "deleted"),
            ("s3:GetObject", NotFound, "NoSuchBucket", "", "deploy the stack"),
            (
                "sqs:SendMessage",
                NotFound,
                "AWS.SimpleQueueService.NonExistentQueue",
                "",
                "queue is gone: deploy the stack",
            ),
            ("ecs:ListClusters", Invalid, "ValidationException", "", "check the configuration"),
            ("ecs:ListClusters", Transient, "ServiceUnavailable", "", "asks again"),
            ("ecs:ListClusters", Transient, "timeout", "", "VpcSubnetIds is set"),
            ("cloudwatch:GetMetricData", Denied, "com.amazonaws.x#ExpiredTokenException", "", "expired"),
            ("ecs:ListClusters", Malformed, "malformed answer", "", "asks again"),
            ("eks:CreateAddon", Conflict, "ResourceInUseException", "", "at the same time"),
            ("eks:UpdateClusterConfig", InProgress, "ResourceInUseException", "", "in progress"),
            ("fargaze:Judge", Bug, "bug in fargaze", "", "please report it"),
            ("kubernetes:GET /api/v1/pods", Denied, "Forbidden", "", "docs/eks.md"),
        ] {
            let advice = fault(operation, kind, code, message).advice();
            assert!(advice.contains(remedy), "{operation} {code}: {advice}");
            assert_eq!(advice.contains(GRANT), remedy == GRANT, "{operation} {code}: {advice}");
        }
    }

    #[test]
    fn no_code_stands_in_two_classes() {
        let mut codes: Vec<&str> = BY_CODE.iter().flat_map(|(codes, _)| *codes).copied().collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
