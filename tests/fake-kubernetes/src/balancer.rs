//! A load balancer in front of the API server: it forwards connections, and breaks those that a
//! test selects, at any byte.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::handle::Handle;

/// How a connection ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// How many bytes of the server are forwarded first.
    pub after: usize,
    /// What the client sees then.
    pub by: End,
}

/// How the end of a connection reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By an orderly close, as if the server had sent everything.
    Eof,
    /// By a reset.
    Reset,
}

/// The fate of a connection, by its number from 0.
type Plan = dyn FnMut(usize) -> Option<Break> + Send;

struct Shared {
    server: SocketAddr,
    plan: Mutex<Box<Plan>>,
    accepted: AtomicUsize,
    passed: AtomicUsize,
}

/// A running balancer; it stops when dropped.
pub struct Balancer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A reserved address at which nothing listens yet: connections are refused.
pub struct Deaf {
    socket: TcpSocket,
}

impl Deaf {
    /// A free port of the loopback interface.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { socket }
    }

    /// `DescribeCluster`'s `endpoint`.
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.socket.local_addr().unwrap())
    }

    /// Listens from now on, and forwards all connections.
    pub fn listen(self, server: &Handle) -> Balancer {
        Balancer::on(self.socket.listen(64).unwrap(), server, |_| None)
    }
}

impl Default for Deaf {
    fn default() -> Self {
        Self::new()
    }
}

impl Balancer {
    /// Runs in front of a server. `plan` returns for each connection, by its number, how it breaks,
    /// if it does.
    pub fn before(server: &Handle, plan: impl FnMut(usize) -> Option<Break> + Send + 'static) -> Self {
        let deaf = Deaf::new();
        Self::on(deaf.socket.listen(64).unwrap(), server, plan)
    }

    fn on(
        listener: TcpListener,
        server: &Handle,
        plan: impl FnMut(usize) -> Option<Break> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            server: server.address(),
            plan: Mutex::new(Box::new(plan)),
            accepted: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
        });
        let address = listener.local_addr().unwrap();
        Self { address, task: tokio::spawn(accept(listener, Arc::clone(&shared))), shared }
    }

    /// `DescribeCluster`'s `endpoint`.
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Connections so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Relaxed)
    }

    /// Bytes of the server forwarded so far, over all connections.
    pub fn passed(&self) -> usize {
        self.shared.passed.load(Relaxed)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    let number = shared.accepted.fetch_add(1, Relaxed);
                    let broken = (shared.plan.lock().unwrap_or_else(PoisonError::into_inner))(number);
                    connections.spawn(pass(client, broken, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Forwards a connection to its end or its break. An error is an end like any other.
async fn pass(mut client: TcpStream, broken: Option<Break>, shared: Arc<Shared>) {
    let Ok(mut server) = TcpStream::connect(shared.server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let up = async {
            let _ = copy(&mut from_client, &mut to_server).await;
            let _ = to_server.shutdown().await;
            // The responses continue.
            pending::<()>().await;
        };
        let most = broken.map_or(usize::MAX, |broken| broken.after);
        tokio::select! {
            () = up => {}
            () = down(&mut from_server, &mut to_client, most, &shared.passed) => {}
        }
    }
    if broken.is_some_and(|broken| broken.by == End::Reset) {
        let _ = client.set_zero_linger();
        return;
    }
    let _ = client.shutdown().await;
    // Drains what the client still sends: closing a socket with unread data causes a reset.
    let _ = copy(&mut client, &mut sink()).await;
}

/// Forwards at most this many bytes of the server.
async fn down(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>, most: usize, passed: &AtomicUsize) {
    let (mut left, mut buffer) = (most, vec![0; 16 << 10]);
    while left > 0 {
        let part = left.min(buffer.len());
        match from.read(&mut buffer[..part]).await {
            Ok(read @ 1..) if to.write_all(&buffer[..read]).await.is_ok() => {
                passed.fetch_add(read, Relaxed);
                left -= read;
            }
            _ => return,
        }
    }
}
