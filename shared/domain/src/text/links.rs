//! Links to the AWS console, for every partition whose console is public.

use jiff::Timestamp;

use crate::model::cluster::{ClusterName, Region, ServiceName};

/// Longest link in a mail, in bytes: `message::MAX_LINK`, with room for what is before it.
const LONGEST_LINK: usize = 880;

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

/// The Logs Insights console with a query, not yet run, on these log groups; `None` without one, or
/// if the link would be too long for a mail. The console separates the parameters of its address by
/// `$3F` and `$3D` instead of `?` and `=`.
pub(crate) fn logs_insights_link(
    region: &Region,
    groups: &[String],
    query: &str,
    (start, end): (Timestamp, Timestamp),
) -> Option<String> {
    if groups.is_empty() {
        return None;
    }
    let source: String = groups.iter().flat_map(|group| ["~".to_owned(), jsurl(group)]).collect();
    let time = |at: Timestamp| jsurl(&at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string());
    let detail = format!(
        "end~{}~start~{}~timeType~'ABSOLUTE~tz~'UTC~editorString~{}~source~({source})~lang~'CWLI",
        time(end),
        time(start),
        jsurl(query)
    );
    // Mail programs drop a closing bracket at the end of a link, so another parameter follows it.
    let link = region.console(&format!(
        "cloudwatch/home?region={region}#logsV2:logs-insights$3FqueryDetail$3D~({detail})$26tab$3Dlogs"
    ));
    link.filter(|link| link.len() <= LONGEST_LINK)
}

/// The page of Fargate's quotas in the console of Service Quotas.
pub(crate) fn fargate_quotas_link(region: &Region) -> Option<String> {
    region.console("servicequotas/home/services/fargate/quotas")
}

/// A string in JSURL, an encoding of JSON that the `CloudWatch` console writes. Only letters,
/// digits, `-`, `_` and `.` stay unescaped, so that nothing can end the string or the link.
pub(crate) fn jsurl(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 1);
    encoded.push('\'');
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("*{byte:02x}")),
        }
    }
    encoded
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
    fn a_query_is_filled_in() {
        let (region, time) = ("eu-west-1".parse().unwrap(), "2026-12-01T10:05:00Z".parse().unwrap());
        let groups = ["/ecs/web".to_owned()];
        let link = logs_insights_link(&region, &groups, "filter @message like /a b/", (time, time)).unwrap();
        assert_eq!(
            link,
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:logs-insights$3FqueryDetail$3D\
             ~(end~'2026-12-01T10*3a05*3a00.000Z~start~'2026-12-01T10*3a05*3a00.000Z~timeType~'ABSOLUTE~tz~'UTC\
             ~editorString~'filter*20*40message*20like*20*2fa*20b*2f~source~(~'*2fecs*2fweb)~lang~'CWLI)$26tab$3Dlogs"
        );
        assert_eq!(logs_insights_link(&region, &[], "x", (time, time)), None);
        assert_eq!(logs_insights_link(&region, &groups, &"x".repeat(900), (time, time)), None);
    }

    #[test]
    fn nothing_in_a_key_can_end_the_link() {
        let link = console_object_link(&"eu-west-1".parse().unwrap(), "b", "a b\"<ü>&x=1\n").unwrap();
        assert!(link.ends_with("prefix=a%20b%22%3C%C3%BC%3E%26x%3D1%0A"), "{link}");
    }
}
