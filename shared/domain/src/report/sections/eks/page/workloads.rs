//! The table of the workloads of a cluster.

use maud::{Markup, html};

use crate::report::measured::member::Member;
use crate::report::sections::eks::model::{EksClusterReport, WorkloadReport};
use crate::report::show::table::{Wide, cell, figures, head};

/// The columns after CPU and memory.
const MORE: &str = "<th class=g scope=col rowspan=2>Available<th scope=col rowspan=2>Pods<th scope=col rowspan=2>Restarts\
    <th scope=col rowspan=2>OOM kills";

/// All workloads, or a note that there are none or that they are unknown.
pub(super) fn table(cluster: &EksClusterReport) -> Markup {
    if cluster.workloads.is_empty() {
        let is_known = !cluster.unread && cluster.unlisted.is_empty();
        let words = if is_known { "No workloads." } else { "Workloads not known." };
        return html! { p { (words) } };
    }
    let head = head("Workload", MORE, "");
    let table = Wide { what: "Workloads", class: "k", head: &head, row: 240 };
    html! {
        @if cluster.unread { p class="note" { "These workloads are from an earlier run." } }
        @if let Some(kinds) = cluster.not_listed() {
            p class="note" { (kinds) ": those without pods are missing here, and the desired replicas are not known." }
        }
        (table.of(&cluster.cluster, &cluster.workloads, row))
    }
}

fn row(to: &mut String, workload: &WorkloadReport) {
    cell(to, "<tr><th scope=row>", &workload.path());
    figures(to, workload);
    let is_short = workload.none_runs() || workload.is_short();
    let available = workload.running_of_desired();
    let available = available.map_or_else(|| "-".to_owned(), |(n, desired)| format!("{n} of {desired}"));
    cell(to, if is_short { "<td class=\"g w\">" } else { "<td class=g>" }, &available);
    let is_bad = workload.crash_looping + workload.cannot_start + workload.pending > 0;
    cell(to, marked(is_bad), &pods(workload));
    for (n, is_bad) in [(workload.restarts, false), (workload.oom_kills, true)] {
        let words = n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        cell(to, marked(is_bad && n.is_some_and(|n| n > 0)), &words);
    }
}

fn marked(is_bad: bool) -> &'static str {
    if is_bad { "<td class=w>" } else { "<td>" }
}

/// The number of pods, and of those with problems: `3, 1 crashing`.
fn pods(workload: &WorkloadReport) -> String {
    let mut text = workload.pods.map_or_else(|| "-".to_owned(), |pods| pods.to_string());
    let states = [
        (workload.crash_looping, "crashing"),
        (workload.cannot_start, "stuck"),
        (workload.pending, "pending"),
        (workload.completed, "done"),
    ];
    for (n, what) in states.into_iter().filter(|(n, _)| *n > 0) {
        text.push_str(&format!(", {n} {what}"));
    }
    text
}
