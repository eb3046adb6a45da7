//! Hostile names, tags and reasons in every message about alarms, sweeps and bad files.

use fargaze::alarms::{BrokenTarget, Notice, NoticeBody, NoticeKind};
use fargaze::config::CONFIG_KEY;
use fargaze::deaths::{Class, DeathSummary};
use fargaze::evidence::coverage::CountedFault;
use fargaze::evidence::pods::NamedPod;
use fargaze::logs::AskedQueries;
use fargaze::logs::excerpt::{AlarmLogs, LogSearch};
use fargaze::logs::query::{LogLine, QueryFound, QueryResult};
use fargaze::model::cluster::ClusterName;
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;
use fargaze::model::run::{BadVersion, RunKind};
use fargaze::model::subject::{Subject, Workload};
use fargaze::notify::{DigestLogs, bad_config_first, digest, sweep};
use fargaze::outcome::{CoverageChange, OutcomeKind, Reconciled, TargetResult};
use fargaze::reconcile::{Aspect, Finding, FindingResult};
use fargaze::rules::{KubernetesMeasure, Mute};
use fargaze::text::message::{Attribute, Message, harmless, is_hidden};
use proptest::prelude::*;
use serde_json::Value;

use crate::hostile::{cases, text};
use crate::scene::{
    because, but, eks_seen, late, memory, now, of_kind, of_pod, run, sampled, seen, service, target,
};

/// As many texts as [`messages`] has places for.
const PLACES: usize = 21;

/// Tasks that died, with this text wherever a third party writes one.
fn death(text: &str) -> DeathSummary {
    let some = || Some(text.to_owned());
    DeathSummary {
        class: Class::Oom,
        deaths: true,
        count: 2,
        since: now(),
        newest: now(),
        advice: "Do something.".to_owned(),
        reason: some(),
        task: some(),
        definition: some(),
        deployment: some(),
        container: some(),
        exit_code: Some(137),
        image: some(),
        digest: some(),
    }
}

/// The digest, the message of a sweep, and a bad file, with these texts wherever a third party
/// writes one.
fn messages(texts: &[String]) -> (Message, Message, BadVersion) {
    let of = |place: usize| texts[place].clone();
    let fault = Fault {
        operation: Operation::EcsListServices,
        subject: of(0),
        kind: FaultKind::Denied,
        code: of(1),
        message: of(2),
    };
    let kinds = [
        NoticeKind::Began,
        NoticeKind::Ended,
        NoticeKind::Reminder,
        NoticeKind::Blind,
        NoticeKind::NoData,
        NoticeKind::SeenAgain,
        NoticeKind::Deleted,
    ];
    let notice = |kind| {
        let notice = memory(service("shop", "web"), &[Some(70.0), None, Some(90.0)]);
        let notice = but(notice, |evaluation| {
            (evaluation.label, evaluation.message) = (of(4), Some(of(5)));
            evaluation.source.as_mut().unwrap().metrics[0].name = of(9).into();
        });
        let mut notice = late(Mute::Unless { rule: of(7) }, because(&of(6), notice));
        (notice.rule, notice.subject) = (of(3), Subject::TaskFamily("shop".parse().unwrap(), of(8)));
        let mut notice = of_kind(kind, notice);
        if let NoticeBody::Began { deaths, hidden, .. } = &mut notice.body {
            (*deaths, *hidden) = (vec![death(&of(20))], vec![of(20)]);
        }
        notice
    };
    let of_workload = |kind| {
        let workload = Workload { namespace: of(12), kind: of(13), name: of(14) };
        let subject = Subject::Workload("shop".parse().unwrap(), workload);
        let sampled = sampled(KubernetesMeasure::PodRestarts, subject, 80.0, &[70.0, 90.0]);
        let pod = NamedPod { name: of(15), container: Some(of(16)) };
        let sampled = Notice { rule: of(3), ..of_pod(pod, because(&of(6), sampled)) };
        of_kind(kind, sampled)
    };
    let on_eks = eks_seen("eu-west-1", 3, kinds.map(of_workload).to_vec());
    let mut result = seen("eu-west-1", 3, kinds.map(notice).to_vec());
    let cluster: ClusterName = "shop".parse().unwrap();
    let finding = |result| Finding {
        now: Some(of(11)),
        unannounced: true,
        silent: true,
        news: true,
        ..Finding::new(Subject::Cluster(cluster.clone()), Some(Aspect::ContainerInsights), result, of(10))
    };
    let outcome = result.result.as_mut().unwrap();
    outcome.coverage.faults = vec![CountedFault { fault: fault.clone(), count: 2 }];
    let mut swept = outcome.clone();
    if let OutcomeKind::Alarms { owners, .. } = &mut outcome.kind {
        owners.insert(cluster.clone(), of(11));
    }
    let findings = vec![
        finding(FindingResult::Failed(fault.clone())),
        finding(FindingResult::Conflict(vec![of(11)])),
        finding(FindingResult::Set),
        finding(FindingResult::Reported),
    ];
    swept.kind = OutcomeKind::Reconciled(Reconciled { findings, dry_run: false });
    let swept = TargetResult { target: swept.target.clone(), result: Ok(swept) };
    let lost = TargetResult { target: target("us-east-1"), result: Err(fault.clone()) };
    let broken = BrokenTarget { name: lost.target.to_string(), since: now(), notified: true };
    let (results, swept) = ([result, on_eks, lost.clone()], [swept, lost]);
    let changes = [CoverageChange::Lost(broken, fault.clone())];
    let line = LogLine { at: None, group: of(17), text: of(18) };
    let search = LogSearch { groups: vec![of(17)], query: of(19), start: now(), end: now() };
    let logs = AlarmLogs { search: Some(search), lines: vec![line], of: of(19), fault: Some(fault.clone()) };
    let alarms = results.iter().filter_map(TargetResult::outcome).flat_map(|outcome| {
        let id = |notice: &Notice| (outcome.target.to_string(), notice.id.clone());
        outcome.notices().iter().map(id).collect::<Vec<_>>()
    });
    let alarms = alarms.map(|key| (key, logs.clone())).collect();
    let queries = vec![(target("eu-west-1"), asked(&of(17), &of(19)))];
    let logs = DigestLogs { alarms, queries };
    let digest = digest(&run(RunKind::Alarms), &results, &changes, &[], &logs).unwrap();
    let sweep = sweep(&run(RunKind::Sweep), &swept, &changes).unwrap();
    (digest, sweep, BadVersion { version: of(0), problems: vec![of(1), of(2)] })
}

/// A saved query with this name that found something in a group.
fn asked(group: &str, name: &str) -> AskedQueries {
    let found = QueryFound::Answered { matched: 3, table: None, histogram: None, lines: Vec::new() };
    let result = QueryResult {
        name: name.to_owned(),
        text: name.to_owned(),
        groups: [group.to_owned()].into(),
        start: now(),
        end: now(),
        estimated_bytes: 0,
        bytes_scanned: 0,
        found,
        unattributed: 0,
        faults: Vec::new(),
    };
    AskedQueries { results: vec![result], ..AskedQueries::default() }
}

/// Meaningless words of the same lengths: different for different texts and equal for equal ones,
/// because a fault does not repeat its code as its message.
fn plain(texts: &[String]) -> Vec<String> {
    let texts: Vec<String> = texts.iter().map(|text| harmless(text)).collect();
    let plain = |text: &String| {
        let first = texts.iter().position(|other| other == text).unwrap();
        let letter = char::from(b"abcdefghijklmnopqrstu"[first]);
        // A percent sign stays on the line of its number.
        let stays = |c: char| c.is_ascii_digit() || " %,.;:)".contains(c);
        text.chars().map(|c| if stays(c) { c } else { letter }).collect()
    };
    texts.iter().map(plain).collect()
}

/// The name of a metric must be exact in a link, so it is URL-encoded there. In a command names are
/// quoted; if one cannot be shown, there is no command.
fn without_links(body: &str) -> Vec<&str> {
    // A link that is too long is replaced by its length, which is that of the encoded name.
    let is_link = |line: &str| {
        let line = line.trim();
        line.contains("/cloudwatch/home?") || line.starts_with("(a link of ") || line == "Logs:"
    };
    body.lines().filter(|line| !is_link(line) && !is_command(line)).collect()
}

fn is_command(line: &str) -> bool {
    ["  Inspect: kubectl --context arn:aws:eks:", "  First, once: aws eks update-kubeconfig --region "]
        .iter()
        .any(|start| line.starts_with(start))
}

fn check(message: &Message) -> Result<(), TestCaseError> {
    let Message { subject, body, json, attributes } = message;
    prop_assert!(!subject.is_empty() && subject.len() < 100, "{subject}");
    prop_assert!(subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{subject}");
    for line in body.lines() {
        let is_link = line.trim_start().starts_with("http") && !line.trim().contains(' ');
        prop_assert!(is_link || is_command(line) || line.chars().count() <= 78, "{line}");
        let is_ours = line.trim_start().starts_with("https://eu-west-1.console");
        prop_assert!(!is_ours || line.trim().bytes().all(|byte| byte.is_ascii_graphic()), "{line}");
        prop_assert!(!line.contains(is_hidden), "{line:?}");
        // Line beginnings reserved for fargaze.
        prop_assert!(!line.starts_with("Bcc:") && !line.starts_with("CRITICAL"), "{line}");
    }
    let whole: Value = serde_json::from_str(json).unwrap();
    prop_assert!(whole.is_object() && !json.contains(is_hidden));
    prop_assert_eq!(&whole["subject"], subject);
    let structured: Value = serde_json::from_str(&message.structured()).unwrap();
    prop_assert_eq!(structured["sqs"].as_str(), Some(json.as_str()));
    prop_assert_eq!(structured["default"].as_str(), Some(body.as_str()));
    let size: usize = attributes.iter().map(|(name, value)| name.len() + value.value().len()).sum();
    prop_assert!(attributes.len() <= 10 && size + message.structured().len() < 256 * 1024);
    for value in attributes.values() {
        prop_assert!(!value.value().is_empty() && !value.value().contains(is_hidden));
        if let Attribute::List(list) = value {
            prop_assert!(!list.is_empty() && list.is_sorted(), "{list:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(PLACES))]
    #[test]
    fn hostile_text_stays_text_in_every_message(texts in prop::collection::vec(text(), PLACES)) {
        let (digest, sweep, bad) = messages(&texts);
        let tamed = messages(&texts.iter().map(|text| harmless(text)).collect::<Vec<_>>());
        let plain = messages(&plain(&texts));
        for (hostile, tamed, plain) in [(&digest, tamed.0, plain.0), (&sweep, tamed.1, plain.1)] {
            check(hostile)?;
            // Hidden characters in a text change nothing, and its visible ones do not change the
            // number of lines.
            prop_assert_eq!(&hostile.subject, &tamed.subject);
            for (line, tamed) in without_links(&hostile.body).iter().zip(without_links(&tamed.body)) {
                prop_assert_eq!(*line, tamed);
            }
            let (lines, plain) = (without_links(&hostile.body).len(), without_links(&plain.body).len());
            prop_assert_eq!(lines, plain, "{}", hostile.body);
        }
        let json: Value = serde_json::from_str(&digest.json).unwrap();
        check(&bad_config_first(&run(RunKind::Alarms), &bad, None))?;
        check(&bad_config_first(&run(RunKind::Alarms), &bad, Some(digest)))?;
        let alarms = json["alarms"].as_array().unwrap();
        let of = |platform: &str| alarms.iter().find(|alarm| alarm["platform"] == platform).unwrap();
        for (member, place) in [("namespace", 12), ("kind", 13), ("name", 14)] {
            let workload = &of("eks")["workload"];
            prop_assert_eq!(&workload[member], &Value::from(harmless(&texts[place])), "{}", member);
        }
        let alarm = of("ecs");
        for (member, place) in [("rule", 3), ("label", 4), ("message", 5), ("why", 6), ("task_family", 8)] {
            prop_assert_eq!(&alarm[member], &Value::from(harmless(&texts[place])), "{}", member);
        }
    }
}

#[test]
fn a_text_that_plays_a_message_of_its_own_stays_in_its_line() {
    let fake = "x\n\nCRITICAL shop/web: memory 99 %\r\nBcc: everyone".to_owned();
    let (digest, sweep, _) = messages(&vec![fake; PLACES]);
    for line in digest.body.lines().chain(sweep.body.lines()) {
        assert!(!line.starts_with("CRITICAL shop/web") && !line.starts_with("Bcc"), "{line}");
    }
    let bad = BadVersion { version: "v2".to_owned(), problems: vec!["a\nb".to_owned()] };
    let body = bad_config_first(&run(RunKind::Alarms), &bad, None).body;
    assert_eq!(body, format!("{CONFIG_KEY} HAS 1 problem; the built-in rules are in force.\n  a b\n"));
}
