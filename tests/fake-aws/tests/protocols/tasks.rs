//! Amazon ECS: tasks.

use std::collections::BTreeSet;

use fake_aws::{ClusterSpec, Estate, FakeAws, ServiceSpec, TaskSpec};
use serde_json::{Value, json};

use crate::client::{json, scope};

async fn shop() -> FakeAws {
    let cluster = ClusterSpec::new("shop")
        .service(ServiceSpec::new("api").desired(230).running(230).family("shared").containers(2))
        .service(ServiceSpec::new("web").desired(3).running(2).pending(1).launch_type(None))
        .service(ServiceSpec::new("inactive").status("INACTIVE").running(0))
        .task(TaskSpec::new("shared").running(4))
        .task(TaskSpec::new("migrate").running(1).pending(2).containers(3));
    FakeAws::start(Estate::new("123456789012", "eu-west-1").cluster(cluster)).await
}

/// The ARNs on each page.
async fn pages(aws: &FakeAws, mut body: Value) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    body["cluster"] = "shop".into();
    loop {
        let page = json(aws, scope("ecs"), "ListTasks", &body).await.json();
        let arns = page["taskArns"].as_array().unwrap_or_else(|| panic!("{page}"));
        pages.push(arns.iter().map(|arn| arn.as_str().unwrap().to_owned()).collect());
        body["nextToken"] = page["nextToken"].clone();
        if body["nextToken"].is_null() {
            return pages;
        }
    }
}

async fn describe(aws: &FakeAws, tasks: &[String]) -> Value {
    let body = json!({ "cluster": "shop", "tasks": tasks });
    json(aws, scope("ecs"), "DescribeTasks", &body).await.json()
}

#[tokio::test]
async fn tasks_come_by_the_hundred_and_each_once() {
    let aws = shop().await;
    let all = pages(&aws, json!({})).await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 40]);
    assert_eq!(all.iter().flatten().collect::<BTreeSet<_>>().len(), 240);
    assert!(all[0][0].starts_with("arn:aws:ecs:eu-west-1:123456789012:task/shop/"), "{}", all[0][0]);
    assert_eq!(pages(&aws, json!({})).await, all, "the same on the second call");
    let body = json!({ "clusters": ["shop"], "include": ["STATISTICS"] });
    let cluster = json(&aws, scope("ecs"), "DescribeClusters", &body).await.json()["clusters"][0].clone();
    assert_eq!((&cluster["runningTasksCount"], &cluster["pendingTasksCount"]), (&json!(237), &json!(3)));
    assert_eq!(cluster["activeServicesCount"], 2);
    assert_eq!(cluster["statistics"][1]["value"], "237");
}

#[tokio::test]
async fn tasks_are_filtered() {
    let aws = shop().await;
    for (filter, count) in [
        (json!({ "serviceName": "api" }), 230),
        (json!({ "serviceName": "web" }), 3),
        (json!({ "family": "shared" }), 234),
        (json!({ "family": "shared", "serviceName": "web" }), 0),
        (json!({ "family": "migrate", "desiredStatus": "RUNNING" }), 3),
        (json!({ "desiredStatus": "PENDING" }), 0),
        (json!({ "desiredStatus": "STOPPED" }), 0),
        (json!({ "launchType": "FARGATE" }), 240),
        (json!({ "launchType": "EC2" }), 0),
    ] {
        let found: usize = pages(&aws, filter.clone()).await.iter().map(Vec::len).sum();
        assert_eq!(found, count, "{filter}");
    }
    for (filter, code) in [
        (json!({ "cluster": "shop", "serviceName": "inactive" }), "ServiceNotFoundException"),
        (json!({ "cluster": "shop", "serviceName": "nope" }), "ServiceNotFoundException"),
        (json!({ "cluster": "shop", "startedBy": "me" }), "InvalidParameterException"),
        (json!({ "cluster": "shop", "desiredStatus": "LOST" }), "InvalidParameterException"),
        (json!({ "cluster": "shop", "maxResults": 0 }), "InvalidParameterException"),
        (json!({}), "ClusterNotFoundException"),
    ] {
        let reply = json(&aws, scope("ecs"), "ListTasks", &filter).await;
        assert_eq!((reply.status, reply.json()["__type"].as_str().unwrap()), (400, code), "{filter}");
    }
}

#[tokio::test]
async fn tasks_are_described_with_their_families_groups_and_containers() {
    let aws = shop().await;
    let of = async |filter: Value| describe(&aws, &pages(&aws, filter).await[0]).await["tasks"].clone();
    let api = &of(json!({ "serviceName": "api", "maxResults": 1 })).await[0];
    assert_eq!(api["group"], "service:api");
    assert_eq!(api["taskDefinitionArn"], "arn:aws:ecs:eu-west-1:123456789012:task-definition/shared:1");
    assert_eq!((&api["cpu"], &api["memory"]), (&json!("256"), &json!("512")));
    let names = |task: &Value| -> Vec<String> {
        let containers = task["containers"].as_array().unwrap();
        containers.iter().map(|container| container["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(api), ["shared", "shared-2"]);
    assert_eq!(api["containers"][1]["lastStatus"], "RUNNING");

    let body = json!({ "cluster": "shop", "services": ["api"] });
    let service = json(&aws, scope("ecs"), "DescribeServices", &body).await.json()["services"][0].clone();
    assert_eq!(service["taskDefinition"], api["taskDefinitionArn"]);
    assert_eq!(service["deployments"][0]["id"], api["startedBy"]);

    let statuses = |tasks: &Value| -> Vec<String> {
        tasks.as_array().unwrap().iter().map(|task| task["lastStatus"].as_str().unwrap().to_owned()).collect()
    };
    let web = of(json!({ "serviceName": "web" })).await;
    assert_eq!(statuses(&web), ["RUNNING", "RUNNING", "PENDING"]);
    assert_eq!(web[0]["capacityProviderName"], "FARGATE");
    let migrate = of(json!({ "family": "migrate" })).await;
    assert_eq!(migrate[0]["group"], "family:migrate");
    assert_eq!(statuses(&migrate), ["RUNNING", "PENDING", "PENDING"]);
    assert_eq!(names(&migrate[2]).len(), 3);
}

#[tokio::test]
async fn missing_tasks_are_failures_of_a_good_answer() {
    let aws = shop().await;
    let first = pages(&aws, json!({ "serviceName": "api" })).await[0][0].clone();
    let id = first.rsplit('/').next().unwrap().to_owned();
    let elsewhere = first.replace("task/shop/", "task/other/");
    let reply = describe(&aws, &[id, "nope".to_owned(), elsewhere.clone()]).await;
    assert_eq!(reply["tasks"][0]["taskArn"], first);
    let missing = |arn: &str| json!({ "arn": arn, "reason": "MISSING" });
    let nope = "arn:aws:ecs:eu-west-1:123456789012:task/shop/nope";
    assert_eq!(reply["failures"], json!([missing(nope), missing(&elsewhere)]));

    for count in [0, 101] {
        let reply = describe(&aws, &vec![first.clone(); count]).await;
        assert_eq!(reply["__type"], "InvalidParameterException", "{count}");
    }
    aws.edit(|world| world.home().service_mut("shop", "api").unwrap().running = 0);
    assert_eq!(describe(&aws, &[first]).await["failures"].as_array().unwrap().len(), 1, "it has stopped");
}
