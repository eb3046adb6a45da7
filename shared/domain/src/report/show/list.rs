//! Lists of the mail and of the page, with the number of what was left out.

use maud::{Markup, html};

use crate::text::words::wrap;

/// Changes, alarms and clusters that the mail names.
pub(crate) const NAMED: usize = 20;
/// Rows of a list on the page; the JSON has all of them.
pub(crate) const ROWS: usize = 200;

/// The first lines of a list of the mail, and how many more there are.
pub(crate) fn named(lines: impl Iterator<Item = String>) -> String {
    let mut lines = lines.into_iter();
    let text: String = lines.by_ref().take(NAMED).map(|line| wrap(&line, 2)).collect();
    text + &more_in_report(lines.count())
}

/// That the page has so many more.
pub(crate) fn more_in_report(more: usize) -> String {
    if more == 0 { String::new() } else { format!("  ... and {more} more in the report.\n") }
}

/// The first items of a list of the page, and how many more there are.
pub(crate) fn items(items: impl Iterator<Item = Markup>) -> Markup {
    let mut items = items;
    html! {
        ul class="plain" { @for item in items.by_ref().take(ROWS) { li { (item) } } }
        (more_in_json(items.count()))
    }
}

/// That the JSON has so many more.
pub(crate) fn more_in_json(more: usize) -> Markup {
    html! { @if more > 0 { p class="note" { "... and " (more) " more in the JSON beside this page." } } }
}
