//! What can go wrong between a question and its answer, told apart as a person needs it who has to repair it.

use std::fmt;
use std::time::Duration;

use fargaze::model::fault::kubernetes::{
    FALSE_IDENTITY, FORBIDDEN, IMMUTABLE, NAMESPACE_TERMINATING, TOKEN, UNAUTHORIZED,
};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;

use super::token::TokenError;

/// A question that got no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path} of cluster {cluster}: {cause}")]
pub struct ClientError {
    /// Method of HTTP.
    pub method: &'static str,
    /// Path without the query.
    pub path: String,
    /// The cluster's name.
    pub cluster: String,
    /// Why.
    pub cause: Cause,
}

/// What the server says in the body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// A `Status` of the API server: `reason` and `message`.
    Status {
        /// Word for machines, such as `Forbidden`; empty if there is none.
        reason: String,
        /// Sentence for people; names the user and the right if one is missing.
        message: String,
    },
    /// Anything else, such as the `404 page not found` of an API group that is not there.
    Text(String),
}

/// Why the server is not believed to be the cluster's, or why that cannot be verified at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// `certificateAuthority.data` of the cluster cannot be read.
    #[error("the cluster's CA cannot be read: {0}")]
    Authority(String),
    /// The chain does not end in the cluster's CA.
    #[error(
        "certificate not signed by the cluster's CA; is a proxy in between, or the endpoint of another cluster?"
    )]
    UnknownIssuer,
    /// The certificate is for other names.
    #[error("the certificate is not for the endpoint's host name")]
    WrongName,
    /// The certificate's time is over or has not begun.
    #[error("the certificate has expired or is not valid yet; is the clock right?")]
    NotNow,
    /// The certificate fails the verification in another way, or there is none.
    #[error("the certificate was not accepted: {0}")]
    Certificate(String),
    /// This program cannot speak TLS.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl TlsError {
    /// Whether a certificate was looked at and failed. The others say nothing about the server.
    pub fn is_false_identity(&self) -> bool {
        match self {
            Self::UnknownIssuer | Self::WrongName | Self::NotNow | Self::Certificate(_) => true,
            Self::Authority(_) | Self::Setup(_) => false,
        }
    }
}

/// Why a question got no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The endpoint is no `https://HOST`.
    #[error("the endpoint {0:?} is not https://HOST[:PORT]")]
    Endpoint(String),
    /// The path is none.
    #[error("the path is not a path of HTTP; names in it have to be escaped")]
    Path,
    /// The endpoint's name has no address here.
    #[error("the endpoint's name cannot be resolved ({0})")]
    Dns(String),
    /// Nothing listens there.
    #[error("connection refused")]
    Refused,
    /// No connection within the time given for it.
    #[error(
        "no connection within {0:?}; does the network, its security group or publicAccessCidrs let us in?"
    )]
    ConnectTimeout(Duration),
    /// No route and the like.
    #[error("no connection: {0}")]
    Connect(String),
    /// The server did not prove to be the cluster's, or that cannot be verified.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The connection broke, or the server gave up, before anybody was identified.
    #[error("the TLS handshake broke off: {0}")]
    Handshake(String),
    /// No token to send.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 401. The server does not say which of them it is.
    #[error(
        "401 Unauthorized: no access entry for the role, or one from before the role was deleted and made again; a wrong \
         cluster name, a skewed clock, or an expired session"
    )]
    Unauthorized,
    /// 403; the server names the user and the right.
    #[error("403 Forbidden: {0}")]
    Forbidden(Explanation),
    /// 403 of a namespace that is being deleted: nothing can be created in it any more, whatever the rights are.
    #[error("403 Forbidden, because the namespace is being deleted: {0}")]
    Terminating(Explanation),
    /// 404; as text if the API group is not there at all.
    #[error("404 Not Found: {0}")]
    NotFound(Explanation),
    /// 409: somebody else made, changed or deleted the object meanwhile. Nothing was done.
    #[error("409 Conflict: {0}")]
    Conflict(Explanation),
    /// 410: the continue token has expired, and a second one did, too.
    #[error("410 Gone: {0}")]
    Gone(Explanation),
    /// 422 of an object that is immutable: it can be deleted, but not changed.
    #[error("422 Invalid, because the object is immutable: {0}")]
    Immutable(Explanation),
    /// 429, after all tries.
    #[error("429 Too Many Requests: {0}")]
    TooManyRequests(Explanation),
    /// 503, after all tries; as text if the server of an API group is down.
    #[error("503 Service Unavailable: {0}")]
    Unavailable(Explanation),
    /// Any other answer that is no success; redirects are not followed.
    #[error("answer {code}: {explanation}")]
    Status {
        /// Status code of HTTP.
        code: u16,
        /// What the body says.
        explanation: Explanation,
    },
    /// The connection broke before an answer.
    #[error("the connection broke before an answer came: {0}")]
    Broken(String),
    /// Nothing came for the time given.
    #[error("nothing came for {waited:?}, after {bytes} bytes of the answer")]
    Stalled {
        /// How long nothing came.
        waited: Duration,
        /// How many bytes of the body had come, as they are sent.
        bytes: u64,
    },
    /// No answer in the time that the question had, which is less than that of the whole run.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The body ends too early.
    #[error("the answer was cut off after {bytes} bytes")]
    Cut {
        /// How many bytes of the body had come, as they are sent.
        bytes: u64,
    },
    /// The body is longer than is read, after decompression.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// How many are read.
        limit: usize,
    },
    /// The body is not what it says it is.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
    /// The time of the whole run was over.
    #[error("the time for it was over")]
    Deadline,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { message, .. } if !message.is_empty() => f.write_str(message),
            Self::Status { reason, .. } => f.write_str(reason),
            Self::Text(text) if text.is_empty() => f.write_str("without a word"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Cause {
    /// Whether the connection broke or none came about. Another one may last.
    pub fn is_break(&self) -> bool {
        match self {
            Self::Refused | Self::Connect(_) | Self::Handshake(_) | Self::Broken(_) | Self::Cut { .. } => {
                true
            }
            Self::Endpoint(_)
            | Self::Path
            | Self::Dns(_)
            | Self::ConnectTimeout(_)
            | Self::Tls(_)
            | Self::Token(_)
            | Self::Unauthorized
            | Self::Forbidden(_)
            | Self::Terminating(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Gone(_)
            | Self::Immutable(_)
            | Self::TooManyRequests(_)
            | Self::Unavailable(_)
            | Self::Status { .. }
            | Self::Stalled { .. }
            | Self::Late(_)
            | Self::TooLarge { .. }
            | Self::Malformed(_)
            | Self::Deadline => false,
        }
    }

    /// Whether the server answered nothing at all, or refuses whoever asks it, so that any other question would end the
    /// same.
    pub fn is_no_answer(&self) -> bool {
        match self {
            Self::Endpoint(_)
            | Self::Dns(_)
            | Self::Refused
            | Self::ConnectTimeout(_)
            | Self::Connect(_)
            | Self::Tls(_)
            | Self::Handshake(_)
            | Self::Token(_)
            | Self::Unauthorized
            | Self::Broken(_)
            | Self::Stalled { .. }
            | Self::Late(_)
            | Self::Cut { .. }
            | Self::Deadline => true,
            Self::Path
            | Self::Forbidden(_)
            | Self::Terminating(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Gone(_)
            | Self::Immutable(_)
            | Self::TooManyRequests(_)
            | Self::Unavailable(_)
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Malformed(_) => false,
        }
    }

    /// Stable word for logs, and what it means.
    fn class(&self) -> (&'static str, FaultKind) {
        match self {
            Self::Endpoint(_) => ("endpoint", FaultKind::Invalid),
            Self::Path => ("path", FaultKind::Invalid),
            Self::Dns(_) => ("dns", FaultKind::Transient),
            Self::Refused => ("refused", FaultKind::Transient),
            Self::ConnectTimeout(_) => ("connect timeout", FaultKind::Transient),
            Self::Connect(_) => ("connect", FaultKind::Transient),
            Self::Tls(why) if why.is_false_identity() => (FALSE_IDENTITY, FaultKind::Denied),
            Self::Tls(_) => ("tls", FaultKind::Invalid),
            Self::Handshake(_) => ("handshake", FaultKind::Transient),
            Self::Token(_) => (TOKEN, FaultKind::Denied),
            Self::Unauthorized => (UNAUTHORIZED, FaultKind::Denied),
            Self::Forbidden(_) => (FORBIDDEN, FaultKind::Denied),
            Self::Terminating(_) => (NAMESPACE_TERMINATING, FaultKind::Invalid),
            Self::Immutable(_) => (IMMUTABLE, FaultKind::Invalid),
            Self::NotFound(_) => ("NotFound", FaultKind::NotFound),
            Self::Conflict(_) => ("Conflict", FaultKind::Conflict),
            Self::Gone(_) => ("Expired", FaultKind::Transient),
            Self::TooManyRequests(_) => ("TooManyRequests", FaultKind::Throttled),
            Self::Unavailable(_) => ("ServiceUnavailable", FaultKind::Transient),
            Self::Status { code: 500.., .. } => ("5xx", FaultKind::Transient),
            Self::Status { .. } => ("status", FaultKind::Invalid),
            Self::Broken(_) => ("broken connection", FaultKind::Transient),
            Self::Stalled { .. } | Self::Late(_) => ("timeout", FaultKind::Transient),
            Self::Cut { .. } => ("cut answer", FaultKind::Transient),
            Self::TooLarge { .. } => ("too large", FaultKind::Malformed),
            Self::Malformed(_) => ("malformed answer", FaultKind::Malformed),
            Self::Deadline => ("deadline", FaultKind::Transient),
        }
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        let ClientError { method, path, cluster, cause } = error;
        let (code, kind) = cause.class();
        Self {
            operation: Operation::kubernetes(method, path),
            subject: cluster,
            kind,
            code: code.to_owned(),
            message: cause.to_string(),
        }
    }
}
