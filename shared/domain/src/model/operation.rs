//! Operations that can fail: AWS calls, requests to a Kubernetes API, and steps of fargaze itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::cluster::BadName;

/// Declares the operations that fargaze calls, each with its IAM action, in the order of their
/// text, so that sorting by operation is sorting by text.
macro_rules! operations {
    ($($variant:ident = $text:literal,)+ | $($later:ident = $later_text:literal,)+) => {
        /// The operation that a [`Fault`](crate::model::fault::Fault) is about.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[expect(missing_docs, reason = "each variant is the IAM action that `as_str` spells")]
        pub enum Operation {
            $($variant,)+
            /// A request to the Kubernetes API of an EKS cluster.
            Kubernetes {
                /// HTTP method, such as `GET`.
                method: Box<str>,
                /// Path without the query, such as `/api/v1/pods`.
                path: Box<str>,
            },
            $($later,)+
        }

        impl fmt::Display for Operation {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.pad($text),)+
                    Self::Kubernetes { method, path } => write!(f, "{KUBERNETES}{method} {path}"),
                    $(Self::$later => f.pad($later_text),)+
                }
            }
        }

        impl FromStr for Operation {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                if let Some((method, path)) = text.strip_prefix(KUBERNETES).and_then(|rest| rest.split_once(' ')) {
                    return Ok(Self::kubernetes(method, path));
                }
                match text {
                    $($text => Ok(Self::$variant),)+
                    $($later_text => Ok(Self::$later),)+
                    _ => Err(BadName {
                        text: text.to_owned(),
                        what: "operation",
                        expected: "an IAM action such as ecs:ListServices, or kubernetes:METHOD PATH",
                    }),
                }
            }
        }
    };
}

/// Prefix of the text of a request to Kubernetes.
const KUBERNETES: &str = "kubernetes:";

operations! {
    CloudwatchGetMetricData = "cloudwatch:GetMetricData",
    CloudwatchGetMetricStatistics = "cloudwatch:GetMetricStatistics",
    CloudwatchListMetrics = "cloudwatch:ListMetrics",
    DynamodbGetItem = "dynamodb:GetItem",
    DynamodbPutItem = "dynamodb:PutItem",
    DynamodbQuery = "dynamodb:Query",
    DynamodbUpdateItem = "dynamodb:UpdateItem",
    EcsDescribeClusters = "ecs:DescribeClusters",
    EcsDescribeServices = "ecs:DescribeServices",
    EcsDescribeTaskDefinition = "ecs:DescribeTaskDefinition",
    EcsDescribeTasks = "ecs:DescribeTasks",
    EcsListAccountSettings = "ecs:ListAccountSettings",
    EcsListClusters = "ecs:ListClusters",
    EcsListServices = "ecs:ListServices",
    EcsListTasks = "ecs:ListTasks",
    EcsPutAccountSettingDefault = "ecs:PutAccountSettingDefault",
    EcsUpdateClusterSettings = "ecs:UpdateClusterSettings",
    EksCreateAddon = "eks:CreateAddon",
    EksDeleteAddon = "eks:DeleteAddon",
    EksDescribeAccessEntry = "eks:DescribeAccessEntry",
    EksDescribeAddon = "eks:DescribeAddon",
    EksDescribeCluster = "eks:DescribeCluster",
    EksDescribeFargateProfile = "eks:DescribeFargateProfile",
    EksDescribeUpdate = "eks:DescribeUpdate",
    EksListAddons = "eks:ListAddons",
    EksListClusters = "eks:ListClusters",
    EksListFargateProfiles = "eks:ListFargateProfiles",
    EksListNodegroups = "eks:ListNodegroups",
    EksUpdateClusterConfig = "eks:UpdateClusterConfig",
    FargazeJudge = "fargaze:Judge",
    FargazeReadSnapshot = "fargaze:ReadSnapshot",
    FargazeReconcile = "fargaze:Reconcile",
    FargazeRollback = "fargaze:Rollback",
    FargazeRun = "fargaze:Run",
    FargazeWriteSnapshot = "fargaze:WriteSnapshot",
    |
    LogsDeleteRetentionPolicy = "logs:DeleteRetentionPolicy",
    LogsDescribeLogGroups = "logs:DescribeLogGroups",
    LogsFilterLogEvents = "logs:FilterLogEvents",
    LogsGetLogEvents = "logs:GetLogEvents",
    LogsGetQueryResults = "logs:GetQueryResults",
    LogsPutRetentionPolicy = "logs:PutRetentionPolicy",
    LogsStartQuery = "logs:StartQuery",
    LogsStopQuery = "logs:StopQuery",
    S3GetObject = "s3:GetObject",
    S3ListBucket = "s3:ListBucket",
    S3PutObject = "s3:PutObject",
    SnsGetTopicAttributes = "sns:GetTopicAttributes",
    SnsPublish = "sns:Publish",
    SqsSendMessage = "sqs:SendMessage",
    StsAssumeRole = "sts:AssumeRole",
}

impl Operation {
    /// A request to a Kubernetes API.
    pub fn kubernetes(method: &str, path: impl Into<Box<str>>) -> Self {
        Self::Kubernetes { method: method.into(), path: path.into() }
    }

    /// Whether it lists clusters. If it failed, fargaze does not know which clusters are missing.
    pub fn lists_clusters(&self) -> bool {
        matches!(self, Self::EcsListClusters | Self::EcsDescribeClusters | Self::EksListClusters)
    }

    /// The same operation with its path mapped, for example to make it harmless.
    #[must_use]
    pub fn map_path(&self, map: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Kubernetes { method, path } => {
                Self::Kubernetes { method: method.clone(), path: map(path).into() }
            }
            other => other.clone(),
        }
    }
}

impl TryFrom<String> for Operation {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> Self {
        operation.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_round_trip() {
        for text in ["ecs:ListServices", "kubernetes:GET /api/v1/pods", "sts:AssumeRole", "fargaze:Judge"] {
            let operation: Operation = text.parse().unwrap();
            assert_eq!(operation.to_string(), text);
            let json = serde_json::to_string(&operation).unwrap();
            assert_eq!(serde_json::from_str::<Operation>(&json).unwrap(), operation);
        }
        for text in ["", "ecs:StopTask", "kubernetes:ListPods", "ListServices"] {
            assert!(text.parse::<Operation>().unwrap_err().to_string().contains("IAM action"), "{text}");
        }
    }

    #[test]
    fn operations_sort_as_their_text_does() {
        let operations = [
            Operation::CloudwatchGetMetricData,
            Operation::EcsListServices,
            Operation::FargazeJudge,
            Operation::kubernetes("DELETE", "/x"),
            Operation::kubernetes("GET", "/a"),
            Operation::S3GetObject,
        ];
        assert!(
            operations.windows(2).all(|pair| pair[0] < pair[1] && pair[0].to_string() < pair[1].to_string())
        );
    }
}
