//! How containers log, and the log groups that they write to.

pub(crate) mod model;

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::logs::{FindingKind, Impact};
use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::table::of_section;
use crate::text::words::{about_dollars, capital, count, list, size, thousands, wrap};
use model::{LogFindingReport, LogGroupReport, LogsReport};

/// Most places of one kind that the mail names.
const PLACES: usize = 5;
/// A group is named for its growth from this factor on, and from a GB a day on.
const GROWTH: f64 = 1.5;
const GROWN_BYTES: u64 = 1 << 30;

/// How containers log.
pub(crate) struct Logs;

impl Section for Logs {
    fn head(&self, _: &Report) -> Head {
        Head::new("logs", "Logs", "Logs")
    }

    fn mail(&self, view: &View<'_>) -> String {
        let logs = &view.report.logs;
        let mut text = String::new();
        for (kind, found) in by_kind(logs) {
            if kind.impact() == Impact::Note {
                continue;
            }
            let places: Vec<String> = found.iter().map(|finding| place(finding, view)).collect();
            let places = list(places.iter().map(String::as_str), PLACES);
            text.push_str(&wrap(&format!("{}: {places}", capital(kind.title())), 2));
            text.push_str(&wrap(&format!("{}.", capital(kind.why())), 4));
        }
        let notes = logs.findings.iter().filter(|finding| finding.impact == Impact::Note).count();
        let more = match (text.is_empty(), notes) {
            (true, 0) => String::new(),
            (true, notes) => wrap(&format!("{} in the report.", count(notes, "note")), 2),
            (false, 0) => wrap("The report has what to write instead.", 2),
            (false, notes) => {
                wrap(&format!("The report has what to write instead, and {}.", count(notes, "note")), 2)
            }
        };
        text + &more + &sentences(logs).iter().map(|line| wrap(line, 2)).collect::<String>()
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let logs = &view.report.logs;
        if logs.is_empty() {
            return html! {};
        }
        let row = |finding: &LogFindingReport| {
            html! {
                th scope="row" { (capital(finding.kind.title())) }
                td { (place(finding, view)) p class="note" { (capital(finding.kind.why())) "." } }
                td { @if !finding.remedy.is_empty() {
                    pre { @for line in finding.remedy.lines() { (line) "\n" } }
                } }
            }
        };
        let group = |group: &LogGroupReport| {
            html! {
                th scope="row" { (group.name) (view.place(&group.account, &group.region)) }
                td { (kept(group)) }
                td { (received(group)) }
            }
        };
        html! {
            @for line in sentences(logs) { p { (line) } }
            @if logs.findings.is_empty() && logs.containers > 0 && logs.revisions_left == 0 {
                p class="well" { "Nothing is wrong with the log configuration of the audited containers." }
            }
            @if !logs.findings.is_empty() {
                (of_section("logs", "What is wrong with logs", ["What", "Where", "What to write"], &logs.findings, row))
            }
            @if !logs.groups.is_empty() {
                (of_section("logs", "Log groups", ["Log group", "Stored", "Received in a day"], &logs.groups, group))
            }
        }
    }

    fn json(&self, report: &Report) -> Members {
        if report.logs.is_empty() {
            return Vec::new();
        }
        let losses = report.logs.findings.iter().filter(|finding| finding.impact == Impact::Loss);
        let losses: Vec<Value> = losses
            .map(|finding| {
                json!({
                    "account": finding.account, "region": finding.region, "kind": finding.kind,
                    "subject": finding.subject, "container": finding.container, "detail": finding.detail,
                })
            })
            .collect();
        vec![("logs_lost", losses.into())]
    }
}

/// The findings of each kind, the worst first.
fn by_kind(logs: &LogsReport) -> impl Iterator<Item = (FindingKind, &[LogFindingReport])> {
    logs.findings
        .chunk_by(|one, other| one.kind == other.kind)
        .filter_map(|found| Some((found.first()?.kind, found)))
}

/// `shop/web (app: awslogs-group)`, `/ecs/web (4.2 GB stored, about $0.13 a month)`
fn place(finding: &LogFindingReport, view: &View<'_>) -> String {
    let within = match (&finding.container, finding.detail.as_str()) {
        (Some(container), "") => format!(" ({container})"),
        (Some(container), detail) => format!(" ({container}: {detail})"),
        (None, "") => String::new(),
        (None, detail) => format!(" ({detail})"),
    };
    format!("{}{within}{}", finding.subject, view.place(&finding.account, &finding.region))
}

/// How much was audited, what is received and stored, what grows, and what was left out.
fn sentences(logs: &LogsReport) -> Vec<String> {
    let mut lines = Vec::new();
    if logs.containers > 0 {
        lines.push(format!("Audited the log configuration of {}.", count(logs.containers, "container")));
    }
    if !logs.groups.is_empty() {
        lines.push(format!("{}.", volume(&logs.groups)));
    }
    let grown: Vec<String> = logs.groups.iter().filter_map(growth).collect();
    if !grown.is_empty() {
        lines.push(format!("Grown since last week: {}.", list(grown.iter().map(String::as_str), PLACES)));
    }
    if logs.revisions_left > 0 {
        let left = count(logs.revisions_left, "revision");
        lines.push(format!(
            "{left} of task definitions could not be described in time; the next report continues."
        ));
    }
    if !logs.without_role.is_empty() {
        let accounts = list(logs.without_role.iter().map(crate::model::cluster::AccountId::as_str), PLACES);
        lines.push(format!("Not audited: {accounts}, because fargaze.yaml names no role read-logs there."));
    }
    lines
}

/// `34 log groups received 12 GB in a day, about $182 a month, and store 400 GB, about $12 a month`.
/// What is not known is counted.
fn volume(groups: &[LogGroupReport]) -> String {
    let received = sum(groups, |group| group.bytes, |group| group.dollars_received);
    let stored = sum(groups, |group| group.stored_bytes, |group| group.dollars_stored);
    let received = received.map_or_else(
        || "received an amount that is not known".to_owned(),
        |(bytes, month)| format!("received {bytes} in a day, {month}"),
    );
    let store = if groups.len() == 1 { "stores" } else { "store" };
    let stored = stored.map_or_else(
        || format!("{store} an amount that is not known"),
        |(bytes, month)| format!("{store} {bytes}, {month}"),
    );
    format!("{} {received}, and {stored}", count(groups.len(), "log group"))
}

/// `12 GB` and `about $182 a month (not known for 3)`; `None` if it is not known for any group.
fn sum(
    groups: &[LogGroupReport],
    bytes: fn(&LogGroupReport) -> Option<u64>,
    dollars: fn(&LogGroupReport) -> Option<f64>,
) -> Option<(String, String)> {
    let known = groups.iter().filter(|group| bytes(group).is_some()).count();
    let total = size(groups.iter().filter_map(bytes).sum());
    let month = about_dollars(groups.iter().filter_map(dollars).sum());
    let unknown = groups.len() - known;
    let unknown = if unknown > 0 { format!(" (not known for {unknown})") } else { String::new() };
    (known > 0).then(|| (total, format!("about {month} a month{unknown}")))
}

/// `/ecs/web from 2 GB to 9 GB a day`, if it grew much.
#[expect(clippy::cast_precision_loss, reason = "a comparison of gigabytes")]
fn growth(group: &LogGroupReport) -> Option<String> {
    let (now, before) = (group.bytes?, group.bytes_a_week_ago?);
    let is_much = now >= GROWN_BYTES && now as f64 >= before as f64 * GROWTH;
    is_much.then(|| format!("{} from {} to {} a day", group.name, size(before), size(now)))
}

fn kept(group: &LogGroupReport) -> String {
    let stored = group.stored_bytes.map_or_else(|| "not known".to_owned(), size);
    let days = match group.retention_days {
        None => "never expires".to_owned(),
        Some(days) => format!("kept {}", count(usize::try_from(days).unwrap_or(usize::MAX), "day")),
    };
    let class = if group.class.as_str() == "STANDARD" { String::new() } else { format!(", {}", group.class) };
    let key = if group.has_kms_key { ", KMS key" } else { "" };
    format!("{stored}, {days}{class}{key}")
}

fn received(group: &LogGroupReport) -> String {
    let Some((bytes, events)) = group.bytes.zip(group.events) else { return "not known".to_owned() };
    let cost = group.dollars_received.map(|dollars| format!(", about {} a month", about_dollars(dollars)));
    let before = group.bytes_a_week_ago.map(|before| format!("; {} a week ago", size(before)));
    let (cost, before) = (cost.unwrap_or_default(), before.unwrap_or_default());
    format!("{}, {} events{cost}{before}", size(bytes), thousands(events))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(bytes: Option<u64>, stored: Option<u64>) -> LogGroupReport {
        LogGroupReport {
            account: "123456789012".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            name: "/ecs/web".into(),
            class: "STANDARD".into(),
            retention_days: None,
            has_kms_key: false,
            stored_bytes: stored,
            dollars_stored: stored.map(|_| 0.6),
            bytes,
            events: bytes,
            bytes_a_week_ago: bytes,
            dollars_received: bytes.map(|_| 15.0),
        }
    }

    /// What is not known never reads as 0.
    #[test]
    fn an_amount_that_is_not_known_is_said_to_be() {
        let (some, none) = (Some(1 << 30), None);
        for (groups, says) in [
            (
                vec![group(some, some)],
                "1 log group received 1.0 GB in a day, about $15.00 a month, and stores 1.0 GB, about $0.60 a month",
            ),
            (
                vec![group(some, none), group(none, none)],
                "2 log groups received 1.0 GB in a day, about $15.00 a month (not known for 1), and store an amount that is not known",
            ),
            (
                vec![group(none, some)],
                "1 log group received an amount that is not known, and stores 1.0 GB, about $0.60 a month",
            ),
        ] {
            assert_eq!(volume(&groups), says);
        }
    }
}
