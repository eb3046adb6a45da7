//! The configuration of a cluster, and its problems.

use maud::{Markup, PreEscaped, html};

use crate::report::sections::eks::model::EksClusterReport;
use crate::report::sections::eks::setup::{AddonReport, MetricsApiState, ProfileReport};
use crate::report::show::table::push;
use crate::text::{Block, Text};

/// Problems with their remedies, ready to be copied.
pub(super) fn findings(cluster: &EksClusterReport) -> Markup {
    html! {
        @for finding in &cluster.findings {
            div class="finding" {
                p { (finding.problem.as_str()) }
                @if !finding.remedy.is_empty() { pre tabindex="0" { (lines(&finding.remedy)) } }
            }
        }
    }
}

/// The lines, joined by line breaks that no untrusted text can contain.
fn lines(block: &Block) -> Markup {
    let mut markup = String::new();
    for (i, line) in block.lines().enumerate() {
        if i > 0 {
            markup.push_str("&#10;");
        }
        push(&mut markup, line);
    }
    PreEscaped(markup)
}

/// The warning that cAdvisor is read.
pub(super) fn cadvisor(cluster: &EksClusterReport) -> Markup {
    html! {
        @if let Some(cadvisor) = &cluster.cadvisor { p { (cadvisor.sentence()) } }
        @if let Some(commands) = cluster.without_cadvisor() { pre tabindex="0" { (lines(&commands)) } }
    }
}

/// What could be better or cheaper.
pub(super) fn hints(cluster: &EksClusterReport) -> Markup {
    html! {
        @if !cluster.hints.is_empty() {
            ul class="plain" { @for hint in &cluster.hints { li { (hint.sentence()) } } }
        }
    }
}

/// Metrics API, nodes, profiles, add-ons and logs.
pub(super) fn facts(cluster: &EksClusterReport) -> Markup {
    let is_down = matches!(cluster.metrics_api.state, MetricsApiState::Missing | MetricsApiState::Down);
    let logs = cluster.logs.as_ref().map(|logs| {
        let logs: Vec<&str> = logs.iter().map(|log| log.as_str()).collect();
        if logs.is_empty() { "none on".to_owned() } else { logs.join(", ") }
    });
    let profiles = cluster.profiles.as_ref().map(|profiles| joined(profiles.iter().map(profile)));
    let addons = cluster.addons.as_ref().map(|addons| joined(addons.iter().map(addon)));
    let is_degraded = cluster.addons.iter().flatten().any(has_issues);
    let facts = [
        ("Metrics API", Some(cluster.metrics_api.words()), is_down),
        ("Nodes", cluster.nodes(), false),
        ("Fargate profiles", profiles, false),
        ("Add-ons", addons, is_degraded),
        ("Control-plane logs", logs, false),
    ];
    let facts =
        facts.map(|(name, words, is_bad)| (name, words.unwrap_or_else(|| "not known".to_owned()), is_bad));
    html! {
        @if cluster.status.is_some() {
            dl {
                @for (name, words, is_bad) in facts {
                    div { dt { (name) } dd { @if is_bad { b class="w" { (words) } } @else { (words) } } }
                }
            }
        }
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn profile(profile: &ProfileReport) -> String {
    let selectors: Vec<&str> = profile.selectors.iter().map(Text::as_str).collect();
    let what = if selectors.len() == 1 { "namespace" } else { "namespaces" };
    format!("{}{} ({what} {})", profile.name, unless_active(&profile.status), selectors.join("; "))
}

fn unless_active(status: &Text) -> String {
    if status.as_str() == "ACTIVE" { String::new() } else { format!(" {status}") }
}

fn has_issues(addon: &AddonReport) -> bool {
    !addon.issues.is_empty()
}

fn addon(addon: &AddonReport) -> String {
    let version = addon.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let issues: Vec<&str> = addon.issues.iter().map(Text::as_str).collect();
    let issues = if issues.is_empty() { String::new() } else { format!(" ({})", issues.join("; ")) };
    format!("{}{version}{}{issues}", addon.name, unless_active(&addon.status))
}
