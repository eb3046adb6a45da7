//! A walk over all operations, driven by the published API models: valid requests get responses
//! that match the model, every violation is refused in the service's own words, and no refusal has
//! a code that the operation does not have.

mod generate;
mod known;
pub(crate) mod model;
mod output;
mod wire;
mod xml;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use self::model::Operation;
use crate::client::{json as json_call, query, s3, scope, send};

type Input = Map<String, Value>;

/// The request with only the required members, and one for each optional member.
fn requests(operation: Operation<'_>) -> Vec<(String, Input)> {
    let least = generate::least(operation);
    let mut requests = vec![(String::new(), least.clone())];
    let members = operation.input().into_iter().flat_map(model::Shape::members);
    for (name, reference) in members.filter(|(name, _)| !least.contains_key(*name)) {
        let mut input = least.clone();
        input.insert(name.clone(), generate::valid(operation, operation.target(reference), name, &[]));
        requests.push((name.clone(), input));
    }
    requests
}

/// The response to a HEAD has no body that could name its error.
fn is_nameless(operation: Operation<'_>, answer: &wire::Answer) -> bool {
    answer.code.is_empty() && ["HeadObject", "HeadBucket"].contains(&operation.name)
}

/// Whether the operation may return an error with this code.
fn is_listed(operation: Operation<'_>, answer: &wire::Answer) -> bool {
    is_nameless(operation, answer)
        || operation.errors().contains(&answer.code.as_str())
        || known::common_errors(operation.service).contains(&answer.code.as_str())
}

#[tokio::test]
async fn valid_requests_are_answered_by_the_model() {
    let models = model::all();
    let (mut wrong, mut refused) = (Vec::new(), BTreeSet::new());
    for operation in model::operations(&models) {
        for (member, input) in requests(operation) {
            let aws = known::start().await;
            let name = operation.full_name();
            let answer = wire::call(&aws, operation, &input).await.expect("a request that can be written");
            let what = format!("{name} with {member}: {} {} {}", answer.status, answer.code, answer.message);
            match known::refused(&name, &member) {
                Some(reason) if answer.status < 300 => wrong.push(format!("{what}, which {reason}")),
                Some(_) => {
                    refused.insert((name, member));
                    if !is_listed(operation, &answer) {
                        wrong.push(format!("{what}: not among its errors"));
                    }
                }
                None if answer.status >= 300 => wrong.push(what),
                None => match operation.output() {
                    Some(shape) => {
                        let faults = output::faults(operation, shape, &answer.output, &what);
                        wrong.extend(faults);
                    }
                    None => assert!(answer.output.as_object().is_none_or(Map::is_empty), "{what}"),
                },
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (operation, member) in known::all_refused() {
        let pair = (operation.to_owned(), member.to_owned());
        assert!(refused.contains(&pair), "{operation} has no member {member} to refuse");
    }
}

#[tokio::test]
async fn what_does_not_keep_to_the_model_is_refused() {
    let models = model::all();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for operation in model::operations(&models) {
        let Some(shape) = operation.input() else { continue };
        let aws = known::start().await;
        let allowed = known::validation_errors(operation.service);
        for (member, input) in requests(operation) {
            let less = shape.required().into_iter().map(|required| {
                let mut less = input.clone();
                less.remove(required);
                (format!("no {required}"), less)
            });
            // Each violation of a member once: those of required members in the minimal request.
            let of_member = input.iter().filter(|(name, _)| {
                let wire_name = model::wire_name(name, &shape.says["members"][*name]);
                (member.is_empty() || **name == member) && !known::TRANSFER.contains(&wire_name)
            });
            let faulty = of_member.flat_map(|(name, value)| {
                let reference = &shape.says["members"][name];
                let only_texts = wire::has_only_texts(operation, reference);
                let (target, whole) = (operation.target(reference), &input);
                generate::wrongs(operation, target, value, only_texts).into_iter().map(
                    move |(what, value)| {
                        let mut changed = whole.clone();
                        changed.insert(name.clone(), value);
                        (format!("{name}: {what}"), changed)
                    },
                )
            });
            let less: Vec<_> = less.filter(|_| member.is_empty()).collect();
            for (what, input) in less.into_iter().chain(faulty) {
                let Some(answer) = wire::call(&aws, operation, &input).await else { continue };
                tried += 1;
                let named = allowed.contains(&answer.code.as_str()) || is_nameless(operation, &answer);
                if answer.status < 400 || !named || !is_listed(operation, &answer) {
                    let (name, status, code) = (operation.full_name(), answer.status, answer.code);
                    wrong.push(format!("{name}, {what}: {status} {code} {}", answer.message));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 500, "only {tried} requests were tried");
}

#[tokio::test]
async fn names_of_nothing_are_refused_by_an_error_of_the_operation() {
    let models = model::all();
    let mut tried = 0;
    for operation in model::operations(&models) {
        let least = generate::least(operation);
        for (member, _) in &least {
            let name = operation.full_name();
            let Some(stranger) = known::stranger(operation.service, member) else { continue };
            if known::NEW_NAMES.contains(&(name.as_str(), member)) {
                continue;
            }
            let aws = known::start().await;
            let mut input = least.clone();
            input.insert(member.clone(), json!(stranger));
            let answer = wire::call(&aws, operation, &input).await.unwrap();
            let what = format!("{name}, {member}: {} {}", answer.status, answer.code);
            assert!(answer.status >= 400 && is_listed(operation, &answer), "{what}");
            tried += 1;
        }
    }
    assert!(tried > 25, "only {tried} names were tried");
}

/// No request is answered by another operation.
#[tokio::test]
async fn no_route_answers_for_another() {
    let aws = known::start().await;
    let eks = async |method: &str, path: &str| {
        send(aws.endpoint(), scope("eks"), (method, path), &[], b"").await.unwrap()
    };
    for (method, path) in [
        ("GET", "/addons/supported-versions"),
        ("GET", "/access-policies"),
        ("GET", "/shop"),
        ("GET", "/anything/shop"),
        ("PUT", "/clusters"),
        ("DELETE", "/clusters/shop"),
        ("GET", "/clusters/shop/addons/vpc-cni/update"),
        ("POST", "/clusters/shop/addons/vpc-cni/update"),
        ("GET", "/clusters/shop/nothing"),
        ("GET", "/clusters//addons"),
    ] {
        let reply = eks(method, path).await;
        assert_eq!(
            (reply.status, reply.header("x-amzn-errortype")),
            (404, Some("UnknownOperationException")),
            "{method} {path}"
        );
    }
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/data"),
        ("GET", "/data?versioning"),
        ("GET", "/data?versions"),
        ("PUT", "/data"),
        ("DELETE", "/data"),
        ("GET", "/data/key?tagging"),
        ("GET", "/data/key?acl"),
        ("GET", "/data/key?uploadId=1"),
        ("PUT", "/data/key?tagging"),
        ("PUT", "/data/key?partNumber=1&uploadId=1"),
        ("DELETE", "/data/key?uploadId=1"),
        ("DELETE", "/data/key?tagging"),
        ("POST", "/data?delete"),
        ("POST", "/data/key?uploads"),
        ("PATCH", "/data/key"),
    ] {
        let reply = s3(&aws, (method, path), &[], b"").await;
        assert_eq!(reply.status, 501, "{method} {path}: {}", reply.text());
        assert!(reply.text().contains("<Code>NotImplemented</Code>"), "{method} {path}");
    }
    let copy = s3(&aws, ("PUT", "/data/copy"), &[("x-amz-copy-source", "/data/key")], b"").await;
    assert_eq!(copy.status, 501, "a copy is no upload");
    assert_eq!(aws.objects().len(), 1);
    assert_eq!(aws.object("data", "key").unwrap(), b"bytes");
}

/// Nor by another service's, nor by another version's, nor by the right one with another route.
#[tokio::test]
async fn no_target_answers_for_another() {
    let aws = known::start().await;
    for (service, target) in [
        ("ecs", "DynamoDB_20120810.ListClusters"),
        ("ecs", "ListClusters"),
        ("ecs", "AmazonEC2ContainerServiceV20141113.DeleteCluster"),
        ("ecs", "AmazonEC2ContainerServiceV20130101.ListClusters"),
        ("dynamodb", "AmazonSQS.GetItem"),
        ("dynamodb", "DynamoDB_20111205.GetItem"),
        ("sqs", "AmazonSQS.DeleteQueue"),
        ("monitoring", "GraniteServiceVersion20100801.PutMetricData"),
        ("logs", "Logs_20140328.ListClusters"),
    ] {
        let headers = [("x-amz-target", target)];
        let reply = send(aws.endpoint(), scope(service), ("POST", "/"), &headers, b"{}").await.unwrap();
        let kind = reply.json()["__type"].as_str().unwrap_or_default().to_owned();
        assert_eq!(reply.status, 400, "{service} {target}");
        assert!(kind.ends_with("UnknownOperationException"), "{service} {target}: {kind}");
    }
    for (method, path) in [("GET", "/"), ("POST", "/clusters")] {
        let headers = [("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListClusters")];
        let reply = send(aws.endpoint(), scope("ecs"), (method, path), &headers, b"{}").await.unwrap();
        assert_eq!(reply.json()["__type"], "UnknownOperationException", "{method} {path}");
    }
    for path in [
        "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        "/service/Other/operation/ListMetrics",
    ] {
        let headers = [("smithy-protocol", "rpc-v2-cbor")];
        let reply =
            send(aws.endpoint(), scope("monitoring"), ("POST", path), &headers, &[0xA0]).await.unwrap();
        assert_eq!(reply.cbor()["__type"], "com.amazonaws.cloudwatch#UnknownOperationException", "{path}");
    }
    for (service, form) in [
        ("sts", "Action=GetCallerIdentity&Version=2010-03-31"),
        ("sts", "Action=GetCallerIdentity"),
        ("sts", "Action=ListSubscriptionsByTopic&Version=2011-06-15"),
        ("sns", "Action=DeleteTopic&Version=2010-03-31"),
    ] {
        let reply = query(&aws, service, form).await;
        assert_eq!(reply.status, 400, "{service} {form}");
        assert!(reply.text().contains("<Code>InvalidAction</Code>"), "{service} {form}");
    }
    let listed = json_call(&aws, scope("ecs"), "ListClusters", &json!({})).await;
    assert_eq!(listed.status, 200);
}
