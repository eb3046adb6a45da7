//! What fargaze itself used and cost.

use crate::summary::report::standing::Cost;
use crate::summary::words::{about_dollars, dollars, utc, wrap};

pub(super) fn section(cost: &Cost) -> String {
    format!("COST of fargaze itself\n{}", wrap(&cost_words(cost), 2))
}

/// What was used and what it cost.
pub(in crate::summary::report) fn cost_words(cost: &Cost) -> String {
    let mut text = match (&cost.usage, cost.usage_dollars) {
        (Some(usage), Some(spent)) => {
            let month =
                cost.dollars_a_month.map(|month| format!(", at this pace {} a month", about_dollars(month)));
            format!(
                "Since {} fargaze made {}, and asked CloudWatch for {} in {}: {}{}.",
                utc(usage.since),
                counted(usage.runs, "run"),
                counted(usage.metrics, "metric"),
                counted(usage.calls, "call"),
                dollars(spent),
                month.unwrap_or_default()
            )
        }
        _ => "What fargaze used since the last report is not known.".to_owned(),
    };
    text.push_str(&format!(
        " This report asked CloudWatch for {}, billed {}.",
        counted(cost.report_metrics, "metric"),
        dollars(cost.report_dollars)
    ));
    text
}

/// `1 run`, `4,032 metrics`.
fn counted(n: u64, word: &str) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {word}{}", if n == 1 { "" } else { "s" })
}
