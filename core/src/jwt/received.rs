//! The claims as they came, behind a good signature: typed, and not judged yet.

use crate::codec::json::{Array, NumericDate, Object, Text, Value};
use crate::time::UnixTime;

use super::claims::{Audience, Claim, Claims, ScopeClaim, ScopeForm};
use super::validation::VerifyError;

/// The registered claims of a payload, each of the type that it must have. One of
/// the wrong type is an error and never "absent".
pub(super) struct Received<'t>([Option<Value<'t>>; Claim::COUNT]);

impl<'t> Received<'t> {
    pub(super) fn read(object: &Object<'t>, form: ScopeForm) -> Result<Self, VerifyError> {
        let mut received = Received([None; Claim::COUNT]);
        for (name, value) in object.members() {
            match Claim::named(name) {
                None => {}
                Some(Claim::Scope) if form == ScopeForm::Absent => {}
                Some(claim) => {
                    check(claim, form, value)?;
                    if let Some(slot) = received.0.get_mut(claim as usize) {
                        *slot = Some(value);
                    }
                }
            }
        }
        Ok(received)
    }

    fn value(&self, claim: Claim) -> Option<Value<'t>> {
        self.0.get(claim as usize).copied().flatten()
    }

    pub(super) fn has(&self, claim: Claim) -> bool {
        self.value(claim).is_some()
    }

    fn text(&self, claim: Claim) -> Option<Text<'t>> {
        match self.value(claim)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn date(&self, claim: Claim) -> Option<NumericDate> {
        match self.value(claim)? {
            Value::Number(number) => number.as_numeric_date(),
            _ => None,
        }
    }

    pub(super) fn is_from(&self, issuer: &str) -> bool {
        self.text(Claim::Issuer)
            .is_some_and(|text| text.eq_str(issuer))
    }

    pub(super) fn is_for(&self, audience: &str) -> bool {
        match self.value(Claim::Audience) {
            Some(Value::Text(one)) => one.eq_str(audience),
            Some(Value::Array(many)) => texts(many).any(|one| one.eq_str(audience)),
            _ => false,
        }
    }

    /// The claims, those with escapes in `room`.
    pub(super) fn into_claims(self, room: &'t mut [u8]) -> Result<Claims<'t>, VerifyError> {
        let mut room = Room(room);
        let mut text = |claim| room.optional(self.text(claim));
        let time = |claim| self.date(claim).map(|date| UnixTime(date.seconds));
        Ok(Claims {
            issuer: text(Claim::Issuer)?,
            subject: text(Claim::Subject)?,
            audience: match self.value(Claim::Audience) {
                Some(Value::Array(array)) => Some(Audience::Many(array)),
                _ => text(Claim::Audience)?.map(Audience::One),
            },
            client_id: text(Claim::ClientId)?,
            jwt_id: text(Claim::JwtId)?,
            issued_at: time(Claim::IssuedAt),
            expires_at: time(Claim::ExpiresAt),
            not_before: time(Claim::NotBefore),
            scope: match self.value(Claim::Scope) {
                Some(Value::Array(array)) => Some(room.scope(array)?),
                _ => room
                    .optional(self.text(Claim::Scope))?
                    .map(ScopeClaim::Text),
            },
        })
    }
}

/// Whether `value` is of the claim's type, and one that it can have.
fn check(claim: Claim, form: ScopeForm, value: Value<'_>) -> Result<(), VerifyError> {
    let can_be = match (claim, value) {
        (
            Claim::Issuer | Claim::Subject | Claim::ClientId | Claim::JwtId | Claim::Audience,
            Value::Text(_),
        ) => true,
        (Claim::Audience, Value::Array(array)) if are_texts(array) => true,
        (Claim::Scope, Value::Text(text)) if form == ScopeForm::Text => text
            .octets()
            .all(|octet| octet == b' ' || is_scope_character(octet)),
        (Claim::Scope, Value::Array(array)) if form == ScopeForm::Array && are_texts(array) => {
            texts(array)
                .all(|name| name.octets().next().is_some() && name.octets().all(is_scope_character))
        }
        (Claim::IssuedAt | Claim::ExpiresAt | Claim::NotBefore, Value::Number(number)) => {
            number.as_numeric_date().is_some()
        }
        _ => return Err(VerifyError::ClaimType(claim)),
    };
    if can_be {
        Ok(())
    } else {
        Err(VerifyError::ClaimValue(claim))
    }
}

fn are_texts(array: Array<'_>) -> bool {
    array.items().all(|item| matches!(item, Value::Text(_)))
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
        let mut length = 0_usize;
        for name in texts(array) {
            if length > 0 {
                *self.0.get_mut(length).ok_or(VerifyError::ScratchTooSmall)? = b' ';
                length = length.saturating_add(1);
            }
            let room = self.0.get_mut(length..).unwrap_or_default();
            let name = name
                .unescape(room)
                .map_err(|_| VerifyError::ScratchTooSmall)?;
            length = length.saturating_add(name.len());
        }
        let joined = self.take(length)?;
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
