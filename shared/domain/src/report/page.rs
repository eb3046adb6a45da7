//! The page: one self-contained file, without scripts and without requests.
//!
//! maud renders the markup and escapes every value; table rows go through `show::table::push`
//! instead.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::model::Report;
use super::section::View;
use super::sections::SECTIONS;
use crate::text::words::utc;

/// Style sheet of the page, without references to other files. Sections add their own.
const STYLE: &str = include_str!("style.css");

/// Allows only the inline style sheet: no script, image, font, form, frame or request.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page, for light and dark screens of any width.
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
                    nav aria-label="Sections of the report" {
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
                    p { "Made by fargaze in run " (report.run.as_str()) ". All times are UTC. The JSON version is next to this page." }
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
