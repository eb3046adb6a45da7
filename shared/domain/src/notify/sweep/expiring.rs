//! The events that changes of log groups delete, log group by log group.

use super::Placed;
use crate::notify::words::{count, size, wrap};
use crate::reconcile::Expiring;
use crate::text::message::harmless;

/// One log group on each line, those that lose most first; `None` if none of them loses events.
pub(super) fn lines(group: &[Placed<'_>], most: usize) -> Option<String> {
    if group.iter().all(|found| found.finding.expiring.is_none()) {
        return None;
    }
    let mut group = group.to_vec();
    group.sort_by_key(|found| std::cmp::Reverse(bytes(found)));
    let (named, more) = group.split_at(group.len().min(most));
    let line = |found: &Placed<'_>| {
        let loses = found.finding.expiring.map_or_else(|| "no events".to_owned(), words);
        wrap(&format!("{}: {loses}", harmless(&found.finding.subject.to_string())), 2)
    };
    let mut text: String = named.iter().map(line).collect();
    if !more.is_empty() {
        let rest = count(more.len(), "more log group");
        let sizes = more.iter().map(|found| found.finding.expiring.and_then(|expiring| expiring.bytes));
        let (known, unknown): (Vec<_>, Vec<_>) = sizes.partition(Option::is_some);
        let sum = known.into_iter().flatten().fold(0, u64::saturating_add);
        let unknown = match unknown.len() {
            0 => String::new(),
            n => format!(", and {n} of unknown size"),
        };
        text.push_str(&wrap(&format!("and {rest}: about {}{unknown}", size(sum)), 2));
    }
    Some(text)
}

fn bytes(found: &Placed<'_>) -> u64 {
    found.finding.expiring.and_then(|expiring| expiring.bytes).unwrap_or_default()
}

/// `about 11 GB, the oldest from 2024-05-01 or later`
fn words(Expiring { bytes, oldest }: Expiring) -> String {
    let bytes = bytes.map_or_else(|| "size not known".to_owned(), |bytes| format!("about {}", size(bytes)));
    match oldest {
        Some(oldest) => format!("{bytes}, the oldest from {} or later", oldest.strftime("%F")),
        None => format!("{bytes}, of unknown age"),
    }
}
