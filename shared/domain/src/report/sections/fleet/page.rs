//! The fleet in five figures and a chart.

use maud::{Markup, html};

use super::model::Fleet;
use super::{blind_note, since_words};
use crate::report::measured::figures::percent;
use crate::report::section::View;
use crate::report::show::chart;
use crate::text::words::notes;

/// The section.
pub(super) fn section(view: &View<'_>) -> Markup {
    let report = view.report;
    let (fleet, unseen) = (&report.fleet, report.coverage.unseen());
    let is_unseen = !unseen.is_empty();
    let clusters = notes([fleet.by_platform().unwrap_or_default(), unseen]);
    let differences = report.since.as_ref().map(|since| since.differences.len());
    let short = fleet.nothing_running + fleet.short_of_tasks;
    let mut figures = vec![("Clusters", fleet.clusters.to_string(), is_unseen, clusters)];
    if !fleet.is_eks_only() {
        let tasks = notes([format!("of {} running", fleet.desired), fleet.task_notes()]);
        let silent = fleet.running_without_metrics > 0;
        figures.push(("Services", fleet.services.to_string(), silent, averages(fleet)));
        figures.push(("Tasks", fleet.running.to_string(), short > 0, tasks));
    }
    if let Some(eks) = &fleet.eks {
        figures.push(("Workloads", eks.workloads.to_string(), eks.is_bad(), eks.sentence()));
    }
    let alarms = if fleet.alarms > 0 { "in ALARM".to_owned() } else { String::new() };
    let alarms = notes([alarms, blind_note(fleet)]);
    figures.extend([
        ("Alarms", fleet.alarms.to_string(), fleet.alarms > 0, alarms),
        (
            "Changes",
            differences.map_or_else(|| "-".to_owned(), |n| n.to_string()),
            false,
            since_words(report),
        ),
    ]);
    html! {
        dl class=(facts_class(figures.len())) {
            @for (name, figure, is_bad, note) in &figures {
                div {
                    dt { (name) }
                    dd { @if *is_bad { b class="bad" { (figure) } } @else { b { (figure) } } (note) }
                }
            }
        }
        @if fleet.cpu.or(fleet.memory).is_some() {
            (chart::fleet("services", "what their tasks reserve", &fleet.history, &report.window))
        } @else if !fleet.is_eks_only() { p { "No CPU or memory data for any service." } }
    }
}

/// Usually five figures; EKS adds one, and without ECS there are two fewer.
fn facts_class(figures: usize) -> &'static str {
    match figures {
        6 => "facts six",
        4 => "facts four",
        _ => "facts",
    }
}

fn averages(fleet: &Fleet) -> String {
    let known = fleet.cpu.or(fleet.memory).is_some();
    let averages = format!("average memory {}, CPU {}", percent(fleet.memory), percent(fleet.cpu));
    notes([if known { averages } else { String::new() }, fleet.service_notes()])
}
