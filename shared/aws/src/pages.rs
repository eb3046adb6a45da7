//! The guard of every listing that AWS gives page by page: one that does not end becomes a fault.

use std::hash::Hash;

use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::sources::paging::Paging;

/// The pages of one listing so far.
#[derive(Debug)]
pub(super) struct Pages {
    operation: Operation,
    subject: String,
    paging: Paging,
}

impl Pages {
    /// A listing by this operation, of what `subject` names.
    pub(super) fn of(operation: Operation, subject: impl Into<String>) -> Self {
        Self { operation, subject: subject.into(), paging: Paging::default() }
    }

    /// Takes in a page: what tells its entries from others, and the token of the next page. Gives the token to ask with,
    /// none at the end. A listing that makes no progress is a fault, whose caller must not use what was read so far.
    pub(super) fn next<Entry: Hash>(
        &mut self,
        entries: impl IntoIterator<Item = Entry>,
        token: Option<&str>,
    ) -> Result<Option<String>, Fault> {
        match self.paging.goes_on(entries, token) {
            Ok(true) => Ok(token.map(ToOwned::to_owned)),
            Ok(false) => Ok(None),
            Err(endless) => Err(Fault::malformed(self.operation.clone(), &self.subject, endless.to_string())),
        }
    }
}
