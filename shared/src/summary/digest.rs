//! The digest: which alarms began and ended, the worst first.

use super::words::{clock, span, utc, wrap};
use super::{CoverageChange, TargetResult, attributes, coverage};
use crate::evaluate::AlarmState;
use crate::message::{Message, harmless};
use crate::rule::Severity;
use crate::run::{Run, Target};
use crate::transition::Transition;

/// One change with its place.
struct News<'a> {
    target: &'a Target,
    change: &'a Transition,
}

/// The message of an alarms run; none if nothing changed that a person should hear of.
pub fn digest(run: &Run, results: &[TargetResult], changes: &[CoverageChange]) -> Option<Message> {
    let mut news: Vec<News<'_>> = results
        .iter()
        .filter_map(|result| result.outcome().map(|outcome| (&result.target, outcome)))
        .flat_map(|(target, outcome)| outcome.transitions.iter().map(move |change| News { target, change }))
        .collect();
    if news.is_empty() && !coverage::is_news(changes) {
        return None;
    }
    news.sort_by_key(|news| (news.change.severity, news.change.subject.clone(), news.change.at));
    let (began, ended): (Vec<_>, Vec<_>) = news.iter().partition(|news| news.change.to == AlarmState::Alarm);
    let mut body = coverage::news(run.time, changes);
    separate(&mut body);
    began.iter().for_each(|news| body.push_str(&format!("{}\n", begun(news))));
    if !ended.is_empty() {
        body.push_str("ENDED\n");
        ended.iter().for_each(|news| body.push_str(&over(news)));
        separate(&mut body);
    }
    body.push_str(&coverage::paragraph(results));
    body.push_str(&format!(
        "Run {}, about {} to {}.\n",
        run.id,
        utc(run.window.start),
        clock(run.window.end)
    ));
    let severity = began.iter().map(|news| news.change.severity).min().unwrap_or(Severity::Info);
    Some(Message::new(&subject(&began, &ended, changes), &body, attributes(run, severity.as_str())))
}

fn separate(body: &mut String) {
    if !body.is_empty() {
        body.push('\n');
    }
}

/// What matters most, first: it may be all that is read.
fn subject(began: &[&News<'_>], ended: &[&News<'_>], changes: &[CoverageChange]) -> String {
    let more = |rest: usize| {
        if rest > 0 { format!(" and {rest} more") } else { String::new() }
    };
    if let Some(first) = began.first() {
        return format!(
            "ALARM {}{} in {}",
            headline(first.change),
            more(began.len() - 1),
            first.target.region
        );
    }
    let lost = changes.iter().find_map(|change| match change {
        CoverageChange::Lost(broken, fault) => Some((broken, fault)),
        _ => None,
    });
    if let Some((broken, fault)) = lost {
        return format!("CANNOT SEE {}: {}", broken.name, fault.code);
    }
    match ended.first() {
        Some(first) => {
            format!("OK {}: {} ended{}", first.change.subject, first.change.rule, more(ended.len() - 1))
        }
        None => "OK everything can be seen again".to_owned(),
    }
}

/// `shop/web memory 93.1 %`
fn headline(change: &Transition) -> String {
    let value = change.worst().map(|value| format!(" {}", change.unit.show(value))).unwrap_or_default();
    format!("{} {}{value}", change.subject, change.label)
}

fn begun(news: &News<'_>) -> String {
    let News { target, change } = news;
    let mut text = wrap(&format!("{} {}", change.severity.as_str().to_uppercase(), headline(change)), 0);
    text.push_str(&wrap(&why(change), 2));
    let values = change
        .values
        .iter()
        .map(|value| value.map_or_else(|| "-".to_owned(), |value| change.unit.show(value)));
    if change.values.len() > 1 {
        text.push_str(&wrap(
            &format!("Values, the newest last: {}", values.collect::<Vec<_>>().join(", ")),
            2,
        ));
    }
    text.push_str(&wrap(
        &format!("In {target}, since {}. Rule {}.", utc(change.at), harmless(&change.rule)),
        2,
    ));
    if let Some(message) = &change.message {
        text.push_str(&wrap(&harmless(message), 2));
    }
    text.push_str(&wrap(&console_link(target, change), 2));
    text
}

/// Why it fired, in one sentence.
fn why(change: &Transition) -> String {
    let (breaching, looked_at) = (change.breaching().count(), change.values.len());
    let threshold = change.unit.show(change.threshold);
    let compared = change.comparison.words();
    let minutes = change.period.seconds() / 60;
    let periods = if minutes == 1 { "minutes".to_owned() } else { format!("periods of {minutes} minutes") };
    let worst = change.worst().map(|value| change.unit.show(value)).unwrap_or_default();
    if looked_at == 1 {
        return format!("{worst} is {compared} {threshold}.");
    }
    let missing = change.values.iter().filter(|value| value.is_none()).count();
    let gaps = if missing > 0 { format!("; {missing} had no data") } else { String::new() };
    format!(
        "{breaching} of the last {looked_at} {periods} were {compared} {threshold}; at worst {worst}{gaps}."
    )
}

/// One line about an alarm that ended.
fn over(news: &News<'_>) -> String {
    let News { target, change } = news;
    let lasted = change.since.map(|since| format!(" after {}", span(since, change.at))).unwrap_or_default();
    let now = match change.to {
        AlarmState::InsufficientData => "has no data any more".to_owned(),
        AlarmState::Ok | AlarmState::Alarm => match change.values.iter().flatten().next_back() {
            Some(value) => format!("is back at {} {}", change.label, change.unit.show(*value)),
            None => "is OK again".to_owned(),
        },
    };
    let text = format!(
        "{} {now}{lasted}, at {}, in {target}. Rule {}.",
        change.subject,
        clock(change.at),
        harmless(&change.rule)
    );
    wrap(&text, 2)
}

/// The console's page of the service or cluster.
fn console_link(target: &Target, change: &Transition) -> String {
    let (region, host) = (&target.region, target.region.partition().console_host());
    let cluster = &change.subject.cluster;
    let place = match &change.subject.service {
        Some(service) => format!("services/{service}/health"),
        None => "services".to_owned(),
    };
    format!("https://{region}.{host}/ecs/v2/clusters/{cluster}/{place}?region={region}")
}
