//! What must hold when a world has ended.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::check::{Checker, is_of_eks};
use crate::clock::Minute;
use crate::eks;
use crate::model::Kind;
use crate::rule::{Rule, Treat, What};
use crate::verdict::State;

/// The first violation. `rules` are all versions of the user's file; a point that comes later than
/// `lookback` minutes is lost.
pub(crate) fn wrong(checker: &Checker, rules: &[Vec<Rule>], lookback: Minute) -> Option<String> {
    if let Some(why) = checker.pending() {
        return Some(why);
    }
    let keys: BTreeSet<&String> = checker.notices.values().map(|notice| &notice.key).collect();
    if let Some(why) = unseen(checker, &rules[rules.len() - 1]) {
        return Some(why);
    }
    let by_key =
        keys.into_iter().find_map(|key| order(checker, key).or_else(|| reminders(checker, rules, key)));
    by_key
        .or_else(|| eks::history::wrong(checker, rules))
        .or_else(|| checker.coverage.keys().find_map(|key| minute_by_minute(checker, rules, lookback, key)))
}

/// The inventory is updated every ten minutes: subjects that exist for longer are evaluated, and
/// deleted ones are not.
fn unseen(checker: &Checker, rules: &[Rule]) -> Option<String> {
    let (truth, now) = (&checker.truth, checker.clock);
    let since = now - 10 - truth.every();
    let names = truth.names();
    let is = |name: &str, there: bool| (since..=now).all(|minute| truth.is_there(name, minute) == there);
    // EKS and ECS may have clusters of one name.
    let there = names.iter().filter(|name| is(name, true)).map(|name| (name.as_str(), false));
    let of_eks = |there: bool| {
        let long = checker.eks.names().filter(move |(_, is, from)| *is == there && *from <= since);
        long.map(|(name, ..)| (name, true))
    };
    let there: Vec<(&str, bool)> = there.chain(of_eks(true)).collect();
    let deleted_names: BTreeSet<&str> = of_eks(false).map(|(name, _)| name).collect();
    let missed = rules.iter().find_map(|rule| {
        let is_of = |(name, is_eks): &&(&str, bool)| {
            rule.what.is_sampled() == *is_eks && rule.what.is_of_cluster() != name.contains('/')
        };
        let mut keys = there.iter().filter(is_of).map(|(name, _)| format!("{}#{name}", rule.name));
        keys.find(|key| checker.planned.get(key) != Some(&now))
    });
    let left = checker.planned.iter().find(|(key, at)| {
        let name = key.split_once('#').map_or("", |(_, name)| name);
        let is_missing = if is_of_eks(key) { deleted_names.contains(name) } else { is(name, false) };
        **at == now && is_missing
    });
    missed
        .map(|key| format!("{key} is not evaluated, though it has existed since before {since}"))
        .or_else(|| left.map(|(key, _)| format!("{key} is evaluated, though it was deleted before {since}")))
}

/// An alarm must begin before it ends, and end before it begins again.
fn order(checker: &Checker, key: &str) -> Option<String> {
    let (mut on, mut last) = (false, 0);
    let faded =
        |between: Range<usize>| between.into_iter().any(|at| checker.faded.contains(&(key.to_owned(), at)));
    for notice in checker.news_of(key) {
        let was = on && !faded(last + 1..notice.number + 1);
        (on, last) = (was, notice.number);
        match notice.news.kind {
            Kind::Began => on = true,
            Kind::Ended | Kind::Deleted => on = false,
            // Where no data can be late, it is the end.
            Kind::NoData if is_of_eks(key) => on = false,
            Kind::Reminder if on => continue,
            Kind::Blind | Kind::NoData | Kind::SeenAgain => continue,
            Kind::Reminder => {}
        }
        // A deleted subject may only have been notified as blind.
        if was == on && notice.news.kind != Kind::Deleted {
            return Some(format!("{key}: {:?} comes out of order", notice.news));
        }
    }
    None
}

/// No reminder comes early.
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

/// Whatever happened to the runs, the notifications must match an evaluation every minute with all
/// points in time, if nothing mutes the alarm and no point changes. An alarm that waits for a late
/// point may be notified with a later period. Alarms with a gap are not checked, nor those whose
/// runs are too far apart or whose data is missing for longer than the lookback, or seemed so because
/// its points came late: the notice of missing data has ended such an alarm. "Breaching" and
/// "notBreaching" treat a late point as missing.
fn minute_by_minute(checker: &Checker, rules: &[Vec<Rule>], lookback: Minute, key: &str) -> Option<String> {
    let (name, subject) = key.split_once('#')?;
    let rule = rules[0].iter().find(|rule| rule.name == name)?;
    let coverage = checker.coverage.get(key)?;
    let kept = rules.iter().all(|rules| rules.contains(rule));
    let plain = rule.maintenance.is_none() && rule.unless.is_empty() && !rule.quiet;
    let truth = &checker.truth;
    let waits = matches!(rule.condition.treat, Treat::Missing | Treat::Ignore);
    let late = truth.lasting && waits && rule.hold == 0 && rule.period == 1;
    let has_faded = checker.faded.iter().any(|(faded, _)| faded == key);
    let held = (truth.steady || late)
        && !has_faded
        && kept
        && plain
        && coverage.gaps.is_empty()
        && coverage.hop <= lookback / 2
        && truth.is_always_there(subject);
    if !held || rule.what == What::NothingRunning || rule.what.is_sampled() {
        return None;
    }
    let (_, until) = coverage.judged?;
    let history = truth.history(rule.what, subject, rule.period, until);
    let silence = history.chunk_by(|(_, one), (_, two)| one.is_some() == two.is_some());
    let longest = silence.filter(|chunk| chunk[0].1.is_none()).map(<[_]>::len).max().unwrap_or(0);
    if i64::try_from(longest).unwrap() * rule.period >= lookback - 10 {
        return None;
    }
    let must = judge(rule, &history);
    let is_edge = |kind: Kind| matches!(kind, Kind::Began | Kind::Ended);
    let sent: Vec<(Kind, Minute)> = checker
        .news_of(key)
        .iter()
        .map(|notice| (notice.news.kind, notice.news.at))
        .filter(|(kind, _)| is_edge(*kind))
        .collect();
    // The newest points may still arrive.
    let due = until - if waits { lookback + rule.range() * rule.period } else { 0 };
    let matches = |(sent, must): (&(Kind, Minute), &(Kind, Minute))| {
        sent.0 == must.0 && if waits { sent.1 >= must.1 } else { sent.1 == must.1 }
    };
    let right = sent.len() <= must.len()
        && sent.iter().zip(&must).all(matches)
        && must[sent.len()..].iter().all(|(_, at)| *at > due);
    (!right).then(|| format!("{key}: notified {sent:?}\nexpected {must:?}\nuntil {until}, {rule:?}"))
}

/// When the alarm begins and ends. It stays active while data is missing.
fn judge(rule: &Rule, history: &[(Minute, Option<f64>)]) -> Vec<(Kind, Minute)> {
    let values: Vec<Option<f64>> = history.iter().map(|(_, value)| *value).collect();
    let range = rule.condition.n + 2;
    let (mut state, mut known, mut notified) = (State::Ok, (State::Ok, Minute::MIN / 2), Vec::new());
    for (newest, (end, _)) in history.iter().enumerate().skip(range - 1) {
        let next = rule.condition.next(&values[newest + 1 - range..=newest], state);
        if state == State::Alarm && end - known.1 < rule.hold {
            continue;
        }
        state = next;
        if next == State::Blank || next == known.0 {
            continue;
        }
        notified.push((if next == State::Alarm { Kind::Began } else { Kind::Ended }, *end));
        known = (next, *end);
    }
    notified
}
