//! Spelling suggestions for unknown words.

/// A suggestion to append to an error about an unknown word: the nearest known word, or all known
/// words if none is near.
pub(crate) fn hint(unknown: &str, known: &[&str]) -> String {
    match nearest(unknown, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("expected one of {}", known.join(", ")),
    }
}

/// The known word with the smallest edit distance, if it is small enough for a typo: case is
/// ignored, and up to a third of the letters may be wrong. Otherwise the first known word that
/// starts with the unknown one.
pub(crate) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', ' '], "-");
    let unknown = plain(unknown);
    let length = unknown.chars().count();
    let most = (length / 3).max(1);
    let (mut near, mut longer) = (None, None);
    for word in known {
        // Letters inserted, deleted, substituted, or swapped with a neighbor.
        let errors = strsim::osa_distance(&unknown, &plain(word));
        if errors <= most && near.is_none_or(|(least, _)| errors < least) {
            near = Some((errors, word));
        }
        if longer.is_none() && length > 2 && plain(word).starts_with(&unknown) {
            longer = Some(word);
        }
    }
    near.map(|(_, word)| word).or(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        let known = ["threshold", "clear-threshold", "period", "services", "message"];
        for (unknown, word) in [
            ("treshold", Some("threshold")),
            ("thershold", Some("threshold")),
            ("Threshold", Some("threshold")),
            ("clear_threshold", Some("clear-threshold")),
            ("clearThreshold", Some("clear-threshold")),
            ("perod", Some("period")),
            ("service", Some("services")),
            ("mess", Some("message")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(unknown, known), word, "{unknown}");
        }
    }
}
