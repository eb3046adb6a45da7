//! AWS partitions and their Regions.

use std::str::FromStr;

use super::{BadName, Region};

/// A group of Regions with its own ARNs, endpoints and console (AWS General Reference, "Amazon
/// Resource Names").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// `aws`, the commercial Regions.
    Aws,
    /// `aws-cn`, the Regions in China.
    AwsCn,
    /// `aws-eusc`, the European Sovereign Cloud.
    AwsEusc,
    /// `aws-iso`, an isolated Region of the US.
    AwsIso,
    /// `aws-iso-b`, an isolated Region of the US.
    AwsIsoB,
    /// `aws-iso-e`, an isolated Region in Europe.
    AwsIsoE,
    /// `aws-iso-f`, an isolated Region of the US.
    AwsIsoF,
    /// `aws-us-gov`, AWS `GovCloud` (US).
    AwsUsGov,
}

/// Names and hosts of one partition.
struct Facts {
    name: &'static str,
    /// Prefixes of its Regions; if empty, all Regions that no other partition claims, because the
    /// SDK falls back to `aws`.
    prefixes: &'static [&'static str],
    dns_suffix: &'static str,
    console: Option<&'static str>,
}

impl Partition {
    /// All partitions.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::AwsCn,
        Self::AwsEusc,
        Self::AwsIso,
        Self::AwsIsoB,
        Self::AwsIsoE,
        Self::AwsIsoF,
        Self::AwsUsGov,
    ];

    /// Names, Region patterns and DNS suffixes come from `partitions.json`, which the AWS SDKs
    /// contain (aws-sdk-ecs 1.157.0, `endpoint_lib.rs`). Console hosts: AWS General Reference, "AWS
    /// service endpoints", for `aws-eusc` in the edition for the European Sovereign Cloud. Console
    /// hosts of the isolated Regions are not public.
    const fn facts(self) -> Facts {
        let (name, prefixes, dns_suffix, console): (_, &[_], _, _) = match self {
            Self::Aws => ("aws", &[], "amazonaws.com", Some("console.aws.amazon.com")),
            Self::AwsCn => ("aws-cn", &["cn-"], "amazonaws.com.cn", Some("console.amazonaws.cn")),
            Self::AwsEusc => ("aws-eusc", &["eusc-"], "amazonaws.eu", Some("console.amazonaws-eusc.eu")),
            Self::AwsIso => ("aws-iso", &["us-iso-"], "c2s.ic.gov", None),
            Self::AwsIsoB => ("aws-iso-b", &["us-isob-"], "sc2s.sgov.gov", None),
            Self::AwsIsoE => ("aws-iso-e", &["eu-isoe-"], "cloud.adc-e.uk", None),
            Self::AwsIsoF => ("aws-iso-f", &["us-isof-"], "csp.hci.ic.gov", None),
            Self::AwsUsGov => {
                ("aws-us-gov", &["us-gov-"], "amazonaws.com", Some("console.amazonaws-us-gov.com"))
            }
        };
        Facts { name, prefixes, dns_suffix, console }
    }

    /// The second field of an ARN.
    pub fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// The end of its service host names, as in `sts.REGION.SUFFIX`.
    pub fn dns_suffix(self) -> &'static str {
        self.facts().dns_suffix
    }

    /// Host of the partition's console, to be prefixed with `REGION.`; `None` if it is not public.
    pub fn console_host(self) -> Option<&'static str> {
        self.facts().console
    }
}

impl FromStr for Partition {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|partition| partition.as_str() == text).ok_or_else(|| BadName {
            text: text.to_owned(),
            what: "partition",
            expected: "aws, aws-cn, aws-eusc, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e or aws-iso-f",
        })
    }
}

impl Region {
    /// The partition of the Region, by its prefix.
    pub fn partition(&self) -> Partition {
        let claims = |partition: &Partition| {
            partition.facts().prefixes.iter().any(|prefix| self.as_str().starts_with(prefix))
        };
        Partition::ALL.into_iter().find(claims).unwrap_or(Partition::Aws)
    }

    /// URL of a page of the Region's console; `None` if the partition has no public console.
    pub fn console(&self, path: &str) -> Option<String> {
        let host = self.partition().console_host()?;
        Some(format!("https://{self}.{host}/{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::ClusterArn;

    /// Partition, suffix and Regions of `partitions.json` (aws-sdk-ecs 1.157.0), without pseudo
    /// Regions such as `aws-global`.
    const OF_THE_SDK: [(&str, &str, &[&str]); 8] = [
        (
            "aws",
            "amazonaws.com",
            &[
                "af-south-1",
                "ap-east-1",
                "ap-east-2",
                "ap-northeast-1",
                "ap-northeast-2",
                "ap-northeast-3",
                "ap-south-1",
                "ap-south-2",
                "ap-southeast-1",
                "ap-southeast-2",
                "ap-southeast-3",
                "ap-southeast-4",
                "ap-southeast-5",
                "ap-southeast-6",
                "ap-southeast-7",
                "ca-central-1",
                "ca-west-1",
                "eu-central-1",
                "eu-central-2",
                "eu-north-1",
                "eu-south-1",
                "eu-south-2",
                "eu-west-1",
                "eu-west-2",
                "eu-west-3",
                "il-central-1",
                "me-central-1",
                "me-south-1",
                "mx-central-1",
                "sa-east-1",
                "us-east-1",
                "us-east-2",
                "us-west-1",
                "us-west-2",
            ],
        ),
        ("aws-cn", "amazonaws.com.cn", &["cn-north-1", "cn-northwest-1"]),
        ("aws-eusc", "amazonaws.eu", &["eusc-de-east-1"]),
        ("aws-iso", "c2s.ic.gov", &["us-iso-east-1", "us-iso-west-1"]),
        ("aws-iso-b", "sc2s.sgov.gov", &["us-isob-east-1", "us-isob-west-1"]),
        ("aws-iso-e", "cloud.adc-e.uk", &["eu-isoe-west-1"]),
        ("aws-iso-f", "csp.hci.ic.gov", &["us-isof-east-1", "us-isof-south-1"]),
        ("aws-us-gov", "amazonaws.com", &["us-gov-east-1", "us-gov-west-1"]),
    ];

    /// Issue 13, point 5.
    #[test]
    fn every_region_of_the_sdk_has_its_partition_and_its_arns_round_trip() {
        assert_eq!(OF_THE_SDK.map(|(name, ..)| name), Partition::ALL.map(Partition::as_str));
        for (name, suffix, regions) in OF_THE_SDK {
            for region in regions {
                let partition = region.parse::<Region>().unwrap().partition();
                assert_eq!((partition.as_str(), partition.dns_suffix()), (name, suffix), "{region}");
                let text = format!("arn:{name}:ecs:{region}:123456789012:cluster/shop");
                assert_eq!(text.parse::<ClusterArn>().unwrap().to_string(), text);
            }
        }
    }

    #[test]
    fn an_unknown_region_counts_as_commercial() {
        let region: Region = "xx-moon-1".parse().unwrap();
        assert_eq!(region.partition(), Partition::Aws);
    }

    #[test]
    fn a_console_that_is_not_public_has_no_url() {
        for (region, address) in [
            ("eu-west-1", Some("https://eu-west-1.console.aws.amazon.com/ecs")),
            ("cn-north-1", Some("https://cn-north-1.console.amazonaws.cn/ecs")),
            ("eusc-de-east-1", Some("https://eusc-de-east-1.console.amazonaws-eusc.eu/ecs")),
            ("us-gov-west-1", Some("https://us-gov-west-1.console.amazonaws-us-gov.com/ecs")),
            ("us-iso-east-1", None),
            ("us-isob-east-1", None),
            ("eu-isoe-west-1", None),
            ("us-isof-south-1", None),
        ] {
            assert_eq!(region.parse::<Region>().unwrap().console("ecs").as_deref(), address);
        }
    }
}
