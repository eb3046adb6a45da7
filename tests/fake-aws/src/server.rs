//! The HTTP server on the loopback interface.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::fake::State;
use crate::pipeline::{self, Cut};
use crate::request::Request;

/// Serves until aborted; the connections belong to the set and end with it.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    // Without this, Nagle's algorithm and delayed acknowledgements cost 40 ms a call.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { respond(request, &state).await }
    });
    // An error is a client that disconnected, or a connection that the fault plan cut.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Passes the whole request to the pipeline; on an error hyper closes the connection without a
/// response.
async fn respond(
    incoming: hyper::Request<Incoming>,
    state: &State,
) -> Result<hyper::Response<Full<Bytes>>, Cut> {
    let (head, body) = incoming.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let request = Request::new(&head, body, (&state.home.0, &state.home.1));
    Ok(pipeline::answer(request, state).await?.map(Full::new))
}
