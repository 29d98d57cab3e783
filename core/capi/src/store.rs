//! Where a server's grants are: in its own memory, or behind callbacks.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicU8, Ordering};

use smallgate_core::oauth::{GrantId, Record};
use smallgate_core::store::slots::{Owner, Room, Standing};
use smallgate_core::store::{Committed, Loaded, Seen, SliceStore, Store, StoreUnavailable, Write};
use smallgate_core::time::UnixTime;

use crate::error::Error;
use crate::guard::guarded;
use crate::header;
use crate::slice::{Apart, array, placed, put, values};

type Load = unsafe extern "C" fn(*mut c_void, *const u8, *mut u8, *mut u64) -> c_int;
type Commit = unsafe extern "C" fn(*mut c_void, u64, *const u8, u64, *const u8, *mut u8) -> c_int;

/// `smallgate_store` of the header.
#[repr(C)]
pub struct CStore {
    pub(crate) context: *mut c_void,
    pub(crate) load: Option<Load>,
    pub(crate) commit: Option<Commit>,
}

/// `smallgate_grant` of the header.
#[repr(C)]
pub struct CGrant {
    pub(crate) seen: u64,
    pub(crate) record: [u8; header::RECORD],
}

/// A server's grants.
pub(crate) enum Grants {
    Memory(Shared),
    Callbacks(Callbacks),
}

impl Grants {
    #[inline(never)]
    pub(crate) fn load(&self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        match self {
            Grants::Memory(store) => store
                .with(|store| store.load(id))
                .unwrap_or(Err(StoreUnavailable)),
            Grants::Callbacks(store) => store.load(id),
        }
    }

    #[inline(never)]
    pub(crate) fn commit(
        &self,
        now: UnixTime,
        id: &GrantId,
        seen: Seen,
        write: Write<'_>,
    ) -> Committed {
        match self {
            Grants::Memory(store) => store
                .with(|store| store.commit(now, id, seen, write))
                .unwrap_or(Committed::Unavailable),
            Grants::Callbacks(store) => store.commit(now, id, seen, write),
        }
    }
}

/// A store in memory that is used by one exchange at a time.
pub(crate) struct Shared {
    flag: AtomicU8,
    store: UnsafeCell<SliceStore<'static>>,
}

// SAFETY: the store is used by whoever took the flag, and by nobody else until it is given back.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(store: SliceStore<'static>) -> Self {
        Shared {
            flag: AtomicU8::new(FREE),
            store: UnsafeCell::new(store),
        }
    }

    /// None where there are no threads to wait for, and something that was
    /// interrupted is at it; or where a panic left it half written.
    fn with<T>(&self, use_it: impl FnOnce(&mut SliceStore<'static>) -> T) -> Option<T> {
        let take = || {
            self.flag
                .compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed)
        };
        while let Err(flag) = take() {
            if flag == BROKEN || !waited() {
                return None;
            }
        }
        let mut leaving = Leaving(&self.flag, BROKEN);
        // SAFETY: the flag was free and is ours now, so nobody else has a reference to the store;
        // this one ends before the flag is given back.
        let done = use_it(unsafe { &mut *self.store.get() });
        leaving.1 = FREE;
        Some(done)
    }
}

const FREE: u8 = 0;
const TAKEN: u8 = 1;
/// A panic left it half written.
const BROKEN: u8 = 2;

/// Sets a flag when it is let go, by a panic too.
struct Leaving<'s>(&'s AtomicU8, u8);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.store(self.1, Ordering::Release);
    }
}

/// Lets other threads go on, where there are some.
#[cfg(feature = "std")]
fn waited() -> bool {
    std::thread::yield_now();
    true
}

#[cfg(not(feature = "std"))]
fn waited() -> bool {
    false
}

/// A store behind callbacks.
pub(crate) struct Callbacks {
    context: *mut c_void,
    load: Load,
    commit: Commit,
}

// SAFETY: the context is only handed to the callbacks, which the header says may be called on any
// thread that runs an exchange.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    pub(crate) fn new(store: &CStore) -> Result<Self, Error> {
        Ok(Callbacks {
            context: store.context,
            load: store.load.ok_or(Error::Null)?,
            commit: store.commit.ok_or(Error::Null)?,
        })
    }

    fn load(&self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        let mut record = [0; header::RECORD];
        let mut seen = 0;
        let load = self.load;
        // SAFETY: the callback is the caller's, called as the header says: with an id to read, and
        // room for a record and a number.
        let said = unsafe {
            load(
                self.context,
                id.0.as_ptr(),
                record.as_mut_ptr(),
                &raw mut seen,
            )
        };
        loaded(said, &record, seen)
    }

    fn commit(&self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        let record = match write {
            Write::Record(record) => record.octets().as_ptr(),
            Write::Confirm => core::ptr::null(),
        };
        let mut gave_way = [0; header::GRANT_ID];
        let commit = self.commit;
        // SAFETY: the callback is the caller's, called as the header says: with an id and a record,
        // or NULL, to read, and room for an id.
        let said = unsafe {
            commit(
                self.context,
                now.0,
                id.0.as_ptr(),
                seen.0,
                record,
                gave_way.as_mut_ptr(),
            )
        };
        committed(said, GrantId(gave_way)).unwrap_or(Committed::Unavailable)
    }
}

/// What a load of C's means.
pub(crate) fn loaded(
    said: c_int,
    record: &[u8; header::RECORD],
    seen: u64,
) -> Result<Loaded, StoreUnavailable> {
    if said < 0 {
        return Err(StoreUnavailable);
    }
    Ok(Loaded {
        record: (seen != 0).then(|| Record::from_octets(*record)),
        seen: Seen(seen),
    })
}

/// What a commit of C's means.
pub(crate) fn committed(said: c_int, gave_way: GrantId) -> Result<Committed, Error> {
    Ok(match said {
        header::COMMITTED_DONE => Committed::Done,
        header::COMMITTED_GAVE_WAY => Committed::GaveWay(gave_way),
        header::COMMITTED_CONFLICT => Committed::Conflict,
        header::COMMITTED_FULL => Committed::Full,
        header::COMMITTED_UNAVAILABLE => Committed::Unavailable,
        header::COMMITTED_UNKNOWN => Committed::Unknown,
        _ => return Err(Error::Value),
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_grants_place(
    slots: *const CGrant,
    count: usize,
    now: u64,
    record: *const u8,
    place: *mut usize,
    gave_way: *mut u8,
) -> c_int {
    guarded(|| {
        placed(slots)?;
        placed(place)?;
        placed(gave_way)?;
        let length = count
            .checked_mul(size_of::<CGrant>())
            .ok_or(Error::Length)?;
        let mut apart = Apart::new();
        apart.writes_one(place)?;
        apart.writes(gave_way, header::GRANT_ID)?;
        apart.reads(slots, length)?;
        apart.reads(record, header::RECORD)?;
        // SAFETY: the header asks for such slots, and any octets will do.
        let slots = unsafe { values(slots, count) }?;
        // SAFETY: the header asks for such octets.
        let record = unsafe { array(record) }?;
        let new = Record::from_octets(*record)
            .grant()
            .map_err(|_| Error::Value)?;
        let now = UnixTime(now);
        let (mut room, mut owner) = (Room::new(now), Owner::of(&new, now));
        for (at, slot) in slots.iter().enumerate() {
            // A record that can not be read stands for nothing.
            let grant = match slot.seen {
                0 => None,
                _ => Record::from_octets(slot.record).grant().ok(),
            };
            match grant {
                None => {
                    room.offer(at, Standing::Vacant);
                }
                Some(grant) => {
                    room.offer(at, Standing::of(&grant));
                    owner.count(at, &grant, slot.seen);
                }
            }
        }
        let (at, said, oldest) = match (owner.gives_way(), room.slot()) {
            (Some((at, oldest)), _) => (at, header::COMMITTED_GAVE_WAY, oldest.0),
            (None, Some(at)) => (at, header::COMMITTED_DONE, [0; header::GRANT_ID]),
            (None, None) => return Ok(header::COMMITTED_FULL),
        };
        // SAFETY: the header asks for such a place.
        unsafe { put(place, at) }?;
        // SAFETY: the header asks for such octets; an array of them needs no more alignment.
        unsafe { put(gave_way.cast(), oldest) }?;
        Ok(said)
    })
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::{Shared, SliceStore};

    /// It does not wait for what will not come back.
    #[test]
    fn a_store_that_a_panic_left_is_refused() {
        let shared = Shared::new(SliceStore::new(&mut [], &mut [], &mut []));
        assert_eq!(shared.with(|_| 1), Some(1));
        let panics = || shared.with(|_| resume_unwind(Box::new(())));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(shared.with(|_| 2), None);
    }
}
