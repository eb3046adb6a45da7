//! A strange name, or an unreadable item of the table, affects its cluster and nothing else.

use fake_aws::{ClusterSpec, EksClusterSpec, ServiceSpec};
use function_tests::{Stack, estate, minute, running};
use serde_json::{Value, json};

use super::{CHANGE, created, level, outcome, receive_well, results, stack, sweep, with};

/// Faults of an outcome, as operation and subject.
fn faults(outcome: &Value) -> Vec<(String, String)> {
    let faults = outcome["coverage"]["faults"].as_array().unwrap().iter();
    let text = |fault: &Value, name: &str| fault["fault"][name].as_str().unwrap().to_owned();
    faults.map(|fault| (text(fault, "operation"), text(fault, "subject"))).collect()
}

/// Issue 13, point 5.
#[tokio::test(start_paused = true)]
async fn a_cluster_with_a_strange_name_is_named_and_the_others_are_set() {
    for strange in ["shop.v2", "läden", "a b"] {
        let stack = stack(with(&[("shop", "disabled"), (strange, "disabled")]));
        stack.put_config(CHANGE);
        let found = outcome(&stack, &sweep(&stack, 0).await);
        assert_eq!(level(&stack, "shop"), "enabled", "{strange}");
        let [(operation, subject)] = &faults(&found)[..] else { panic!("{found}") };
        assert_eq!(operation, "ecs:ListClusters");
        assert!(subject.ends_with(&format!("cluster/{strange}")), "{subject}");
        assert_eq!(
            (&found["coverage"]["clusters"], &found["coverage"]["clusters_seen"]),
            (&json!(2), &json!(1))
        );
        // The next sweep finds nothing new, and no cluster is mistaken for deleted.
        assert_eq!(
            results(&outcome(&stack, &sweep(&stack, 60).await)),
            [("shop".to_owned(), json!("compliant"))].into()
        );
    }
}

/// Issue 13, point 5.
#[tokio::test(start_paused = true)]
async fn an_eks_cluster_with_a_strange_name_is_named_and_the_others_are_set_up() {
    let stack = stack(estate());
    for name in ["payments", "pay.ments"] {
        stack.aws.edit(|world| {
            world.home().put_eks(EksClusterSpec::new(name).profile("default", &["kube-system"]));
        });
    }
    stack.put_config("limits: {existing: change, max-percent: 100}");
    let line = Box::pin(stack.run_line("sweep", minute(0))).await;
    let item = line.items.iter().find(|item| item["platform"] == "eks").unwrap();
    assert!(item["failure"].is_null(), "{item}");
    let found = stack.json(item["outcome"]["key"].as_str().unwrap());
    assert_eq!(faults(&found), [("eks:ListClusters".to_owned(), "pay.ments".to_owned())]);
    let addons = stack.aws.edit(|world| world.home().eks_cluster("payments").unwrap().addons.len());
    assert_eq!(addons, 1);
}

/// Issue 13, point 5.
#[tokio::test(start_paused = true)]
async fn a_service_or_cluster_with_a_strange_name_costs_no_alarm_of_the_others() {
    let mut home = estate().now(minute(0));
    running(&mut home, "shop", "web", |_| 97.0);
    home.put_service("shop", ServiceSpec::new("web.v2"));
    home.put_cluster(ClusterSpec::new("shop.v2").service(ServiceSpec::new("web")));
    let stack = stack(home);
    for at in [0, 5] {
        let line = stack.run_line("alarms", minute(at)).await;
        let item = line.items.iter().find(|item| item["platform"] == "ecs").unwrap();
        assert!(item["failure"].is_null(), "{item}");
        let found = stack.json(item["outcome"]["key"].as_str().unwrap());
        let subjects: Vec<String> = faults(&found).into_iter().map(|(_, subject)| subject).collect();
        assert!(subjects.iter().any(|subject| subject.ends_with("service/shop/web.v2")), "{subjects:?}");
        assert!(subjects.iter().any(|subject| subject.ends_with("cluster/shop.v2")), "{subjects:?}");
        assert_eq!(subjects.len(), 2, "each is named once");
    }
    let mail = stack.mail(0);
    assert!(mail.contains("shop/web") && mail.contains("97"), "{mail}");
    // An unreadable cluster stays unreadable and is no reason to list all again in each run.
    let listings = stack.aws.meter().count("ecs:ListServices");
    assert_eq!(listings, 1);
}

/// Issue 13, point 5.
#[tokio::test(start_paused = true)]
async fn an_item_of_the_table_that_cannot_be_read_costs_its_cluster_only() {
    for (partition, key) in [
        ("CHANGES#123456789012#eu-west-1", "old/container-insights#1"),
        ("LIVES#123456789012#eu-west-1", "old"),
        ("CHANGES#123456789012#eu-west-1", "no such/container-insights#1"),
        ("LIVES#123456789012#eu-west-1", "no/such"),
    ] {
        let stack = stack(with(&[("shop", "disabled"), ("old", "disabled")]));
        stack.put_config(CHANGE);
        let item = json!({
            "pk": {"S": partition}, "sk": {"S": key}, "subject": {"S": key.split('#').next()}, "time": {"S": "nonsense"},
        });
        stack.aws.edit(|world| world.put_item(Stack::TABLE, &item));
        let found = outcome(&stack, &sweep(&stack, 0).await);
        assert_eq!(level(&stack, "shop"), "enabled", "{partition} {key}");
        let is_of_old = key.starts_with("old");
        assert_eq!(level(&stack, "old"), if is_of_old { "disabled" } else { "enabled" }, "{partition} {key}");
        let named = faults(&found);
        assert_eq!(named, [("dynamodb:Query".to_owned(), format!("{partition} {key}"))], "{found}");
        // An event about another cluster is processed, too.
        stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("young")));
        receive_well(&stack, &[created("young", 10)]).await;
        assert_eq!(level(&stack, "young"), "enabled", "{partition} {key}");
    }
}

/// Issue 13, point 5: the record of the last sweep is lost, and the summary says so once.
#[tokio::test(start_paused = true)]
async fn what_the_last_sweep_knew_and_cannot_be_read_is_reported() {
    let stack = stack(with(&[("old", "disabled")]));
    sweep(&stack, 0).await;
    let written = stack.aws.objects().into_iter().map(|object| object.key);
    let key = written.filter(|key| key.starts_with("clusters/")).collect::<Vec<_>>().remove(0);
    stack.aws.put_object(Stack::BUCKET, &key, "{");
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("young")));
    let line = sweep(&stack, 60).await;
    assert_eq!(faults(&outcome(&stack, &line)), [("s3:GetObject".to_owned(), key)]);
    let mail = stack.mail(stack.mails().len() - 1);
    assert!(mail.contains("every cluster counts as existing before"), "{mail}");
    assert_eq!(level(&stack, "young"), "disabled", "it is unknown whether it is new");
    // From here on it is known again.
    stack.aws.edit(|world| world.home().put_cluster(ClusterSpec::new("younger")));
    assert_eq!(faults(&outcome(&stack, &sweep(&stack, 120).await)), []);
    assert_eq!(level(&stack, "younger"), "enabled");
}

/// Issue 13, point 5.
#[tokio::test(start_paused = true)]
async fn a_remembered_alarm_that_cannot_be_read_costs_itself_only() {
    let mut home = estate().now(minute(0));
    running(&mut home, "shop", "web", |_| 97.0);
    let stack = stack(home);
    let item =
        json!({"pk": {"S": "ALARMS#123456789012#eu-west-1"}, "sk": {"S": "nonsense"}, "memory": {"S": "{"}});
    stack.aws.edit(|world| world.put_item(Stack::TABLE, &item));
    for (partition, key) in [("TARGETS", "no target"), ("RULES", "no rule")] {
        let state = if partition == "RULES" { "problem" } else { "broken" };
        let item = json!({"pk": {"S": partition}, "sk": {"S": key}, "state": {"S": state}});
        stack.aws.edit(|world| world.put_item(Stack::TABLE, &item));
    }
    let line = stack.run_line("alarms", minute(0)).await;
    assert_eq!(line.receipt.as_ref().unwrap()["published"], true);
    let mail = stack.mail(0);
    assert!(mail.contains("shop/web") && mail.contains("nonsense"), "{mail}");
}
