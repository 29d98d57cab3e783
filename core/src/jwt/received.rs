//! The claims as they came, behind a good signature: typed, and not judged yet.

use core::iter;

use crate::codec::json::{Array, NumericDate, Object, Text, Value};
use crate::time::UnixTime;

use super::claims::{Audience, Claim, Claims, ScopeClaim, ScopeForm};
use super::validation::VerifyError;

/// The registered claims of a payload. One of the wrong type is an error and
/// never "absent".
#[derive(Default)]
pub(super) struct Received<'t> {
    issuer: Option<Text<'t>>,
    subject: Option<Text<'t>>,
    audience: Option<OneOrMany<'t>>,
    client_id: Option<Text<'t>>,
    scope: Option<OneOrMany<'t>>,
    pub(super) issued_at: Option<NumericDate>,
    pub(super) expires_at: Option<NumericDate>,
    pub(super) not_before: Option<NumericDate>,
    jwt_id: Option<Text<'t>>,
}

/// A string, or an array of nothing but strings.
enum OneOrMany<'t> {
    One(Text<'t>),
    Many(Array<'t>),
}

impl<'t> Received<'t> {
    pub(super) fn read(object: &Object<'t>, form: ScopeForm) -> Result<Self, VerifyError> {
        let mut received = Received::default();
        for (name, value) in object.members() {
            let Some(claim) = Claim::named(name) else {
                continue;
            };
            match claim {
                Claim::Issuer => received.issuer = Some(text(claim, value)?),
                Claim::Subject => received.subject = Some(text(claim, value)?),
                Claim::Audience => received.audience = Some(one_or_many(claim, value)?),
                Claim::ClientId => received.client_id = Some(text(claim, value)?),
                Claim::Scope => received.scope = scope(form, value)?,
                Claim::IssuedAt => received.issued_at = Some(date(claim, value)?),
                Claim::ExpiresAt => received.expires_at = Some(date(claim, value)?),
                Claim::NotBefore => received.not_before = Some(date(claim, value)?),
                Claim::JwtId => received.jwt_id = Some(text(claim, value)?),
            }
        }
        Ok(received)
    }

    pub(super) fn has(&self, claim: Claim) -> bool {
        match claim {
            Claim::Issuer => self.issuer.is_some(),
            Claim::Subject => self.subject.is_some(),
            Claim::Audience => self.audience.is_some(),
            Claim::ClientId => self.client_id.is_some(),
            Claim::Scope => self.scope.is_some(),
            Claim::IssuedAt => self.issued_at.is_some(),
            Claim::ExpiresAt => self.expires_at.is_some(),
            Claim::NotBefore => self.not_before.is_some(),
            Claim::JwtId => self.jwt_id.is_some(),
        }
    }

    pub(super) fn is_from(&self, issuer: &str) -> bool {
        self.issuer.is_some_and(|text| text.eq_str(issuer))
    }

    pub(super) fn is_for(&self, audience: &str) -> bool {
        match self.audience {
            None => false,
            Some(OneOrMany::One(one)) => one.eq_str(audience),
            Some(OneOrMany::Many(many)) => texts(many).any(|one| one.eq_str(audience)),
        }
    }

    /// The claims, those with escapes in `room`.
    pub(super) fn into_claims(self, room: &'t mut [u8]) -> Result<Claims<'t>, VerifyError> {
        let mut room = Room(room);
        let time = |date: Option<NumericDate>| date.map(|date| UnixTime(date.seconds));
        Ok(Claims {
            issuer: room.optional(self.issuer)?,
            subject: room.optional(self.subject)?,
            audience: match self.audience {
                None => None,
                Some(OneOrMany::One(text)) => Some(Audience::One(room.text(text)?)),
                Some(OneOrMany::Many(array)) => Some(Audience::Many(array)),
            },
            client_id: room.optional(self.client_id)?,
            scope: match self.scope {
                None => None,
                Some(OneOrMany::One(text)) => Some(ScopeClaim::Text(room.text(text)?)),
                Some(OneOrMany::Many(array)) => Some(room.scope(array)?),
            },
            issued_at: time(self.issued_at),
            expires_at: time(self.expires_at),
            not_before: time(self.not_before),
            jwt_id: room.optional(self.jwt_id)?,
        })
    }
}

fn text<'t>(claim: Claim, value: Value<'t>) -> Result<Text<'t>, VerifyError> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(VerifyError::ClaimType(claim)),
    }
}

fn date(claim: Claim, value: Value<'_>) -> Result<NumericDate, VerifyError> {
    match value {
        Value::Number(number) => number
            .as_numeric_date()
            .ok_or(VerifyError::ClaimValue(claim)),
        _ => Err(VerifyError::ClaimType(claim)),
    }
}

fn one_or_many<'t>(claim: Claim, value: Value<'t>) -> Result<OneOrMany<'t>, VerifyError> {
    match value {
        Value::Text(text) => Ok(OneOrMany::One(text)),
        Value::Array(array) if array.items().all(|item| matches!(item, Value::Text(_))) => {
            Ok(OneOrMany::Many(array))
        }
        _ => Err(VerifyError::ClaimType(claim)),
    }
}

fn scope<'t>(form: ScopeForm, value: Value<'t>) -> Result<Option<OneOrMany<'t>>, VerifyError> {
    if form == ScopeForm::Absent {
        return Ok(None);
    }
    let scope = one_or_many(Claim::Scope, value)?;
    let well_formed = match (form, &scope) {
        (ScopeForm::Text, OneOrMany::One(text)) => text
            .octets()
            .all(|octet| octet == b' ' || is_scope_character(octet)),
        (ScopeForm::Array, OneOrMany::Many(array)) => texts(*array)
            .all(|name| name.octets().next().is_some() && name.octets().all(is_scope_character)),
        _ => return Err(VerifyError::ClaimType(Claim::Scope)),
    };
    if well_formed {
        Ok(Some(scope))
    } else {
        Err(VerifyError::ClaimValue(Claim::Scope))
    }
}

/// "scope-token = 1*( %x21 / %x23-5B / %x5D-7E )" (RFC 6749 §3.3).
const fn is_scope_character(octet: u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

fn texts<'t>(array: Array<'t>) -> impl Iterator<Item = Text<'t>> {
    array.items().filter_map(|item| match item {
        Value::Text(text) => Some(text),
        _ => None,
    })
}

/// Room for the texts that were sent with escapes.
struct Room<'t>(&'t mut [u8]);

impl<'t> Room<'t> {
    fn optional(&mut self, text: Option<Text<'t>>) -> Result<Option<&'t str>, VerifyError> {
        text.map(|text| self.text(text)).transpose()
    }

    fn text(&mut self, text: Text<'t>) -> Result<&'t str, VerifyError> {
        if let Some(plain) = text.as_str() {
            return Ok(plain);
        }
        let room = self.take(text.octets().count())?;
        text.unescape(room)
            .map_err(|_| VerifyError::ScratchTooSmall)
    }

    /// An array of scope names, as a text if one of them has an escape. They are
    /// of ASCII and have no space in them.
    fn scope(&mut self, array: Array<'t>) -> Result<ScopeClaim<'t>, VerifyError> {
        if texts(array).all(|name| name.as_str().is_some()) {
            return Ok(ScopeClaim::Array(array));
        }
        let octets = || {
            texts(array)
                .flat_map(|name| iter::once(b' ').chain(name.octets()))
                .skip(1)
        };
        let joined = self.take(octets().count())?;
        for (slot, octet) in joined.iter_mut().zip(octets()) {
            *slot = octet;
        }
        core::str::from_utf8(joined)
            .map(ScopeClaim::Text)
            .map_err(|_| VerifyError::ClaimValue(Claim::Scope))
    }

    fn take(&mut self, len: usize) -> Result<&'t mut [u8], VerifyError> {
        let (taken, left) = core::mem::take(&mut self.0)
            .split_at_mut_checked(len)
            .ok_or(VerifyError::ScratchTooSmall)?;
        self.0 = left;
        Ok(taken)
    }
}
