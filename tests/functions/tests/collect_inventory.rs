//! `collect-metrics` and the inventory: listed once an hour, kept when it cannot be listed.

use std::collections::BTreeMap;

use fake_aws::{ClusterSpec, Estate, Fault, ServiceSpec};
use fargaze::evidence::inventory::Reporting;
use fargaze::evidence::snapshot::Snapshot;
use fargaze::model::insights::InsightsLevel;
use function_tests::{
    ACCOUNT, ATTEMPTS, Function, REGION, SILENT_ONLY, Stack, assert_made, estate, insights, minute, running,
    shop,
};
use serde_json::Value;

async fn collected(stack: &Stack, at: i64) -> Snapshot {
    stack.set_now(minute(at));
    let answer = stack.collect("alarms", minute(at)).await.unwrap();
    stack.snapshot(answer["snapshot"]["key"].as_str().unwrap())
}

/// ECS calls for the listing since the meter was reset, by operation.
fn ecs_calls(stack: &Stack) -> BTreeMap<String, usize> {
    let mut calls = stack.aws.meter().calls_by_operation();
    calls.retain(|operation, _| operation.starts_with("ecs:") && operation != "ecs:DescribeServices");
    calls
}

#[tokio::test]
async fn a_fresh_inventory_in_the_cache_saves_every_call_to_ecs_but_a_check_and_after_an_hour_it_is_listed_again()
 {
    let stack = Stack::start(shop(|_| 50.0)).await;
    collected(&stack, 0).await;
    let listing = [("ecs:DescribeClusters", 1), ("ecs:ListClusters", 1), ("ecs:ListServices", 1)];
    let listing: BTreeMap<String, usize> = listing.map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(ecs_calls(&stack), listing);

    let check: BTreeMap<String, usize> = listing
        .iter()
        .filter(|(name, _)| *name != "ecs:ListServices")
        .map(|(name, n)| (name.clone(), *n))
        .collect();
    for (at, calls) in [(5, BTreeMap::new()), (10, check.clone()), (15, BTreeMap::new()), (59, check)] {
        stack.aws.reset_meter();
        collected(&stack, at).await;
        assert_eq!(ecs_calls(&stack), calls, "after {at} minutes");
    }
    stack.aws.edit(|world| running(world.home(), "shop", "new", |_| 50.0));
    stack.aws.reset_meter();
    let snapshot = collected(&stack, 60).await;
    assert_eq!(ecs_calls(&stack), listing);
    assert_eq!(snapshot.inventory.service_count(), 3, "the service that came is seen");
}

#[tokio::test]
async fn t4_the_setting_is_read_with_include_settings() {
    let mut estate = estate();
    for level in ["disabled", "enabled", "enhanced"] {
        estate.put_cluster(ClusterSpec::new(level).insights(level));
    }
    let stack = Stack::start(estate).await;
    let inventory = collected(&stack, 0).await.inventory;
    for (name, entry) in &inventory.clusters {
        // Without SETTINGS in `include` ECS returns no settings, and every cluster would seem to be
        // off.
        assert_eq!(entry.insights(), name.as_str().parse::<InsightsLevel>().unwrap(), "{name}");
    }
    assert_eq!(inventory.clusters.len(), 3);
}

#[tokio::test]
async fn t6_switched_on_is_not_reporting() {
    let mut estate = estate();
    for cluster in ["reports", "silent"] {
        estate.put_cluster(ClusterSpec::new(cluster).insights("enabled"));
    }
    let dimensions = [("ClusterName", "reports")];
    function_tests::put_minutes(&mut estate, "ECS/ContainerInsights", "TaskCount", &dimensions, |_| 2.0);
    let stack = Stack::start(estate).await;
    let clusters = collected(&stack, 0).await.inventory.clusters;
    let reports: Vec<Reporting> =
        clusters.values().map(|entry| entry.ecs().unwrap().reports_insights).collect();
    assert_eq!(reports, [Reporting::Reporting, Reporting::Silent]);
}

/// Issue 12, point 10: "could not ask" is not "on, but no metrics", in inventory, mail, page and
/// data.
#[tokio::test]
async fn a_failed_listing_of_metrics_is_not_known_and_not_silent() {
    let mut estate = shop(|_| 50.0);
    estate.cluster_mut("shop").unwrap().insights = "enabled".to_owned();
    insights(&mut estate, "shop", "web", "RunningTaskCount", |_| 2.0);
    let stack = Stack::start(estate).await;
    stack.set_now(minute(0));
    stack.aws.add_fault(Fault::on("cloudwatch:ListMetrics").error(403, "AccessDenied", "no ListMetrics"));
    stack.run_line("report", minute(0)).await.receipt.unwrap();
    let report = stack.json("reports/latest.json");
    let shop = &report["clusters"][0];
    assert_eq!((&shop["reports_insights"], shop.get("silent")), (&"not-known".into(), None));
    assert_eq!(
        (&report["posture"]["silent"], &report["posture"]["reporting_not_known"]),
        (&0.into(), &1.into())
    );
    let mail = stack.mail(0);
    assert!(!mail.contains("no metrics in the last 3 hours"), "{mail}");
    assert!(mail.contains("on; could not ask whether metrics arrive, in 1 cluster: shop"), "{mail}");
    assert!(mail.contains("cloudwatch:ListMetrics") && mail.contains("no ListMetrics"), "{mail}");
    // Metrics that may exist are requested anyway: nothing that arrives is lost.
    let web = shop["services"].as_array().unwrap().iter().find(|service| service["service"] == "web");
    assert_eq!(web.unwrap()["tasks"]["lowest"], 2, "{web:#?}");
}

#[tokio::test]
async fn only_silent_services_are_queried() {
    let mut estate = shop(|_| 50.0);
    estate.put_service("shop", ServiceSpec::new("down").desired(2).running(0));
    let stack = Stack::start(estate).await;
    stack.put_config(SILENT_ONLY);
    // How services are set up is learnt once.
    collected(&stack, -5).await;
    stack.aws.reset_meter();
    let snapshot = collected(&stack, 0).await;
    assert_eq!(stack.aws.meter().count("ecs:DescribeServices"), 1);
    let described: Vec<_> = snapshot
        .services
        .iter()
        .map(|state| (state.service.as_str(), state.desired, state.running))
        .collect();
    assert_eq!(described, [("down", 2, 0)]);
}

#[tokio::test]
async fn a_service_whose_points_ended_six_minutes_ago_is_queried_and_one_of_two_minutes_ago_is_not() {
    let stack = Stack::start(shop(|at| if at < -8 { 50.0 } else { f64::NAN })).await;
    stack.put_config(SILENT_ONLY);
    stack.aws.edit(|world| {
        let until_then = |at: i64| if at < -8 { 20.0 } else { f64::NAN };
        function_tests::aws_ecs(world.home(), "shop", "web", "CPUUtilization", until_then);
    });
    collected(&stack, -5).await;
    let snapshot = collected(&stack, 0).await;
    let described: Vec<_> = snapshot.services.iter().map(|state| state.service.as_str()).collect();
    assert_eq!(described, ["web"]);
}

#[tokio::test]
async fn services_that_cannot_be_listed_are_named_while_the_other_clusters_are_seen() {
    let mut estate = shop(|_| 50.0);
    running(&mut estate, "orders", "api", |_| 50.0);
    let stack = Stack::start(estate).await;
    let fault = Fault::on("ecs:ListServices").error(400, "AccessDeniedException", "not authorized to list");
    stack.aws.add_fault(fault);
    let coverage = collected(&stack, 0).await.coverage;
    assert_eq!((coverage.clusters, coverage.clusters_seen), (2, 1));
    let notified = coverage.faults[0].fault.to_string();
    assert!(
        notified.contains("ecs:ListServices") && notified.contains("not authorized to list"),
        "{notified}"
    );
    // An incomplete inventory is not cached for an hour.
    stack.aws.reset_meter();
    let next = collected(&stack, 5).await.coverage;
    assert_eq!((next.clusters_seen, next.is_complete()), (2, true), "{next:?}");
}

#[tokio::test]
async fn while_ecs_cannot_be_listed_the_cached_inventory_is_used_and_the_fault_is_reported() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    collected(&stack, 0).await;
    stack.aws.add_fault(Fault::on("ecs:ListClusters").times(ATTEMPTS).error(500, "ServerException", "down"));
    let snapshot = collected(&stack, 65).await;
    assert_eq!(snapshot.inventory.service_count(), 2);
    assert_eq!(snapshot.coverage.with_data, 4, "CloudWatch is still queried");
    assert!(snapshot.coverage.faults[0].fault.to_string().contains("ecs:ListClusters"));
    assert!(!snapshot.coverage.is_complete());
}

#[tokio::test]
async fn a_cluster_that_could_not_be_described_is_not_a_deleted_cluster() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let before = collected(&stack, 0).await;
    for at in [60, 65] {
        let down = Fault::on("ecs:DescribeClusters").times(ATTEMPTS).error(500, "ServerException", "down");
        stack.aws.add_fault(down);
        let kept = collected(&stack, at).await;
        assert_eq!(kept.inventory.service_count(), before.inventory.service_count(), "after {at} minutes");
        assert_eq!(kept.readings.len(), before.readings.len());
        assert_eq!((kept.coverage.clusters, kept.coverage.clusters_seen), (1, 0));
    }
    let after = collected(&stack, 70).await;
    assert_eq!((after.coverage.clusters, after.coverage.clusters_seen), (1, 1));

    // Without a cache it counts as not seen.
    let stack = Stack::start(shop(|_| 50.0)).await;
    stack.aws.add_fault(Fault::on("ecs:DescribeClusters").times(ATTEMPTS).error(
        500,
        "ServerException",
        "down",
    ));
    let unknown = collected(&stack, 0).await;
    assert_eq!((unknown.coverage.clusters, unknown.coverage.clusters_seen), (1, 0));
}

#[tokio::test]
async fn without_a_cache_a_refused_listing_fails_the_target_by_name_and_stores_nothing() {
    let stack = Stack::start(shop(|_| 50.0).deny("ecs:ListClusters")).await;
    let item = stack.items("alarms", minute(0)).await.remove(0);
    stack.aws.reset_meter();
    let failure = stack.invoke(Function::CollectMetrics, item).await.unwrap_err();
    assert_eq!(failure.error_type(), "Denied");
    let notified = failure.to_string();
    assert!(notified.contains("ecs:ListClusters") && notified.contains("docs/permissions.md"), "{notified}");
    assert_eq!(stack.writes(), [""; 0]);
}

#[tokio::test]
async fn an_unreadable_cache_is_replaced_by_a_new_listing() {
    let stack = Stack::start(shop(|_| 50.0)).await;
    let key = format!("inventory/{ACCOUNT}/{REGION}/1-of-1.json.gz");
    stack.aws.put_object(Stack::BUCKET, &key, "no gzip");
    let snapshot = collected(&stack, 0).await;
    assert!(snapshot.coverage.is_complete(), "{:?}", snapshot.coverage);
    stack.aws.reset_meter();
    collected(&stack, 5).await;
    assert_eq!(ecs_calls(&stack), BTreeMap::new(), "the broken cache was replaced");
}

#[tokio::test]
async fn the_parts_of_a_target_share_its_clusters_without_gap_or_overlap() {
    let mut estate = Estate::new(ACCOUNT, REGION).now(minute(0));
    for number in 0..12 {
        estate.put_cluster(ClusterSpec::new(&format!("cluster-{number}")));
    }
    let stack = Stack::start(estate).await;
    let account =
        format!("targets: [{{account: \"{ACCOUNT}\", regions: [{REGION}], platforms: [ecs], parts: 3}}]");
    stack.put_config(&account);
    let mut seen: Vec<String> = Vec::new();
    for item in stack.items("alarms", minute(0)).await {
        let answer: Value = stack.invoke(Function::CollectMetrics, item).await.unwrap();
        let snapshot = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap());
        assert!(snapshot.coverage.is_complete());
        seen.extend(snapshot.inventory.clusters.keys().map(ToString::to_string));
    }
    seen.sort();
    let mut all: Vec<String> = (0..12).map(|number| format!("cluster-{number}")).collect();
    all.sort();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_report_requests_counts_and_traffic_of_reporting_clusters_and_describes_all_services() {
    let mut estate = shop(|_| 50.0);
    running(&mut estate, "orders", "api", |_| 50.0);
    "enabled".clone_into(&mut estate.cluster_mut("orders").unwrap().insights);
    for name in ["DesiredTaskCount", "RunningTaskCount"] {
        insights(&mut estate, "orders", "api", name, |_| 2.0);
    }
    let dimensions = [("ClusterName", "orders")];
    function_tests::put_minutes(&mut estate, "ECS/ContainerInsights", "TaskCount", &dimensions, |_| 2.0);
    let stack = Stack::start(estate).await;
    let answer = stack.collect("report", minute(0)).await.unwrap();
    let snapshot = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap());
    assert_eq!(stack.aws.meter().billed_metrics, 4 + 4 + (4 + 5) + 2, "and two quotas");
    let described: Vec<_> = snapshot.services.iter().map(|state| state.service.as_str()).collect();
    assert_eq!(described, ["api", "api", "web"]);
    // A day in steps of five minutes.
    let longest = snapshot.readings.values().filter_map(|r| r.series()).map(|s| s.points().len()).max();
    assert_eq!(longest, Some(288));
}

/// Issue 12, point 6: the cost of finding new services, as docs/performance.md states it. A run
/// every five minutes for an hour, without a change and with a new service in each of three
/// clusters.
#[tokio::test(start_paused = true)]
async fn a_check_costs_two_calls_for_a_hundred_clusters_and_one_for_each_that_changed() {
    let mut table = "| clusters × services | listing, once an hour | a check | all checks of an hour | a check after three clusters \
                     (or the only one) changed |\n|---|---|---|---|---|\n"
        .to_owned();
    for (clusters, services, an_hour) in [(1_usize, 5_usize, 10), (10, 10, 10), (100, 10, 10), (250, 4, 30)] {
        let mut home = estate();
        for cluster in 0..clusters {
            for service in 0..services {
                let (cluster, service) = (format!("c{cluster:03}"), format!("s{service}"));
                running(&mut home, &cluster, &service, |_| 50.0);
            }
        }
        let stack = Stack::in_process(fake_aws::FakeAws::builder(home));
        let of_ecs = |stack: &Stack| ecs_calls(stack).values().sum::<usize>();
        collected(&stack, 0).await;
        let pages = clusters.div_ceil(100);
        let listing = of_ecs(&stack);
        assert_eq!(listing, clusters + 2 * pages, "the listing of {clusters}");
        stack.aws.reset_meter();
        for at in (5..60).step_by(5) {
            collected(&stack, at).await;
        }
        assert_eq!(of_ecs(&stack), an_hour, "an hour of {clusters} clusters");
        stack.aws.reset_meter();
        collected(&stack, 60).await;
        let changed = clusters.min(3);
        for cluster in 0..changed {
            stack.aws.edit(|world| running(world.home(), &format!("c{cluster:03}"), "new", |_| 50.0));
        }
        stack.aws.reset_meter();
        let snapshot = collected(&stack, 70).await;
        assert_eq!(of_ecs(&stack), 2 * pages + changed, "three of {clusters} changed");
        assert_eq!(snapshot.inventory.service_count(), clusters * services + changed);
        assert_eq!(snapshot.inventory.read_at, minute(60), "not listed as a whole");
        let (check, after) = (2 * pages, of_ecs(&stack));
        table.push_str(&format!("| {clusters} × {services} | {listing} | {check} | {an_hour} | {after} |\n"));
    }
    assert_made("performance.md", "checks", &table);
}

/// A cluster deleted between two calls of a listing is no fault of the listing.
#[tokio::test]
async fn a_cluster_deleted_during_the_listing_is_not_there() {
    let mut estate = shop(|_| 50.0);
    running(&mut estate, "orders", "api", |_| 50.0);
    let stack = Stack::start(estate).await;
    let deleted = Fault::on("ecs:ListServices").error(400, "ClusterNotFoundException", "Cluster not found.");
    stack.aws.add_fault(deleted);
    let snapshot = collected(&stack, 0).await;
    assert!(snapshot.coverage.is_complete(), "{:?}", snapshot.coverage.faults);
    assert_eq!((snapshot.coverage.clusters, snapshot.coverage.clusters_seen), (1, 1));
}
