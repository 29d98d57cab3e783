//! A board's store, from its opening on: it may fail, and work again.

use super::{Board, Served};
use crate::events;
use crate::store::{Kept, OpenError};

/// Has a store that failed go on when it works again, and says so: `is_told`
/// while it is known that it does not. To look takes one read; to open it takes
/// all of them, so that is tried once a minute.
#[inline(never)]
pub(super) fn mend<B: Board>(gateway: &Served<B>, is_told: &mut bool, is_minute_over: bool) {
    if !gateway.is_store_down() {
        return;
    }
    if !*is_told {
        events::store_failed(OpenError::Failed);
    }
    let store = gateway.store().try_borrow();
    let is_time = is_minute_over || store.is_ok_and(|store| store.is_open());
    *is_told = !is_time || resume::<B>(gateway).is_err();
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
