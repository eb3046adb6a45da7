//! Text that others could have written.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::message::{harmless, is_hidden};

/// Longest text that a report keeps, in characters: the sentences of AWS are shorter.
const LONGEST: usize = 600;

/// Free text made harmless, however it came here: from AWS, or from a report that is read back. A report holds no other
/// kind of free text, so no renderer can forget it.
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

/// Lines that others could have written, to be copied: commands and YAML. They keep their indents and nothing else that is
/// hidden.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "String")]
pub struct Block(String);

/// Lines of a block, and characters of each.
const MOST_LINES: usize = 80;
/// A line of a mail may have 998 bytes (RFC 5322, 2.1.1), and half a command is none.
const LONGEST_LINE: usize = 980;
const LEFT_OUT: &str = "# (a line that is too long was left out)";

impl Block {
    /// The text with harmless lines.
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
    fn a_block_keeps_lines_and_indents_and_nothing_that_is_hidden() {
        let block = Block::new("a:\n  b: \u{202e}1\r\n\tc\u{0}\n\n");
        assert_eq!(block.lines().collect::<Vec<_>>(), ["a:", "  b:  1", " c"]);
        let read: Block = serde_json::from_str(&serde_json::to_string("x\n\u{200b}y").unwrap()).unwrap();
        assert_eq!(read, Block::new("x\n y"));
        assert!(Block::new(&"x\n".repeat(500)).lines().count() == MOST_LINES && Block::new(" \n").is_empty());
        // Half a command is none.
        let long = "x".repeat(LONGEST_LINE);
        assert_eq!(Block::new(&format!("{long}\n{long}x")), Block::new(&format!("{long}\n{LEFT_OUT}")));
    }

    #[test]
    fn a_text_has_one_line_of_a_sane_length_however_it_came() {
        let hostile = "a\n\u{202e}b\u{200b}c".to_owned();
        assert_eq!(Text::new(&hostile).as_str(), "a b c");
        let read: Text = serde_json::from_str(&serde_json::to_string(&hostile).unwrap()).unwrap();
        assert_eq!(read.as_str(), "a b c");
        assert_eq!(Text::new(&"ü".repeat(700)).as_str().chars().count(), LONGEST + 4);
    }
}
