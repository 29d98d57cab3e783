//! What a resource does: take the token from the request, check it, and say
//! what is wrong in the words of RFC 6750.

use core::fmt;

use crate::codec::split::pieces;
use crate::http::{self, Header, Text};
use crate::jose::Keys;
use crate::jwt::{self, Validation, Verified, VerifyError};
use crate::time::UnixTime;

/// Checks access tokens. It needs the public keys of the authorization server
/// and nothing else of it.
#[derive(Clone, Copy)]
pub struct ResourceServer<'c> {
    /// The keys that tokens are checked with.
    pub keys: Keys<'c>,
    /// What is asked of a token.
    pub validation: Validation<'c>,
    /// One more header field in which a token may come, besides
    /// `Authorization`.
    pub token_header: Option<&'static str>,
}

/// Why a request to a resource was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BearerError {
    /// There is no token in the request.
    NoToken,
    /// The token is in the query, where logs and histories keep it.
    TokenInQuery,
    /// More than one token.
    SeveralTokens,
    /// The `Authorization` header can not be read.
    Malformed,
    /// The token is not good, or no longer.
    Invalid(VerifyError),
    /// The grant that the token belongs to was revoked.
    Revoked,
    /// The token's scopes do not suffice.
    InsufficientScope,
    /// The clock is not set, so that nobody knows what has expired.
    ClockUnset,
    /// The grant that the token belongs to can not be asked.
    StoreUnavailable,
}

impl BearerError {
    /// The HTTP status (RFC 6750 §3.1).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            BearerError::TokenInQuery | BearerError::SeveralTokens | BearerError::Malformed => 400,
            BearerError::NoToken | BearerError::Invalid(_) | BearerError::Revoked => 401,
            BearerError::InsufficientScope => 403,
            BearerError::ClockUnset | BearerError::StoreUnavailable => 503,
        }
    }

    /// The `error` attribute of the challenge and member of the body; none
    /// where there was no token: "the resource server SHOULD NOT include an
    /// error code or other error information" (RFC 6750 §3.1).
    #[must_use]
    pub const fn code(self) -> Option<&'static str> {
        match self {
            BearerError::NoToken => None,
            BearerError::TokenInQuery | BearerError::SeveralTokens | BearerError::Malformed => {
                Some("invalid_request")
            }
            BearerError::Invalid(_) | BearerError::Revoked => Some("invalid_token"),
            BearerError::InsufficientScope => Some("insufficient_scope"),
            BearerError::ClockUnset | BearerError::StoreUnavailable => {
                Some("temporarily_unavailable")
            }
        }
    }

    pub(crate) const fn description(self) -> Option<&'static str> {
        match self {
            BearerError::NoToken => None,
            BearerError::TokenInQuery => Some("The token belongs in the Authorization header."),
            BearerError::SeveralTokens => Some("The request holds more than one token."),
            BearerError::Malformed => Some("The Authorization header can not be read."),
            BearerError::Invalid(VerifyError::Expired) => Some("The token has expired."),
            BearerError::Invalid(_) => Some("The token is not valid here."),
            BearerError::Revoked => Some("The token was revoked."),
            BearerError::InsufficientScope => Some("The token's scope does not suffice."),
            BearerError::StoreUnavailable => Some("The grant can not be read. Try again later."),
            BearerError::ClockUnset => Some("The clock is not set. Try again later."),
        }
    }

    /// Writes the value of `WWW-Authenticate`; `scope` is what would suffice.
    pub(crate) fn challenge(self, scope: &str, out: &mut Text<'_>) {
        out.push("Bearer realm=\"smallgate\"");
        if let Some(code) = self.code() {
            out.push(", error=\"");
            out.push(code);
            out.push("\"");
        }
        if let Some(description) = self.description() {
            out.push(", error_description=\"");
            out.push(description);
            out.push("\"");
        }
        if self == BearerError::InsufficientScope {
            out.push(", scope=\"");
            out.push(scope);
            out.push("\"");
        }
    }
}

impl fmt::Display for BearerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BearerError::NoToken => f.write_str("no token"),
            BearerError::Invalid(error) => write!(f, "invalid token: {error}"),
            other => f.write_str(other.description().unwrap_or_default()),
        }
    }
}

impl core::error::Error for BearerError {}

impl ResourceServer<'_> {
    /// Takes the token out of a request and checks it. `scratch` as for
    /// [`jwt::verify`].
    ///
    /// # Errors
    ///
    /// No token, a token in the wrong place, or one that is not good.
    pub fn authenticate<'t>(
        &self,
        headers: &[Header<'_>],
        query: Option<&str>,
        now: Option<UnixTime>,
        scratch: &'t mut [u8],
    ) -> Result<Verified<'t>, BearerError> {
        let token = self.presented(headers, query, now)?;
        jwt::verify(token, &self.keys, &self.validation, now, scratch).map_err(BearerError::Invalid)
    }

    /// The token in a request, if it can be judged.
    pub(crate) fn presented<'r>(
        &self,
        headers: &[Header<'r>],
        query: Option<&str>,
        now: Option<UnixTime>,
    ) -> Result<&'r [u8], BearerError> {
        let token = self.token(headers, query)?;
        if now.is_none() {
            return Err(BearerError::ClockUnset);
        }
        Ok(token)
    }

    /// Refuses a token that lacks one of the scopes named in `scope`, separated
    /// by spaces.
    ///
    /// # Errors
    ///
    /// A scope is missing.
    pub fn require(&self, token: &Verified<'_>, scope: &str) -> Result<(), BearerError> {
        if suffices(token, scope) {
            Ok(())
        } else {
            Err(BearerError::InsufficientScope)
        }
    }

    fn token<'r>(
        &self,
        headers: &[Header<'r>],
        query: Option<&str>,
    ) -> Result<&'r [u8], BearerError> {
        if query.is_some_and(names_a_token) {
            return Err(BearerError::TokenInQuery);
        }
        let several = |http::RepeatedHeader| BearerError::SeveralTokens;
        let authorization = http::single(headers, "authorization").map_err(several)?;
        let own = match self.token_header {
            Some(name) => http::single(headers, name).map_err(several)?,
            None => None,
        };
        let bearer = authorization.and_then(|value| http::credentials(value, "Bearer"));
        match (bearer, own) {
            (None, None) => Err(BearerError::NoToken),
            (Some(_), Some(_)) => Err(BearerError::SeveralTokens),
            (Some(token), None) | (None, Some(token)) => {
                if token.is_empty() || token.contains(&b' ') || token.contains(&b',') {
                    return Err(BearerError::Malformed);
                }
                Ok(token)
            }
        }
    }
}

/// Whether the token has every scope named in `scope`, separated by spaces.
#[must_use]
pub fn suffices(token: &Verified<'_>, scope: &str) -> bool {
    let granted = token.claims().scope;
    pieces(scope, b' ')
        .filter(|name| !name.is_empty())
        .all(|name| {
            granted
                .as_ref()
                .is_some_and(|granted| granted.contains(name))
        })
}

/// Whether a query has a parameter called `access_token`, however escaped: a
/// name is compared with its escapes decoded.
fn names_a_token(query: &str) -> bool {
    pieces(query, b'&').any(|pair| {
        let name = pieces(pair, b'=').next().unwrap_or_default();
        unescaped(name.as_bytes()).eq(b"access_token".iter().copied())
    })
}

/// The octets behind `%` escapes; a bad escape stays as it is.
fn unescaped(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    core::iter::from_fn(move || {
        let (octet, left) = match rest {
            [b'%', high, low, left @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, left),
                _ => (b'%', rest.get(1..)?),
            },
            [octet, left @ ..] => (*octet, left),
            [] => return None,
        };
        rest = left;
        Some(octet)
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
