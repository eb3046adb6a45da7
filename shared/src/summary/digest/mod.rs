//! The digest: which alarms began and ended, which could not be judged, and which go on; the worst first.

#[cfg(test)]
mod tests;

use super::words::{clock, count, list, span, utc, wrap};
use super::{CoverageChange, TargetResult, attributes, coverage};
use crate::alarm::{Notice, NoticeKind};
use crate::evaluate::AlarmState;
use crate::message::{Message, harmless};
use crate::metric::Unit;
use crate::rule::Severity;
use crate::run::{Run, Target};

/// Subjects that are named of a rule that could not be judged.
const MOST_NAMED: usize = 5;

/// One notice with its place.
struct News<'a> {
    target: &'a Target,
    notice: &'a Notice,
}

/// All news of a run by what it is about, each the worst first.
struct Sections<'a> {
    began: Vec<News<'a>>,
    blind: Vec<News<'a>>,
    /// Ended, seen again, or gone.
    ended: Vec<News<'a>>,
    reminders: Vec<News<'a>>,
}

/// The message of an alarms run; none if nothing changed that a person should hear of.
pub fn digest(run: &Run, results: &[TargetResult], changes: &[CoverageChange]) -> Option<Message> {
    let mut news: Vec<News<'_>> = results
        .iter()
        .filter_map(|result| result.outcome().map(|outcome| (&result.target, outcome)))
        .flat_map(|(target, outcome)| outcome.notices.iter().map(move |notice| News { target, notice }))
        .collect();
    if news.is_empty() && !coverage::is_news(changes) {
        return None;
    }
    let key =
        |News { notice, .. }: &News<'_>| (notice.severity, notice.subject.clone(), notice.at, notice.kind);
    news.sort_by_key(key);
    let loudest = news.iter().filter(|news| is_open(news.notice.kind)).map(|news| news.notice.severity).min();
    let sections = Sections::of(news);
    let mut body = coverage::news(run.time, changes);
    separate(&mut body);
    sections.began.iter().for_each(|news| body.push_str(&format!("{}\n", begun(news))));
    let rest = [
        ("COULD NOT BE JUDGED", blind(run, &sections.blind)),
        ("ENDED", sections.ended.iter().map(over).collect()),
        ("STILL IN ALARM", sections.reminders.iter().map(|news| still(run, news)).collect()),
    ];
    for (title, text) in rest {
        if !text.is_empty() {
            body.push_str(&format!("{title}\n{text}"));
            separate(&mut body);
        }
    }
    body.push_str(&coverage::paragraph(results));
    body.push_str(&format!(
        "Run {}, about {} to {}.\n",
        run.id,
        utc(run.window.start),
        clock(run.window.end)
    ));
    let severity = loudest.unwrap_or(Severity::Info);
    Some(Message::new(&subject(&sections, changes), &body, attributes(run, severity.as_str())))
}

/// Whether somebody has to do something.
fn is_open(kind: NoticeKind) -> bool {
    matches!(kind, NoticeKind::Began | NoticeKind::Blind | NoticeKind::Reminder)
}

impl<'a> Sections<'a> {
    fn of(news: Vec<News<'a>>) -> Self {
        let (began, blind, ended, reminders) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut sections = Self { began, blind, ended, reminders };
        for news in news {
            let section = match news.notice.kind {
                NoticeKind::Began => &mut sections.began,
                NoticeKind::Blind => &mut sections.blind,
                NoticeKind::Ended | NoticeKind::SeenAgain | NoticeKind::Gone => &mut sections.ended,
                NoticeKind::Reminder => &mut sections.reminders,
            };
            section.push(news);
        }
        sections
    }
}

fn separate(body: &mut String) {
    if !body.is_empty() {
        body.push('\n');
    }
}

/// What matters most, first: it may be all that is read.
fn subject(sections: &Sections<'_>, changes: &[CoverageChange]) -> String {
    let more = |news: &[News<'_>]| match news.len() - 1 {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let Sections { began, blind, ended, reminders } = sections;
    if let Some(first) = began.first() {
        return format!("ALARM {}{} in {}", headline(first.notice), more(began), first.target.region);
    }
    let lost = changes.iter().find_map(|change| match change {
        CoverageChange::Lost(broken, fault) => Some((broken, fault)),
        _ => None,
    });
    if let Some((broken, fault)) = lost {
        return format!("CANNOT SEE {}: {}", broken.name, fault.code);
    }
    if let Some(News { notice, .. }) = blind.first() {
        return format!("CANNOT JUDGE {}: {}{}", notice.subject, notice.rule, more(blind));
    }
    if let Some(News { notice, .. }) = ended.first() {
        let what = match notice.kind {
            NoticeKind::SeenAgain => "can be judged again",
            _ => "ended",
        };
        return format!("OK {}: {} {what}{}", notice.subject, notice.rule, more(ended));
    }
    match reminders.first() {
        Some(first) => format!("STILL {}{}", headline(first.notice), more(reminders)),
        None => "OK everything can be seen again".to_owned(),
    }
}

/// `shop/web: memory 93.1 %`, `shop/web: 2 tasks missing`
fn headline(notice: &Notice) -> String {
    let (subject, label) = (&notice.subject, &notice.label);
    match notice.worst().map(|value| notice.unit.show(value)) {
        Some(value) if notice.unit == Unit::Count => {
            let one = label.strip_prefix("tasks ").filter(|_| value == "1");
            let label = one.map_or_else(|| label.clone(), |rest| format!("task {rest}"));
            format!("{subject}: {value} {label}")
        }
        Some(value) => format!("{subject}: {label} {value}"),
        None => format!("{subject}: {label}"),
    }
}

fn begun(news: &News<'_>) -> String {
    let News { target, notice } = news;
    let mut text = wrap(&format!("{} {}", notice.severity.as_str().to_uppercase(), headline(notice)), 0);
    let mut line = |line: &str| text.push_str(&wrap(line, 2));
    line(&crossed(notice));
    if notice.values.len() > 1 {
        let show =
            |value: &Option<f64>| value.map_or_else(|| "-".to_owned(), |value| notice.unit.show(value));
        let values: Vec<String> = notice.values.iter().map(show).collect();
        line(&format!("Values, the newest last: {}", values.join(", ")));
    }
    if let Some(why) = &notice.why {
        line(&harmless(why));
    }
    line(&format!("In {target}, since {}. Rule {}.", utc(notice.at), harmless(&notice.rule)));
    if let Some(late) = &notice.late {
        line(&format!("Told only now because of {}.", harmless(&late.to_string())));
    }
    if let Some(message) = &notice.message {
        line(&harmless(message));
    }
    line(&console_link(target, notice));
    text
}

/// Why it fired, in one sentence.
fn crossed(notice: &Notice) -> String {
    let (breaching, looked_at) = (notice.breaching().count(), notice.values.len());
    let threshold = notice.unit.show(notice.threshold);
    let compared = notice.comparison.words();
    let minutes = notice.period.seconds() / 60;
    let periods = if minutes == 1 { "minutes".to_owned() } else { format!("periods of {minutes} minutes") };
    let worst = notice.worst().map(|value| notice.unit.show(value)).unwrap_or_default();
    if looked_at == 1 {
        return format!("Threshold: {compared} {threshold}.");
    }
    let missing = notice.values.iter().filter(|value| value.is_none()).count();
    let gaps = if missing > 0 { format!("; {missing} had no data") } else { String::new() };
    if worst.is_empty() {
        return format!(
            "None of the last {looked_at} {periods} had data. Threshold: {compared} {threshold}."
        );
    }
    format!(
        "{breaching} of the last {looked_at} {periods} were {compared} {threshold}; at worst {worst}{gaps}."
    )
}

/// Alarms that could not be judged, one paragraph for each rule: one failing API spoils many.
fn blind(run: &Run, news: &[News<'_>]) -> String {
    let mut text = String::new();
    let mut rest: Vec<&News<'_>> = news.iter().collect();
    while let Some(News { target, notice }) = rest.first() {
        let same = |other: &&News<'_>| other.notice.rule == notice.rule && other.target == *target;
        let (group, others): (Vec<&News<'_>>, Vec<&News<'_>>) = rest.iter().copied().partition(same);
        let names: Vec<String> = group.iter().map(|news| news.notice.subject.to_string()).collect();
        let since = group.iter().filter_map(|news| news.notice.since).min().unwrap_or(notice.at);
        let why = notice.why.as_deref().map(|why| format!(" {}.", harmless(why))).unwrap_or_default();
        let said = format!(
            "Rule {} on {}, for {}, in {target}: {}.{why}",
            harmless(&notice.rule),
            count(names.len(), "subject"),
            span(since, run.window.end),
            list(names.iter().map(String::as_str), MOST_NAMED),
        );
        text.push_str(&wrap(&said, 2));
        rest = others;
    }
    text
}

/// One line about an alarm that ended.
fn over(News { target, notice }: &News<'_>) -> String {
    let after = notice.since.map(|since| format!(" after {}", span(since, notice.at))).unwrap_or_default();
    let now = match (notice.kind, notice.to) {
        (NoticeKind::SeenAgain, _) => "can be judged again".to_owned(),
        (NoticeKind::Gone, _) => "is not judged any more: the service or the rule is gone".to_owned(),
        (_, AlarmState::InsufficientData) => "has no data any more".to_owned(),
        (_, AlarmState::Ok | AlarmState::Alarm) => match notice.values.iter().flatten().next_back() {
            Some(value) => format!("is back at {} {}", notice.label, notice.unit.show(*value)),
            None => "is OK again".to_owned(),
        },
    };
    let (subject, rule) = (&notice.subject, harmless(&notice.rule));
    wrap(&format!("{subject} {now}{after}, at {}, in {target}. Rule {rule}.", clock(notice.at)), 2)
}

/// An alarm that goes on.
fn still(run: &Run, News { target, notice }: &News<'_>) -> String {
    let lasts =
        notice.since.map(|since| format!(", for {}", span(since, run.window.end))).unwrap_or_default();
    let severity = notice.severity.as_str().to_uppercase();
    let rule = harmless(&notice.rule);
    let mut text = wrap(&format!("{severity} {}{lasts}, in {target}. Rule {rule}.", headline(notice)), 2);
    if let Some(why) = &notice.why {
        text.push_str(&wrap(&harmless(why), 4));
    }
    text.push_str(&wrap(&console_link(target, notice), 4));
    text
}

/// The console's page of the service or cluster.
fn console_link(target: &Target, notice: &Notice) -> String {
    let (region, host) = (&target.region, target.region.partition().console_host());
    let cluster = &notice.subject.cluster;
    let place = match &notice.subject.service {
        Some(service) => format!("services/{service}/health"),
        None => "services".to_owned(),
    };
    format!("https://{region}.{host}/ecs/v2/clusters/{cluster}/{place}?region={region}")
}
