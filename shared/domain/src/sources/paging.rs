//! Whether a listing that comes page by page makes progress.
//!
//! A listing is asked for until a page names no further one. That never happens if the service names pages that it has
//! named before, or pages with nothing on them: the function would ask until it is ended, and be billed for it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Pages in a row that list nothing new. `CloudWatch` and `DynamoDB` may answer with empty pages before the next entries
/// (`ListMetrics` after filtering, `Query` after 1 MB that a filter removed), but a hundred of them are far more than any
/// listing of ours has in all.
const MOST_WITHOUT_NEWS: usize = 100;

/// Why a listing is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Endless {
    /// A page names one that was named before: the next page is known, and so are all that follow.
    #[error("the pages of this listing repeat: the same next page was named twice")]
    TokenRepeated,
    /// Page after page lists nothing that was not listed before.
    #[error("{MOST_WITHOUT_NEWS} pages in a row listed nothing new")]
    NothingNew,
}

/// The pages of one listing so far.
#[derive(Debug, Default)]
pub struct Paging {
    tokens: HashSet<u64>,
    entries: HashSet<u64>,
    without_news: usize,
}

impl Paging {
    /// Takes in a page: what tells its entries from others, and the token of the next page. Says whether there is a next
    /// page; an empty token names none.
    pub fn goes_on<Entry: Hash>(
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
        self.without_news = if self.entries.len() == known { self.without_news + 1 } else { 0 };
        if self.without_news == MOST_WITHOUT_NEWS { Err(Endless::NothingNew) } else { Ok(true) }
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

    /// Plays pages of entries and tokens; the number of the page that ends the listing, and how.
    fn play<'a>(pages: impl IntoIterator<Item = (Vec<usize>, &'a str)>) -> (usize, Result<bool, Endless>) {
        let mut paging = Paging::default();
        let mut last = (0, Ok(true));
        for (number, (entries, token)) in pages.into_iter().enumerate() {
            last = (number + 1, paging.goes_on(entries, Some(token)));
            if last.1 != Ok(true) {
                break;
            }
        }
        last
    }

    #[test]
    fn a_listing_ends_with_a_page_that_names_no_other() {
        assert_eq!(play([(vec![1], "a"), (vec![2], "")]), (2, Ok(false)));
        assert_eq!(Paging::default().goes_on([1], None), Ok(false));
    }

    #[test]
    fn a_token_that_was_there_before_is_a_fault_however_long_the_circle() {
        for length in 1..50 {
            let tokens: Vec<String> = (0..length).map(|token| token.to_string()).collect();
            // The entries are new: the circle alone is the fault.
            let pages = (0..1000).map(|page| (vec![page], tokens[page % length].as_str()));
            assert_eq!(play(pages), (length + 1, Err(Endless::TokenRepeated)), "a circle of {length}");
        }
    }

    #[test]
    fn a_hundred_pages_in_a_row_without_a_new_entry_are_a_fault() {
        let tokens: Vec<String> = (0..1000).map(|token| token.to_string()).collect();
        let empty = tokens.iter().map(|token| (vec![], token.as_str()));
        assert_eq!(play(empty), (100, Err(Endless::NothingNew)));
        let repeated = tokens.iter().map(|token| (vec![1, 2], token.as_str()));
        assert_eq!(play(repeated), (101, Err(Endless::NothingNew)));
    }

    #[test]
    fn empty_pages_between_entries_are_none() {
        let tokens: Vec<String> = (0..1000).map(|token| token.to_string()).collect();
        let entries = |page: usize| if page.is_multiple_of(100) { vec![page] } else { vec![] };
        let pages = tokens.iter().enumerate().map(|(page, token)| (entries(page), token.as_str()));
        assert_eq!(play(pages), (1000, Ok(true)));
    }
}
