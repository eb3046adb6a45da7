//! Tables for the page.
//!
//! An estate has thousands of services and pods, so their rows omit the closing tags that HTML
//! makes optional ("Optional tags", HTML Standard), and every text goes through [`push`].

use std::fmt::Write;

use maud::{Escaper, Markup, PreEscaped, html};

use super::list::{ROWS, more_in_json};
use crate::model::cluster::ClusterName;
use crate::report::measured::figures::{Answer, Utilization};
use crate::report::measured::member::Member;

/// Appends escaped text to markup. Every text in wide tables goes through here.
pub(crate) fn push(to: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = Escaper::new(to).write_str(text);
}

/// A cell.
pub(crate) fn cell(to: &mut String, tag: &str, text: &str) {
    to.push_str(tag);
    push(to, text);
}

/// A table with a row for each item, labelled by the heading of its section, and the number of
/// items left out.
pub(crate) fn of_section<T>(
    id: &str,
    caption: &str,
    heads: [&str; 3],
    items: &[T],
    row: impl Fn(&T) -> Markup,
) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-labelledby=(id) {
            table {
                caption { (caption) }
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { @for item in items.iter().take(ROWS) { tr { (row(item)) } } }
            }
        }
        (more_in_json(items.len().saturating_sub(ROWS)))
    }
}

/// A wide table of a cluster, which scrolls on its own.
pub(crate) struct Wide<'a> {
    /// What it lists: `Services`.
    pub(crate) what: &'a str,
    /// Its class in the style sheet.
    pub(crate) class: &'a str,
    /// Its head, up to the start of its body.
    pub(crate) head: &'a str,
    /// Approximate size of a row, in bytes.
    pub(crate) row: usize,
}

impl Wide<'_> {
    /// The table of one cluster.
    pub(crate) fn of<T>(&self, cluster: &ClusterName, items: &[T], row: impl Fn(&mut String, &T)) -> Markup {
        let Self { what, class, head, row: bytes } = self;
        let label = format!("{what} of {cluster}");
        let mut text = String::with_capacity(900 + bytes * items.len());
        text.push_str(&format!("<table class=\"{class}\"><caption>"));
        push(&mut text, &label);
        text.push_str("</caption>");
        text.push_str(head);
        items.iter().for_each(|item| row(&mut text, item));
        text.push_str("</table>");
        scroll(&label, &PreEscaped(text))
    }
}

/// A scroll container for a wide table, labelled for screen readers.
pub(crate) fn scroll(label: &str, table: &Markup) -> Markup {
    html! { div class="scroll" tabindex="0" role="region" aria-label=(label) { (table) } }
}

/// The head of a table of services or workloads: the first column, CPU and memory, and further
/// columns in both rows.
pub(crate) fn head(first: &str, more: &str, below: &str) -> String {
    let figures = "<th class=g scope=col>3 h<th scope=col>highest<th scope=col>all<th scope=col>highest";
    format!(
        "<thead><tr><th scope=col rowspan=2>{first}<th class=g scope=colgroup colspan=4>CPU %\
         <th class=g scope=colgroup colspan=4>Memory %{more}<tr>{figures}{figures}{below}<tbody>"
    )
}

/// CPU and memory, each with mean and maximum of the last three hours and of the whole window.
pub(crate) fn figures(to: &mut String, member: &dyn Member) {
    for figure in [member.cpu(), member.memory()] {
        utilization(to, figure, member.why_none(figure));
    }
}

/// One figure: mean and maximum of the last three hours and of the whole window, or why there is
/// none.
pub(crate) fn utilization(to: &mut String, figure: &Utilization, why_none: &str) {
    if figure.is_empty() {
        return cell(to, "<td class=g colspan=4>", why_none);
    }
    let Utilization { answer, average_3h, maximum_3h, average, maximum } = *figure;
    for (i, value) in [average_3h, maximum_3h, average, maximum].into_iter().enumerate() {
        to.push_str(if i == 0 { "<td class=g>" } else { "<td>" });
        match value {
            // Marks every figure of a partial reading: the missing points may have been the
            // highest.
            Some(value) if answer == Answer::Partial => to.push_str(&format!("{value:.1}?")),
            Some(value) => to.push_str(&format!("{value:.1}")),
            None => to.push('-'),
        }
    }
}
