//! Shell quoting for commands that users copy.

use crate::text::message::is_hidden;

/// The word, quoted if the shell would not read it literally.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether a word could be parsed as an option, or cannot be shown literally.
pub(crate) fn is_odd(word: &str) -> bool {
    word.is_empty() || word.starts_with('-') || word.contains(|c: char| is_hidden(c) || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word_to_a_shell() {
        for (word, read) in [
            ("web-1.x/y:z@a_b", "web-1.x/y:z@a_b"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(x)", "'$(x)'"),
            ("b'c", r"'b'\''c'"),
        ] {
            assert_eq!(quoted(word), read);
        }
    }
}
