//! Keys: from octets, a JWK, a JWK Set, or callbacks.

use core::ffi::{c_char, c_int};

use heapless::Vec;
use smallgate_core::codec::json::{Limits, Object as JsonObject, Value};
use smallgate_core::jose::{Hs256Key, Jwk, Signer, Verifier};
use smallgate_firmware::image::{Key as Parts, Material, ReadyKey};

use crate::backend::{self, Backend};
use crate::error::Error;
use crate::external::{CBackend, External};
use crate::guard::guarded;
use crate::header;
use crate::object::{self, Object};
use crate::slice::{Apart, ended, placed, put, value, values};

/// `smallgate_key` of the header: memory for a [`Key`].
#[repr(C, align(8))]
pub struct CKey {
    opaque: [u8; header::KEY_SIZE],
}

/// A key that is ready to use.
pub(crate) enum Key {
    Own(ReadyKey<Backend>),
    External(External),
}

const _: () = object::fits::<Key>();

impl Object for Key {
    const MARK: u32 = u32::from_le_bytes(*b"SGKY");
    const ROOM: usize = header::KEY_SIZE;
}

impl Key {
    /// What signs.
    pub(crate) fn signer(&self) -> Result<&dyn Signer, Error> {
        match self {
            Key::Own(key) => key.signer().ok_or(Error::KeyType),
            Key::External(key) if key.signs() => Ok(key),
            Key::External(_) => Err(Error::KeyType),
        }
    }

    /// What verifies.
    pub(crate) fn verifier(&self) -> Result<&dyn Verifier, Error> {
        match self {
            Key::Own(key) => Ok(key.verifier()),
            Key::External(key) if key.verifies() => Ok(key),
            Key::External(_) => Err(Error::KeyType),
        }
    }

    /// Makes the parts of a key ready to use.
    pub(crate) fn of(parts: &Parts<'_>) -> Result<Self, Error> {
        if !backend::PRESENT && !matches!(parts.material, Material::Octets(_)) {
            return Err(Error::Unsupported);
        }
        Ok(Key::Own(parts.ready::<Backend>()?))
    }

    fn parse(json: &[u8]) -> Result<Self, Error> {
        let jwk = Jwk::parse(json)?;
        let parts = Parts::of(&jwk).ok_or(Error::KeyType)?;
        Self::of(&parts)
    }
}

/// Up to [`header::MAX_KEYS`] keys as what verifies.
pub(crate) type Verifiers<'k> = Vec<&'k dyn Verifier, { header::MAX_KEYS }>;

/// The verifiers among `count` keys.
///
/// # Safety
///
/// `keys` is NULL, or there are so many at it for `'k`, each made or not.
pub(crate) unsafe fn verifiers<'k>(
    keys: *const CKey,
    count: usize,
) -> Result<Verifiers<'k>, Error> {
    placed(keys)?;
    if count > header::MAX_KEYS {
        return Err(Error::TooMany);
    }
    let mut verifiers = Verifiers::new();
    for at in 0..count {
        let key = keys.wrapping_add(at);
        // SAFETY: one of those that the caller promises.
        let key = unsafe { object::made::<Key, _>(key) }?;
        verifiers
            .push(key.verifier()?)
            .map_err(|_| Error::TooMany)?;
    }
    Ok(verifiers)
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_key_hs256(
    key: *mut CKey,
    octets: *const u8,
    length: usize,
    key_id: *const c_char,
) -> c_int {
    guarded(|| {
        placed(key)?;
        placed(octets)?;
        let mut apart = Apart::new();
        apart.writes_one(key)?;
        apart.reads(octets, length)?;
        // SAFETY: the header asks for such octets.
        let octets = unsafe { values(octets, length) }?;
        // SAFETY: the header asks for such a text.
        let key_id = unsafe { ended(key_id, &apart) }?;
        let made = Key::Own(ReadyKey::Hs256(Hs256Key::new(octets, key_id)?));
        // SAFETY: the header asks for such memory, and nothing refers to it: the octets are apart.
        unsafe { object::make(key, made) }?;
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_key_jwk(
    key: *mut CKey,
    json: *const u8,
    length: usize,
) -> c_int {
    guarded(|| {
        placed(key)?;
        placed(json)?;
        let mut apart = Apart::new();
        apart.writes_one(key)?;
        apart.reads(json, length)?;
        // SAFETY: the header asks for such octets.
        let json = unsafe { values(json, length) }?;
        let made = Key::parse(json)?;
        // SAFETY: the header asks for such memory, and nothing refers to it: the octets are apart.
        unsafe { object::make(key, made) }?;
        Ok(0)
    })
}

/// Makes the keys of a set, and counts them as it goes.
///
/// # Safety
///
/// There is room for `capacity` keys at `keys`, which nobody else uses.
unsafe fn fill<'j>(
    keys: *mut CKey,
    capacity: usize,
    items: impl Iterator<Item = Value<'j>>,
    found: &mut usize,
) -> Result<(), Error> {
    for item in items {
        let Value::Object(text) = item else {
            return Err(Error::Jwk);
        };
        // "Implementations SHOULD ignore JWKs within a JWK Set that use "kty" (key type) values
        // that are not understood by them, that are missing required members, or for which
        // values are out of the supported ranges" (RFC 7517 §5). An HMAC secret is none of a
        // published set's, and of a private one it is as good as any.
        let Ok(made) = Key::parse(text.as_bytes()) else {
            continue;
        };
        if *found >= capacity {
            return Err(Error::TooMany);
        }
        // SAFETY: one of the places that the caller promises.
        unsafe { object::make(keys.wrapping_add(*found), made) }?;
        *found = found.saturating_add(1);
    }
    if *found == 0 {
        return Err(Error::NoKey);
    }
    Ok(())
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_keys_jwks(
    keys: *mut CKey,
    capacity: usize,
    count: *mut usize,
    json: *const u8,
    length: usize,
) -> c_int {
    const LIMITS: Limits = Limits {
        octets: 32_767,
        depth: 6,
        members: 64,
        trailing_comma: false,
    };
    guarded(|| {
        placed(keys)?;
        placed(count)?;
        placed(json)?;
        let room = capacity
            .checked_mul(header::KEY_SIZE)
            .ok_or(Error::Length)?;
        let mut apart = Apart::new();
        apart.writes(keys, room)?;
        apart.writes_one(count)?;
        apart.reads(json, length)?;
        // SAFETY: the header asks for such octets.
        let json = unsafe { values(json, length) }?;
        let set = JsonObject::parse(json, &LIMITS).map_err(|_| Error::Json)?;
        let Some(Value::Array(items)) = set.member("keys") else {
            return Err(Error::Jwk);
        };
        let mut found = 0;
        // SAFETY: the header asks for such places, and the text is apart from them.
        let filled = unsafe { fill(keys, capacity, items.items(), &mut found) };
        if let Err(error) = filled {
            for at in 0..found {
                // SAFETY: one of the keys that were just made.
                unsafe { object::wipe::<Key, _>(keys.wrapping_add(at)) }?;
            }
            return Err(error);
        }
        // SAFETY: the header asks for such a place.
        unsafe { put(count, found) }?;
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_key_external(key: *mut CKey, backend: *const CBackend) -> c_int {
    guarded(|| {
        placed(key)?;
        placed(backend)?;
        let mut apart = Apart::new();
        apart.writes_one(key)?;
        apart.reads_one(backend)?;
        // SAFETY: the header asks for such a value, and C can get none of its types wrong.
        let backend = unsafe { value(backend) }?;
        // SAFETY: the header asks for such texts and callbacks.
        let made = Key::External(unsafe { External::new(backend, &apart) }?);
        // SAFETY: the header asks for such memory, and nothing refers to it.
        unsafe { object::make(key, made) }?;
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_key_wipe(key: *mut CKey) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for such memory. A key owns nothing but its octets.
        unsafe { object::wipe::<Key, _>(key) }?;
        Ok(0)
    })
}
