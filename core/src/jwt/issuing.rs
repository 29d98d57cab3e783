//! Issuing a token.

use core::fmt;

use crate::codec::json::{JsonError, Value, Writer};
use crate::jose::{SignError, SignedToken, Signer, sign_staged};
use crate::time::UnixTime;

use super::claims::{Audience, Claim, Claims, ScopeClaim, ScopeForm, TokenFormat};

/// Signs a token with the claims that `format` lists, in its order.
///
/// `out` needs room for the token and nothing else.
///
/// # Errors
///
/// [`IssueError::ClaimMissing`] for a claim that `format` lists and `claims`
/// has not, save an empty scope, which is left out; otherwise the first other
/// [`IssueError`].
pub fn issue<'o>(
    signer: &dyn Signer,
    format: &TokenFormat,
    claims: &Claims<'_>,
    out: &'o mut [u8],
) -> Result<SignedToken<'o>, IssueError> {
    sign_staged(
        signer,
        format.typ,
        |room| {
            let mut json = Writer::new(room);
            json.begin_object();
            write_members(&mut json, format, claims)?;
            json.end_object();
            Ok::<_, IssueError>(json.finish()?.len())
        },
        out,
    )
}

/// Writes the members that `format` lists.
pub(super) fn write_members(
    json: &mut Writer<'_>,
    format: &TokenFormat,
    claims: &Claims<'_>,
) -> Result<(), IssueError> {
    for claim in format.claims {
        let missing = IssueError::ClaimMissing(*claim);
        let mut text = |value: Option<&str>| {
            json.member_text(claim.name(), value.ok_or(missing)?);
            Ok::<_, IssueError>(())
        };
        match claim {
            Claim::Issuer => text(claims.issuer)?,
            Claim::Subject => text(claims.subject)?,
            Claim::ClientId => text(claims.client_id)?,
            Claim::JwtId => text(claims.jwt_id)?,
            Claim::Audience => write_audience(json, claims.audience.ok_or(missing)?),
            Claim::Scope => write_scope(json, format.scope, claims.scope),
            Claim::IssuedAt => write_time(json, *claim, claims.issued_at)?,
            Claim::ExpiresAt => write_time(json, *claim, claims.expires_at)?,
            Claim::NotBefore => write_time(json, *claim, claims.not_before)?,
        }
    }
    Ok(())
}

fn write_audience(json: &mut Writer<'_>, audience: Audience<'_>) {
    match audience {
        Audience::One(name) => json.member_text(Claim::Audience.name(), name),
        Audience::Many(names) => {
            json.begin_array_member(Claim::Audience.name());
            let mut before: &[u8] = b"\"";
            for item in names.items() {
                if let Value::Text(text) = item {
                    json.raw(before);
                    before = b",\"";
                    // Octet by octet: it may hold escapes.
                    for octet in text.octets() {
                        json.push_octets(&[octet]);
                    }
                    json.end_text();
                }
            }
            json.end_array();
        }
    }
}

/// Writes `scope`, unless nothing was granted: "scope = scope-token
/// *( SP scope-token )" (RFC 6749 §3.3) knows no empty one.
fn write_scope(json: &mut Writer<'_>, form: ScopeForm, scope: Option<ScopeClaim<'_>>) {
    if let (ScopeForm::Text, Some(ScopeClaim::Text(text))) = (form, scope)
        && cfg!(target_pointer_width = "64")
        && has_single_spaces(text)
    {
        return json.member_text(Claim::Scope.name(), text);
    }
    let Some(scope) = scope.filter(|scope| scope.names().next().is_some()) else {
        return;
    };
    match (form, scope) {
        (ScopeForm::Absent, _) => {}
        (ScopeForm::Text, _) => {
            json.begin_text(Claim::Scope.name());
            let mut separator = "";
            for name in scope.names() {
                json.push_text(separator);
                json.push_text(name);
                separator = " ";
            }
            json.end_text();
        }
        (ScopeForm::Array, _) => {
            json.begin_array_member(Claim::Scope.name());
            for name in scope.names() {
                json.array_text(name);
            }
            json.end_array();
        }
    }
}

/// Whether a text has names, and is what they are with one space between each two.
fn has_single_spaces(text: &str) -> bool {
    let mut before = b' ';
    // Each is looked at, and none branched on: that is faster.
    let single = text.bytes().fold(true, |single, octet| {
        let both = octet == b' ' && before == b' ';
        before = octet;
        single & !both
    });
    single && before != b' '
}

fn write_time(
    json: &mut Writer<'_>,
    claim: Claim,
    time: Option<UnixTime>,
) -> Result<(), IssueError> {
    let time = time.ok_or(IssueError::ClaimMissing(claim))?;
    if time > UnixTime::LAST {
        return Err(IssueError::TimeOutOfRange(claim));
    }
    json.member_u64(claim.name(), time.0);
    Ok(())
}

/// Why a token was not issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum IssueError {
    /// A claim of the format that the claims have not.
    ClaimMissing(Claim),
    /// A time beyond [`UnixTime::LAST`], which a verifier would refuse.
    TimeOutOfRange(Claim),
    /// The application's claims cannot be serialised, or are no JSON object.
    ExtraNotAnObject,
    /// The application's claims are refused by the JSON scanner.
    ExtraJson(JsonError),
    /// An application's claim with the name of this registered one.
    ExtraReserved(Claim),
    /// The token does not fit.
    BufferTooSmall,
    /// The signature could not be made.
    Backend,
}

impl From<SignError> for IssueError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Backend => IssueError::Backend,
            SignError::BufferTooSmall => IssueError::BufferTooSmall,
        }
    }
}

impl From<JsonError> for IssueError {
    /// A writer has one way to fail.
    fn from(_: JsonError) -> Self {
        IssueError::BufferTooSmall
    }
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            IssueError::ClaimMissing(claim) => {
                f.write_str("the token needs ")?;
                claim.name()
            }
            IssueError::TimeOutOfRange(claim) => {
                f.write_str("a time beyond the year 9999 in ")?;
                claim.name()
            }
            IssueError::ExtraNotAnObject => "the application's claims are no JSON object",
            IssueError::ExtraJson(error) => {
                f.write_str("the application's claims: ")?;
                return error.fmt(f);
            }
            IssueError::ExtraReserved(claim) => {
                f.write_str("an application's claim with the registered name ")?;
                claim.name()
            }
            IssueError::BufferTooSmall => "the buffer is too small for the token",
            IssueError::Backend => "the signature could not be made",
        };
        f.write_str(text)
    }
}

impl core::error::Error for IssueError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_names_with_one_space_between_them_is_written_as_it_is() {
        for text in ["read", "read write", "a b c"] {
            assert!(has_single_spaces(text), "{text:?}");
        }
        for text in [" read", "read ", "read  write", " "] {
            assert!(!has_single_spaces(text), "{text:?}");
        }
    }
}
