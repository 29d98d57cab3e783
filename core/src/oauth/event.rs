//! What a host may want to know of an exchange (R51): for a log, an audit
//! trail, a lamp. Nothing secret is in it.

use super::error::Refusal;
use super::grant::{GrantId, Reason};
use super::throttle::Account;
use crate::bearer::BearerError;
use crate::profile::GrantType;

/// Sixteen octets that name an access token: those of its grant's id and four
/// of its own, or sixteen of its own where no grant was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct JwtId(pub [u8; 16]);

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
    /// A resource refused a request.
    ResourceRefused {
        /// The precise cause.
        cause: BearerError,
    },
}
