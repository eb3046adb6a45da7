//! The digest: which alarms began and ended, the worst first.

use super::words::{clock, span, utc, wrap};
use super::{CoverageChange, TargetResult, attributes, coverage};
use crate::evaluate::AlarmState;
use crate::message::{Message, harmless};
use crate::metric::Unit;
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

/// `shop/web: memory 93.1 %`, `shop/web: 2 tasks missing`
fn headline(change: &Transition) -> String {
    let (subject, label) = (&change.subject, &change.label);
    match change.worst().map(|value| change.unit.show(value)) {
        Some(value) if change.unit == Unit::Count => format!("{subject}: {value} {label}"),
        Some(value) => format!("{subject}: {label} {value}"),
        None => format!("{subject}: {label}"),
    }
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
        return format!("Threshold: {compared} {threshold}.");
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

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
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

    fn change(service: &str, from: AlarmState, to: AlarmState, values: &[f64]) -> Transition {
        Transition {
            id: "id".to_owned(),
            rule: "memory-high".to_owned(),
            severity: Severity::Warning,
            subject: Subject { cluster: "shop".parse().unwrap(), service: Some(service.parse().unwrap()) },
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
            message: Some(
                "Tasks are killed at 100 % of their memory.\nRaise it or look for a leak.".to_owned(),
            ),
        }
    }

    fn results(transitions: Vec<Transition>) -> Vec<TargetResult> {
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
            transitions,
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
}
