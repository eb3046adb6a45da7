//! Words as a shell reads them, for commands that people copy.

/// The word, in quotes if the shell would not read it as it is.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
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
