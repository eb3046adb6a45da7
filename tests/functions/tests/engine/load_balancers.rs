//! Load balancers in front of services: what is queried for each way in which ECS names them, and
//! what is notified.

use fake_aws::{Estate, Fault, Oddity, SeriesKey, ServiceSpec};
use fargaze::model::load_balancer::LoadBalancing;
use function_tests::{Stack, minute, put_minutes, running, shop};
use serde_json::{Value, json};

use super::{notified, quiet, says, stack};

const ELB: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:";
const ALB: &str = "app/edge/50dc6c495c0c9188";
const NLB: &str = "net/tcp/60dc6c495c0c9188";

fn arn(group: &str) -> String {
    format!("{ELB}{}", dimension(group))
}

fn dimension(group: &str) -> String {
    format!("targetgroup/{group}/73e2d6bc24d8a067")
}

/// `web` of the cluster `shop`, behind what `DescribeServices` returns as `loadBalancers`.
fn behind(balancers: &Value) -> ServiceSpec {
    ServiceSpec::new("web").desired(2).running(2).member("loadBalancers", balancers.clone())
}

fn one_group(group: &str) -> Value {
    json!([{"targetGroupArn": arn(group), "containerName": "app", "containerPort": 8080}])
}

/// One value a minute of a target group.
fn put(estate: &mut Estate, balancer: &str, group: &str, name: &str, value: impl Fn(i64) -> f64) {
    let namespace = if balancer.starts_with("app/") { "AWS/ApplicationELB" } else { "AWS/NetworkELB" };
    let group = dimension(group);
    let dimensions = [("LoadBalancer", balancer), ("TargetGroup", group.as_str())];
    put_minutes(estate, namespace, name, &dimensions, value);
}

/// A target group of an Application Load Balancer with two healthy targets and 100 requests a
/// minute.
fn healthy(estate: &mut Estate, balancer: &str, group: &str) {
    put(estate, balancer, group, "HealthyHostCount", |_| 2.0);
    put(estate, balancer, group, "UnHealthyHostCount", |_| 0.0);
    if balancer.starts_with("app/") {
        put(estate, balancer, group, "RequestCount", |_| 100.0);
        put(estate, balancer, group, "TargetResponseTime", |_| 0.2);
    }
}

fn with(web: ServiceSpec, metrics: impl Fn(&mut Estate)) -> Stack {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", web);
    metrics(&mut estate);
    stack(estate)
}

/// What the inventory knows to be in front of `web`.
fn known(stack: &Stack, kind: &str, at: i64) -> LoadBalancing {
    let snapshot = stack.snapshot_of(kind, minute(at));
    let entry = &snapshot.inventory.clusters[&"shop".parse().unwrap()];
    entry.setup(&"web".parse().unwrap()).unwrap().load_balancing.clone()
}

/// The names of the metrics of load balancers that a run asked for, with their target groups.
fn asked(stack: &Stack, kind: &str, at: i64) -> Vec<String> {
    let snapshot = stack.snapshot_of(kind, minute(at));
    let queries = snapshot.readings.keys().filter(|query| query.metric.namespace.ends_with("ELB"));
    let mut names: Vec<String> = queries
        .map(|query| {
            let group = query.metric.dimensions.get("TargetGroup").unwrap();
            format!("{} {}", group.split('/').nth(1).unwrap(), query.metric.name)
        })
        .collect();
    names.sort();
    names
}

/// `web` in the newest report.
fn reported(stack: &Stack) -> Value {
    let report = stack.json("reports/latest.json");
    let services = report["clusters"][0]["services"].as_array().unwrap();
    services.iter().find(|one| one["service"] == "web").unwrap().clone()
}

/// Issue 19: a service behind a load balancer with 5XX and two unhealthy targets is one mail with
/// both.
#[tokio::test(start_paused = true)]
async fn errors_and_unhealthy_targets_are_one_mail() {
    let from = |since: i64, bad: f64| move |at: i64| if at >= since { bad } else { 0.0 };
    let stack = with(behind(&one_group("web")), |estate| {
        healthy(estate, ALB, "web");
        put(estate, ALB, "web", "HTTPCode_Target_5XX_Count", |at| if at >= -8 { 31.0 } else { f64::NAN });
        put(estate, ALB, "web", "UnHealthyHostCount", from(-8, 2.0));
    });
    quiet(&stack, [-10]).await;
    let mail = notified(&stack, 0).await;
    says(
        &mail,
        &[
            "CRITICAL shop/web",
            "31 %",
            "Target group web of load balancer edge: 31 of 100 requests were answered with 5XX at",
            "2 targets are unhealthy.",
            "Rule http-5xx.",
        ],
    );
    says(&mail, &["WARNING shop/web", "Rule unhealthy-hosts."]);
    let text = super::newest_text(&stack);
    assert!(text.contains("metricsV2") && text.contains("AWS*2fApplicationELB"), "{text}");
}

/// Facts-2, section 4: each way in which ECS names what is in front of a service.
#[tokio::test(start_paused = true)]
async fn every_way_to_a_service_is_read() {
    let rule = format!("{ELB}listener-rule/{ALB}/f2f7dc8efc522ab2/9683b2d02a6cabee");
    let blue_green = json!([{"targetGroupArn": arn("blue"), "containerName": "app", "containerPort": 80,
        "advancedConfiguration": {"alternateTargetGroupArn": arn("green"), "productionListenerRule": rule, "roleArn": "r"}}]);
    let several = json!([{"targetGroupArn": arn("public")}, {"targetGroupArn": arn("internal")}]);
    let classic = json!([{"loadBalancerName": "old-web", "containerName": "app", "containerPort": 80}]);
    let http = |group: &str| {
        ["HTTPCode_Target_5XX_Count", "RequestCount", "UnHealthyHostCount"]
            .map(|name| format!("{group} {name}"))
            .to_vec()
    };
    for (balancers, on, queried, balancer) in [
        (one_group("web"), ALB, http("web"), Some("edge")),
        (blue_green, ALB, [http("blue"), http("green")].concat(), Some("edge")),
        (several, ALB, [http("internal"), http("public")].concat(), Some("edge")),
        (one_group("tcp"), NLB, vec!["tcp UnHealthyHostCount".to_owned()], Some("tcp")),
        (classic, ALB, Vec::new(), None),
        (json!([]), ALB, Vec::new(), None),
        // No listener has the target group.
        (one_group("nowhere"), ALB, Vec::new(), None),
    ] {
        let stack = with(behind(&balancers), |estate| {
            for group in ["web", "blue", "green", "public", "internal"] {
                healthy(estate, on, group);
            }
            healthy(estate, NLB, "tcp");
        });
        quiet(&stack, [0, 5]).await;
        assert_eq!(asked(&stack, "alarms", 0), queried, "{balancers}");
        let known = known(&stack, "alarms", 5);
        let names = known
            .groups()
            .filter_map(|group| group.balancer.as_ref())
            .map(fargaze::model::load_balancer::Balancer::name);
        assert_eq!(names.min(), balancer, "{balancers}");
        assert_eq!(
            known.classic,
            if balancers.to_string().contains("old-web") { vec!["old-web"] } else { vec![] }
        );
    }
}

/// The newer forms are members of deployments and task sets.
#[tokio::test(start_paused = true)]
async fn lattice_and_task_sets_are_read() {
    let lattice = "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-0f9a3d";
    let deployment = json!([{"id": "d", "status": "PRIMARY", "desiredCount": 2, "runningCount": 2, "pendingCount": 0,
        "failedTasks": 0, "createdAt": 1_700_000_000, "updatedAt": 1_700_000_000, "rolloutState": "COMPLETED",
        "vpcLatticeConfigurations": [{"roleArn": "r", "targetGroupArn": lattice, "portName": "http"}]}]);
    let stack = with(behind(&json!([])).member("deployments", deployment), |_| {});
    quiet(&stack, [0]).await;
    assert_eq!(known(&stack, "alarms", 0).lattice, ["tg-0f9a3d"]);
    let set = |status: &str, group: &str| {
        json!({"id": status, "status": status, "computedDesiredCount": 2, "runningCount": 2, "pendingCount": 0,
            "createdAt": 1_700_000_000, "launchType": "FARGATE", "platformVersion": "1.4.0", "stabilityStatus": "STEADY_STATE",
            "loadBalancers": [{"targetGroupArn": arn(group)}]})
    };
    // CodeDeploy: the service still names the group that it was created with.
    let sets = json!([set("ACTIVE", "blue"), set("PRIMARY", "green")]);
    let stack = with(
        behind(&one_group("blue")).member("deployments", json!([])).member("taskSets", sets),
        |estate| {
            healthy(estate, ALB, "blue");
            healthy(estate, ALB, "green");
        },
    );
    quiet(&stack, [0]).await;
    let route = known(&stack, "alarms", 0).routes.remove(0);
    assert_eq!((route.group.short_name(), route.alternate.unwrap().short_name()), ("green", "blue"));
}

/// A Network Load Balancer has no codes and no response time; that is never 0.
#[tokio::test(start_paused = true)]
async fn what_a_load_balancer_does_not_publish_is_never_zero() {
    let stack = with(behind(&one_group("tcp")), |estate| healthy(estate, NLB, "tcp"));
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(asked(&stack, "report", 0), ["tcp UnHealthyHostCount"]);
    let web = reported(&stack);
    let expected = json!({"load_balancers": ["tcp"], "target_groups": ["tcp"], "has_http": false, "answer": "known",
        "unhealthy": 0, "most_unhealthy": 0});
    assert_eq!(web["load_balancing"], expected, "{web}");
}

/// Without any request there is no response time and no share of errors.
#[tokio::test(start_paused = true)]
async fn a_service_that_nobody_calls_is_quiet_and_has_no_percentage() {
    let stack = with(behind(&one_group("web")), |estate| {
        put(estate, ALB, "web", "HealthyHostCount", |_| 2.0);
        put(estate, ALB, "web", "UnHealthyHostCount", |_| 0.0);
    });
    quiet(&stack, [0, 5]).await;
    stack.run_line("report", minute(10)).await.receipt.unwrap();
    let web = reported(&stack);
    assert_eq!(
        (&web["load_balancing"]["requests"], &web["load_balancing"]["errors_5xx"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(web["load_balancing"]["p99_seconds"], Value::Null);
}

/// A blue/green deployment whose green group gets 30 requests a minute, all of which fail, beside 100
/// of the blue one.
fn blue_green(has_test_listener: bool) -> Stack {
    let rule = |id: &str| format!("{ELB}listener-rule/{ALB}/f2f7dc8efc522ab2/{id}");
    let mut advanced =
        json!({"alternateTargetGroupArn": arn("green"), "productionListenerRule": rule("1"), "roleArn": "r"});
    if has_test_listener {
        advanced["testListenerRule"] = rule("2").into();
    }
    with(behind(&json!([{"targetGroupArn": arn("blue"), "advancedConfiguration": advanced}])), |estate| {
        healthy(estate, ALB, "blue");
        healthy(estate, ALB, "green");
        put(estate, ALB, "green", "RequestCount", |_| 30.0);
        put(estate, ALB, "green", "HTTPCode_Target_5XX_Count", |_| 30.0);
    })
}

/// Errors of test traffic are nobody's; without a test listener the other group has its part of the
/// production traffic.
#[tokio::test(start_paused = true)]
async fn errors_of_test_traffic_do_not_count_and_those_of_a_canary_do() {
    quiet(&blue_green(true), [0, 5, 10]).await;
    says(&notified(&blue_green(false), 0).await, &["CRITICAL shop/web", "23.1 %", "Rule http-5xx."]);
}

/// The load balancer in front of a target group was replaced; CloudWatch lists both for three hours.
#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_was_replaced_is_followed() {
    let stack = with(behind(&one_group("web")), |estate| healthy(estate, ALB, "web"));
    quiet(&stack, [-15, -10]).await;
    stack.aws.edit(|world| {
        let new = "app/another/70dc6c495c0c9188";
        healthy(world.home(), new, "web");
        put(world.home(), new, "web", "HTTPCode_Target_5XX_Count", |_| 50.0);
    });
    says(&notified(&stack, -5).await, &["CRITICAL shop/web", "load balancer another: 50 of 100 requests"]);
    // It does not flip back, whichever is listed first.
    quiet(&stack, [10, 20]).await;
    assert_eq!(
        known(&stack, "alarms", 20).groups().next().unwrap().balancer.as_ref().unwrap().name(),
        "another"
    );
}

/// A deployment to a new target group leaves a time in which CloudWatch lists no load balancer for it:
/// an alarm goes on and is not ended as if the service were gone.
#[tokio::test(start_paused = true)]
async fn an_alarm_survives_a_deployment_to_another_target_group() {
    let failing = |estate: &mut Estate, group: &str| {
        healthy(estate, ALB, group);
        put(estate, ALB, group, "HTTPCode_Target_5XX_Count", |_| 50.0);
    };
    let stack = with(behind(&one_group("web")), |estate| failing(estate, "web"));
    says(&notified(&stack, 0).await, &["CRITICAL shop/web"]);
    stack.aws.edit(|world| {
        world.home().put_service("shop", behind(&one_group("new")));
        failing(world.home(), "new");
    });
    quiet(&stack, [5, 10, 15, 20, 25]).await;
}

/// One failed request of three is no 33 %.
#[tokio::test(start_paused = true)]
async fn a_period_with_few_requests_does_not_count() {
    let stack = with(behind(&one_group("web")), |estate| {
        healthy(estate, ALB, "web");
        put(estate, ALB, "web", "RequestCount", |_| 19.0);
        put(estate, ALB, "web", "HTTPCode_Target_5XX_Count", |_| 19.0);
    });
    quiet(&stack, [0, 5]).await;
    stack.aws.edit(|world| put(world.home(), ALB, "web", "RequestCount", |_| 20.0));
    says(&notified(&stack, 10).await, &["CRITICAL shop/web", "95 %"]);
}

/// The response time is that of p99 unless the rule has another statistic.
#[tokio::test(start_paused = true)]
async fn a_slow_service_is_notified() {
    let stack = with(behind(&one_group("web")), |estate| {
        healthy(estate, ALB, "web");
        put(estate, ALB, "web", "TargetResponseTime", |_| 2.5);
    });
    stack.put_rules(
        "rules:\n  - {name: slow, what: response-time, threshold: 2 s, comparison: GreaterThanThreshold, evaluation-periods: 3}\n  \
         - {name: busy, what: requests, threshold: 50, comparison: GreaterThanThreshold, evaluation-periods: 3}\n",
    );
    let mail = notified(&stack, 0).await;
    says(&mail, &["Rule busy."]);
    says(&mail, &["shop/web", "2.5 s", "Rule slow."]);
    let queries = stack.snapshot_of("alarms", minute(0));
    let time = queries.readings.keys().find(|query| query.metric.name == "TargetResponseTime").unwrap();
    assert_eq!(time.statistic.as_str(), "p99");
}

/// Users get the errors of a deployment as well; that its targets are not healthy yet is normal.
#[tokio::test(start_paused = true)]
async fn a_deployment_excuses_unhealthy_targets_and_no_errors() {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let began = minute(-2).as_second() as f64;
    let deploying = || behind(&one_group("web")).rollout("IN_PROGRESS").deployed_at(began);
    let stack = with(deploying(), |estate| {
        healthy(estate, ALB, "web");
        put(estate, ALB, "web", "UnHealthyHostCount", |_| 1.0);
    });
    quiet(&stack, [0, 5]).await;
    stack.aws.edit(|world| put(world.home(), ALB, "web", "HTTPCode_Target_5XX_Count", |_| 50.0));
    let mail = notified(&stack, 10).await;
    says(&mail, &["CRITICAL shop/web", "Rule http-5xx."]);
    assert!(!mail.contains("Rule unhealthy-hosts."), "{mail}");
}

/// A metric of a load balancer names no cluster; that of its service counts as not read all the same.
#[tokio::test(start_paused = true)]
async fn a_cluster_whose_load_balancer_is_not_read_is_not_seen() {
    let group = dimension("web");
    let key = SeriesKey::new(
        "AWS/ApplicationELB",
        "RequestCount",
        &[("LoadBalancer", ALB), ("TargetGroup", &group)],
    );
    let mut estate = shop(|_| 50.0).odd(key, Oddity::status("InternalError"));
    estate.put_service("shop", behind(&one_group("web")));
    healthy(&mut estate, ALB, "web");
    let stack = stack(estate);
    quiet(&stack, [0]).await;
    let coverage = stack.snapshot_of("alarms", minute(0)).coverage;
    assert_eq!((coverage.clusters, coverage.clusters_seen, coverage.unread), (1, 0, 1), "{coverage:?}");
}

/// A metric that could not be read is no silence: and neither is a list of load balancers.
#[tokio::test(start_paused = true)]
async fn load_balancers_that_cannot_be_read_are_said() {
    let stack = with(behind(&one_group("web")), |estate| healthy(estate, ALB, "web"));
    stack.aws.add_fault(Fault::on("cloudwatch:ListMetrics").times(9).error(403, "AccessDenied", "no"));
    let snapshot = |at| stack.snapshot_of("alarms", minute(at));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    let faults = snapshot(0).coverage.faults;
    assert!(faults.iter().any(|one| one.fault.subject.contains("AWS/ApplicationELB")), "{faults:?}");
}

/// Issue 19: at most two calls more for 100 services when the inventory is warm.
#[tokio::test(start_paused = true)]
async fn a_hundred_services_behind_load_balancers_cost_two_calls_more() {
    let mut calls = [Vec::new(), Vec::new()];
    let mut metrics = Vec::new();
    for balanced in [false, true] {
        let mut estate = shop(|_| 50.0);
        for n in 0..100 {
            let name = format!("s{n:02}");
            running(&mut estate, "shop", &name, |_| 50.0);
            if balanced {
                healthy(&mut estate, ALB, &name);
                let service = ServiceSpec::new(&name).member("loadBalancers", one_group(&name));
                estate.put_service("shop", service);
            }
        }
        let stack = stack(estate);
        quiet(&stack, [-10, -5]).await;
        for (at, calls) in [0, 5].into_iter().zip(&mut calls) {
            stack.aws.reset_meter();
            quiet(&stack, [at]).await;
            calls.push(stack.aws.meter().count_all());
        }
        metrics.push(stack.aws.meter().billed_metrics);
    }
    let [check, run] = calls;
    assert!(run[1] <= run[0] + 2, "{run:?}");
    // Every second run looks whether a load balancer was replaced: two of a run on average.
    assert!(check[1] + run[1] <= check[0] + run[0] + 4, "{check:?} {run:?}");
    assert_eq!(metrics[1] - metrics[0], 300, "three metrics a service");
}
