//! EKS clusters in the mail, with their problems.

use crate::report::section::View;
use crate::report::show::list::{NAMED, more_in_report};
use crate::text::Block;
use crate::text::words::{count, wrap};

/// Most findings of one cluster that the mail shows.
const FINDINGS: usize = 5;

/// The commands of a remedy, each on one line however long, so that it can be copied. YAML is on
/// the page only.
fn remedy(remedy: &Block) -> String {
    let commands: Vec<&str> = remedy.lines().take_while(|line| !line.ends_with("<<'EOF'")).collect();
    let lines = to_copy(commands.iter().copied());
    match (lines.is_empty(), commands.len() < remedy.lines().count()) {
        (true, false) => String::new(),
        (true, true) => "      Remedy: apply the YAML on the page.\n".to_owned(),
        (false, true) => format!("      Remedy, followed by the YAML on the page:\n{lines}"),
        (false, false) => format!("      Remedy:\n{lines}"),
    }
}

fn to_copy<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| ["        ", line, "\n"]).collect()
}

/// The section.
pub(super) fn section(view: &View<'_>) -> String {
    let eks = &view.report.eks;
    let (shown, more) = eks.split_at(eks.len().min(NAMED));
    let mut text = String::new();
    for cluster in shown {
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
