//! What the saved queries of logs found.

pub(crate) mod model;

use maud::{Markup, html};
use serde_json::json;

use crate::report::section::{Head, Members, Report, Section, View};
use crate::report::show::chart::bars;
use crate::text::sparkline::sparkline;
use crate::text::words::{clock, count, dollars, list, size, span, utc, wrap};
use model::{HistogramReport, LineReport, QueryReport, matched};

/// Rows of a table, and lines, that the mail shows.
const ROWS: usize = 3;
const LINES: usize = 3;

/// What saved queries found.
pub(crate) struct Queries;

impl Section for Queries {
    fn head(&self, _: &Report) -> Head {
        Head::new("log-queries", "Log queries", "Log queries")
    }

    fn mail(&self, view: &View<'_>) -> String {
        let queries = &view.report.queries;
        let text: String = queries.results.iter().map(|query| in_mail(query, view)).collect();
        text + &sentences(view).iter().map(|line| wrap(line, 2)).collect::<String>()
    }

    fn page(&self, view: &View<'_>) -> Markup {
        let queries = &view.report.queries;
        if queries.is_empty() {
            return html! {};
        }
        html! {
            @for line in sentences(view) { p { (line) } }
            @for query in &queries.results { (on_page(query, view)) }
        }
    }

    fn style(&self) -> &'static str {
        ".query{margin:1.4rem 0}.bars{fill:var(--memory)}.query pre{overflow-x:auto;font-size:.75rem;margin:.4rem 0}\n"
    }

    fn json(&self, report: &Report) -> Members {
        let result = |query: &QueryReport| {
            json!({
                "account": query.account, "region": query.region, "name": query.name,
                "matched": query.matched, "problems": query.problems,
            })
        };
        if report.queries.results.is_empty() {
            return Vec::new();
        }
        vec![("log_queries", report.queries.results.iter().map(result).collect())]
    }
}

/// What the queries cost, and where none ran.
fn sentences(view: &View<'_>) -> Vec<String> {
    let queries = &view.report.queries;
    let mut lines = Vec::new();
    let bytes: u64 = queries.results.iter().map(|query| query.bytes_scanned).sum();
    if queries.results.iter().any(|query| query.start.is_some()) {
        let total: f64 = queries.results.iter().map(|query| query.dollars).sum();
        let month = match queries.spent {
            Some(spent) => format!("{} since the month began", dollars(spent)),
            None => "not known since the month began".to_owned(),
        };
        lines.push(format!(
            "The queries of this report scanned {}, which costs {}; all queries: {month}.",
            size(bytes),
            dollars(total)
        ));
    }
    if !queries.without_role.is_empty() {
        let accounts = queries.without_role.iter().map(crate::model::cluster::AccountId::as_str);
        let accounts = list(accounts, 5);
        lines.push(format!("Not queried: {accounts}, because fargaze.yaml names no role read-logs there."));
    }
    lines
}

/// `errors: 57 events in 12 log groups, in 1 hour until 10:03 UTC`
fn summary(query: &QueryReport, view: &View<'_>) -> String {
    let place = view.place(&query.account, &query.region);
    let found = matched(query).unwrap_or_else(|| "no answer".to_owned());
    let time = query
        .start
        .zip(query.end)
        .map(|(start, end)| format!(", in {} until {}", span(start, end), clock(end)));
    format!("{}{place}: {found}{}", query.name, time.unwrap_or_default())
}

fn in_mail(query: &QueryReport, view: &View<'_>) -> String {
    let mut text = wrap(&format!("{}.", summary(query, view)), 2);
    if let Some(HistogramReport { counts, .. }) = query.histogram.as_ref().filter(|_| query.matched > Some(0))
    {
        text.push_str(&wrap(&sparkline(counts), 4));
    }
    for row in query.rows.iter().take(ROWS) {
        let cells: Vec<&str> = row.iter().map(crate::text::Text::as_str).collect();
        text.push_str(&wrap(&cells.join(" | "), 4));
    }
    let more = query.rows.len().saturating_sub(ROWS) + query.more_rows;
    if more > 0 {
        text.push_str(&wrap(&format!("... and {} in the report.", count(more, "row")), 4));
    }
    for line in query.lines.iter().take(LINES) {
        text.push_str(&wrap(&of_line(line), 4));
    }
    for problem in &query.problems {
        text.push_str(&wrap(&format!("Could not query: {problem}."), 4));
    }
    text
}

/// `10:03 UTC Traceback ...`
fn of_line(line: &LineReport) -> String {
    match line.at {
        Some(at) => format!("{} {}", at.strftime("%H:%M:%S UTC"), line.text),
        None => line.text.to_string(),
    }
}

fn on_page(query: &QueryReport, view: &View<'_>) -> Markup {
    html! {
        div class="query" {
            h3 { (summary(query, view)) }
            @if let Some(HistogramReport { start, bin_seconds, counts }) = &query.histogram {
                @if query.matched > Some(0) {
                    (bars(&format!("{} over time", query.name), *start, *bin_seconds, counts))
                }
            }
            @if !query.rows.is_empty() {
                div class="scroll" tabindex="0" role="region" aria-labelledby="log-queries" {
                    table {
                        caption { "Result of " (query.name) }
                        thead { tr { @for column in &query.columns { th scope="col" { (column) } } } }
                        tbody { @for row in &query.rows { tr { @for cell in row { td { (cell) } } } } }
                    }
                }
                @if query.more_rows > 0 { p class="note" { "... and " (count(query.more_rows, "row")) "." } }
            }
            @if !query.lines.is_empty() {
                pre { @for line in &query.lines { (of_line(line)) "\n" } }
            }
            @for problem in &query.problems { p class="cannot" { "Could not query: " (problem) "." } }
            @if let (Some(start), Some(end)) = (query.start, query.end) {
                p class="note" {
                    (utc(start)) " to " (utc(end)) ", " (size(query.bytes_scanned)) " scanned, "
                    (dollars(query.dollars)) ". "
                    @if let Some(link) = &query.link { a href=(link) { "Open in Logs Insights" } }
                }
            }
        }
    }
}
