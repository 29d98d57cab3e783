//! What comes next in an exchange, as data: what a decision asks for, and what
//! it needs to go on afterwards. Each kind of data is acted upon in a file of its
//! own.

use super::client_auth::AuthenticatedClient;
use super::config::{Client, User};
use super::event::Event;
use super::grant::{Grant, GrantId};
use super::handle::{Kind, VerifiedHandle};
use super::password::PasswordWork;
use super::record::Record;
use super::throttle::Pair;
use crate::jwt::{Claims, Verified};
use crate::scope::ScopeSet;
use crate::store::Seen;

/// What a decision wants next, before it is joined with what the exchange
/// carries: that is large, and moved once a step.
pub(super) enum Next<'x> {
    Done,
    /// The token is good for a resource of the caller's own.
    Permit(Verified<'x>),
    Load {
        id: GrantId,
        then: AfterLoad<'x>,
    },
    Work(Hashing<'x>),
    Commit(Swap<'x>),
}

/// Why a record is read.
pub(super) enum AfterLoad<'x> {
    /// A code or refresh token was presented.
    Redeem(Redemption<'x>),
    /// A token was shown to be revoked or described.
    Inspect(Inspection<'x>),
    /// A resource asks whether a token's grant still stands.
    Ask(Asking<'x>),
    /// A swap was not acknowledged, and its repetition was refused: did the
    /// first one succeed?
    Settle { nonce: [u8; 4], then: Then<'x> },
}

/// What a commit writes, and for what.
pub(super) struct Swap<'x> {
    pub(super) id: GrantId,
    pub(super) seen: Seen,
    /// The record; none to confirm the one that was seen.
    pub(super) write: Option<Record>,
    pub(super) then: Then<'x>,
    /// Whether it was tried before and nobody knows what became of it.
    pub(super) unknown: bool,
}

impl Swap<'_> {
    /// Creates `grant`; the response is complete already.
    pub(super) fn create(grant: &Grant) -> Self {
        Swap {
            id: grant.id,
            seen: Seen::ABSENT,
            write: Some(Record::new(grant)),
            then: Then::Release,
            unknown: false,
        }
    }
}

/// What a commit was for.
pub(super) enum Then<'x> {
    /// A grant was created.
    Release,
    /// A grant was redeemed, rotated, confirmed or revoked. `current` is the
    /// generation that was read and presented, if it was the newest.
    Redeem {
        redemption: Redemption<'x>,
        event: Option<Event<'x>>,
        current: bool,
    },
    /// A grant was revoked because its client asked for it.
    Inspect {
        inspection: Inspection<'x>,
        event: Event<'x>,
    },
}

/// A code or refresh token whose MAC was good.
#[derive(Clone, Copy)]
pub(super) struct Redemption<'x> {
    pub(super) client: &'x Client<'x>,
    pub(super) scope: Option<&'x str>,
    pub(super) kind: Kind,
    pub(super) handle: VerifiedHandle,
    pub(super) round: u8,
    /// The newest generation was presented, and another request swapped it
    /// away first: whoever lost such a race is no thief.
    pub(super) raced: bool,
}

/// Which endpoint the token was shown to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Revocation,
    Introspection,
}

/// A token that is one of ours, shown by a client that may ask.
#[derive(Clone, Copy)]
pub(super) enum Shown<'x> {
    Refresh(VerifiedHandle),
    Access(Claims<'x>),
}

/// A shown token whose grant is being read.
#[derive(Clone, Copy)]
pub(super) struct Inspection<'x> {
    pub(super) endpoint: Endpoint,
    pub(super) client: AuthenticatedClient<'x>,
    pub(super) shown: Shown<'x>,
    pub(super) round: u8,
}

/// A token that is good, whose grant is asked whether it still stands.
pub(super) struct Asking<'x> {
    pub(super) token: Verified<'x>,
    /// What a resource of the caller's own asks for; none is `/me/`.
    pub(super) scope: Option<&'x str>,
}

/// A password that is being hashed.
pub(super) struct Hashing<'x> {
    pub(super) purpose: Purpose<'x>,
    pub(super) user: Option<&'x User<'x>>,
    pub(super) pair: Pair,
    /// All that this source tries.
    pub(super) source: Pair,
    pub(super) work: PasswordWork,
}

/// What a user logs in for.
pub(super) enum Purpose<'x> {
    /// RFC 6749 §4.3.
    Token {
        client: AuthenticatedClient<'x>,
        scope: Option<&'x str>,
    },
    /// RFC 6749 §4.1.
    Authorize(Asked<'x>),
}

/// An authorization request whose client and redirect URI are good.
#[derive(Clone, Copy)]
pub(super) struct AuthorizationRequest<'x> {
    pub(super) client: &'x Client<'x>,
    pub(super) redirect_uri: &'x str,
    /// Whether the request named the redirect URI.
    pub(super) named_uri: bool,
    pub(super) state: Option<&'x str>,
    pub(super) response_type: Option<&'x str>,
    pub(super) scope: Option<&'x str>,
    pub(super) challenge: Option<&'x str>,
    pub(super) method: Option<&'x str>,
}

/// A request that was understood: what may be granted, if its owner agrees.
#[derive(Clone, Copy)]
pub(super) struct Asked<'x> {
    pub(super) request: AuthorizationRequest<'x>,
    pub(super) scope: ScopeSet,
    pub(super) challenge: Option<[u8; 32]>,
}
