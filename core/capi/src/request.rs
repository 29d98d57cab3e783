//! A request of C's, looked at, and the exchange that begins with it.

use core::ffi::{c_char, c_int};
use core::net::IpAddr;

use heapless::Vec;
use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::oauth::{AuthorizationServer, Clock, Step};
use smallgate_core::secret::Entropy;
use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{Peer, source};

use crate::error::Error;
use crate::event::CSource;
use crate::exchange::{CExchange, Exchange, State, begun, with};
use crate::guard::guarded;
use crate::header;
use crate::object;
use crate::serve::{CServer, Server, server};
use crate::slice::{Apart, array, needed, placed, text, value, values, writable};

/// `smallgate_header` of the header.
#[repr(C)]
pub struct CHeader {
    pub(crate) name: *const c_char,
    pub(crate) name_length: usize,
    pub(crate) value: *const c_char,
    pub(crate) value_length: usize,
}

/// `smallgate_request` of the header.
#[repr(C)]
pub struct CRequest {
    pub(crate) method: *const c_char,
    pub(crate) method_length: usize,
    pub(crate) target: *const c_char,
    pub(crate) target_length: usize,
    pub(crate) headers: *const CHeader,
    pub(crate) header_count: usize,
    pub(crate) body: *mut u8,
    pub(crate) body_length: usize,
    pub(crate) body_too_long: u32,
    pub(crate) source: CSource,
}

/// `smallgate_clock` of the header.
#[repr(C)]
pub struct CClock {
    pub(crate) now: u64,
    pub(crate) floor: u64,
    pub(crate) serving_since: u64,
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
        // A key's callback runs in `begin`: by then the server is in use, and so is the exchange.
        let used = server.used();
        let state = State {
            step: None,
            server,
            source: address,
            authorizes,
            token: None,
            hashes: false,
            room: lent,
        };
        // SAFETY: passed on.
        unsafe { object::make(exchange, Exchange::making(exchange.addr(), state)) }?;
        let making = Making(exchange);
        let step = begin(&server.server, request, self.clock, room);
        // SAFETY: made above, and nobody has ended it: it is taken.
        unsafe { making.done(step) }?;
        used.kept();
        // SAFETY: just made.
        unsafe { with(exchange, State::settled) }
    }
}

/// An exchange that is being made. If that ends in a panic, it is none.
struct Making(*mut CExchange);

impl Making {
    /// # Safety
    ///
    /// The exchange was made as one that is being made, and is not ended.
    unsafe fn done(self, step: Step<'static>) -> Result<(), Error> {
        // SAFETY: passed on.
        let exchange = unsafe { begun(self.0) }?.ok_or(Error::Internal)?;
        // SAFETY: passed on: it is taken, by us.
        unsafe { exchange.goes_on(step) };
        core::mem::forget(self);
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // SAFETY: memory of an exchange's size, in which one is that nobody else may use yet.
        let _placed = unsafe { object::wipe::<Exchange, _>(self.0) };
    }
}

/// # Safety
///
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

/// # Safety
///
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
