//! Name patterns: `*` stands for any run of characters, everything else for itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A pattern over cluster and service names, such as `AWSBatch-*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamePattern(String);

impl NamePattern {
    /// A pattern from its text; any text is a pattern.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether every name fits.
    pub fn is_everything(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// Whether the whole of `name` fits, upper and lower case told apart as ECS does.
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.as_bytes(), name.as_bytes());
        // Where to go on after the last `*`: in the pattern, and with one more character of the name given to it.
        let mut retry: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern.split_first(), rest.split_first()) {
                (Some((b'*', after)), _) => {
                    retry = Some((after, rest));
                    pattern = after;
                }
                (Some((p, after)), Some((c, tail))) if p == c => (pattern, rest) = (after, tail),
                (None, None) => return true,
                _ => match retry {
                    Some((after, [_, tail @ ..])) => {
                        retry = Some((after, tail));
                        (pattern, rest) = (after, tail);
                    }
                    _ => return false,
                },
            }
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, name, fits) in [
            ("AWSBatch-*", "AWSBatch-nightly-1", true),
            ("AWSBatch-*", "AWSBatch-", true),
            ("AWSBatch-*", "awsbatch-nightly", false),
            ("*", "", true),
            ("", "shop", false),
            ("shop", "shop", true),
            ("shop", "shops", false),
            ("*-prod", "eu-prod-prod", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name), fits, "{pattern} on {name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_fits_itself_with_any_part_starred(name in "[a-c-]{0,12}", from in 0usize..12, length in 0usize..12) {
            let from = from.min(name.len());
            let to = (from + length).min(name.len());
            let starred = format!("{}*{}", &name[..from], &name[to..]);
            prop_assert!(NamePattern::new(starred).matches(&name));
        }
    }
}
