//! What can go wrong between a request and its response, distinguished by remedy.

use std::fmt;
use std::time::Duration;

use fargaze::model::fault::kubernetes::{
    FALSE_IDENTITY, FORBIDDEN, IMMUTABLE, NAMESPACE_TERMINATING, TOKEN, UNAUTHORIZED,
};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::operation::Operation;

use super::token::TokenError;

/// A request without a usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path} of cluster {cluster}: {cause}")]
pub struct ClientError {
    /// HTTP method.
    pub method: &'static str,
    /// Path without the query.
    pub path: String,
    /// The cluster's name.
    pub cluster: String,
    /// Why.
    pub cause: Cause,
}

/// The body of an error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// A `Status` of the API server: `reason` and `message`.
    Status {
        /// Machine-readable word, such as `Forbidden`; empty if there is none.
        reason: String,
        /// Message for people; names the user and the permission if one is missing.
        message: String,
    },
    /// Anything else, such as `404 page not found` for an API group that does not exist.
    Text(String),
}

/// Why the server's identity was rejected, or could not be verified at all.
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
    /// The certificate has expired or is not valid yet.
    #[error("the certificate has expired or is not valid yet; is the clock right?")]
    NotNow,
    /// The certificate fails verification in another way, or is missing.
    #[error("the certificate was not accepted: {0}")]
    Certificate(String),
    /// This program cannot speak TLS.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl TlsError {
    /// Whether a certificate was checked and rejected. The other errors say nothing about the
    /// server.
    pub fn is_false_identity(&self) -> bool {
        match self {
            Self::UnknownIssuer | Self::WrongName | Self::NotNow | Self::Certificate(_) => true,
            Self::Authority(_) | Self::Setup(_) => false,
        }
    }
}

/// Why a request got no usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The endpoint is not `https://HOST[:PORT]`.
    #[error("the endpoint {0:?} is not https://HOST[:PORT]")]
    Endpoint(String),
    /// The path is not a valid HTTP path.
    #[error("the path is not a valid HTTP path; names in it must be escaped")]
    Path,
    /// The endpoint's name cannot be resolved from here.
    #[error("the endpoint's name cannot be resolved ({0})")]
    Dns(String),
    /// No process listens on the port.
    #[error("connection refused")]
    Refused,
    /// No connection within the time given for it.
    #[error(
        "no connection within {0:?}; do the network, its security group and publicAccessCidrs allow this function?"
    )]
    ConnectTimeout(Duration),
    /// No route, or a similar network error.
    #[error("no connection: {0}")]
    Connect(String),
    /// The server's certificate does not match the cluster, or cannot be verified.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The connection broke, or the server gave up, before the certificate was verified.
    #[error("the TLS handshake broke off: {0}")]
    Handshake(String),
    /// There is no token to send.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 401. The server does not say which of these causes applies.
    #[error(
        "401 Unauthorized: no access entry for the role, or one created before the role was deleted and recreated; a wrong \
         cluster name, a skewed clock, or an expired session"
    )]
    Unauthorized,
    /// 403; the server names the user and the permission.
    #[error("403 Forbidden: {0}")]
    Forbidden(Explanation),
    /// 403 for a namespace that is being deleted: nothing can be created in it any more, whatever
    /// the permissions.
    #[error("403 Forbidden, because the namespace is being deleted: {0}")]
    Terminating(Explanation),
    /// 404; as text if the API group does not exist.
    #[error("404 Not Found: {0}")]
    NotFound(Explanation),
    /// 409: someone else created, changed or deleted the object meanwhile. Nothing was done.
    #[error("409 Conflict: {0}")]
    Conflict(Explanation),
    /// 410: the continue token has expired, and so has a second one.
    #[error("410 Gone: {0}")]
    Gone(Explanation),
    /// 422 for an immutable object: it can be deleted, but not changed.
    #[error("422 Invalid, because the object is immutable: {0}")]
    Immutable(Explanation),
    /// 429, after all attempts.
    #[error("429 Too Many Requests: {0}")]
    TooManyRequests(Explanation),
    /// 503, after all attempts; as text if the server of an API group is down.
    #[error("503 Service Unavailable: {0}")]
    Unavailable(Explanation),
    /// Any other unsuccessful response; redirects are not followed.
    #[error("status {code}: {explanation}")]
    Status {
        /// HTTP status code.
        code: u16,
        /// What the body says.
        explanation: Explanation,
    },
    /// The connection broke before a response.
    #[error("the connection broke before a response arrived: {0}")]
    Broken(String),
    /// The server sent nothing for the allowed time.
    #[error("no data for {waited:?}, after {bytes} bytes of the response")]
    Stalled {
        /// How long nothing arrived.
        waited: Duration,
        /// Bytes of the body received until then, as sent.
        bytes: u64,
    },
    /// No response in the time allowed for the request, which is shorter than that of the whole
    /// run.
    #[error("no response within {0:?}")]
    Late(Duration),
    /// The body ends too early.
    #[error("the response was cut off after {bytes} bytes")]
    Cut {
        /// Bytes of the body received until then, as sent.
        bytes: u64,
    },
    /// The body exceeds the limit, after decompression.
    #[error("the response has more than {limit} bytes")]
    TooLarge {
        /// Maximum bytes that are read.
        limit: usize,
    },
    /// The body does not have the form that it declares.
    #[error("the response cannot be read: {0}")]
    Malformed(String),
    /// The time of the whole run was over.
    #[error("the run's time was over")]
    Deadline,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { message, .. } if !message.is_empty() => f.write_str(message),
            Self::Status { reason, .. } => f.write_str(reason),
            Self::Text(text) if text.is_empty() => f.write_str("no explanation given"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// How far a failed request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The connection broke or was never established; another one may work.
    Broken,
    /// The server did not respond, or refuses the caller.
    NoAnswer,
    /// The server responded to this request.
    Answered,
}

impl Cause {
    /// Whether the connection broke or could not be established. Another one may work.
    pub fn is_break(&self) -> bool {
        self.reach() == Reach::Broken
    }

    /// Whether the server did not respond at all, or refuses the caller, so that any other request
    /// would fail in the same way.
    pub fn is_no_answer(&self) -> bool {
        self.reach() != Reach::Answered
    }

    fn reach(&self) -> Reach {
        match self {
            Self::Refused | Self::Connect(_) | Self::Handshake(_) | Self::Broken(_) | Self::Cut { .. } => {
                Reach::Broken
            }
            Self::Endpoint(_)
            | Self::Dns(_)
            | Self::ConnectTimeout(_)
            | Self::Tls(_)
            | Self::Token(_)
            | Self::Unauthorized
            | Self::Stalled { .. }
            | Self::Late(_)
            | Self::Deadline => Reach::NoAnswer,
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
            | Self::Malformed(_) => Reach::Answered,
        }
    }

    /// Stable word for logs, and the kind of fault.
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
