//! What the digest looks like.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::alarm::Mute;
use crate::metric::Period;
use crate::outcome::{Coverage, Outcome};
use crate::rule::{Comparison, Subject};
use crate::run::{Part, RunKind};
use crate::summary::words::WIDTH;

fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

fn run() -> Run {
    Run::new(RunKind::Alarms, now(), SignedDuration::from_mins(2), SignedDuration::from_mins(22), None)
}

fn change(service: &str, from: AlarmState, to: AlarmState, values: &[f64]) -> Notice {
    Notice {
        id: "id".to_owned(),
        kind: if to == AlarmState::Alarm { NoticeKind::Began } else { NoticeKind::Ended },
        rule: "memory-high".to_owned(),
        severity: Severity::Warning,
        subject: Subject {
            cluster: "shop".parse().unwrap(),
            service: Some(service.parse().unwrap()),
            task_family: None,
        },
        from,
        to,
        at: now() - SignedDuration::from_mins(2),
        since: (from == AlarmState::Alarm).then(|| now() - SignedDuration::from_mins(67)),
        label: "memory".to_owned(),
        unit: Unit::Percent,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 80.0,
        values: values.iter().map(|&value| value.is_finite().then_some(value)).collect(),
        period: Period::MINUTE,
        message: Some("Tasks are killed at 100 % of their memory.\nRaise it or look for a leak.".to_owned()),
        late: None,
        why: None,
    }
}

fn results(notices: Vec<Notice>) -> Vec<TargetResult> {
    let target = Target {
        account: "123456789012".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    let coverage = Coverage {
        clusters: 5,
        clusters_seen: 5,
        services: 7,
        metrics: 14,
        with_data: 12,
        without_data: 2,
        ..Coverage::default()
    };
    let outcome = Outcome {
        target: target.clone(),
        coverage,
        notices,
        insights: Vec::new(),
        account_default: None,
        dry_run: false,
        snapshot: None,
    };
    vec![TargetResult { target, result: Ok(outcome) }]
}

#[test]
fn nothing_changed_is_no_message() {
    assert_eq!(digest(&run(), &results(Vec::new()), &[]), None);
}

#[test]
fn a_digest_reads_like_this() {
    let hot = change("web", AlarmState::Ok, AlarmState::Alarm, &[78.0, 81.25, f64::NAN, 90.0, 93.1]);
    let over = change("api", AlarmState::Alarm, AlarmState::Ok, &[85.0, 60.0, 58.0, 57.0, 55.5]);
    let mut down = change("cart", AlarmState::Ok, AlarmState::Alarm, &[2.0]);
    (down.rule, down.severity, down.label) =
        ("nothing-running".to_owned(), Severity::Critical, "tasks missing".to_owned());
    (down.unit, down.threshold, down.message) = (Unit::Count, 0.0, None);
    let message = digest(&run(), &results(vec![hot, over, down]), &[]).unwrap();
    assert_eq!(message.subject, "ALARM shop/cart: 2 tasks missing and 1 more in eu-west-1");
    assert_eq!(message.attributes["severity"], "critical");
    assert_eq!(
        message.body,
        "\
CRITICAL shop/cart: 2 tasks missing
  Threshold: over 0.
  In eu-west-1 (123456789012), since 2026-11-22 10:03 UTC. Rule
  nothing-running.
  https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/cart/health?region=eu-west-1

WARNING shop/web: memory 93.1 %
  3 of the last 5 minutes were over 80 %; at worst 93.1 %; 1 had no data.
  Values, the newest last: 78 %, 81.2 %, -, 90 %, 93.1 %
  In eu-west-1 (123456789012), since 2026-11-22 10:03 UTC. Rule memory-high.
  Tasks are killed at 100 % of their memory. Raise it or look for a leak.
  https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web/health?region=eu-west-1

ENDED
  shop/api is back at memory 55.5 % after 1 hour 5 minutes, at 10:03 UTC, in
  eu-west-1 (123456789012). Rule memory-high.

Looked at 5 of 5 clusters with 7 services. Of 14 metrics asked, 12 had data
and 2 had none.
Run alarms-20261122T100500Z, about 2026-11-22 09:41 UTC to 10:03 UTC.
"
    );
    let links = |line: &&str| !line.trim_start().starts_with("https://");
    assert!(message.body.lines().filter(links).all(|line| line.chars().count() <= WIDTH));
}

fn of_kind(kind: NoticeKind, service: &str, values: &[f64]) -> Notice {
    let (from, to) = (AlarmState::Alarm, AlarmState::Alarm);
    Notice { kind, message: None, ..change(service, from, to, values) }
}

#[test]
fn late_blind_and_lasting_alarms_read_like_this() {
    let mut late = change("web", AlarmState::Ok, AlarmState::Alarm, &[90.0, 91.0]);
    (late.late, late.message) = (Some(Mute::Deployment), None);
    let mut lasting = of_kind(NoticeKind::Reminder, "cart", &[2.0]);
    (lasting.rule, lasting.severity, lasting.label) =
        ("nothing-running".to_owned(), Severity::Critical, "tasks missing".to_owned());
    (lasting.unit, lasting.threshold) = (Unit::Count, 0.0);
    lasting.why = Some("ECS says: its deployment is IN_PROGRESS, 12 tasks failed.".to_owned());
    let blind = |service| Notice {
        since: Some(now() - SignedDuration::from_mins(17)),
        why: Some("cloudwatch:GetMetricData: Throttling".to_owned()),
        ..of_kind(NoticeKind::Blind, service, &[])
    };
    let seen = of_kind(NoticeKind::SeenAgain, "pay", &[50.0]);
    let gone = of_kind(NoticeKind::Gone, "old", &[]);
    let notices = vec![lasting, blind("api"), seen, gone, late, blind("auth")];
    let message = digest(&run(), &results(notices), &[]).unwrap();
    assert_eq!(message.subject, "ALARM shop/web: memory 91 % in eu-west-1");
    assert_eq!(message.attributes["severity"], "critical", "an alarm that goes on counts");
    assert_eq!(
        message.body.split("Looked at").next().unwrap(),
        "\
WARNING shop/web: memory 91 %
  2 of the last 2 minutes were over 80 %; at worst 91 %.
  Values, the newest last: 90 %, 91 %
  In eu-west-1 (123456789012), since 2026-11-22 10:03 UTC. Rule memory-high.
  Told only now because of a deployment.
  https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/web/health?region=eu-west-1

COULD NOT BE JUDGED
  Rule memory-high on 2 subjects, for 15 minutes, in eu-west-1 (123456789012):
  shop/api, shop/auth. cloudwatch:GetMetricData: Throttling.

ENDED
  shop/old is not judged any more: the service or the rule is gone after 1
  hour 5 minutes, at 10:03 UTC, in eu-west-1 (123456789012). Rule memory-high.
  shop/pay can be judged again after 1 hour 5 minutes, at 10:03 UTC, in
  eu-west-1 (123456789012). Rule memory-high.

STILL IN ALARM
  CRITICAL shop/cart: 2 tasks missing, for 1 hour 5 minutes, in eu-west-1
  (123456789012). Rule nothing-running.
    ECS says: its deployment is IN_PROGRESS, 12 tasks failed.
    https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shop/services/cart/health?region=eu-west-1

"
    );
}

#[test]
fn the_subject_says_what_matters_most() {
    let of = |notice: Notice| digest(&run(), &results(vec![notice]), &[]).unwrap().subject;
    for (kind, subject) in [
        (NoticeKind::Blind, "CANNOT JUDGE shop/web: memory-high"),
        (NoticeKind::Ended, "OK shop/web: memory-high ended"),
        (NoticeKind::Gone, "OK shop/web: memory-high ended"),
        (NoticeKind::SeenAgain, "OK shop/web: memory-high can be judged again"),
        (NoticeKind::Reminder, "STILL shop/web: memory 93.1 %"),
    ] {
        assert_eq!(of(of_kind(kind, "web", &[93.1])), subject);
    }
}
