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

    /// Whether it failed when it was last used.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Whether the store still fails; `now` is when it does not any more.
    pub(crate) fn lasts(&self, store: &Store, now: Option<UnixTime>) -> bool {
        if !self.is_on.load(Ordering::Acquire) {
            return false;
        }
        if store.probe().is_err() {
            return true;
        }
        self.end(now);
        false
    }

    /// The store works, `now`.
    pub(crate) fn end(&self, now: Option<UnixTime>) {
        if !self.is_on.load(Ordering::Acquire) {
            return;
        }
        // Whoever does not know the time serves since it does.
        if let Some(now) = now {
            self.ended.fetch_max(now.0, Ordering::AcqRel);
        }
        if self.is_on.swap(false, Ordering::AcqRel) {
            log::store_regained();
        }
    }

    /// Since when it is served: the start, or the clock was set, or the store
    /// works again, whichever is last.
    pub(crate) fn serving_since(&self, reading: Reading) -> UnixTime {
        let ended = match reading.now {
            // A clock that goes back takes it along, or grace would last until then.
            Some(now) => self.ended.fetch_min(now.0, Ordering::AcqRel).min(now.0),
            None => self.ended.load(Ordering::Acquire),
        };
        reading.since.max(UnixTime(ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_grace_after_an_outage_ends_though_the_clock_goes_back() {
        let outage = Outage::none();
        outage.begin();
        assert!(!outage.lasts(&Store::Memory, Some(UnixTime(5000))));
        let since = |now| {
            outage.serving_since(Reading {
                now: Some(UnixTime(now)),
                since: UnixTime(1000),
            })
        };
        assert_eq!(since(5001), UnixTime(5000));
        assert_eq!(since(4000), UnixTime(4000));
        // It does not go along with the time.
        assert_eq!(since(4010), UnixTime(4000));
        assert_eq!(since(900), UnixTime(1000));
    }
}
