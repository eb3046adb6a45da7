//! The known word that an unknown one was most likely meant to be.

/// What to add to a sentence about an unknown word: the nearest known one, or all of them if none is near.
pub(crate) fn hint(unknown: &str, known: &[&str]) -> String {
    match nearest(unknown, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known are {}", known.join(", ")),
    }
}

/// The known word with the fewest typing errors between, if it is near enough to be a slip: upper and lower case are
/// no difference, and a third of the letters may be wrong. Else the first one that goes on where it ends.
pub(crate) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', ' '], "-");
    let unknown = plain(unknown);
    let length = unknown.chars().count();
    let most = (length / 3).max(1);
    let (mut near, mut longer) = (None, None);
    for word in known {
        // Letters added, left out, mistaken or swapped with their neighbour.
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
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
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
