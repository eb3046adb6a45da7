//! The page: one self-contained file without a script, which asks nobody for anything.
//!
//! Markup is made by maud, which escapes whatever is put into it; the rows of the tables have their own single way.

mod chart;
mod clusters;
mod eks;
mod sections;
mod worst;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::model::Report;
use super::words::Places;
use crate::summary::words::utc;

/// Style sheet of the page; it names no other file.
const STYLE: &str = include_str!("style.css");
/// What it needs beside that for EKS.
const EKS_STYLE: &str = include_str!("eks.css");

/// Nothing but the style sheet within the page: no script, no picture, no font, no form, no frame, no request.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// One self-contained page, for light and dark screens of any width.
pub fn report_html(report: &Report) -> String {
    page(report).into_string()
}

fn page(report: &Report) -> Markup {
    let place = Places::of(report).only(report);
    let with_pods = !report.eks.is_empty();
    let with_services = !with_pods || !report.clusters.is_empty();
    let parts = PARTS.into_iter().filter(|(id, _)| match *id {
        "eks" => with_pods,
        "clusters" | "insights" => with_services,
        _ => true,
    });
    let window = format!("{} to {}{place}", utc(report.window.start), utc(report.window.end));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "fargaze report, " (utc(report.window.end)) }
                style { (PreEscaped(STYLE)) @if with_pods { (PreEscaped(EKS_STYLE)) } }
            }
            body {
                a class="skip" href="#fleet" { "Skip to the report" }
                header {
                    p { (title(with_services, with_pods)) }
                    h1 { (report.window.end.strftime("%-d %B %Y").to_string()) }
                    p { (window) }
                    nav aria-label="Parts of the report" {
                        ul {
                            @for (id, words) in parts { li { a href={ "#" (id) } { (words) } } }
                        }
                    }
                }
                main {
                    (sections::fleet(report))
                    (sections::changes(report))
                    (sections::alarms(report))
                    (worst::section(report))
                    @if with_services { (clusters::section(report)) }
                    @if with_pods { (eks::section(report)) }
                    @if with_services { (sections::posture(report)) }
                    (sections::coverage(report))
                    (sections::cost(report))
                }
                footer {
                    p { "Made by fargaze in run " (report.run.as_str()) ". All times are UTC. The same as JSON lies beside this page." }
                }
            }
        }
    }
}

fn title(with_services: bool, with_pods: bool) -> &'static str {
    match (with_services, with_pods) {
        (true, false) => "fargaze report on ECS",
        (false, _) => "fargaze report on EKS",
        (true, true) => "fargaze report on ECS and EKS",
    }
}

/// Parts of the page, for its navigation.
const PARTS: [(&str, &str); 8] = [
    ("changes", "Changes"),
    ("alarms", "Alarms"),
    ("worst", "To look at first"),
    ("clusters", "Clusters and services"),
    ("eks", "EKS"),
    ("insights", "Container Insights"),
    ("coverage", "Coverage"),
    ("cost", "Cost"),
];
