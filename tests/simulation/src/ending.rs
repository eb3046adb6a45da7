//! What must be so when a world has ended.

use crate::check::Checker;
use crate::clock::Minute;
use crate::model::Kind;
use crate::rule::{Rule, What};
use crate::verdict::State;

/// The first thing that is not as it must be. `rules` are all versions of the user's file.
pub(crate) fn wrong(checker: &Checker, rules: &[Vec<Rule>]) -> Option<String> {
    if let Some(why) = checker.untold() {
        return Some(why);
    }
    let keys: std::collections::BTreeSet<&String> =
        checker.notices.values().map(|notice| &notice.key).collect();
    let in_turn =
        keys.into_iter().find_map(|key| turns(checker, key).or_else(|| reminders(checker, rules, key)));
    in_turn.or_else(|| checker.coverage.keys().find_map(|key| minute_by_minute(checker, rules, key)))
}

/// What begins must not have begun, and what ends must have begun.
fn turns(checker: &Checker, key: &str) -> Option<String> {
    let mut on = false;
    for notice in checker.news_of(key) {
        let was = on;
        match notice.news.kind {
            Kind::Began => on = true,
            Kind::Ended | Kind::Gone => on = false,
            Kind::Reminder if on => continue,
            Kind::Blind | Kind::SeenAgain => continue,
            Kind::Reminder => {}
        }
        // What is gone may have been told as blind only.
        if was == on && notice.news.kind != Kind::Gone {
            return Some(format!("{key}: {:?} comes out of turn", notice.news));
        }
    }
    None
}

/// People are not reminded before it is time.
fn reminders(checker: &Checker, rules: &[Vec<Rule>], key: &str) -> Option<String> {
    let name = key.split_once('#').map_or("", |(rule, _)| rule);
    let every = rules[0].iter().find(|rule| rule.name == name)?.remind;
    let mut last: Option<Minute> = None;
    for notice in checker.news_of(key) {
        let early = last.zip(every).is_none_or(|(last, every)| notice.now - last < every);
        if notice.news.kind == Kind::Reminder && early {
            return Some(format!("{key}: a reminder at {}, after {last:?}", notice.now));
        }
        if matches!(notice.news.kind, Kind::Began | Kind::Reminder) {
            last = Some(notice.now);
        }
    }
    None
}

/// Where points come in time and stay as they are, people must have heard what a judge says who looks every minute,
/// whatever befell the runs. An alarm with a gap cannot be held to it.
fn minute_by_minute(checker: &Checker, rules: &[Vec<Rule>], key: &str) -> Option<String> {
    let (name, subject) = key.split_once('#')?;
    let rule = rules[0].iter().find(|rule| rule.name == name)?;
    let coverage = checker.coverage.get(key)?;
    let kept = rules.iter().all(|rules| rules.contains(rule));
    let plain = rule.maintenance.is_none() && rule.unless.is_none() && !rule.quiet;
    let held = checker.truth.steady
        && kept
        && plain
        && coverage.gaps.is_empty()
        && checker.truth.is_always_there(subject);
    if !held || rule.what == What::NothingRunning {
        return None;
    }
    let (_, until) = coverage.judged?;
    let must = judge(rule, &checker.truth.history(rule.what, subject, rule.period, until));
    let of_turns = |kind: Kind| matches!(kind, Kind::Began | Kind::Ended);
    let heard: Vec<(Kind, Minute)> = checker
        .news_of(key)
        .iter()
        .map(|notice| (notice.news.kind, notice.news.at))
        .filter(|(kind, _)| of_turns(*kind))
        .collect();
    (heard != must).then(|| format!("{key}: people heard {heard:?}\nand should have heard {must:?}"))
}

fn judge(rule: &Rule, history: &[(Minute, Option<f64>)]) -> Vec<(Kind, Minute)> {
    let values: Vec<Option<f64>> = history.iter().map(|(_, value)| *value).collect();
    let range = rule.condition.n + 2;
    let (mut state, mut since, mut told) = (State::Ok, Minute::MIN / 2, Vec::new());
    for (newest, (end, _)) in history.iter().enumerate().skip(range - 1) {
        let mut next = rule.condition.next(&values[newest + 1 - range..=newest], state);
        if state == State::Alarm && end - since < rule.hold {
            next = State::Alarm;
        }
        if next == state {
            continue;
        }
        match (state, next) {
            (_, State::Alarm) => told.push((Kind::Began, *end)),
            (State::Alarm, _) => told.push((Kind::Ended, *end)),
            _ => {}
        }
        (state, since) = (next, *end);
    }
    told
}
