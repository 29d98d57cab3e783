//! Tokens of one's own.

use core::ffi::{c_char, c_int};

use smallgate_core::codec::json::Writer;
use smallgate_core::jose::{self, Signer};
use smallgate_core::jwt::{self, Audience, Claims, ScopeClaim, TokenFormat};
use smallgate_core::time::UnixTime;

use crate::error::Error;
use crate::guard::guarded;
use crate::header;
use crate::keys::{CKey, Key};
use crate::object;
use crate::slice::{Apart, ended, placed, put, value, writable};

/// `smallgate_claims` of the header.
#[repr(C)]
pub struct CClaims {
    pub(crate) issuer: *const c_char,
    pub(crate) subject: *const c_char,
    pub(crate) audience: *const c_char,
    pub(crate) client_id: *const c_char,
    pub(crate) scope: *const c_char,
    pub(crate) jwt_id: *const c_char,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) not_before: u64,
}

/// The claims that C wrote.
///
/// # Safety
///
/// The texts are there for `'c`.
unsafe fn read<'c>(claims: &CClaims, apart: &Apart) -> Result<Claims<'c>, Error> {
    let time = |seconds: u64| match seconds {
        0 => Ok(None),
        _ if seconds > UnixTime::LAST.0 => Err(Error::ClaimValue),
        _ => Ok(Some(UnixTime(seconds))),
    };
    // SAFETY: passed on.
    let scope = unsafe { ended(claims.scope, apart) }?;
    // Spaces, and what scope tokens are made of.
    let is_good = |octet: u8| matches!(octet, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if scope.is_some_and(|scope| !scope.bytes().all(is_good)) {
        return Err(Error::ClaimValue);
    }
    Ok(Claims {
        // SAFETY: passed on, as for all the others.
        issuer: unsafe { ended(claims.issuer, apart) }?,
        // SAFETY: see above.
        subject: unsafe { ended(claims.subject, apart) }?,
        // SAFETY: see above.
        audience: unsafe { ended(claims.audience, apart) }?.map(Audience::One),
        // SAFETY: see above.
        client_id: unsafe { ended(claims.client_id, apart) }?,
        scope: scope.map(ScopeClaim::Text),
        issued_at: time(claims.issued_at)?,
        expires_at: time(claims.expires_at)?,
        not_before: time(claims.not_before)?,
        // SAFETY: see above.
        jwt_id: unsafe { ended(claims.jwt_id, apart) }?,
    })
}

/// Signs what there is of `claims`, with a `typ` of nothing in particular.
fn plain(signer: &dyn Signer, claims: &Claims<'_>, out: &mut [u8]) -> Result<usize, Error> {
    let audience = match claims.audience {
        Some(Audience::One(one)) => Some(one),
        _ => None,
    };
    let scope = match claims.scope {
        Some(ScopeClaim::Text(text)) if !text.trim_ascii().is_empty() => Some(text),
        _ => None,
    };
    let write = |json: &mut Writer<'_>| {
        json.begin_object();
        json.member_texts(&[
            ("iss", claims.issuer),
            ("sub", claims.subject),
            ("aud", audience),
            ("client_id", claims.client_id),
            ("scope", scope),
            ("jti", claims.jwt_id),
        ]);
        for (name, time) in [
            ("iat", claims.issued_at),
            ("exp", claims.expires_at),
            ("nbf", claims.not_before),
        ] {
            if let Some(time) = time {
                json.member_u64(name, time.0);
            }
        }
        json.end_object();
    };
    Ok(jose::sign(signer, None, write, out)?.as_str().len())
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_issue(
    key: *const CKey,
    format: u32,
    claims: *const CClaims,
    out: *mut c_char,
    size: usize,
    length: *mut usize,
) -> c_int {
    guarded(|| {
        placed(out)?;
        placed(length)?;
        let mut apart = Apart::new();
        apart.writes(out, size)?;
        apart.writes_one(length)?;
        apart.reads_one(key)?;
        apart.reads_one(claims)?;
        // SAFETY: the header asks for such an object.
        let key = unsafe { object::made::<Key, _>(key) }?;
        // SAFETY: the header asks for such a value, and C can get none of its types wrong.
        let claims = unsafe { value(claims) }?;
        // SAFETY: the header asks for such texts.
        let claims = unsafe { read(claims, &apart) }?;
        // SAFETY: the header asks for such octets; the rest of the call's memory is apart.
        let out = unsafe { writable(out.cast::<u8>(), size) }?;
        let signer = key.signer()?;
        let Some((last, room)) = out.split_last_mut() else {
            return Err(Error::TooSmall);
        };
        let signed = match format {
            header::FORMAT_ACCESS_TOKEN => {
                jwt::issue(signer, &TokenFormat::ACCESS_TOKEN, &claims, room)
                    .map(|token| token.as_str().len())
                    .map_err(Error::from)
            }
            header::FORMAT_PLAIN => plain(signer, &claims, room),
            _ => Err(Error::Value),
        };
        match signed {
            Ok(written) => {
                *room.get_mut(written).unwrap_or(last) = 0;
                // SAFETY: the header asks for such a place, apart from the octets.
                unsafe { put(length, written) }?;
                Ok(0)
            }
            Err(error) => {
                room.fill(0);
                Err(error)
            }
        }
    })
}
