//! The pods of a cluster, folded: kubectl's own figures next to what Fargate provisioned.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::report::sections::eks::counted::PodCounted;
use crate::report::sections::eks::model::EksClusterReport;
use crate::report::sections::eks::pod::{PodReport, PodResource};
use crate::report::show::table::{Wide, cell};
use crate::text::words::count;

/// Head of each table.
fn head(counts: bool) -> String {
    let (first, second) = if counts { COUNTED } else { ("", "") };
    format!(
        "<thead><tr><th scope=col rowspan=2>Pod<th scope=col rowspan=2>Phase<th scope=col rowspan=2>Restarts\
        <th class=g scope=colgroup colspan=3>CPU<th class=g scope=colgroup colspan=3>Memory<th class=g scope=col rowspan=2>Size\
        {first}<th class=t scope=col rowspan=2>More<tr><th class=g scope=col>CPU(cores)<th scope=col>requests<th scope=col>limits\
        <th class=g scope=col>MEMORY(bytes)<th scope=col>requests<th scope=col>limits{second}<tbody>"
    )
}

/// Additional columns for a cluster whose cAdvisor is read.
const COUNTED: (&str, &str) = (
    "<th class=g scope=col rowspan=2>CPU mean<th class=g scope=col rowspan=2>Throttled<th class=g scope=colgroup colspan=2>Network<th class=g scope=colgroup colspan=2>Disk",
    "<th class=g scope=col>in<th scope=col>out<th class=g scope=col>read<th scope=col>written",
);

/// The worst pods; the others are counted.
pub(super) fn folded(cluster: &EksClusterReport, now: Timestamp) -> Markup {
    let EksClusterReport { cluster: name, pods, pods_left_out: left_out, .. } = cluster;
    if pods.is_empty() {
        return html! {};
    }
    let counts = cluster.cadvisor.is_some();
    let shown = match left_out {
        0 => count(pods.len(), "pod"),
        more => format!("The worst {} of {} pods", pods.len(), pods.len() + more),
    };
    let head = head(counts);
    let table = Wide { what: "Pods", class: "k p", head: &head, row: 400 };
    html! {
        details {
            summary { (shown) ", as kubectl shows them" }
            p class="note" {
                "CPU(cores) and MEMORY(bytes) as kubectl top pods prints them. Requests and limits with the percent of the node as \
                 kubectl describe node prints it; on Fargate the node is often larger than the pod's size. The size is what the pod may \
                 use and what is billed."
                @if counts { " CPU mean, throttled, network and disk are what cAdvisor counted between the two newest samples." }
            }
            (table.of(name, pods, |to, pod| row(to, pod, counts, now)))
            @if *left_out > 0 { p class="note" { "... and " (count(*left_out, "more pod")) ", none of them worse." } }
        }
    }
}

fn row(to: &mut String, pod: &PodReport, counts: bool, now: Timestamp) {
    let PodReport { cpu_millicores: cpu, memory_bytes: memory, .. } = pod;
    cell(to, "<tr><th scope=row>", &format!("{}/{}", pod.namespace, pod.pod));
    let is_well = pod.ready || pod.phase.as_str() == "Succeeded";
    let phase = if pod.phase.as_str() == "Running" && !pod.ready { "not ready" } else { pod.phase.as_str() };
    cell(to, if is_well { "<td>" } else { "<td class=w>" }, phase);
    cell(to, "<td>", &pod.restarts.to_string());
    used(to, &pod.top_cpu(), cpu);
    cell(to, "<td>", &PodResource::cpu(cpu.requests, cpu.requests_percent_of_node));
    cell(to, "<td>", &PodResource::cpu(cpu.limits, cpu.limits_percent_of_node));
    used(to, &pod.top_memory(), memory);
    cell(to, "<td>", &PodResource::memory(memory.requests, memory.requests_percent_of_node));
    cell(to, "<td>", &PodResource::memory(memory.limits, memory.limits_percent_of_node));
    cell(to, "<td class=g>", &pod.size());
    if counts {
        counted(to, pod);
    }
    let mut notes = pod.notes(now);
    if !pod.fargate {
        notes.push("not on Fargate".to_owned());
    }
    cell(to, "<td class=t>", &notes.join("; "));
}

fn counted(to: &mut String, pod: &PodReport) {
    let none = PodCounted::default();
    let counted = pod.counted.as_ref().unwrap_or(&none);
    cell(to, "<td class=g>", &counted.mean_cpu());
    cell(to, "<td class=g>", &counted.throttled());
    for (tag, words) in ["<td class=g>", "<td>", "<td class=g>", "<td>"].into_iter().zip(counted.rates()) {
        cell(to, tag, &words);
    }
}

fn used(to: &mut String, words: &str, resource: &PodResource) {
    let is_hot = resource.percent_of_provisioned.is_some_and(|percent| percent >= HOT);
    cell(to, if is_hot { "<td class=\"g w\">" } else { "<td class=g>" }, words);
}

/// Usage in percent of what is provisioned from which a figure is marked.
const HOT: f64 = 90.0;
