//! Odd responses of `GetMetricData` that a client has to survive.

/// What is odd about the response for one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    pub(crate) status: Option<String>,
    pub(crate) message: Option<(String, String)>,
    pub(crate) id: Option<String>,
    pub(crate) lost_values: usize,
    pub(crate) silent: bool,
    pub(crate) left: usize,
}

impl Oddity {
    fn plain() -> Self {
        let left = usize::MAX;
        Self { status: None, message: None, id: None, lost_values: 0, silent: false, left }
    }

    /// Another `StatusCode`: `InternalError`, `Forbidden`, or `PartialData` without a token. The
    /// first two come without values.
    pub fn status(code: &str) -> Self {
        let silent = code != "PartialData";
        Self { status: Some(code.to_owned()), silent, ..Self::plain() }
    }

    /// The result has an Id that was not requested.
    pub fn unknown_id(id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..Self::plain() }
    }

    /// The result has this many fewer values than timestamps.
    pub fn lost_values(count: usize) -> Self {
        Self { lost_values: count, ..Self::plain() }
    }

    /// Adds an entry to the result's `Messages`.
    #[must_use]
    pub fn message(mut self, code: &str, value: &str) -> Self {
        self.message = Some((code.to_owned(), value.to_owned()));
        self
    }

    /// Odd for this many results, then normal.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.left = times;
        self
    }
}
