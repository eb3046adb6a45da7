//! The page: one self-contained file without a script, which asks nobody for anything.
//!
//! Markup is made by maud, which escapes whatever is put into it; the rows of the tables have their own single way.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::model::Report;
use super::section::View;
use super::sections::SECTIONS;
use crate::text::words::utc;

/// Style sheet of the page; it names no other file. Sections have more.
const STYLE: &str = include_str!("style.css");

/// Nothing but the style sheet within the page: no script, no picture, no font, no form, no frame, no request.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// One self-contained page, for light and dark screens of any width.
pub fn report_html(report: &Report) -> String {
    page(report).into_string()
}

fn page(report: &Report) -> Markup {
    let view = View::of(report);
    let shown = SECTIONS.iter().map(|section| (*section, section.page(&view)));
    let shown = shown.filter(|(_, content)| !content.0.is_empty());
    let shown: Vec<_> =
        shown.map(|(section, content)| (section.head(report), section.style(), content)).collect();
    let window = format!("{} to {}{}", utc(report.window.start), utc(report.window.end), view.only_place());
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
                style { (PreEscaped(STYLE)) @for (_, style, _) in &shown { (PreEscaped(style)) } }
            }
            body {
                a class="skip" href="#fleet" { "Skip to the report" }
                header {
                    p { (title(report)) }
                    h1 { (report.window.end.strftime("%-d %B %Y").to_string()) }
                    p { (window) }
                    nav aria-label="Parts of the report" {
                        ul { @for (head, ..) in &shown { li { a href={ "#" (head.id) } { (head.name) } } } }
                    }
                }
                main {
                    @for (head, _, content) in &shown {
                        section aria-labelledby=(head.id) {
                            h2 id=(head.id) { (head.title) }
                            (content)
                        }
                    }
                }
                footer {
                    p { "Made by fargaze in run " (report.run.as_str()) ". All times are UTC. The same as JSON lies beside this page." }
                }
            }
        }
    }
}

fn title(report: &Report) -> &'static str {
    match (report.shows_ecs(), report.eks.is_empty()) {
        (_, true) => "fargaze report on ECS",
        (false, false) => "fargaze report on EKS",
        (true, false) => "fargaze report on ECS and EKS",
    }
}
