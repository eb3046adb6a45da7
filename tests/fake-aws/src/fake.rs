//! The handle on a running fake.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::buckets::Buckets;
use crate::crash::Lives;
use crate::estate::Estate;
use crate::fault::Fault;
use crate::meter::Meter;
use crate::server;
use crate::world::{Object, Published, Sent, World};

/// The endpoint of a fake without a server: nothing can listen there, so any other client fails at
/// once.
const NOWHERE: &str = "http://127.0.0.1:0";

/// A running fake; its server stops when it is dropped.
#[derive(Debug)]
pub struct FakeAws {
    endpoint: String,
    state: Arc<State>,
    server: Option<JoinHandle<()>>,
}

/// State shared by the calls.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) world: Mutex<World>,
    pub(crate) meter: Mutex<Meter>,
    pub(crate) buckets: Mutex<Buckets>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) lives: Lives,
    pub(crate) latency: Duration,
    pub(crate) home: (String, String),
    /// On tokio's clock, which tests can pause; used by buckets, latency and the meter.
    pub(crate) started: Instant,
    /// The time of day at the start: the machine's, unless a test set another.
    started_at: Mutex<Timestamp>,
}

impl State {
    /// The time of day for the fake's clients: it started as the machine's, and continues with
    /// tokio's clock.
    pub(crate) fn wall_clock(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        *lock(&self.started_at) + elapsed
    }
}

/// Settings of a fake that has not started yet.
#[derive(Debug)]
pub struct Builder {
    world: World,
    home: (String, String),
    latency: Duration,
    buckets: bool,
    faults: Vec<Fault>,
    port: u16,
    started_at: Option<Timestamp>,
}

impl Builder {
    /// Every call takes at least this long.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Throttles at AWS's published quotas.
    #[must_use]
    pub fn published_buckets(mut self) -> Self {
        self.buckets = true;
        self
    }

    /// The faults, and the calls that they affect.
    #[must_use]
    pub fn faults(mut self, plan: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(plan);
        self
    }

    /// The estate of another account or Region.
    #[must_use]
    pub fn estate(mut self, estate: Estate) -> Self {
        self.world.add(estate);
        self
    }

    /// The time of day at the start, instead of the machine's.
    #[must_use]
    pub fn clock(mut self, at: Timestamp) -> Self {
        self.started_at = Some(at);
        self
    }

    /// A fixed port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts serving on the loopback interface, on the current tokio runtime.
    pub async fn start(self) -> FakeAws {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("a loopback port");
        let endpoint = format!("http://{}", listener.local_addr().expect("a bound address"));
        let state = self.state();
        let server = tokio::spawn(server::serve(listener, Arc::clone(&state)));
        FakeAws { endpoint, state, server: Some(server) }
    }

    /// A fake without a server, for [`FakeAws::http_client`] alone. Tokio's clock may be paused.
    pub fn in_process(self) -> FakeAws {
        FakeAws { endpoint: NOWHERE.to_owned(), state: self.state(), server: None }
    }

    fn state(self) -> Arc<State> {
        Arc::new(State {
            world: Mutex::new(self.world),
            meter: Mutex::default(),
            buckets: Mutex::new(Buckets::new(self.buckets)),
            faults: Mutex::new(self.faults),
            lives: Lives::new(),
            latency: self.latency,
            home: self.home,
            started: Instant::now(),
            started_at: Mutex::new(self.started_at.unwrap_or_else(Timestamp::now)),
        })
    }
}

impl FakeAws {
    /// Starts a fake without latency, throttling and faults on a free loopback port.
    pub async fn start(home: Estate) -> Self {
        Self::builder(home).start().await
    }

    /// A fake without a server, latency, throttling and faults, for [`FakeAws::http_client`] alone.
    pub fn in_process(home: Estate) -> Self {
        Self::builder(home).in_process()
    }

    /// `home` is the account and Region of calls whose access key or scope names no other.
    pub fn builder(home: Estate) -> Builder {
        Builder {
            home: (home.account.clone(), home.region.clone()),
            world: World::new(home),
            latency: Duration::ZERO,
            buckets: false,
            faults: Vec::new(),
            port: 0,
            started_at: None,
        }
    }

    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`; port 0 without a server.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Changes the served state between two calls.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut World) -> T) -> T {
        edit(&mut lock(&self.state.world))
    }

    /// Advances the time of day; does nothing if it is later already.
    pub fn pass_until(&self, at: Timestamp) {
        let rest = at.duration_since(self.state.wall_clock());
        if rest.is_positive() {
            let mut started_at = lock(&self.state.started_at);
            *started_at += rest;
        }
    }

    /// Adds to the fault plan.
    pub fn add_fault(&self, fault: Fault) {
        lock(&self.state.faults).push(fault);
    }

    /// Ends all outages by clearing the fault plan.
    pub fn clear_faults(&self) {
        lock(&self.state.faults).clear();
    }

    /// The faults that have not been used up.
    pub fn faults_left(&self) -> Vec<Fault> {
        lock(&self.state.faults).iter().filter(|fault| fault.is_left()).cloned().collect()
    }

    /// The calls since the start or the last reset.
    pub fn meter(&self) -> Meter {
        lock(&self.state.meter).clone()
    }

    /// Sets the meter to zero.
    pub fn reset_meter(&self) {
        *lock(&self.state.meter) = Meter::default();
    }

    /// The messages published, in order.
    pub fn published(&self) -> Vec<Published> {
        lock(&self.state.world).published.clone()
    }

    /// The messages sent to queues since the last call, in order.
    pub fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut lock(&self.state.world).sent)
    }

    /// All stored objects, by bucket and key.
    pub fn objects(&self) -> Vec<Object> {
        lock(&self.state.world).objects()
    }

    /// The newest version of an object.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        lock(&self.state.world).object(bucket, key)
    }

    /// Stores an object, creating its bucket if needed; returns the version id.
    pub fn put_object(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) -> String {
        lock(&self.state.world).put_object(bucket, key, bytes.into())
    }

    /// All items of a table in DynamoDB JSON, by key.
    pub fn items(&self, table: &str) -> Vec<serde_json::Value> {
        let world = lock(&self.state.world);
        world.tables.get(table).map(crate::dynamodb::Table::all).unwrap_or_default()
    }
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// Locks even after a panic in another holder: the panic itself is what fails the test.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
