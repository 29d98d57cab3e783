//! The server: made in the caller's memory, where it refers to itself and so
//! stays where it is.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use heapless::Vec;
use smallgate_core::jose::Verifier;
use smallgate_core::oauth::{AuthorizationServer, Client, Throttle, ThrottleSlot, User};
use smallgate_core::store::{GrantSlot, SliceStore};
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::http::Subnet;
use smallgate_firmware::image::{
    Image, Lists, MAX_CLIENTS, MAX_PROXIES, MAX_RETIRED_KEYS, MAX_SCOPES, MAX_URIS, MAX_USERS,
};

use crate::error::Error;
use crate::event::{Listener, tell_key};
use crate::guard::guarded;
use crate::header;
use crate::keys::{CKey, Key};
use crate::object::{self, Object};
use crate::slice::{Apart, array, placed, put, value, values};
use crate::store::{CStore, Callbacks, Grants, Shared};

/// Pairs of account and source whose failures are remembered.
const THROTTLE_SLOTS: usize = 128;

/// `smallgate_server` of the header, which C does not look into.
#[repr(C, align(8))]
pub struct CServer {
    opaque: [u8; 0],
}

/// `smallgate_options` of the header.
#[repr(C)]
pub struct COptions {
    pub(crate) abi_version: u32,
    pub(crate) grants: u32,
    pub(crate) image: *const u8,
    pub(crate) image_length: usize,
    pub(crate) salt: *const u8,
    pub(crate) store: *const CStore,
    pub(crate) signing_key: *const CKey,
    pub(crate) event: Option<Listener>,
    pub(crate) event_context: *mut c_void,
}

/// `smallgate_limits` of the header.
#[repr(C)]
pub struct CLimits {
    pub(crate) body: usize,
    pub(crate) head_timeout: u32,
    pub(crate) body_timeout: u32,
    pub(crate) idle_timeout: u32,
}

/// A server. Its parts refer to each other, and are only read once it is made,
/// but for flags and what is behind one.
pub(crate) struct Server {
    /// Where it was made: it can not be moved.
    at: usize,
    /// Octets of its memory.
    pub(crate) size: usize,
    parts: Parts,
    slots: [ThrottleSlot; THROTTLE_SLOTS],
    pub(crate) server: AuthorizationServer<'static>,
    pub(crate) throttle: Throttle<'static>,
    pub(crate) grants: Grants,
    pub(crate) listener: Option<Listener>,
    pub(crate) context: *mut c_void,
    /// The newest time that anything was committed at.
    floor: AtomicU32,
    /// A password is being hashed.
    pub(crate) hashing: AtomicBool,
    /// Exchanges that are not ended.
    exchanges: AtomicU32,
    timeouts: [Option<Seconds>; 3],
}

/// What the server refers to.
struct Parts {
    scopes: Vec<&'static str, MAX_SCOPES>,
    redirect_uris: Vec<&'static str, MAX_URIS>,
    clients: Vec<Client<'static>, MAX_CLIENTS>,
    users: Vec<User<'static>, MAX_USERS>,
    proxies: Vec<Subnet, MAX_PROXIES>,
    keys: Vec<Key, { MAX_RETIRED_KEYS + 1 }>,
    verifiers: Vec<&'static dyn Verifier, { MAX_RETIRED_KEYS + 1 }>,
}

const _: () = object::fits::<Server>();

/// Exchanges of several threads share a server: what they share may be.
const fn is_shared<T: Sync>() {}

const _: () = is_shared::<AuthorizationServer<'static>>();
const _: () = is_shared::<Throttle<'static>>();
const _: () = is_shared::<Grants>();
const _: () = is_shared::<Key>();

impl Object for Server {
    const MARK: u32 = u32::from_le_bytes(*b"SGSV");
    const ROOM: usize = header::SERVER_BASE;
}

const _: () = assert!(size_of::<GrantSlot>() + 2 * size_of::<u16>() <= header::SERVER_GRANT);
const _: () = assert!(align_of::<GrantSlot>() <= header::ALIGNMENT);
const _: () = assert!(header::SERVER_GRANT.is_multiple_of(header::ALIGNMENT));

impl Parts {
    const fn new() -> Self {
        Parts {
            scopes: Vec::new(),
            redirect_uris: Vec::new(),
            clients: Vec::new(),
            users: Vec::new(),
            proxies: Vec::new(),
            keys: Vec::new(),
            verifiers: Vec::new(),
        }
    }

    /// The server that `image` describes, which from then on refers to `self`.
    fn server(
        &'static mut self,
        image: &Image<'static>,
        signing: Option<Key>,
    ) -> Result<AuthorizationServer<'static>, Error> {
        let signing = match signing {
            Some(key) => key,
            None => Key::of(&image.signing_key())?,
        };
        let full = |_| Error::TooMany;
        self.keys.push(signing).map_err(full)?;
        for parts in image.retired_keys() {
            self.keys.push(Key::of(&parts.to_verify())?).map_err(full)?;
        }
        image.fill_trusted_proxies(&mut self.proxies)?;
        let scopes = image.fill_scopes(&mut self.scopes)?;
        image.fill_redirect_uris(&mut self.redirect_uris)?;
        image.fill_clients(&self.redirect_uris, &mut self.clients)?;
        image.fill_users(&mut self.users)?;
        for key in &self.keys {
            let full = |_| Error::TooMany;
            self.verifiers.push(key.verifier()?).map_err(full)?;
        }
        let signer = self.keys.first().ok_or(Error::Internal)?.signer()?;
        Ok(AuthorizationServer::new(image.configuration(Lists {
            scopes,
            clients: &self.clients,
            users: &self.users,
            signer,
            verifiers: &self.verifiers,
        }))?)
    }
}

impl Server {
    pub(crate) fn proxies(&self) -> &[Subnet] {
        &self.parts.proxies
    }

    /// The newest time that anything was committed at.
    pub(crate) fn floor(&self) -> UnixTime {
        UnixTime(self.floor.load(Ordering::Acquire).into())
    }

    pub(crate) fn committed_at(&self, now: UnixTime) {
        let now = u32::try_from(now.0).unwrap_or(u32::MAX);
        self.floor.fetch_max(now, Ordering::Release);
    }

    /// Uses the server: until it is let go it is neither wiped nor made anew.
    pub(crate) fn used(&self) -> Used<'_> {
        self.exchanges.fetch_add(1, Ordering::AcqRel);
        Used(self)
    }

    /// An exchange is ended.
    pub(crate) fn let_go(&self) {
        self.exchanges.fetch_sub(1, Ordering::AcqRel);
    }

    fn is_used(&self) -> bool {
        self.exchanges.load(Ordering::Acquire) != 0
    }
}

/// A use of a server, for as long as this is there.
pub(crate) struct Used<'s>(&'s Server);

impl Used<'_> {
    /// It goes on until somebody lets the server go.
    pub(crate) fn kept(self) {
        core::mem::forget(self);
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

/// The server that was made at `pointer`.
///
/// # Safety
///
/// `pointer` is NULL, or there is memory of a server's base at it; if it is one,
/// it stays for `'a`.
pub(crate) unsafe fn server<'a>(pointer: *const CServer) -> Result<&'a Server, Error> {
    // SAFETY: passed on.
    let server = unsafe { object::made::<Server, _>(pointer) }?;
    if server.at != pointer.addr() {
        return Err(Error::State);
    }
    Ok(server)
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn smallgate_server_size(grants: usize) -> usize {
    size(grants).unwrap_or(0)
}

fn size(grants: usize) -> Option<usize> {
    let size = grants
        .checked_mul(header::SERVER_GRANT)?
        .checked_add(header::SERVER_BASE)?;
    isize::try_from(size).is_ok().then_some(size)
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_server_init(
    memory: *mut c_void,
    size: usize,
    options: *const COptions,
    made: *mut *mut CServer,
) -> c_int {
    guarded(|| {
        placed(memory.cast::<u64>())?;
        if !memory.addr().is_multiple_of(header::ALIGNMENT) {
            return Err(Error::Alignment);
        }
        placed(made)?;
        // SAFETY: the header asks for such a value, and C can get none of its types wrong.
        let options = unsafe { value(options) }?;
        if options.abi_version != header::ABI_VERSION {
            return Err(Error::Abi);
        }
        let grants = usize::try_from(options.grants).map_err(|_| Error::Length)?;
        if options.store.is_null() == (grants == 0) {
            return Err(Error::Value);
        }
        let least = self::size(grants).ok_or(Error::Length)?;
        if isize::try_from(size).is_err() {
            return Err(Error::Length);
        }
        if size < least {
            return Err(Error::TooSmall);
        }
        let mut apart = Apart::new();
        apart.writes(memory, size)?;
        apart.writes_one(made)?;
        apart.reads_one(options)?;
        apart.reads(options.image, options.image_length)?;
        apart.reads(options.salt, header::SALT)?;
        apart.reads_one(options.store)?;
        apart.reads_one(options.signing_key)?;
        // SAFETY: such memory is there, which the header asks to be zeros before its first use.
        if unsafe { server(memory.cast()) }.is_ok_and(Server::is_used) {
            return Err(Error::State);
        }
        // SAFETY: the memory is there, aligned, large enough and apart from all else; what options
        // refer to is as the header asks for.
        let done = unsafe { init(memory, size, grants, options) };
        if let Err(error) = done {
            // SAFETY: the memory of a server's base is there, and nothing refers to it any more.
            unsafe { object::wipe::<Server, _>(memory) }?;
            return Err(error);
        }
        // SAFETY: the header asks for such a place.
        unsafe { put(made, memory.cast()) }?;
        // SAFETY: it was just made there.
        let server = unsafe { server(memory.cast()) }?;
        if let Some(listener) = server.listener {
            let _used = server.used();
            tell_key(listener, server.context, server.server.configuration());
        }
        Ok(0)
    })
}

/// Makes a server, part by part, in its place.
///
/// # Safety
///
/// There is room for a server and its grants at `memory`, aligned, and nobody
/// else uses it until the server is wiped. What `options` point to is as the
/// header has it.
unsafe fn init(
    memory: *mut c_void,
    size: usize,
    grants: usize,
    options: &COptions,
) -> Result<(), Error> {
    placed(options.image)?;
    // SAFETY: the header asks for such octets, to stay as long as the server.
    let region = unsafe { values::<'static>(options.image, options.image_length) }?;
    // SAFETY: the header asks for such octets.
    let salt = *unsafe { array::<{ header::SALT }>(options.salt) }?;
    let signing = if options.signing_key.is_null() {
        None
    } else {
        // SAFETY: the header asks for such an object.
        unsafe { object::made::<Key, _>(options.signing_key) }?;
        // SAFETY: it is a key, and one may be copied: it owns nothing, and refers to nothing of
        // its own.
        Some(unsafe { object::copied::<Key, _>(options.signing_key) })
    };
    let image = Image::open(region)?;
    let timeouts = image.timeouts();
    let throttle = image.throttle();

    let place = object::place::<Server, _>(memory);
    // SAFETY: within the server's memory, by its type.
    let parts = unsafe { &raw mut (*place).parts };
    // SAFETY: aligned, with room, and nobody's.
    unsafe { parts.write(Parts::new()) };
    // SAFETY: just written. It is the one reference that may write to the parts, ever.
    let parts = unsafe { &mut *parts };
    let server = parts.server(&image, signing)?;
    // SAFETY: within the server's memory, by its type.
    let slots = unsafe { &raw mut (*place).slots };
    // SAFETY: aligned, with room, and nobody's.
    unsafe { slots.write([const { ThrottleSlot::new() }; THROTTLE_SLOTS]) };
    // SAFETY: just written, and from here on changed through atomics alone.
    let slots: &'static [ThrottleSlot; THROTTLE_SLOTS] = unsafe { &*slots };
    let grants = if options.store.is_null() {
        // SAFETY: room for so many grants follows the server.
        Grants::Memory(Shared::new(unsafe { store(memory, grants) }))
    } else {
        // SAFETY: the header asks for such a value, and C can get none of its types wrong.
        Grants::Callbacks(Callbacks::new(unsafe { value(options.store) }?)?)
    };
    macro_rules! write {
        ($($field:ident = $value:expr;)+) => {$(
            let value = $value;
            // SAFETY: within the server's memory, by its type.
            let field = unsafe { &raw mut (*place).$field };
            // SAFETY: aligned, with room, and nobody's.
            unsafe { field.write(value) };
        )+};
    }
    write! {
        at = memory.addr();
        size = size;
        server = server;
        throttle = Throttle::new(slots, throttle, salt);
        grants = grants;
        listener = options.event;
        context = options.event_context;
        floor = AtomicU32::new(0);
        hashing = AtomicBool::new(false);
        exchanges = AtomicU32::new(0);
        timeouts = [timeouts.head, timeouts.body, timeouts.idle];
    }
    // SAFETY: the mark is in front of the object, in its memory, and all of it was written.
    unsafe { object::mark::<Server, _>(memory) };
    Ok(())
}

/// An empty store in the memory behind a server.
///
/// # Safety
///
/// There is room for so many grants, and nobody else uses it while the server is
/// there.
unsafe fn store(memory: *mut c_void, grants: usize) -> SliceStore<'static> {
    let slots = memory
        .cast::<u8>()
        .wrapping_add(header::SERVER_BASE)
        .cast::<GrantSlot>();
    let ids = slots.wrapping_add(grants).cast::<u16>();
    let owners = ids.wrapping_add(grants);
    for at in 0..grants {
        // SAFETY: one of the slots, aligned since the base and their size are.
        unsafe { slots.wrapping_add(at).write(GrantSlot::VACANT) };
        // SAFETY: one of the ids behind them, of the smaller alignment.
        unsafe { ids.wrapping_add(at).write(0) };
        // SAFETY: likewise, behind the ids.
        unsafe { owners.wrapping_add(at).write(0) };
    }
    // SAFETY: so many were just written, one behind the other, and are nobody else's.
    let slots = unsafe { core::slice::from_raw_parts_mut(slots, grants) };
    // SAFETY: likewise.
    let ids = unsafe { core::slice::from_raw_parts_mut(ids, grants) };
    // SAFETY: likewise.
    let owners = unsafe { core::slice::from_raw_parts_mut(owners, grants) };
    SliceStore::new(ids, owners, slots)
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_server_wipe(pointer: *mut CServer) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for such an object.
        let server = unsafe { server(pointer) }?;
        if server.is_used() {
            return Err(Error::State);
        }
        let size = server.size;
        // SAFETY: the memory was given for the server's life, which is over: nothing refers to it.
        let memory = unsafe { core::slice::from_raw_parts_mut(pointer.cast::<u8>(), size) };
        zeroize::Zeroize::zeroize(memory);
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_server_limits(
    pointer: *const CServer,
    limits: *mut CLimits,
) -> c_int {
    guarded(|| {
        placed(limits)?;
        // SAFETY: the header asks for such an object.
        let server = unsafe { server(pointer) }?;
        let mut apart = Apart::new();
        apart.writes_one(limits)?;
        apart.reads(pointer, server.size)?;
        let [head, body, idle] = server.timeouts.map(|time| time.map_or(0, |time| time.0));
        let told = CLimits {
            body: server.server.configuration().limits.body,
            head_timeout: head,
            body_timeout: body,
            idle_timeout: idle,
        };
        // SAFETY: the header asks for such a place.
        unsafe { put(limits, told) }?;
        Ok(0)
    })
}
