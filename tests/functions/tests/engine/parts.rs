//! What is finer than a service, and what it runs on: task families, tasks and containers, and
//! services that do not run on Fargate.

use fake_aws::{ClusterSpec, Estate, ServiceSpec, TaskSpec};
use function_tests::{Stack, aws_ecs, estate, minute, put_minutes, shop};
use serde_json::{Value, json};

use super::{notified, quiet, says, stack};

const INSIGHTS: &str = "ECS/ContainerInsights";
const BUSY: &str = "3b2a0000000000000000000000000001";

/// The cluster `shop` with enhanced observability: of the two tasks of `web`, one is at 99 % of its
/// memory, and the service at 50 %; `nightly` runs a task without a service.
fn enhanced() -> Estate {
    let mut estate = estate();
    let cluster = ClusterSpec::new("shop").insights("enhanced");
    estate.put_cluster(cluster.task(TaskSpec::new("nightly")));
    estate.put_service("shop", ServiceSpec::new("web").desired(2).running(2));
    aws_ecs(&mut estate, "shop", "web", "MemoryUtilization", |_| 50.0);
    aws_ecs(&mut estate, "shop", "web", "CPUUtilization", |_| 20.0);
    put_minutes(&mut estate, INSIGHTS, "TaskCount", &[("ClusterName", "shop")], |_| 3.0);
    let idle = "3b2a0000000000000000000000000002";
    for (owner, name, id, memory) in [
        ("ServiceName", "web", BUSY, 99.0),
        ("ServiceName", "web", idle, 1.0),
        // A task of a service is published by its family as well.
        ("TaskDefinitionFamily", "web", BUSY, 99.0),
        ("TaskDefinitionFamily", "web", idle, 1.0),
        ("TaskDefinitionFamily", "nightly", "4c000000000000000000000000000003", 30.0),
    ] {
        let dimensions = [("ClusterName", "shop"), (owner, name), ("TaskId", id)];
        for (metric, value) in [
            ("TaskMemoryUtilization", memory),
            ("TaskCpuUtilization", 10.0),
            ("MemoryUtilized", memory * 5.12),
            ("MemoryReserved", 512.0),
            ("CpuUtilized", 25.6),
            ("CpuReserved", 256.0),
        ] {
            put_minutes(&mut estate, INSIGHTS, metric, &dimensions, |_| value);
        }
    }
    for (owner, name, container, memory) in [
        ("ServiceName", "web", "app", 60.0),
        ("ServiceName", "web", "proxy", 97.0),
        ("TaskDefinitionFamily", "web", "app", 60.0),
        ("TaskDefinitionFamily", "nightly", "job", 30.0),
    ] {
        let dimensions = [("ClusterName", "shop"), (owner, name), ("ContainerName", container)];
        for (metric, value) in [
            ("ContainerMemoryUtilization", memory),
            ("ContainerMemoryUtilized", memory * 2.56),
            ("ContainerMemoryReserved", 256.0),
            ("ContainerCpuUtilized", 12.8),
            ("ContainerCpuReserved", 0.0),
        ] {
            put_minutes(&mut estate, INSIGHTS, metric, &dimensions, |_| value);
        }
    }
    for family in ["web", "nightly"] {
        let dimensions = [("ClusterName", "shop"), ("TaskDefinitionFamily", family)];
        for (metric, value) in [
            ("MemoryUtilized", 256.0),
            ("MemoryReserved", 512.0),
            ("CpuUtilized", 25.6),
            ("CpuReserved", 256.0),
        ] {
            put_minutes(&mut estate, INSIGHTS, metric, &dimensions, |_| value);
        }
    }
    estate
}

async fn report(stack: &Stack, at: i64) -> Value {
    stack.run_line("report", minute(at)).await.receipt.unwrap();
    stack.json("reports/latest.json")
}

fn page(stack: &Stack) -> String {
    let objects = stack.aws.objects();
    let page = objects.iter().find(|object| object.key.contains("/report-") && object.key.contains(".html"));
    let page = stack.aws.object(Stack::BUCKET, &page.unwrap().key).unwrap();
    String::from_utf8_lossy(&page).into_owned()
}

fn service<'a>(report: &'a Value, name: &str) -> &'a Value {
    let services = report["clusters"][0]["services"].as_array().unwrap();
    services.iter().find(|one| one["service"] == name).unwrap()
}

/// The seed's "Resources" view: services, task families, tasks, and containers.
#[tokio::test(start_paused = true)]
async fn s20_the_report_lists_families_tasks_and_containers_beside_their_service() {
    let stack = stack(enhanced());
    let report = report(&stack, 0).await;
    let parts: Vec<(String, Value)> = report["clusters"][0]["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            let name =
                ["service", "task_family", "task", "container"].map(|key| part[key].as_str().unwrap_or("-"));
            (name.join(" "), part["memory"]["maximum"].clone())
        })
        .collect();
    let expected = [
        (format!("web - {BUSY} -"), json!(99.0)),
        ("web - - proxy".to_owned(), json!(97.0)),
        ("web - - app".to_owned(), json!(60.0)),
        ("- nightly - -".to_owned(), json!(50.0)),
        ("- web - -".to_owned(), json!(50.0)),
        ("- nightly 4c000000000000000000000000000003 -".to_owned(), json!(30.0)),
        ("- nightly - job".to_owned(), json!(30.0)),
        ("web - 3b2a0000000000000000000000000002 -".to_owned(), json!(1.0)),
    ];
    assert_eq!(parts, expected);
    // A container that reserves no CPU has no share of it, which is not 0.
    let app = &report["clusters"][0]["parts"][2];
    assert_eq!((&app["container"], &app["cpu"]["maximum"]), (&json!("app"), &Value::Null));
    assert_eq!(service(&report, "web")["memory"]["maximum"], 50.0);
    let page = page(&stack);
    for part in [&format!("web task {BUSY}"), "web container proxy", "nightly", "task family"] {
        assert!(page.contains(part), "{part}");
    }
}

/// A task at 99 % beside its service at 50 %, which no rule on services sees.
#[tokio::test(start_paused = true)]
async fn a_task_and_a_container_have_rules_of_their_own() {
    let stack = stack(enhanced());
    quiet(&stack, [0]).await;
    stack.put_rules(
        "rules:\n  - {name: task-memory, what: ECS/ContainerInsights TaskMemoryUtilization, scope: task, threshold: 95 %, comparison: GreaterThanThreshold, \
         evaluation-periods: 3}\n  - {name: task-share, what: memory-percent-of-reservation, scope: task, task-families: [nightly], \
         threshold: 20 %, comparison: GreaterThanThreshold, evaluation-periods: 3}\n  - {name: container-memory, what: \
         ECS/ContainerInsights ContainerMemoryUtilization, scope: container, services: [web], containers: [proxy], threshold: 95 %, comparison: \
         GreaterThanThreshold, evaluation-periods: 3}\n",
    );
    let mail = notified(&stack, 5).await;
    says(&mail, &[&format!("shop/web task {BUSY}"), "99 %", "Rule task-memory."]);
    says(&mail, &["shop#nightly task 4c000000000000000000000000000003", "30 %", "Rule task-share."]);
    says(&mail, &["shop/web container proxy", "97 %", "Rule container-memory."]);
    assert_eq!(mail.matches("Rule task-memory.").count(), 1, "each task once: {mail}");
    let parts: Vec<String> =
        super::alarms(&stack).iter().map(|alarm| alarm["alarm"].as_str().unwrap().to_owned()).collect();
    assert_eq!(parts.len(), 3, "{parts:?}");
}

/// Without enhanced observability nothing finer is listed, and a rule on it evaluates nothing.
#[tokio::test(start_paused = true)]
async fn s30_what_is_finer_is_discovered_and_not_assumed() {
    let mut estate = enhanced();
    estate.cluster_mut("shop").unwrap().insights = "enabled".to_owned();
    let stack = stack(estate);
    stack.put_rules(
        "rules:\n  - {name: m, what: ECS/ContainerInsights TaskMemoryUtilization, scope: task, threshold: 95 %, comparison: GreaterThanThreshold, \
         evaluation-periods: 3}\n",
    );
    quiet(&stack, [0, 5]).await;
}

/// A service on EC2 is shown as what it is, and no rule for Fargate evaluates it.
#[tokio::test(start_paused = true)]
async fn s15_a_service_on_ec2_is_not_called_fargate() {
    let mut estate = shop(|_| 99.0);
    estate.put_service("shop", ServiceSpec::new("web").desired(2).running(0).launch_type(Some("EC2")));
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 4}]);
    let api = ServiceSpec::new("api").desired(2).running(2).launch_type(None);
    estate.put_service("shop", api.member("capacityProviderStrategy", spot));
    let stack = stack(estate);
    quiet(&stack, [0, 5, 10]).await;
    let report = report(&stack, 15).await;
    assert_eq!(service(&report, "web")["runs_on"]["capacity"], "ec2");
    let api = &service(&report, "api")["runs_on"];
    assert_eq!(
        (&api["capacity"], &api["providers"]),
        (&json!("fargate-spot"), &json!(["FARGATE_SPOT base 0 weight 4"]))
    );
    let page = page(&stack);
    assert!(page.contains("<td class=t>EC2") && page.contains("<td class=t>Fargate Spot"), "{page}");
    // A rule may say that it wants them.
    stack.put_rules(
        "rules:\n  - {name: down, what: nothing-running, runs-on: [ec2], threshold: 0, comparison: GreaterThanThreshold, \
         evaluation-periods: 1}\n",
    );
    says(&notified(&stack, 20).await, &["shop/web", "Rule down."]);
}

/// A platform before 1.4.0 lacks metadata 4 and storage metrics.
#[tokio::test(start_paused = true)]
async fn s46_an_old_platform_is_reported() {
    let mut estate = shop(|_| 50.0);
    let old = ServiceSpec::new("web").desired(2).running(2).member("platformVersion", json!("1.3.0"));
    estate.put_service("shop", old);
    let stack = stack(estate);
    let report = report(&stack, 0).await;
    assert_eq!(service(&report, "web")["runs_on"]["old_platform"], true);
    assert_eq!(service(&report, "api")["runs_on"]["old_platform"], Value::Null);
    assert!(page(&stack).contains("1 service on a Fargate platform before 1.4.0"));
}

/// A family whose tasks have no service is in the report even without any metric, with its size; so
/// is the size of a service.
#[tokio::test(start_paused = true)]
async fn s05_sizes_and_tasks_without_a_service_are_shown() {
    let mut estate = shop(|_| 50.0);
    let cluster = estate.cluster_mut("shop").unwrap();
    cluster.tasks.insert("nightly".to_owned(), TaskSpec::new("nightly"));
    let definition = |family: &str, cpu: &str, memory: &str, architecture: &str| {
        json!({"family": family, "revision": 1, "status": "ACTIVE", "requiresCompatibilities": ["FARGATE"], "cpu": cpu,
            "memory": memory, "runtimePlatform": {"cpuArchitecture": architecture, "operatingSystemFamily": "LINUX"},
            "containerDefinitions": [{"name": "app", "essential": true}]})
    };
    estate.put_task_definition(definition("web", "256", "512", "ARM64"));
    estate.put_task_definition(definition("nightly", "4096", "8192", "X86_64"));
    let stack = stack(estate);
    let report = report(&stack, 0).await;
    let web = &service(&report, "web")["runs_on"]["tasks"];
    assert_eq!(
        *web,
        json!([{"revision": "web:1", "cpu_units": 256, "memory_mib": 512, "architecture": "ARM64"}])
    );
    let nightly = &report["clusters"][0]["parts"][0];
    assert_eq!(
        (&nightly["task_family"], &nightly["without_service"][0]["cpu_units"]),
        (&json!("nightly"), &json!(4096))
    );
    let page = page(&stack);
    for words in ["Fargate, 0.25 vCPU, 512 MiB, ARM64", "tasks without a service, 4 vCPU, 8 GiB, X86_64"] {
        assert!(page.contains(words), "{words}");
    }
}
