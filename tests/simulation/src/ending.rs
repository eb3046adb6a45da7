//! What must be so when a world has ended.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::check::{Checker, is_of_eks};
use crate::clock::Minute;
use crate::eks;
use crate::model::Kind;
use crate::rule::{Rule, Treat, What};
use crate::verdict::State;

/// The first thing that is not as it must be. `rules` are all versions of the user's file; a point that comes later than
/// `lookback` minutes is lost.
pub(crate) fn wrong(checker: &Checker, rules: &[Vec<Rule>], lookback: Minute) -> Option<String> {
    if let Some(why) = checker.pending() {
        return Some(why);
    }
    let keys: BTreeSet<&String> = checker.notices.values().map(|notice| &notice.key).collect();
    if let Some(why) = unseen(checker, &rules[rules.len() - 1]) {
        return Some(why);
    }
    let in_turn =
        keys.into_iter().find_map(|key| turns(checker, key).or_else(|| reminders(checker, rules, key)));
    in_turn
        .or_else(|| eks::history::wrong(checker, rules))
        .or_else(|| checker.coverage.keys().find_map(|key| minute_by_minute(checker, rules, lookback, key)))
}

/// The inventory is brought up to date every ten minutes: what is there for longer is judged, and what is gone is not.
fn unseen(checker: &Checker, rules: &[Rule]) -> Option<String> {
    let (truth, now) = (&checker.truth, checker.clock);
    let since = now - 10 - truth.every();
    let names = truth.names();
    let is = |name: &str, there: bool| (since..=now).all(|minute| truth.is_there(name, minute) == there);
    // Of EKS and of ECS there may be clusters of one name.
    let there = names.iter().filter(|name| is(name, true)).map(|name| (name.as_str(), false));
    let of_eks = |there: bool| {
        let long = checker.eks.names().filter(move |(_, is, from)| *is == there && *from <= since);
        long.map(|(name, ..)| (name, true))
    };
    let there: Vec<(&str, bool)> = there.chain(of_eks(true)).collect();
    let gone: BTreeSet<&str> = of_eks(false).map(|(name, _)| name).collect();
    let missed = rules.iter().find_map(|rule| {
        let is_of = |(name, is_eks): &&(&str, bool)| {
            rule.what.is_sampled() == *is_eks && rule.what.is_of_cluster() != name.contains('/')
        };
        let mut keys = there.iter().filter(is_of).map(|(name, _)| format!("{}#{name}", rule.name));
        keys.find(|key| checker.planned.get(key) != Some(&now))
    });
    let left = checker.planned.iter().find(|(key, at)| {
        let name = key.split_once('#').map_or("", |(_, name)| name);
        let is_missing = if is_of_eks(key) { gone.contains(name) } else { is(name, false) };
        **at == now && is_missing
    });
    missed
        .map(|key| format!("{key} is not judged, and is there since before {since}"))
        .or_else(|| left.map(|(key, _)| format!("{key} is judged, and is gone since before {since}")))
}

/// What begins must not have begun, and what ends must have begun.
fn turns(checker: &Checker, key: &str) -> Option<String> {
    let (mut on, mut last) = (false, 0);
    let faded =
        |between: Range<usize>| between.into_iter().any(|at| checker.faded.contains(&(key.to_owned(), at)));
    for notice in checker.news_of(key) {
        let was = on && !faded(last + 1..notice.number + 1);
        (on, last) = (was, notice.number);
        match notice.news.kind {
            Kind::Began => on = true,
            Kind::Ended | Kind::Gone => on = false,
            // Where no data can be late, it is the end.
            Kind::NoData if is_of_eks(key) => on = false,
            Kind::Reminder if on => continue,
            Kind::Blind | Kind::NoData | Kind::SeenAgain => continue,
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

/// Whatever befell the runs, people must have heard what a judge says who looks every minute and has all points in time,
/// if nothing keeps the alarm silent and no point changes. What waits for a late point may be notified with a later
/// period. An alarm with a gap cannot be held to it, nor one whose runs are too far apart or whose data is missing for so
/// long that nobody waits for it. "Breaching" and "notBreaching" take a late point for a missing one.
fn minute_by_minute(checker: &Checker, rules: &[Vec<Rule>], lookback: Minute, key: &str) -> Option<String> {
    let (name, subject) = key.split_once('#')?;
    let rule = rules[0].iter().find(|rule| rule.name == name)?;
    let coverage = checker.coverage.get(key)?;
    let kept = rules.iter().all(|rules| rules.contains(rule));
    let plain = rule.maintenance.is_none() && rule.unless.is_empty() && !rule.quiet;
    let truth = &checker.truth;
    let waits = matches!(rule.condition.treat, Treat::Missing | Treat::Ignore);
    let late = truth.lasting && waits && rule.hold == 0 && rule.period == 1;
    let held = (truth.steady || late)
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
    let of_turns = |kind: Kind| matches!(kind, Kind::Began | Kind::Ended);
    let heard: Vec<(Kind, Minute)> = checker
        .news_of(key)
        .iter()
        .map(|notice| (notice.news.kind, notice.news.at))
        .filter(|(kind, _)| of_turns(*kind))
        .collect();
    // The newest points may still come.
    let due = until - if waits { lookback + rule.range() * rule.period } else { 0 };
    let is_so = |(heard, must): (&(Kind, Minute), &(Kind, Minute))| {
        heard.0 == must.0 && if waits { heard.1 >= must.1 } else { heard.1 == must.1 }
    };
    let right = heard.len() <= must.len()
        && heard.iter().zip(&must).all(is_so)
        && must[heard.len()..].iter().all(|(_, at)| *at > due);
    (!right).then(|| {
        format!("{key}: people heard {heard:?}\nand should have heard {must:?}\nuntil {until}, {rule:?}")
    })
}

/// When the alarm begins and ends. It goes on while data is missing.
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
