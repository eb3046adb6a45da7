//! The table of the workloads of a cluster.

use maud::{Markup, PreEscaped, html};

use super::super::clusters::{figures, push};
use super::cell;
use crate::summary::report::eks::{EksClusterReport, WorkloadReport};
use crate::summary::report::figures::Utilization;

/// Head of each table.
const HEAD: &str = "<thead><tr><th scope=col rowspan=2>Workload<th class=g scope=colgroup colspan=4>CPU %\
    <th class=g scope=colgroup colspan=4>Memory %<th class=g scope=col rowspan=2>Available<th scope=col rowspan=2>Pods\
    <th scope=col rowspan=2>Restarts<th scope=col rowspan=2>OOM kills<tr><th class=g scope=col>3 h<th scope=col>highest\
    <th scope=col>all<th scope=col>highest<th class=g scope=col>3 h<th scope=col>highest<th scope=col>all<th scope=col>highest\
    <tbody>";

/// All of them, or that there is none.
pub(super) fn table(cluster: &EksClusterReport) -> Markup {
    if cluster.workloads.is_empty() {
        let is_known = !cluster.unread && cluster.unlisted.is_empty();
        let words = if is_known { "It has no workloads." } else { "Its workloads are not known." };
        return html! { p { (words) } };
    }
    let mut text = String::with_capacity(800 + 240 * cluster.workloads.len());
    text.push_str("<table class=k><caption>Workloads of ");
    push(&mut text, cluster.cluster.as_str());
    text.push_str("</caption>");
    text.push_str(HEAD);
    cluster.workloads.iter().for_each(|workload| row(&mut text, workload));
    text.push_str("</table>");
    html! {
        @if cluster.unread { p class="note" { "These are the workloads of an earlier run." } }
        @if let Some(kinds) = cluster.not_listed() {
            p class="note" { (kinds) ": those without pods are missing here, and what replicas are desired is not known." }
        }
        div class="scroll" tabindex="0" role="region" aria-label={ "Workloads of " (cluster.cluster.as_str()) } {
            (PreEscaped(text))
        }
    }
}

fn row(to: &mut String, workload: &WorkloadReport) {
    cell(to, "<tr><th scope=row>", &workload.path());
    utilization(to, workload, &workload.cpu);
    utilization(to, workload, &workload.memory);
    let is_short = workload.none_available() || workload.is_short();
    let available = workload.of_desired().unwrap_or_else(|| "-".to_owned());
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

fn utilization(to: &mut String, workload: &WorkloadReport, figure: &Utilization) {
    if figure.average.or(figure.maximum).is_none() {
        cell(to, "<td class=g colspan=4>", workload.why_none(figure));
    } else {
        figures(to, figure);
    }
}

/// `3`, and what is not well of them: `3, 1 crashing`.
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
