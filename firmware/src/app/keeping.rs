//! A board's store, from its opening on: it may fail, and work again.

use super::{Board, Served};
use crate::events;
use crate::store::{Kept, OpenError};

/// What was said of the store.
pub(super) struct Keeper {
    is_failure_told: bool,
    spoiled: u16,
}

impl Keeper {
    /// What opening it said was told.
    pub(super) const fn of<B: Board>(gateway: &Served<B>) -> Self {
        Keeper {
            is_failure_told: gateway.is_store_down(),
            spoiled: 0,
        }
    }

    /// Has a store that failed go on when it works again, and says so. To look
    /// takes one read, or a write if that is what failed; to open it takes all
    /// reads, so that is tried once a minute.
    #[inline(never)]
    pub(super) fn mend<B: Board>(&mut self, gateway: &Served<B>, is_minute_over: bool) {
        if let Ok(store) = gateway.store().try_borrow()
            && store.spoiled() != core::mem::replace(&mut self.spoiled, store.spoiled())
            && self.spoiled > 0
        {
            events::store_spoiled(self.spoiled);
        }
        if !gateway.is_store_down() {
            return;
        }
        if !self.is_failure_told {
            events::store_failed(OpenError::Failed);
        }
        let store = gateway.store().try_borrow();
        let is_time = is_minute_over || store.is_ok_and(|store| store.is_open());
        self.is_failure_told = !is_time || resume::<B>(gateway).is_err();
    }
}

/// Goes on with the store, if it works.
// Not inlined: it is called from two places, and opening takes much of the stack.
#[inline(never)]
pub(super) fn resume<B: Board>(gateway: &Served<B>) -> Result<(), OpenError> {
    let Ok(mut store) = gateway.store().try_borrow_mut() else {
        return Err(OpenError::Failed);
    };
    store.resume()?;
    gateway.regain(store.newest());
    gateway.surroundings().not_before(store.newest());
    events::store(store.usage());
    Ok(())
}
