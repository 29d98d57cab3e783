//! A store that outlives a reset, as a board sees it.

use embedded_storage_async::nor_flash::NorFlash;
use smallgate_core::store::Store;
use smallgate_core::time::UnixTime;

use super::{FlashStore, OpenError, Usage};

/// A store that outlives a reset.
pub trait Kept: Store {
    /// Finds what is kept. Until that went well the store is not available.
    ///
    /// # Errors
    ///
    /// What it is on fails, does not suit, or holds something else.
    fn open(&mut self) -> Result<(), OpenError>;

    /// The newest time in it, as it was opened: the clock can not be behind it.
    fn newest(&self) -> UnixTime;

    /// How full and how worn it is.
    fn usage(&self) -> Usage;

    /// Whether it works, as far as one read tells. False if it is not open.
    fn probe(&mut self) -> bool;
}

impl<F: NorFlash, const SLOTS: usize> Kept for FlashStore<F, SLOTS> {
    fn open(&mut self) -> Result<(), OpenError> {
        FlashStore::open(self)
    }

    fn newest(&self) -> UnixTime {
        FlashStore::newest(self)
    }

    fn usage(&self) -> Usage {
        FlashStore::usage(self)
    }

    fn probe(&mut self) -> bool {
        self.is_open && self.log.probe()
    }
}
