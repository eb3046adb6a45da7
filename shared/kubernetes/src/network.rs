//! The network to an API server: TCP, unless a test replaces it.

use std::fmt::Debug;
use std::io::ErrorKind;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::error::Cause;

/// Bytes to and from an API server, below TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A future that opens a stream, or says why it could not.
pub type Reached<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Stream>, Cause>> + Send + 'a>>;

/// How endpoints are reached. Tests in virtual time need an implementation other than [`Tcp`],
/// because virtual time does not advance while a socket is awaited.
pub trait Network: Debug + Send + Sync {
    /// Opens a stream to a port of a host. `within` is how long that may take; the caller enforces
    /// it.
    fn reach<'a>(&'a self, host: &'a str, port: u16, within: Duration) -> Reached<'a>;
}

/// The machine's network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tcp;

impl Network for Tcp {
    fn reach<'a>(&'a self, host: &'a str, port: u16, within: Duration) -> Reached<'a> {
        Box::pin(async move {
            let stream = connect(host, port, within).await?;
            // Without this, Nagle's algorithm and delayed acknowledgements cost 40 ms a call.
            stream.set_nodelay(true).map_err(|error| Cause::Connect(error.to_string()))?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// Tries the addresses one after the other, each for its share of the time; returns the last error.
async fn connect(host: &str, port: u16, within: Duration) -> Result<TcpStream, Cause> {
    let addresses: Vec<_> =
        lookup_host((host, port)).await.map_err(|error| Cause::Dns(error.to_string()))?.collect();
    let mut error = Cause::Dns("it has no address".to_owned());
    for address in &addresses {
        // An endpoint has addresses in two or more zones; one that is silent must not use up the
        // others' time.
        let share = within / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        error = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(refused)) if refused.kind() == ErrorKind::ConnectionRefused => Cause::Refused,
            Ok(Err(other)) => Cause::Connect(other.to_string()),
            Err(_) => Cause::ConnectTimeout(within),
        };
    }
    Err(error)
}
