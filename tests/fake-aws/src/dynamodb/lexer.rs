//! The tokens of DynamoDB's expressions.

use super::invalid;
use crate::wire::Refusal;

/// Splits an expression into tokens and iterates over them.
#[derive(Debug)]
pub(super) struct Tokens {
    tokens: Vec<String>,
    at: usize,
}

impl Tokens {
    /// Words are names, `#names` and `:values`; comparisons, brackets, commas and arithmetic are
    /// signs.
    pub(super) fn new(text: &str) -> Result<Self, Refusal> {
        let mut tokens: Vec<String> = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_ascii_alphanumeric() || "_#:-.".contains(c);
            let length = if word(first) && first != '-' {
                rest.find(|c| !word(c)).unwrap_or(rest.len())
            } else if ["<>", "<=", ">="].iter().any(|sign| rest.starts_with(sign)) {
                2
            } else if "=<>(),+-".contains(first) {
                1
            } else {
                return Err(invalid(format!("Invalid expression: syntax error at {rest:?}")));
            };
            let (token, after) = rest.split_at(length);
            tokens.push(token.to_owned());
            rest = after.trim_start();
        }
        Ok(Self { tokens, at: 0 })
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    pub(super) fn next(&mut self) -> Result<String, Refusal> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| invalid("Invalid expression: it ends too early"))
    }

    /// Takes the token if it is this keyword (in any case) or sign.
    pub(super) fn take(&mut self, wanted: &str) -> bool {
        let taken = self.peek().is_some_and(|token| token.eq_ignore_ascii_case(wanted));
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn expect(&mut self, wanted: &str) -> Result<(), Refusal> {
        if self.take(wanted) {
            return Ok(());
        }
        let found = self.peek().unwrap_or("the end");
        Err(invalid(format!("Invalid expression: {wanted:?} expected, {found:?} found")))
    }

    pub(super) fn end(&self) -> Result<(), Refusal> {
        match self.peek() {
            None => Ok(()),
            Some(token) => Err(invalid(format!("Invalid expression: unexpected {token:?}"))),
        }
    }
}
