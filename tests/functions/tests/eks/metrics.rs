//! Usage is read next to the pods, and its failure stays its own; and lists that span two states of
//! the cluster.

use std::time::{Duration, Instant};

use fake_kubernetes::{Balancer, Break, Effect, End, Fault, MetricsApi as Served};
use fargaze::evidence::pods::MetricsApi;
use fargaze::evidence::snapshot::Snapshot;
use function_tests::minute;
use serde_json::Value;

use super::{CLUSTER, Watched, healthy, watch};

const METRICS: &str = "/apis/metrics.k8s.io/";

fn text(code: u16, body: &str) -> Effect {
    let headers = vec![("content-type", "text/html".to_owned())];
    Effect::Raw { code, headers, body: body.as_bytes().to_vec() }
}

/// Whether a measure of the workload could be asked.
fn is_asked(snapshot: &Snapshot, measure: &str) -> bool {
    let mut readings = snapshot.readings.iter().filter(|(query, _)| query.metric.name.starts_with(measure));
    let first = readings.next().unwrap().1.fault().is_none();
    assert!(readings.all(|(_, reading)| reading.fault().is_none() == first));
    first
}

/// Issue 13, point 21: a failure of the Metrics API, of any kind, is attributed to the Metrics API.
#[tokio::test]
async fn the_metrics_api_fails_for_itself_alone() {
    let status =
        Effect::Status { code: 500, reason: "InternalError".to_owned(), message: "etcdserver".to_owned() };
    for (effect, says) in [
        (status, "status 500: etcdserver"),
        (text(502, "<html>"), "status 502"),
        (Effect::ServiceUnavailable, "503 Service Unavailable"),
        (text(200, "<html>"), "the response cannot be read"),
        (text(200, "{}"), "the response cannot be read"),
        (Effect::Stall { after: 0 }, "no response within 5s"),
        (Effect::Stall { after: 20 }, "no response within 5s"),
        (Effect::Cut { after: 20 }, "the response was cut off after 20 bytes"),
        (Effect::Close, "the connection broke"),
    ] {
        let watched = watch(healthy()).await;
        watched.alarms(-5).await;
        watched.kubernetes.inject(Fault::always(METRICS, effect.clone()));
        watched.alarms(0).await;
        let mut snapshot = watched.snapshot("alarms", 0);
        assert_eq!(snapshot.pods.len(), 2, "{effect:?}");
        assert!(is_asked(&snapshot, "pod_restarts") && is_asked(&snapshot, "replicas"), "{effect:?}");
        assert!(!is_asked(&snapshot, "pod_memory"), "{effect:?}: not known is not 0");
        let state = snapshot.eks.remove(0);
        assert!(matches!(&state.metrics_api, MetricsApi::Down(why) if why.contains(says)), "{state:?}");
        let problems: Vec<&str> = state.findings.iter().map(|finding| finding.problem.as_str()).collect();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("Metrics Server is installed but does not answer ("), "{problems:?}");
    }
}

/// Issue 13, point 21: with two seconds in total and no response for usage, the pods are there.
#[tokio::test]
async fn silence_of_the_metrics_api_delays_no_pod() {
    let watched = watch(healthy()).await;
    watched.kubernetes.inject(Fault::always(METRICS, Effect::Stall { after: 0 }));
    // Five seconds are reserved for writing the snapshot.
    watched.stack.set_timeout(Duration::from_secs(7));
    watched.alarms(0).await;
    let snapshot = watched.snapshot("alarms", 0);
    assert_eq!(snapshot.pods.len(), 2);
    assert!(is_asked(&snapshot, "pod_restarts") && !is_asked(&snapshot, "pod_memory"));
    assert!(!snapshot.inventory.clusters[&CLUSTER.parse().unwrap()].unlisted);
}

/// Issue 13, points 16 and 21: only usage needs the list of API groups, so nothing else waits for
/// it or is lost with it. Without it the known versions are requested.
#[tokio::test]
async fn without_the_list_of_groups_all_is_read_but_which_version_is_preferred() {
    let status =
        |code, reason: &str| Effect::Status { code, reason: reason.to_owned(), message: "no".to_owned() };
    let effects = [
        status(403, "Forbidden"),
        status(500, "InternalError"),
        text(404, "404 page not found"),
        text(200, "<html>"),
        Effect::Stall { after: 0 },
        Effect::Stall { after: 20 },
        Effect::Close,
        Effect::TooManyRequests { retry_after: Some(0) },
    ];
    for (effect, metrics) in
        effects.into_iter().zip([Served::Serving("v1beta1"), Served::Serving("v1")].into_iter().cycle())
    {
        let watched = watch(healthy().with(|estate| estate.metrics = metrics)).await;
        watched.alarms(-5).await;
        watched.kubernetes.inject(groups(effect.clone()));
        let begun = Instant::now();
        watched.alarms(0).await;
        assert!(begun.elapsed() < Duration::from_secs(15), "{effect:?}: {:?}", begun.elapsed());
        let mut snapshot = watched.snapshot("alarms", 0);
        assert_eq!(snapshot.pods.len(), 2, "{effect:?}");
        assert!(is_asked(&snapshot, "pod_restarts") && is_asked(&snapshot, "pod_memory"), "{effect:?}");
        assert!(snapshot.pods.iter().all(|pod| pod.usage.is_some()), "{effect:?}");
        let state = snapshot.eks.remove(0);
        assert!(matches!(state.metrics_api, MetricsApi::Serves(_)) && state.findings.is_empty(), "{state:?}");
    }
    // Where usage is unavailable, too, it alone is missing, with its own remedy.
    for (metrics, right, is) in [
        (Served::Absent, true, MetricsApi::Missing),
        (Served::Down, true, MetricsApi::Down("503 Service Unavailable: service unavailable".to_owned())),
        (Served::Serving("v1beta1"), false, MetricsApi::Unknown),
    ] {
        let watched = watch(healthy().with(|estate| {
            estate.metrics = metrics;
            if !right {
                estate.identities[0].rights = super::rights().without("metrics.k8s.io", "pods");
            }
        }))
        .await;
        watched.kubernetes.inject(groups(status(403, "Forbidden")));
        watched.alarms(0).await;
        let mut snapshot = watched.snapshot("alarms", 0);
        assert_eq!(snapshot.pods.len(), 2);
        assert!(!is_asked(&snapshot, "pod_memory"));
        let state = snapshot.eks.remove(0);
        assert_eq!(state.metrics_api, is);
        assert!(state.findings.len() == 1 && !state.findings[0].remedy.is_empty(), "{:?}", state.findings);
    }
}

/// Affects only `GET /apis`.
fn groups(effect: Effect) -> Fault {
    Fault::always("/apis$", effect)
}

/// Issue 13, point 21: if the API server itself cannot be reached, the state of the Metrics API is
/// unknown.
#[tokio::test]
async fn a_denial_or_a_limit_of_the_api_server_says_nothing_about_metrics_server() {
    for effect in [Effect::Forbidden, Effect::TooManyRequests { retry_after: Some(0) }] {
        let watched = watch(healthy()).await;
        watched.kubernetes.inject(Fault::always(METRICS, effect.clone()));
        watched.alarms(0).await;
        let state = watched.snapshot("alarms", 0).eks.remove(0);
        assert_eq!(state.metrics_api, MetricsApi::Unknown, "{effect:?}");
        assert!(
            state.findings.iter().all(|finding| !finding.problem.contains("Metrics Server")),
            "{state:?}"
        );
    }
}

/// Issue 13, point 18: an alarm about the Metrics API stays active while fargaze may not check it.
#[tokio::test]
async fn an_alarm_of_the_metrics_api_does_not_end_because_of_a_missing_permission() {
    let watched = watch(healthy().with(|estate| estate.metrics = Served::Down)).await;
    let (offset, mail) = watched.until_mail(0, 4).await.unwrap();
    assert!(offset == 10 && mail.contains("metrics-server-down"), "{offset}: {mail}");
    watched.edit(|estate| estate.metrics = Served::Serving("v1beta1"));
    watched.kubernetes.inject(Fault::always(METRICS, Effect::Forbidden));
    for offset in (15..=30).step_by(5) {
        let mails = watched.alarms(offset).await.concat();
        assert!(!mails.contains("is OK again") && !mails.contains("ENDED"), "at {offset}: {mails}");
        assert!(!is_asked(&watched.snapshot("alarms", offset), "metrics_server_down"), "at {offset}");
    }
    watched.kubernetes.heal();
    let (offset, mail) = watched.until_mail(35, 4).await.unwrap();
    assert!(mail.contains("Rule metrics-server-down") && mail.contains("OK"), "{offset}: {mail}");
}

/// Issue 13, point 25: like `kubectl top`.
#[tokio::test]
async fn the_version_that_answers_is_read_where_the_preferred_one_does_not() {
    let both = Served::PreferredDown { preferred: "v1", serving: "v1beta1" };
    for effect in [None, Some(Effect::Stall { after: 0 }), Some(text(404, "404 page not found"))] {
        let watched = watch(healthy().with(|estate| estate.metrics = both)).await;
        let silent = effect.clone().map(|effect| Fault::always("/apis/metrics.k8s.io/v1/", effect));
        silent.into_iter().for_each(|fault| watched.kubernetes.inject(fault));
        watched.alarms(0).await;
        let mut snapshot = watched.snapshot("alarms", 0);
        assert!(snapshot.pods.iter().all(|pod| pod.usage.is_some()), "{effect:?}");
        let state = snapshot.eks.remove(0);
        assert_eq!(state.metrics_api, MetricsApi::Serves("v1beta1".to_owned()), "{effect:?}");
        assert_eq!(state.findings.len(), 1, "{:?}", state.findings);
        assert!(
            state.findings[0]
                .problem
                .starts_with("The preferred version of the Metrics API, v1, does not answer")
        );
    }
    let watched = watch(healthy().with(|estate| estate.metrics = both)).await;
    watched.kubernetes.inject(Fault::always(METRICS, Effect::ServiceUnavailable));
    watched.alarms(0).await;
    let state = watched.snapshot("alarms", 0).eks.remove(0);
    assert!(matches!(state.metrics_api, MetricsApi::Down(_)), "{state:?}");
}

/// The add-on is advised once its pods can be placed; an alarms run, which requests no profiles,
/// does not know. An add-on that is not installed was not deleted in the meantime.
#[tokio::test]
async fn metrics_server_is_advised_where_its_pods_find_a_place() {
    let watched = watch(healthy().with(|estate| estate.metrics = Served::Absent)).await;
    let profiles = |namespaces: &'static [&'static str]| {
        watched.stack.aws.edit(|world| {
            let cluster = world.home().eks_cluster(CLUSTER).unwrap();
            *cluster = cluster.clone().profile(namespaces[0].trim_end_matches('*'), namespaces);
        });
    };
    let operations = |state: &fargaze::evidence::pods::ClusterState| {
        assert!(
            state.findings[0].problem.starts_with("Metrics Server is not installed"),
            "{:?}",
            state.findings
        );
        let lines = state.findings[0].remedy.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.split(" --region eu-west-1 --cluster-name payments ").next().unwrap().to_owned())
            .collect()
    };
    let create = "aws eks create-addon";
    watched.alarms(0).await;
    let found: Vec<String> = operations(&watched.snapshot("alarms", 0).eks[0]);
    assert_eq!(found, [create]);
    for (offset, namespaces, expected) in [
        (
            0,
            &["shop"][..],
            &["aws eks create-fargate-profile", "aws eks wait fargate-profile-active", create][..],
        ),
        (10, &["kube-*"], &[create]),
    ] {
        profiles(namespaces);
        watched.stack.run_line("report", minute(offset)).await.receipt.unwrap();
        let found: Vec<String> = operations(&watched.snapshot("report", offset).eks[0]);
        assert_eq!(found, expected, "{namespaces:?}");
    }
    let snapshot = watched.snapshot("alarms", 0);
    let mut faults = snapshot.readings.values().filter_map(fargaze::model::series::Reading::fault);
    let missing = faults.find(|fault| fault.message == "Metrics Server is not installed").unwrap();
    assert!(missing.advice().contains("add-on metrics-server"), "{}", missing.advice());
}

/// Issue 13, point 26: a list that ends at a newer state of the cluster than it began is reported.
#[tokio::test]
async fn a_list_of_two_states_is_reported() {
    let watched = watch(healthy()).await;
    watched.edit(|estate| {
        for number in 0..300 {
            estate.place(super::web(&format!("n{number:03}"), minute(-600)));
        }
    });
    for (offset, lists, says) in [
        (0, &["pods"][..], "the list of pods ends"),
        (10, &["nodes"], "the list of nodes ends"),
        (20, &["pods", "nodes"], "the list of nodes, pods ends"),
    ] {
        for list in lists {
            watched.kubernetes.inject(Fault::once(&format!("/{list}?limit=250&continue="), Effect::Expired));
        }
        watched.stack.run_line("report", minute(offset)).await.receipt.unwrap();
        let snapshot = watched.snapshot("report", offset);
        let problems: Vec<&str> = snapshot.eks[0].findings.iter().map(|one| one.problem.as_str()).collect();
        assert!(problems.len() == 1 && problems[0].contains(says), "{lists:?}: {problems:?}");
        assert_eq!(snapshot.pods.len(), 302);
    }
    watched.stack.run_line("report", minute(30)).await.receipt.unwrap();
    assert_eq!(watched.snapshot("report", 30).eks[0].findings, []);
}

/// Issue 13, points 16 and 26: without a continue token, the list restarts, as in `client-go`.
#[tokio::test]
async fn a_list_that_cannot_continue_restarts() {
    let watched = watch(healthy()).await;
    watched.edit(|estate| {
        for number in 0..300 {
            estate.place(super::web(&format!("n{number:03}"), minute(-600)));
        }
    });
    let expired = |times| {
        let (reason, message) =
            ("Expired".to_owned(), "The provided continue parameter is too old".to_owned());
        Fault::times(times, "/pods?limit=250&continue=", Effect::Status { code: 410, reason, message })
    };
    watched.kubernetes.inject(expired(1));
    watched.alarms(0).await;
    let snapshot = watched.snapshot("alarms", 0);
    assert_eq!(
        (snapshot.pods.len(), &snapshot.eks[0].findings),
        (302, &Vec::new()),
        "one state, each pod once"
    );
    // Only once: a server that always expires tokens would be queried forever.
    watched.kubernetes.inject(expired(9));
    watched.alarms(5).await;
    let snapshot = watched.snapshot("alarms", 5);
    assert!(snapshot.pods.is_empty() && !snapshot.coverage.is_complete());
    assert_eq!(watched.kubernetes.meter().count("/pods?limit=250&continue="), 2 + 2);
}

/// Puts a load balancer between the stack and its cluster.
fn behind(watched: &Watched, plan: impl FnMut(usize) -> Option<Break> + Send + 'static) -> Balancer {
    let balancer = Balancer::before(&watched.kubernetes, plan);
    watched.stack.aws.edit(|world| {
        world.home().eks_cluster(CLUSTER).unwrap().endpoint = Some(balancer.endpoint());
    });
    balancer
}

/// Issue 13, point 16: with one of two servers killed the whole cluster is read.
#[tokio::test]
async fn one_of_two_servers_killed_loses_nothing() {
    let watched = watch(healthy()).await;
    let _balancer =
        behind(&watched, |number| (number % 2 == 0).then_some(Break { after: 1_300, by: End::Reset }));
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    let snapshot = watched.snapshot("report", 0);
    assert_eq!((snapshot.pods.len(), &snapshot.eks[0].findings), (2, &Vec::new()));
    assert!(snapshot.coverage.is_complete(), "{:?}", snapshot.coverage);
}

/// Issue 13, point 17: an interrupted handshake does not show who the server is.
#[tokio::test]
async fn a_handshake_that_breaks_off_is_reported_as_a_broken_connection() {
    let watched = watch(healthy()).await;
    let _balancer = behind(&watched, |_| Some(Break { after: 0, by: End::Eof }));
    watched.stack.run_line("report", minute(0)).await.receipt.unwrap();
    let snapshot = watched.snapshot("report", 0);
    let finding = &snapshot.eks[0].findings[0];
    assert!(finding.problem.starts_with("All connections to the API server broke"), "{finding:?}");
    assert!(!finding.problem.contains("certificate") && finding.remedy.is_empty(), "{finding:?}");
    let report = watched.stack.json("reports/latest.json");
    assert_eq!(report["eks"][0]["metrics_api"]["state"], Value::from("unknown"));
}
