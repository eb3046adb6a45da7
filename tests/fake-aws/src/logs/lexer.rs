//! Tokens of a query.

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Regex(String),
    Number(f64),
    /// `5m`
    Duration(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 13] = ["=~", "!=", "<=", ">=", "(", ")", ",", "|", "=", "<", ">", "*", "-"];

/// The tokens of a query, with the place of the next one.
#[derive(Debug)]
pub(super) struct Tokens {
    text: String,
    all: Vec<(Token, usize, usize)>,
    place: usize,
}

impl Tokens {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut tokens: Vec<(Token, usize, usize)> = Vec::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            if c.is_whitespace() {
                at += c.len_utf8();
                continue;
            }
            if c == '#' {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            let before = tokens.last().map(|(token, ..)| token);
            let two_before = tokens.len().checked_sub(2).map(|place| &tokens[place].0);
            let is_word = |token: Option<&Token>, word: &str| {
                *token.unwrap_or(&Token::End) == Token::Word(word.to_owned())
            };
            let is_regex = c == '/'
                && (is_word(before, "like")
                    || is_word(two_before, "parse")
                    || before == Some(&Token::Symbol("=~")));
            let (token, end) = if is_regex {
                let (text, end) = literal(text, at, '/', false)?;
                (Token::Regex(text), end)
            } else if c == '"' || c == '\'' {
                let (text, end) = literal(text, at, c, true)?;
                (Token::Text(text), end)
            } else if c == '`' {
                let (text, end) = literal(text, at, c, true)?;
                (Token::Word(text), end)
            } else if c.is_ascii_digit() {
                let end = at
                    + text[at..]
                        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                        .unwrap_or(text.len() - at);
                let word = &text[at..end];
                match word.parse() {
                    Ok(number) => (Token::Number(number), end),
                    Err(_) => (Token::Duration(word.to_owned()), end),
                }
            } else if c == '@' || c == '_' || c.is_ascii_alphabetic() {
                let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_' | '.');
                let end = at + text[at..].find(|c| !is_part(c)).unwrap_or(text.len() - at);
                (Token::Word(text[at..end].to_owned()), end)
            } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| text[at..].starts_with(**symbol)) {
                (Token::Symbol(symbol), at + symbol.len())
            } else {
                return Err(format!("unexpected character {c}"));
            };
            tokens.push((token, at, end));
            at = end;
        }
        Ok(Self { text: text.to_owned(), all: tokens, place: 0 })
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.all.get(self.place).map_or(Token::End, |(token, ..)| token.clone());
        self.place += 1;
        token
    }

    /// The place of the next token.
    pub(super) fn at(&self) -> usize {
        self.place
    }

    /// The text from that token to the last one read.
    pub(super) fn text_since(&self, place: usize) -> String {
        let (_, start, _) = self.all[place];
        let (_, _, end) = self.all[self.place - 1];
        self.text[start..end].to_owned()
    }

    /// Reads the symbol, if it is next.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let is = matches!(self.all.get(self.place), Some((Token::Symbol(next), ..)) if *next == symbol);
        self.place += usize::from(is);
        is
    }

    /// Reads the word, if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is = matches!(self.all.get(self.place), Some((Token::Word(next), ..)) if next.eq_ignore_ascii_case(word));
        self.place += usize::from(is);
        is
    }

    /// The name of a field.
    pub(super) fn name(&mut self) -> Result<String, String> {
        match self.next() {
            Token::Word(name) => Ok(name),
            other => Err(format!("a field is expected, not {other:?}")),
        }
    }
}

/// The literal that begins at `start`, and where it ends. Escapes of a regular expression are its
/// own, except that of the slash.
fn literal(text: &str, start: usize, quote: char, unescapes: bool) -> Result<(String, usize), String> {
    let mut literal = String::new();
    let mut chars = text[start + 1..].char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((literal, start + 1 + at + 1));
        }
        if c == '\\' {
            let Some((_, next)) = chars.next() else { break };
            if !unescapes && next != '/' {
                literal.push('\\');
            }
            literal.push(next);
        } else {
            literal.push(c);
        }
    }
    Err(format!("a closing {quote} is missing"))
}
