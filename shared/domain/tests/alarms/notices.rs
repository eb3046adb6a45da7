//! The notifications of an alarm, case by case. Minute 1 is the period that ends at 10:01.

use fargaze::alarms::evaluate::AlarmState;
use fargaze::alarms::{Notice, NoticeKind, Observation, end};
use fargaze::model::series::Reading;
use fargaze::model::subject::Subject;
use fargaze::rules::{AlarmRule, Condition, MissingData, Mute};
use jiff::SignedDuration;

use crate::scene::{Scene, at, default_rule, fault, minute, rules, series, window};

fn scene() -> Scene {
    Scene::new(default_rule("memory-high"))
}

/// Good values, except for these hot minutes.
fn hot(minutes: std::ops::RangeInclusive<i64>) -> impl Fn(i64) -> Option<f64> {
    move |minute| Some(if minutes.contains(&minute) { 93.0 } else { 50.0 })
}

use NoticeKind::{Began, Blind, Deleted, Ended, NoData, Reminder, SeenAgain};

#[test]
fn three_of_five_hot_minutes_are_notified_once() {
    let mut scene = scene();
    assert!(!scene.run(5, hot(8..=99)), "a quiet run remembers nothing");
    assert!(scene.run(12, hot(8..=99)));
    for now in [17, 22, 27] {
        assert!(!scene.run(now, hot(8..=99)), "nothing is written at {now}");
    }
    assert_eq!(scene.sent(), [(Began, 10)]);
    assert_eq!(scene.notified[0].evaluation().unwrap().breaching().count(), 3);
    assert_eq!((scene.notified[0].from, scene.notified[0].to), (AlarmState::Ok, AlarmState::Alarm));
}

#[test]
fn a_notice_knows_its_cloudwatch_query() {
    let mut scene = scene();
    scene.run(12, hot(8..=99));
    let notice = &scene.notified[0];
    let evaluation = notice.evaluation().unwrap();
    let source = evaluation.source.as_ref().unwrap();
    let metrics: Vec<String> = source.metrics.iter().map(ToString::to_string).collect();
    let Subject::Service(cluster, service) = &notice.subject else { panic!() };
    assert_eq!(
        metrics,
        [format!("AWS/ECS MemoryUtilization {{ClusterName={cluster}, ServiceName={service}}}")]
    );
    assert_eq!(source.statistic.as_str(), "Average");
    // Of equal values the newest, with the start of its period: minute 10.
    assert_eq!(evaluation.worst_at(), Some((93.0, at(9))));
}

#[test]
fn a_notice_of_each_kind_reads_what_it_writes() {
    let mut scene = scene();
    scene.run(12, hot(8..=99));
    [17, 22, 27, 32].into_iter().for_each(|now| _ = scene.unread(now));
    scene.run(37, hot(8..=99));
    let closing = end(scene.record.as_ref().unwrap(), at(40)).unwrap().pending;
    let kinds: Vec<_> = scene.notified.iter().chain(&closing).map(Notice::kind).collect();
    assert_eq!(kinds, [Began, Blind, SeenAgain, Deleted]);
    for notice in scene.notified.iter().chain(&closing) {
        let json = serde_json::to_value(notice).unwrap();
        assert_eq!(
            (&json["id"], json["values"].is_array()),
            (&notice.id.clone().into(), notice.kind() != Deleted)
        );
        assert_eq!(serde_json::from_value::<Notice>(json).unwrap(), *notice);
    }
}

#[test]
fn an_alarm_that_begins_and_ends_between_two_runs_gives_both() {
    let mut scene = scene();
    scene.run(0, hot(5..=8));
    scene.run(17, hot(5..=8));
    assert_eq!(scene.sent(), [(Began, 7), (Ended, 11)]);
    assert_eq!(scene.notified[1].since, Some(at(7)));
    assert!(!scene.run(22, hot(5..=8)));
}

#[test]
fn what_was_evaluated_is_never_evaluated_again_by_an_older_window() {
    let mut scene = scene();
    scene.run(17, hot(5..=8));
    let record = scene.record.clone();
    // The older run saw less: for it the alarm is still active, or never began.
    for now in [10, 12, 15] {
        assert!(!scene.run(now, hot(5..=99)), "{now}");
        assert!(!scene.run(now, |_| Some(50.0)), "{now}");
        assert!(!scene.unread(now), "{now}");
    }
    assert_eq!(scene.record, record);
}

#[test]
fn t12_falling_silent_is_no_news_unless_people_know_of_an_alarm() {
    let mut quiet = scene();
    assert!(quiet.run(12, |minute| (minute < 0).then_some(50.0)));
    assert_eq!(quiet.record.as_ref().unwrap().memory.state, AlarmState::InsufficientData);
    (17..90).step_by(5).for_each(|now| _ = quiet.run(now, |minute| (minute < 0).then_some(50.0)));
    assert_eq!(quiet.sent(), []);
    let mut alarm = scene();
    alarm.run(12, hot(5..=99));
    (17..90).step_by(5).for_each(|now| _ = alarm.run(now, |minute| (minute < 12).then_some(93.0)));
    // Silent since minute 11; the second run that finds the whole range of seven empty says so,
    // once.
    assert_eq!(alarm.sent(), [(Began, 7), (NoData, 25)]);
    assert_eq!((alarm.notified[1].to, alarm.notified[1].since), (AlarmState::InsufficientData, Some(at(11))));
    let memory = &alarm.record.as_ref().unwrap().memory;
    assert_eq!((memory.state, memory.notified), (AlarmState::InsufficientData, AlarmState::Ok));
}

#[test]
fn a_hold_keeps_a_flapping_value_one_alarm() {
    let mut scene =
        Scene::new(AlarmRule { hold: SignedDuration::from_mins(30), ..default_rule("memory-high") });
    let flapping = |minute: i64| Some(if (5..30).contains(&minute) && minute % 10 < 5 { 93.0 } else { 50.0 });
    for now in (0..60).step_by(5) {
        scene.run(now, flapping);
    }
    // Hot minutes in 5..=9 do not count, 10..=14 and 20..=24 do: without the hold two alarms.
    assert_eq!(scene.sent(), [(Began, 12), (Ended, 42)]);
}

#[test]
fn a_hold_keeps_no_alarm_that_was_never_notified() {
    let hold = SignedDuration::from_mins(120);
    let mut scene = Scene::new(AlarmRule { hold, ..default_rule("memory-high") });
    for now in [12, 17] {
        scene.muted(now, Some(Mute::Deployment), hot(8..=14));
    }
    for now in [22, 27] {
        scene.run(now, hot(8..=14));
    }
    assert_eq!(scene.sent(), []);
}

#[test]
fn a_clear_threshold_keeps_a_value_between_both_in_alarm() {
    let rule = default_rule("memory-high");
    let condition = Condition { clear_threshold: Some(70.0), ..rule.condition };
    let mut scene = Scene::new(AlarmRule { condition, ..rule });
    let falling =
        |minute: i64| Some(if minute < 5 { 50.0 } else { f64::from(i32::try_from(100 - minute).unwrap()) });
    for now in (0..60).step_by(5) {
        scene.run(now, falling);
    }
    // Over 80 until minute 19, over 70 until minute 29; both thresholds need three of five.
    assert_eq!(scene.sent(), [(Began, 7), (Ended, 32)]);
}

#[test]
fn a_muted_alarm_is_notified_late_with_its_true_beginning_and_the_reason() {
    let mut scene = scene();
    for now in [12, 17, 22] {
        scene.muted(now, Some(Mute::Deployment), hot(8..=99));
    }
    assert_eq!(scene.sent(), []);
    assert!(scene.run(27, hot(8..=99)));
    assert_eq!(scene.sent(), [(Began, 10)]);
    assert_eq!(scene.notified[0].late(), Some(&Mute::Deployment));
    assert!(
        scene.notified[0].evaluation().unwrap().until > scene.notified[0].at,
        "the values are the newest, not those of its begin"
    );
    scene.run(47, hot(8..=40));
    assert_eq!(scene.sent()[1], (Ended, 43));
}

#[test]
fn a_muted_alarm_that_is_over_when_the_silence_ends_is_never_notified() {
    let mut scene = scene();
    scene.muted(12, Some(Mute::Deployment), hot(8..=14));
    scene.muted(17, Some(Mute::Deployment), hot(8..=14));
    for now in [22, 27] {
        scene.run(now, hot(8..=14));
    }
    assert_eq!(scene.sent(), []);
}

#[test]
fn the_end_of_a_notified_alarm_is_notified_even_in_silence() {
    let mut scene = scene();
    scene.run(12, hot(8..=14));
    scene.muted(22, Some(Mute::Maintenance), hot(8..=14));
    assert_eq!(scene.sent(), [(Began, 10), (Ended, 17)]);
}

#[test]
fn a_maintenance_window_counts_for_the_period_and_not_for_the_run() {
    // 10:10 to 10:20 UTC, every day.
    let yaml = "
rules:
  - name: hot
    what: memory-percent
    threshold: 80 %
    comparison: GreaterThanThreshold
    evaluation-periods: 5
    datapoints-to-alarm: 3
    maintenance:
      - { cron: '10 10 * * *', duration: 10m }
";
    let rule = rules(yaml).remove(0);
    // Both runs come after the maintenance window; the alarm of the first ended in it.
    let mut over = Scene::new(rule.clone());
    over.run(22, hot(9..=12));
    assert_eq!(over.sent(), []);
    let mut lasting = Scene::new(rule);
    lasting.run(25, hot(9..=99));
    assert_eq!(lasting.sent(), [(Began, 11)]);
    assert_eq!(lasting.notified[0].late(), Some(&Mute::Maintenance));
}

#[test]
fn a_reminder_is_sent_when_the_last_notification_is_old_enough_and_not_while_muted() {
    let remind_every = Some(SignedDuration::from_mins(30));
    let mut scene = Scene::new(AlarmRule { remind_every, ..default_rule("memory-high") });
    for now in (10..=100).step_by(5) {
        let mute = (40..50).contains(&now).then_some(Mute::Deployment);
        scene.muted(now, mute, hot(5..=999));
        scene.muted(now, None, hot(5..=999));
    }
    let sent: Vec<_> = scene.sent();
    assert_eq!(sent, [(Began, 7), (Reminder, 38), (Reminder, 68), (Reminder, 98)]);
    assert_eq!(scene.notified[3].since, Some(at(7)));
    let mut silent = Scene::new(AlarmRule { remind_every, ..default_rule("memory-high") });
    for now in (10..=60).step_by(5) {
        silent.muted(now, (now > 10 && now < 55).then_some(Mute::Deployment), hot(5..=999));
    }
    assert_eq!(silent.sent(), [(Began, 7), (Reminder, 53)]);
    let mut never = Scene::new(AlarmRule { remind_every: None, ..default_rule("memory-high") });
    for now in (10..=6000).step_by(5) {
        never.run(now, hot(5..=9999));
    }
    assert_eq!(never.sent(), [(Began, 7)]);
}

#[test]
fn could_not_ask_is_neither_ok_nor_alarm_and_is_notified_when_it_lasts() {
    let mut scene = scene();
    scene.run(12, hot(8..=99));
    for now in [17, 22, 27, 32] {
        scene.unread(now);
        assert_eq!(scene.record.as_ref().unwrap().memory.state, AlarmState::Alarm);
    }
    scene.run(37, hot(8..=99));
    scene.run(42, hot(8..=99));
    // The range is seven minutes; blind since minute 15.
    assert_eq!(scene.sent(), [(Began, 10), (Blind, 25), (SeenAgain, 35)]);
    assert!(scene.notified[1].why().unwrap().contains("the connection was cut"));
    assert_eq!(scene.notified[2].since, Some(at(15)));
}

#[test]
fn an_alarm_that_is_ok_is_blind_too_and_forgotten_when_it_is_seen() {
    let mut scene = scene();
    scene.unread(12);
    scene.run(17, |_| Some(50.0));
    assert_eq!(scene.sent(), [], "one failed run is not notified");
    assert!(scene.record.as_ref().unwrap().is_over());
    for now in [22, 27, 32] {
        scene.unread(now);
    }
    scene.run(37, |_| Some(50.0));
    assert_eq!(scene.sent(), [(Blind, 30), (SeenAgain, 35)]);
    assert!(scene.record.unwrap().is_over());
}

#[test]
fn what_happened_while_blind_is_notified_afterwards() {
    let mut scene = scene();
    scene.unread(12);
    scene.unread(17);
    scene.run(22, hot(8..=11));
    assert_eq!(scene.sent(), [(Began, 10), (Ended, 14)]);
}

#[test]
fn a_gap_in_a_partial_answer_is_not_taken_for_missing_data() {
    let mut scene = scene();
    scene.run(7, hot(3..=99));
    let window = window(&scene.rule, 17, 15);
    let half = series(&window, |minute| (minute < 8).then_some(93.0));
    scene.see(17, &Observation::of(&Reading::Partial(half.clone(), fault())));
    assert_eq!(scene.record.as_ref().unwrap().memory.state, AlarmState::Alarm);
    assert_eq!(scene.record.as_ref().unwrap().memory.blind.unwrap().since, at(15));
    scene.see(17, &Observation::of(&Reading::Complete(half)));
    assert_eq!(scene.record.as_ref().unwrap().memory.state, AlarmState::InsufficientData);
}

#[test]
fn a_whole_range_in_a_partial_answer_is_evaluated() {
    let mut scene = scene();
    let window = window(&scene.rule, 12, 15);
    let whole = series(&window, hot(8..=99));
    scene.see(12, &Observation::of(&Reading::Partial(whole, fault())));
    assert_eq!(scene.sent(), [(Began, 10)]);
}

#[test]
fn samples_that_were_never_taken_end_no_alarm_and_begin_none() {
    for treat_missing_data in
        [MissingData::Missing, MissingData::Breaching, MissingData::NotBreaching, MissingData::Ignore]
    {
        let rule = AlarmRule {
            condition: Condition { treat_missing_data, ..default_rule("memory-high").condition },
            ..default_rule("memory-high")
        };
        let mut stays_active = Scene::new(rule.clone());
        let mut is_fine = Scene::new(rule.clone());
        let mut ended_unseen = Scene::new(rule);
        for now in [7, 12, 17, 22, 27, 32, 37] {
            stays_active.sampled(now, hot(8..=99), 13..=25);
            is_fine.sampled(now, hot(99..=99), 13..=25);
            ended_unseen.sampled(now, hot(8..=20), 13..=25);
        }
        let blind = [(Blind, 25), (SeenAgain, 30)];
        assert_eq!(stays_active.sent(), [&[(Began, 10)], &blind[..]].concat(), "{treat_missing_data:?}");
        assert_eq!(is_fine.sent(), blind, "{treat_missing_data:?}");
        let ended = [(Began, 10), (Blind, 25), (Ended, 28), (SeenAgain, 30)];
        assert_eq!(ended_unseen.sent(), ended, "{treat_missing_data:?}");
    }
}

#[test]
fn a_single_sample_that_was_not_taken_is_no_news() {
    let rule = AlarmRule {
        condition: Condition {
            evaluation_periods: 3,
            datapoints_to_alarm: 3,
            ..default_rule("memory-high").condition
        },
        ..default_rule("memory-high")
    };
    let mut scene = Scene::new(rule);
    for now in 7..=40 {
        scene.sampled(now, hot(8..=99), 14..=14);
    }
    assert_eq!(scene.sent(), [(Began, 10)]);
    assert_eq!(scene.record.unwrap().memory.blind, None);
}

#[test]
fn a_deleted_subject_gets_a_closing_notification_only_if_its_alarm_was_notified() {
    let mut notified = scene();
    notified.run(12, hot(8..=99));
    let closed = end(notified.record.as_ref().unwrap(), at(20)).unwrap();
    let kinds: Vec<NoticeKind> = closed.pending.iter().map(Notice::kind).collect();
    assert_eq!(kinds, [Deleted]);
    assert_eq!(closed.pending[0].since, Some(at(10)));
    assert_eq!(end(&closed, at(25)), None, "once");
    let mut silent = scene();
    silent.muted(12, Some(Mute::Deployment), hot(8..=99));
    let closed = end(silent.record.as_ref().unwrap(), at(20)).unwrap();
    assert!(closed.is_over() && closed.pending.is_empty());
}

#[test]
fn two_runs_at_once_make_the_same_notices() {
    let remind_every = Some(SignedDuration::from_mins(30));
    let rule = AlarmRule { remind_every, ..default_rule("memory-high") };
    let ids = |times: &[i64]| {
        let mut scene = Scene::new(rule.clone());
        times.iter().for_each(|&now| _ = scene.run(now, hot(5..=60)));
        scene.notified.iter().map(|notice: &Notice| notice.id.clone()).collect::<Vec<_>>()
    };
    // Each run of the second history comes one minute later than in the first.
    assert_eq!(ids(&[10, 40, 80]), ids(&[10, 45, 75]));
    assert_eq!(ids(&[10, 40, 80]).len(), 3);
}

#[test]
fn a_slow_rule_is_evaluated_at_the_ends_of_its_own_periods() {
    let rule =
        AlarmRule { period: fargaze::model::metric::Period::FIVE_MINUTES, ..default_rule("memory-high") };
    let mut scene = Scene::new(rule);
    for now in (0..=60).step_by(5) {
        let window = window(&scene.rule, now, 15).in_periods(scene.rule.period);
        let points = series(&window, |minute| Some(if minute > 10 { 93.0 } else { 50.0 }));
        scene.see(now, &Observation::of(&Reading::Complete(points)));
    }
    // Periods from minute 10 on are hot; the third of them ends at minute 25.
    assert_eq!(scene.notified.iter().map(|n| minute(n.at)).collect::<Vec<_>>(), [25]);
}
