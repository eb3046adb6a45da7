//! What the mail tells of EKS.

use super::NAMED;
use crate::summary::report::eks::EksFleet;
use crate::summary::report::model::{Fleet, Report, WorstWorkload};
use crate::summary::report::text::Block;
use crate::summary::report::words::Places;
use crate::summary::words::{count, wrap};

/// Findings of one cluster that the mail tells.
const FINDINGS: usize = 5;

/// `, 40 services, 14 workloads`, without what there is none of.
pub(super) fn subjects(fleet: &Fleet) -> String {
    let services = format!(", {}", count(fleet.services, "service"));
    match &fleet.eks {
        None => services,
        Some(EksFleet { clusters, workloads, .. }) => {
            let services = if *clusters == fleet.clusters { String::new() } else { services };
            format!("{services}, {}", count(*workloads, "workload"))
        }
    }
}

pub(super) fn matters(eks: &EksFleet) -> impl Iterator<Item = String> + use<> {
    let matters = [
        (eks.unread > 0).then(|| format!("cannot read {}", count(eks.unread, "EKS cluster"))),
        (eks.none_available > 0).then(|| format!("{} down", count(eks.none_available, "workload"))),
        (eks.crash_looping > 0).then(|| format!("{} crash-looping", count(eks.crash_looping, "pod"))),
    ];
    matters.into_iter().flatten()
}

/// `12`, or `12 (9 ECS, 3 EKS)`.
pub(super) fn clusters(fleet: &Fleet) -> String {
    match by_platform(fleet) {
        Some(both) => format!("{} ({both})", fleet.clusters),
        None => fleet.clusters.to_string(),
    }
}

/// `9 ECS, 3 EKS`; none without EKS.
pub(in crate::summary::report) fn by_platform(fleet: &Fleet) -> Option<String> {
    let eks = fleet.eks.as_ref()?.clusters;
    Some(match fleet.clusters - eks {
        0 => "all EKS".to_owned(),
        ecs => format!("{ecs} ECS, {eks} EKS"),
    })
}

/// Whether there is nothing of ECS to tell.
pub(in crate::summary::report) fn is_eks_only(fleet: &Fleet) -> bool {
    fleet.eks.as_ref().is_some_and(|eks| eks.clusters == fleet.clusters)
}

/// What there is to look at.
pub(in crate::summary::report) fn kinds(report: &Report) -> &'static str {
    match &report.fleet.eks {
        None => "Services",
        Some(_) if is_eks_only(&report.fleet) => "Workloads",
        Some(_) => "Services and workloads",
    }
}

/// The workloads and their pods.
pub(super) fn workloads(eks: &EksFleet) -> String {
    let sentence = eks.sentence();
    let separator = if sentence.starts_with("with ") { "" } else { ";" };
    format!("Workloads: {}{separator} {sentence}.", eks.workloads)
}

/// A workload to look at first.
pub(super) fn one_workload(
    WorstWorkload { account, region, cluster, because, figures, .. }: &WorstWorkload,
    places: Places,
) -> String {
    let place = places.behind(account, region);
    let because: Vec<&str> = because.iter().map(|because| because.words()).collect();
    let because = if because.is_empty() { String::new() } else { format!(": {}", because.join(", ")) };
    let mut text = wrap(&format!("{}{place}{because}", figures.subject(cluster)), 2);
    text.push_str(&wrap(&format!("memory {}", figures.sentence(&figures.memory)), 4));
    text.push_str(&wrap(&format!("CPU {}", figures.sentence(&figures.cpu)), 4));
    text + &wrap(&figures.pods_and_more(), 4)
}

/// A cure: its commands, each on one line however long it is, so that it can be copied. YAML is on the page only.
fn cure(cure: &Block) -> String {
    let commands: Vec<&str> = cure.lines().take_while(|line| !line.ends_with("<<'EOF'")).collect();
    let lines = to_copy(commands.iter().copied());
    match (lines.is_empty(), commands.len() < cure.lines().count()) {
        (true, false) => String::new(),
        (true, true) => "      Cure: YAML to be applied, which is on the page.\n".to_owned(),
        (false, true) => format!("      Cure, and then the YAML that is on the page:\n{lines}"),
        (false, false) => format!("      Cure:\n{lines}"),
    }
}

fn to_copy<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| ["        ", line, "\n"]).collect()
}

/// Clusters of EKS with what is amiss of them.
pub(super) fn section(report: &Report, places: Places) -> String {
    let (told, more) = report.eks.split_at(report.eks.len().min(NAMED));
    if told.is_empty() {
        return String::new();
    }
    let mut text = String::from("EKS\n");
    for cluster in told {
        let place = places.behind(&cluster.account, &cluster.region);
        let api = cluster.metrics_api.words();
        text.push_str(&wrap(
            &format!("{}{place}: {}; Metrics API {api}.", cluster.cluster, cluster.heading()),
            2,
        ));
        if let Some(cadvisor) = &cluster.cadvisor {
            text.push_str(&wrap(&cadvisor.sentence(), 4));
        }
        text.extend(cluster.without_cadvisor().map(|commands| to_copy(commands.lines())));
        let (findings, more) = cluster.findings.split_at(cluster.findings.len().min(FINDINGS));
        for finding in findings {
            text.push_str(&wrap(&finding.problem.to_string(), 4));
            text.push_str(&cure(&finding.cure));
        }
        if !more.is_empty() {
            text.push_str(&format!("    ... and {} in the report.\n", count(more.len(), "more finding")));
        }
        cluster.hints.iter().for_each(|hint| text.push_str(&wrap(&hint.sentence(), 4)));
    }
    if !more.is_empty() {
        text.push_str(&format!("  ... and {} more in the report.\n", more.len()));
    }
    text
}
