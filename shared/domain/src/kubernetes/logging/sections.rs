//! Fluent Bit's classic configuration format: `[NAME]` at the beginning of a line, then one
//! indented `key value` per line (Fluent Bit manual, "Classic mode: Format and schema"), as strict
//! as its parser (`src/config_format/flb_cf_fluentbit.c`, `read_config` and `check_indent`), which
//! rejects the whole file at the first invalid line.

use std::fmt;

/// A parsed file.
#[derive(Default)]
pub(super) struct Parsed<'a> {
    /// Its sections.
    pub(super) sections: Vec<Section<'a>>,
    /// Lines outside sections, with their numbers, except those that set a variable.
    pub(super) strays: Vec<(usize, &'a str)>,
    /// Lines that Fluent Bit would reject or misread.
    pub(super) faults: Vec<Fault<'a>>,
}

/// A section of a file.
pub(super) struct Section<'a> {
    /// Line of its header, from 1.
    pub(super) line: usize,
    /// The text between the brackets, including blanks: ` OUTPUT ` is not `OUTPUT`.
    pub(super) name: &'a str,
    /// Its entries.
    pub(super) entries: Vec<Entry<'a>>,
}

/// One line of a section.
pub(super) struct Entry<'a> {
    /// Its line, from 1.
    pub(super) line: usize,
    /// The key, case-insensitive.
    pub(super) key: &'a str,
    /// The value, which may be empty.
    pub(super) value: &'a str,
}

/// An invalid line.
pub(super) struct Fault<'a> {
    /// Its line, from 1.
    pub(super) line: usize,
    /// The violated rule.
    pub(super) what: Broken<'a>,
}

/// Violations of the format.
pub(super) enum Broken<'a> {
    /// A header after blanks is parsed as an entry.
    IndentedHead(&'a str),
    /// An entry without an indent: its first letter would be parsed as the indent.
    NotIndented(&'a str),
    /// The first indented line of a file sets the indent of all later lines: entries, comments, and
    /// lines of only blanks.
    OtherIndent {
        /// Content of the line; empty if it has only blanks.
        content: &'a str,
        /// Its indent.
        indent: &'a str,
        /// The line that set the indent of the file, and its indent.
        first: (usize, &'a str),
    },
    /// Key and value are separated by spaces; a tab becomes part of the key.
    Tab(&'a str),
    /// A key without a value.
    NoValue(&'a str),
}

impl Section<'_> {
    /// Whether it has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The entry of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry<'_>> {
        self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key))
    }
}

/// Parses a file to its end, even if it is invalid.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let mut parsed = Parsed::default();
    let mut first = None;
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
    {
        parsed.read(line, text, &mut first);
    }
    parsed
}

impl<'a> Parsed<'a> {
    /// Parses a line that is neither empty nor an unindented comment. `first` is the line that set
    /// the indent.
    fn read(&mut self, line: usize, text: &'a str, first: &mut Option<(usize, &'a str)>) {
        let content = text.trim_start_matches(is_blank);
        let indent = &text[..text.len() - content.len()];
        let content = content.trim_end_matches(|c: char| c.is_ascii_whitespace());
        // The name ends at the first closing bracket; a comment may follow.
        if let Some((name, _)) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            if !indent.is_empty() {
                self.broken(line, Broken::IndentedHead(content));
            }
            self.sections.push(Section { line, name, entries: Vec::new() });
            return;
        }
        if indent.is_empty() && is_variable(content) {
            return;
        }
        if !indent.is_empty() {
            let first = *first.get_or_insert((line, indent));
            if indent != first.1 {
                self.broken(line, Broken::OtherIndent { content, indent, first });
            }
        }
        if content.is_empty() || content.starts_with('#') {
            return;
        }
        let section = self.sections.last_mut().filter(|_| !content.starts_with(['[', '@']));
        let Some(section) = section else {
            self.strays.push((line, content));
            return;
        };
        let (key, value) = content.split_once(is_blank).unwrap_or((content, ""));
        let value = value.trim_matches(|c: char| c.is_ascii_whitespace());
        section.entries.push(Entry { line, key, value });
        if indent.is_empty() {
            self.broken(line, Broken::NotIndented(content));
        }
        self.check(line, content, key);
    }

    /// Checks the separator between key and value.
    fn check(&mut self, line: usize, content: &'a str, key: &'a str) {
        let rest = &content[key.len()..];
        if rest.bytes().all(|byte| byte.is_ascii_whitespace()) {
            self.broken(line, Broken::NoValue(key));
        } else if !rest.starts_with(' ') {
            self.broken(line, Broken::Tab(key));
        }
    }

    fn broken(&mut self, line: usize, what: Broken<'a>) {
        self.faults.push(Fault { line, what });
    }
}

impl Broken<'_> {
    /// The remedy.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::IndentedHead(_) => "move it to the beginning of its line",
            Self::NotIndented(_) | Self::OtherIndent { .. } => {
                "indent all entries and comments of a file equally, for example by 4 spaces, and leave empty lines empty"
            }
            Self::Tab(_) => "separate key and value with a space",
            Self::NoValue(_) => "add a value, or remove it",
        }
    }
}

impl fmt::Display for Broken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IndentedHead(head) => write!(f, "`{head}` is indented, so it is not a section header"),
            Self::NotIndented(entry) => {
                write!(f, "`{entry}` is not indented, so Fluent Bit drops its first letter")
            }
            Self::OtherIndent { content, indent, first: (line, first) } => {
                let (indent, first) = (blanks(indent), blanks(first));
                if content.is_empty() {
                    write!(f, "a line of only blanks has {indent}, but line {line} is indented by {first}")
                } else {
                    write!(f, "`{content}` is indented by {indent}, but line {line} by {first}")
                }
            }
            Self::Tab(key) => write!(f, "a tab separates `{key}` from its value"),
            Self::NoValue(key) => write!(f, "`{key}` has no value"),
        }
    }
}

/// Whether it sets a variable, which is allowed outside sections (Fluent Bit,
/// `flb_cf_meta_property_add`).
fn is_variable(content: &str) -> bool {
    content.split_once(' ').is_some_and(|(command, _)| command.eq_ignore_ascii_case("@SET"))
}

/// A blank as in Fluent Bit's `isblank`.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// An indent in words: `4 spaces`, `1 tab`, `1 tab and 2 spaces`.
fn blanks(indent: &str) -> String {
    let count = |blank: char, name: &str| {
        let n = indent.chars().filter(|c| *c == blank).count();
        (n > 0).then(|| format!("{n} {name}{}", if n == 1 { "" } else { "s" }))
    };
    let parts: Vec<String> = [count('\t', "tab"), count(' ', "space")].into_iter().flatten().collect();
    parts.join(" and ")
}
