//! Faults that a test injects.

use std::time::Duration;

use crate::recorded::Recorded;

/// What happens to the next requests of a kind, instead of the estate's answer or to it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Part of the path with its query, or, with `$` at its end, the whole.
    pub path: String,
    /// How many requests it befalls.
    pub times: u32,
    /// What happens.
    pub effect: Effect,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Effect {
    /// 410 with a new continue token, if the request has one.
    Expired,
    /// 429 as text.
    TooManyRequests {
        /// Seconds of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// 401 without a detail.
    Unauthorized,
    /// 403 that names the user.
    Forbidden,
    /// 503 as text, of a server behind the API server.
    ServiceUnavailable,
    /// Another `Status`.
    Status {
        /// Status code of HTTP.
        code: u16,
        /// `reason`.
        reason: String,
        /// `message`.
        message: String,
    },
    /// Any answer.
    Raw {
        /// Status code of HTTP.
        code: u16,
        /// Headers.
        headers: Vec<(&'static str, String)>,
        /// As it is sent.
        body: Vec<u8>,
    },
    /// A recorded answer.
    Recorded(&'static Recorded),
    /// The right answer in pieces.
    Slow {
        /// Bytes of a piece.
        piece: usize,
        /// Time before each piece.
        pause: Duration,
    },
    /// The right answer, but the connection breaks.
    Cut {
        /// After how many bytes.
        after: usize,
    },
    /// The right answer in chunks, but the connection breaks before the last one.
    CutChunks {
        /// After how many bytes.
        after: usize,
    },
    /// The right answer, but no more comes.
    Stall {
        /// After how many bytes.
        after: usize,
    },
    /// The connection is closed without an answer.
    Close,
}

impl Fault {
    pub(crate) fn is_of(&self, path: &str) -> bool {
        self.path.strip_suffix('$').map_or_else(|| path.contains(&self.path), |whole| path == whole)
    }

    /// Befalls one request.
    pub fn once(path: &str, effect: Effect) -> Self {
        Self::times(1, path, effect)
    }

    /// Befalls some requests.
    pub fn times(times: u32, path: &str, effect: Effect) -> Self {
        Self { path: path.to_owned(), times, effect }
    }

    /// Befalls all requests.
    pub fn always(path: &str, effect: Effect) -> Self {
        Self::times(u32::MAX, path, effect)
    }
}
