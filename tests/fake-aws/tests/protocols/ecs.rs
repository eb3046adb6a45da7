//! Amazon ECS.

use fake_aws::{ClusterSpec, Estate, FakeAws, ServiceSpec};
use serde_json::{Value, json};

use crate::client::{Scope, json, scope};

async fn shop() -> FakeAws {
    let mut estate = Estate::new("123456789012", "eu-west-1")
        .cluster(ClusterSpec::new("shop").insights("enabled").tag("team", "web"))
        .cluster(ClusterSpec::new("inactive").status("INACTIVE"));
    for number in 0..23 {
        let service = ServiceSpec::new(&format!("service-{number:02}")).desired(3).running(2);
        estate.put_service("shop", service);
    }
    FakeAws::start(estate).await
}

#[tokio::test]
async fn settings_come_only_when_included() {
    let aws = shop().await;
    let plain = json(&aws, scope("ecs"), "DescribeClusters", &json!({ "clusters": ["shop"] })).await;
    let cluster = &plain.json()["clusters"][0];
    for member in ["settings", "tags", "statistics"] {
        assert_eq!(cluster[member], json!([]), "{member}");
    }
    assert_eq!(cluster["runningTasksCount"], 46);
    let full = json!({
        "clusters": ["arn:aws:ecs:eu-west-1:123456789012:cluster/shop"],
        "include": ["SETTINGS", "TAGS", "STATISTICS"],
    });
    let full = json(&aws, scope("ecs"), "DescribeClusters", &full).await.json();
    let cluster = &full["clusters"][0];
    assert_eq!(cluster["settings"], json!([{ "name": "containerInsights", "value": "enabled" }]));
    assert_eq!(cluster["tags"], json!([{ "key": "team", "value": "web" }]));
    assert_eq!(cluster["statistics"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn missing_clusters_are_failures_of_a_good_answer() {
    let aws = shop().await;
    let other = "arn:aws:ecs:us-east-1:123456789012:cluster/shop";
    let body = json!({ "clusters": ["inactive", "nope", other] });
    let reply = json(&aws, scope("ecs"), "DescribeClusters", &body).await;
    assert_eq!(reply.status, 200);
    let nope = "arn:aws:ecs:eu-west-1:123456789012:cluster/nope";
    let missing = |arn: &str| json!({ "arn": arn, "reason": "MISSING" });
    assert_eq!(reply.json()["failures"], json!([missing(nope), missing(other)]));
    assert_eq!(reply.json()["clusters"][0]["status"], "INACTIVE");
    let body: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let reply = json(&aws, scope("ecs"), "DescribeClusters", &json!({ "clusters": body })).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.header("x-amzn-errortype"), Some("InvalidParameterException"));
    assert_eq!(reply.json()["__type"], "InvalidParameterException");
}

async fn update(aws: &FakeAws, mut body: Value) -> crate::client::Reply {
    body["cluster"] = json!("shop");
    json(aws, scope("ecs"), "UpdateCluster", &body).await
}

#[tokio::test]
async fn a_cluster_keeps_what_it_was_updated_to() {
    let aws = shop().await;
    let settings = json!([{ "name": "containerInsights", "value": "enhanced" }]);
    let exec = json!({ "logging": "OVERRIDE", "logConfiguration": { "cloudWatchLogGroupName": "exec" } });
    let configuration = json!({ "executeCommandConfiguration": exec });
    let defaults = json!({ "namespace": "internal" });
    update(&aws, json!({ "settings": settings })).await;
    update(&aws, json!({ "configuration": configuration })).await;
    let last = update(&aws, json!({ "serviceConnectDefaults": defaults })).await.json();
    let body = json!({ "clusters": ["shop"], "include": ["SETTINGS", "CONFIGURATIONS"] });
    let described = json(&aws, scope("ecs"), "DescribeClusters", &body).await.json();
    // Omitted parameters of an update stay unchanged.
    for cluster in [&last["cluster"], &described["clusters"][0]] {
        assert_eq!(cluster["settings"], settings);
        assert_eq!(cluster["configuration"], configuration);
        let namespace = "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-internal";
        assert_eq!(cluster["serviceConnectDefaults"], json!({ "namespace": namespace }));
        assert_eq!(cluster["clusterName"], "shop");
    }
    let bare = json(&aws, scope("ecs"), "DescribeClusters", &json!({ "clusters": ["shop"] })).await.json();
    assert_eq!(bare["clusters"][0]["configuration"], Value::Null);
    let none = update(&aws, json!({ "serviceConnectDefaults": { "namespace": "" } })).await.json();
    assert_eq!(none["cluster"]["serviceConnectDefaults"], Value::Null);
}

#[tokio::test]
async fn an_update_that_ecs_refuses_changes_nothing() {
    let aws = shop().await;
    let enhanced = json!([{ "name": "containerInsights", "value": "enhanced" }]);
    let with_exec = |exec: Value| json!({ "settings": enhanced, "configuration": { "executeCommandConfiguration": exec } });
    for body in [
        json!({ "settings": [{ "name": "containerInsights", "value": "on" }] }),
        json!({ "settings": enhanced, "serviceConnectDefaults": { "namespace": "a/b" } }),
        json!({ "settings": enhanced, "serviceConnectDefaults": {} }),
        with_exec(json!({ "logging": "OVERRIDE" })),
        with_exec(json!({ "logging": "SOMETIMES" })),
        with_exec(json!({ "logging": "NONE", "logConfiguration": { "s3BucketName": "b" } })),
        with_exec(json!({ "logging": "OVERRIDE", "logConfiguration": { "s3EncryptionEnabled": true } })),
    ] {
        let reply = update(&aws, body.clone()).await;
        assert_eq!(reply.header("x-amzn-errortype"), Some("InvalidParameterException"), "{body}");
    }
    let body = json!({ "clusters": ["shop"], "include": ["SETTINGS"] });
    let described = json(&aws, scope("ecs"), "DescribeClusters", &body).await.json();
    assert_eq!(described["clusters"][0]["settings"][0]["value"], "enabled");
    for (cluster, code) in [("inactive", "ClusterNotFoundException"), ("nope", "ClusterNotFoundException")] {
        let reply = json(&aws, scope("ecs"), "UpdateCluster", &json!({ "cluster": cluster })).await;
        assert_eq!(reply.header("x-amzn-errortype"), Some(code), "{cluster}");
    }
}

#[tokio::test]
async fn services_come_ten_a_page_by_default() {
    let aws = shop().await;
    let (mut sizes, mut token) = (Vec::new(), Value::Null);
    loop {
        let body = json!({ "cluster": "shop", "nextToken": token });
        let page = json(&aws, scope("ecs"), "ListServices", &body).await.json();
        sizes.push(page["serviceArns"].as_array().unwrap().len());
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(sizes, [10, 10, 3]);
    let body = json!({ "cluster": "shop", "maxResults": 100 });
    let page = json(&aws, scope("ecs"), "ListServices", &body).await.json();
    assert_eq!(page["serviceArns"].as_array().unwrap().len(), 23);
    for (body, code) in [
        (json!({ "cluster": "shop", "maxResults": 101 }), "InvalidParameterException"),
        (json!({ "cluster": "shop", "nextToken": "x" }), "InvalidParameterException"),
        (json!({ "cluster": "nope" }), "ClusterNotFoundException"),
        (json!({ "cluster": "inactive" }), "ClusterNotFoundException"),
    ] {
        let reply = json(&aws, scope("ecs"), "ListServices", &body).await;
        assert_eq!((reply.status, reply.json()["__type"].as_str().unwrap()), (400, code), "{body}");
    }
}

#[tokio::test]
async fn services_are_described_ten_at_a_time() {
    let aws = shop().await;
    let body = json!({ "cluster": "shop", "services": ["service-00", "nope"] });
    let reply = json(&aws, scope("ecs"), "DescribeServices", &body).await.json();
    assert_eq!(reply["services"][0]["desiredCount"], 3);
    assert!(reply["services"][0]["createdAt"].is_number());
    assert_eq!(reply["failures"][0]["reason"], "MISSING");
    let names: Vec<String> = (0..11).map(|number| format!("service-{number:02}")).collect();
    let body = json!({ "cluster": "shop", "services": names });
    let reply = json(&aws, scope("ecs"), "DescribeServices", &body).await;
    assert_eq!(reply.json()["__type"], "InvalidParameterException");
}

#[tokio::test]
async fn settings_change_and_stay_changed() {
    let aws = shop().await;
    let body = |cluster: &str, value: &str| {
        let settings = json!([{ "name": "containerInsights", "value": value }]);
        json!({ "cluster": cluster, "settings": settings })
    };
    let update = async |body: Value| json(&aws, scope("ecs"), "UpdateClusterSettings", &body).await;
    let reply = update(body("shop", "enhanced")).await.json();
    assert_eq!(reply["cluster"]["settings"][0]["value"], "enhanced");
    assert_eq!(aws.edit(|world| world.home().insights("shop").map(str::to_owned)).unwrap(), "enhanced");
    assert_eq!(update(body("shop", "on")).await.json()["__type"], "InvalidParameterException");
    assert_eq!(update(body("nope", "enabled")).await.json()["__type"], "ClusterNotFoundException");
}

#[tokio::test]
async fn accounts_and_regions_have_their_own_estates() {
    let aws = shop().await;
    aws.edit(|world| {
        let far = world.estate("210987654321", "us-east-1");
        far.put_cluster(ClusterSpec::new("far"));
    });
    let far = Scope { key: "ASIA210987654321000F", region: "us-east-1", service: "ecs" };
    let clusters = async |scope| json(&aws, scope, "ListClusters", &json!({})).await.json();
    let arn = "arn:aws:ecs:us-east-1:210987654321:cluster/far";
    assert_eq!(clusters(far).await["clusterArns"], json!([arn]));
    assert_eq!(clusters(Scope { region: "eu-west-1", ..far }).await["clusterArns"], json!([]));
    assert_eq!(clusters(scope("ecs")).await["clusterArns"].as_array().unwrap().len(), 1);
    let call = &aws.meter().calls[0];
    assert_eq!((call.account.as_str(), call.app.as_str()), ("210987654321", "test"));
}

#[tokio::test]
async fn denied_and_unknown_operations_say_so() {
    let estate = Estate::new("123456789012", "eu-west-1").deny("ecs:ListClusters");
    let aws = FakeAws::start(estate).await;
    let reply = json(&aws, scope("ecs"), "ListClusters", &json!({})).await;
    assert_eq!((reply.status, &reply.json()["__type"]), (400, &json!("AccessDeniedException")));
    let reply = json(&aws, scope("ecs"), "StopTask", &json!({})).await;
    assert_eq!(reply.json()["message"], "fake-aws does not know ecs:StopTask");
    assert_eq!(aws.meter().count("ecs:StopTask"), 1);
}
