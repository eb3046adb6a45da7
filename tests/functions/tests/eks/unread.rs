//! Unreadable clusters: alarms keep their state, the summary says so, and the report shows the
//! remedy.

use std::time::Duration;

use fake_aws::EksClusterSpec;
use fake_kubernetes::{Effect, Fault, Kind, Rights, Workload};
use function_tests::{Stack, minute};
use serde_json::Value;

use super::{CLUSTER, Watched, ago, collector, healthy, watch};

/// The cluster in the snapshot of the newest run of this kind.
fn cluster(watched: &Watched, kind: &str, offset: i64) -> fargaze::evidence::pods::ClusterState {
    watched.snapshot(kind, offset).eks.remove(0)
}

/// A report's text about the findings of the cluster.
async fn findings(watched: &Watched) -> String {
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    let findings = cluster(watched, "report", 0).findings;
    let texts: Vec<String> =
        findings.into_iter().flat_map(|finding| [finding.problem, finding.remedy]).collect();
    texts.join("\n")
}

#[tokio::test]
async fn without_an_access_entry_the_command_that_makes_one_is_printed() {
    let watched = watch(healthy().with(|estate| estate.identities.clear())).await;
    let found = findings(&watched).await;
    assert!(found.contains("There is no access entry for"), "{found}");
    assert!(
        found.contains(&format!("--principal-arn {} --kubernetes-groups fargaze-readers", super::ROLE)),
        "{found}"
    );
}

/// The role may have been recreated since; its entry is recreated with all its groups.
#[tokio::test]
async fn with_an_entry_a_refused_token_is_the_role_the_clock_or_the_session() {
    let watched = watch(healthy().with(|estate| estate.identities.clear())).await;
    watched.stack.aws.edit(|world| {
        let cluster = world.home().eks_cluster(CLUSTER).unwrap();
        let groups = ["fargaze-readers", "viewers"].map(ToOwned::to_owned);
        cluster.access_entries.insert(super::ROLE.to_owned(), groups.to_vec());
    });
    let found = findings(&watched).await;
    assert!(found.contains("deleted and recreated") && found.contains("clock"), "{found}");
    assert!(
        found.contains("\naws eks delete-access-entry --region eu-west-1 --cluster-name payments "),
        "{found}"
    );
    assert!(found.contains("--kubernetes-groups viewers fargaze-readers"), "{found}");
}

#[tokio::test]
async fn missing_permissions_are_named_with_the_yaml_that_grants_them() {
    let watched = watch(healthy().with(|estate| estate.identities[0].rights = Rights::none())).await;
    let found = findings(&watched).await;
    assert!(
        found.contains("the role may not list pods, list nodes, list events, list deployments.apps"),
        "{found}"
    );
    assert!(found.contains("kind: ClusterRoleBinding"), "{found}");
}

/// Issue 13, point 24: the remedy for a missing entry differs, and neither removes a group.
#[tokio::test]
async fn a_role_in_another_group_is_reported() {
    // Without an entry, the cluster knows the role from its ConfigMap aws-auth.
    for (has_entry, command) in
        [(false, "aws eks create-access-entry"), (true, "aws eks update-access-entry")]
    {
        let watched = watch(healthy().with(|estate| {
            estate.identities[0].rights = Rights::none();
            estate.identities[0].groups = vec!["viewers".to_owned()];
        }))
        .await;
        watched.stack.aws.edit(|world| {
            let cluster = world.home().eks_cluster(CLUSTER).unwrap();
            let groups = vec!["viewers".to_owned()];
            cluster.access_entries.extend(has_entry.then(|| (super::ROLE.to_owned(), groups)));
        });
        let found = findings(&watched).await;
        assert!(found.contains(command), "{found}");
        assert!(found.contains("--kubernetes-groups viewers fargaze-readers\n"), "{found}");
    }
}

#[tokio::test]
async fn an_endpoint_that_does_not_respond_is_reported_by_its_kind() {
    let watched = watch(healthy()).await;
    watched.stack.aws.edit(|world| {
        let cluster = world.home().eks_cluster(CLUSTER).unwrap();
        cluster.endpoint = Some("https://127.0.0.1:1".to_owned());
        cluster.public_endpoint = false;
    });
    let found = findings(&watched).await;
    assert!(found.contains("is private") && found.contains("VpcSubnetIds"), "{found}");
}

#[tokio::test]
async fn a_server_of_another_ca_is_not_trusted() {
    let (watched, other) = (watch(healthy()).await, watch(healthy()).await);
    let authority = other.kubernetes.ca_base64().to_owned();
    watched.stack.aws.edit(|world| {
        world.home().eks_cluster(CLUSTER).unwrap().certificate_authority = Some(authority);
    });
    assert!(findings(&watched).await.contains("certificate does not match the cluster"));
}

#[tokio::test]
async fn an_expired_certificate_is_reported_with_the_clock() {
    let watched = watch(healthy().with(|estate| estate.certificate_expired = true)).await;
    assert!(findings(&watched).await.contains("has expired or is not valid yet; is the clock right?"));
}

#[tokio::test]
async fn half_a_list_of_pods_makes_no_restarts_of_the_other_half() {
    let watched = watch(healthy()).await;
    watched.edit(|estate| {
        for number in 0..300 {
            let mut pod = super::web(&format!("n{number:03}"), minute(-600));
            pod.containers[0].restart_count = 12;
            estate.place(pod);
        }
    });
    watched.alarms(-10).await;
    watched.alarms(-5).await;
    watched.kubernetes.inject(Fault::times(9, "continue=", Effect::Forbidden));
    watched.alarms(0).await;
    watched.kubernetes.heal();
    watched.alarms(5).await;
    let snapshot = watched.snapshot("alarms", 5);
    let restarts = snapshot.readings.iter().filter(|(query, _)| query.metric.name == "pod_restarts");
    let points = restarts.flat_map(|(_, reading)| reading.series().unwrap().points().to_vec());
    assert!(points.clone().count() > 0 && points.clone().all(|point| point.value == 0.0));
}

#[tokio::test]
async fn without_the_list_of_jobs_replicas_are_known() {
    let watched = watch(healthy()).await;
    watched.edit(|estate| {
        let container = fake_kubernetes::Container::running("app", "400m", "700Mi", minute(-600));
        estate.place(fake_kubernetes::Pod::running("shop", "alone", vec![container], minute(-600)));
    });
    watched.alarms(-5).await;
    watched.kubernetes.inject(Fault::always("/apis/batch/v1/jobs", Effect::Forbidden));
    watched.alarms(0).await;
    let snapshot = watched.snapshot("alarms", 0);
    let replicas = snapshot.readings.iter().filter(|(query, _)| query.metric.name == "replicas_unavailable");
    let complete: Vec<bool> = replicas.map(|(_, reading)| reading.fault().is_none()).collect();
    assert_eq!(complete, [true, true], "a pod that nothing owns has no replicas that could be missing");
}

#[tokio::test]
async fn a_cluster_being_made_is_no_fault_and_one_for_over_an_hour_is() {
    for (age, amiss) in [(20, false), (90, true)] {
        let watched = watch(healthy()).await;
        watched.stack.aws.edit(|world| {
            let mut spec = EksClusterSpec::new(CLUSTER);
            "CREATING".clone_into(&mut spec.status);
            spec.created_at = ago(0, age);
            world.home().put_eks(spec);
        });
        assert_eq!(findings(&watched).await.contains("CREATING for over an hour"), amiss, "{age}");
    }
}

#[tokio::test]
async fn an_alarm_of_a_cluster_that_cannot_be_read_keeps_its_state_and_blindness_is_notified() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit_web("a", |pod| pod.oom_killed(1, ago(0, 2)));
    assert_eq!(watched.alarms(0).await.len(), 1);
    watched.edit(|estate| estate.identities.clear());
    let mut notified = String::new();
    for run in 1..6 {
        notified.extend(watched.alarms(run * 5).await);
    }
    assert!(
        notified.contains("could not") || notified.contains("COULD NOT") || notified.contains("CANNOT"),
        "{notified}"
    );
    assert!(!notified.contains("OK "), "what cannot be seen has not ended: {notified}");
    // It can be read again: the kill is known already.
    watched.edit(|estate| estate.identities = vec![collector()]);
    let (_, seen) = watched.until_mail(30, 12).await.unwrap();
    assert!(!seen.contains("ALARM"), "{seen}");
}

#[tokio::test]
async fn percentages_without_the_metrics_api_could_not_be_asked_and_are_not_zero() {
    let watched = watch(healthy()).await;
    watched.kubernetes.inject(Fault::always("/apis/metrics.k8s.io/v1beta1/pods", Effect::ServiceUnavailable));
    watched.alarms(0).await;
    let snapshot = watched.snapshot("alarms", 0);
    let memory = snapshot.readings.iter().filter(|(query, _)| query.metric.name.contains("memory"));
    let unread: Vec<bool> = memory.map(|(_, reading)| reading.series().is_none()).collect();
    assert!(unread.len() == 2 && unread.iter().all(|unread| *unread));
    assert!(snapshot.pods.iter().all(|pod| pod.usage.is_none()));
}

/// Without the permission to list Deployments their replicas are unknown.
#[tokio::test]
async fn replicas_that_cannot_be_listed_neither_exist_nor_are_missing() {
    let watched = watch(healthy()).await;
    watched.edit(|estate| {
        let mut workload = Workload::new(Kind::Deployment, "shop", "api", 2, minute(-600));
        workload.ready = 0;
        estate.place_workload(workload);
    });
    let (offset, began) = watched.until_mail(0, 4).await.unwrap();
    assert!(began.contains("ALARM shop/api: 2 replicas missing"), "{began}");
    watched.kubernetes.inject(Fault::always("/apis/apps/v1/deployments", Effect::Forbidden));
    let mut notified = String::new();
    for run in 1..=8 {
        notified.extend(watched.alarms(offset + run * 5).await);
    }
    assert!(
        !notified.contains("no longer has replicas missing") && !notified.contains("was deleted"),
        "{notified}"
    );
    assert!(notified.contains("cannot be evaluated") || notified.contains("CANNOT READ"), "{notified}");
    let remembered = watched.stack.remembered();
    let states: Vec<&Value> =
        remembered.iter().filter(|item| item["rule"]["S"] == "replicas-missing").collect();
    assert!(states.iter().any(|item| item["state"]["S"] == "ALARM"), "{states:?}");
}

#[tokio::test]
async fn a_cluster_that_hangs_takes_no_other_down_and_is_reported() {
    let (watched, other) = (
        watch(healthy()).await,
        watch(healthy().with(|estate| {
            "orders".clone_into(&mut estate.cluster);
        }))
        .await,
    );
    let spec = EksClusterSpec::new("orders").at(&other.kubernetes.endpoint(), other.kubernetes.ca_base64());
    watched.stack.aws.edit(|world| world.home().put_eks(spec));
    watched.kubernetes.inject(Fault::always("/api/v1/pods", Effect::Stall { after: 100 }));
    // Two seconds are left for Kubernetes: five are reserved for writing the snapshot.
    watched.stack.set_timeout(Duration::from_secs(7));
    let line = watched.stack.run_line("alarms", minute(0)).await;
    line.receipt.unwrap();
    let outcome = line.items.iter().find(|item| item["platform"] == "eks").unwrap();
    let outcome: Value = watched.stack.json(outcome["outcome"]["key"].as_str().unwrap());
    assert_eq!(
        (outcome["coverage"]["clusters"].as_u64(), outcome["coverage"]["clusters_seen"].as_u64()),
        (Some(2), Some(1))
    );
}

/// Issue 13, points 16 and 21: if no list is answered, the pods are not awaited either, and one
/// fault says so.
#[tokio::test]
async fn an_unresponsive_cluster_is_not_queried_for_each_resource() {
    let refuses_all = watch(healthy().with(|estate| estate.identities.clear())).await;
    let is_missing = watch(healthy()).await;
    is_missing.stack.aws.edit(|world| {
        world.home().eks_cluster(CLUSTER).unwrap().endpoint = Some("https://127.0.0.1:1".to_owned());
    });
    for (watched, says) in [(refuses_all, "401 Unauthorized"), (is_missing, "connection refused")] {
        watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
        let snapshot = watched.snapshot("report", 0);
        let faults = &snapshot.coverage.faults;
        assert!(faults.len() == 1 && faults[0].fault.message.contains(says), "{faults:?}");
        assert_eq!(snapshot.eks[0].findings.len(), 1, "{:?}", snapshot.eks[0]);
        assert_eq!(watched.kubernetes.meter().count("/api/v1/pods"), 0);
    }
}

#[tokio::test]
async fn neither_token_nor_keys_are_written_anywhere() {
    let watched = watch(healthy().with(|estate| estate.identities.clear())).await;
    watched.alarms(0).await;
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    for object in watched.stack.aws.objects() {
        let bytes = watched.stack.aws.object(Stack::BUCKET, &object.key).unwrap();
        let mut text = String::new();
        if std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut text)
            .is_err()
        {
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        for secret in ["k8s-aws-v1", "X-Amz-Signature", "aws4_request"] {
            assert!(!text.contains(secret), "{secret} in {}", object.key);
        }
    }
}
