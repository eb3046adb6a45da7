//! All clusters together: key figures and changes. The mail begins with it, and the subject uses
//! the same data.

pub(crate) mod collect;
pub(crate) mod model;
mod page;

use std::collections::BTreeMap;

use maud::Markup;
use serde_json::json;

use crate::model::run::Platform;
use crate::report::measured::figures::{History, percent};
use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::sections::changes::model::DifferenceKind;
use crate::text::words::{notes, utc, wrap};
use model::{EksFleet, Fleet};

/// All clusters together.
pub(crate) struct All;

impl Section for All {
    fn head(&self, _: &Report) -> Head {
        Head::new("fleet", "Fleet", "Fleet")
    }

    fn mail_heading(&self, report: &Report) -> String {
        format!("FLEET, {} to {}", utc(report.window.start), utc(report.window.end))
    }

    /// Five lines, or six with EKS.
    fn mail(&self, view: &View<'_>) -> String {
        let report = view.report;
        let fleet = &report.fleet;
        let platforms = fleet.by_platform().map(|both| format!(" ({both})")).unwrap_or_default();
        let clusters = format!("Clusters: {}{platforms}{}", fleet.clusters, view.only_place());
        let mut lines = vec![notes([clusters, report.coverage.unseen()])];
        if !fleet.is_eks_only() {
            lines.push(notes([services(fleet), fleet.service_notes()]));
            lines.push(tasks(fleet));
        }
        lines.extend(fleet.eks.as_ref().map(workloads));
        let blind = blind_note(fleet);
        let blind = if blind.is_empty() { blind } else { format!(", {blind}") };
        let alarms = if fleet.alarms == 0 { "none".to_owned() } else { format!("{} in ALARM", fleet.alarms) };
        lines.push(format!("Alarms: {alarms}{blind}"));
        lines.push(format!("Changes: {}", differences(report)));
        lines.iter().map(|line| wrap(&format!("{line}."), 2)).collect()
    }

    fn page(&self, view: &View<'_>) -> Markup {
        page::section(view)
    }

    /// Without its chart.
    fn json(&self, report: &Report) -> Members {
        let eks = report.fleet.eks.clone().map(|eks| EksFleet { history: History::default(), ..eks });
        let fleet = Fleet { history: History::default(), eks, ..report.fleet.clone() };
        vec![("fleet", json!(fleet))]
    }
}

fn services(fleet: &Fleet) -> String {
    let mut services = format!("Services: {}", fleet.services);
    if fleet.memory.or(fleet.cpu).is_some() {
        let (memory, cpu) = (percent(fleet.memory), percent(fleet.cpu));
        services.push_str(&format!("; average memory {memory}, CPU {cpu}"));
    }
    services
}

fn tasks(fleet: &Fleet) -> String {
    if fleet.services == fleet.tasks_unknown {
        return "Tasks: none known".to_owned();
    }
    notes([format!("Tasks: {} of {} running", fleet.running, fleet.desired), fleet.task_notes()])
}

/// The workloads and their pods.
fn workloads(eks: &EksFleet) -> String {
    let sentence = eks.sentence();
    let separator = if sentence.starts_with("with ") { "" } else { ";" };
    format!("Workloads: {}{separator} {sentence}", eks.workloads)
}

fn blind_note(fleet: &Fleet) -> String {
    if fleet.blind > 0 { format!("{} cannot be evaluated", fleet.blind) } else { String::new() }
}

/// Since when changes are counted.
fn since_words(report: &Report) -> String {
    match &report.since {
        Some(since) => format!("since {}", utc(since.time)),
        None => "no earlier report to compare with".to_owned(),
    }
}

/// The number of changes of each kind.
fn differences(report: &Report) -> String {
    let Some(since) = &report.since else { return since_words(report) };
    let mut counts = BTreeMap::<(DifferenceKind, Platform), usize>::new();
    for difference in &since.differences {
        *counts.entry((difference.kind, difference.platform)).or_default() += 1;
    }
    let words: Vec<String> =
        counts.into_iter().map(|((kind, platform), n)| kind.counted(platform, n)).collect();
    let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    format!("{words} since the last report ({})", utc(since.time))
}
