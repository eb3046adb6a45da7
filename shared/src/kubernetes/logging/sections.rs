//! The classic configuration format of Fluent Bit: `[NAME]`, then one indented `key value` a line (Fluent Bit manual,
//! "Classic mode: Format and schema").

/// A section of a file.
pub(super) struct Section<'a> {
    /// Line of its head, from 1.
    pub(super) line: usize,
    /// Name between the brackets.
    pub(super) name: &'a str,
    /// Its entries.
    pub(super) entries: Vec<Entry<'a>>,
}

/// One line of a section.
pub(super) struct Entry<'a> {
    /// Its line, from 1.
    pub(super) line: usize,
    /// The blanks before it.
    pub(super) indent: &'a str,
    /// The key; upper and lower case are no difference.
    pub(super) key: &'a str,
    /// What follows, which may be nothing.
    pub(super) value: &'a str,
}

impl Section<'_> {
    /// Whether it is called that.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The entry of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry<'_>> {
        self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key))
    }
}

/// The sections of a file, and the lines that are outside of any, each with its number. Empty lines and comments are
/// neither.
pub(super) fn sections(text: &str) -> (Vec<Section<'_>>, Vec<(usize, &str)>) {
    let (mut sections, mut strays) = (Vec::<Section<'_>>::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines()) {
        let content = text.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section { line, name: name.trim(), entries: Vec::new() });
        } else if let Some(section) = sections.last_mut().filter(|_| !content.starts_with(['[', '@'])) {
            let (key, value) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
            let indent = &text[..text.len() - text.trim_start().len()];
            section.entries.push(Entry { line, indent, key, value: value.trim() });
        } else {
            strays.push((line, content));
        }
    }
    (sections, strays)
}
