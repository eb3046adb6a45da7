//! Lists for the mail and the page, with the number of items left out.

use maud::{Markup, html};

use crate::text::words::wrap;

/// Most changes, alarms and clusters that the mail names.
pub(crate) const NAMED: usize = 20;
/// Most rows of a list on the page; the JSON has all.
pub(crate) const ROWS: usize = 200;

/// The first lines of a list in the mail, and the number of the others.
pub(crate) fn named(lines: impl Iterator<Item = String>) -> String {
    let mut lines = lines.into_iter();
    let text: String = lines.by_ref().take(NAMED).map(|line| wrap(&line, 2)).collect();
    text + &more_in_report(lines.count())
}

/// How many more the page has.
pub(crate) fn more_in_report(more: usize) -> String {
    if more == 0 { String::new() } else { format!("  ... and {more} more in the report.\n") }
}

/// The first items of a list on the page, and the number of the others.
pub(crate) fn items(items: impl Iterator<Item = Markup>) -> Markup {
    let mut items = items;
    html! {
        ul class="plain" { @for item in items.by_ref().take(ROWS) { li { (item) } } }
        (more_in_json(items.count()))
    }
}

/// How many more the JSON has.
pub(crate) fn more_in_json(more: usize) -> Markup {
    html! { @if more > 0 { p class="note" { "... and " (more) " more in the JSON next to this page." } } }
}
