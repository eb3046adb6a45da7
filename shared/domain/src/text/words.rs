//! Times, counts, lists and wrapped lines for user-visible text.

use jiff::Timestamp;

use crate::text::message::harmless;

/// Maximum line width of a body, in characters.
pub(crate) const WIDTH: usize = 78;

/// `2026-11-22 10:03 UTC`
pub(crate) fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `10:03 UTC`
pub(crate) fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M UTC").to_string()
}

/// A time span in at most two units: `4 minutes`, `1 hour 5 minutes`, `2 days 3 hours`.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let minutes = to.duration_since(from).as_mins().max(0);
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let parts: Vec<String> = [(days, "day"), (hours, "hour"), (minutes, "minute")]
        .into_iter()
        .filter(|&(n, _)| n > 0)
        .map(|(n, word)| count(usize::try_from(n).unwrap_or(0), word))
        .take(2)
        .collect();
    if parts.is_empty() { "less than a minute".to_owned() } else { parts.join(" ") }
}

/// `1 cluster`, `2 clusters`.
pub(crate) fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

/// The text with its first letter capitalized.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The first `most` names, separated by commas: `a, b and 3 more`.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names[..names.len().min(most)].join(", ");
    if names.len() > most { format!("{shown} and {} more", names.len() - most) } else { shown }
}

/// All names, the last one with `and`: `a, b and c`.
pub(crate) fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// The notes that are not empty, separated by semicolons.
pub(crate) fn notes(notes: impl IntoIterator<Item = String>) -> String {
    let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    notes.join("; ")
}

/// US dollars with as many digits as a small amount needs.
pub(crate) fn dollars(amount: f64) -> String {
    if amount >= 1.0 { format!("${amount:.2}") } else { format!("${amount:.5}") }
}

/// An estimate in US dollars: cents below a hundred, whole dollars with commas above.
pub(crate) fn about_dollars(amount: f64) -> String {
    if amount < 99.995 {
        return format!("${amount:.2}");
    }
    format!("${}", with_commas(&format!("{amount:.0}")))
}

/// A number of bytes: `512 B`, `4.2 GB`. A kB has 1,024 bytes, as on the bill.
#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1 << 10 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if value < 1023.5 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// `1,240`
pub(crate) fn thousands(n: impl Into<u64>) -> String {
    with_commas(&n.into().to_string())
}

fn with_commas(digits: &str) -> String {
    let places = (1..=digits.len()).rev();
    let separated = digits.chars().zip(places).flat_map(|(digit, place)| {
        let comma = (place % 3 == 1 && place > 1).then_some(',');
        std::iter::once(digit).chain(comma)
    });
    separated.collect()
}

/// Wraps a paragraph into indented lines of at most [`WIDTH`] characters. A word longer than a line
/// is broken; a link stays whole, so that it can be followed. Line breaks in the text itself are
/// removed.
pub(crate) fn wrap(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    broken(text, indent).iter().flat_map(|line| [&pad, line, "\n"]).collect()
}

/// The same with all lines except the first indented, so that text from others never starts at the
/// beginning of a line, where it would look like a heading.
pub(crate) fn hang(text: &str) -> String {
    let lines = broken(text, 2);
    let pads = std::iter::once("").chain(std::iter::repeat("  "));
    lines.iter().zip(pads).flat_map(|(line, pad)| [pad, line, "\n"]).collect()
}

/// The lines of a paragraph, with room for the indent.
fn broken(text: &str, indent: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let whole = words(&harmless(text));
    for word in whole.iter().flat_map(|word| pieces(word, WIDTH - indent)) {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The parts of a word that is longer than a line.
fn pieces(word: &str, width: usize) -> Vec<&str> {
    let is_link = ["https://", "http://"].iter().any(|scheme| word.starts_with(scheme));
    if is_link || word.chars().count() <= width {
        return vec![word];
    }
    let starts: Vec<usize> = word.char_indices().map(|(at, _)| at).step_by(width).collect();
    let ends = starts.iter().skip(1).copied().chain([word.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &word[start..end]).collect()
}

/// Words between which a line may break: `93.1 %` is one word.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let is_number = |last: &&mut String| {
            word.trim_end_matches([',', '.', ';', ':', ')']) == "%"
                && last.ends_with(|c: char| c.is_ascii_digit())
        };
        match words.last_mut().filter(is_number) {
            Some(number) => number.push_str(&format!(" {word}")),
            None => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percent_sign_stays_with_its_number_only() {
        assert_eq!(words("memory 93.1 %, then"), ["memory", "93.1 %,", "then"]);
        assert_eq!(words("% % 5 % %"), ["%", "%", "5 %", "%"]);
    }

    #[test]
    fn spans_have_at_most_two_units() {
        for (minutes, words) in [
            (0, "less than a minute"),
            (1, "1 minute"),
            (65, "1 hour 5 minutes"),
            (1440, "1 day"),
            (2 * 1440 + 61, "2 days 1 hour"),
        ] {
            let start = Timestamp::UNIX_EPOCH;
            assert_eq!(span(start, start + SignedDuration::from_mins(minutes)), words);
        }
    }

    #[test]
    fn estimates_have_no_insignificant_digits() {
        for (amount, words) in [
            (0.0, "$0.00"),
            (33.6, "$33.60"),
            (372.4, "$372"),
            (1240.0, "$1,240"),
            (1_234_567.0, "$1,234,567"),
        ] {
            assert_eq!(about_dollars(amount), words);
        }
        assert_eq!(
            (thousands(0_u32), thousands(999_u32), thousands(1240_u64)),
            ("0".into(), "999".into(), "1,240".into())
        );
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(list(["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(list(["a", "b"], 2), "a, b");
    }

    #[test]
    fn a_number_and_its_percent_sign_stay_together() {
        let text = format!("{} 93.1 %), tasks", "x".repeat(WIDTH - 6));
        assert_eq!(wrap(&text, 0).lines().nth(1), Some("93.1 %), tasks"));
    }

    #[test]
    fn a_long_word_is_broken_and_a_link_is_not() {
        let (word, link) = ("x".repeat(100), format!("https://{}", "x".repeat(100)));
        assert_eq!(wrap(&format!("a {word}"), 2), format!("  a\n  {}\n  {}\n", &word[..76], &word[..24]));
        assert_eq!(wrap(&format!("see {link}"), 2), format!("  see\n  {link}\n"));
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_keep_every_word(text in "([a-z]{1,30} ){0,40}", indent in 0usize..10) {
            let wrapped = wrap(&text, indent);
            prop_assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH));
            prop_assert_eq!(
                wrapped.split_whitespace().collect::<Vec<_>>(),
                text.split_whitespace().collect::<Vec<_>>()
            );
        }
    }
}
