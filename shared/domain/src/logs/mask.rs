//! Masks secrets in log lines before anything is stored or sent.
//!
//! No list of patterns finds every secret: that is why log lines are opt-in.

use regex_lite::{Captures, Regex};

/// What stands for a masked text.
pub const MASKED: &str = "[masked]";

/// Most characters of a line that are looked at; the rest is cut off before.
const LONGEST: usize = 16 * 1024;

/// Patterns whose whole match is masked, or whose group `keep` is kept before what is masked.
const PATTERNS: &[&str] = &[
    // Private keys, over several lines or on one.
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    // A line of a key whose first line is elsewhere.
    r"(?m)^\s*[A-Za-z0-9+/]{40,}={0,2}\s*$",
    // Headers that identify somebody: all of the value.
    r#"(?i)(?P<keep>\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?)[^"'\\\r\n]+"#,
    r#"(?i)(?P<keep>\b(?:set-)?cookie\\*["']?\s*[:=]\s*\\*["']?)[^"'\\\r\n]+"#,
    r"(?i)(?P<keep>\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}",
    // Passwords in addresses.
    r"(?P<keep>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@]*:)[^\s/@]+(?P<after>@)",
    // Names that say that their value is a secret: JSON, also as text in JSON, key=value, headers,
    // query strings, XML, options of commands.
    r#"(?i)(?P<keep>\\*["']?\b[\w.-]*(?:passwor[dt]|passwd|passphrase|pwd|(?:\b|_)pass\b|secret|token|api[-_.]?key|access[-_.]?key|private[-_.]?key|shared[-_.]?key|license[-_.]?key|credential|session[-_.]?id|x-amz-signature|x-amz-security-token)[\w.-]*\\*["']?\s*(?:=>|[:=])\s*)(?:\\+"(?:[^"\\]|\\[^"])*(?:\\+"|$)|"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|[^\s"'&;}\]]+)"#,
    r"(?i)(?P<keep><(?:[\w.-]*:)?[\w.-]*(?:password|passwd|secret|token|apikey)[\w.-]*>)[^<]+",
    r"(?i)(?P<keep>\s--?[\w-]*(?:password|passwd|secret|token|api-key)\s+)[^\s-]\S*",
    // Keys and tokens by their form.
    r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{16}\b",
    r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?",
    r"\b(?:ghp|gho|ghu|ghs|ghr|glpat|github_pat)[_-][A-Za-z0-9_-]{16,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
];

/// Groups of digits that may be the number of a payment card.
const CARD: &str = r"\b\d(?:[ -]?\d){12,18}\b";

/// What is masked: secrets by built-in patterns, and by those of the user.
#[derive(Debug, Clone)]
pub struct Masks {
    built_in: Vec<Regex>,
    card: Option<Regex>,
    own: Vec<Regex>,
}

impl Default for Masks {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl PartialEq for Masks {
    fn eq(&self, other: &Self) -> bool {
        let texts = |masks: &Self| masks.own.iter().map(ToString::to_string).collect::<Vec<_>>();
        texts(self) == texts(other)
    }
}

impl Masks {
    /// The built-in patterns and these.
    pub fn new(own: Vec<Regex>) -> Self {
        let built_in = PATTERNS.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
        Self { built_in, card: Regex::new(CARD).ok(), own }
    }

    /// Reads a pattern of the user's file.
    ///
    /// # Errors
    ///
    /// Why it is not a regular expression, or one that would mask everything.
    pub fn pattern(text: &str) -> Result<Regex, String> {
        let regex =
            Regex::new(text).map_err(|error| format!("`{text}` is not a regular expression: {error}"))?;
        if regex.is_match("") {
            return Err(format!("`{text}` matches the empty text, so it would mask nothing or everything"));
        }
        Ok(regex)
    }

    /// The text with its secrets masked.
    pub fn mask(&self, text: &str) -> String {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
        let mut masked = text[..end].to_owned();
        for regex in &self.own {
            masked = regex.replace_all(&masked, MASKED).into_owned();
        }
        for regex in &self.built_in {
            let replaced = regex.replace_all(&masked, |found: &Captures<'_>| {
                let part = |name| found.name(name).map_or("", |part| part.as_str());
                let (keep, after) = (part("keep"), part("after"));
                // An earlier pattern has masked it.
                let is_masked = found[0][keep.len()..].starts_with(MASKED.trim_end_matches(']'));
                if is_masked { found[0].to_owned() } else { format!("{keep}{MASKED}{after}") }
            });
            masked = replaced.into_owned();
        }
        let Some(card) = &self.card else { return masked };
        let number = |found: &Captures<'_>| {
            if is_card(&found[0]) { MASKED.to_owned() } else { found[0].to_owned() }
        };
        card.replace_all(&masked, number).into_owned()
    }
}

/// Whether the digits have the check digit of a payment card (ISO/IEC 7812-1, Luhn).
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(text: &str) -> String {
        Masks::default().mask(text)
    }

    #[test]
    fn every_built_in_pattern_is_a_regular_expression() {
        let masks = Masks::default();
        assert_eq!(masks.built_in.len(), PATTERNS.len());
        assert!(masks.card.is_some());
    }

    #[test]
    fn secrets_are_masked_and_what_names_them_is_kept() {
        for (line, expected) in [
            ("user=ann password=hunter2 ok", "user=ann password=[masked] ok"),
            (r#"{"db_password": "hun\"ter2", "user": "ann"}"#, r#"{"db_password": [masked], "user": "ann"}"#),
            (r#"{"apiKey":"abc","n":1}"#, r#"{"apiKey":[masked],"n":1}"#),
            ("Authorization: Bearer abc.def.ghi", "Authorization: [masked]"),
            ("authorization=Basic dXNlcjpwYXNz next", "authorization=[masked]"),
            ("curl -H 'X-Api-Key: 0123456789' x", "curl -H 'X-Api-Key: [masked]' x"),
            ("Set-Cookie: sid=31337; Path=/; HttpOnly", "Set-Cookie: [masked]"),
            ("GET /cb?code=1&access_token=xyz&state=2", "GET /cb?code=1&access_token=[masked]&state=2"),
            ("postgres://app:s3cret@db:5432/shop", "postgres://app:[masked]@db:5432/shop"),
            ("key AKIAIOSFODNN7EXAMPLE used", "key [masked] used"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt [masked] end"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[masked]"),
            ("slack xoxb-123456789012-abcdef", "slack [masked]"),
            ("card 4111 1111 1111 1111 declined", "card [masked] declined"),
            ("card 4111-1111-1111-1111", "card [masked]"),
            ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [masked] b"),
            ("half -----BEGIN PRIVATE KEY----- MIIE", "half [masked]"),
            (
                r#"{"log":"{\"password\":\"hunter2\",\"user\":\"ann\"}"}"#,
                r#"{"log":"{\"password\":[masked],\"user\":\"ann\"}"}"#,
            ),
            (r#"{"log":"{\"cookie\":\"sid=31337\"}"}"#, r#"{"log":"{\"cookie\":\"[masked]\"}"}"#),
            ("Authorization: ApiKey s3cr3t", "Authorization: [masked]"),
            (
                "authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;date, Signature=fe5f",
                "authorization: [masked]",
            ),
            ("DB_PASS=hunter2 x", "DB_PASS=[masked] x"),
            ("<db:password>hunter2</db:password>", "<db:password>[masked]</db:password>"),
            ("mysql --password hunter2 -h db", "mysql --password [masked] -h db"),
            ("password=p,ssw0rd next", "password=[masked] next"),
            ("password: \"abc def", "password: [masked]"),
            ("MIIEpAIBAAKCAQEAz3vTn1Zc9yB8m2Wq4R5tY7uI8oP0aSdFgHjKlZxCvBnM1234", "[masked]"),
        ] {
            assert_eq!(masked(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for line in [
            "GET /items/404 HTTP/1.1 200 4111",
            "order 4111111111111112 not found",
            "request id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 took 12 ms",
            "2026-12-01T10:00:00.123456789Z INFO started",
            "panicked at src/main.rs:12:5: index out of bounds",
            "basic auth is off",
            "0000000000000000",
        ] {
            assert_eq!(masked(line), line);
        }
    }

    #[test]
    fn the_users_patterns_are_masked_too_and_checked() {
        let own = Masks::new(vec![Masks::pattern("ACME-[0-9]{8}").unwrap()]);
        assert_eq!(own.mask("customer ACME-12345678 of ACME-1"), "customer [masked] of ACME-1");
        assert!(Masks::pattern("(").unwrap_err().contains("not a regular expression"));
        assert!(Masks::pattern("x*").unwrap_err().contains("matches the empty text"));
    }

    proptest! {
        /// Wherever a secret stands, it does not survive.
        #[test]
        fn a_secret_never_survives(before in "[ -~]{0,40}", after in "[ -~]{0,40}") {
            let line = format!("{before} password=Zx9QvLm3 {after}");
            prop_assert!(!masked(&line).contains("Zx9QvLm3"));
        }

        /// Masking what is masked changes nothing.
        #[test]
        fn any_text_can_be_masked_once_or_twice(
            text in "\\PC{0,120}((password|token|cookie|authorization)[=:] ?\\PC{0,20}){0,3}",
        ) {
            let once = masked(&text);
            prop_assert_eq!(masked(&once), once);
        }
    }
}
