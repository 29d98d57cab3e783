//! What a host may want to know of an exchange (R51): for a log, an audit
//! trail, a lamp. Nothing secret is in it.

use super::error::Refusal;
use super::grant::{GrantId, Reason};
use super::throttle::Account;
use crate::bearer::BearerError;
use crate::codec::base64url;
use crate::jwt::Claims;
use crate::profile::{GrantType, JwtIdForm};

/// Sixteen octets that name an access token: those of its grant's id and four
/// of its own, or sixteen of its own where no grant was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct JwtId(pub [u8; 16]);

impl JwtId {
    /// Marks an id that belongs to no stored grant: the top bit of its first
    /// octet. A [`GrantId`] never has it.
    const NO_GRANT: u8 = 0x80;

    /// The id of a token that belongs to `grant`: the grant's id and `tail`.
    pub(super) fn of_grant(grant: &GrantId, [w, x, y, z]: [u8; 4]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = grant.0;
        JwtId([a, b, c, d, e, f, g, h, i, j, k, l, w, x, y, z])
    }

    /// The id of a token of which nothing is stored.
    pub(super) fn without_grant(octets: [u8; 16]) -> Self {
        let mut marked = octets;
        marked[0] |= Self::NO_GRANT;
        JwtId(marked)
    }

    /// The grant that the token belongs to, if one was stored.
    #[must_use]
    pub fn grant(&self) -> Option<GrantId> {
        let (id, _tail) = self.0.split_first_chunk::<12>()?;
        let stored = id.first().is_some_and(|first| first & Self::NO_GRANT == 0);
        stored.then_some(GrantId(*id))
    }

    /// That of a token with these claims; its form can be seen.
    pub(super) fn of_token(claims: &Claims<'_>) -> Option<Self> {
        let text = claims.jwt_id?;
        Self::parse(text, JwtIdForm::Base64Url).or_else(|| Self::parse(text, JwtIdForm::Uuid))
    }

    /// Reads a `jti` that was printed in this `form`.
    #[must_use]
    pub fn parse(text: &str, form: JwtIdForm) -> Option<Self> {
        let mut octets = [0; 16];
        match form {
            JwtIdForm::Base64Url => {
                let length = base64url::decode(text.as_bytes(), &mut octets).ok()?.len();
                (length == octets.len()).then_some(JwtId(octets))
            }
            JwtIdForm::Uuid => {
                let mut digits = text.bytes().filter(|octet| *octet != b'-');
                for octet in &mut octets {
                    let mut digit = || char::from(digits.next()?).to_digit(16);
                    *octet = u8::try_from((digit()? << 4) | digit()?).ok()?;
                }
                (text.len() == 36 && digits.next().is_none()).then_some(JwtId(octets))
            }
        }
    }
}

/// Something happened that an operator should be able to find later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'x> {
    /// An access token was issued.
    Issued {
        /// By which grant.
        grant_type: GrantType,
        /// To which client.
        client: &'x str,
        /// Whose: a user's `sub`, or the client's own id.
        subject: &'x str,
        /// The token's `jti`.
        jwt_id: JwtId,
    },
    /// A user approved, and a code is out.
    CodeIssued {
        /// For which client.
        client: &'x str,
        /// The user's `sub`.
        subject: &'x str,
        /// The grant that waits for the code.
        grant: GrantId,
    },
    /// A grant gave way to a newer one of the same owner.
    GaveWay {
        /// The grant.
        grant: GrantId,
        /// Whose it was.
        client: Option<&'x str>,
    },
    /// A token request was refused.
    Refused {
        /// The client, if it is a registered one.
        client: Option<&'x str>,
        /// The precise cause.
        cause: Refusal,
    },
    /// A client or user has failed so often from one source that it waits.
    LockedOut {
        /// Which kind of account.
        account: Account,
        /// The client, if it is a registered one.
        client: Option<&'x str>,
    },
    /// A grant was revoked, and with it all its tokens.
    Revoked {
        /// The grant.
        grant: GrantId,
        /// The client it was given to.
        client: &'x str,
        /// Why.
        reason: Reason,
    },
    /// A handle of a generation that this server has not written yet: a stale
    /// read, or a store restored from a backup. Never taken for theft.
    FromTheFuture {
        /// The grant.
        grant: GrantId,
        /// The client that presented it.
        client: &'x str,
    },
    /// A resource was changed: see [`Permit::record`](super::Permit::record).
    ResourceChanged {
        /// What it is called.
        resource: &'x str,
        /// What it was made.
        state: &'static str,
        /// By which client, if the token says so.
        client: Option<&'x str>,
        /// Whose token it was, if it says so.
        subject: Option<&'x str>,
    },
    /// A resource refused a request.
    ResourceRefused {
        /// The precise cause.
        cause: BearerError,
        /// The token's client, if the token was good so far and says so.
        client: Option<&'x str>,
        /// The token's `jti`, likewise.
        jwt_id: Option<JwtId>,
    },
}
