//! What the reader of a summary can do about a fault of the Kubernetes API.

use crate::fault::{Fault, FaultKind};

/// Code of a fault: the namespace is being deleted.
pub const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";
/// Code of a fault: the object is immutable.
pub const IMMUTABLE: &str = "Immutable";
/// Code of a fault: the certificate is not one of the cluster.
pub const FALSE_IDENTITY: &str = "false identity";

/// How the operations of the Kubernetes API begin: method and path follow.
const OPERATION: &str = "kubernetes:";
/// Paths that only the set-up of EKS clusters asks; who reads pods asks over all namespaces.
const SET_UP: &str = " /api/v1/namespaces";

/// What to do about a fault of the Kubernetes API, where it is another thing than for the same kind of fault of AWS.
pub fn advice(fault: &Fault) -> Option<&'static str> {
    let question = fault.operation.strip_prefix(OPERATION)?;
    match (fault.code.as_str(), fault.kind) {
        (NAMESPACE_TERMINATING, _) => Some(
            "wait until the namespace is gone, then apply the YAML in docs/insights.md, which makes it again; if it does not go: \
             kubectl describe namespace aws-observability",
        ),
        (IMMUTABLE, _) => Some(
            "it cannot be changed, only deleted and made again: kubectl delete configmap -n aws-observability aws-logging",
        ),
        (FALSE_IDENTITY, _) => {
            Some("look for a proxy between fargaze and the endpoint of the cluster; the report says more")
        }
        (_, FaultKind::Denied) if question.contains(SET_UP) => Some(
            "give the role of EnableInsights its access entry and rights in the cluster, see docs/insights.md",
        ),
        (_, FaultKind::Denied) => Some("the report says what lets fargaze in, see docs/eks.md"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advised(operation: &str, code: &str, kind: FaultKind) -> &'static str {
        let (operation, code) = (operation.to_owned(), code.to_owned());
        Fault { operation, subject: "shop".to_owned(), kind, code, message: "x".to_owned() }.advice()
    }

    /// Issue 13, point 23.
    #[test]
    fn each_refusal_points_to_the_page_that_has_its_remedy() {
        let set_up = "kubernetes:PUT /api/v1/namespaces/aws-observability/configmaps/aws-logging";
        for (operation, code, kind, says) in [
            ("kubernetes:GET /api/v1/pods", "Forbidden", FaultKind::Denied, "docs/eks.md"),
            ("kubernetes:GET /apis/apps/v1/deployments", "Unauthorized", FaultKind::Denied, "docs/eks.md"),
            (set_up, "Forbidden", FaultKind::Denied, "docs/insights.md"),
            ("kubernetes:POST /api/v1/namespaces", "Forbidden", FaultKind::Denied, "docs/insights.md"),
            (set_up, "Unauthorized", FaultKind::Denied, "docs/insights.md"),
            (set_up, NAMESPACE_TERMINATING, FaultKind::Invalid, "wait until the namespace is gone"),
            (
                set_up,
                IMMUTABLE,
                FaultKind::Invalid,
                "kubectl delete configmap -n aws-observability aws-logging",
            ),
            ("kubernetes:GET /api/v1/pods", FALSE_IDENTITY, FaultKind::Denied, "proxy"),
            ("kubernetes:GET /api/v1/pods", "cut answer", FaultKind::Transient, "the next run asks again"),
            ("ecs:ListServices", "AccessDenied", FaultKind::Denied, "docs/permissions.md"),
        ] {
            let told = advised(operation, code, kind);
            assert!(told.contains(says), "{operation} {code}: {told}");
            let pages = ["docs/eks.md", "docs/insights.md", "docs/permissions.md"];
            assert!(pages.iter().filter(|page| told.contains(*page)).count() <= 1, "{told}");
        }
    }
}
