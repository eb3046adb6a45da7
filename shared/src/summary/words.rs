//! Times, counts and lines in words.

use jiff::Timestamp;

/// Longest line of a body.
pub(super) const WIDTH: usize = 78;

/// `2026-11-22 10:03 UTC`
pub(super) fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `10:03 UTC`
pub(super) fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M UTC").to_string()
}

/// A length of time as a person says it: `4 minutes`, `1 hour 5 minutes`, `2 days 3 hours`.
pub(super) fn span(from: Timestamp, to: Timestamp) -> String {
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
pub(super) fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

/// Names with commas between them, the first `most` of them: `a, b and 3 more`.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names[..names.len().min(most)].join(", ");
    if names.len() > most { format!("{shown} and {} more", names.len() - most) } else { shown }
}

/// US dollars with as many digits as a small amount needs.
pub(super) fn dollars(amount: f64) -> String {
    if amount >= 1.0 { format!("${amount:.2}") } else { format!("${amount:.5}") }
}

/// An estimate in US dollars: cents below a hundred, whole dollars with commas above.
pub(super) fn about_dollars(amount: f64) -> String {
    if amount < 99.995 {
        return format!("${amount:.2}");
    }
    format!("${}", with_commas(&format!("{amount:.0}")))
}

/// `1,240`
pub(super) fn thousands(n: u32) -> String {
    with_commas(&n.to_string())
}

fn with_commas(digits: &str) -> String {
    let places = (1..=digits.len()).rev();
    let separated = digits.chars().zip(places).flat_map(|(digit, place)| {
        let comma = (place % 3 == 1 && place > 1).then_some(',');
        std::iter::once(digit).chain(comma)
    });
    separated.collect()
}

/// Breaks a paragraph into lines of at most [`WIDTH`], each behind the indent. A word longer than a line, such as a link,
/// stays whole.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let (mut lines, mut line) = (String::new(), String::new());
    for word in words(text) {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&format!("{pad}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push_str(&format!("{pad}{line}\n"));
    }
    lines
}

/// Words between which a line may break: `93.1 %` is one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut().filter(|_| word.starts_with('%')) {
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
    fn spans_are_said_as_people_say_them() {
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
    fn estimates_have_as_many_digits_as_they_are_worth() {
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
            (thousands(0), thousands(999), thousands(1240)),
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
