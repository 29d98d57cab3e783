//! The claims as they came, behind a good signature: typed, and not judged yet.

use core::ops::Range;

use crate::codec::json::{Array, Limits, MAX_OCTETS, NumericDate, Object, Reader, Text, Value};
use crate::time::UnixTime;

use super::claims::{Audience, Claim, Claims, ScopeClaim, ScopeForm, TokenFormat};
use super::validation::VerifyError;

#[cfg(test)]
mod tests;

/// The registered claims of a payload, each of the type that it must have. One of
/// the wrong type is an error and never "absent".
pub(super) struct Received<'t> {
    /// The values as they were sent. (A [`Value`] takes longer to be put away and
    /// fetched again than to be made of its text.)
    texts: [Option<&'t str>; Claim::COUNT],
    /// A bit for each claim with an escape.
    escaped: u16,
    /// `iat`, `exp` and `nbf`.
    dates: [NumericDate; 3],
}

impl<'t> Received<'t> {
    /// No claims, to be read into: it is too large to be handed on.
    pub(super) const EMPTY: Self = Received {
        texts: [None; Claim::COUNT],
        escaped: 0,
        dates: [NumericDate {
            seconds: 0,
            fraction: false,
        }; 3],
    };

    pub(super) fn read(&mut self, object: &Object<'t>, form: ScopeForm) -> Result<(), VerifyError> {
        let mut members = object.texts();
        members.try_for_each(|(name, text, escaped)| match Claim::named(name) {
            None => Ok(()),
            Some(Claim::Scope) if form == ScopeForm::Absent => Ok(()),
            Some(claim) => self.take(claim, form, text, escaped),
        })
    }

    /// Reads a payload that is, octet for octet, as [`issue`](super::issue) writes
    /// it with the claims of `format` and nothing to escape: none that would be
    /// refused or read otherwise as any other object. What was read of another is
    /// of no use.
    pub(super) fn read_issued(
        &mut self,
        payload: &'t [u8],
        format: &TokenFormat,
        limits: &Limits,
    ) -> Option<&'t str> {
        let octets = limits.octets.min(MAX_OCTETS);
        let members = usize::from(limits.members);
        if payload.len() > octets || limits.depth < 1 || members < format.claims.len() {
            return None;
        }
        let text = core::str::from_utf8(payload).ok()?;
        let mut object = Reader::new(text)?;
        for claim in format.claims {
            if self.has(*claim) {
                return None;
            }
            if !object.name(claim.name()) {
                // Nothing was granted.
                if let Claim::Scope = claim {
                    continue;
                }
                return None;
            }
            let text = match self.dates.get_mut(date_index(*claim)) {
                Some(date) => {
                    let (text, seconds) = object.integer()?;
                    if seconds > UnixTime::LAST.0 {
                        return None;
                    }
                    date.seconds = seconds;
                    text
                }
                None => object.string()?,
            };
            if let Claim::Scope = claim {
                check(*claim, format.scope, Value::from_checked(text, false)?).ok()?;
            }
            *self.texts.get_mut(*claim as usize)? = Some(text);
        }
        object.is_at_end().then_some(text)
    }

    fn take(
        &mut self,
        claim: Claim,
        form: ScopeForm,
        text: &'t str,
        escaped: bool,
    ) -> Result<(), VerifyError> {
        let value = Value::from_checked(text, escaped).ok_or(VerifyError::ClaimType(claim))?;
        let date = check(claim, form, value)?;
        if let (Some(date), Some(slot)) = (date, self.dates.get_mut(date_index(claim))) {
            *slot = date;
        }
        if let Some(slot) = self.texts.get_mut(claim as usize) {
            *slot = Some(text);
            self.escaped |= u16::from(escaped) << claim as usize;
        }
        Ok(())
    }

    /// Notes where in `payload` the claims are.
    pub(super) fn note(&self, payload: &'t str, places: &mut Places) {
        let [_, escaped, claims @ ..] = &mut places.0;
        *escaped = u32::from(self.escaped);
        let start = payload.as_ptr().addr();
        for (place, text) in claims.iter_mut().zip(self.texts) {
            *place = text.map_or(0, |text| {
                packed(text.as_ptr().addr().saturating_sub(start), text.len())
            });
        }
    }

    /// Reads the claims of a `payload` that was read before, and is the same.
    pub(super) fn read_again(
        &mut self,
        payload: &'t str,
        form: ScopeForm,
        places: &Places,
    ) -> Result<(), VerifyError> {
        let [_, escaped, claims @ ..] = &places.0;
        for (claim, place) in Claim::ALL.into_iter().zip(claims) {
            let text = payload.get(unpacked(*place));
            let text = text.ok_or(VerifyError::ClaimMissing(claim))?;
            if !text.is_empty() {
                self.take(claim, form, text, escaped >> claim as usize & 1 != 0)?;
            }
        }
        Ok(())
    }

    fn value(&self, claim: Claim) -> Option<Value<'t>> {
        let text = (*self.texts.get(claim as usize)?)?;
        Value::from_checked(text, self.escaped >> claim as usize & 1 != 0)
    }

    pub(super) fn has(&self, claim: Claim) -> bool {
        self.texts.get(claim as usize).is_some_and(Option::is_some)
    }

    fn text(&self, claim: Claim) -> Option<Text<'t>> {
        match self.value(claim)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn date(&self, claim: Claim) -> Option<NumericDate> {
        self.dates
            .get(date_index(claim))
            .copied()
            .filter(|_| self.has(claim))
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
    pub(super) fn claims(&self, room: &'t mut [u8]) -> Result<Claims<'t>, VerifyError> {
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

/// Where in a token its payload is, which claims have escapes, and where in the
/// payload the claims are: what is the same each time that the token is verified.
#[derive(Clone, Copy, Default)]
pub(super) struct Places([u32; Places::WORDS]);

impl Places {
    pub(super) const WORDS: usize = 2 + Claim::COUNT;

    pub(super) fn note_payload(&mut self, at: Range<usize>) {
        let [payload, ..] = &mut self.0;
        *payload = packed(at.start, at.len());
    }

    /// The payload of the token that this was noted of.
    pub(super) fn payload<'a>(&self, token: &'a [u8]) -> Option<&'a [u8]> {
        let [payload, ..] = &self.0;
        token.get(unpacked(*payload))
    }

    pub(super) const fn words(&self) -> &[u32; Self::WORDS] {
        &self.0
    }

    pub(super) const fn words_mut(&mut self) -> &mut [u32; Self::WORDS] {
        &mut self.0
    }
}

/// A place below 2^16, as that of a document within its bounds is; one beyond
/// becomes one that is nowhere.
fn packed(at: usize, length: usize) -> u32 {
    match (u16::try_from(at), u16::try_from(length)) {
        (Ok(at), Ok(length)) => u32::from(at) << 16 | u32::from(length),
        _ => u32::MAX,
    }
}

fn unpacked(place: u32) -> Range<usize> {
    let [a, b, c, d] = place.to_be_bytes();
    let at = usize::from(u16::from_be_bytes([a, b]));
    at..at.saturating_add(usize::from(u16::from_be_bytes([c, d])))
}

/// Where the claim is in [`Received::dates`]; beyond them if it is no date.
const fn date_index(claim: Claim) -> usize {
    match claim {
        Claim::IssuedAt => 0,
        Claim::ExpiresAt => 1,
        Claim::NotBefore => 2,
        _ => usize::MAX,
    }
}

/// Whether `value` is of the claim's type and one that it can have; of a date
/// which.
fn check(
    claim: Claim,
    form: ScopeForm,
    value: Value<'_>,
) -> Result<Option<NumericDate>, VerifyError> {
    let is_name = |name: Text<'_>| name.octets().next().is_some() && has_only_names(name, false);
    let can_be = match (claim, value) {
        (
            Claim::Issuer | Claim::Subject | Claim::ClientId | Claim::JwtId | Claim::Audience,
            Value::Text(_),
        ) => true,
        (Claim::Audience, Value::Array(array)) if are_texts(array) => true,
        (Claim::Scope, Value::Text(text)) if form == ScopeForm::Text => has_only_names(text, true),
        (Claim::Scope, Value::Array(array)) if form == ScopeForm::Array && are_texts(array) => {
            texts(array).all(is_name)
        }
        (Claim::IssuedAt | Claim::ExpiresAt | Claim::NotBefore, Value::Number(number)) => {
            match number.as_numeric_date() {
                Some(date) => return Ok(Some(date)),
                None => false,
            }
        }
        _ => return Err(VerifyError::ClaimType(claim)),
    };
    if can_be {
        Ok(None)
    } else {
        Err(VerifyError::ClaimValue(claim))
    }
}

/// Whether all characters are such as the names of scopes have, or, if there may
/// be several names, spaces.
fn has_only_names(text: Text<'_>, several: bool) -> bool {
    let fits = |octet| is_scope_character(octet) || several && octet == b' ';
    match text.as_str() {
        // Each is looked at, and none branched on: that is faster.
        Some(plain) => plain.bytes().fold(true, |all, octet| all & fits(octet)),
        None => text.octets().all(fits),
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
