//! Remedies for faults of the Kubernetes API, as shown in summaries.

use super::{Fault, FaultKind};
use crate::model::operation::Operation;

/// Fault code: the namespace is being deleted.
pub const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";
/// Fault code: the object is immutable.
pub const IMMUTABLE: &str = "Immutable";
/// Fault code: the certificate does not match the cluster.
pub const FALSE_IDENTITY: &str = "false identity";
/// Fault code: no token could be created.
pub const TOKEN: &str = "token";
/// Fault code: HTTP 401.
pub const UNAUTHORIZED: &str = "Unauthorized";
/// Fault code: HTTP 403.
pub const FORBIDDEN: &str = "Forbidden";

/// Prefix of the paths that only the setup of EKS clusters requests; pods are listed across all
/// namespaces.
const SETUP: &str = "/api/v1/namespaces";
/// Path of the Metrics API.
const METRICS: &str = "/apis/metrics.k8s.io";

/// Whether a fault comes from setting up a cluster rather than from reading its pods.
pub fn is_of_setup(fault: &Fault) -> bool {
    matches!(&fault.operation, Operation::Kubernetes { path, .. } if path.starts_with(SETUP))
}

/// Remedy for a fault of the Kubernetes API where it differs from the remedy for the same kind of
/// AWS fault. Commands are elsewhere, because each is for one cluster.
pub(super) fn advice(fault: &Fault) -> Option<&'static str> {
    let Operation::Kubernetes { path, .. } = &fault.operation else { return None };
    match (fault.code.as_str(), fault.kind) {
        (NAMESPACE_TERMINATING, _) => Some(
            "wait until the namespace is deleted, then apply the YAML in docs/policies.md of the fargaze repository, which recreates it; if it \
                 stays Terminating, check its finalizers",
        ),
        (IMMUTABLE, _) => {
            Some("it cannot be changed, only deleted: keep a copy and delete it; the next sweep recreates it")
        }
        (FALSE_IDENTITY, _) => {
            Some("look for a proxy between fargaze and the endpoint of the cluster; the report has details")
        }
        (TOKEN, _) => Some("the next run gets new credentials; if it recurs, check that the role exists"),
        (_, FaultKind::Denied)
            if path.as_ref() == "pods/log" || path.as_ref() == "configmaps/aws-logging" =>
        {
            Some(
                "give the role of CollectLogs, the stack's output CollectLogsRoleArn, an access entry with the group fargaze-log-readers: \
             docs/logs.md in the fargaze repository",
            )
        }
        (_, FaultKind::Denied) if is_of_setup(fault) => Some(
            "create an access entry with the required permissions in the cluster for the role of EnableInsights, the \
             stack's output EnableInsightsRoleArn: docs/policies.md in the fargaze repository",
        ),
        (_, FaultKind::Denied) => Some(
            "the report has the commands that grant fargaze access (docs/eks.md in the fargaze repository); to get it now, start the state \
             machine, the stack's output RunArn, with {\"kind\":\"report\"}",
        ),
        (_, FaultKind::NotFound) if path.starts_with(METRICS) => Some(
            "install the EKS add-on metrics-server: the report has the command, and warns if its pods would have \
             nowhere to run",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advised(operation: &str, code: &str, kind: FaultKind) -> &'static str {
        let (operation, code) = (operation.parse().unwrap(), code.to_owned());
        Fault { operation, subject: "shop".to_owned(), kind, code, message: "x".to_owned() }.advice()
    }

    /// Issue 13, point 23.
    #[test]
    fn each_refusal_refers_to_the_page_with_its_remedy() {
        let setup = "kubernetes:PUT /api/v1/namespaces/aws-observability/configmaps/aws-logging";
        for (operation, code, kind, says) in [
            ("kubernetes:GET /api/v1/pods", FORBIDDEN, FaultKind::Denied, "docs/eks.md"),
            ("kubernetes:GET /apis/apps/v1/deployments", UNAUTHORIZED, FaultKind::Denied, "docs/eks.md"),
            (setup, FORBIDDEN, FaultKind::Denied, "docs/policies.md"),
            ("kubernetes:POST /api/v1/namespaces", FORBIDDEN, FaultKind::Denied, "docs/policies.md"),
            (setup, UNAUTHORIZED, FaultKind::Denied, "EnableInsightsRoleArn"),
            (setup, NAMESPACE_TERMINATING, FaultKind::Invalid, "wait until the namespace is deleted"),
            (setup, IMMUTABLE, FaultKind::Invalid, "keep a copy"),
            ("kubernetes:GET /api/v1/pods", FALSE_IDENTITY, FaultKind::Denied, "proxy"),
            ("kubernetes:GET /api/v1/pods", "cut answer", FaultKind::Transient, "the next run retries"),
            ("ecs:ListServices", "AccessDenied", FaultKind::Denied, "docs/permissions.md"),
        ] {
            let said = advised(operation, code, kind);
            assert!(said.contains(says), "{operation} {code}: {said}");
            let pages = ["docs/eks.md", "docs/policies.md", "docs/permissions.md"];
            assert!(pages.iter().filter(|page| said.contains(*page)).count() <= 1, "{said}");
            assert!(
                !said.contains("kubectl") && !said.contains("aws eks"),
                "a command for which cluster? {said}"
            );
        }
    }

    /// The next report may be a day away, but an alarm is urgent.
    #[test]
    fn a_refusal_explains_how_to_get_a_report_at_once() {
        let said = advised("kubernetes:GET /api/v1/pods", FORBIDDEN, FaultKind::Denied);
        assert!(said.contains("RunArn") && said.contains(r#"{"kind":"report"}"#), "{said}");
    }

    /// Without a token no request was sent, so access entries are not the cause.
    #[test]
    fn a_token_that_cannot_be_created_is_a_credentials_problem() {
        for operation in
            ["kubernetes:GET /api/v1/pods", "kubernetes:GET /api/v1/namespaces/aws-observability"]
        {
            let said = advised(operation, TOKEN, FaultKind::Denied);
            assert!(
                said.contains("credentials") && !said.contains("docs/") && !said.contains("entry"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_missing_metrics_server_is_not_reported_as_deleted() {
        for operation in
            ["kubernetes:GET /apis/metrics.k8s.io", "kubernetes:GET /apis/metrics.k8s.io/v1beta1/pods"]
        {
            let said = advised(operation, "NotFound", FaultKind::NotFound);
            assert!(said.contains("add-on metrics-server"), "{said}");
        }
        let other = advised("kubernetes:GET /apis/batch/v1/jobs", "NotFound", FaultKind::NotFound);
        assert!(other.contains("deleted in the meantime"), "{other}");
    }
}
