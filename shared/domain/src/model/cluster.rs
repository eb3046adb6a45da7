//! Partitions, accounts, Regions, clusters and services, as named in ARNs.

mod partition;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use partition::Partition;

/// A name, id or ARN that does not have the format AWS defines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: expected {expected}")]
pub struct BadName {
    /// The text that was read.
    pub text: String,
    /// The kind of name, such as `account id`.
    pub what: &'static str,
    /// The expected format.
    pub expected: &'static str,
}

/// Declares a newtype over `String` that is checked whenever it is parsed, from JSON as well as in
/// code.
macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadName { text: text.to_owned(), what: $what, expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

checked_name!(
    /// An AWS account: 12 digits, kept as text because leading zeros count.
    AccountId,
    "account id",
    "12 digits (in YAML, put quotes around them)",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
);
checked_name!(
    /// An AWS Region such as `eu-west-1` or `us-gov-west-1`.
    Region,
    "Region",
    "a code such as eu-west-1",
    is_region
);
checked_name!(
    /// Name of an ECS cluster: up to 255 letters, digits, `_` and `-` (ECS API, `CreateCluster`).
    ClusterName,
    "cluster name",
    "1 to 255 letters, digits, hyphens and underscores",
    is_ecs_name
);
checked_name!(
    /// Name of an ECS service, unique in its cluster: up to 255 letters, digits, `_` and `-` (ECS
    /// API, `CreateService`).
    ServiceName,
    "service name",
    "1 to 255 letters, digits, hyphens and underscores",
    is_ecs_name
);

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()))
}

fn is_ecs_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// ARN of an ECS cluster: `arn:PARTITION:ecs:REGION:ACCOUNT:cluster/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterArn {
    /// Partition of the ARN; always that of the Region.
    pub partition: Partition,
    /// Region of the cluster.
    pub region: Region,
    /// Account of the cluster.
    pub account: AccountId,
    /// Name of the cluster.
    pub name: ClusterName,
}

impl FromStr for ClusterArn {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName {
            text: text.to_owned(),
            what: "cluster ARN",
            expected: "arn:PARTITION:ecs:REGION:ACCOUNT:cluster/NAME",
        };
        let mut fields = text.splitn(6, ':');
        let mut field = || fields.next().ok_or_else(bad);
        let (arn, partition, service) = (field()?, field()?, field()?);
        let (region, account, resource) = (field()?, field()?, field()?);
        let name = resource.strip_prefix("cluster/").ok_or_else(bad)?;
        if arn != "arn" || service != "ecs" {
            return Err(bad());
        }
        let arn = Self {
            partition: partition.parse()?,
            region: region.parse()?,
            account: account.parse()?,
            name: name.parse()?,
        };
        if arn.region.partition() == arn.partition { Ok(arn) } else { Err(bad()) }
    }
}

impl TryFrom<String> for ClusterArn {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<ClusterArn> for String {
    fn from(arn: ClusterArn) -> Self {
        arn.to_string()
    }
}

impl fmt::Display for ClusterArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, name } = self;
        write!(f, "arn:{}:ecs:{region}:{account}:cluster/{name}", partition.as_str())
    }
}

impl ServiceName {
    /// The name at the end of a service ARN, either in the long form `…:service/CLUSTER/NAME` or in
    /// the form without a cluster.
    pub fn from_service_arn(arn: &str) -> Result<Self, BadName> {
        match arn.split_once(":service/") {
            Some((_, tail)) => tail.rsplit('/').next().unwrap_or(tail).parse(),
            None => Err(BadName {
                text: arn.to_owned(),
                what: "service ARN",
                expected: "arn:PARTITION:ecs:REGION:ACCOUNT:service/CLUSTER/NAME",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_all_partitions_round_trip() {
        for text in [
            "arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
            "arn:aws-cn:ecs:cn-north-1:000000000001:cluster/A_b-9",
            "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:cluster/x",
        ] {
            let arn: ClusterArn = text.parse().unwrap();
            assert_eq!(arn.to_string(), text);
        }
    }

    #[test]
    fn invalid_cluster_arns_are_rejected_with_their_text() {
        for text in [
            "",
            "shop",
            "arn:aws:eks:eu-west-1:123456789012:cluster/shop",
            "arn:aws:ecs:eu-west-1:12345678901:cluster/shop",
            "arn:aws:ecs:eu_west_1:123456789012:cluster/shop",
            "arn:aws:ecs:eu-west-1:123456789012:service/shop",
            "arn:aws:ecs:eu-west-1:123456789012:cluster/",
            "arn:aws:ecs:eu-west-1:123456789012:cluster/a b",
            "arn:aws:ecs:cn-north-1:123456789012:cluster/shop",
            "arn:aws-mars:ecs:eu-west-1:123456789012:cluster/shop",
        ] {
            let error = text.parse::<ClusterArn>().unwrap_err();
            assert!(error.to_string().starts_with('`'), "{error}");
        }
    }

    #[test]
    fn both_forms_of_service_arns_give_the_name() {
        for arn in [
            "arn:aws:ecs:eu-west-1:123456789012:service/shop/web",
            "arn:aws:ecs:eu-west-1:123456789012:service/web",
        ] {
            assert_eq!(ServiceName::from_service_arn(arn).unwrap().as_str(), "web");
        }
        assert!(ServiceName::from_service_arn("web").is_err());
    }

    #[test]
    fn names_are_checked_in_json_too() {
        assert!(serde_json::from_str::<AccountId>("\"123\"").is_err());
        assert!(serde_json::from_str::<Region>("\"Ireland\"").is_err());
        assert!(serde_json::from_str::<ClusterName>("\"shop/web\"").is_err());
    }
}
