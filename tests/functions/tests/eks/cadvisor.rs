//! cAdvisor through the node proxy: off by default, and what it reports where it is on.

use std::collections::BTreeSet;

use fake_kubernetes::{Counters, Effect, Estate, Fault, recorded};
use function_tests::minute;
use serde_json::Value;

use super::{Watched, collector, healthy, rights, watch, web, web_name};

const PROXY: &str = "/proxy/metrics/cadvisor";

/// Reads cAdvisor; fires if a container is throttled in more than a quarter of its periods.
const FILE: &str = "
eks:
  - cadvisor: proxy
rules:
  - name: throttled
    what: pod-cpu-throttled-percent
    scope: workload
    threshold: 25 %
    comparison: GreaterThanThreshold
    evaluation-periods: 1
";

/// A healthy estate with counting pods.
fn counting(with_right: bool) -> Estate {
    healthy().with(|estate| {
        let mut identity = collector();
        if with_right {
            identity.rights = rights().with_node_proxy();
        }
        estate.identities = vec![identity];
        count(estate, -60, 0);
    })
}

/// Advances all counters to this time; `a` was throttled in every other of the last 3,000 periods
/// per run so far.
fn count(estate: &mut Estate, offset: i64, runs: u64) {
    estate.cadvisor_at = Some(minute(offset));
    for (name, throttled) in [("a", 1_500), ("b", 0)] {
        let Some(mut pod) = estate.remove("shop", &web_name(name)) else { continue };
        let counters = Counters {
            cpu_milliseconds: 30_000 * runs,
            cfs_periods: 3_000 * runs,
            cfs_throttled_periods: throttled * runs,
            disk_read: 3_000_000 * runs,
            disk_written: 0,
            second_disk: None,
        };
        let container = pod.containers.remove(0).counting(counters);
        pod.containers.insert(0, container);
        estate.place(pod.transferring(600_000 * runs, 300_000 * runs));
    }
}

/// One run after the counters advanced.
async fn run(watched: &Watched, offset: i64, runs: u64) -> Vec<String> {
    watched.edit(|estate| count(estate, offset, runs));
    watched.alarms(offset).await
}

fn report(watched: &Watched) -> Value {
    watched.stack.json("reports/latest.json")
}

#[tokio::test]
async fn it_is_not_read_unless_the_file_says_so() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules("rules: []");
    watched.alarms(0).await;
    watched.stack.run_line("report", minute(5)).await.receipt.unwrap();
    assert_eq!(watched.kubernetes.meter().count("proxy"), 0);
    assert!(report(&watched)["eks"][0].get("cadvisor").is_none());
}

#[tokio::test]
async fn a_throttled_container_alarms_and_the_report_has_the_rates() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    assert_eq!(run(&watched, 0, 1).await, Vec::<String>::new(), "one sample is no rate");
    let mails = run(&watched, 5, 2).await;
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    for word in ["shop/deployment/web", "50 %", &web_name("a"), "app"] {
        assert!(mail.contains(word), "`{word}` is not in: {mail}");
    }
    watched.edit(|estate| count(estate, 10, 3));
    watched.stack.run_line("report", minute(10)).await.receipt.unwrap();
    let report = report(&watched);
    let cluster = &report["eks"][0];
    assert_eq!(cluster["cadvisor"]["nodes"], 2, "{cluster}");
    let pods = cluster["pods"].as_array().unwrap();
    let pod = pods.iter().find(|pod| pod["pod"] == web_name("a").as_str()).unwrap();
    let counted = &pod["counted"];
    // Of 300 seconds.
    for (figure, value) in [
        ("throttled_percent", 50.0),
        ("network_received", 2_000.0),
        ("network_sent", 1_000.0),
        ("disk_read", 10_000.0),
        ("disk_written", 0.0),
        ("cpu_millicores", 100.0),
    ] {
        assert_eq!(counted[figure], value, "{figure} of {pod}");
    }
}

/// Whether the alarm of the Deployment is active.
fn is_in_alarm(watched: &Watched) -> bool {
    let remembered = watched.stack.remembered();
    remembered.iter().any(|item| item["rule"]["S"] == "throttled" && item["state"]["S"] == "ALARM")
}

#[tokio::test]
async fn a_run_in_which_nothing_could_be_read_ends_no_alarm() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    run(&watched, 0, 1).await;
    assert_eq!(run(&watched, 5, 2).await.len(), 1);
    watched.kubernetes.inject(Fault::always("/api/v1/pods", Effect::Forbidden));
    let mut mails = Vec::new();
    // Longer than the rule's range.
    for (offset, runs) in [(10, 3), (15, 4), (20, 5)] {
        mails.extend(run(&watched, offset, runs).await);
        assert!(is_in_alarm(&watched), "{offset}");
    }
    watched.kubernetes.heal();
    // The first run that reads it again has no previous sample.
    for (offset, runs) in [(25, 6), (30, 7)] {
        mails.extend(run(&watched, offset, runs).await);
        assert!(is_in_alarm(&watched), "{offset}");
    }
    assert!(
        mails.iter().all(|mail| !mail.contains("shop/deployment/web")),
        "nothing of the alarm: {mails:?}"
    );
}

#[tokio::test]
async fn a_node_that_is_not_read_ends_no_alarm_and_the_next_rate_is_of_the_whole_time() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    run(&watched, 0, 1).await;
    assert_eq!(run(&watched, 5, 2).await.len(), 1);
    watched.kubernetes.inject(refused(&watched, "a"));
    for (offset, runs) in [(10, 3), (15, 4)] {
        assert_eq!(run(&watched, offset, runs).await, Vec::<String>::new(), "pod b alone is at 0 %");
        assert!(is_in_alarm(&watched), "{offset}");
    }
    watched.kubernetes.heal();
    assert_eq!(run(&watched, 20, 5).await, Vec::<String>::new());
    assert!(is_in_alarm(&watched));
}

#[tokio::test]
async fn an_alarm_of_a_cluster_that_is_no_longer_read_ends() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    run(&watched, 0, 1).await;
    assert_eq!(run(&watched, 5, 2).await.len(), 1);
    let file = FILE.replace("- cadvisor: proxy", "- {clusters: [lab], cadvisor: proxy}");
    watched.stack.put_rules(&file);
    let mut mails = Vec::new();
    for (offset, runs) in [(10, 3), (15, 4)] {
        mails.extend(run(&watched, offset, runs).await);
    }
    assert!(!is_in_alarm(&watched), "{mails:?}");
}

/// The kubelet of a pod's node does not answer the API server.
fn refused(watched: &Watched, pod: &str) -> Fault {
    let estate = watched.kubernetes.estate();
    let node = estate.pods().find(|other| other.name == web_name(pod)).unwrap().node.clone().unwrap();
    let answer = recorded().iter().find(|recorded| recorded.name == "proxy_refused_503").unwrap();
    Fault { times: u32::MAX, ..Fault::once(&format!("{node}{PROXY}"), Effect::Recorded(answer)) }
}

#[tokio::test]
async fn a_restarted_container_counts_from_zero_again_and_never_below() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    run(&watched, 0, 9).await;
    // The same pod, with reset counters.
    assert_eq!(run(&watched, 5, 1).await.len(), 1, "1,500 of 3,000 periods since the restart");
    let snapshot = watched.snapshot("alarms", 5);
    let rates = snapshot.pods.iter().map(|pod| pod.rates.as_ref().unwrap());
    assert!(rates.map(|rates| rates.disk_read.unwrap()).all(|rate| rate >= 0.0));
}

/// Issue 13, point 7: the cgroup that a restarted container left behind vanishes between two
/// samples.
#[tokio::test]
async fn an_old_cgroup_that_vanishes_is_no_work() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    let old = Counters { cpu_milliseconds: 994_631_562, disk_read: 50_000_000_000, ..Counters::default() };
    watched.edit(|estate| count(estate, 0, 100));
    watched.edit_web("b", |mut pod| {
        pod.containers[0].left_behind = Some((1, old));
        pod
    });
    watched.alarms(0).await;
    watched.edit_web("b", |mut pod| {
        pod.containers[0].left_behind = None;
        pod
    });
    run(&watched, 5, 101).await;
    let snapshot = watched.snapshot("alarms", 5);
    for pod in &snapshot.pods {
        let rates = pod.rates.as_ref().unwrap();
        // 30 seconds of CPU and 3 MB in five minutes.
        assert_eq!(
            (rates.cpu_nanocores.map(f64::round), rates.disk_read),
            (Some(1e8), Some(10_000.0)),
            "{}",
            pod.pod
        );
    }
}

/// Issue 13, points 7 and 21: silent kubelets affect only themselves, wherever they are in the
/// list, even if they fill the concurrency limit.
#[tokio::test]
async fn silent_kubelets_hide_no_other_node() {
    for (pods, silent) in [(3, 1), (12, 8)] {
        let watched = watch(counting(true)).await;
        watched.stack.put_rules(FILE);
        watched.edit(|estate| {
            (2..pods).for_each(|number| estate.place(web(&format!("n{number}"), minute(-600))));
        });
        let estate = watched.kubernetes.estate();
        let nodes: BTreeSet<String> = estate.pods().filter_map(|pod| pod.node.clone()).collect();
        // They are requested by name.
        for node in nodes.iter().take(silent) {
            watched.kubernetes.inject(Fault::always(&format!("{node}{PROXY}"), Effect::Stall { after: 0 }));
        }
        watched.alarms(0).await;
        let snapshot = watched.snapshot("alarms", 0);
        let cadvisor = snapshot.eks[0].cadvisor.unwrap();
        assert_eq!((cadvisor.nodes, cadvisor.unread), (pods, silent));
        let faults = format!("{:?}", snapshot.coverage.faults);
        assert!(
            faults.contains(&format!("{silent} of {pods} nodes")) && faults.contains("no data for 8s"),
            "{faults}"
        );
    }
}

#[tokio::test]
async fn a_missing_permission_is_reported_with_its_remedy_and_keeps_the_alarm() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    run(&watched, 0, 1).await;
    assert_eq!(run(&watched, 5, 2).await.len(), 1);
    watched.edit(|estate| estate.identities = vec![collector()]);
    let before = watched.kubernetes.meter().count(PROXY);
    let mails = run(&watched, 10, 3).await;
    assert!(mails[0].starts_with("CANNOT READ") && mails.len() == 1, "{mails:?}");
    assert!(is_in_alarm(&watched));
    assert_eq!(watched.kubernetes.meter().count(PROXY) - before, 1, "one refusal is enough");
    watched.stack.run_line("report", minute(15)).await.receipt.unwrap();
    let report = report(&watched);
    let finding = report["eks"][0]["findings"].to_string();
    assert!(finding.contains("nodes/proxy") && finding.contains(" apply -f - "), "{finding}");
    assert!(report["alarms"].to_string().contains("throttled"), "{report}");
}

#[tokio::test]
async fn a_kubelet_that_does_not_answer_is_counted_and_hides_no_other() {
    let watched = watch(counting(true)).await;
    watched.stack.put_rules(FILE);
    watched.edit(|estate| estate.place(web("c", minute(-600))));
    watched.kubernetes.inject(refused(&watched, "b"));
    run(&watched, 0, 1).await;
    assert_eq!(run(&watched, 5, 2).await.len(), 1, "the pod that is throttled is seen");
    let snapshot = watched.snapshot("alarms", 5);
    let cadvisor = snapshot.eks[0].cadvisor.unwrap();
    assert_eq!((cadvisor.nodes, cadvisor.unread), (3, 1));
    let faults = format!("{:?}", snapshot.coverage.faults);
    assert!(faults.contains("1 of 3 nodes could not be read"), "{faults}");
}
