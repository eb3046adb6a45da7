//! Sentences and subjects of the digest; whole messages are in
//! `shared/domain/tests/goldens/digest`.

use jiff::SignedDuration;

use super::samples::{body, but, evaluation, notice, now};
use super::*;
use crate::alarms::evaluate::AlarmState;
use crate::alarms::{BrokenTarget, Evaluation, NoticeBody};
use crate::evidence::coverage::Coverage;
use crate::model::fault::{Fault, FaultKind};
use crate::model::metric::Unit;
use crate::model::operation::Operation;
use crate::model::run::{Part, RunKind};
use crate::outcome::{Outcome, OutcomeKind};

fn run() -> Run {
    Run::new(RunKind::Alarms, now(), SignedDuration::from_mins(2), SignedDuration::from_mins(22), None)
}

fn of_kind(kind: NoticeKind, service: &str, values: &[f64]) -> Notice {
    let values = values.iter().map(|&value| value.is_finite().then_some(value)).collect();
    let body = body(kind, Evaluation { values, ..evaluation(service) });
    Notice { from: AlarmState::Alarm, body, ..notice(service) }
}

fn results(notices: Vec<Notice>) -> Vec<TargetResult> {
    let target = Target {
        platform: crate::model::run::Platform::Ecs,
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let outcome = Outcome {
        target: target.clone(),
        coverage: Coverage { clusters: 5, clusters_seen: 5, ..Coverage::default() },
        kind: OutcomeKind::Alarms {
            notices,
            rules: Vec::new(),
            snapshot: String::new(),
            owners: BTreeMap::from([("shop".parse().unwrap(), "team-shop".to_owned())]),
        },
    };
    vec![TargetResult { target, result: Ok(outcome) }]
}

fn notified(notices: Vec<Notice>) -> Message {
    digest(&run(), &results(notices), &[], &[], &DigestLogs::default()).unwrap()
}

#[test]
fn no_message_without_changes() {
    assert_eq!(digest(&run(), &results(Vec::new()), &[], &[], &DigestLogs::default()), None);
}

#[test]
fn the_subject_names_the_most_urgent() {
    for (kind, subject) in [
        (NoticeKind::Began, "ALARM shop/web: memory 93.1 % in eu-west-1"),
        (NoticeKind::Blind, "CANNOT EVALUATE shop/web: memory-high"),
        (NoticeKind::Ended, "OK shop/web: memory-high ended"),
        (NoticeKind::Deleted, "NO LONGER EVALUATED shop/web: memory-high"),
        (NoticeKind::NoData, "NO DATA from shop/web in eu-west-1"),
        (NoticeKind::SeenAgain, "EVALUATED AGAIN shop/web: memory-high is in ALARM"),
        (NoticeKind::Reminder, "STILL shop/web: memory 93.1 %"),
    ] {
        assert_eq!(notified(vec![of_kind(kind, "web", &[93.1])]).subject, subject);
    }
}

#[test]
fn the_subject_of_several_names_as_many_as_fit() {
    let three = |names: [&str; 3]| notified(names.map(notice).to_vec()).subject;
    assert_eq!(
        three(["a", "b", "c"]),
        "ALARM 3 alarms: shop/a memory 93.1 %, shop/b memory 93.1 %, shop/c memory 93.1 %"
    );
    assert_eq!(
        three(["api-gateway", "checkout", "web-frontend"]),
        "ALARM 3 alarms: shop/api-gateway memory 93.1 %, shop/checkout memory 93.1 %, ..."
    );
    let one_and_long = three([&"a".repeat(90), "b", "c"]);
    assert!(one_and_long.starts_with("ALARM 3 alarms: shop/aaa") && one_and_long.ends_with("..."));
    assert_eq!(one_and_long.len(), 99);
}

#[test]
fn the_worst_comes_first_then_the_newest() {
    let (mut old, mut critical) = (notice("old"), notice("down"));
    old.at -= SignedDuration::from_mins(3);
    critical.severity = Severity::Critical;
    critical.at = old.at;
    let body = notified(vec![old, notice("new"), critical]).body;
    let heads: Vec<&str> = body.lines().filter(|line| line.contains(": memory")).collect();
    assert_eq!(
        heads,
        [
            "CRITICAL shop/down: memory 93.1 %",
            "WARNING shop/new: memory 93.1 %",
            "WARNING shop/old: memory 93.1 %"
        ]
    );
}

#[test]
fn advice_is_not_repeated() {
    let advice = Some("Ask the payment team.".to_owned());
    let other = but(notice("pay"), |evaluation| evaluation.message = advice);
    let body = notified(vec![notice("api"), other, notice("web")]).body;
    assert_eq!(body.matches("Tasks are killed").count(), 1);
    assert_eq!(body.matches("Ask the payment team.").count(), 1);
    assert!(body.contains("  What to do: see shop/api above.\n"), "{body}");
}

#[test]
fn why_it_fired_is_one_sentence() {
    let says = |notice: Notice, sentence: &str| {
        let body = notified(vec![notice]).body;
        assert!(body.contains(&format!("\n  {sentence}\n")), "{body}");
    };
    says(notice("web"), "2 of the last 3 minutes were over 80 %; highest 93.1 % at 10:02 UTC.");
    let of = |change: fn(&mut Evaluation)| but(notice("web"), change);
    let low = of(|evaluation| evaluation.comparison = crate::rules::Comparison::LessThanThreshold);
    says(low, "1 of the last 3 minutes was under 80 %; lowest 78 % at 10:00 UTC.");
    let late = of(|evaluation| evaluation.until = now());
    says(late, "2 of the last 3 minutes were over 80 %; highest 93.1 % at 10:04 UTC.");
    let gaps = of_kind(NoticeKind::Began, "web", &[90.0, f64::NAN, 85.0]);
    says(gaps, "2 of the last 3 minutes were over 80 %; highest 90 % at 10:00 UTC; 1 had no");
    let silent = of_kind(NoticeKind::Began, "web", &[f64::NAN, f64::NAN]);
    says(silent, "None of the last 2 minutes had data, which the rule counts as over 80 %.");
    let slow = of(|evaluation| evaluation.period = crate::model::metric::Period::FIVE_MINUTES);
    says(slow, "2 of the last 3 periods of 5 minutes were over 80 %; highest 93.1 % at 09:58");
    let down = of(|evaluation| {
        (evaluation.values, evaluation.unit, evaluation.threshold) = (vec![Some(2.0)], Unit::Count, 0.0);
    });
    says(down, "It was 2 at 10:02 UTC; the rule fires on values over 0.");
}

#[test]
fn the_link_shows_exactly_what_was_evaluated() {
    let link = |region: &str, notice: Notice| {
        let mut results = results(vec![notice]);
        results[0].target.region = region.parse().unwrap();
        let body = digest(&run(), &results, &[], &[], &DigestLogs::default()).unwrap().body;
        body.lines().find(|line| line.starts_with("  https://")).unwrap().trim().to_owned()
    };
    assert_eq!(
        link("eu-west-1", notice("web")),
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#metricsV2?graph=~(metrics~(~(~'AWS\
         *2fECS~'MemoryUtilization~'ClusterName~'shop~'ServiceName~'web))~view~'timeSeries~stacked~false~region~'\
         eu-west-1~stat~'Average~period~60~start~'2026-11-22T08*3a00*3a00Z~end~'2026-11-22T11*3a03*3a00Z\
         ~annotations~(horizontal~(~(label~'memory-high~value~80))))&query=~'*7bAWS*2fECS*2cClusterName\
         *2cServiceName*7d"
    );
    let derived = but(notice("web"), |evaluation| {
        let metrics = &mut evaluation.source.as_mut().unwrap().metrics;
        metrics.push(crate::model::metric::Metric { name: "Other".into(), ..metrics[0].clone() });
    });
    let derived = link("cn-north-1", derived);
    assert!(derived.starts_with("https://cn-north-1.console.amazonaws.cn/cloudwatch/home?"), "{derived}");
    assert!(derived.contains("'web)~(~'AWS*2fECS~'Other~'ClusterName~") && !derived.contains("annotations"));
    assert_eq!(
        link("us-gov-west-1", but(notice("web"), |evaluation| evaluation.source = None)),
        "https://us-gov-west-1.console.amazonaws-us-gov.com/ecs/v2/clusters/shop/services/web/health\
         ?region=us-gov-west-1"
    );
}

/// Issue 13, point 5.
#[test]
fn where_the_console_has_no_public_address_there_is_no_link() {
    let mut results = results(vec![notice("web")]);
    results[0].target.region = "us-iso-east-1".parse().unwrap();
    let body = digest(&run(), &results, &[], &[], &DigestLogs::default()).unwrap().body;
    assert!(!body.contains("https://"), "{body}");
}

#[test]
fn filter_policies_find_the_places_of_the_notices() {
    let reminder = Notice { severity: Severity::Critical, ..of_kind(NoticeKind::Reminder, "api", &[90.0]) };
    let message = notified(vec![notice("web"), reminder]);
    let of = |name: &str| message.attributes[name].value();
    assert_eq!(["kind", "run", "severity"].map(of), ["alarms", "alarms-20261122T100500Z", "critical"]);
    assert_eq!(
        ["account", "region", "cluster", "owner"].map(of),
        [r#"["123456789012"]"#, r#"["eu-west-1"]"#, r#"["shop"]"#, r#"["team-shop"]"#]
    );
    let fault = Fault { kind: FaultKind::Denied, ..Fault::malformed(Operation::EcsListClusters, "", "no") };
    let mut results = results(Vec::new());
    results[0].result = Err(fault.clone());
    let broken = BrokenTarget { name: results[0].target.to_string(), since: now(), notified: true };
    let message =
        digest(&run(), &results, &[CoverageChange::Lost(broken, fault)], &[], &DigestLogs::default())
            .unwrap();
    assert_eq!(message.attributes["severity"].value(), "warning");
    assert_eq!(message.attributes["region"].value(), r#"["eu-west-1"]"#);
    assert!(!message.attributes.contains_key("cluster"));
}

#[test]
fn the_json_contains_everything_in_the_text() {
    let message = notified(vec![notice("web"), of_kind(NoticeKind::Ended, "api", &[50.0])]);
    let json: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    let alarm = &json["alarms"][0];
    assert_eq!((&json["kind"], &json["subject"]), (&"alarms".into(), &message.subject.as_str().into()));
    assert_eq!((&alarm["kind"], &alarm["state"]), (&"began".into(), &"ALARM".into()));
    assert_eq!(alarm["values"], serde_json::json!([78.0, 90.0, 93.1]));
    assert_eq!((&alarm["value"], &alarm["threshold"]), (&93.1.into(), &80.0.into()));
    assert!(message.body.contains(alarm["console"].as_str().unwrap()));
    assert_eq!(json["alarms"][1]["kind"], "ended");
    assert_eq!((&json["coverage"]["clusters"], &json["lost"]), (&5.into(), &serde_json::json!([])));
}

/// Also where there are too many for a paragraph each.
#[test]
fn every_alarm_that_was_held_back_says_so() {
    let late = |number: usize| {
        let notice = notice(&format!("web-{number}"));
        let evaluation = notice.evaluation().unwrap().clone();
        let muted = Some(crate::rules::Mute::Deployment);
        let body = NoticeBody::Began {
            evaluation,
            late: muted,
            why: None,
            pod: None,
            deaths: Vec::new(),
            hidden: Vec::new(),
        };
        Notice { body, ..notice }
    };
    let message = notified((0..25).map(late).collect());
    let text = message.body.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(text.matches("Held back until now because of a deployment.").count(), 25, "{text}");
}
