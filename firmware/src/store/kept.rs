//! A store that outlives a reset, as a board sees it.

use embedded_storage_async::nor_flash::NorFlash;
use smallgate_core::store::Store;
use smallgate_core::time::UnixTime;

use super::{FlashStore, OpenError, Usage};

/// A store that outlives a reset, and that may fail and work again.
pub trait Kept: Store {
    /// Opens it if it is not open, else looks whether it works: by one read, or
    /// after a commit that failed by a write, which the next commit does first
    /// otherwise. Until it was opened it is not available.
    ///
    /// # Errors
    ///
    /// What it is on fails, does not suit, or holds something else.
    fn resume(&mut self) -> Result<(), OpenError>;

    /// Whether it was opened.
    fn is_open(&self) -> bool;

    /// The newest time in it, as it was opened: the clock can not be behind it.
    fn newest(&self) -> UnixTime;

    /// How full and how worn it is.
    fn usage(&self) -> Usage;

    /// Grants that could not be read any more since it was opened.
    fn spoiled(&self) -> u16;
}

impl<F: NorFlash, const SLOTS: usize> Kept for FlashStore<F, SLOTS> {
    fn resume(&mut self) -> Result<(), OpenError> {
        match self.is_open {
            // Not anew: what an exchange has seen of a record must stay true.
            true => Ok(self.settle()?),
            false => self.open(),
        }
    }

    fn is_open(&self) -> bool {
        self.is_open
    }

    fn newest(&self) -> UnixTime {
        FlashStore::newest(self)
    }

    fn usage(&self) -> Usage {
        FlashStore::usage(self)
    }

    fn spoiled(&self) -> u16 {
        FlashStore::spoiled(self)
    }
}
