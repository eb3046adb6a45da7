//! Logs of pods on EKS: where they go, what a crash-looping container said last, and what is
//! missing to read them.

use fake_aws::{EksClusterSpec, Estate as AwsEstate, LogGroupSpec};
use fake_kubernetes::{Estate, FakeKubernetes, Handle, Identity, Rights};
use fargaze::logs::{FindingKind, FindingPlace, LOG_READERS, LOG_READERS_ROLE};
use function_tests::{ACCOUNT, REGION, Stack, manifests, minute};
use jiff::SignedDuration;

use super::read;
use crate::eks::{CLUSTER, collector, healthy, web, web_name};

const OUTPUT: &str = "[OUTPUT]
    Name cloudwatch_logs
    Match *
    region eu-west-1
    log_group_name /eks/payments
    log_stream_prefix fargate-
";

struct Watched {
    stack: Stack,
    kubernetes: Handle,
}

/// The cluster `payments`, whose pods' logs may be read, with the router set up.
async fn watch(output: Option<&str>, change: impl FnOnce(&mut Estate)) -> Watched {
    let mut estate = healthy();
    let rights = collector().rights.and(Rights::of_manifests(&manifests("logs.md")[0], LOG_READERS));
    estate.identities = vec![Identity { rights, ..collector() }];
    if let Some(output) = output {
        estate.place_config_map("aws-observability", "aws-logging", &[("output.conf", output)]);
    }
    change(&mut estate);
    let kubernetes = FakeKubernetes::start(estate).await;
    let spec = EksClusterSpec::new(CLUSTER).at(&kubernetes.endpoint(), kubernetes.ca_base64());
    let mut aws = AwsEstate::new(ACCOUNT, REGION).now(minute(0)).eks(spec);
    aws.put_log_group(LogGroupSpec::new("/eks/payments").retention(30).stored(1 << 30));
    let stack = Stack::start(aws).await;
    stack.put_config("logs: {excerpts: lines}\neks: [{clusters: [payments], pod-logs: read}]\n");
    Watched { stack, kubernetes }
}

/// The page shows the manifest that the report's remedy contains.
#[test]
fn the_page_has_the_manifest_of_the_remedy() {
    assert_eq!(manifests("logs.md")[0].trim(), LOG_READERS_ROLE.trim());
}

/// S84 to S86: the outputs of the `ConfigMap` lead to log groups, which the report then knows.
#[tokio::test]
async fn s85_the_log_groups_of_the_router_are_read_and_queried() {
    let watched = watch(Some(OUTPUT), |_| {}).await;
    let stack = &watched.stack;
    let at = |second| minute(0) + SignedDuration::from_secs(second);
    let stream = |pod: &str| format!("fargate-kube.var.log.containers.{pod}_shop_app-0123456789abcdef.log");
    stack.aws.edit(|world| {
        let home = world.home();
        home.write_logs("/eks/payments", &stream(&web_name("a")), (0..7).map(|n| (at(60 + n), "ERROR down")));
        home.write_logs(
            "/eks/payments",
            "fargate-kube.var.log.containers.other_lab_app-0.log",
            [(at(60), "ERROR x")],
        );
    });
    stack.put_config(
        "
built-in-rules: none
rules:
  - name: pod-errors
    what: {log-query: errors}
    threshold: 5
    comparison: GreaterThanThreshold
    evaluation-periods: 1
    treat-missing-data: notBreaching
logs:
  queries:
    - {name: errors, workloads: [payments/shop/*], library: errors, run-with: [alarms, report]}
eks: [{clusters: [payments], pod-logs: read}]
",
    );
    stack.run_line("report", minute(-10)).await.receipt.unwrap();
    let groups = read(stack, "eks-", -10).groups;
    let names: Vec<&str> = groups.iter().map(|group| group.group.name.as_str()).collect();
    assert_eq!(names, ["/eks/payments"]);
    stack.run_line("alarms", minute(8)).await.receipt.unwrap();
    let mail = stack.mail(1);
    assert!(mail.contains("ALARM shop/web: errors 7 on EKS payments"), "{mail}");
    // Someone else's pods write to the same group.
    assert!(mail.contains("logs-insights$3F") && mail.contains("*22_shop_*22"), "{mail}");
}

/// S90, S91: the last lines by the API server, with a token masked, beside the link to the router's
/// log group.
#[tokio::test]
async fn s90_a_crash_loop_has_the_last_lines_of_its_container() {
    let watched = watch(Some(OUTPUT), |estate| {
        let crashing = web("a", minute(-600)).crash_looping(12, minute(-3));
        estate.place(crashing);
        let text = "starting\nconnecting with token=eyJhbGciOi\nthread main panicked: no route to db\n";
        estate.write_log("shop", &web_name("a"), "app", true, text);
    })
    .await;
    watched.stack.run_line("report", minute(-20)).await.receipt.unwrap();
    for at in [-5, 0, 5] {
        watched.stack.run_line("alarms", minute(at)).await.receipt.unwrap();
    }
    assert!(!watched.stack.mail(1).contains("]]"));
    let mail = watched.stack.mail(1);
    for said in [
        "out of memory",
        &format!("Last lines of pod {} (app, before its restart):", web_name("a")),
        "connecting with token=[masked]",
        "thread main panicked: no route to db",
        "*2feks*2fpayments",
    ] {
        assert!(mail.contains(said), "{said} is not in {mail}");
    }
    assert!(!mail.contains("eyJhbGciOi"), "{mail}");
}

/// S84: without the namespace or its `ConfigMap` there is no group, and no fault.
#[tokio::test]
async fn s84_a_cluster_without_the_router_has_no_groups() {
    let watched = watch(None, |_| {}).await;
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    let read = read(&watched.stack, "eks-", 0);
    assert_eq!((read.groups.len(), read.findings.len(), read.faults.len()), (0, 0, 0), "{read:?}");
}

/// S86: logs that go elsewhere are not queried.
#[tokio::test]
async fn s86_other_outputs_have_no_log_group() {
    let output =
        "[OUTPUT]\n    Name kinesis_firehose\n    Match *\n    region eu-west-1\n    delivery_stream s\n";
    let watched = watch(Some(output), |_| {}).await;
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(read(&watched.stack, "eks-", 0).groups.len(), 0);
}

/// The pre-flight: what is missing is in the report, with the commands that grant it.
#[tokio::test]
async fn what_is_missing_to_read_pod_logs_is_in_the_report() {
    let watched = watch(Some(OUTPUT), |estate| estate.identities = vec![collector()]).await;
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    let read = read(&watched.stack, "eks-", 0);
    let [finding] = &read.findings[..] else { panic!("{read:?}") };
    assert_eq!(finding.kind, FindingKind::PodLogsDenied);
    assert_eq!(finding.place, FindingPlace::Cluster(CLUSTER.parse().unwrap()));
    for part in [
        "aws eks create-access-entry --region eu-west-1 --cluster-name payments",
        "--kubernetes-groups fargaze-log-readers",
        "resources: [pods/log]",
    ] {
        assert!(finding.remedy.contains(part), "{}", finding.remedy);
    }
    // Without pods/log only, an access review says so before an alarm needs it.
    watched.kubernetes.change(|estate| {
        let rights =
            collector().rights.with_named("aws-observability", "configmaps", "aws-logging", &["get"]);
        estate.identities = vec![Identity { rights, ..collector() }];
    });
    watched.stack.run_line("report", minute(20)).await.receipt.unwrap();
    let again = super::read(&watched.stack, "eks-", 20);
    assert_eq!(again.findings[0].detail, "the role may not get pods/log");
    assert!(
        watched.stack.mail(1).contains("Logs of pods cannot be read: payments"),
        "{}",
        watched.stack.mail(1)
    );
}

/// Not opted in: no request about logs.
#[tokio::test]
async fn without_the_opt_in_nothing_is_asked() {
    let watched = watch(Some(OUTPUT), |estate| estate.identities = vec![collector()]).await;
    watched.stack.put_config("logs: {excerpts: lines}\n");
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    assert_eq!(read(&watched.stack, "eks-", 0).findings, []);
    assert_eq!(watched.stack.aws.meter().count("eks:DescribeCluster"), 1, "by collect-pods only");
}
