//! An exchange step by step, for event loops: what is wanted, and how it went.

use core::ffi::c_int;

use smallgate_core::oauth::{GrantId, Step};
use smallgate_core::store::Write;

use crate::error::Error;
use crate::exchange::{CExchange, State, with};
use crate::guard::guarded;
use crate::header;
use crate::slice::{Apart, array, placed, put};
use crate::store::{committed, loaded};

/// `smallgate_commit` of the header.
#[repr(C)]
pub struct CCommit {
    pub(crate) now: u64,
    pub(crate) seen: u64,
    pub(crate) id: [u8; header::GRANT_ID],
    pub(crate) confirm: u8,
    pub(crate) record: [u8; header::RECORD],
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_load(exchange: *const CExchange, id: *mut u8) -> c_int {
    guarded(|| {
        placed(id)?;
        let mut apart = Apart::new();
        apart.writes(id, header::GRANT_ID)?;
        apart.reads_one(exchange)?;
        let wanted = |state: &mut State| match &state.step {
            Some(Step::Load(load)) => Ok(load.id().0),
            _ => Err(Error::State),
        };
        // SAFETY: the header asks for such an object.
        let wanted = unsafe { with(exchange, wanted) }?;
        // SAFETY: the header asks for such octets; an array of them needs no more alignment.
        unsafe { put(id.cast(), wanted) }?;
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_loaded(
    exchange: *mut CExchange,
    result: c_int,
    record: *const u8,
    seen: u64,
) -> c_int {
    guarded(|| {
        let found = if result < 0 || seen == 0 {
            [0; header::RECORD]
        } else {
            // SAFETY: the header asks for such octets.
            *unsafe { array(record) }?
        };
        let go_on = |state: &mut State| match state.step.take() {
            Some(Step::Load(load)) => {
                state.step = Some(load.resume(loaded(result, &found, seen)));
                state.settled()
            }
            other => {
                state.step = other;
                Err(Error::State)
            }
        };
        // SAFETY: the header asks for such an object.
        unsafe { with(exchange, go_on) }
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_work(
    exchange: *mut CExchange,
    iterations: u32,
) -> c_int {
    guarded(|| {
        placed(exchange)?;
        if iterations == 0 {
            return Err(Error::Value);
        }
        let work = |state: &mut State| {
            if !matches!(state.step, Some(Step::Work(_))) {
                return Err(Error::State);
            }
            state.work(iterations);
            state.settled()
        };
        // SAFETY: the header asks for such an object.
        unsafe { with(exchange, work) }
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_commit(
    exchange: *const CExchange,
    commit: *mut CCommit,
) -> c_int {
    guarded(|| {
        placed(commit)?;
        let mut apart = Apart::new();
        apart.writes_one(commit)?;
        apart.reads_one(exchange)?;
        let wanted = |state: &mut State| {
            let Some(Step::Commit(commit)) = &state.step else {
                return Err(Error::State);
            };
            let (confirm, record) = match commit.write() {
                Write::Record(record) => (0, *record.octets()),
                Write::Confirm => (1, [0; header::RECORD]),
            };
            Ok(CCommit {
                now: commit.now().0,
                seen: commit.seen().0,
                id: commit.id().0,
                confirm,
                record,
            })
        };
        // SAFETY: the header asks for such an object.
        let wanted = unsafe { with(exchange, wanted) }?;
        // SAFETY: the header asks for such a place.
        unsafe { put(commit, wanted) }?;
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_committed(
    exchange: *mut CExchange,
    outcome: c_int,
    gave_way: *const u8,
) -> c_int {
    guarded(|| {
        placed(exchange)?;
        let oldest = if outcome == header::COMMITTED_GAVE_WAY {
            // SAFETY: the header asks for such octets.
            *unsafe { array(gave_way) }?
        } else {
            [0; header::GRANT_ID]
        };
        let done = committed(outcome, GrantId(oldest))?;
        let go_on = |state: &mut State| {
            state.committed(done)?;
            state.settled()
        };
        // SAFETY: the header asks for such an object.
        unsafe { with(exchange, go_on) }
    })
}
