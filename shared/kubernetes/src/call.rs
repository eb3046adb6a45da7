//! One request and its response: token, attempts, deadline.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use tokio::time::{Instant, sleep, timeout_at};

use super::body::{Said, Special};
use super::connection::Outgoing;
use super::error::{Cause, ClientError};
use super::retry::Server;
use super::token::BearerToken;
use super::{Client, body, retry};

/// User agent. If it began with `curl`, `Wget` or `Mozilla/5.0`, the server would return indented
/// JSON of twice the size.
const PROGRAM: &str = concat!("fargaze/", env!("CARGO_PKG_VERSION"));

/// Maximum bytes read of one response, decompressed: a page of 250 pods has 2 to 3 MB.
const LONGEST: usize = 64 << 20;

/// Maximum bytes read of an error's body.
const LONGEST_ERROR: usize = 64 << 10;

/// How long a kubelet may be silent: it is one of many, and occupies a slot that the others wait
/// for. If there is no route to it, the API server says so after 3 s.
const KUBELET_SILENCE: Duration = Duration::from_secs(8);

/// A request.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// With its query.
    pub(super) path: &'a str,
    /// JSON; empty if there is none.
    pub(super) body: Bytes,
    /// Whether it changes nothing, so that it may be repeated.
    pub(super) is_safe: bool,
}

impl<'a> Call<'a> {
    /// A request that reads an object.
    pub(super) fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, body: Bytes::new(), is_safe: true }
    }
}

/// A request without a successful response.
pub(super) struct Refused {
    pub(super) cause: Cause,
    /// The continue token of a 410 response.
    pub(super) next: Option<String>,
    retry_after: Option<Duration>,
}

impl From<Cause> for Refused {
    fn from(cause: Cause) -> Self {
        Self { cause, next: None, retry_after: None }
    }
}

impl Client {
    /// Repeats the request until there is a response, a permanent error, or no time left.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Vec<u8>, Refused> {
        let tried = timeout_at(self.limits.deadline, self.tried(call)).await;
        tried.unwrap_or_else(|_| Err(Cause::Deadline.into()))
    }

    /// An error with the request's method and path.
    pub(super) fn error(&self, method: &Method, path: &str, cause: Cause) -> ClientError {
        ClientError {
            method: match *method {
                Method::POST => "POST",
                Method::PUT => "PUT",
                Method::DELETE => "DELETE",
                _ => "GET",
            },
            path: path.split('?').next().unwrap_or_default().to_owned(),
            cluster: self.access.cluster.clone(),
            cause,
        }
    }

    async fn tried(&self, call: &Call<'_>) -> Result<Vec<u8>, Refused> {
        let server = Server::of(call.path);
        let (mut refusals, mut breaks, mut stalls, mut longest) = (0, 0, 0, Duration::ZERO);
        let mut refused_token = None;
        loop {
            let token = self.session.token(&self.access, refused_token.as_ref()).await;
            let token = token.map_err(Cause::Token)?;
            let on_new_connection = breaks + stalls > 0;
            let once = self.once(call, &token, on_new_connection, self.silence(call, server, stalls));
            let mut refused = match once.await {
                Ok(body) => return Ok(body),
                Err(refused) => refused,
            };
            if refused.cause == Cause::Unauthorized && refused_token.is_none() {
                refused_token = Some(token);
                continue;
            }
            let is_break = refused.cause.is_break();
            let tries = match &mut refused.cause {
                Cause::Stalled { waited, .. } => {
                    longest = longest.max(*waited);
                    *waited = longest;
                    // Other idle connections may lead to the same server.
                    self.origin.forget_idle();
                    &mut stalls
                }
                _ if is_break => &mut breaks,
                _ => &mut refusals,
            };
            *tries += 1;
            if *tries >= retry::tries(&refused.cause, call.is_safe, server) {
                return Err(refused);
            }
            let (most, jitter) = (self.limits.longest_wait, fastrand::f64());
            let wait = match refused.cause {
                Cause::Stalled { .. } => Duration::ZERO,
                _ if is_break => retry::wait_after_break(*tries, most, jitter),
                _ => retry::wait(*tries, refused.retry_after, most, jitter),
            };
            if Instant::now() + wait >= self.limits.deadline {
                return Err(refused);
            }
            sleep(wait).await;
        }
    }

    /// How long the next attempt may be silent, after `stalls` silent ones.
    fn silence(&self, call: &Call<'_>, server: Server, stalls: u32) -> Duration {
        let whole = self.limits.silence;
        match server {
            Server::Api if call.is_safe => {}
            Server::Kubelet => return whole.min(KUBELET_SILENCE),
            Server::Api | Server::Aggregated => return whole,
        }
        let left = self.limits.deadline.saturating_duration_since(Instant::now());
        retry::silence(whole, stalls, left, self.has_answered.load(Relaxed))
    }

    async fn once(
        &self,
        call: &Call<'_>,
        token: &BearerToken,
        on_new_connection: bool,
        silence: Duration,
    ) -> Result<Vec<u8>, Refused> {
        let request = self.request(call, token)?;
        let outgoing = Outgoing { request, is_safe: call.is_safe, on_new_connection };
        // Held until the body is read, because producing it is the server's load. It is never
        // closed.
        let _permit = self.limits.at_once.acquire().await;
        self.calls.fetch_add(1, Relaxed);
        let (response, connection) = self.origin.send(outgoing, self.limits.connect, silence).await?;
        self.has_answered.store(true, Relaxed);
        let count = |bytes| {
            self.bytes.fetch_add(bytes, Relaxed);
        };
        let status = response.status();
        let json = body::is_json(&response);
        let retry_after = retry_after(response.headers());
        let limit = if status.is_success() { LONGEST } else { LONGEST_ERROR };
        let body = body::read(response, silence, limit, count).await;
        if status.is_success() {
            let body = body?;
            self.origin.give_back(connection);
            return Ok(body);
        }
        if body.is_ok() {
            self.origin.give_back(connection);
        }
        // The status matters more than why its explanation could not be read.
        let said = body::explain(json, &body.unwrap_or_default());
        let next = said.next.clone();
        Err(Refused { cause: cause(status, said), next, retry_after })
    }

    fn request(&self, call: &Call<'_>, token: &BearerToken) -> Result<Request<Full<Bytes>>, Cause> {
        let path: Uri = call.path.parse().map_err(|_| Cause::Path)?;
        if !call.path.starts_with('/') {
            return Err(Cause::Path);
        }
        let mut request = Request::builder()
            .method(&call.method)
            .uri(path)
            .header(HOST, self.origin.authority())
            .header(USER_AGENT, PROGRAM)
            .header(ACCEPT, "application/json, */*;q=0.1")
            .header(ACCEPT_ENCODING, "gzip")
            .header(AUTHORIZATION, token.header());
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(Full::new(call.body.clone())).map_err(|_| Cause::Path)
    }
}

/// Seconds only; the API server never sends dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn cause(status: StatusCode, Said { explanation, special, .. }: Said) -> Cause {
    match status {
        StatusCode::FORBIDDEN if special == Some(Special::NamespaceTerminating) => {
            Cause::Terminating(explanation)
        }
        StatusCode::UNPROCESSABLE_ENTITY if special == Some(Special::Immutable) => {
            Cause::Immutable(explanation)
        }
        StatusCode::UNAUTHORIZED => Cause::Unauthorized,
        StatusCode::FORBIDDEN => Cause::Forbidden(explanation),
        StatusCode::NOT_FOUND => Cause::NotFound(explanation),
        StatusCode::CONFLICT => Cause::Conflict(explanation),
        StatusCode::GONE => Cause::Gone(explanation),
        StatusCode::TOO_MANY_REQUESTS => Cause::TooManyRequests(explanation),
        StatusCode::SERVICE_UNAVAILABLE => Cause::Unavailable(explanation),
        _ => Cause::Status { code: status.as_u16(), explanation },
    }
}
