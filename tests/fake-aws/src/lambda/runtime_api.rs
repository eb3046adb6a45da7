//! The Lambda Runtime API: hands out invocations and receives their results.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::bootstrap::FunctionError;
use crate::fake::lock;

/// A Runtime API on its own loopback port, for one bootstrap at a time; it stops when dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: String,
    pub(super) desk: Arc<Desk>,
    server: JoinHandle<()>,
}

/// Pending invocations and their results.
#[derive(Debug)]
pub(super) struct Desk {
    waiting: Mutex<VecDeque<Invocation>>,
    arrived: Notify,
    pending: Mutex<HashMap<String, oneshot::Sender<Result<Value, FunctionError>>>>,
    /// When the runtime first asked for work, or why it never will.
    pub(super) first_next: watch::Sender<Option<Result<Instant, FunctionError>>>,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    payload: Vec<u8>,
    deadline: SystemTime,
}

impl RuntimeApi {
    /// Starts serving on a free loopback port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("a bound address").to_string();
        let desk = Arc::new(Desk {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            pending: Mutex::default(),
            first_next: watch::Sender::new(None),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&desk)));
        Self { address, desk, server }
    }

    /// `127.0.0.1:PORT`, for `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Desk {
    /// Clears the state of an earlier bootstrap.
    pub(super) fn clear(&self) {
        lock(&self.waiting).clear();
        lock(&self.pending).clear();
        self.first_next.send_replace(None);
    }

    /// Queues an invocation; the result arrives at the receiver.
    pub(super) fn queue(
        &self,
        payload: &Value,
        deadline: Duration,
    ) -> oneshot::Receiver<Result<Value, FunctionError>> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let id = format!("30000000-0000-4000-8000-{:012x}", SERIAL.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        lock(&self.pending).insert(id.clone(), sender);
        let payload = payload.to_string().into_bytes();
        let deadline = SystemTime::now() + deadline;
        lock(&self.waiting).push_back(Invocation { id, payload, deadline });
        self.arrived.notify_one();
        receiver
    }

    async fn next(&self) -> Invocation {
        loop {
            let first = lock(&self.waiting).pop_front();
            match first {
                Some(invocation) => return invocation,
                None => self.arrived.notified().await,
            }
        }
    }

    fn settle(&self, id: &str, result: Result<Value, FunctionError>) {
        if let Some(sender) = lock(&self.pending).remove(id) {
            let _ = sender.send(result);
        }
    }
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let desk = Arc::clone(&desk);
        connections.spawn(async move {
            let service = service_fn(|request| {
                let desk = Arc::clone(&desk);
                async move { respond(request, &desk).await }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    request: hyper::Request<Incoming>,
    desk: &Desk,
) -> Result<hyper::Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let parts: Vec<&str> = path.trim_start_matches("/2018-06-01/runtime/").split('/').collect();
    let plain = |status: u16, body: Vec<u8>| {
        hyper::Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("valid headers")
    };
    let accepted = || Ok(plain(202, br#"{"status":"OK"}"#.to_vec()));
    match parts.as_slice() {
        ["invocation", "next"] => {
            desk.first_next.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert_with(|| Ok(Instant::now()));
                is_first
            });
            let invocation = desk.next().await;
            let deadline = invocation.deadline.duration_since(SystemTime::UNIX_EPOCH);
            let mut response = plain(200, invocation.payload);
            let arn = "arn:aws:lambda:eu-west-1:123456789012:function:function-under-test";
            for (name, value) in [
                ("lambda-runtime-aws-request-id", invocation.id.as_str()),
                ("lambda-runtime-invoked-function-arn", arn),
                ("lambda-runtime-deadline-ms", &deadline.unwrap_or_default().as_millis().to_string()),
            ] {
                response.headers_mut().insert(name, value.parse().expect("a header value"));
            }
            Ok(response)
        }
        ["invocation", id, "response"] => {
            let result = serde_json::from_slice(&body).map_err(|error| FunctionError {
                error_type: "Runtime.MalformedResponse".to_owned(),
                error_message: error.to_string(),
            });
            desk.settle(id, result);
            accepted()
        }
        ["invocation", id, "error"] => {
            desk.settle(id, Err(FunctionError::of_body(&body)));
            accepted()
        }
        ["init", "error"] => {
            desk.first_next.send_if_modified(|first| {
                first.get_or_insert_with(|| Err(FunctionError::of_body(&body)));
                true
            });
            accepted()
        }
        _ => Ok(plain(404, format!("fake-aws does not know {path}").into_bytes())),
    }
}
