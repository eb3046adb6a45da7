//! State shared by the connections.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::answer::Answer;
use crate::crash::Life;
use crate::estate::Estate;
use crate::fault::{Effect, Fault};
use crate::meter::Meter;

/// The estate with its history, the pending faults, and the meter.
pub(crate) struct State {
    inner: Mutex<Inner>,
    /// Crash state of the caller.
    pub(crate) life: Life,
}

pub(crate) struct Inner {
    pub(crate) estate: Arc<Estate>,
    /// `resourceVersion` of the current estate.
    pub(crate) version: u64,
    /// Snapshots for lists in progress.
    pub(crate) snapshots: BTreeMap<u64, Arc<Estate>>,
    /// Compressed responses by path, if the estate caches them.
    pub(crate) kept: HashMap<String, Answer>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) meter: Meter,
}

impl State {
    pub(crate) fn new(estate: Estate) -> Self {
        let inner = Inner {
            estate: Arc::new(estate),
            version: 4601,
            snapshots: BTreeMap::new(),
            kept: HashMap::new(),
            faults: Vec::new(),
            meter: Meter::default(),
        };
        Self { inner: Mutex::new(inner), life: Life::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Changes the estate; lists in progress do not see it.
    pub(crate) fn change<T>(&mut self, change: impl FnOnce(&mut Estate) -> T) -> T {
        let changed = change(Arc::make_mut(&mut self.estate));
        self.version += 1;
        self.kept.clear();
        changed
    }

    /// The effect of the first fault that matches this path.
    pub(crate) fn befalls(&mut self, path: &str) -> Option<Effect> {
        let paged = path.contains("continue=");
        let fault = self.faults.iter_mut().find(|fault| {
            let fits = paged || !matches!(fault.effect, Effect::Expired);
            fault.times > 0 && fits && fault.is_of(path)
        })?;
        fault.times = if fault.times == u32::MAX { u32::MAX } else { fault.times - 1 };
        Some(fault.effect.clone())
    }
}
