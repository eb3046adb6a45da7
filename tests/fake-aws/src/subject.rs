//! The subject of a call, for the call log.

use serde_json::Value;

use crate::request::Request;
use crate::service::{Service, Target};
use crate::wire::{cbor, form, json};

impl Service {
    /// ECS: the cluster, or several separated by commas; the name of an account setting. EKS: the
    /// cluster and the part of it. DynamoDB: the item's key. S3: bucket and key. SNS: the topic.
    /// SQS: the queue. STS: the role. `GetMetricData`: its `StartTime`. "" if there is none.
    pub(crate) fn subject(self, target: &Target, request: &Request) -> String {
        match self {
            Self::Ecs => ecs(&json::input(&request.body).unwrap_or_default(), &target.operation),
            Self::Eks => crate::eks::subject(request),
            Self::DynamoDb => item(&json::input(&request.body).unwrap_or_default()),
            Self::S3 => form::decode(request.path.trim_start_matches('/'), false),
            Self::Sns => target.parameter("TopicArn").unwrap_or_default().to_owned(),
            Self::Sqs => json::input(&request.body).unwrap_or_default()["QueueUrl"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            Self::Sts => target.parameter("RoleArn").unwrap_or_default().to_owned(),
            Self::CloudWatch if target.operation == "GetMetricData" => start_time(&request.body),
            Self::CloudWatch | Self::Logs => String::new(),
        }
    }
}

/// The start time of a metrics request in CloudWatch's binary protocol.
fn start_time(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Input {
        #[serde(rename = "StartTime")]
        start: ciborium::Value,
    }
    let input: Option<Input> = cbor::input(body).ok();
    let seconds = input.and_then(|input| cbor::seconds(&input.start));
    let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds as i64).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

fn ecs(input: &Value, operation: &str) -> String {
    let short = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let name = match operation {
        "ListClusters" => return String::new(),
        "DescribeTaskDefinition" => return short(input["taskDefinition"].as_str().unwrap_or_default()),
        "ListAccountSettings" | "PutAccountSettingDefault" => {
            return input["name"].as_str().unwrap_or_default().to_owned();
        }
        "DescribeClusters" => {
            let clusters = input["clusters"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let clusters: Vec<String> = clusters.map(short).collect();
            Some(clusters.join(",")).filter(|clusters| !clusters.is_empty())
        }
        "CreateCluster" => input["clusterName"].as_str().map(str::to_owned),
        _ => input["cluster"].as_str().map(short),
    };
    name.unwrap_or_else(|| "default".to_owned())
}

/// The values of the key attributes, separated by a slash. Only the table knows which attributes
/// are the key; for a whole item this uses those of fargaze's tables.
fn item(input: &Value) -> String {
    let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
    let values: Vec<String> = match input["Key"].as_object() {
        Some(key) => {
            // Clients write the attributes in any order.
            let mut attributes: Vec<(&String, &Value)> = key.iter().collect();
            attributes.sort_by_key(|(name, _)| *name);
            attributes.into_iter().map(|(_, value)| text(value)).collect()
        }
        None => ["pk", "sk"].iter().filter_map(|name| input["Item"].get(*name)).map(text).collect(),
    };
    values.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn clusters_by_their_short_names() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop";
        for (operation, input, subject) in [
            ("UpdateClusterSettings", json!({ "cluster": arn }), "shop"),
            ("ListTasks", json!({ "cluster": "shop" }), "shop"),
            ("ListTasks", json!({}), "default"),
            ("DescribeClusters", json!({ "clusters": [arn, "web"] }), "shop,web"),
            ("DescribeClusters", json!({}), "default"),
            ("CreateCluster", json!({ "clusterName": "new" }), "new"),
            ("ListClusters", json!({}), ""),
            ("PutAccountSettingDefault", json!({ "name": "containerInsights" }), "containerInsights"),
        ] {
            assert_eq!(ecs(&input, operation), subject, "{operation} {input}");
        }
    }

    #[test]
    fn items_by_their_keys() {
        let key = json!({ "sk": {"S": "shop#t"}, "pk": {"S": "CHANGES#1#r"} });
        assert_eq!(item(&json!({ "Key": key })), "CHANGES#1#r/shop#t");
        let mut whole = key;
        whole["from"] = json!({ "S": "disabled" });
        assert_eq!(item(&json!({ "Item": whole })), "CHANGES#1#r/shop#t");
        assert_eq!(item(&json!({ "TableName": "t" })), "");
    }
}
