//! An exchange in the caller's memory: driven and ended. `request` begins it, `answer`
//! looks at it, and [`step`](crate::step) is for event loops.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};

use smallgate_core::jwt::Verified;
use smallgate_core::oauth::{Answer, Step};
use smallgate_core::store::Committed;
use zeroize::Zeroize;

use crate::error::Error;
use crate::event;
use crate::guard::guarded;
use crate::header;
use crate::object::{self, Object};
use crate::serve::Server;
use crate::slice::writable;

/// `smallgate_exchange` of the header: memory for an [`Exchange`].
#[repr(C, align(8))]
pub struct CExchange {
    opaque: [u8; header::EXCHANGE_SIZE],
}

/// An exchange. It is used by one call at a time, whatever thread that is on.
pub(crate) struct Exchange {
    /// Where it was begun: it can not be moved.
    at: usize,
    taken: AtomicBool,
    state: UnsafeCell<State>,
}

const _: () = object::fits::<Exchange>();

impl Object for Exchange {
    const MARK: u32 = u32::from_le_bytes(*b"SGEX");
    const ROOM: usize = header::EXCHANGE_SIZE;
}

/// What an exchange is at.
pub(crate) struct State {
    /// None while a step is being taken.
    pub(crate) step: Option<Step<'static>>,
    pub(crate) server: &'static Server,
    pub(crate) source: Option<IpAddr>,
    /// A resource of the caller's own asks.
    pub(crate) authorizes: bool,
    pub(crate) token: Option<Verified<'static>>,
    /// It is the one that hashes a password.
    pub(crate) hashes: bool,
    pub(crate) room: (*mut u8, usize),
}

/// How often a commit is tried that nobody knows the end of.
const TRIES: u8 = 8;

impl Exchange {
    /// An exchange that is being begun at this address: taken.
    pub(crate) fn making(at: usize, state: State) -> Self {
        Exchange {
            at,
            taken: AtomicBool::new(true),
            state: UnsafeCell::new(state),
        }
    }

    /// Begins with a step, and is given free.
    ///
    /// # Safety
    ///
    /// It was taken by the caller, who has no reference to its state.
    pub(crate) unsafe fn goes_on(&self, step: Step<'static>) {
        // SAFETY: the flag is the caller's, so nobody else has a reference to the state.
        let state = unsafe { &mut *self.state.get() };
        state.step = Some(step);
        self.taken.store(false, Ordering::Release);
    }
}

impl State {
    pub(crate) fn number(&self) -> Result<c_int, Error> {
        Ok(match &self.step {
            Some(Step::Load(_)) => header::STEP_LOAD,
            Some(Step::Work(_)) => header::STEP_WORK,
            Some(Step::Commit(_)) => header::STEP_COMMIT,
            Some(Step::Done(_)) => header::STEP_DONE,
            None => return Err(Error::Internal),
        })
    }

    pub(crate) fn answer(&self) -> Result<&Answer<'static>, Error> {
        match &self.step {
            Some(Step::Done(answer)) => Ok(answer),
            _ => Err(Error::State),
        }
    }

    /// Says what comes next, and once that is nothing, what happened.
    pub(crate) fn settled(&mut self) -> Result<c_int, Error> {
        if let Some(Step::Done(answer)) = &mut self.step {
            if self.hashes {
                self.hashes = false;
                self.server.hashing.store(false, Ordering::Release);
            }
            if let Some(permit) = answer.permit() {
                self.token = Some(*permit.token());
            }
            if let Some(listener) = self.server.listener {
                for event in answer.events() {
                    event::tell(listener, self.server.context, event, self.source);
                }
            }
        }
        self.number()
    }

    // None of these is inlined: a step is large, and a frame would hold one for each.

    #[inline(never)]
    fn load(&mut self) {
        if let Some(Step::Load(load)) = self.step.take() {
            let loaded = self.server.grants.load(load.id());
            self.step = Some(load.resume(loaded));
        }
    }

    #[inline(never)]
    fn commit(&mut self, tries: &mut u8) {
        if let Some(Step::Commit(commit)) = self.step.take() {
            let (now, id, seen) = (commit.now(), commit.id(), commit.seen());
            let mut done = self.server.grants.commit(now, id, seen, commit.write());
            *tries = tries.saturating_sub(1);
            if done == Committed::Unknown && *tries == 0 {
                done = Committed::Unavailable;
            }
            if matches!(done, Committed::Done | Committed::GaveWay(_)) {
                self.server.committed_at(now);
            }
            self.step = Some(commit.resume(done));
        }
    }

    /// Hashes a slice, if nobody else is at it.
    #[inline(never)]
    pub(crate) fn work(&mut self, iterations: u32) {
        if let Some(Step::Work(work)) = self.step.take() {
            if !self.hashes {
                self.hashes = !self.server.hashing.swap(true, Ordering::AcqRel);
            }
            self.step = Some(match self.hashes {
                true => work.run(iterations),
                false => work.refuse(),
            });
        }
    }

    /// Goes on after a commit that C has made.
    #[inline(never)]
    pub(crate) fn committed(&mut self, done: Committed) -> Result<(), Error> {
        match self.step.take() {
            Some(Step::Commit(commit)) => {
                if matches!(done, Committed::Done | Committed::GaveWay(_)) {
                    self.server.committed_at(commit.now());
                }
                self.step = Some(commit.resume(done));
                Ok(())
            }
            other => {
                self.step = other;
                Err(Error::State)
            }
        }
    }
}

/// Lets `use_it` at the exchange at `pointer`, if it is begun and nobody is.
///
/// # Safety
///
/// `pointer` is NULL, or there is memory of an exchange's size at it; if one was
/// begun there, what it borrows is still lent.
pub(crate) unsafe fn with<T>(
    pointer: *const CExchange,
    use_it: impl FnOnce(&mut State) -> Result<T, Error>,
) -> Result<T, Error> {
    // SAFETY: passed on.
    let exchange = unsafe { begun(pointer) }?.ok_or(Error::State)?;
    if exchange.taken.swap(true, Ordering::Acquire) {
        return Err(Error::State);
    }
    // SAFETY: the flag was free and is ours now, so nobody else has a reference to the state; this
    // one ends before the flag is given back.
    let done = use_it(unsafe { &mut *exchange.state.get() });
    exchange.taken.store(false, Ordering::Release);
    done
}

/// The exchange that was begun at `pointer`, if one was.
///
/// # Safety
///
/// As for [`with`].
pub(crate) unsafe fn begun<'a>(pointer: *const CExchange) -> Result<Option<&'a Exchange>, Error> {
    // SAFETY: passed on.
    let found = unsafe { anywhere(pointer) }?;
    Ok(found.filter(|exchange| exchange.at == pointer.addr()))
}

/// The exchange at `pointer`, begun there or moved to it.
///
/// # Safety
///
/// As for [`with`].
unsafe fn anywhere<'a>(pointer: *const CExchange) -> Result<Option<&'a Exchange>, Error> {
    // SAFETY: passed on.
    match unsafe { object::made::<Exchange, _>(pointer) } {
        Ok(exchange) => Ok(Some(exchange)),
        Err(Error::State) => Ok(None),
        Err(error) => Err(error),
    }
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_run(exchange: *mut CExchange) -> c_int {
    guarded(|| {
        let run = |state: &mut State| {
            let mut tries = TRIES;
            loop {
                match state.step {
                    Some(Step::Load(_)) => state.load(),
                    Some(Step::Work(_)) => state.work(u32::MAX),
                    Some(Step::Commit(_)) => state.commit(&mut tries),
                    Some(Step::Done(_)) | None => return state.settled(),
                }
            }
        };
        let over = |state: &mut State| match state.step {
            Some(Step::Done(_)) => state.number(),
            _ => run(state),
        };
        // SAFETY: the header asks for such an object.
        unsafe { with(exchange, over) }
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_end(exchange: *mut CExchange) -> c_int {
    guarded(|| {
        // One that was moved is not left alone: `with` refuses it.
        // SAFETY: the header asks for such an object.
        if unsafe { anywhere(exchange) }?.is_none() {
            return Ok(0);
        }
        let end = |state: &mut State| {
            // What it refers to is let go before the room is wiped.
            state.step = None;
            let (room, length) = state.room;
            // SAFETY: lent until now, and nothing refers to it any more.
            unsafe { writable(room, length) }?.zeroize();
            if state.hashes {
                state.server.hashing.store(false, Ordering::Release);
            }
            state.server.let_go();
            Ok(())
        };
        // SAFETY: the header asks for such an object.
        unsafe { with(exchange, end) }?;
        // SAFETY: it is over, and owns nothing any more.
        unsafe { object::wipe::<Exchange, _>(exchange) }?;
        Ok(0)
    })
}
