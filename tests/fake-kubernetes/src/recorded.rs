//! Responses of a real kube-apiserver 1.36.2, byte for byte.

use crate::answer::Answer;

/// A recorded response.
#[derive(Debug)]
pub struct Recorded {
    /// The file's name without `.body`.
    pub name: &'static str,
    /// A request that gets it.
    pub path: &'static str,
    headers: &'static str,
    body: &'static [u8],
}

/// The status of a body that was kept without its headers.
const ONLY_BODY: &str = "HTTP/2 200\ncontent-type: application/json\n";
const EXPIRED: &str = "HTTP/2 410\ncontent-type: application/json\n";

macro_rules! fixture {
    ($name:literal, $path:literal, $headers:expr) => {
        Recorded {
            name: $name,
            path: $path,
            headers: $headers,
            body: include_bytes!(concat!("../../fixtures/kubernetes/", $name, ".body")),
        }
    };
    ($name:literal, $path:literal) => {
        fixture!($name, $path, include_str!(concat!("../../fixtures/kubernetes/", $name, ".headers")))
    };
}

/// All of them; the paths of errors are made up.
static ALL: [Recorded; 25] = [
    fixture!("version", "/version"),
    fixture!("apis", "/apis"),
    fixture!("pods_page1", "/api/v1/pods"),
    fixture!("pods_page2", "/api/v1/pods?limit=3&continue=page2"),
    fixture!("pods_crashloop", "/api/v1/namespaces/payments/pods"),
    fixture!("pod_pending", "/api/v1/namespaces/default/pods/pending-fargate"),
    fixture!("nodes_page1", "/api/v1/nodes"),
    fixture!("deployments", "/apis/apps/v1/deployments"),
    fixture!("podmetrics_fake_server", "/apis/metrics.k8s.io/v1beta1/pods", ONLY_BODY),
    fixture!("configmap_aws_logging", "/api/v1/namespaces/aws-observability/configmaps/aws-logging"),
    fixture!("selfsubjectreview", "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
    fixture!("selfsubjectaccessreview_ok", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    fixture!("selfsubjectaccessreview_denied", "/recorded/selfsubjectaccessreview_denied"),
    fixture!("proxy_cadvisor", "/api/v1/nodes/fargate-ip-127-0-0-1.ec2.internal/proxy/metrics/cadvisor"),
    fixture!("proxy_kubelet_404", "/api/v1/nodes/fargate-ip-127-0-0-1.ec2.internal/proxy/nope"),
    fixture!("proxy_no_node_404", "/api/v1/nodes/nosuchnode/proxy/metrics/cadvisor"),
    fixture!("proxy_refused_503", "/recorded/proxy_refused_503"),
    fixture!("401", "/recorded/401"),
    fixture!("403", "/api/v1/secrets"),
    fixture!("404_pod", "/api/v1/namespaces/default/pods/nope"),
    fixture!("410_expired_continue", "/recorded/410_expired_continue", EXPIRED),
    fixture!("429", "/recorded/429"),
    fixture!("metrics_503", "/recorded/metrics_503"),
    fixture!("metrics_absent_404", "/recorded/metrics_absent_404"),
    fixture!("metrics_group_v1_404", "/apis/metrics.k8s.io/v1"),
];

/// The recorded responses.
pub fn recorded() -> &'static [Recorded] {
    &ALL
}

impl Recorded {
    /// The one of this name.
    pub fn named(name: &str) -> &'static Self {
        ALL.iter().find(|recorded| recorded.name == name).expect("a recorded answer")
    }

    /// The body as recorded.
    pub fn body(&self) -> &'static [u8] {
        self.body
    }

    /// The status as recorded.
    pub fn status(&self) -> u16 {
        self.headers.split_whitespace().nth(1).and_then(|code| code.parse().ok()).unwrap()
    }

    /// With the headers that matter to a client; the length and the date belong to the connection.
    pub(crate) fn answer(&self) -> Answer {
        let header = |name: &str| {
            let lines = || self.headers.lines().filter_map(|line| line.split_once(": "));
            lines().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let content_type = header("content-type").unwrap_or_default();
        let mut answer = Answer::new(self.status(), content_type, self.body);
        let retry_after = header("retry-after").map(|value| value.parse().unwrap());
        answer.headers.extend(retry_after.map(|value| (http::header::RETRY_AFTER, value)));
        answer
    }
}
