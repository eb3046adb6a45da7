//! Ended, pending and gated pods, from the API server to the mail.

use fake_kubernetes::{Container, ContainerState, Kind, Pod, Workload};
use function_tests::minute;
use serde_json::Value;

use super::{Watched, ago, healthy, watch, web, web_name};

/// A pod with one container that has been waiting on its node, for this many minutes before the run
/// at 0.
fn waiting(name: &str, minutes: i64, reason: &str, message: &str) -> Pod {
    let mut pod = web(name, ago(0, minutes)).not_scraped();
    "Pending".clone_into(&mut pod.phase);
    pod.containers[0].state =
        ContainerState::Waiting { reason: reason.to_owned(), message: message.to_owned() };
    pod
}

fn of(mut pod: Pod, kind: &str, owner: &str) -> Pod {
    pod.labels.clear();
    pod.owned_by(kind, owner)
}

/// The newest report's text about `payments`.
async fn report(watched: &Watched, offset: i64) -> Value {
    watched.stack.run_line("report", minute(offset)).await.receipt.unwrap();
    watched.stack.json("reports/latest.json")["eks"][0].clone()
}

/// Issue 13, points 11 and 20: the built-in rule about unstartable containers fires, and the one
/// about pending pods is silent.
#[tokio::test]
async fn a_pod_without_its_image_is_reported_once_with_what_helps() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    let message = "Back-off pulling image \"shop/web:2\": denied: not authorized";
    watched.edit(|estate| estate.place(waiting("c", 1, "ImagePullBackOff", message)));
    let (offset, mail) = watched.until_mail(0, 3).await.unwrap();
    assert_eq!(offset, 5, "two of three samples");
    let flat = mail.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in
        ["unstartable", "ImagePullBackOff", "denied: not authorized", "Check the name and tag of its image"]
    {
        assert!(flat.contains(words), "`{words}` is not in: {mail}");
    }
    assert!(!flat.contains("cannot be scheduled") && !flat.contains("pod-pending"), "{mail}");
    let (said, look) = flat.split_once(" Inspect: ").unwrap();
    assert_eq!(said.matches(&web_name("c")).count(), 1, "{mail}");
    let context = "kubectl --context arn:aws:eks:eu-west-1:123456789012:cluster/payments";
    assert!(
        look.starts_with(&format!("{context} --namespace shop describe pod {} ", web_name("c"))),
        "{mail}"
    );
    assert_eq!(watched.until_mail(10, 4).await, None);
}

/// Issue 13, point 20: for a pod on a node, the remedy is not a Fargate profile.
#[tokio::test]
async fn a_pod_that_is_being_created_for_long_is_reported_as_such() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| estate.place(waiting("c", 60, "ContainerCreating", "")));
    let (_, mail) = watched.until_mail(0, 1).await.unwrap();
    let flat = mail.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("it has a node, and its containers have not started yet: ContainerCreating"),
        "{mail}"
    );
    assert!(!flat.contains("cannot be scheduled") && !flat.contains("profile"), "{mail}");
}

/// Issue 13, points 9 and 20: a running init container, in the mail and in the report.
#[tokio::test]
async fn an_init_container_at_work_is_reported_with_its_log() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    let mut pod = waiting("c", 30, "PodInitializing", "");
    pod.init_containers.push(Container::running("migrate", "100m", "64Mi", ago(0, 29)));
    watched.edit(|estate| estate.place(pod));
    let (_, mail) = watched.until_mail(0, 1).await.unwrap();
    let flat = mail.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("it has a node, and init container migrate has been running since 09:36 UTC"),
        "{mail}"
    );
    assert!(flat.contains("kubectl logs --container") && !flat.contains("volume"), "{mail}");
    let pods = report(&watched, 5).await["pods"].to_string();
    assert!(pods.contains("init container migrate has been running since 09:36 UTC"), "{pods}");
}

/// Issue 13, point 9: no alarm about pods that Fargate will never run, but a notice about the
/// `DaemonSet`.
#[tokio::test]
async fn a_daemon_set_on_fargate_is_no_outage() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| {
        let mut workload = Workload::new(Kind::DaemonSet, "kube-system", "agent", 3, minute(-600));
        workload.ready = 1;
        estate.place_workload(workload);
        for name in ["x", "y"] {
            let mut pod = of(web(name, ago(0, 60)), "DaemonSet", "agent");
            "kube-system".clone_into(&mut pod.namespace);
            estate.place(pod.pending("Unschedulable", "0/3 nodes are available: 1 Too many pods."));
        }
    });
    let (offset, mail) = watched.until_mail(0, 4).await.unwrap();
    assert_eq!(offset, 10, "three samples");
    let flat = mail.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "2 DaemonSet pods meant for Fargate",
        "of DaemonSet kube-system/agent",
        "eks.amazonaws.com/compute-type NotIn [fargate]",
    ] {
        assert!(flat.contains(words), "`{words}` is not in: {mail}");
    }
    assert!(!flat.to_lowercase().contains("critical") && !flat.contains("replicas missing"), "{mail}");
    assert_eq!(watched.until_mail(15, 6).await, None);
    let cluster = report(&watched, 45).await;
    let hints = cluster["hints"].to_string();
    assert!(hints.contains("daemon-set-on-fargate") && hints.contains("\"pods\":2"), "{hints}");
    let agent = cluster["workloads"].as_array().unwrap().iter().find(|one| one["name"] == "agent").unwrap();
    assert_eq!((&agent["pending"], &agent["never_placed"]), (&0.into(), &2.into()), "{agent}");
}

/// Issue 13, point 15.
#[tokio::test]
async fn pods_that_go_ended_or_are_held_back_are_no_alarm() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| {
        let mut going = web("c", ago(0, 60)).crash_looping(7, ago(0, 120));
        going.deleted_at = Some(ago(0, 30));
        estate.place(going);
        let mut going = waiting("d", 60, "ImagePullBackOff", "no");
        going.deleted_at = Some(minute(1));
        estate.place(going);
        let mut failed = waiting("e", 1, "CrashLoopBackOff", "back-off");
        "Failed".clone_into(&mut failed.phase);
        estate.place(failed);
        estate.place(
            web("f", ago(0, 90))
                .pending("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates"),
        );
    });
    assert_eq!(watched.until_mail(0, 6).await, None);
    let cluster = report(&watched, 35).await;
    let web = cluster["workloads"].as_array().unwrap().iter().find(|one| one["name"] == "web").unwrap();
    assert_eq!(
        [&web["pending"], &web["crash_looping"], &web["cannot_start"]].map(Value::as_u64),
        [Some(0); 3],
        "{web}"
    );
    assert!(cluster["pods"].to_string().contains("SchedulingGated"), "it is shown all the same: {cluster}");
}

/// Issue 13, point 15: held back for three days, and released a moment ago.
#[tokio::test]
async fn a_pod_that_was_just_let_go_is_no_alarm_until_it_has_waited() {
    let watched = watch(healthy()).await;
    let gated = web("c", ago(0, 3 * 24 * 60)).pending("SchedulingGated", "Scheduling is blocked");
    watched.edit(|estate| estate.place(gated));
    assert_eq!(watched.until_mail(-10, 2).await, None);
    watched.edit(|estate| estate.place(waiting("c", 3 * 24 * 60, "ContainerCreating", "")));
    let (offset, mail) = watched.until_mail(0, 6).await.unwrap();
    assert_eq!(offset, 15, "over ten minutes: {mail}");
    let flat = mail.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("pending for 15 min") && flat.contains("has been pending since 10:05 UTC"),
        "{mail}"
    );
}

/// Issue 13, point 10: evicted ten days after its creation, and billed for an hour afterwards.
#[tokio::test]
async fn an_evicted_pod_is_reported_an_hour_after_its_end_with_the_reason() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| {
        let mut pod = of(web("c", minute(-14_400)), "Job", "import").completed(ago(0, 1));
        "Failed".clone_into(&mut pod.phase);
        pod.reason = Some("Evicted".to_owned());
        pod.message = Some("Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\".".to_owned());
        estate.place(pod);
        // New ones, whose names come first.
        for name in ["a0", "a1", "a2", "a3"] {
            estate.place(of(web(name, minute(-14_400)), "Job", "import").completed(minute(0)));
        }
    });
    let mail = watched.until_mail(0, 13).await;
    let (offset, mail) = mail.unwrap();
    assert_eq!(offset, 60, "{mail}");
    let flat = mail.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = format!(
        "{}: failed, Evicted (Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\").",
        web_name("c")
    );
    assert!(flat.contains("1 completed pod still billed") && flat.contains(&sentence), "{mail}");
    assert!(!flat.contains(&web_name("a0")), "not counted, not named: {mail}");
    let pods = report(&watched, 62).await["pods"].to_string();
    assert!(pods.contains("\"reason\":\"Evicted\"") && pods.contains("Usage of EmptyDir volume"), "{pods}");
}

/// Issue 13, point 12: one alarm for a Rollout, whatever is released meanwhile.
#[tokio::test]
async fn an_alarm_of_a_rollout_outlasts_its_releases() {
    let release = |hash: &str| {
        let mut pod = Pod::running(
            "shop",
            &format!("cart-{hash}-x"),
            vec![Container::running("app", "400m", "700Mi", minute(-60))],
            minute(-60),
        );
        pod =
            pod.labelled("rollouts-pod-template-hash", hash).owned_by("ReplicaSet", &format!("cart-{hash}"));
        pod.crash_looping(7, ago(0, 120))
    };
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| estate.place(release("6b7f5d8c9")));
    let (offset, mail) = watched.until_mail(0, 3).await.unwrap();
    assert!(mail.contains("shop/rollout/cart"), "{mail}");
    watched.edit(|estate| {
        estate.remove("shop", "cart-6b7f5d8c9-x").unwrap();
        estate.place(release("7c9d4f5b6"));
    });
    assert_eq!(watched.until_mail(offset + 5, 6).await, None, "the same subject keeps crashing");
}
