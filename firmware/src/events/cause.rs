//! Causes as defmt writes them, in the words of their `Display`.

use defmt::{Format, Formatter};
use smallgate_core::bearer::BearerError;
use smallgate_core::codec::form::FormError;
use smallgate_core::jwt::VerifyError;
use smallgate_core::oauth::{Parameter, Refusal};

use super::words;

/// A cause, to be written in words.
pub(super) struct Words<T>(pub(super) T);

impl Format for Words<Refusal> {
    #[inline(never)]
    fn format(&self, f: Formatter<'_>) {
        let (name, words) = match self.0 {
            Refusal::Body(error) => {
                return defmt::write!(f, "the body can not be read: {}", Words(error));
            }
            Refusal::Throttled(left) => {
                return defmt::write!(
                    f,
                    "too many failures from this source, {=u32} s to wait",
                    left.0
                );
            }
            Refusal::Missing(parameter) => (parameter.name(), defmt::intern!(" is missing")),
            Refusal::Invalid(Parameter::RedirectUri) => {
                ("", defmt::intern!("redirect_uri is not registered"))
            }
            Refusal::Invalid(parameter) => (parameter.name(), defmt::intern!(" is malformed")),
            Refusal::GrantRevoked(_) => ("", defmt::intern!("the grant is revoked")),
            Refusal::GrantOutdated(_) => (
                "",
                defmt::intern!("the grant's client, user or scopes are gone"),
            ),
            cause => ("", words::refusal(cause)),
        };
        defmt::write!(f, "{=str}{=istr}", name, words);
    }
}

impl Format for Words<FormError> {
    fn format(&self, f: Formatter<'_>) {
        match self.0 {
            FormError::Json(error) => defmt::write!(f, "{}", error),
            error => defmt::write!(f, "{=istr}", words::form_error(error)),
        }
    }
}

impl Format for Words<BearerError> {
    #[inline(never)]
    fn format(&self, f: Formatter<'_>) {
        match self.0 {
            BearerError::Invalid(error) => defmt::write!(f, "invalid token: {}", Words(error)),
            error => defmt::write!(f, "{=istr}", words::bearer_error(error)),
        }
    }
}

impl Format for Words<VerifyError> {
    fn format(&self, f: Formatter<'_>) {
        let (words, claim) = match self.0 {
            VerifyError::Jws(error) => return defmt::write!(f, "{}", error),
            VerifyError::PayloadJson(error) => return defmt::write!(f, "payload: {}", error),
            VerifyError::ExpectationMissing(claim) => {
                (defmt::intern!("no value is expected of "), claim.name())
            }
            VerifyError::ClaimType(claim) => (defmt::intern!("of the wrong type: "), claim.name()),
            VerifyError::ClaimValue(claim) => {
                (defmt::intern!("of an impossible value: "), claim.name())
            }
            VerifyError::ClaimMissing(claim) => (defmt::intern!("the token has no "), claim.name()),
            error => (words::verify_error(error), ""),
        };
        defmt::write!(f, "{=istr}{=str}", words, claim);
    }
}
