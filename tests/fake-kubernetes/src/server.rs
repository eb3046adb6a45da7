//! The HTTPS server on the loopback interface.

use std::io;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::body::Played;
use crate::pipeline;
use crate::state::State;

/// Serves until aborted; the connections belong to the set and end with it.
pub(crate) async fn serve(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    // Without this, Nagle's algorithm and delayed acknowledgements cost 40 ms a
                    // call.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(connection(stream, acceptor.clone(), Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until its client disconnects.
pub(crate) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    acceptor: TlsAcceptor,
    state: Arc<State>,
) {
    // A client that does not trust the CA ends here.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { respond(request, &state).await }
    });
    // An error is a client that disconnected, or a connection that a fault cut.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// On an error hyper closes the connection without a response.
async fn respond(incoming: http::Request<Incoming>, state: &State) -> io::Result<http::Response<Played>> {
    let (head, body) = incoming.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    pipeline::respond(&http::Request::from_parts(head, body), state).await
}
