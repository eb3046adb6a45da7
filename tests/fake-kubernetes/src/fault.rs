//! Faults that a test injects.

use std::time::Duration;

use crate::recorded::Recorded;

/// What happens to the next matching requests, in place of or in addition to the estate's response.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Part of the path with its query, or, with `$` at its end, the whole.
    pub path: String,
    /// How many requests it affects.
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
    /// 503 as text, from a server behind the API server.
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
    /// Any response.
    Raw {
        /// Status code of HTTP.
        code: u16,
        /// Headers.
        headers: Vec<(&'static str, String)>,
        /// As sent.
        body: Vec<u8>,
    },
    /// A recorded response.
    Recorded(&'static Recorded),
    /// The right response in pieces.
    Slow {
        /// Bytes of a piece.
        piece: usize,
        /// Delay before each piece.
        pause: Duration,
    },
    /// The right response, but the connection breaks.
    Cut {
        /// After how many bytes.
        after: usize,
    },
    /// The right response in chunks, but the connection breaks before the last one.
    CutChunks {
        /// After how many bytes.
        after: usize,
    },
    /// The right response, which then stalls.
    Stall {
        /// After how many bytes.
        after: usize,
    },
    /// The connection is closed without a response.
    Close,
}

impl Fault {
    pub(crate) fn is_of(&self, path: &str) -> bool {
        self.path.strip_suffix('$').map_or_else(|| path.contains(&self.path), |whole| path == whole)
    }

    /// Affects one request.
    pub fn once(path: &str, effect: Effect) -> Self {
        Self::times(1, path, effect)
    }

    /// Affects some requests.
    pub fn times(times: u32, path: &str, effect: Effect) -> Self {
        Self { path: path.to_owned(), times, effect }
    }

    /// Affects all requests.
    pub fn always(path: &str, effect: Effect) -> Self {
        Self::times(u32::MAX, path, effect)
    }
}
