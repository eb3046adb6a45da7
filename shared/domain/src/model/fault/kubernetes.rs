//! What the reader of a summary can do about a fault of the Kubernetes API.

use super::{Fault, FaultKind};
use crate::model::operation::Operation;

/// Code of a fault: the namespace is being deleted.
pub const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";
/// Code of a fault: the object is immutable.
pub const IMMUTABLE: &str = "Immutable";
/// Code of a fault: the certificate is not one of the cluster.
pub const FALSE_IDENTITY: &str = "false identity";
/// Code of a fault: there was no token to send.
pub const TOKEN: &str = "token";
/// Code of a fault: 401.
pub const UNAUTHORIZED: &str = "Unauthorized";
/// Code of a fault: 403.
pub const FORBIDDEN: &str = "Forbidden";

/// Paths that only the set-up of EKS clusters asks; who reads pods asks over all namespaces.
const SET_UP: &str = "/api/v1/namespaces";
/// Path of the Metrics API.
const METRICS: &str = "/apis/metrics.k8s.io";

/// Whether a fault is one of setting up a cluster, and not of reading its pods.
pub fn is_of_set_up(fault: &Fault) -> bool {
    matches!(&fault.operation, Operation::Kubernetes { path, .. } if path.starts_with(SET_UP))
}

/// What to do about a fault of the Kubernetes API, where it is another thing than for the same kind of fault of AWS.
/// Commands stand apart: each is for one cluster.
pub(super) fn advice(fault: &Fault) -> Option<&'static str> {
    let Operation::Kubernetes { path, .. } = &fault.operation else { return None };
    match (fault.code.as_str(), fault.kind) {
        (NAMESPACE_TERMINATING, _) => Some(
            "wait until the namespace is gone, then apply the YAML in docs/policies.md, which makes it again; if it does not go, \
             see what holds it",
        ),
        (IMMUTABLE, _) => {
            Some("it cannot be changed, only deleted: keep a copy, and the next sweep writes it again")
        }
        (FALSE_IDENTITY, _) => {
            Some("look for a proxy between fargaze and the endpoint of the cluster; the report says more")
        }
        (TOKEN, _) => {
            Some("the next run gets new credentials; if it comes again, see whether the role is still there")
        }
        (_, FaultKind::Denied) if is_of_set_up(fault) => Some(
            "give the role of EnableInsights, the stack's output EnableInsightsRoleArn, its access entry and rights in the cluster: \
             docs/policies.md",
        ),
        (_, FaultKind::Denied) => Some(
            "the report has the commands that let fargaze in (docs/eks.md); to have it now, start the state machine, the stack's output \
             RunArn, with {\"kind\":\"report\"}",
        ),
        (_, FaultKind::NotFound) if path.starts_with(METRICS) => Some(
            "install the EKS add-on metrics-server: the report has the command, and says first if its pods would find no place",
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
    fn each_refusal_points_to_the_page_that_has_its_remedy() {
        let set_up = "kubernetes:PUT /api/v1/namespaces/aws-observability/configmaps/aws-logging";
        for (operation, code, kind, says) in [
            ("kubernetes:GET /api/v1/pods", FORBIDDEN, FaultKind::Denied, "docs/eks.md"),
            ("kubernetes:GET /apis/apps/v1/deployments", UNAUTHORIZED, FaultKind::Denied, "docs/eks.md"),
            (set_up, FORBIDDEN, FaultKind::Denied, "docs/policies.md"),
            ("kubernetes:POST /api/v1/namespaces", FORBIDDEN, FaultKind::Denied, "docs/policies.md"),
            (set_up, UNAUTHORIZED, FaultKind::Denied, "EnableInsightsRoleArn"),
            (set_up, NAMESPACE_TERMINATING, FaultKind::Invalid, "wait until the namespace is gone"),
            (set_up, IMMUTABLE, FaultKind::Invalid, "keep a copy"),
            ("kubernetes:GET /api/v1/pods", FALSE_IDENTITY, FaultKind::Denied, "proxy"),
            ("kubernetes:GET /api/v1/pods", "cut answer", FaultKind::Transient, "the next run asks again"),
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

    /// The report is a day away, and an alarm is now.
    #[test]
    fn whom_a_cluster_refuses_need_not_wait_for_the_next_report() {
        let said = advised("kubernetes:GET /api/v1/pods", FORBIDDEN, FaultKind::Denied);
        assert!(said.contains("RunArn") && said.contains(r#"{"kind":"report"}"#), "{said}");
    }

    /// Without a token nobody was asked, so no entry is at fault.
    #[test]
    fn a_token_that_cannot_be_made_is_a_matter_of_credentials() {
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
    fn a_metrics_server_that_is_missing_was_not_deleted_in_the_meantime() {
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
