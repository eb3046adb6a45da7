//! Reads the notifications in a message from its text alone.

use crate::clock::hour_and_minute;
use crate::model::{Kind, News};

/// One notification in a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    kind: Kind,
    rule: String,
    /// Empty for alarms that could not be evaluated or have no data: a message names some of them
    /// and counts the rest.
    subject: String,
    /// `HH:MM`; empty where a message does not say.
    at: String,
    late: bool,
}

/// The text that a message must have for a notice. The key of its alarm is `RULE#SUBJECT`.
pub(crate) fn notified(key: &str, news: &News) -> Entry {
    let (rule, subject) = key.split_once('#').unwrap();
    let at = match news.kind {
        Kind::Reminder | Kind::Blind | Kind::NoData => String::new(),
        _ => hour_and_minute(news.at),
    };
    let subject = if matches!(news.kind, Kind::Blind | Kind::NoData) { "" } else { subject };
    // For missing data a message names the rules and counts the alarms.
    let rule = if news.kind == Kind::NoData { "" } else { rule };
    Entry { kind: news.kind, rule: rule.to_owned(), subject: subject.to_owned(), at, late: news.late }
}

/// Titles of a digest's sections. Those about missing data and rules contain no alarms of the
/// model.
const TITLES: [&str; 8] = [
    "COULD NOT BE EVALUATED",
    "NO DATA",
    "RULES WITHOUT DATA",
    "RULES THAT MATCH NOTHING",
    "ENDED",
    "EVALUATED AGAIN",
    "NO LONGER EVALUATED",
    "STILL IN ALARM",
];
/// Sections whose entries report the end of an alarm in the same form.
const ENDINGS: [&str; 3] = ["ENDED", "EVALUATED AGAIN", "NO LONGER EVALUATED"];

/// All notifications in a message, sorted.
pub(crate) fn read(body: &str) -> Vec<Entry> {
    let (mut section, mut entry, mut all) = ("", String::new(), Vec::new());
    for line in body.lines() {
        let title = TITLES.iter().find(|title| line == **title).copied();
        let title = title.map(|title| if ENDINGS.contains(&title) { "ENDED" } else { title });
        if line.starts_with("Checked ") {
            break;
        }
        if title.is_some() || begins(section, line) {
            all.extend(entries(section, &entry));
            entry.clear();
        }
        section = title.unwrap_or(section);
        if title.is_none() && !line.trim().starts_with("... and ") {
            entry.push_str(line.trim());
            entry.push(' ');
        }
        // In these sections an entry ends with its rule.
        let is_whole = section == "NO DATA" && entry.contains(" (rule") && entry.trim_end().ends_with(").");
        if is_whole
            || section == "ENDED"
                && entry.rfind("Rule ").is_some_and(|at| entry[at..].trim_end().ends_with('.'))
        {
            all.extend(entries(section, &entry));
            entry.clear();
        }
    }
    all.extend(entries(section, &entry));
    all.sort();
    all
}

/// How many notices a message leaves to the outcomes.
pub(crate) fn left_out(body: &str) -> usize {
    let counts = body.lines().filter_map(|line| line.trim().strip_prefix("... and "));
    counts.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum()
}

/// Whether a line begins an entry.
fn begins(section: &str, line: &str) -> bool {
    let severity = ["CRITICAL ", "WARNING ", "INFO "].iter().any(|word| line.trim_start().starts_with(word));
    match section {
        "" => severity && !line.starts_with(' '),
        "STILL IN ALARM" => severity,
        "COULD NOT BE EVALUATED" => line.trim_start().starts_with("Rule "),
        _ => false,
    }
}

fn entries(section: &str, entry: &str) -> Vec<Entry> {
    let entry = entry.trim();
    let rule = || word_after(entry, "Rule ").trim_end_matches('.').to_owned();
    match section {
        "" if begins("", entry) => {
            let at = entry.split(", since ").last().unwrap_or_default().split(' ').nth(1).unwrap_or_default();
            let late = entry.contains("Held back until now because of");
            vec![Entry { kind: Kind::Began, rule: rule(), subject: second(entry), at: at.to_owned(), late }]
        }
        "ENDED" if !entry.is_empty() => {
            let kind = if entry.contains("can be evaluated again") {
                Kind::SeenAgain
            } else if entry.contains("is no longer evaluated") {
                Kind::Deleted
            } else {
                Kind::Ended
            };
            let at = entry.rsplit(", at ").next().unwrap_or_default().split(' ').next().unwrap_or_default();
            // An EKS workload follows the name of its cluster.
            let mut words = entry.split(' ');
            let first = words.next().unwrap_or_default();
            let workload = words.next().filter(|word| word.matches('/').count() == 2);
            let subject = workload.map_or(first.to_owned(), |workload| format!("{first} {workload}"));
            vec![Entry { kind, rule: rule(), subject, at: at.to_owned(), late: false }]
        }
        "STILL IN ALARM" if !entry.is_empty() => {
            vec![Entry {
                kind: Kind::Reminder,
                rule: rule(),
                subject: second(entry),
                at: String::new(),
                late: false,
            }]
        }
        "COULD NOT BE EVALUATED" if !entry.is_empty() => {
            let count = word_after(entry, " on ").parse().unwrap_or(0);
            let rule = word_after(entry, "Rule ").to_owned();
            let one =
                Entry { kind: Kind::Blind, rule, subject: String::new(), at: String::new(), late: false };
            vec![one; count]
        }
        "NO DATA" if !entry.is_empty() => {
            // "3 alarms cannot be evaluated (rules ...).", or "1 alarm is closed; ... (rule ...)."
            let before = entry.split(" alarm").next().and_then(|text| text.rsplit(' ').next());
            let count = before.and_then(|count| count.parse().ok()).unwrap_or(0);
            let (rule, subject, at) = (String::new(), String::new(), String::new());
            vec![Entry { kind: Kind::NoData, rule, subject, at, late: false }; count]
        }
        _ => Vec::new(),
    }
}

/// The subject after a severity.
fn second(entry: &str) -> String {
    let behind = entry.split_once(' ').map_or("", |(_, behind)| behind);
    behind.split(": ").next().unwrap_or_default().to_owned()
}

/// The word after the last occurrence of `before`.
fn word_after<'a>(entry: &'a str, before: &str) -> &'a str {
    let from = if before == " on " { entry.find(before) } else { entry.rfind(before) };
    from.and_then(|at| entry[at + before.len()..].split(' ').next()).unwrap_or_default()
}
