//! A grant: one small record with a life, `Pending` → `Active` → `Revoked`.

use core::fmt;

use crate::scope::ScopeSet;
use crate::sha256::Sha256;
use crate::time::UnixTime;

/// A grant's id: 12 random octets, never used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GrantId(pub [u8; 12]);

impl GrantId {
    /// Makes an id of 12 random octets. The top bit of the first one is
    /// cleared: where it is set, a `jti` belongs to no grant.
    #[must_use]
    pub const fn new(octets: [u8; 12]) -> Self {
        let mut id = octets;
        id[0] &= 0x7F;
        GrantId(id)
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantId(")?;
        self.0
            .iter()
            .try_for_each(|octet| write!(f, "{octet:02x}"))?;
        f.write_str(")")
    }
}

/// Eight octets of a hash that stand for a client or a user in a record, so
/// that the order of a configuration means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tag(pub [u8; 8]);

impl Tag {
    /// The tag of the client with this `client_id`.
    #[must_use]
    pub fn client(id: &str) -> Self {
        Self::of(b"client\0", id)
    }

    /// The tag of the user with this `sub`.
    #[must_use]
    pub fn user(subject: &str) -> Self {
        Self::of(b"user\0", subject)
    }

    fn of(kind: &[u8], name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind);
        hash.update(name.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = hash.finish();
        Tag([a, b, c, d, e, f, g, h])
    }
}

/// Where a grant is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// A code is out and has not come back.
    Pending,
    /// The code was redeemed, or there never was one; the newest refresh token
    /// is of this generation, which is 1 or more.
    Active {
        /// Counts up with each rotation.
        generation: u32,
    },
    /// Over.
    Revoked(Reason),
}

/// Why a grant was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Reason {
    /// Its code came a second time.
    CodeReplayed = 1,
    /// A refresh token came that had been replaced.
    RefreshReused = 2,
    /// The client asked for it (RFC 7009).
    Requested = 3,
    /// The generations are used up.
    Exhausted = 4,
    /// The owner had too many grants, and this was the oldest.
    GaveWay = 5,
}

/// What a grant came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Origin {
    /// An authorization code.
    Code,
    /// The client's credentials or a user's password.
    Direct,
}

/// A grant, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Where it is in its life.
    pub state: State,
    /// The client it was given to.
    pub client: Tag,
    /// The user who gave it; none for a client's own.
    pub user: Option<Tag>,
    /// Whether it has refresh tokens.
    pub refreshable: bool,
    /// Whether a refresh token stays good after use.
    pub reuse: bool,
    /// What it came from.
    pub origin: Origin,
    /// The scopes that were granted, which never change.
    pub scope: ScopeSet,
    /// The fingerprint of those scopes' names.
    pub scope_names: [u8; 4],
    /// Drawn anew for each decision to write, so that a lost acknowledgement
    /// can be told from another's write.
    pub nonce: [u8; 4],
    /// When it was made.
    pub created: UnixTime,
    /// The last rotation or use, in seconds after `created`.
    pub touched: u32,
    /// The end of the code while pending, then of the grant.
    pub ends: UnixTime,
    /// When the record may be forgotten: no refresh token and no access token
    /// of it is good after that.
    pub keep_until: UnixTime,
}

impl Grant {
    /// When it was last rotated or used.
    #[must_use]
    pub fn touched_at(&self) -> UnixTime {
        UnixTime(self.created.0.saturating_add(u64::from(self.touched)))
    }

    /// The grant after a rotation or use at `now`.
    pub(super) fn touch(&mut self, now: UnixTime) {
        self.touched = u32::try_from(now.since(self.created)).unwrap_or(u32::MAX);
    }

    /// Whether a record with this state still stands for something at `now`.
    #[must_use]
    pub fn is_live(&self, now: UnixTime) -> bool {
        !matches!(self.state, State::Revoked(_)) && now < self.keep_until
    }
}
