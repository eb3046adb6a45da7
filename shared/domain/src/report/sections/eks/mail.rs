//! Clusters of EKS in the mail, with what is amiss of them.

use crate::report::section::View;
use crate::report::show::list::{NAMED, more_in_report};
use crate::text::Block;
use crate::text::words::{count, wrap};

/// Findings of one cluster that the mail tells.
const FINDINGS: usize = 5;

/// A cure: its commands, each on one line however long it is, so that it can be copied. YAML is on the page only.
fn remedy(remedy: &Block) -> String {
    let commands: Vec<&str> = remedy.lines().take_while(|line| !line.ends_with("<<'EOF'")).collect();
    let lines = to_copy(commands.iter().copied());
    match (lines.is_empty(), commands.len() < remedy.lines().count()) {
        (true, false) => String::new(),
        (true, true) => "      Remedy: YAML to be applied, which is on the page.\n".to_owned(),
        (false, true) => format!("      Remedy, and then the YAML that is on the page:\n{lines}"),
        (false, false) => format!("      Remedy:\n{lines}"),
    }
}

fn to_copy<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| ["        ", line, "\n"]).collect()
}

/// The section.
pub(super) fn section(view: &View<'_>) -> String {
    let eks = &view.report.eks;
    let (said, more) = eks.split_at(eks.len().min(NAMED));
    let mut text = String::new();
    for cluster in said {
        let place = view.place(&cluster.account, &cluster.region);
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
            text.push_str(&remedy(&finding.remedy));
        }
        if !more.is_empty() {
            text.push_str(&format!("    ... and {} in the report.\n", count(more.len(), "more finding")));
        }
        cluster.hints.iter().for_each(|hint| text.push_str(&wrap(&hint.sentence(), 4)));
    }
    text + &more_in_report(more.len())
}
