//! Whether the store works, and since when it does again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use smallgate_core::time::UnixTime;

use crate::clock::Reading;
use crate::log;
use crate::store::Store;

/// From the store's first failure until it was seen to work. Meanwhile nothing is
/// written, since a decision that rests on a time before it would take clients
/// for thieves that only could not be answered.
pub(crate) struct Outage {
    is_on: AtomicBool,
    /// When the last one was over.
    ended: AtomicU64,
}

impl Outage {
    /// There was none.
    pub(crate) const fn none() -> Self {
        Outage {
            is_on: AtomicBool::new(false),
            ended: AtomicU64::new(0),
        }
    }

    /// The store failed.
    pub(crate) fn begin(&self) {
        if !self.is_on.swap(true, Ordering::AcqRel) {
            log::store_failed();
        }
    }

    /// Whether the store still fails; `now` is when it does not any more.
    pub(crate) fn lasts(&self, store: &Store, now: Option<UnixTime>) -> bool {
        if !self.is_on.load(Ordering::Acquire) {
            return false;
        }
        if store.probe().is_err() {
            return true;
        }
        // Whoever does not know the time serves since it does.
        if let Some(now) = now {
            self.ended.fetch_max(now.0, Ordering::AcqRel);
        }
        if self.is_on.swap(false, Ordering::AcqRel) {
            log::store_regained();
        }
        false
    }

    /// Since when it is served: the start, or the clock was set, or the store
    /// works again, whichever is last.
    pub(crate) fn serving_since(&self, reading: Reading) -> UnixTime {
        let ended = UnixTime(self.ended.load(Ordering::Acquire));
        // A clock that was turned back has been there since then.
        reading
            .since
            .max(reading.now.map_or(ended, |now| ended.min(now)))
    }
}
