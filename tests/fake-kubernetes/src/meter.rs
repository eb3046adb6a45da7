//! The meter.

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Method of HTTP.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Name of the user; empty if the token was refused.
    pub user: String,
    /// Status of the response.
    pub status: u16,
    /// Bytes of the response body as sent.
    pub bytes: usize,
}

/// The requests so far.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Every answered request, in the order of the responses.
    pub calls: Vec<Call>,
    /// Requests in progress.
    pub at_once: usize,
    /// The maximum number of concurrent requests.
    pub most_at_once: usize,
}

impl Meter {
    /// How many requests had this in their path.
    pub fn count(&self, path: &str) -> usize {
        self.calls.iter().filter(|call| call.path.contains(path)).count()
    }

    /// Bytes of all response bodies.
    pub fn bytes(&self) -> usize {
        self.calls.iter().map(|call| call.bytes).sum()
    }
}
