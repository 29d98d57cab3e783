//! What all stores of slots agree on: how a grant is found, and who gives way
//! to a new one.

use crate::oauth::{Grant, GrantId, RECORD_SIZE, Record, State, Tag};
use crate::time::UnixTime;

use super::OwnerLimits;

/// How a slot stands when room is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is in it.
    Vacant,
    /// A revoked grant is: no record says the same as it.
    Revoked,
    /// A grant is that stands for something until then.
    Until(UnixTime),
}

impl Standing {
    /// How the slot of `grant` stands.
    #[must_use]
    pub const fn of(grant: &Grant) -> Self {
        match grant.state {
            State::Revoked(_) => Standing::Revoked,
            State::Pending | State::Active { .. } => Standing::Until(grant.keep_until),
        }
    }

    /// Whether a live grant is in it.
    #[must_use]
    pub fn is_live(self, now: UnixTime) -> bool {
        matches!(self, Standing::Until(end) if now < end)
    }
}

/// Finds the slot of a new grant: a vacant one, else a revoked grant's, else an
/// expired one's, and of several the first.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    now: UnixTime,
    vacant: Option<usize>,
    revoked: Option<usize>,
    expired: Option<usize>,
}

impl Room {
    /// Nothing was offered yet.
    #[must_use]
    pub const fn new(now: UnixTime) -> Self {
        Room {
            now,
            vacant: None,
            revoked: None,
            expired: None,
        }
    }

    /// Takes a look at the slot `at`, and says whether none can be better.
    pub fn offer(&mut self, at: usize, standing: Standing) -> bool {
        let kind = match standing {
            Standing::Vacant => &mut self.vacant,
            Standing::Revoked => &mut self.revoked,
            Standing::Until(end) if self.now >= end => &mut self.expired,
            Standing::Until(_) => return false,
        };
        kind.get_or_insert(at);
        self.vacant.is_some()
    }

    /// The best of the slots that were offered.
    #[must_use]
    pub fn slot(&self) -> Option<usize> {
        self.vacant.or(self.revoked).or(self.expired)
    }
}

/// Counts the live grants of a new grant's owner, and remembers the oldest.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    client: Tag,
    user: Option<Tag>,
    now: UnixTime,
    live: usize,
    /// Of grants made in the same second the one written longest ago.
    oldest: Option<((UnixTime, u64), usize, GrantId)>,
}

impl Owner {
    /// The owner of `new`.
    #[must_use]
    pub const fn of(new: &Grant, now: UnixTime) -> Self {
        Owner {
            client: new.client,
            user: new.user,
            now,
            live: 0,
            oldest: None,
        }
    }

    /// How many live grants it may have.
    #[must_use]
    pub const fn limit(&self) -> usize {
        match self.user {
            Some(_) => OwnerLimits::DEFAULT.user,
            None => OwnerLimits::DEFAULT.client,
        }
    }

    /// Takes a look at the grant in the slot `at`, which was written at `stamp`.
    pub fn count(&mut self, at: usize, grant: &Grant, stamp: u64) {
        if (grant.client, grant.user) != (self.client, self.user) || !grant.is_live(self.now) {
            return;
        }
        self.live = self.live.saturating_add(1);
        let age = (grant.created, stamp);
        if self.oldest.is_none_or(|(oldest, _, _)| age < oldest) {
            self.oldest = Some((age, at, grant.id));
        }
    }

    /// The oldest and its slot, if the owner has as many as it may.
    #[must_use]
    pub fn gives_way(&self) -> Option<(usize, GrantId)> {
        self.oldest
            .filter(|_| self.live >= self.limit())
            .map(|(_, at, id)| (at, id))
    }
}

/// Two octets by which a grant is looked for.
#[must_use]
pub fn id_tag(id: &GrantId) -> u16 {
    let [a, b, ..] = id.0;
    u16::from_le_bytes([a, b])
}

/// Two octets by which an owner's grants are looked for: of the client's tag
/// and of the user's, folded.
#[must_use]
pub fn owner_tag(record: &Record) -> u16 {
    let octets: &[u8; RECORD_SIZE] = record.octets();
    match octets.get(24..40) {
        Some([a, b, _, _, _, _, _, _, x, y, ..]) => u16::from_le_bytes([a ^ x, b ^ y]),
        _ => 0,
    }
}

/// The positions at which `tags` holds `tag`, looked for sixteen at a time.
pub fn matching(tags: &[u16], tag: u16) -> impl Iterator<Item = usize> {
    const STRIDE: usize = 16;
    tags.chunks(STRIDE)
        .enumerate()
        .filter(move |(_, chunk)| {
            chunk
                .iter()
                .fold(false, |found, other| found | (*other == tag))
        })
        .flat_map(move |(at, chunk)| {
            let start = at.saturating_mul(STRIDE);
            chunk
                .iter()
                .enumerate()
                .filter(move |(_, other)| **other == tag)
                .map(move |(within, _)| start.saturating_add(within))
        })
}
