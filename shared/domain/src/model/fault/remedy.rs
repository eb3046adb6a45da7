//! Remedies for failed calls, as shown in summaries: by the service's error code and, for denials,
//! by the error message.
//!
//! Codes: the pages "Common Errors" ("Common Error Types") of the APIs that fargaze calls (ECS,
//! EKS, CloudWatch, DynamoDB, S3, SNS, SQS, STS), "Error responses" of S3, and STS API,
//! `AssumeRole`. Messages of denials: IAM User Guide, "Troubleshoot access denied error messages".

use super::{Fault, FaultKind, kubernetes};
use crate::model::operation::Operation;

/// Groups of equivalent codes, each with its remedy.
const BY_CODE: &[(&[&str], &str)] = &[
    (
        &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"],
        "the credentials had expired; the next run gets new ones; if it recurs, check that the role exists",
    ),
    (
        &["InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken"],
        "AWS does not recognize the credentials in that Region: if it is an opt-in Region, enable it in the account or \
         remove it from targets; otherwise check that the role exists",
    ),
    (
        &["RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"],
        "the clock that signed the request is off by more than a few minutes; the next run signs a new request",
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
        "the signature was not accepted: check whether a proxy between the function and AWS changes its requests",
    ),
    (
        &["RegionDisabledException"],
        "STS is not active in the Region: activate it in the account settings of IAM, or remove the Region from targets",
    ),
    (
        &["OptInRequired", "SubscriptionRequiredException", "NotSignedUp", "InvalidRegionException"],
        "the account has not opted in to the service or the Region: enable it there, or remove the Region from targets",
    ),
    (
        &[
            "UnknownOperationException",
            "InvalidAction",
            "UnsupportedFeatureException",
            "UnsupportedOperation",
        ],
        "the service does not offer this call in the Region; remove the Region from targets",
    ),
    (&["KMSAccessDenied", "KMSAccessDeniedException"], "allow the role to use the KMS key in the key policy"),
    (
        &[
            "KMSDisabled",
            "KMSDisabledException",
            "KMSInvalidStateException",
            "KMSNotFound",
            "KMSNotFoundException",
        ],
        "the KMS key cannot be used: re-enable it, or assign another key to the resource",
    ),
    (
        &[
            "LimitExceeded",
            "LimitExceededException",
            "ServiceQuotaExceededException",
            "ResourceLimitExceededException",
        ],
        "a quota of the account is exhausted: raise it in Service Quotas, or delete unused resources",
    ),
    (&["NoSuchBucket"], "the bucket was deleted: redeploy the stack"),
    (
        &["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"],
        "the queue was deleted: redeploy the stack",
    ),
    (
        &["timeout", "no answer"],
        "there was no response; the next run retries; if it recurs and VpcSubnetIds is set, check that these subnets have a \
         route to the service",
    ),
];

/// What the message of a denial names as the cause, and the remedy.
const BY_SENTENCE: &[(&str, &str)] = &[
    (
        "service control policy",
        "a service control policy of the organization does not allow it: ask an administrator of the organization",
    ),
    (
        "resource control policy",
        "a resource control policy of the organization does not allow it: ask an administrator of the organization",
    ),
    (
        "explicit deny in a permissions boundary",
        "the permissions boundary of the role denies it: remove the action from that statement",
    ),
    (
        "explicit deny in a VPC endpoint policy",
        "the policy of the VPC endpoint denies it: remove the action from that statement",
    ),
    (
        "explicit deny in a session policy",
        "the session policy denies it: remove the action from that statement",
    ),
    (
        "explicit deny in a resource-based policy",
        "the policy of the resource denies it: remove the action or the role from that statement",
    ),
    (
        "explicit deny in an identity-based policy",
        "a policy of the role denies it: remove the action from that statement",
    ),
    ("perform: kms:", "allow the role to use the KMS key in the key policy"),
    ("permissions boundary", "the permissions boundary of the role does not allow it: add the action there"),
    ("VPC endpoint policy", "the policy of the VPC endpoint does not allow it: add the action there"),
    ("session policy", "the session policy does not allow it: add the action there"),
    ("resource-based policy", "the policy of the resource does not allow it: allow the role there"),
];

/// By the fault's kind, if its code is not listed.
const fn by_kind(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Throttled => "the API's rate limit was exceeded; the next run retries",
        FaultKind::Transient => "the service did not respond; the next run retries",
        FaultKind::Denied => {
            "redeploy the stack, which grants the action to its role; in another account grant it to the target's role, see \
             docs/permissions.md in the fargaze repository"
        }
        FaultKind::NotFound => "it may have been deleted in the meantime",
        FaultKind::Invalid => "the same request will fail again; check the configuration",
        FaultKind::Conflict => {
            "it was changed by another caller at the same time; the next run checks it again"
        }
        FaultKind::InProgress => "another change is in progress; the next run checks it again",
        FaultKind::Malformed => "unexpected response format, skipped; the next run retries",
        FaultKind::Unreadable => "only this item was skipped, until its name or format changes",
        FaultKind::Bug => "this is a bug in fargaze: please report it with the log line",
    }
}

impl Fault {
    /// Remedy for the reader of a summary. Access to an EKS cluster is granted in that cluster; the
    /// report lists missing permissions.
    pub fn advice(&self) -> &'static str {
        if let Some(remedy) = kubernetes::advice(self) {
            return remedy;
        }
        if let Some(remedy) = self.of_queries() {
            return remedy;
        }
        // Some services prefix the code with a namespace.
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
                "let the role trust this stack's functions, with the target's external-id; see docs/permissions.md in the fargaze repository"
            }
            None if matches!(
                self.operation,
                Operation::LogsPutRetentionPolicy | Operation::LogsDeleteRetentionPolicy
            ) =>
            {
                "deploy the stack with SetLogRetention=true, in another account member.template.yaml; see docs/policies.md in the \
                 fargaze repository"
            }
            None => by_kind(FaultKind::Denied),
        }
    }

    /// What helps if fargaze itself refuses or stops a query of logs, or the account runs too many.
    fn of_queries(&self) -> Option<&'static str> {
        Some(match (&self.operation, self.code.as_str()) {
            (Operation::LogsStartQuery, "budget") => {
                "raise `budget: month` in fargaze.yaml, or let fewer queries run; see docs/operations.md in the fargaze repository"
            }
            (Operation::LogsGetQueryResults | Operation::LogsStartQuery, "late") => {
                "name fewer log groups or a shorter window, or filter more in the query's first commands"
            }
            (Operation::LogsStartQuery, "LimitExceededException") => {
                "the account runs as many queries at once as its quota allows; the next run tries again; the quota can be raised in \
                 Service Quotas"
            }
            (Operation::LogsStartQuery, "no log group") => {
                "check the names in fargaze.yaml; where new services and pods log to is known after the next run or report"
            }
            (Operation::FargazeRun, "late lines") => "the link shows them",
            _ => return None,
        })
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
    fn every_class_of_error_has_a_matching_remedy() {
        use FaultKind::{
            Bug, Conflict, Denied, InProgress, Invalid, Malformed, NotFound, Throttled, Transient,
        };
        const GRANT: &str =
            "redeploy the stack, which grants the action to its role; in another account grant it";
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
            ("ecs:ListClusters", Denied, "UnrecognizedClientException", "", "opt-in"),
            ("sts:AssumeRole", Denied, "InvalidClientTokenId", "", "opt-in"),
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
            ("s3:GetObject", NotFound, "NoSuchBucket", "", "redeploy the stack"),
            (
                "sqs:SendMessage",
                NotFound,
                "AWS.SimpleQueueService.NonExistentQueue",
                "",
                "queue was deleted: redeploy the stack",
            ),
            ("ecs:ListClusters", Invalid, "ValidationException", "", "check the configuration"),
            ("ecs:ListClusters", Transient, "ServiceUnavailable", "", "retries"),
            ("ecs:ListClusters", Transient, "timeout", "", "VpcSubnetIds is set"),
            ("cloudwatch:GetMetricData", Denied, "com.amazonaws.x#ExpiredTokenException", "", "expired"),
            ("ecs:ListClusters", Malformed, "malformed answer", "", "retries"),
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
    fn no_code_is_in_two_classes() {
        let mut codes: Vec<&str> = BY_CODE.iter().flat_map(|(codes, _)| *codes).copied().collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
