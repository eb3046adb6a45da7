//! The subject of pods and replicas stays the same from release to release, from the API server to
//! the mail.

use std::collections::BTreeSet;

use fake_kubernetes::{Container, Effect, Fault, Kind, Pod, Workload};
use function_tests::minute;
use serde_json::Value;

use super::{Watched, ago, healthy, watch};

const SERVICE: &str = "serving.knative.dev/service";

/// A revision of the Knative service `shop/hello`: its Deployment, and its existing pods.
fn release(watched: &Watched, revision: &str, desired: u32, pods: u32) {
    watched.edit(|estate| {
        let deployment = format!("{revision}-deployment");
        let mut workload = Workload::new(Kind::Deployment, "shop", &deployment, desired, minute(-600))
            .labelled(SERVICE, "hello");
        workload.ready = 0;
        estate.place_workload(workload);
        for number in 0..pods {
            let container = Container::running("app", "400m", "700Mi", minute(-60));
            let pod = Pod::running(
                "shop",
                &format!("{deployment}-6b7f5d8c9-{number}"),
                vec![container],
                minute(-60),
            );
            let pod = pod.labelled("pod-template-hash", "6b7f5d8c9").labelled(SERVICE, "hello");
            let pod = pod.owned_by("ReplicaSet", &format!("{deployment}-6b7f5d8c9"));
            estate.place(pod.crash_looping(7, ago(0, 120)));
        }
    });
}

/// Issue 13, point 12: one alarm for a Knative service, whose revisions have a Deployment each.
#[tokio::test]
async fn an_alarm_of_a_knative_service_outlasts_its_revisions() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    release(&watched, "hello-00001", 1, 1);
    let (offset, mail) = watched.until_mail(0, 3).await.unwrap();
    assert!(mail.contains("shop/service/hello"), "{mail}");
    assert!(mail.contains("--namespace shop logs hello-00001-deployment-6b7f5d8c9-0"), "{mail}");
    watched.edit(|estate| drop(estate.remove("shop", "hello-00001-deployment-6b7f5d8c9-0").unwrap()));
    release(&watched, "hello-00001", 0, 0);
    release(&watched, "hello-00002", 1, 1);
    assert_eq!(watched.until_mail(offset + 5, 6).await, None, "the same subject keeps crashing");
    watched.stack.run_line("report", minute(offset + 40)).await.receipt.unwrap();
    let report = watched.stack.json("reports/latest.json");
    let workloads = report["eks"][0]["workloads"].as_array().unwrap().iter();
    let names: BTreeSet<&str> = workloads.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["hello", "web"].into(), "no Deployment of a revision");
}

/// Issue 13, points 12 and 18: the replicas of all revisions are the service's, and are unknown
/// without the list of Deployments.
#[tokio::test]
async fn replicas_of_a_knative_service_are_those_of_its_revisions() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    release(&watched, "hello-00001", 1, 0);
    release(&watched, "hello-00002", 2, 0);
    let (offset, mail) = watched.until_mail(0, 4).await.unwrap();
    assert!(mail.contains("shop/service/hello: 3 replicas missing"), "{mail}");
    watched.kubernetes.inject(Fault::always("/apis/apps/v1/deployments", Effect::Forbidden));
    let mut notified = String::new();
    for run in 1..=8 {
        notified.extend(watched.alarms(offset + run * 5).await);
    }
    assert!(
        !notified.contains("no longer has replicas missing") && !notified.contains("was deleted"),
        "{notified}"
    );
    let remembered = watched.stack.remembered();
    let states: Vec<&Value> =
        remembered.iter().filter(|item| item["rule"]["S"] == "replicas-missing").collect();
    assert!(states.iter().any(|item| item["state"]["S"] == "ALARM"), "{states:?}");
}
