//! One token in both algorithms: what the programs issue and verify.
//!
//! The tokens were made by another implementation (pyca/cryptography, with RFC 6979), not by what
//! they test.

use smallgate_core::jose::{Hs256Key, KeyError};
use smallgate_core::jwt::{Audience, Claims, ScopeClaim, TokenFormat, Validation};
use smallgate_core::time::UnixTime;

use crate::vectors::RFC6979;
use crate::{Es256SigningKey, Es256VerifyingKey};

/// The moment the tokens were issued: the beginning of 2026.
pub const NOW: UnixTime = UnixTime(1_767_225_600);

/// Their `iss`.
pub const ISSUER: &str = "https://as.example";

/// Their `aud`.
pub const AUDIENCE: &str = "https://api.example";

/// Their `sub` and `client_id`.
pub const CLIENT: &str = "thermostat-0007";

/// Their `scope`.
pub const SCOPES: &[&str] = &["read", "write"];

/// The claims of both tokens, those of RFC 9068.
#[must_use]
pub fn claims() -> Claims<'static> {
    Claims {
        issuer: Some(ISSUER),
        subject: Some(CLIENT),
        audience: Some(Audience::One(AUDIENCE)),
        client_id: Some(CLIENT),
        scope: Some(ScopeClaim::Text("read write")),
        issued_at: Some(NOW),
        expires_at: Some(UnixTime(1_767_229_200)),
        not_before: None,
        jwt_id: Some("gQIDBAUGBwgJCgsMDQ4PEA"),
    }
}

/// What a resource server wants of them.
pub const VALIDATION: Validation<'static> = Validation {
    issuer: Some(ISSUER),
    audience: Some(AUDIENCE),
    ..Validation::new(TokenFormat::ACCESS_TOKEN)
};

/// The key of [`HS256`]: 32 octets from 64 upwards.
///
/// # Errors
///
/// None; the key's own are passed on.
pub fn hs256_key() -> Result<Hs256Key, KeyError> {
    let mut octets = [0; 32];
    for (octet, value) in octets.iter_mut().zip(64..) {
        *octet = value;
    }
    Hs256Key::new(&octets, Some("2026-01"))
}

/// The private key of [`ES256`], RFC 6979's, named by its thumbprint (RFC 7638).
///
/// # Errors
///
/// None; the key's own are passed on.
pub fn es256_signing_key() -> Result<Es256SigningKey, KeyError> {
    Es256SigningKey::new(&RFC6979.secret, Some(THUMBPRINT))
}

/// The public key of [`ES256`].
///
/// # Errors
///
/// None; the key's own are passed on.
pub fn es256_verifying_key() -> Result<Es256VerifyingKey, KeyError> {
    Es256VerifyingKey::new(&RFC6979.x, &RFC6979.y, Some(THUMBPRINT))
}

const THUMBPRINT: &str = "DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0";

/// 369 octets, signed with [`hs256_key`].
pub static HS256: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjIwMjYtMDEifQ.eyJpc3MiOiJodHRwczovL2FzLmV\
    4YW1wbGUiLCJzdWIiOiJ0aGVybW9zdGF0LTAwMDciLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlIiwiY2xpZW50X\
    2lkIjoidGhlcm1vc3RhdC0wMDA3Iiwic2NvcGUiOiJyZWFkIHdyaXRlIiwiaWF0IjoxNzY3MjI1NjAwLCJleHAiOjE\
    3NjcyMjkyMDAsImp0aSI6ImdRSURCQVVHQndnSkNnc01EUTRQRUEifQ.5sasbF_CTZYdWmrVI8kMwe6dieVWhMOHq6\
    _HthqCcII";

/// 460 octets, signed with [`es256_signing_key`].
pub static ES256: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IkRPdnh2SmlBZElxVldJa0Z0NWhEdEN1blhMRjBCVj\
    QtSkd2NGYtQUxTbTAifQ.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUiLCJzdWIiOiJ0aGVybW9zdGF0LTAwMDciL\
    CJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlIiwiY2xpZW50X2lkIjoidGhlcm1vc3RhdC0wMDA3Iiwic2NvcGUiOiJ\
    yZWFkIHdyaXRlIiwiaWF0IjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjkyMDAsImp0aSI6ImdRSURCQVVHQndnSkNnc\
    01EUTRQRUEifQ.gsaKQEmDJdi5CoGW9OtogS387s5cZV2CXAaKTx6-D4tBl_VMAQgRSQka6H_awn6z1mu_juVwDPGW\
    -r1qqWSf7w";
