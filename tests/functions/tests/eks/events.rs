//! The events of pods that are not well, from the API server to the mail and the report.

use fake_kubernetes::{ContainerState, Effect, EventSpec, Fault};
use function_tests::minute;

use super::{Watched, ago, healthy, rights, watch, web, web_name};

const NO_CAPACITY: &str = "Fargate capacity is unavailable at this time. Please try again later or in a different availability zone.";

/// How often lists of events were requested.
fn requests(watched: &Watched) -> usize {
    watched.kubernetes.meter().count("/api/v1/events?")
}

fn flat(mail: &str) -> String {
    mail.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Fargate's scheduler sets no message on the pod; only its event has one.
#[tokio::test]
async fn the_event_of_the_scheduler_is_in_the_mail_and_in_the_report() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    assert_eq!(requests(&watched), 0, "all pods are well");
    watched.edit(|estate| {
        let mut pod = web("c", ago(0, 12));
        pod.created_at = ago(0, 12);
        estate.place(pod.pending("", ""));
        let (name, other) = (web_name("c"), web_name("a"));
        estate.warn("shop", &name, "FailedScheduling", NO_CAPACITY, ago(0, 2));
        let normal =
            EventSpec { r#type: "Normal", reason: "Scheduled", message: "no", count: 1, last_at: ago(0, 1) };
        estate.place_event("shop", &name, &normal);
        estate.warn("shop", &other, "Unhealthy", "Readiness probe failed: old news", ago(0, 50));
    });
    let (_, mail) = watched.until_mail(0, 1).await.unwrap();
    let said = flat(&mail);
    assert!(said.contains(&format!("FailedScheduling ({}", NO_CAPACITY.trim_end_matches('.'))), "{mail}");
    assert!(said.contains("Class CAPACITY"), "{mail}");
    assert!(!said.contains("old news") && !said.contains("Scheduled (no)"), "{mail}");
    assert_eq!(requests(&watched), 1);
    watched.stack.run_line("report", minute(5)).await.receipt.unwrap();
    let pods = watched.stack.json("reports/latest.json")["eks"][0]["pods"].to_string();
    assert!(pods.contains("FailedScheduling (Fargate capacity is unavailable"), "{pods}");
}

/// A container that its liveness probe kills looks like one that crashes.
#[tokio::test]
async fn the_probe_that_kills_a_container_is_named() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| {
        estate.pods_mut().filter(|pod| pod.name == web_name("a")).for_each(|pod| {
            *pod = pod.clone().crash_looping(3, ago(0, 3));
            pod.containers[0].last.as_mut().unwrap().reason = "Error".to_owned();
            pod.containers[0].last.as_mut().unwrap().exit_code = 137;
        });
        let message = "Liveness probe failed: HTTP probe failed with statuscode: 503";
        estate.warn("shop", &web_name("a"), "Unhealthy", message, ago(0, 4));
        let killed = EventSpec {
            r#type: "Normal",
            reason: "Killing",
            message: "Container app failed liveness probe, will be restarted",
            count: 3,
            last_at: ago(0, 4),
        };
        estate.place_event("shop", &web_name("a"), &killed);
    });
    let (_, mail) = watched.until_mail(0, 3).await.unwrap();
    let said = flat(&mail);
    let warned = format!(
        "Kubernetes warns about {}: Unhealthy (Liveness probe failed: HTTP probe failed with statuscode: 503), 3 times, last at",
        web_name("a")
    );
    assert!(said.contains(&warned) && said.contains("Class HEALTH_CTR"), "{mail}");
    assert!(said.contains("(exit code 137), killed because its liveness probe failed"), "{mail}");
}

/// An event about a pod that was deleted is not about its successor.
#[tokio::test]
async fn an_event_belongs_to_one_pod_not_to_its_name() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| {
        estate.warn("shop", &web_name("a"), "FailedMount", "secret \"old\" not found", ago(0, 20));
        let event = estate.events_mut().next().unwrap();
        event["involvedObject"]["uid"] = "another".into();
        estate.pods_mut().filter(|pod| pod.name == web_name("a")).for_each(|pod| {
            "Pending".clone_into(&mut pod.phase);
            let message = "Back-off pulling image".to_owned();
            pod.containers[0].state =
                ContainerState::Waiting { reason: "ImagePullBackOff".to_owned(), message };
        });
    });
    let (_, mail) = watched.until_mail(0, 3).await.unwrap();
    assert!(!mail.contains("secret") && flat(&mail).contains("Class PULL_NOTFOUND"), "{mail}");
}

/// Without the permission the alarms are the same, and what is missing is said with its remedy.
#[tokio::test]
async fn without_the_permission_the_alarm_fires_and_says_what_is_missing() {
    let watched = watch(healthy()).await;
    watched.edit(|estate| estate.identities[0].rights = rights().without("", "events"));
    watched.alarms(-5).await;
    watched.edit(|estate| {
        let mut pod = web("c", ago(0, 12));
        pod.created_at = ago(0, 12);
        estate.place(pod.pending("", ""));
        estate.warn("shop", &web_name("c"), "FailedScheduling", NO_CAPACITY, ago(0, 2));
    });
    let (_, mail) = watched.until_mail(0, 1).await.unwrap();
    assert!(
        flat(&mail).contains("pending for 12 min") && !mail.contains("capacity is unavailable"),
        "{mail}"
    );
    let state = watched.snapshot("alarms", 0).eks.remove(0);
    let problems: Vec<&str> = state.findings.iter().map(|finding| finding.problem.as_str()).collect();
    assert_eq!(problems, ["Missing permissions in the cluster: the role may not list events."]);
    assert!(state.findings[0].remedy.contains("kind: ClusterRole\n"));
    // The pods are known, so the cluster is not one that cannot be read: neither now nor once the
    // permission is there.
    watched.edit(|estate| estate.identities[0].rights = rights());
    watched.alarms(5).await;
    let mails = watched.stack.mails().len();
    let all: Vec<String> = (0..mails).map(|at| watched.stack.mail(at)).collect();
    assert!(!all.iter().any(|mail| mail.contains("READ")), "{all:?}");
}

/// An API server that does not list events hides no pod, and that is said.
#[tokio::test]
async fn events_that_cannot_be_read_are_said_and_hide_nothing() {
    let watched = watch(healthy()).await;
    watched.alarms(-5).await;
    watched.edit(|estate| {
        let mut pod = web("c", ago(0, 12));
        pod.created_at = ago(0, 12);
        estate.place(pod.pending("", ""));
    });
    let failed =
        Effect::Status { code: 400, reason: "BadRequest".to_owned(), message: "no events".to_owned() };
    watched.kubernetes.inject(Fault::always("/api/v1/events", failed));
    let (_, mail) = watched.until_mail(0, 1).await.unwrap();
    assert!(flat(&mail).contains("pending for 12 min"), "{mail}");
    let state = watched.snapshot("alarms", 0).eks.remove(0);
    let problem = &state.findings[0].problem;
    assert!(
        problem.starts_with("The events of its pods could not be read, so causes may be missing: "),
        "{problem}"
    );
}
