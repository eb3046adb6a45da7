//! Endless listings: each kind becomes its own fault after few calls, and nothing of the listing is
//! used.

use std::collections::BTreeMap;

use fake_aws::{Endless, Estate, FakeAws, Fault};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault as FargazeFault, FaultKind};
use fargaze::model::insights::{InsightsLevel, ObservedCluster};
use fargaze::model::metric::{Dimensions, Metric, MetricQuery, Period, Statistic};
use fargaze::model::run::RunKind;
use fargaze::model::series::Reading;
use fargaze::model::window::Window;
use fargaze_aws::{CloudWatch, Ecs, Eks, Memory, Store};
use function_tests::{Stack, estate, minute, running, shop};
use jiff::SignedDuration;

/// Every paginated operation, and what it lists.
const LISTINGS: [(&str, &str); 12] = [
    ("ecs:ListClusters", ""),
    ("ecs:ListServices", "shop"),
    ("ecs:ListTasks", "shop"),
    ("eks:ListClusters", ""),
    ("eks:ListFargateProfiles", "shop"),
    ("eks:ListNodegroups", "shop"),
    ("eks:ListAddons", "shop"),
    ("cloudwatch:GetMetricData", ""),
    ("cloudwatch:ListMetrics", "AWS/ECS CPUUtilization"),
    ("cloudwatch:ListMetrics", "AWS/EKS *"),
    ("s3:ListBucket", "outcomes/"),
    ("dynamodb:Query", "TARGETS"),
];

/// Requests the listing; returns the fault that it ended with.
async fn list(stack: &Stack, operation: &str, subject: &str) -> Option<FargazeFault> {
    let sdk = stack.sdk("listings");
    let cluster: ClusterName = "shop".parse().unwrap();
    let (ecs, eks, cloudwatch) = (Ecs::new(&sdk), Eks::new(&sdk), CloudWatch::new(&sdk));
    match (operation, subject) {
        ("ecs:ListClusters", _) => ecs.list_clusters().await.err(),
        ("ecs:ListServices", _) => ecs.list_services(&cluster).await.err(),
        ("ecs:ListTasks", _) => {
            let cluster = ObservedCluster {
                name: cluster,
                status: "ACTIVE".to_owned(),
                level: InsightsLevel::Enabled,
                tags: BTreeMap::new(),
                running_tasks: 1,
                active_services: 1,
            };
            ecs.cluster_size(&cluster).await.err()
        }
        ("eks:ListClusters", _) => eks.list_clusters().await.err(),
        ("eks:ListFargateProfiles", _) => eks.fargate_profiles(&cluster).await.err(),
        ("eks:ListNodegroups", _) => eks.node_groups(&cluster).await.err(),
        ("eks:ListAddons", _) => eks.addons(&cluster).await.err(),
        ("cloudwatch:GetMetricData", _) => readings(&cloudwatch).await,
        ("cloudwatch:ListMetrics", "AWS/EKS *") => cloudwatch.list_active_namespace("AWS/EKS").await.err(),
        ("cloudwatch:ListMetrics", _) => {
            cloudwatch.list_active_metrics("AWS/ECS", "CPUUtilization").await.err()
        }
        ("s3:ListBucket", _) => Store::new(&sdk, Stack::BUCKET).keys_after("outcomes/", "").await.err(),
        ("dynamodb:Query", _) => Memory::new(&sdk, Stack::TABLE).broken_targets(RunKind::Alarms).await.err(),
        other => panic!("{other:?} is no listing"),
    }
}

/// The fault of the only query.
async fn readings(cloudwatch: &CloudWatch) -> Option<FargazeFault> {
    let metric = Metric {
        namespace: "AWS/ECS".into(),
        name: "CPUUtilization".into(),
        dimensions: Dimensions::new([("ClusterName", "shop"), ("ServiceName", "web")]),
    };
    let query = MetricQuery { metric, statistic: Statistic::Average, period: Period::MINUTE };
    let window =
        Window::ending(minute(0), SignedDuration::ZERO, Period::MINUTE, SignedDuration::from_mins(5));
    let mut fault = None;
    let each = |_: &MetricQuery, reading: Reading| fault = reading.fault().cloned();
    cloudwatch.get_metric_data(&[query], &window, each).await;
    fault
}

/// The name of the call in the fake's plan: S3's IAM action `ListBucket` allows `ListObjectsV2`.
fn call(operation: &str) -> &str {
    if operation == "s3:ListBucket" { "s3:ListObjectsV2" } else { operation }
}

/// Issue 12, point 9.
#[tokio::test(start_paused = true)]
async fn a_listing_that_does_not_end_is_a_fault_that_names_operation_and_place() {
    for (operation, subject) in LISTINGS {
        for (endless, calls, why) in [
            (Endless::Circle(1), 2, "repeat"),
            (Endless::Circle(2), 3, "repeat"),
            (Endless::Circle(3), 4, "repeat"),
            (Endless::EmptyPages, 100, "nothing new"),
        ] {
            let stack = Stack::in_process(FakeAws::builder(shop(|_| 50.0)));
            // A failing guard shows in the number of calls, not in a test that never ends.
            stack.aws.add_fault(Fault::on(call(operation)).times(200).endless(endless));
            let case = format!("{operation} of `{subject}`, {endless:?}");
            let fault = list(&stack, operation, subject).await;
            let fault = fault.unwrap_or_else(|| panic!("{case}: half a listing was used as a whole one"));
            assert_eq!(
                (fault.operation.to_string().as_str(), fault.subject.as_str()),
                (operation, subject),
                "{case}"
            );
            assert_eq!(fault.kind, FaultKind::Malformed, "{case}");
            assert!(fault.message.contains(why), "{case}: {fault}");
            assert_eq!(stack.aws.meter().count(call(operation)), calls, "{case}");
        }
    }
}

/// Issue 12, point 9: a finite number of empty pages is legitimate.
#[tokio::test(start_paused = true)]
async fn some_empty_pages_before_the_end_are_no_fault() {
    let stack = Stack::in_process(FakeAws::builder(shop(|_| 50.0)));
    stack.aws.add_fault(Fault::on("eks:ListClusters").times(99).endless(Endless::EmptyPages));
    assert_eq!(list(&stack, "eks:ListClusters", "").await, None);
    assert_eq!(stack.aws.meter().count("eks:ListClusters"), 100);
}

/// More clusters than one page of `ListClusters` holds.
fn many_clusters() -> Estate {
    let mut estate = estate();
    for index in 0..130 {
        running(&mut estate, &format!("shop-{index:03}"), "web", |_| 50.0);
    }
    estate
}

/// Issue 12, point 9: half of a listing is not the inventory.
#[tokio::test(start_paused = true)]
async fn an_inventory_that_cannot_be_listed_to_its_end_keeps_the_older_one_and_names_the_listing() {
    for endless in [Endless::Circle(1), Endless::Circle(2), Endless::EmptyPages] {
        let stack = Stack::in_process(FakeAws::builder(many_clusters()));
        stack.set_now(minute(0));
        stack.collect("alarms", minute(0)).await.unwrap();
        // The first page is the real one, with 100 of the 130 clusters.
        stack.aws.add_fault(Fault::on("ecs:ListClusters").nth(2).times(200).endless(endless));
        stack.set_now(minute(65));
        let answer = stack.collect("alarms", minute(65)).await.unwrap();
        let snapshot = stack.snapshot(answer["snapshot"]["key"].as_str().unwrap());
        assert_eq!(snapshot.inventory.clusters.len(), 130, "{endless:?}");
        let fault = &snapshot.coverage.faults[0].fault;
        assert_eq!(fault.operation.to_string(), "ecs:ListClusters", "{endless:?}");
        assert!(!snapshot.coverage.is_complete());
        assert!(stack.aws.meter().count("ecs:ListClusters") < 110, "{endless:?}");
    }
}

/// Issue 12, point 9: stored alarms are read completely or the read fails.
#[tokio::test(start_paused = true)]
async fn alarms_that_cannot_be_read_to_the_end_fail_their_target_and_are_reported() {
    let stack = Stack::in_process(FakeAws::builder(shop(|_| 93.1)));
    stack.aws.add_fault(Fault::on("dynamodb:Query").times(2).endless(Endless::Circle(1)));
    stack.run_line("alarms", minute(0)).await.receipt.unwrap();
    let mail = stack.mail(0);
    assert!(mail.contains("CANNOT READ eu-west-1") && mail.contains("dynamodb:Query"), "{mail}");
    assert!(stack.remembered().iter().all(|item| item["pk"]["S"] == "TARGETS"), "{:?}", stack.remembered());
}
