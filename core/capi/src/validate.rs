//! Tokens of others: whether they are good, and what they say.

use core::ffi::{c_char, c_int};

use smallgate_core::bearer::suffices;
use smallgate_core::codec::json::{Limits, Object as JsonObject, Text, Value};
use smallgate_core::jose::Keys;
use smallgate_core::jwt::{
    self, Audience, Claim, Claims, ScopeForm, TokenFormat, Validation, Verified,
};
use smallgate_core::time::{Seconds, UnixTime};

use crate::error::Error;
use crate::guard::guarded;
use crate::header;
use crate::keys::{CKey, verifiers};
use crate::object::{self, Object};
use crate::slice::{Apart, ended, needed, placed, put, value, values, writable};

/// `smallgate_token` of the header: memory for a [`Token`].
#[repr(C, align(8))]
pub struct CToken {
    opaque: [u8; header::TOKEN_SIZE],
}

/// A token that was verified. The header has the scratch stay that it is in.
pub(crate) struct Token(pub(crate) Verified<'static>);

const _: () = object::fits::<Token>();

impl Object for Token {
    const MARK: u32 = u32::from_le_bytes(*b"SGTK");
    const ROOM: usize = header::TOKEN_SIZE;
}

/// `smallgate_policy` of the header.
#[repr(C)]
pub struct CPolicy {
    pub(crate) issuer: *const c_char,
    pub(crate) audience: *const c_char,
    pub(crate) leeway: u32,
    pub(crate) format: u32,
}

/// `smallgate_text` of the header.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct CText {
    pub(crate) octets: *const c_char,
    pub(crate) length: usize,
}

impl CText {
    /// No text.
    pub(crate) const NONE: CText = CText {
        octets: core::ptr::null(),
        length: 0,
    };

    pub(crate) fn of(text: &str) -> Self {
        CText {
            octets: text.as_ptr().cast(),
            length: text.len(),
        }
    }
}

/// A JWT that is not said to be an access token: no `typ` or `JWT`, and `exp`.
const PLAIN: TokenFormat = TokenFormat {
    typ: None,
    claims: &[Claim::ExpiresAt],
    scope: ScopeForm::Text,
};

/// What a policy asks for.
///
/// # Safety
///
/// The policy's texts are there for `'p`.
unsafe fn validation<'p>(policy: &CPolicy, apart: &Apart) -> Result<Validation<'p>, Error> {
    let format = match policy.format {
        header::FORMAT_ACCESS_TOKEN => TokenFormat::ACCESS_TOKEN,
        header::FORMAT_PLAIN => PLAIN,
        _ => return Err(Error::Value),
    };
    Ok(Validation {
        // SAFETY: passed on.
        issuer: unsafe { ended(policy.issuer, apart) }?,
        // SAFETY: passed on.
        audience: unsafe { ended(policy.audience, apart) }?,
        leeway: Seconds(policy.leeway),
        ..Validation::new(format)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_verify(
    token: *mut CToken,
    policy: *const CPolicy,
    keys: *const CKey,
    count: usize,
    jwt: *const c_char,
    length: usize,
    now: u64,
    scratch: *mut u8,
    scratch_length: usize,
) -> c_int {
    guarded(|| {
        // Whatever comes of it, what was there before is not taken for the answer.
        // SAFETY: the header asks for such memory.
        unsafe { object::wipe::<Token, _>(token) }?;
        placed(jwt)?;
        placed(scratch)?;
        let mut apart = Apart::new();
        apart.writes_one(token)?;
        apart.writes(scratch, scratch_length)?;
        apart.reads_one(policy)?;
        apart.reads(jwt, length)?;
        let room = count.checked_mul(header::KEY_SIZE).ok_or(Error::Length)?;
        if count > header::MAX_KEYS {
            return Err(Error::TooMany);
        }
        apart.reads(keys, room)?;
        // SAFETY: the header asks for such a value, and C can get none of its types wrong.
        let policy = unsafe { value(policy) }?;
        // SAFETY: the header asks for such texts.
        let validation = unsafe { validation(policy, &apart) }?;
        // SAFETY: the header asks for such keys.
        let verifiers = unsafe { verifiers(keys, count) }?;
        // SAFETY: the header asks for such octets.
        let jwt = unsafe { values(jwt.cast::<u8>(), length) }?;
        // SAFETY: the header asks for such octets, to stay while the token is used, and they are
        // apart from all else.
        let scratch = unsafe { writable(scratch, scratch_length) }?;
        let now = (now != 0).then_some(UnixTime(now));
        let verified = jwt::verify(jwt, &Keys::new(&verifiers), &validation, now, scratch)?;
        // SAFETY: the header asks for such memory, which is apart from all else.
        unsafe { object::make(token, Token(verified)) }?;
        Ok(0)
    })
}

/// What a claim's value is.
enum Found<'t> {
    Plain(&'t str),
    /// A string that may have been sent with escapes.
    Sent(Text<'t>),
    Number(u64),
    Other,
}

/// The claim `name`: of those that were read already, or of the payload.
fn claim<'t>(verified: &Verified<'t>, name: &str) -> Result<Found<'t>, Error> {
    /// Those of [`Validation::new`], which the payload has passed.
    const LIMITS: Limits = Limits {
        octets: 1024,
        depth: 8,
        members: 48,
        trailing_comma: false,
    };
    if let Some(known) = registered(verified.claims(), name) {
        return Ok(known);
    }
    let payload = verified.text().as_bytes();
    let object = JsonObject::parse(payload, &LIMITS).map_err(|_| Error::Payload)?;
    match object.member(name).ok_or(Error::ClaimMissing)? {
        Value::Text(text) => Ok(Found::Sent(text)),
        Value::Number(number) => number.as_u64().map(Found::Number).ok_or(Error::ClaimValue),
        _ => Ok(Found::Other),
    }
}

/// The claims that are looked up without another look at the payload.
fn registered<'t>(claims: &Claims<'t>, name: &str) -> Option<Found<'t>> {
    let plain = |text: Option<&'t str>| text.map(Found::Plain);
    let time = |time: Option<UnixTime>| time.map(|time| Found::Number(time.0));
    match name {
        "iss" => plain(claims.issuer),
        "sub" => plain(claims.subject),
        "client_id" => plain(claims.client_id),
        "jti" => plain(claims.jwt_id),
        "aud" => match claims.audience {
            Some(Audience::One(one)) => Some(Found::Plain(one)),
            _ => None,
        },
        "iat" => time(claims.issued_at),
        "exp" => time(claims.expires_at),
        "nbf" => time(claims.not_before),
        _ => None,
    }
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_token_text(
    token: *const CToken,
    name: *const c_char,
    out: *mut c_char,
    size: usize,
    length: *mut usize,
) -> c_int {
    guarded(|| {
        placed(out)?;
        let mut apart = Apart::new();
        apart.writes(out, size)?;
        if !length.is_null() {
            placed(length)?;
            apart.writes_one(length)?;
        }
        apart.reads_one(token)?;
        // SAFETY: the header asks for such an object.
        let Token(verified) = unsafe { object::made::<Token, _>(token) }?;
        let payload = verified.text();
        apart.reads(payload.as_ptr(), payload.len())?;
        // SAFETY: the header asks for such a text.
        let name = unsafe { needed(name, &apart) }?;
        // SAFETY: the header asks for such octets, apart from the token and the payload.
        let out = unsafe { writable(out.cast::<u8>(), size) }?;
        let written = match claim(verified, name)? {
            Found::Plain(text) => copied(text.bytes(), out),
            Found::Sent(text) => copied(text.octets(), out),
            Found::Number(_) | Found::Other => return Err(Error::ClaimType),
        };
        let (written, end) = match written {
            Copied::Whole(written) => (written, Ok(0)),
            Copied::Short(needed) => (needed, Err(Error::TooSmall)),
            Copied::Zero => return Err(Error::ClaimValue),
        };
        if !length.is_null() {
            // SAFETY: the header asks for such a place, apart from the octets.
            unsafe { put(length, written) }?;
        }
        end
    })
}

enum Copied {
    Whole(usize),
    /// It did not fit, and has so many octets.
    Short(usize),
    /// There is a zero in it.
    Zero,
}

/// Writes a text and a zero behind it; nothing of it if it does not fit.
fn copied(text: impl Iterator<Item = u8>, out: &mut [u8]) -> Copied {
    let mut length: usize = 0;
    for octet in text {
        if octet == 0 {
            return Copied::Zero;
        }
        if let Some(place) = out.get_mut(length) {
            *place = octet;
        }
        length = length.saturating_add(1);
    }
    if let Some(end) = out.get_mut(length) {
        *end = 0;
        return Copied::Whole(length);
    }
    if let Some(first) = out.first_mut() {
        *first = 0;
    }
    Copied::Short(length)
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_token_integer(
    token: *const CToken,
    name: *const c_char,
    number: *mut u64,
) -> c_int {
    guarded(|| {
        placed(number)?;
        let mut apart = Apart::new();
        apart.writes_one(number)?;
        apart.reads_one(token)?;
        // SAFETY: the header asks for such an object.
        let Token(verified) = unsafe { object::made::<Token, _>(token) }?;
        let payload = verified.text();
        apart.reads(payload.as_ptr(), payload.len())?;
        // SAFETY: the header asks for such a text.
        let name = unsafe { needed(name, &apart) }?;
        match claim(verified, name)? {
            // SAFETY: the header asks for such a place.
            Found::Number(found) => unsafe { put(number, found) }?,
            _ => return Err(Error::ClaimType),
        }
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_token_scope(
    token: *const CToken,
    scope: *const c_char,
) -> c_int {
    guarded(|| {
        // SAFETY: the header asks for such an object.
        let Token(verified) = unsafe { object::made::<Token, _>(token) }?;
        // SAFETY: the header asks for such a text.
        let scope = unsafe { needed(scope, &Apart::new()) }?;
        if suffices(verified, scope) {
            Ok(0)
        } else {
            Err(Error::Scope)
        }
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_token_payload(token: *const CToken, json: *mut CText) -> c_int {
    guarded(|| {
        placed(json)?;
        let mut apart = Apart::new();
        apart.writes_one(json)?;
        apart.reads_one(token)?;
        // SAFETY: the header asks for such an object.
        let Token(verified) = unsafe { object::made::<Token, _>(token) }?;
        let payload = verified.text();
        apart.reads(payload.as_ptr(), payload.len())?;
        // SAFETY: the header asks for such a place, apart from the payload.
        unsafe { put(json, CText::of(payload)) }?;
        Ok(0)
    })
}
