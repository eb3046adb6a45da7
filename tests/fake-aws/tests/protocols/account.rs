//! Amazon ECS: account settings, and the clusters that inherit them.

use fake_aws::{ClusterSpec, Estate, FakeAws};
use serde_json::{Value, json};

use crate::client::{Scope, json, scope};

async fn with(estate: Estate) -> FakeAws {
    FakeAws::start(estate).await
}

fn home() -> Estate {
    Estate::new("123456789012", "eu-west-1")
}

fn insights(value: &str) -> Value {
    json!({
        "name": "containerInsights",
        "value": value,
        "principalArn": "arn:aws:iam::123456789012:root",
        "type": "user",
    })
}

async fn listed(aws: &FakeAws, body: Value) -> Value {
    json(aws, scope("ecs"), "ListAccountSettings", &body).await.json()["settings"].clone()
}

#[tokio::test]
async fn the_default_is_listed_only_as_an_effective_setting() {
    let aws = with(home().account_default("enabled")).await;
    let name = "containerInsights";
    assert_eq!(listed(&aws, json!({ "name": name })).await, json!([]));
    let effective = json!({ "name": name, "effectiveSettings": true });
    assert_eq!(listed(&aws, effective).await, json!([insights("enabled")]));
    for (value, count) in [("enabled", 1), ("enhanced", 0)] {
        let body = json!({ "name": name, "value": value, "effectiveSettings": true });
        assert_eq!(listed(&aws, body).await.as_array().unwrap().len(), count, "{value}");
    }
    let other = Scope { region: "us-east-1", ..scope("ecs") };
    let body = json!({ "name": name, "effectiveSettings": true });
    let reply = json(&aws, other, "ListAccountSettings", &body).await.json();
    assert_eq!(reply["settings"], json!([insights("disabled")]), "each Region has its own");
}

#[tokio::test]
async fn account_settings_come_in_pages_of_ten_at_most() {
    let aws = with(home()).await;
    let (mut names, mut token) = (Vec::new(), Value::Null);
    loop {
        let body = json!({ "effectiveSettings": true, "maxResults": 3, "nextToken": token });
        let page = json(&aws, scope("ecs"), "ListAccountSettings", &body).await.json();
        names.push(page["settings"].as_array().unwrap().len());
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(names, [3, 3, 1]);
    for body in [json!({ "maxResults": 11 }), json!({ "name": "none" }), json!({ "value": "enabled" })] {
        let reply = json(&aws, scope("ecs"), "ListAccountSettings", &body).await;
        assert_eq!(reply.json()["__type"], "InvalidParameterException", "{body}");
    }
}

#[tokio::test]
async fn new_clusters_without_a_setting_of_their_own_take_the_default() {
    let aws = with(home().cluster(ClusterSpec::new("old"))).await;
    let put = async |value: &str| {
        let body = json!({ "name": "containerInsights", "value": value });
        json(&aws, scope("ecs"), "PutAccountSettingDefault", &body).await.json()
    };
    assert_eq!(put("enhanced").await["setting"], insights("enhanced"));
    assert_eq!(put("on").await["__type"], "InvalidParameterException");
    let body = json!({ "name": "awsvpcTrunking", "value": "enabled" });
    let reply = json(&aws, scope("ecs"), "PutAccountSettingDefault", &body).await.json();
    assert_eq!(reply["__type"], "InvalidParameterException");

    let create = async |body: Value| json(&aws, scope("ecs"), "CreateCluster", &body).await.json();
    let own = json!([{ "name": "containerInsights", "value": "disabled" }]);
    let tags = json!([{ "key": "team", "value": "web" }]);
    let taken = create(json!({ "clusterName": "taken", "tags": tags })).await;
    assert_eq!(taken["cluster"]["tags"], tags);
    create(json!({ "clusterName": "own", "settings": own })).await;
    create(json!({ "clusterName": "old" })).await;
    create(json!({})).await;
    assert_eq!(create(json!({ "clusterName": "no such" })).await["__type"], "InvalidParameterException");
    aws.edit(|world| world.home().create_cluster("edited"));
    let levels: Vec<(String, String)> = aws.edit(|world| {
        let clusters = world.home().clusters().values();
        clusters.map(|cluster| (cluster.name.clone(), cluster.insights.clone())).collect()
    });
    let expected = [
        ("default", "enhanced"),
        ("edited", "enhanced"),
        ("old", "disabled"),
        ("own", "disabled"),
        ("taken", "enhanced"),
    ];
    assert_eq!(levels, expected.map(|(name, level)| (name.to_owned(), level.to_owned())));
}
