//! Whole reports, byte for byte. Each file was reviewed by a person.

use std::path::{Path, PathBuf};

use fargaze::report::{Report, report_html, report_mail};
use fargaze::text::message::Message;

use crate::estate::{Estate, at, link, run};
use crate::{eks_scenes, scenes};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/report")
}

/// Compares with the golden file of this name; `FARGAZE_WRITE_DOCS=1` rewrites it for review.
fn hold(name: &str, made: &str) {
    let path = folder().join(name);
    if std::env::var_os("FARGAZE_WRITE_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(made.lines()).find(|(kept, made)| kept != made);
    assert!(kept == made, "{name} differs, first here: {differs:?}; rewrite it with FARGAZE_WRITE_DOCS=1");
}

/// The same estate a day earlier.
fn the_day_before(estate: &Estate) -> Report {
    let mut report = estate.report(&run(), None);
    report.time = at("2026-11-21T05:02:00Z");
    report
}

fn text(message: &Message) -> String {
    format!("Subject: {}\n\n{}", message.subject, message.body)
}

/// Checks the three forms of a report, and that the JSON round-trips.
fn hold_all(name: &str, report: &Report, all: bool) {
    hold(&format!("{name}.txt"), &text(&report_mail(report, &link(&run()))));
    let json = serde_json::to_string_pretty(report).unwrap() + "\n";
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), *report);
    if all {
        hold(&format!("{name}.html"), &report_html(report));
        hold(&format!("{name}.json"), &json);
    }
}

#[test]
fn all_quiet() {
    let estate = scenes::quiet();
    let before = the_day_before(&estate);
    hold_all("quiet", &estate.report(&run(), Some(&before)), true);
}

#[test]
fn one_of_everything_that_needs_a_person() {
    let before = the_day_before(&scenes::quiet());
    hold_all("busy", &scenes::busy().report(&run(), Some(&before)), true);
}

/// Issue 12, point 4.
#[test]
fn services_that_run_without_metrics_are_never_all_quiet() {
    let report = scenes::silent().report(&run(), None);
    assert_eq!(report.fleet.running_without_metrics, 2);
    assert!(!report_mail(&report, &link(&run())).subject.contains("quiet"));
    hold_all("running-without-metrics", &report, true);
}

#[test]
fn three_targets_of_which_one_is_denied_and_one_throttled() {
    hold_all("three-targets", &scenes::three_targets().report(&run(), None), true);
}

#[test]
fn no_data_at_all() {
    hold_all("no-data", &scenes::no_data().report(&run(), None), true);
    hold_all("nothing-seen", &scenes::nothing_seen().report(&run(), None), true);
}

#[test]
fn a_quiet_eks_cluster_next_to_ecs() {
    let estate = eks_scenes::quiet();
    let before = the_day_before(&estate);
    hold_all("eks-quiet", &estate.report(&run(), Some(&before)), true);
}

#[test]
fn a_cluster_of_eks_whose_cadvisor_is_read() {
    hold_all("eks-cadvisor", &eks_scenes::counted().report(&run(), None), true);
}

#[test]
fn one_of_everything_that_needs_a_person_on_eks() {
    let before = the_day_before(&eks_scenes::quiet());
    hold_all("eks-busy", &eks_scenes::busy().report(&run(), Some(&before)), true);
}

#[test]
fn an_eks_cluster_that_denies_access() {
    hold_all("eks-unreadable", &eks_scenes::unreadable().report(&run(), None), true);
}

#[test]
fn of_many_pods_the_worst_fifty_are_shown_and_the_others_counted() {
    let report = eks_scenes::crowd(2_000).report(&run(), None);
    let cluster = &report.eks[0];
    assert_eq!((cluster.pods.len(), cluster.pods_left_out, cluster.pod_count()), (50, 1_952, Some(2_002)));
    assert_eq!(cluster.pods[0].waiting[0].as_str(), "app: CrashLoopBackOff");
    let page = report_html(&report);
    assert!(page.contains("The worst 50 of 2002 pods") && page.len() < 60_000, "{}", page.len());
    assert!(serde_json::to_string(&report).unwrap().len() < 60_000);
}

#[test]
fn a_report_of_an_older_version_can_be_compared_with() {
    let mut old = serde_json::to_value(scenes::quiet().report(&run(), None)).unwrap();
    assert!(old.get("eks").is_none() && old["fleet"].get("eks").is_none());
    old["time"] = "2026-11-21T05:02:00Z".into();
    let before = Report::read(old.to_string().as_bytes()).unwrap();
    let now = eks_scenes::quiet().report(&run(), Some(&before));
    let said: Vec<String> =
        now.since.unwrap().differences.iter().map(|one| one.subject.to_string()).collect();
    assert_eq!(said, ["shop"]);
}

#[test]
fn two_hundred_clusters() {
    let estate = scenes::many(200);
    let before = the_day_before(&scenes::many(196));
    let report = estate.report(&run(), Some(&before));
    hold_all("200-clusters", &report, false);
    hold("200-clusters.html", &report_html(&report));
}

#[test]
fn mails_fit_in_78_columns_and_begin_with_the_fleet_in_five_lines() {
    let estates =
        [scenes::quiet(), scenes::busy(), scenes::three_targets(), scenes::no_data(), scenes::many(50)];
    for estate in estates {
        assert_eq!(heads(&estate), ["Clusters", "Services", "Tasks", "Alarms", "Changes"]);
    }
    for estate in [eks_scenes::quiet(), eks_scenes::busy()] {
        assert_eq!(heads(&estate), ["Clusters", "Services", "Tasks", "Workloads", "Alarms", "Changes"]);
    }
    assert_eq!(heads(&eks_scenes::unreadable()), ["Clusters", "Workloads", "Alarms", "Changes"]);
}

/// What the first lines of a mail say.
fn heads(estate: &Estate) -> Vec<String> {
    let mail = report_mail(&estate.report(&run(), None), &link(&run()));
    // A command is one line, so that it can be copied.
    let is_whole = |line: &&str| {
        let line = line.trim_start();
        line.contains("https://") || ["aws ", "kubectl ", "# "].iter().any(|start| line.starts_with(start))
    };
    let wide = mail.body.lines().filter(|line| !is_whole(line)).find(|line| line.chars().count() > 78);
    assert_eq!(wide, None);
    let lines = mail.body.lines().take_while(|line| !line.is_empty());
    let heads = lines.filter_map(|line| line.strip_prefix("  ")?.split_once(':'));
    heads.map(|(head, _)| head.to_owned()).collect()
}

#[test]
fn the_page_makes_no_requests() {
    for (estate, consoles) in [
        (scenes::busy(), &["ecs/v2/clusters/", "cloudwatch/home?region=eu-west-1#logsV2:logs-insights"][..]),
        (eks_scenes::busy(), &["ecs/v2/clusters/", "eks/home?region=eu-west-1#/clusters/"]),
    ] {
        let page = report_html(&estate.report(&run(), None));
        for asking in [
            "<script",
            "<img",
            "<iframe",
            "<object",
            "<embed",
            "<form",
            "src=",
            "@import",
            "url(",
            "javascript:",
        ] {
            assert!(!page.contains(asking), "{asking}");
        }
        assert!(page.contains("default-src 'none'") && page.contains(r#"<html lang="en">"#));
        // A link is only followed by a click and leads to the console and nowhere else.
        for link in page.split("href=\"").skip(1).filter(|link| !link.starts_with('#')) {
            let path = link.strip_prefix("https://eu-west-1.console.aws.amazon.com/").unwrap();
            assert!(consoles.iter().any(|console| path.starts_with(console)), "{link:.80}");
        }
    }
}

#[test]
fn headings_have_an_order_and_tables_a_caption_and_scopes() {
    for estate in [scenes::busy(), eks_scenes::busy(), eks_scenes::unreadable()] {
        let page = report_html(&estate.report(&run(), None));
        let levels =
            page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next()?.to_digit(10));
        let mut before = 0;
        for level in levels {
            assert!(level <= before + 1, "h{level} behind h{before}");
            before = level;
        }
        assert_eq!(page.matches("<h1").count(), 1);
        assert_eq!(page.matches("<table").count(), page.matches("<caption").count());
        let heads = page.match_indices("<th").filter(|(at, _)| !page[at + 3..].starts_with("ead"));
        assert!(heads.into_iter().all(|(at, _)| page[at..].split('>').next().unwrap().contains("scope=")));
        assert_eq!(page.matches("<svg").count(), page.matches("<title>").count() - 1);
    }
}
