//! Verifying a token (RFC 7519 §7.2, RFC 8725 §3, RFC 9068 §4).

use core::fmt;

use crate::codec::json::{JsonError, Limits, NumericDate, Object};
use crate::jose::{self, ExpectedType, HeaderPolicy, JwsError, Keys};
use crate::time::{Seconds, UnixTime};

use super::claims::{Claim, Claims, TokenFormat};
use super::received::{Places, Received};

/// What a verifier wants of a token.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'p> {
    /// The kind of token: its `typ`, its required claims and the form of its
    /// scope. `exp` is required in every kind.
    pub format: TokenFormat,
    /// The issuer whose tokens are good; `None` only if the format has no `iss`.
    pub issuer: Option<&'p str>,
    /// This verifier's name in `aud`; `None` only if the format has no `aud`, and
    /// then a token that has one is for somebody else.
    pub audience: Option<&'p str>,
    /// How far the clocks of issuer and verifier may be apart, at most
    /// [`Validation::MAX_LEEWAY`].
    pub leeway: Seconds,
    /// The bounds of the payload as JSON.
    pub limits: Limits,
    /// The most octets of the whole token.
    pub token_octets: usize,
}

impl Validation<'_> {
    /// "usually no more than a few minutes" (RFC 7519 §4.1.4); here one.
    pub const MAX_LEEWAY: Seconds = Seconds(60);

    /// No leeway; a token of at most 1024 octets, with a payload of at most 48
    /// members, 8 levels deep.
    #[must_use]
    pub const fn new(format: TokenFormat) -> Self {
        Validation {
            format,
            issuer: None,
            audience: None,
            leeway: Seconds(0),
            limits: Limits {
                octets: 1024,
                depth: 8,
                members: 48,
                trailing_comma: false,
            },
            token_octets: 1024,
        }
    }

    /// A verifier that forgot to say what it expects would accept everything.
    fn check_self(&self) -> Result<(), VerifyError> {
        if self.leeway > Self::MAX_LEEWAY {
            return Err(VerifyError::LeewayTooLong);
        }
        for (claim, expected) in [
            (Claim::Issuer, self.issuer),
            (Claim::Audience, self.audience),
        ] {
            if self.format.claims.contains(&claim) && expected.is_none() {
                return Err(VerifyError::ExpectationMissing(claim));
            }
        }
        Ok(())
    }

    fn header_policy(&self) -> HeaderPolicy<'static> {
        HeaderPolicy {
            token_octets: self.token_octets,
            ..HeaderPolicy::new(match self.format.typ {
                Some(typ) => ExpectedType::Exactly(typ),
                None => ExpectedType::Untyped,
            })
        }
    }

    /// Reads the payload behind a good signature and judges its claims.
    // Not inlined: its frame, with the table of members, would lie below the one that checks the
    // signature.
    #[inline(never)]
    fn judge<'t>(
        &self,
        payload: &'t [u8],
        now: UnixTime,
        room: &'t mut [u8],
        places: Option<&mut Places>,
    ) -> Result<Verified<'t>, VerifyError> {
        let mut received = Received::EMPTY;
        // Where there is room for it at once if it is one of ours.
        let issued = match cfg!(target_pointer_width = "64") {
            true => received.read_issued(payload, &self.format, &self.limits),
            false => None,
        };
        let text = match issued {
            Some(text) => text,
            None => {
                let mut object = Object::empty();
                object
                    .read(payload, &self.limits)
                    .map_err(VerifyError::PayloadJson)?;
                received = Received::EMPTY;
                received.read(&object, self.format.scope)?;
                object.text()
            }
        };
        if let Some(places) = places {
            received.note(text, places);
        }
        self.conclude(&received, text, now, room)
    }

    /// Judges the claims.
    pub(super) fn conclude<'t>(
        &self,
        received: &Received<'t>,
        text: &'t str,
        now: UnixTime,
        room: &'t mut [u8],
    ) -> Result<Verified<'t>, VerifyError> {
        self.check_present(received)?;
        self.check_parties(received)?;
        self.check_times(received, now)?;
        Ok(Verified {
            claims: received.claims(room)?,
            text,
        })
    }

    /// Every claim that is wanted is there.
    fn check_present(&self, received: &Received<'_>) -> Result<(), VerifyError> {
        let wants = |claim: &Claim| *claim != Claim::Scope && !received.has(*claim);
        let missing = match self.format.claims.iter().find(|claim| wants(claim)) {
            Some(claim) => *claim,
            None if wants(&Claim::ExpiresAt) => Claim::ExpiresAt,
            None if self.issuer.is_some() && wants(&Claim::Issuer) => Claim::Issuer,
            None if self.audience.is_some() && wants(&Claim::Audience) => Claim::Audience,
            None => return Ok(()),
        };
        Err(VerifyError::ClaimMissing(missing))
    }

    /// "Each principal intended to process the JWT MUST identify itself with a
    /// value in the audience claim. If the principal processing the claim does
    /// not identify itself with a value in the "aud" claim when this claim is
    /// present, then the JWT MUST be rejected" (RFC 7519 §4.1.3).
    fn check_parties(&self, received: &Received<'_>) -> Result<(), VerifyError> {
        if self.issuer.is_some_and(|issuer| !received.is_from(issuer)) {
            return Err(VerifyError::IssuerMismatch);
        }
        let is_for_us = match self.audience {
            Some(audience) => received.is_for(audience),
            None => !received.has(Claim::Audience),
        };
        if is_for_us {
            Ok(())
        } else {
            Err(VerifyError::AudienceMismatch)
        }
    }

    /// The clock may be wrong by the leeway, to the token's favour. A date with
    /// a fraction counts against it: cut off for the end, rounded up for a
    /// beginning.
    fn check_times(&self, received: &Received<'_>, now: UnixTime) -> Result<(), VerifyError> {
        let leeway = u64::from(self.leeway.0);
        let latest = now.0.saturating_add(leeway);
        // "the current date/time MUST be before the expiration date/time listed
        // in the "exp" claim" (RFC 7519 §4.1.4).
        if received
            .date(Claim::ExpiresAt)
            .is_some_and(|end| now.0 >= end.seconds.saturating_add(leeway))
        {
            return Err(VerifyError::Expired);
        }
        // "the current date/time MUST be after or equal to the not-before
        // date/time listed in the "nbf" claim" (RFC 7519 §4.1.5).
        if received
            .date(Claim::NotBefore)
            .is_some_and(|start| latest < rounded_up(start))
        {
            return Err(VerifyError::NotYetValid);
        }
        if received
            .date(Claim::IssuedAt)
            .is_some_and(|issued| latest < rounded_up(issued))
        {
            return Err(VerifyError::IssuedInFuture);
        }
        Ok(())
    }
}

const fn rounded_up(date: NumericDate) -> u64 {
    date.seconds.saturating_add(date.fraction as u64)
}

/// A token that was verified: the proof that [`verify`] was here.
#[derive(Clone, Copy)]
pub struct Verified<'t> {
    claims: Claims<'t>,
    text: &'t str,
}

impl<'t> Verified<'t> {
    /// The registered claims.
    #[must_use]
    pub const fn claims(&self) -> &Claims<'t> {
        &self.claims
    }

    /// The whole payload: a JSON object in which nothing stands twice.
    #[must_use]
    pub const fn text(&self) -> &'t str {
        self.text
    }
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verified").field(&self.claims).finish()
    }
}

/// Verifies a token: [`jose::verify`] first, and only behind the signature is
/// the payload read, once.
///
/// `now` is `None` while the clock is not set: nothing is accepted then.
///
/// `scratch` holds the decoded payload, and after it claims that were sent with
/// escapes. The token's length is always enough for a token whose claims in
/// [`Claim`] have no escapes, and nearly always for others (a quarter of the
/// payload and 64 octets are left for them); twice the token's length is always
/// enough.
///
/// # Errors
///
/// The first [`VerifyError`], in the order of its variants but for the scratch.
pub fn verify<'t>(
    token: &[u8],
    keys: &Keys<'_>,
    validation: &Validation<'_>,
    now: Option<UnixTime>,
    scratch: &'t mut [u8],
) -> Result<Verified<'t>, VerifyError> {
    verify_noting(token, keys, validation, now, scratch, None)
}

/// [`verify`], which notes in `places`, if there are any, where things are.
pub(super) fn verify_noting<'t>(
    token: &[u8],
    keys: &Keys<'_>,
    validation: &Validation<'_>,
    now: Option<UnixTime>,
    scratch: &'t mut [u8],
    mut places: Option<&mut Places>,
) -> Result<Verified<'t>, VerifyError> {
    let now = now.ok_or(VerifyError::ClockUnset)?;
    validation.check_self()?;

    let (payload, room, at) = jose::verify(token, keys, &validation.header_policy(), scratch)
        .map_err(VerifyError::Jws)?
        .into_parts();
    if let Some(places) = &mut places {
        places.note_payload(at);
    }
    validation.judge(payload, now, room, places)
}

/// Why a token was refused, in the order in which things are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum VerifyError {
    /// The clock is not set: no token can be judged.
    ClockUnset,
    /// The leeway is more than [`Validation::MAX_LEEWAY`].
    LeewayTooLong,
    /// The format has this claim, and the verifier does not say which value of
    /// it is good.
    ExpectationMissing(Claim),
    /// The token's form, its header, its key or its signature.
    Jws(JwsError),
    /// The payload is not a JSON object within its bounds, or a name stands twice.
    PayloadJson(JsonError),
    /// A claim of the wrong JSON type.
    ClaimType(Claim),
    /// A claim of the right type with a value it cannot have: a time that is
    /// negative, has an exponent or is beyond the year 9999; a scope with
    /// characters that no scope has.
    ClaimValue(Claim),
    /// A required claim is not there.
    ClaimMissing(Claim),
    /// `iss` is another issuer.
    IssuerMismatch,
    /// `aud` does not name this verifier.
    AudienceMismatch,
    /// `exp` is past, or now.
    Expired,
    /// `nbf` is still to come.
    NotYetValid,
    /// `iat` is still to come.
    IssuedInFuture,
    /// No room is left in the scratch for claims that were sent with escapes.
    ScratchTooSmall,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, claim) = match self {
            VerifyError::ClockUnset => ("the clock is not set", None),
            VerifyError::LeewayTooLong => ("the leeway is more than 60 seconds", None),
            VerifyError::ExpectationMissing(claim) => ("no value is expected of ", Some(claim)),
            VerifyError::Jws(error) => return error.fmt(f),
            VerifyError::PayloadJson(error) => {
                f.write_str("payload: ")?;
                return error.fmt(f);
            }
            VerifyError::ClaimType(claim) => ("of the wrong type: ", Some(claim)),
            VerifyError::ClaimValue(claim) => ("of an impossible value: ", Some(claim)),
            VerifyError::ClaimMissing(claim) => ("the token has no ", Some(claim)),
            VerifyError::IssuerMismatch => ("the token is another issuer's", None),
            VerifyError::AudienceMismatch => ("the token is for another audience", None),
            VerifyError::Expired => ("the token has expired", None),
            VerifyError::NotYetValid => ("the token is not valid yet", None),
            VerifyError::IssuedInFuture => ("the token was issued in the future", None),
            VerifyError::ScratchTooSmall => ("the scratch is too small for the claims", None),
        };
        f.write_str(text)?;
        claim.map_or(Ok(()), |claim| f.write_str(claim.name()))
    }
}

impl core::error::Error for VerifyError {}
