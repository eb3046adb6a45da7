//! What the models cannot express: the names of existing resources, and requests that the fake
//! refuses for its own reasons.

use fake_aws::{ClusterSpec, EksClusterSpec, Estate, FakeAws, LogGroupSpec, ServiceSpec, UpdateSpec};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::{Operation, Shape};

const ROLE: &str = "arn:aws:iam::210987654321:role/reader";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alerts";
const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/later";

/// A fake with one of everything.
pub(super) async fn start() -> FakeAws {
    let shop = ClusterSpec::new("shop").tag("a", "b").service(ServiceSpec::new("web"));
    let mut eks = EksClusterSpec::new("shop")
        .profile("apps", &["apps"])
        .addon("vpc-cni", "v1.20.0-eksbuild.1")
        .node_group("workers")
        .tag("a", "b")
        .log("api");
    eks.access_entries.insert(ROLE.to_owned(), vec!["readers".to_owned()]);
    let update = UpdateSpec { status: "Successful".to_owned(), logs: eks.logs.clone(), errors: Vec::new() };
    eks.updates.insert("u1".to_owned(), update);
    let dimensions = [("ClusterName", "shop")];
    let home = Estate::new("123456789012", "eu-west-1").cluster(shop).metric(
        "AWS/ECS",
        "CPUUtilization",
        &dimensions,
        Timestamp::UNIX_EPOCH,
        &[1.0; 9],
    );
    let mut home = home.log_group(LogGroupSpec::new("/ecs/web").retention(30).stored(1_000));
    home.write_logs("/ecs/web", "web/app/1", [(Timestamp::UNIX_EPOCH, "a line")]);
    let aws = FakeAws::start(home).await;
    aws.edit(|world| {
        world.home().put_eks(eks);
        world.role(ROLE, None);
        world.table("state");
        world.queue("later");
        let topic = world.topic("alerts");
        world.subscribe(&topic, "email", "ops@example.com");
        let item = json!({ "pk": { "S": "a" }, "sk": { "S": "b" }, "n": { "N": "1" } });
        world.put_item("state", &item);
    });
    aws.put_object("data", "key", "bytes");
    aws
}

/// A value for a shape or member with a special meaning to the fake.
pub(super) fn value(operation: Operation<'_>, shape: Shape<'_>, member: &str) -> Option<Value> {
    let dimensions = json!([{ "Name": "ClusterName", "Value": "shop" }]);
    Some(match (operation.service, operation.name, member) {
        ("cloudwatch", _, "StartTime") => json!(0),
        ("cloudwatch", _, "EndTime") => json!(600),
        ("cloudwatch", _, "Period") => json!(60),
        ("cloudwatch", _, "Namespace") => json!("AWS/ECS"),
        ("cloudwatch", _, "MetricName") => json!("CPUUtilization"),
        ("cloudwatch", _, "Dimensions") => dimensions,
        ("cloudwatch", _, "ExtendedStatistics") => json!(["p99"]),
        ("cloudwatch", _, "ScanBy") => json!("TimestampAscending"),
        ("cloudwatch", _, "MetricDataQueries") => {
            let metric = json!({
                "Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Dimensions": dimensions,
            });
            let stat = json!({ "Metric": metric, "Period": 60, "Stat": "Sum", "Unit": "Percent" });
            json!([{ "Id": "m1", "MetricStat": stat, "Label": "l", "ReturnData": true }])
        }
        ("dynamodb", _, "TableName") => json!("state"),
        ("dynamodb", _, "Key" | "ExclusiveStartKey") => json!({ "pk": { "S": "a" }, "sk": { "S": "b" } }),
        ("dynamodb", _, "Item") => json!({ "pk": { "S": "a" }, "sk": { "S": "b" }, "n": { "N": "2" } }),
        ("dynamodb", _, "UpdateExpression") => json!("SET a = :p"),
        ("dynamodb", _, "ConditionExpression" | "FilterExpression") => json!("attribute_not_exists(absent)"),
        ("dynamodb", _, "ProjectionExpression") => json!("pk, n"),
        ("dynamodb", _, "KeyConditionExpression") => json!("pk = :p"),
        ("dynamodb", _, "ExpressionAttributeValues") => json!({ ":p": { "S": "a" } }),
        ("dynamodb", _, "ExpressionAttributeNames") => json!({ "#p": "pk" }),
        ("dynamodb", ..) if shape.name == "AttributeValue" => json!({ "S": "a" }),
        ("ecs" | "eks", _, "cluster" | "clusterName" | "name") if shape.name != "SettingName" => {
            json!("shop")
        }
        ("ecs", _, "clusters") => json!(["shop"]),
        ("ecs", _, "services") => json!(["web"]),
        ("ecs", _, "taskDefinition") => json!("web:1"),
        ("logs", _, "logGroupIdentifiers" | "logGroupNames") => json!(["/ecs/web"]),
        ("logs", _, "logGroupName" | "logGroupIdentifier") => json!("/ecs/web"),
        ("logs", _, "logStreamName") => json!("web/app/1"),
        ("logs", _, "logStreamNames") => json!(["web/app/1"]),
        ("logs", _, "queryString") => json!("fields @message"),
        ("logs", _, "queryId") => json!("0a1b2c3d-0000-4000-8000-000000000000"),
        ("ecs", _, "serviceName") => json!("web"),
        ("ecs", _, "settings") => json!([{ "name": "containerInsights", "value": "enhanced" }]),
        ("ecs", "PutAccountSettingDefault" | "ListAccountSettings", "name") => json!("containerInsights"),
        ("ecs", "PutAccountSettingDefault" | "ListAccountSettings", "value") => json!("enabled"),
        ("ecs", _, "logging") => json!("OVERRIDE"),
        ("eks", _, "fargateProfileName") => json!("apps"),
        ("eks", "CreateAddon", "addonName") => json!("metrics-server"),
        ("eks", _, "addonName") => json!("vpc-cni"),
        ("eks", _, "updateId") => json!("u1"),
        ("eks", _, "logging") => json!({ "clusterLogging": [{ "types": ["audit"], "enabled": true }] }),
        ("s3", _, "Bucket") => json!("data"),
        ("s3", _, "Key") => json!("key"),
        ("s3", ..) if shape.kind() == "timestamp" => json!("Sun, 02 Jan 2000 00:00:00 GMT"),
        ("sns", _, "TopicArn") => json!(TOPIC),
        ("sns", _, "Message") => json!("{\"default\":\"m\"}"),
        ("sns", _, "MessageStructure") => json!("json"),
        ("sns", _, "MessageAttributes") => {
            json!({ "kind": { "DataType": "String.Array", "StringValue": "[\"alarms\"]" } })
        }
        ("sqs", _, "QueueUrl") => json!(QUEUE),
        ("sqs", _, "QueueName") => json!("later"),
        ("sqs", _, "QueueOwnerAWSAccountId") => json!("123456789012"),
        ("sqs", _, "MessageAttributes") => json!({ "a": { "DataType": "String", "StringValue": "b" } }),
        ("sqs", _, "MessageSystemAttributes") => {
            json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "b" } })
        }
        ("eks", _, "principalArn") | ("sts", _, "RoleArn") => json!(ROLE),
        ("sts", _, "TokenCode") => json!("123456"),
        ("sts", ..) if shape.name == "arnType" => json!("arn:aws:iam::aws:policy/ReadOnlyAccess"),
        _ => return None,
    })
}

/// Members that an operation requires although its model does not mark them required.
pub(super) fn needed(operation: &str) -> &'static [&'static str] {
    match operation {
        "cloudwatch:GetMetricStatistics" => &["Statistics"],
        "dynamodb:UpdateItem" => &["UpdateExpression", "ExpressionAttributeValues"],
        "dynamodb:Query" => &["KeyConditionExpression", "ExpressionAttributeValues"],
        // Without it, they apply to the cluster "default".
        "ecs:DescribeServices" | "ecs:DescribeTasks" | "ecs:ListServices" | "ecs:ListTasks" => &["cluster"],
        "ecs:ListAccountSettings" => &["name"],
        "eks:UpdateClusterConfig" => &["logging"],
        "logs:FilterLogEvents" | "logs:GetLogEvents" => &["logGroupName"],
        "logs:StartQuery" => &["logGroupNames"],
        "sns:Publish" => &["TopicArn"],
        _ => &[],
    }
}

const ONE_OF: &str = "excludes another member that the request has";
const NOT_FAKED: &str = "not faked, and said so";
const TOKEN: &str = "only tokens that an answer gave are good";
const UNUSED: &str = "no expression of the request uses it";
const NO_SUCH: &str = "names something that is not there";
const LEGACY: &str = "legacy parameters are not faked, and said so";

/// Members that are refused although their value matches the model, each with the reason.
const REFUSED: [(&str, &[&str], &str); 37] = [
    ("cloudwatch:GetMetricData", &["NextToken"], TOKEN),
    ("cloudwatch:ListMetrics", &["NextToken"], TOKEN),
    ("cloudwatch:GetMetricStatistics", &["ExtendedStatistics"], ONE_OF),
    ("dynamodb:GetItem", &["AttributesToGet"], LEGACY),
    ("dynamodb:GetItem", &["ExpressionAttributeNames"], UNUSED),
    ("dynamodb:PutItem", &["ConditionalOperator", "Expected"], LEGACY),
    ("dynamodb:PutItem", &["ExpressionAttributeNames", "ExpressionAttributeValues"], UNUSED),
    ("dynamodb:DeleteItem", &["ConditionalOperator", "Expected"], LEGACY),
    ("dynamodb:DeleteItem", &["ExpressionAttributeNames", "ExpressionAttributeValues"], UNUSED),
    ("dynamodb:UpdateItem", &["AttributeUpdates", "ConditionalOperator", "Expected"], LEGACY),
    ("dynamodb:UpdateItem", &["ExpressionAttributeNames"], UNUSED),
    ("dynamodb:Query", &["AttributesToGet", "ConditionalOperator", "KeyConditions", "QueryFilter"], LEGACY),
    ("dynamodb:Query", &["IndexName", "Select"], NOT_FAKED),
    ("dynamodb:Query", &["ExpressionAttributeNames"], UNUSED),
    ("ecs:ListClusters", &["nextToken"], TOKEN),
    ("ecs:ListServices", &["nextToken"], TOKEN),
    ("ecs:ListTasks", &["nextToken"], TOKEN),
    ("ecs:ListTasks", &["containerInstance", "daemonName", "startedBy"], NOT_FAKED),
    ("ecs:ListAccountSettings", &["nextToken"], TOKEN),
    (
        "eks:UpdateClusterConfig",
        &[
            "accessConfig",
            "computeConfig",
            "controlPlaneScalingConfig",
            "deletionProtection",
            "kubeApiServerConfig",
            "kubeControllerManagerConfig",
            "kubeSchedulerConfig",
            "kubernetesNetworkConfig",
            "remoteNetworkConfig",
            "resourcesVpcConfig",
            "storageConfig",
            "upgradePolicy",
            "zonalShiftConfig",
        ],
        NOT_FAKED,
    ),
    ("logs:DescribeLogGroups", &["nextToken"], TOKEN),
    ("logs:FilterLogEvents", &["logGroupIdentifier"], ONE_OF),
    ("logs:StartQuery", &["logGroupIdentifiers", "logGroupName"], ONE_OF),
    ("logs:FilterLogEvents", &["logStreamNamePrefix", "logStreamNames"], NOT_FAKED),
    ("logs:FilterLogEvents", &["nextToken"], TOKEN),
    ("logs:GetLogEvents", &["nextToken", "startFromHead"], NOT_FAKED),
    ("logs:GetQueryResults", &["", "maxItems", "nextToken"], NO_SUCH),
    ("logs:StopQuery", &[""], NO_SUCH),
    ("logs:DescribeLogGroups", &["accountIdentifiers", "includeLinkedAccounts"], NOT_FAKED),
    ("s3:GetObject", &["IfMatch", "Range", "VersionId"], NO_SUCH),
    ("s3:HeadObject", &["IfMatch", "Range", "VersionId"], NO_SUCH),
    ("s3:PutObject", &["IfMatch", "ChecksumCRC32"], NO_SUCH),
    ("s3:ListObjectsV2", &["ContinuationToken"], TOKEN),
    ("sns:Publish", &["PhoneNumber", "TargetArn"], ONE_OF),
    ("sns:Publish", &["MessageDeduplicationId"], NOT_FAKED),
    ("sqs:SendMessage", &["MessageAttributes", "MessageSystemAttributes"], NOT_FAKED),
    ("sqs:SendMessage", &["MessageDeduplicationId", "MessageGroupId"], NOT_FAKED),
];

/// Why a request with this member is refused, if it is.
pub(super) fn refused(operation: &str, member: &str) -> Option<&'static str> {
    let matches =
        |(name, members, _): &&(&str, &[&str], &str)| *name == operation && members.contains(&member);
    REFUSED.iter().find(matches).map(|(_, _, reason)| *reason)
}

/// All pairs of operation and member that are refused.
pub(super) fn all_refused() -> impl Iterator<Item = (&'static str, &'static str)> {
    REFUSED.iter().flat_map(|(operation, members, _)| members.iter().map(move |member| (*operation, *member)))
}

/// Headers that belong to the transfer: the client sets them for its body.
pub(super) const TRANSFER: [&str; 1] = ["Content-Length"];

/// Values that name nothing, by member.
pub(super) fn stranger(service: &str, member: &str) -> Option<&'static str> {
    Some(match (service, member) {
        ("ecs", "cluster" | "taskDefinition")
        | ("eks", "name" | "clusterName" | "fargateProfileName" | "addonName" | "updateId")
        | ("dynamodb", "TableName")
        | ("sqs", "QueueName")
        | ("s3", "Bucket" | "Key") => "nope",
        ("sns", "TopicArn") => "arn:aws:sns:eu-west-1:123456789012:nope",
        ("sqs", "QueueUrl") => "https://sqs.eu-west-1.amazonaws.com/123456789012/nope",
        ("eks", "principalArn") | ("sts", "RoleArn") => "arn:aws:iam::210987654321:role/nope",
        _ => return None,
    })
}

/// Operations that accept the name of a missing resource, by member.
pub(super) const NEW_NAMES: [(&str, &str); 3] =
    [("eks:CreateAddon", "addonName"), ("s3:DeleteObject", "Key"), ("s3:PutObject", "Key")];

/// Errors that every operation of a service may return, from its page of common errors, and those
/// that the service returns although the model does not list them.
pub(super) fn common_errors(service: &str) -> &'static [&'static str] {
    match service {
        "cloudwatch" => {
            &["InvalidParameterCombination", "MissingParameter", "SerializationException", "ValidationError"]
        }
        "dynamodb" => &["SerializationException", "ValidationException"],
        // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        "s3" => &[
            "BadDigest",
            "InvalidArgument",
            "KeyTooLongError",
            "NoSuchBucket",
            "NoSuchKey",
            "NoSuchVersion",
            "NotImplemented",
            "PreconditionFailed",
        ],
        "sqs" => &[
            "InvalidParameterValue",
            "MissingParameter",
            "SerializationException",
            "AWS.SimpleQueueService.NonExistentQueue",
        ],
        "sts" => &["AccessDenied", "ValidationError"],
        "ecs" | "eks" | "logs" => &["SerializationException"],
        _ => &[],
    }
}

/// The service's words for a request that violates its model.
pub(super) fn validation_errors(service: &str) -> &'static [&'static str] {
    match service {
        "cloudwatch" => {
            &["InvalidParameterValue", "MissingParameter", "SerializationException", "ValidationError"]
        }
        "dynamodb" => &["SerializationException", "ValidationException"],
        "ecs" | "logs" => &["InvalidParameterException", "SerializationException"],
        "eks" => &[
            "ClientException",
            "InvalidParameterException",
            "InvalidRequestException",
            "SerializationException",
        ],
        "s3" => &["InvalidArgument"],
        "sns" => &["InvalidParameter", "ParameterValueInvalid"],
        "sqs" => &["InvalidParameterValue", "MissingParameter", "SerializationException"],
        _ => &["ValidationError"],
    }
}
