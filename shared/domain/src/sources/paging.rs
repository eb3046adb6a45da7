//! Detects paged listings that make no progress.
//!
//! A listing is read until a page has no next token. If the service repeats tokens or keeps
//! returning empty pages, that never happens, and the function would call until it times out, at a
//! cost.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Consecutive pages without a new entry. `CloudWatch` and `DynamoDB` may return empty pages before
/// the next entries (`ListMetrics` after filtering, `Query` after 1 MB that a filter removed), but
/// a hundred are far more than all pages of any of our listings.
const MOST_WITHOUT_NEW: usize = 100;

/// Why a listing is aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Endless {
    /// A page returned a token that an earlier page returned: the pages that follow are known.
    #[error("the pages of this listing repeat: the same next token was returned twice")]
    TokenRepeated,
    /// Many consecutive pages listed nothing new.
    #[error("{MOST_WITHOUT_NEW} pages in a row listed nothing new")]
    NothingNew,
}

/// The pages of one listing so far.
#[derive(Debug, Default)]
pub struct Paging {
    tokens: HashSet<u64>,
    entries: HashSet<u64>,
    without_new: usize,
}

impl Paging {
    /// Adds a page: what identifies its entries, and the token of the next page. Returns whether
    /// there is a next page; an empty token means that there is not.
    pub fn has_next<Entry: Hash>(
        &mut self,
        entries: impl IntoIterator<Item = Entry>,
        token: Option<&str>,
    ) -> Result<bool, Endless> {
        let known = self.entries.len();
        self.entries.extend(entries.into_iter().map(|entry| hash(&entry)));
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(false) };
        if !self.tokens.insert(hash(&token)) {
            return Err(Endless::TokenRepeated);
        }
        self.without_new = if self.entries.len() == known { self.without_new + 1 } else { 0 };
        if self.without_new == MOST_WITHOUT_NEW { Err(Endless::NothingNew) } else { Ok(true) }
    }
}

/// Eight bytes instead of a name of hundreds: a listing may have a hundred thousand entries.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays pages of entries and tokens. Returns the number of the page that ends the listing, and
    /// the result.
    fn play<'a>(pages: impl IntoIterator<Item = (Vec<usize>, &'a str)>) -> (usize, Result<bool, Endless>) {
        let mut paging = Paging::default();
        let mut last = (0, Ok(true));
        for (number, (entries, token)) in pages.into_iter().enumerate() {
            last = (number + 1, paging.has_next(entries, Some(token)));
            if last.1 != Ok(true) {
                break;
            }
        }
        last
    }

    #[test]
    fn a_listing_ends_with_a_page_without_a_token() {
        assert_eq!(play([(vec![1], "a"), (vec![2], "")]), (2, Ok(false)));
        assert_eq!(Paging::default().has_next([1], None), Ok(false));
    }

    #[test]
    fn a_repeated_token_is_a_fault_however_long_the_cycle() {
        for length in 1..50 {
            let tokens: Vec<String> = (0..length).map(|token| token.to_string()).collect();
            // The entries are new: only the cycle is a fault.
            let pages = (0..1000).map(|page| (vec![page], tokens[page % length].as_str()));
            assert_eq!(play(pages), (length + 1, Err(Endless::TokenRepeated)), "a cycle of {length}");
        }
    }

    #[test]
    fn a_hundred_consecutive_pages_without_a_new_entry_are_a_fault() {
        let tokens: Vec<String> = (0..1000).map(|token| token.to_string()).collect();
        let empty = tokens.iter().map(|token| (vec![], token.as_str()));
        assert_eq!(play(empty), (100, Err(Endless::NothingNew)));
        let repeated = tokens.iter().map(|token| (vec![1, 2], token.as_str()));
        assert_eq!(play(repeated), (101, Err(Endless::NothingNew)));
    }

    #[test]
    fn empty_pages_between_entries_are_not_a_fault() {
        let tokens: Vec<String> = (0..1000).map(|token| token.to_string()).collect();
        let entries = |page: usize| if page.is_multiple_of(100) { vec![page] } else { vec![] };
        let pages = tokens.iter().enumerate().map(|(page, token)| (entries(page), token.as_str()));
        assert_eq!(play(pages), (1000, Ok(true)));
    }
}
