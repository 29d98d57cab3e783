//! An exchange in the caller's memory: begun, driven, looked at, ended. See
//! [`step`](crate::step) for event loops.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int};
use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};

use heapless::Vec;
use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::jwt::Verified;
use smallgate_core::oauth::{Answer, AuthorizationServer, Clock, Step};
use smallgate_core::secret::Entropy;
use smallgate_core::store::Committed;
use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{Peer, source};
use zeroize::Zeroize;

use crate::error::Error;
use crate::event::{self, CSource};
use crate::guard::guarded;
use crate::header;
use crate::object::{self, Object};
use crate::serve::{CServer, Server, server};
use crate::slice::{Apart, array, needed, placed, put, text, value, values, writable};
use crate::validate::{CToken, Token};

/// `smallgate_exchange` of the header: memory for an [`Exchange`].
#[repr(C, align(8))]
pub struct CExchange {
    opaque: [u8; header::EXCHANGE_SIZE],
}

/// `smallgate_header` of the header.
#[allow(missing_docs, reason = "the header says it")]
#[repr(C)]
pub struct CHeader {
    pub name: *const c_char,
    pub name_length: usize,
    pub value: *const c_char,
    pub value_length: usize,
}

/// `smallgate_request` of the header.
#[allow(missing_docs, reason = "the header says it")]
#[repr(C)]
pub struct CRequest {
    pub method: *const c_char,
    pub method_length: usize,
    pub target: *const c_char,
    pub target_length: usize,
    pub headers: *const CHeader,
    pub header_count: usize,
    pub body: *mut u8,
    pub body_length: usize,
    pub body_too_long: u32,
    pub source: CSource,
}

/// `smallgate_clock` of the header.
#[allow(missing_docs, reason = "the header says it")]
#[repr(C)]
pub struct CClock {
    pub now: u64,
    pub floor: u64,
    pub serving_since: u64,
}

/// `smallgate_response` of the header.
#[allow(missing_docs, reason = "the header says it")]
#[repr(C)]
pub struct CResponse {
    pub status: u32,
    pub header_count: usize,
    pub body: *const u8,
    pub body_length: usize,
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
    server: &'static Server,
    source: Option<IpAddr>,
    /// A resource of the caller's own asks.
    authorizes: bool,
    token: Option<Verified<'static>>,
    /// It is the one that hashes a password.
    hashes: bool,
    room: (*mut u8, usize),
}

/// How often a commit is tried that nobody knows the end of.
const TRIES: u8 = 8;

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
unsafe fn begun<'a>(pointer: *const CExchange) -> Result<Option<&'a Exchange>, Error> {
    // SAFETY: passed on.
    match unsafe { object::made::<Exchange, _>(pointer) } {
        Ok(exchange) if exchange.at == pointer.addr() => Ok(Some(exchange)),
        Ok(_) | Err(Error::State) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a request borrows for its exchange, looked at.
struct Begun<'h> {
    server: &'static Server,
    method: &'h str,
    target: &'h str,
    headers: Vec<Header<'h>, { header::MAX_HEADERS }>,
    body: Body<'static>,
    address: Option<IpAddr>,
    room: &'static mut [u8],
    /// The room again, for when it is no longer lent.
    lent: (*mut u8, usize),
    clock: Clock,
    apart: Apart,
}

impl<'h> Begun<'h> {
    /// # Safety
    ///
    /// Everything is as the header asks for.
    // Not inlined: what it holds is large, and is handed out whole.
    #[inline(never)]
    unsafe fn read(
        exchange: *mut CExchange,
        pointer: *mut CServer,
        request: *const CRequest,
        clock: *const CClock,
        (room, room_length): (*mut u8, usize),
    ) -> Result<Self, Error> {
        // SAFETY: passed on.
        if unsafe { begun(exchange) }?.is_some() {
            return Err(Error::State);
        }
        // SAFETY: passed on.
        let server = unsafe { server::<'static>(pointer) }?;
        // SAFETY: passed on; C can get none of its types wrong.
        let asked = unsafe { value(request) }?;
        // SAFETY: passed on; C can get none of its types wrong.
        let times = unsafe { value(clock) }?;
        placed(room)?;
        if isize::try_from(room_length).is_err() {
            return Err(Error::Length);
        }
        if room_length < header::ROOM {
            return Err(Error::TooSmall);
        }
        let is_long = asked.body_too_long != 0;
        let body_length = if is_long { 0 } else { asked.body_length };
        let mut apart = Apart::new();
        apart.writes(pointer, server.size)?;
        apart.writes_one(exchange)?;
        apart.writes(room, room_length)?;
        apart.writes(asked.body, body_length)?;
        apart.reads_one(request)?;
        apart.reads_one(clock)?;
        let method = Self::text(&apart, asked.method, asked.method_length)?;
        let target = Self::text(&apart, asked.target, asked.target_length)?;
        if asked.header_count > header::MAX_HEADERS {
            return Err(Error::TooMany);
        }
        // SAFETY: passed on; C can get none of its types wrong.
        let fields = unsafe { values(asked.headers, asked.header_count) }?;
        apart.reads(asked.headers, size_of_val(fields))?;
        let mut headers = Vec::new();
        for field in fields {
            apart.reads(field.value, field.value_length)?;
            let name = Self::text(&apart, field.name, field.name_length)?;
            // SAFETY: passed on.
            let value = unsafe { values(field.value.cast::<u8>(), field.value_length) }?;
            headers
                .push(Header { name, value })
                .map_err(|_| Error::TooMany)?;
        }
        let address = match (asked.source.family, asked.source.address) {
            (0, _) => None,
            (4, [a, b, c, d, ..]) => Some(IpAddr::from([a, b, c, d])),
            (6, octets) => Some(IpAddr::from(octets)),
            _ => return Err(Error::Value),
        };
        let forwarded = headers
            .iter()
            .filter(|header: &&Header<'_>| header.name.eq_ignore_ascii_case("x-forwarded-for"))
            .map(|header| header.value);
        let address = address.map(|address| {
            let peer = Peer {
                address,
                trusted_proxies: server.proxies(),
            };
            peer.origin(forwarded)
        });
        let body = if is_long {
            Body::TooLong
        } else {
            // SAFETY: passed on: lent until the exchange is ended, and apart from all else.
            Body::Whole(unsafe { writable::<'static>(asked.body, body_length) }?)
        };
        let lent = (room, room_length);
        // SAFETY: passed on: lent until the exchange is ended, and apart from all else.
        let room = unsafe { writable::<'static>(room, room_length) }?;
        Ok(Begun {
            server,
            method,
            target,
            headers,
            body,
            address,
            room,
            lent,
            clock: Clock {
                now: (times.now != 0).then_some(UnixTime(times.now)),
                floor: UnixTime(times.floor).max(server.floor()),
                serving_since: UnixTime(times.serving_since),
            },
            apart,
        })
    }

    fn text(apart: &Apart, pointer: *const c_char, length: usize) -> Result<&'h str, Error> {
        apart.reads(pointer, length)?;
        // SAFETY: the header asks for such octets, and they are apart from what is written to.
        unsafe { text(pointer, length) }
    }

    /// Puts an exchange in its place, at its first step.
    ///
    /// # Safety
    ///
    /// There is memory for one at `place` that nobody else uses.
    #[inline(never)]
    unsafe fn place(
        self,
        exchange: *mut CExchange,
        begin: impl FnOnce(
            &'static AuthorizationServer<'static>,
            Request<'_, 'static>,
            Clock,
            &'static mut [u8],
        ) -> Step<'static>,
        authorizes: bool,
    ) -> Result<c_int, Error> {
        let Begun {
            server,
            address,
            room,
            lent,
            ..
        } = self;
        let request = Request {
            method: self.method,
            target: self.target,
            headers: &self.headers,
            body: self.body,
            source: address.map_or(Source::LOCAL, source),
        };
        // More than this no answer needs, and positions in it are kept in 16 bits.
        let room = room.get_mut(..header::ROOM).ok_or(Error::TooSmall)?;
        let step = begin(&server.server, request, self.clock, room);
        let state = State {
            step: Some(step),
            server,
            source: address,
            authorizes,
            token: None,
            hashes: false,
            room: lent,
        };
        let made = Exchange {
            at: exchange.addr(),
            taken: AtomicBool::new(false),
            state: UnsafeCell::new(state),
        };
        server.exchanges.fetch_add(1, Ordering::AcqRel);
        // SAFETY: passed on.
        unsafe { object::make(exchange, made) }?;
        // SAFETY: just made.
        unsafe { with(exchange, State::settled) }
    }
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_begin(
    exchange: *mut CExchange,
    server: *mut CServer,
    request: *const CRequest,
    clock: *const CClock,
    entropy: *const u8,
    room: *mut u8,
    room_length: usize,
) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for all of it.
        let begun = unsafe { Begun::read(exchange, server, request, clock, (room, room_length)) }?;
        begun.apart.reads(entropy, header::ENTROPY)?;
        // SAFETY: the header asks for such octets.
        let entropy = Entropy::new(*unsafe { array::<{ header::ENTROPY }>(entropy) }?);
        let throttle = &begun.server.throttle;
        let begin =
            |server: &'static AuthorizationServer<'static>,
             request: Request<'_, 'static>,
             clock,
             room| server.begin(request, clock, entropy, throttle, room);
        // SAFETY: the header asks for such memory.
        unsafe { begun.place(exchange, begin, false) }
    })
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_authorize(
    exchange: *mut CExchange,
    server: *mut CServer,
    request: *const CRequest,
    scope: *const c_char,
    clock: *const CClock,
    room: *mut u8,
    room_length: usize,
) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for all of it.
        let begun = unsafe { Begun::read(exchange, server, request, clock, (room, room_length)) }?;
        // SAFETY: the header asks for such a text, to stay as long as the exchange.
        let scope: &'static str = unsafe { needed(scope, &begun.apart) }?;
        let throttle = &begun.server.throttle;
        let begin =
            |server: &'static AuthorizationServer<'static>,
             request: Request<'_, 'static>,
             clock,
             room| server.authorize(&request, scope, clock, throttle, room);
        // SAFETY: the header asks for such memory.
        unsafe { begun.place(exchange, begin, true) }
    })
}

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

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_response(
    exchange: *const CExchange,
    response: *mut CResponse,
) -> c_int {
    guarded(|| {
        placed(response)?;
        let mut apart = Apart::new();
        apart.writes_one(response)?;
        apart.reads_one(exchange)?;
        let told = |state: &mut State| {
            let answer = state.answer()?.response();
            if state.authorizes && state.token.is_some() {
                return Ok(CResponse {
                    status: 0,
                    header_count: 0,
                    body: core::ptr::null(),
                    body_length: 0,
                });
            }
            apart.reads(state.room.0, state.room.1)?;
            Ok(CResponse {
                status: answer.status().into(),
                header_count: answer.headers().count(),
                body: answer.body().as_ptr(),
                body_length: answer.body().len(),
            })
        };
        // SAFETY: the header asks for such an object.
        let told = unsafe { with(exchange, told) }?;
        // SAFETY: the header asks for such a place.
        unsafe { put(response, told) }?;
        Ok(0)
    })
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_header(
    exchange: *const CExchange,
    index: usize,
    field: *mut CHeader,
) -> c_int {
    guarded(|| {
        placed(field)?;
        let mut apart = Apart::new();
        apart.writes_one(field)?;
        apart.reads_one(exchange)?;
        let told = |state: &mut State| {
            apart.reads(state.room.0, state.room.1)?;
            let mut headers = state.answer()?.response().headers();
            let (name, value) = headers.nth(index).ok_or(Error::Value)?;
            Ok(CHeader {
                name: name.as_ptr().cast(),
                name_length: name.len(),
                value: value.as_ptr().cast(),
                value_length: value.len(),
            })
        };
        // SAFETY: the header asks for such an object.
        let told = unsafe { with(exchange, told) }?;
        // SAFETY: the header asks for such a place.
        unsafe { put(field, told) }?;
        Ok(0)
    })
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_token(
    exchange: *const CExchange,
    token: *mut CToken,
) -> c_int {
    guarded(|| {
        placed(token)?;
        let mut apart = Apart::new();
        apart.writes_one(token)?;
        apart.reads_one(exchange)?;
        let told = |state: &mut State| {
            apart.reads(state.room.0, state.room.1)?;
            state.token.ok_or(Error::State)
        };
        // SAFETY: the header asks for such an object.
        let told = unsafe { with(exchange, told) }?;
        // SAFETY: the header asks for such memory, apart from the exchange and its room.
        unsafe { object::make(token, Token(told)) }?;
        Ok(0)
    })
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_end(exchange: *mut CExchange) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for such an object.
        if unsafe { begun(exchange) }?.is_none() {
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
            state.server.exchanges.fetch_sub(1, Ordering::AcqRel);
            Ok(())
        };
        // SAFETY: the header asks for such an object.
        unsafe { with(exchange, end) }?;
        // SAFETY: it is over, and owns nothing any more.
        unsafe { object::wipe::<Exchange, _>(exchange) }?;
        Ok(0)
    })
}
