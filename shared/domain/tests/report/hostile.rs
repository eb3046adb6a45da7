//! Texts from third parties in every form of the report.
//!
//! 4,000 cases of 54 texts; `FARGAZE_CASES=1000000` for more.

use std::sync::LazyLock;

use fargaze::alarms::{AlarmRecord, BrokenTarget, MissingMetric, RulePlace, RuleProblem, RuleRecord};
use fargaze::evidence::coverage::CountedFault;
use fargaze::evidence::pods::{
    CadvisorState, MetricsApi, PendingPod, PodRates, Termination, Throttled, WaitingContainer,
};
use fargaze::logs::query::{Histogram, LogLine, QueryFound, QueryResult, ResultTable, Unqueryable};
use fargaze::logs::{AskedQueries, TargetQueries};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::insights::InsightsLevel;
use fargaze::model::metric::{Dimensions, Metric, Statistic};
use fargaze::model::operation::Operation;
use fargaze::model::subject::{Subject, Workload};
use fargaze::outcome::CoverageChange;
use fargaze::report::{Report, report_html, report_mail};
use fargaze::rules::Mute;
use fargaze::text::message;
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::eks::{self, Eks, eks_target};
use crate::eks_scenes;
use crate::estate::{
    Estate, change_log, cluster, in_alarm, incidents, known, link, revert, run, service, target,
};

/// Third-party texts in a report.
const TEXTS: usize = OF_ECS + OF_EKS + OF_LOGS + OF_DEATHS;
/// Texts about ECS, and about the run as a whole.
const OF_ECS: usize = 12;
/// Texts about EKS.
const OF_EKS: usize = 28;
/// Texts about logs.
const OF_LOGS: usize = 13;
/// Texts about stopped tasks.
const OF_DEATHS: usize = 1;

/// The previous report, of another estate, so that there are differences.
static BEFORE: LazyLock<Report> = LazyLock::new(|| eks_scenes::quiet().report(&run(), None));

/// One report with these texts wherever a report has free text.
fn report(texts: &[String]) -> Report {
    let text = |n: usize| texts[n].clone();
    let fault = |n| Fault {
        operation: Operation::EcsDescribeClusters,
        subject: text(n),
        kind: FaultKind::Denied,
        code: text(n + 1),
        message: text(n + 2),
    };
    let mut shop = cluster("shop", InsightsLevel::Disabled, vec![service("web", 2, (20.0, 40.0))]);
    (shop.services[0].load, shop.services[0].tasks) = (None, Some((1, 2, 0)));
    shop.tags.insert(text(0), text(1));
    let mut log = change_log(&[("shop", 300, &text(4)), ("shop", 2, &text(5))]);
    let of_shop = log.get_mut(&Subject::Cluster("shop".parse().unwrap())).unwrap();
    of_shop.put_revert(revert("shop", &text(6)));
    let mut alarm: AlarmRecord = in_alarm("shop", "web", &text(7), 1);
    alarm.memory.muted = Some(Mute::Unless { rule: text(8) });
    alarm.key.subject = Subject::TaskFamily("shop".parse().unwrap(), text(9));
    let broken = |n| BrokenTarget { name: text(n), since: run().time, notified: true };
    let rule = rule(&text(7), &text(9));
    let mut estate = Estate {
        rules: vec![rule],
        targets: vec![("eu-west-1".to_owned(), Ok(vec![shop])), ("us-east-1".to_owned(), Err(fault(3)))],
        logs: vec![(target("eu-west-1"), log)],
        alarms: vec![(target("eu-west-1"), vec![alarm])],
        changes: vec![CoverageChange::Lost(broken(10), fault(0)), CoverageChange::Back(broken(11))],
        eks: vec![("eu-west-1".to_owned(), Ok(vec![eks_cluster(&texts[OF_ECS..])]))],
        target_queries: vec![(target("eu-west-1"), Ok(queries(&texts[OF_ECS + OF_EKS..])))],
        incidents: incidents(&texts[OF_ECS + OF_EKS + OF_LOGS]),
        known: Some(known(3)),
        ..Estate::default()
    };
    estate.alarms.push((eks_target("eu-west-1"), vec![workload_alarm(&texts[OF_ECS..])]));
    estate.report(&run(), Some(&BEFORE))
}

/// A rule without data. It is only reported, so no text ends up in a command.
fn rule(name: &str, metric: &str) -> RuleRecord {
    let dimensions = Dimensions::new([(metric.to_owned(), metric.to_owned())]);
    let metric = Metric { namespace: metric.to_owned().into(), name: metric.to_owned().into(), dimensions };
    let missing = MissingMetric { metrics: vec![metric], statistic: Statistic::Sum, subjects: 1 };
    let region = "eu-west-1".parse().unwrap();
    RuleRecord {
        rule: name.to_owned(),
        definition: String::new(),
        since: run().time - SignedDuration::from_hours(48),
        notify_after_seconds: None,
        notified: false,
        problem: RuleProblem::NoData { missing, places: vec![RulePlace { name: name.to_owned(), region }] },
    }
}

fn hostile_workload(texts: &[String]) -> Workload {
    Workload { namespace: texts[0].clone(), kind: texts[1].clone(), name: texts[2].clone() }
}

/// An alarm about the workload.
fn workload_alarm(texts: &[String]) -> AlarmRecord {
    let mut alarm = in_alarm("shop", "web", "crash-looping", 1);
    alarm.key.subject = Subject::Workload("shop".parse().unwrap(), hostile_workload(texts));
    alarm
}

/// An EKS cluster with these texts wherever it has free text.
fn eks_cluster(texts: &[String]) -> Eks {
    let text = |n: usize| texts[n].clone();
    let mut one = eks::owner("shop/Deployment/web", 1, (20.0, 40.0));
    one.workload = hostile_workload(texts);
    let pod = &mut one.pods[0];
    (pod.workload, pod.pod) = (one.workload.clone(), text(3));
    (pod.ready, pod.profile, pod.node) = (false, Some(text(5)), Some(text(6)));
    let waiting = |container, reason, message| WaitingContainer { container, reason, message, class: None };
    // The meaning of a reason matters, so a known one is next to it.
    let known = waiting("app".to_owned(), "ErrImagePull".to_owned(), None);
    pod.waiting = vec![waiting(text(7), text(8), Some(text(25))), known];
    (pod.reason, pod.message) = (Some(text(26)), Some(text(27)));
    let end = Termination { container: text(9), reason: text(10), exit_code: 1, finished_at: None };
    pod.terminated.push(end);
    let since = run().time - SignedDuration::from_hours(1);
    pod.pending = Some(PendingPod { since, reason: Some(text(11)), message: Some(text(12)) });
    let throttled = Some(Throttled { container: text(24), percent: 50.0 });
    pod.rates = Some(Box::new(PodRates { throttled, ..PodRates::default() }));
    (pod.logging_disabled, pod.unreadable) = (Some(text(13)), vec![text(14)]);
    let mut cluster = eks::cluster("shop", vec![one]);
    let state = cluster.state.as_mut().unwrap();
    (state.status, state.version, state.metrics_api) =
        (Some(text(15)), Some(text(16)), MetricsApi::Down(text(17)));
    // A finding without a remedy has no block.
    state.findings = vec![eks::finding(&text(18), &format!("x\n  {}\ny", text(19)))];
    let profile = &mut state.profiles.as_mut().unwrap()[0];
    (profile.name, profile.status) = (text(20), text(4).into());
    profile.selectors[0].namespace = text(21);
    let addon = &mut state.addons.as_mut().unwrap()[0];
    (addon.name, addon.issues) = (text(22), vec![text(23)]);
    state.cadvisor = Some(CadvisorState { nodes: 2, unread: 1 });
    cluster.vended = vec![("AWS/EKS", text(20), 1.0, 2.0)];
    cluster
}

/// A saved query with these texts wherever it and its answer have free text.
fn queries(texts: &[String]) -> TargetQueries {
    let text = |n: usize| texts[n].clone();
    let end = run().time;
    let start = end - SignedDuration::from_hours(1);
    let fault = Fault {
        operation: Operation::LogsStartQuery,
        subject: text(9),
        kind: FaultKind::Denied,
        code: text(10),
        message: text(11),
    };
    let table = ResultTable { columns: vec![text(3), text(4)], rows: vec![vec![text(5), text(6)]], more: 1 };
    let answered = QueryFound::Answered {
        matched: 2,
        table: Some(table),
        histogram: Some(Histogram { start, bin_seconds: 300, counts: vec![0.0, 2.0] }),
        lines: vec![LogLine { at: Some(end), group: text(7), text: text(8) }],
    };
    let result = QueryResult {
        name: text(0),
        text: text(1),
        groups: [text(2)].into(),
        start,
        end,
        estimated_bytes: 1,
        bytes_scanned: 1,
        found: answered,
        unattributed: 1,
        faults: vec![CountedFault { fault: fault.clone(), count: 2 }],
    };
    TargetQueries::Asked(AskedQueries {
        results: vec![result],
        left_out: vec![(text(0), Unqueryable::Missing(text(12)))],
        faults: vec![CountedFault { fault, count: 1 }],
        spent: Some(1.0),
        ..AskedQueries::default()
    })
}

/// Whether a character is hidden; most are plain, and this is called some hundred million times.
fn is_hidden(c: char) -> bool {
    !(' '..='~').contains(&c) && message::is_hidden(c)
}

/// The part of a page after its style sheet.
fn body(page: &str) -> &str {
    page.split_once("</style>").unwrap().1
}

/// All tags of a page in order: a text must not change them, but for what is encoded in a link to
/// the console.
fn tags(page: &str) -> Vec<&str> {
    let tags = page.split('<').skip(1).map(|tag| tag.split_once('>').map_or(tag, |(tag, _)| tag));
    let is_ours =
        |tag: &str| tag.starts_with("a href=\"https://eu-west-1.console") && tag.matches('"').count() == 2;
    tags.map(|tag| if is_ours(tag) { "a" } else { tag }).collect()
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let piece = prop::sample::select(vec![
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "</td></table><b>",
        "\" onmouseover=\"x",
        "'",
        "&lt;",
        "&#60;script&#62;",
        "]]>",
        "<!--",
        "\n",
        "\r\n\r\nFLEET, all is well",
        "\t",
        "\0",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "\u{2028}",
        "\u{ad}",
        "\u{e0041}",
        "\u{1f525}",
        "größe",
        "a plain word",
        "{\"kind\":\"alarms\"}",
        "\\",
        "|",
        "=cmd()",
    ]);
    let piece = prop_oneof![4 => piece.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    let text = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat().replace('%', ""));
    prop::collection::vec(text, TEXTS)
}

/// The tags of the same report with harmless texts.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let plain: Vec<String> = (0..TEXTS).map(|n| format!("text-{n}")).collect();
    let page = report_html(&report(&plain));
    assert!(plain.iter().filter(|text| page.contains(*text)).count() >= 30, "most texts must be shown");
    tags(body(&page)).into_iter().map(str::to_owned).collect()
});

/// Lines of the mail that begin at the margin.
const HEADS: [&str; 13] = [
    "STOPPED tasks",
    "FLEET, ",
    "CHANGES since the last report",
    "ACTIVE alarms",
    "SERVICES running without metrics",
    "RULES without data or matches",
    "SERVICES and workloads to check first",
    "EKS clusters and workloads",
    "CONTAINER INSIGHTS",
    "LOG queries",
    "COVERAGE",
    "COST of ",
    "REPORT",
];

fn cases() -> u32 {
    std::env::var("FARGAZE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_text_changes_a_page_or_a_json(texts in texts()) {
        let report = report(&texts);
        let page = report_html(&report);
        let page = body(&page);
        prop_assert!(tags(page) == *TAGS, "the tags of the page changed");
        // Log lines are lines of one block.
        let hidden = page.find(|c| c != '\n' && is_hidden(c)).map(|at| page[..at].chars().rev().take(90).collect::<String>());
        prop_assert!(hidden.is_none(), "behind {}", hidden.unwrap().chars().rev().collect::<String>());
        let json = serde_json::to_string(&report).unwrap();
        prop_assert!(!json.contains(is_hidden));
        prop_assert_eq!(&serde_json::from_str::<Report>(&json).unwrap(), &report);
    }
}

proptest! {
    // A mail takes as long as three pages, and the digest test covers the same path through the
    // message.
    #![proptest_config(ProptestConfig { cases: cases().div_ceil(3), ..ProptestConfig::default() })]

    #[test]
    fn no_text_splits_a_mail(texts in texts()) {
        let report = report(&texts);
        let mail = report_mail(&report, &link(&run()));
        prop_assert!(mail.subject.len() < 100 && mail.subject.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        for line in mail.body.lines() {
            prop_assert!(!line.contains(is_hidden));
            let is_head = HEADS.iter().any(|head| line.starts_with(head)) && !line.contains("all is well");
            prop_assert!(line.is_empty() || line.starts_with("  ") || is_head, "{}", line);
            // Text to copy is indented deeper than everything else and not wrapped.
            let is_copied = line.starts_with("        ");
            prop_assert!(is_copied || line.chars().count() <= 78 || !line.trim().contains(' '), "{}", line);
        }
        prop_assert!(serde_json::from_str::<serde_json::Value>(&mail.json).unwrap().is_object());
        prop_assert!(mail.structured().len() < 256 * 1024);
    }
}
