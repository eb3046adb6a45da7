//! What the connections share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::answer::Answer;
use crate::crash::Life;
use crate::estate::Estate;
use crate::fault::{Effect, Fault};
use crate::meter::Meter;

/// The estate with its history, the faults to come, and the meter.
pub(crate) struct State {
    inner: Mutex<Inner>,
    /// Of the caller.
    pub(crate) life: Life,
}

pub(crate) struct Inner {
    pub(crate) estate: Arc<Estate>,
    /// `resourceVersion` of the estate as it is.
    pub(crate) version: u64,
    /// What walks that are under way go on with.
    pub(crate) snapshots: BTreeMap<u64, Arc<Estate>>,
    /// Compressed answers by path, if the estate keeps them.
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
    /// Changes the estate; walks that are under way do not see it.
    pub(crate) fn change<T>(&mut self, change: impl FnOnce(&mut Estate) -> T) -> T {
        let changed = change(Arc::make_mut(&mut self.estate));
        self.version += 1;
        self.kept.clear();
        changed
    }

    /// The effect of the first fault that befalls this path.
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

impl Estate {
    /// The time of the cluster.
    pub(crate) fn time(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }
}
