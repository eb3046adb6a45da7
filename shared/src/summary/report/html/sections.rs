//! The parts of the page before and after the clusters.

use maud::{Markup, html};

use super::chart;
use crate::insights::InsightsLevel;
use crate::summary::posture::{NOT_KNOWN, WHY_SILENT};
use crate::summary::report::mail;
use crate::summary::report::model::{ClusterReport, Fleet, Report};
use crate::summary::report::text::Text;
use crate::summary::report::words::{Places, percent};
use crate::summary::words::{count, span, utc};

/// Rows of a list; the JSON has all of them.
const ROWS: usize = 200;

/// The fleet in five figures and a chart.
pub(super) fn fleet(report: &Report) -> Markup {
    let (fleet, coverage) = (&report.fleet, &report.coverage);
    let lost = coverage.targets.saturating_sub(coverage.targets_seen);
    let unseen = coverage.clusters.saturating_sub(coverage.clusters_seen);
    let differences = report.since.as_ref().map(|since| since.differences.len());
    let short = fleet.nothing_running + fleet.short_of_tasks;
    let mut figures =
        vec![("Clusters", fleet.clusters.to_string(), lost + unseen > 0, clusters_note(report))];
    if !mail::is_eks_only(fleet) {
        let silent = fleet.running_without_metrics > 0;
        figures.push(("Services", fleet.services.to_string(), silent, averages(fleet)));
        figures.push(("Tasks", fleet.running.to_string(), short > 0, mail::task_notes(fleet)));
    }
    if let Some(eks) = &fleet.eks {
        figures.push(("Workloads", eks.workloads.to_string(), eks.is_bad(), eks.sentence()));
    }
    figures.extend([
        ("Alarms", fleet.alarms.to_string(), fleet.alarms > 0, alarm_note(fleet)),
        (
            "Changes",
            differences.map_or_else(|| "-".to_owned(), |n| n.to_string()),
            false,
            mail::since_words(report),
        ),
    ]);
    html! {
        section aria-labelledby="fleet" {
            h2 id="fleet" { "Fleet" }
            @for sight in &report.sight {
                p class=(if sight.back { "back" } else { "cannot" }) {
                    @match &sight.why {
                        Some(why) => { b { "Cannot see " (sight.target.as_str()) } ": " (why.as_str()) "." }
                        None => { b { "Can see " (sight.target.as_str()) " again" } ", after " (span(sight.since, report.time)) "." }
                    }
                }
            }
            dl class=(facts_class(figures.len())) {
                @for (name, figure, is_bad, note) in &figures {
                    div {
                        dt { (name) }
                        dd { @if *is_bad { b class="bad" { (figure) } } @else { b { (figure) } } (note) }
                    }
                }
            }
            @if fleet.cpu.or(fleet.memory).is_some() {
                figure class="fleet" {
                    figcaption {
                        "Mean of all services: " span class="key memory" { "memory" } " and " span class="key cpu" { "CPU" }
                        ", in percent of what their tasks reserve"
                    }
                    (chart::fleet("services", &fleet.history, &report.window))
                }
            } @else if !mail::is_eks_only(fleet) { p { "There are no figures of any service." } }
        }
    }
}

/// Five figures are usual; EKS has one more, and without ECS there are two less.
fn facts_class(figures: usize) -> &'static str {
    match figures {
        6 => "facts six",
        4 => "facts four",
        _ => "facts",
    }
}

fn clusters_note(report: &Report) -> String {
    let notes = [mail::by_platform(&report.fleet).unwrap_or_default(), mail::unseen(report)];
    let notes: Vec<&str> = notes.iter().map(String::as_str).filter(|note| !note.is_empty()).collect();
    notes.join("; ")
}

fn averages(fleet: &Fleet) -> String {
    let notes = [mail::without_figures(fleet), mail::running_without_metrics(fleet)];
    let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    let without = notes.join("; ");
    if fleet.cpu.or(fleet.memory).is_none() {
        return without;
    }
    let without = if without.is_empty() { without } else { format!("; {without}") };
    format!("memory {}, CPU {} on average{}", percent(fleet.memory), percent(fleet.cpu), without)
}

fn alarm_note(fleet: &Fleet) -> String {
    let goes_on = if fleet.alarms > 0 { "in ALARM" } else { "" };
    let blind = if fleet.blind > 0 { format!("{} cannot be judged", fleet.blind) } else { String::new() };
    let both = [goes_on, blind.as_str()].into_iter().filter(|note| !note.is_empty());
    both.collect::<Vec<_>>().join("; ")
}

/// What is different from the report before.
pub(super) fn changes(report: &Report) -> Markup {
    let places = Places::of(report);
    let differences = report.since.as_ref().map(|since| since.differences.as_slice());
    html! {
        section aria-labelledby="changes" {
            h2 id="changes" { "Changes since the last report" }
            @match differences {
                None => p { "There is no earlier report to compare with." },
                Some([]) => p { "Nothing changed that is worth telling." },
                Some(differences) => {
                    div class="scroll" tabindex="0" role="region" aria-labelledby="changes" {
                        table {
                            caption { "Changes since the last report" }
                            thead { tr { th scope="col" { "What" } th scope="col" { "Where" } th scope="col" { "More" } } }
                            tbody {
                                @for difference in differences.iter().take(ROWS) {
                                    tr {
                                        td { (difference.words()) }
                                        th scope="row" {
                                            (difference.subject.as_str())
                                            (places.behind(&difference.account, &difference.region))
                                        }
                                        td { @if let Some(detail) = &difference.detail { (detail.as_str()) } }
                                    }
                                }
                            }
                        }
                    }
                    (more(differences.len()))
                }
            }
        }
    }
}

/// How many rows were left out.
fn more(rows: usize) -> Markup {
    html! {
        @if rows > ROWS { p class="note" { "... and " (rows - ROWS) " more in the JSON beside this page." } }
    }
}

/// Alarms that go on.
pub(super) fn alarms(report: &Report) -> Markup {
    let places = Places::of(report);
    html! {
        section aria-labelledby="alarms" {
            h2 id="alarms" { "Alarms that go on" }
            @if report.alarms.is_empty() {
                p { "None." }
            } @else {
                div class="scroll" tabindex="0" role="region" aria-labelledby="alarms" {
                    table {
                        caption { "Alarms that go on" }
                        thead { tr { th scope="col" { "Where" } th scope="col" { "Rule" } th scope="col" { "State" } } }
                        tbody {
                            @for alarm in report.alarms.iter().take(ROWS) {
                                tr {
                                    th scope="row" {
                                        (alarm.subject.as_str()) (places.behind(&alarm.account, &alarm.region))
                                    }
                                    td { (alarm.rule.as_str()) }
                                    td { (mail::alarm_state(alarm, report.time)) }
                                }
                            }
                        }
                    }
                }
                (more(report.alarms.len()))
            }
            (silent_services(report))
            (rules(report))
        }
    }
}

/// Services that run and have no metrics.
fn silent_services(report: &Report) -> Markup {
    html! {
        @if report.fleet.running_without_metrics > 0 {
            h3 { "Services that run without metrics" }
            ul class="plain" {
                @for (name, words) in mail::silent_services(report).take(ROWS) { li { b { (name) } ": " (words) } }
            }
            (more(report.fleet.running_without_metrics))
            p class="note" { (mail::WHY_WITHOUT_METRICS) }
        }
    }
}

/// Rules that cannot fire.
fn rules(report: &Report) -> Markup {
    html! {
        @if !report.rules.is_empty() {
            h3 { "Rules without data or subject" }
            ul class="plain" {
                @for line in report.rules.iter().take(ROWS) {
                    li {
                        (line.sentences(report.time))
                        @if let Some(command) = line.command() { " " code { (command) } }
                    }
                }
            }
            (more(report.rules.len()))
        }
    }
}

/// How Container Insights stands.
pub(super) fn posture(report: &Report) -> Markup {
    let posture = &report.posture;
    let named = |wanted: fn(&ClusterReport) -> bool| names(report, wanted);
    html! {
        section aria-labelledby="insights" {
            h2 id="insights" { "Container Insights" }
            div class="scroll" tabindex="0" role="region" aria-labelledby="insights" {
                table {
                    caption { "Clusters by level of Container Insights" }
                    thead { tr { th scope="col" { "Clusters that are" } th scope="col" { "Number" } th scope="col" { "Which" } } }
                    tbody {
                        (level("enhanced", posture.enhanced, &named(|cluster| cluster.insights == InsightsLevel::Enhanced)))
                        (level("enabled", posture.enabled, &named(|cluster| cluster.insights == InsightsLevel::Enabled)))
                        (level("disabled", posture.disabled, &named(|cluster| cluster.insights == InsightsLevel::Disabled)))
                        (level("opted out by the tag fargaze = hands-off", posture.opted_out, &named(|cluster| cluster.opted_out)))
                        (level("on, but silent for 3 hours", posture.silent, &named(|cluster| cluster.silent)))
                        (level(NOT_KNOWN, posture.reporting_not_known, &named(ClusterReport::may_be_silent)))
                        (level("put back by others", posture.fights, &named(|cluster| !cluster.fought_by.is_empty())))
                    }
                }
            }
            @if posture.silent > 0 { p class="note" { (WHY_SILENT) } }
            @for cluster in report.clusters.iter().filter(|cluster| !cluster.fought_by.is_empty()).take(ROWS) {
                p class="note" { (fight(cluster)) }
            }
            @if !posture.account_defaults.is_empty() {
                ul class="plain" {
                    @for default in &posture.account_defaults {
                        li {
                            "Account default in " (default.region.as_str()) " (" (default.account.as_str()) "): "
                            (default.level.map_or("could not be read", InsightsLevel::as_str))
                        }
                    }
                }
            }
            @if !posture.changes.is_empty() {
                h3 { "What fargaze changed" }
                ul class="plain" { @for change in posture.changes.iter().take(ROWS) { li { (change.sentence()) } } }
                (more(posture.changes.len()))
            }
        }
    }
}

fn fight(cluster: &ClusterReport) -> String {
    let by: Vec<&str> = cluster.fought_by.iter().map(Text::as_str).collect();
    format!(
        "{} in {} was put back twice by {}, so fargaze leaves it until its wish changes.",
        cluster.cluster,
        cluster.region,
        by.join(", ")
    )
}

fn level(words: &str, clusters: usize, names: &str) -> Markup {
    html! { tr { th scope="row" { (words) } td { (clusters) } td { (names) } } }
}

fn names(report: &Report, wanted: fn(&ClusterReport) -> bool) -> String {
    let names =
        report.clusters.iter().filter(|cluster| wanted(cluster)).map(|cluster| cluster.cluster.as_str());
    crate::summary::words::list(names, 40)
}

/// What was looked at.
pub(super) fn coverage(report: &Report) -> Markup {
    let coverage = &report.coverage;
    html! {
        section aria-labelledby="coverage" {
            h2 id="coverage" { "Coverage" }
            p { (mail::looked_at(report)) }
            @if coverage.problems.is_empty() {
                p class="well" { "Everything that was asked was answered." }
            } @else {
                ul class="plain" {
                    @for problem in coverage.problems.iter().take(ROWS) { li { (mail::problem(problem)) } }
                }
                (more(coverage.problems.len()))
            }
        }
    }
}

/// What fargaze itself used.
pub(super) fn cost(report: &Report) -> Markup {
    html! {
        section aria-labelledby="cost" {
            h2 id="cost" { "Cost of fargaze itself" }
            p { (mail::cost_words(&report.cost)) }
            @if report.cost.usage.is_some() {
                p class="note" {
                    "Metrics are billed at $0.01 per thousand asked for. Not in it: Lambda, storage, and the metrics of Container \
                     Insights itself. Report of " (count(report.clusters.len(), "cluster")) " at " (utc(report.time)) "."
                }
            }
        }
    }
}
