//! Text that others could have written.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::message::{harmless, is_hidden};

/// Maximum length of a text in a report, in characters: messages of AWS are shorter.
const LONGEST: usize = 600;

/// Free text made harmless, whether it comes from AWS or from a stored report. A report contains no
/// other kind of free text, so no renderer can forget it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "String")]
pub struct Text(String);

impl Text {
    /// The text on one line, without hidden characters.
    pub fn new(text: &str) -> Self {
        let harmless = harmless(text);
        match harmless.char_indices().nth(LONGEST) {
            None => Self(harmless),
            Some((end, _)) => Self(format!("{} ...", harmless[..end].trim_end())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Lines to be copied that others could have written: commands and YAML. Indents are kept; all
/// other hidden characters are removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "String")]
pub struct Block(String);

/// Maximum number of lines in a block.
const MOST_LINES: usize = 80;
/// Maximum length of a line, in bytes: a line of an email may have 998 (RFC 5322, 2.1.1), and half
/// a command is useless.
const LONGEST_LINE: usize = 980;
const LEFT_OUT: &str = "# (a line was left out because it is too long)";

impl Block {
    /// The text with its lines made harmless.
    pub fn new(text: &str) -> Self {
        let lines: Vec<String> = text.trim_end().lines().take(MOST_LINES).map(line).collect();
        Self(lines.join("\n").trim_end().to_owned())
    }

    /// Whether there is nothing to copy.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }
}

fn line(text: &str) -> String {
    let tame: String = text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect();
    let tame = tame.trim_end();
    if tame.len() > LONGEST_LINE { LEFT_OUT.to_owned() } else { tame.to_owned() }
}

impl From<String> for Block {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_lines_and_indents_but_no_hidden_characters() {
        let block = Block::new("a:\n  b: \u{202e}1\r\n\tc\u{0}\n\n");
        assert_eq!(block.lines().collect::<Vec<_>>(), ["a:", "  b:  1", " c"]);
        let read: Block = serde_json::from_str(&serde_json::to_string("x\n\u{200b}y").unwrap()).unwrap();
        assert_eq!(read, Block::new("x\n y"));
        assert!(Block::new(&"x\n".repeat(500)).lines().count() == MOST_LINES && Block::new(" \n").is_empty());
        // Half a command is useless.
        let long = "x".repeat(LONGEST_LINE);
        assert_eq!(Block::new(&format!("{long}\n{long}x")), Block::new(&format!("{long}\n{LEFT_OUT}")));
    }

    #[test]
    fn a_text_has_one_line_of_limited_length_whatever_its_origin() {
        let hostile = "a\n\u{202e}b\u{200b}c".to_owned();
        assert_eq!(Text::new(&hostile).as_str(), "a b c");
        let read: Text = serde_json::from_str(&serde_json::to_string(&hostile).unwrap()).unwrap();
        assert_eq!(read.as_str(), "a b c");
        assert_eq!(Text::new(&"ü".repeat(700)).as_str().chars().count(), LONGEST + 4);
    }
}
