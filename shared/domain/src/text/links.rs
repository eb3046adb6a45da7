//! Links to the AWS console, for every partition whose console is public.

use crate::model::cluster::{ClusterName, Region, ServiceName};

/// The S3 console's page of one object, in the console of the Region's partition; `None` if that
/// console is not public.
pub fn console_object_link(region: &Region, bucket: &str, key: &str) -> Option<String> {
    let (bucket, key) = (percent_encoded(bucket), percent_encoded(key));
    region.console(&format!("s3/object/{bucket}?region={region}&prefix={key}"))
}

/// The ECS console's page of a cluster.
pub(crate) fn ecs_cluster_link(region: &Region, cluster: &ClusterName) -> Option<String> {
    region.console(&format!("ecs/v2/clusters/{cluster}/services?region={region}"))
}

/// The ECS console's page of a service.
pub(crate) fn ecs_service_link(
    region: &Region,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Option<String> {
    region.console(&format!("ecs/v2/clusters/{cluster}/services/{service}/health?region={region}"))
}

/// The EKS console's page of a cluster.
pub(crate) fn eks_cluster_link(region: &Region, cluster: &ClusterName) -> Option<String> {
    region.console(&format!("eks/home?region={region}#/clusters/{cluster}"))
}

/// Encodes everything except the unreserved characters of RFC 3986 and the slash, which the S3
/// console does not encode.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_console() {
        for (region, link) in [
            (
                "eu-west-1",
                "https://eu-west-1.console.aws.amazon.com/s3/object/b?region=eu-west-1&prefix=reports/dt%3D2026-11-22/r.html",
            ),
            (
                "cn-north-1",
                "https://cn-north-1.console.amazonaws.cn/s3/object/b?region=cn-north-1&prefix=reports/dt%3D2026-11-22/r.html",
            ),
            (
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/s3/object/b?region=us-gov-west-1&prefix=reports/dt%3D2026-11-22/r.html",
            ),
        ] {
            let region = region.parse().unwrap();
            assert_eq!(
                console_object_link(&region, "b", "reports/dt=2026-11-22/r.html").as_deref(),
                Some(link)
            );
        }
    }

    #[test]
    fn nothing_in_a_key_can_end_the_link() {
        let link = console_object_link(&"eu-west-1".parse().unwrap(), "b", "a b\"<ü>&x=1\n").unwrap();
        assert!(link.ends_with("prefix=a%20b%22%3C%C3%BC%3E%26x%3D1%0A"), "{link}");
    }
}
