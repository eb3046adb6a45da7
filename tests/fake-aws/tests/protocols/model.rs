//! Every member that the fake writes exists in AWS's published models, of which `model/` has the
//! served part. The walk over all operations checks types, too; these tests check responses with
//! more than one of everything.

use std::collections::BTreeMap;

use fake_aws::{ClusterSpec, Estate, FakeAws, Oddity, SeriesKey, ServiceSpec, TaskSpec};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{cbor, json, query, s3, scope};

/// Panics if the object, or an element of the array, has a member that the shape does not list.
fn check(members: &Value, what: &str, found: &Value) {
    let members = members.as_object();
    let single = std::slice::from_ref(found);
    let objects = found.as_array().map_or(single, Vec::as_slice);
    assert!(!objects.is_empty(), "nothing to check of {what}");
    for name in objects.iter().flat_map(|object| object.as_object().unwrap().keys()) {
        assert!(members.is_some_and(|members| members.contains_key(name)), "{what} has no member {name}");
    }
}

struct Model(BTreeMap<&'static str, Value>);

impl Model {
    /// `direction` is `input` or `output`.
    fn of_operation(&self, operation: &str, direction: &str, found: &Value) {
        let (service, name) = operation.split_once(':').unwrap();
        let shape = &self.0[service]["operations"][name][direction];
        check(&self.0[service]["shapes"][shape.as_str().unwrap()]["members"], operation, found);
    }

    fn output(&self, operation: &str, found: &Value) {
        self.of_operation(operation, "output", found);
    }

    fn input(&self, operation: &str, found: &Value) {
        self.of_operation(operation, "input", found);
    }

    fn shape(&self, shape: &str, found: &Value) {
        let (service, name) = shape.split_once('#').unwrap();
        check(&self.0[service]["shapes"][name]["members"], shape, found);
    }
}

fn model() -> Model {
    Model(crate::walk::model::all())
}

/// The elements directly inside an XML element.
fn children(xml: &str, parent: &str) -> Value {
    let (_, rest) = xml.split_once(&format!("<{parent}>")).unwrap();
    let (mut inner, _) = rest.split_once(&format!("</{parent}>")).unwrap();
    let mut names = serde_json::Map::new();
    while let Some((_, rest)) = inner.split_once('<') {
        let (name, rest) = rest.split_once('>').unwrap();
        let (_, rest) = rest.split_once(&format!("</{name}>")).unwrap();
        names.insert(name.to_owned(), Value::Null);
        inner = rest;
    }
    Value::Object(names)
}

#[tokio::test]
async fn ecs_members() {
    let model = model();
    let web = ServiceSpec::new("web").tag("a", "b").launch_type(None);
    let cluster = ClusterSpec::new("shop").tag("a", "b").service(web).task(TaskSpec::new("job"));
    let aws = FakeAws::start(Estate::new("123456789012", "eu-west-1").cluster(cluster)).await;
    let include = json!(["SETTINGS", "TAGS", "STATISTICS"]);
    let settings = json!([{ "name": "containerInsights", "value": "enabled" }]);
    let account = json!({ "name": "containerInsights", "value": "disabled" });
    let effective = json!({ "name": "containerInsights", "value": "disabled", "effectiveSettings": true, "maxResults": 1 });
    let listed = json!({ "cluster": "shop", "desiredStatus": "RUNNING", "maxResults": 100 });
    let tasks = json(&aws, scope("ecs"), "ListTasks", &listed).await.json()["taskArns"].clone();
    for (operation, input) in [
        ("ListClusters", json!({ "maxResults": 1 })),
        ("DescribeClusters", json!({ "clusters": ["shop", "nope"], "include": include })),
        ("ListServices", json!({ "cluster": "shop", "maxResults": 1, "launchType": "FARGATE" })),
        ("DescribeServices", json!({ "cluster": "shop", "services": ["web", "nope"], "include": ["TAGS"] })),
        ("UpdateClusterSettings", json!({ "cluster": "shop", "settings": settings })),
        ("CreateCluster", json!({ "clusterName": "new", "settings": settings, "tags": [] })),
        ("ListTasks", json!({ "cluster": "shop", "family": "web", "serviceName": "web", "maxResults": 1 })),
        ("DescribeTasks", json!({ "cluster": "shop", "tasks": tasks, "include": ["TAGS"] })),
        ("PutAccountSettingDefault", account),
        ("ListAccountSettings", effective),
    ] {
        let name = format!("ecs:{operation}");
        model.input(&name, &input);
        let output = json(&aws, scope("ecs"), operation, &input).await.json();
        model.output(&name, &output);
        match operation {
            "DescribeClusters" => {
                model.shape("ecs#Cluster", &output["clusters"]);
                model.shape("ecs#Failure", &output["failures"]);
                model.shape("ecs#ClusterSetting", &output["clusters"][0]["settings"]);
                model.shape("ecs#KeyValuePair", &output["clusters"][0]["statistics"]);
                model.shape("ecs#Tag", &output["clusters"][0]["tags"]);
            }
            "DescribeServices" => {
                model.shape("ecs#Service", &output["services"]);
                model.shape("ecs#Deployment", &output["services"][0]["deployments"]);
                model.shape("ecs#ServiceEvent", &output["services"][0]["events"]);
                model.shape("ecs#Tag", &output["services"][0]["tags"]);
            }
            "DescribeTasks" => {
                assert_eq!(output["tasks"].as_array().unwrap().len(), 2);
                model.shape("ecs#Task", &output["tasks"]);
                model.shape("ecs#Container", &output["tasks"][0]["containers"]);
            }
            "ListAccountSettings" => model.shape("ecs#Setting", &output["settings"]),
            "PutAccountSettingDefault" => model.shape("ecs#Setting", &output["setting"]),
            "CreateCluster" | "UpdateClusterSettings" => model.shape("ecs#Cluster", &output["cluster"]),
            _ => {}
        }
    }
}

/// Responses for services with other controllers are returned verbatim from the fixtures and match
/// the model.
#[tokio::test]
async fn answers_of_fixtures_are_of_the_model() {
    let model = model();
    for (name, answer) in [
        ("loop", include_str!("../../../fixtures/ecs/service_crash_loop.json")),
        ("web", include_str!("../../../fixtures/ecs/service_code_deploy.json")),
        ("web", include_str!("../../../fixtures/ecs/service_failed.json")),
        ("web", include_str!("../../../fixtures/ecs/service_rolled_back.json")),
        ("agent", include_str!("../../../fixtures/ecs/service_daemon.json")),
    ] {
        let cluster = ClusterSpec::new("shop").service(ServiceSpec::of_answer(answer));
        let aws = FakeAws::start(Estate::new("123456789012", "eu-west-1").cluster(cluster)).await;
        let input = json!({ "cluster": "shop", "services": [name] });
        let output = json(&aws, scope("ecs"), "DescribeServices", &input).await.json();
        let (found, expected) = (&output["services"][0], serde_json::from_str::<Value>(answer).unwrap());
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(found[member], *value, "{name}: {member}");
        }
        model.shape("ecs#Service", found);
        if expected.get("taskSets").is_none() {
            model.shape("ecs#Deployment", &found["deployments"]);
            model.shape("ecs#ServiceEvent", &found["events"]);
        } else {
            model.shape("ecs#DeploymentController", &found["deploymentController"]);
            model.shape("ecs#TaskSet", &found["taskSets"]);
            model.shape("ecs#Scale", &found["taskSets"][0]["scale"]);
        }
    }
}

#[tokio::test]
async fn cloudwatch_members() {
    let model = model();
    let key = SeriesKey::new("AWS/ECS", "CPUUtilization", &[("ClusterName", "shop")]);
    let aws = FakeAws::start(
        Estate::new("123456789012", "eu-west-1")
            .metric("AWS/ECS", "CPUUtilization", &[("ClusterName", "shop")], Timestamp::UNIX_EPOCH, &[1.0; 9])
            .odd(key, Oddity::status("PartialData").message("a", "b")),
    )
    .await;
    let dimensions = json!([{ "Name": "ClusterName", "Value": "shop" }]);
    let metric = json!({ "Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Dimensions": dimensions });
    let stat = json!({ "Metric": metric, "Period": 60, "Stat": "Sum", "Unit": "Percent" });
    let queries = json!([{ "Id": "m1", "MetricStat": stat, "Label": "l", "ReturnData": true }]);
    model.shape("cloudwatch#MetricDataQuery", &queries);
    model.shape("cloudwatch#MetricStat", &stat);
    let input = json!({
        "MetricDataQueries": queries, "StartTime": 0, "EndTime": 600,
        "MaxDatapoints": 5, "ScanBy": "TimestampAscending",
    });
    model.input("cloudwatch:GetMetricData", &input);
    let output = cbor(&aws, "GetMetricData", &input).await.cbor();
    model.output("cloudwatch:GetMetricData", &output);
    assert!(output["NextToken"].is_string());
    model.shape("cloudwatch#MetricDataResult", &output["MetricDataResults"]);
    model.shape("cloudwatch#MessageData", &output["MetricDataResults"][0]["Messages"]);

    let mut input = metric.clone();
    for (name, value) in [
        ("StartTime", json!(0)),
        ("EndTime", json!(600)),
        ("Period", json!(60)),
        ("Statistics", json!(["SampleCount", "Average", "Sum", "Minimum", "Maximum"])),
        ("Unit", json!("Percent")),
    ] {
        input[name] = value;
    }
    model.input("cloudwatch:GetMetricStatistics", &input);
    let output = cbor(&aws, "GetMetricStatistics", &input).await.cbor();
    model.output("cloudwatch:GetMetricStatistics", &output);
    model.shape("cloudwatch#Datapoint", &output["Datapoints"]);
    input["ExtendedStatistics"] = json!(["p99"]);
    input.as_object_mut().unwrap().remove("Statistics");
    let output = cbor(&aws, "GetMetricStatistics", &input).await.cbor();
    model.shape("cloudwatch#Datapoint", &output["Datapoints"]);

    let output = cbor(&aws, "ListMetrics", &json!({ "Namespace": "AWS/ECS" })).await.cbor();
    model.output("cloudwatch:ListMetrics", &output);
    model.shape("cloudwatch#Metric", &output["Metrics"]);
    model.shape("cloudwatch#Dimension", &output["Metrics"][0]["Dimensions"]);
}

#[tokio::test]
async fn xml_and_dynamodb_members() {
    let model = model();
    let aws = FakeAws::start(Estate::new("123456789012", "eu-west-1")).await;
    let role = "arn:aws:iam::210987654321:role/r";
    let topic = aws.edit(|world| {
        world.role(role, None);
        world.table("state");
        let topic = world.topic("alerts");
        world.subscribe(&topic, "email", "ops@example.com");
        topic
    });
    aws.put_object("data", "key", "bytes");

    let ask = async |service: &str, operation: &str, rest: String| {
        let version = if service == "sns" { "2010-03-31" } else { "2011-06-15" };
        let form = format!("Action={operation}&Version={version}&{rest}");
        let xml = query(&aws, service, &form).await.text();
        let result = children(&xml, &format!("{operation}Result"));
        model.output(&format!("{service}:{operation}"), &result);
        xml
    };
    ask("sns", "Publish", format!("TopicArn={topic}&Message=m")).await;
    let xml = ask("sns", "ListSubscriptionsByTopic", format!("TopicArn={topic}")).await;
    model.shape("sns#Subscription", &children(&xml, "member"));
    ask("sts", "GetCallerIdentity", String::new()).await;
    let xml = ask("sts", "AssumeRole", format!("RoleArn={role}&RoleSessionName=me")).await;
    model.shape("sts#Credentials", &children(&xml, "Credentials"));
    model.shape("sts#AssumedRoleUser", &children(&xml, "AssumedRoleUser"));

    let xml = s3(&aws, ("GET", "/data?list-type=2"), &[], b"").await.text();
    let xml = xml.replace(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", "");
    model.output("s3:ListObjectsV2", &children(&xml, "ListBucketResult"));
    model.shape("s3#Object", &children(&xml, "Contents"));

    let key = json!({ "pk": {"S": "a"}, "sk": {"S": "b"} });
    let values = json!({ ":p": {"S": "a"} });
    for (operation, body) in [
        ("PutItem", json!({ "TableName": "state", "Item": key, "ReturnValues": "ALL_OLD" })),
        ("GetItem", json!({ "TableName": "state", "Key": key })),
        (
            "UpdateItem",
            json!({
                "TableName": "state", "Key": key, "UpdateExpression": "SET a = :p",
                "ExpressionAttributeValues": values, "ReturnValues": "ALL_NEW",
            }),
        ),
        (
            "Query",
            json!({
                "TableName": "state", "KeyConditionExpression": "pk = :p", "Limit": 1,
                "ExpressionAttributeValues": values, "ScanIndexForward": true, "ConsistentRead": true,
            }),
        ),
        ("DeleteItem", json!({ "TableName": "state", "Key": key, "ReturnValues": "ALL_OLD" })),
    ] {
        let name = format!("dynamodb:{operation}");
        model.input(&name, &body);
        let reply = json(&aws, scope("dynamodb"), operation, &body).await;
        assert_eq!(reply.status, 200, "{operation}: {}", reply.text());
        model.output(&name, &reply.json());
    }
}
