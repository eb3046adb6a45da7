//! Single facts about EKS clusters: unknown values are reported as unknown, and kubectl's figures
//! match kubectl.

use fargaze::evidence::pods::{AccessEntry, Diagnosis, Refusal};
use fargaze::model::run::Platform;
use fargaze::report::{
    Answer, Because, HintKind, PodUsage, Report, WorkloadReport, report_html, report_mail,
};

use crate::eks::{Eks, MIB, cluster, eks_target, owner};
use crate::eks_scenes;
use crate::estate::{link, run};
use crate::scenes;

fn busy() -> Report {
    eks_scenes::busy().report(&run(), None)
}

fn workload<'a>(report: &'a Report, path: &str) -> &'a WorkloadReport {
    report.eks.iter().flat_map(|cluster| &cluster.workloads).find(|one| one.path() == path).unwrap()
}

#[test]
fn what_could_not_be_asked_is_neither_none_nor_zero() {
    let report = busy();
    assert_eq!(workload(&report, "tools/deployment/wiki").memory.answer, Answer::CouldNotAsk);
    assert_eq!(workload(&report, "fraud/deployment/check").memory.answer, Answer::NoData);
    let unread = eks_scenes::unreadable().report(&run(), None);
    let cart = workload(&unread, "shop/deployment/cart");
    assert_eq!((cart.pods, cart.restarts, cart.memory.answer), (None, None, Answer::CouldNotAsk));
    assert_eq!(unread.fleet.eks.as_ref().map(|eks| (eks.unread, eks.pods)), Some((1, 0)));
}

#[test]
fn a_pod_says_why_there_is_no_figure() {
    let report = busy();
    let usages = |cluster: usize| {
        let pods = report.eks[cluster].pods.iter();
        pods.map(|pod| (pod.pod.to_string(), pod.usage)).collect::<Vec<_>>()
    };
    assert!(usages(0).iter().all(|(_, usage)| *usage == PodUsage::CouldNotAsk));
    let of = |name: &str| usages(1).into_iter().find(|(pod, _)| pod.starts_with(name)).unwrap().1;
    assert_eq!(of("checkout-6c9f7d5b8-00003"), PodUsage::NotYet);
    assert_eq!(of("check-"), PodUsage::NotRunning);
    assert_eq!(of("import-"), PodUsage::NotRunning);
    assert_eq!(of("billing-"), PodUsage::Known);
    let page = report_html(&report);
    assert!(page.contains("no data yet") && page.contains("could not ask"));
}

#[test]
fn figures_of_pods_are_those_of_kubectl() {
    let report = busy();
    let pod = report.eks[1].pods.iter().find(|pod| pod.pod.as_str() == "worker-6c9f7d5b8-00001").unwrap();
    // 155,123,457 nanocores are 156m: kubectl rounds CPU up and truncates memory.
    assert_eq!(pod.cpu_millicores.used, Some(156));
    let page = report_html(&report);
    let row = page.split("<tr>").find(|row| row.contains("worker-6c9f7d5b8-00001")).unwrap();
    for cell in [">156m<", ">943Mi<", ">250m (12%)<", ">700Mi (18%)<", ">1Gi (26%)<", ">0.25 vCPU, 1 GB<"] {
        assert!(row.contains(cell), "{cell}: {row}");
    }
}

#[test]
fn the_report_says_that_cadvisor_is_on_with_its_risk_its_expiry_and_what_it_missed() {
    let quiet = eks_scenes::quiet().report(&run(), None);
    assert!(
        !report_html(&quiet).contains("cAdvisor")
            && !serde_json::to_string(&quiet).unwrap().contains("cadvisor")
    );
    let report = eks_scenes::counted().report(&run(), None);
    let mail = report_mail(&report, &link(&run())).body.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [mail, report_html(&report)] {
        for part in
            ["nodes/proxy", "run commands in any pod", "cadvisor: none", "2 of 8 nodes could not be read."]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}

#[test]
fn the_usage_of_a_pod_since_the_previous_sample_is_next_to_its_size() {
    let page = report_html(&eks_scenes::counted().report(&run(), None));
    let cells = |pod: &str| {
        let row = page.split("<tr>").find(|row| row.contains(pod)).unwrap();
        let cells: Vec<String> =
            row.split('<').filter_map(|cell| Some(cell.split_once('>')?.1.to_owned())).collect();
        cells[10..16].to_vec()
    };
    assert_eq!(
        cells("cart-6c9f7d5b8-00000"),
        ["55m", "62.5 % (app)", "1.2 MB/s", "812 kB/s", "0 B/s", "9.0 kB/s"]
    );
    assert_eq!(cells("cart-6c9f7d5b8-00001"), ["55m", "0 %", "1.5 kB/s", "999 B/s", "0 B/s", "11 B/s"]);
    assert_eq!(cells("cart-6c9f7d5b8-00002"), ["-"; 6]);
    assert_eq!(cells("search-6c9f7d5b8-00000"), ["55m", "-", "96 B/s", "64 B/s", "0 B/s", "1 B/s"]);
}

#[test]
fn restarts_and_kills_are_summed_over_the_window() {
    let report = busy();
    let worker = workload(&report, "payments/statefulset/worker");
    assert_eq!((worker.restarts, worker.oom_kills), (Some(16), Some(8)));
    assert_eq!(worker.provisioned_millicores, Some(750));
}

#[test]
fn what_is_wrong_comes_first_whether_it_runs_on_ecs_or_on_eks() {
    let report = busy();
    let named: Vec<(bool, Option<Because>)> = report
        .worst
        .iter()
        .map(|worst| (worst.platform == Platform::Eks, worst.because.first().copied()))
        .collect();
    assert_eq!(
        named[..5],
        [
            (true, Some(Because::NoneAvailable)),
            (true, Some(Because::InAlarm)),
            (true, Some(Because::InAlarm)),
            (true, Some(Because::OutOfMemory)),
            (false, None)
        ]
    );
    // Neither an idle CronJob nor a finished Job.
    assert_eq!(report.worst.len(), 14);
}

#[test]
fn many_clusters_share_the_pods_that_a_report_keeps() {
    let mut estate = eks_scenes::crowd(60);
    let Ok(one) = estate.eks.remove(0).1 else { panic!("it could be seen") };
    let many = |n: usize| (0..n).map(|i| Eks { name: format!("shop-{i:03}"), ..one[0].clone() }).collect();
    for (clusters, pods) in [(20, 50), (40, 25), (400, 5)] {
        estate.eks = vec![("eu-west-1".to_owned(), Ok(many(clusters)))];
        let report = estate.report(&run(), None);
        assert!(report.eks.iter().all(|one| one.pods.len() == pods && one.pod_count() == Some(62)));
    }
}

#[test]
fn changes_of_settings_are_reported_once_though_targets_share_a_change_log() {
    let mut estate = scenes::busy();
    let once = estate.report(&run(), None).posture.changes;
    let (_, log) = estate.logs[0].clone();
    estate.logs.push((eks_target("eu-west-1"), log));
    assert_eq!(estate.report(&run(), None).posture.changes, once);
    assert!(!once.is_empty());
}

#[test]
fn hints_count_all_pods_and_name_three() {
    let report = busy();
    let hints: Vec<(HintKind, usize, usize)> =
        report.eks[1].hints.iter().map(|hint| (hint.kind, hint.pods, hint.named.len())).collect();
    let (unlogged, completed) = (HintKind::LoggingDisabled, HintKind::PaidThoughCompleted);
    assert_eq!(hints, [(unlogged, 3, 3), (completed, 3, 3), (HintKind::MissesStep, 2, 2)]);
}

/// No smaller size is advised for a pod that fills its current one, did so today, or has unknown
/// usage.
#[test]
fn a_smaller_size_is_advised_only_if_the_highest_use_fits_it() {
    let is_advised = |memory: Option<f64>, requested: i64| {
        let mut web = owner("shop/Deployment/web", 1, (10.0, 10.0));
        web.load = memory.map(|memory| (10.0, memory));
        let pod = &mut web.pods[0];
        pod.requests.memory_bytes = Some(requested * MIB);
        pod.provisioned.as_mut().unwrap().memory_bytes = Some(2048 * MIB);
        let mut estate = eks_scenes::unreadable();
        estate.eks = vec![("eu-west-1".to_owned(), Ok(vec![cluster("shop", vec![web])]))];
        let report = estate.report(&run(), None);
        let is_hinted = report.eks[0].hints.iter().any(|hint| hint.kind == HintKind::MissesStep);
        let mail = report_mail(&report, &link(&run())).body;
        assert_eq!(mail.contains("256 MB"), is_hinted, "{mail}");
        is_hinted
    };
    assert!(is_advised(Some(20.0), 900));
    assert!(!is_advised(Some(60.0), 900), "its usage was higher earlier today");
    assert!(!is_advised(None, 900), "its usage is unknown");
    assert!(!is_advised(Some(20.0), 700), "a smaller size would not do");
    assert!(!is_advised(Some(1.0), 200 * 1024), "no size is large enough");
}

/// Half a command, or one split by a line break, does something else or nothing.
#[test]
fn commands_are_whole_lines_that_name_their_cluster() {
    for estate in [eks_scenes::busy(), eks_scenes::unreadable(), eks_scenes::counted()] {
        let report = estate.report(&run(), None);
        let mail = report_mail(&report, &link(&run())).body;
        let remedies = report.eks.iter().flat_map(|cluster| &cluster.findings).map(|finding| &finding.remedy);
        for line in remedies.flat_map(fargaze::text::Block::lines) {
            assert!(mail.lines().any(|said| said.trim_start() == line), "{line} is not in {mail}");
        }
        let commands = mail.lines().map(str::trim_start);
        let commands: Vec<&str> =
            commands.filter(|line| line.starts_with("aws ") || line.starts_with("kubectl ")).collect();
        assert!(!commands.is_empty());
        for command in commands {
            let of_aws = command.contains(" --region eu-west-1 ") && command.contains("name ");
            assert!(
                of_aws || command.contains(" --context arn:aws:eks:eu-west-1:123456789012:cluster/"),
                "{command}"
            );
            assert!(report_html(&report).contains(command), "{command}");
        }
    }
}

/// The mail is the report: what it omits is on the page.
#[test]
fn yaml_is_on_the_page_and_the_mail_says_so() {
    let mut estate = eks_scenes::unreadable();
    let Ok(clusters) = &mut estate.eks[0].1 else { panic!("it could be seen") };
    let missing = vec![fargaze::evidence::pods::to_list("", "pods")];
    let refusal =
        Refusal { message: String::new(), groups: vec!["x".to_owned()], entry: AccessEntry::None, missing };
    clusters[0].state.as_mut().unwrap().findings =
        vec![crate::eks::diagnosis(&Diagnosis::Forbidden(refusal), "shop")];
    let report = estate.report(&run(), None);
    let mail = report_mail(&report, &link(&run())).body;
    assert!(
        mail.contains("Remedy, followed by the YAML on the page:\n        aws eks create-access-entry"),
        "{mail}"
    );
    assert!(!mail.contains("kind: ClusterRole") && !mail.contains("the report has all of it"), "{mail}");
    assert!(report_html(&report).contains("kind: ClusterRole"));
}

#[test]
fn the_message_has_the_clusters_in_short_form() {
    let mail = report_mail(&busy(), &link(&run()));
    let json: serde_json::Value = serde_json::from_str(&mail.json).unwrap();
    let payments = &json["eks"][1];
    assert_eq!((&payments["cluster"], &payments["pods"]), (&"payments".into(), &13.into()));
    assert!(
        payments["findings"][0]
            .as_str()
            .unwrap()
            .starts_with("The preferred version of the Metrics API, v1,")
    );
    assert_eq!(json["fleet"]["eks"]["clusters"], 3);
    assert_eq!(json["worst"][0]["platform"], "eks");
    assert_eq!(mail.attributes["severity"].value(), "warning");
}
