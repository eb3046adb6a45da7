//! What was asked.

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Method of HTTP.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Name of the user; empty if the token was refused.
    pub user: String,
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the answer's body as they are sent.
    pub bytes: usize,
}

/// What was asked so far.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Every request that was answered, in the order of the answers.
    pub calls: Vec<Call>,
    /// Requests that are being answered.
    pub at_once: usize,
    /// The most that were answered at once.
    pub most_at_once: usize,
}

impl Meter {
    /// How many requests had this in their path.
    pub fn count(&self, path: &str) -> usize {
        self.calls.iter().filter(|call| call.path.contains(path)).count()
    }

    /// Bytes of all answers' bodies.
    pub fn bytes(&self) -> usize {
        self.calls.iter().map(|call| call.bytes).sum()
    }
}
