//! Guards paginated AWS listings: a listing that does not end becomes a fault.

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
    /// A listing by `operation` of the resource that `subject` names.
    pub(super) fn of(operation: Operation, subject: impl Into<String>) -> Self {
        Self { operation, subject: subject.into(), paging: Paging::default() }
    }

    /// Records a page: values that distinguish its entries, and the token of the next page. Returns
    /// the token to continue with, `None` at the end. A listing that makes no progress is a fault;
    /// the caller must then discard what it has read.
    pub(super) fn next<Entry: Hash>(
        &mut self,
        entries: impl IntoIterator<Item = Entry>,
        token: Option<&str>,
    ) -> Result<Option<String>, Fault> {
        match self.paging.has_next(entries, token) {
            Ok(true) => Ok(token.map(ToOwned::to_owned)),
            Ok(false) => Ok(None),
            Err(endless) => Err(Fault::malformed(self.operation.clone(), &self.subject, endless.to_string())),
        }
    }
}
