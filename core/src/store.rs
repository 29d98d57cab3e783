//! Where grants are kept, and the one kind that needs nothing but memory.

use core::fmt;

use crate::oauth::{GrantId, Record};
use crate::time::UnixTime;

pub mod slots;

use slots::{Owner, Room, Standing, id_tag, matching, owner_tag};

/// What a store stamps on a slot at each write: never the same twice, so that
/// a compare-and-swap can tell whether the record was written since. 0 means
/// that there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Seen(pub u64);

impl Seen {
    /// There is no record.
    pub const ABSENT: Seen = Seen(0);
}

/// What a load found.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    /// The record, if there is one.
    pub record: Option<Record>,
    /// To be handed back with the commit that rests on this load.
    pub seen: Seen,
}

/// The store can not be reached or does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StoreUnavailable;

impl fmt::Display for StoreUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store does not answer")
    }
}

impl core::error::Error for StoreUnavailable {}

/// What a commit is to do if the record is still the one that was seen.
#[derive(Clone, Copy, Debug)]
pub enum Write<'r> {
    /// Put this record in its place, or create it.
    Record(&'r Record),
    /// Nothing but to prove that it is still the truth. Where a read may be
    /// stale, as in a cluster, that takes a write of the same record.
    Confirm,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Committed {
    /// It is done, and outlives whatever this kind of store outlives.
    Done,
    /// It is done, and a live grant of the same owner, the oldest, gave way.
    GaveWay(GrantId),
    /// The record is not the one that was seen; nothing was written.
    Conflict,
    /// There is no room for another grant; nothing was written.
    Full,
    /// The store does not work; nothing was written.
    Unavailable,
    /// No acknowledgement came: it may be done or not.
    Unknown,
}

/// A synchronous store of grants. The exchange calls for at most one load and
/// one commit in each of at most four rounds.
pub trait Store {
    /// Reads the record of the grant `id`.
    ///
    /// # Errors
    ///
    /// The store does not work. A record that is not there is no error.
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable>;

    /// Writes, if the record of `id` is still the one stamped `seen`.
    ///
    /// A record that is created (`seen` absent) may take the place of revoked
    /// and expired ones, then of its own owner's oldest, but of nobody
    /// else's. `now` tells what has expired.
    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed;
}

/// How many live grants one owner may have: a client and user together, or a
/// client by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerLimits {
    /// For a client and a user.
    pub user: usize,
    /// For a client's own grants.
    pub client: usize,
}

impl OwnerLimits {
    /// 16 and 4.
    pub const DEFAULT: OwnerLimits = OwnerLimits {
        user: 16,
        client: 4,
    };
}

/// `N` grants in memory; what is in it is gone with the power.
///
/// All zeros is an empty store, so a large one in a `static` costs no image.
/// A grant is found by a short tag of its id; owners by a tag of theirs.
pub struct MemoryStore<const N: usize> {
    /// How many of the slots are in use: the first ones.
    used: usize,
    /// The last stamp that was given out.
    stamp: u64,
    ids: [u16; N],
    owners: [u16; N],
    slots: [Slot; N],
}

#[derive(Clone, Copy)]
struct Slot {
    seen: u64,
    record: Record,
}

impl<const N: usize> MemoryStore<N> {
    /// An empty store.
    #[must_use]
    pub const fn new() -> Self {
        MemoryStore {
            used: 0,
            stamp: 0,
            ids: [0; N],
            owners: [0; N],
            slots: [Slot {
                seen: 0,
                record: Record::VACANT,
            }; N],
        }
    }

    /// How many grants are kept, live or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether nothing is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// All records that are kept, in no order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.slots.iter().take(self.used).map(|slot| &slot.record)
    }

    fn position(&self, id: &GrantId) -> Option<usize> {
        let tags = self.ids.get(..self.used)?;
        matching(tags, id_tag(id)).find(|at| {
            self.slots
                .get(*at)
                .is_some_and(|slot| slot.record.id() == *id)
        })
    }

    fn put(&mut self, at: usize, id: &GrantId, record: &Record) -> Committed {
        let owner = owner_tag(record);
        let (Some(slot), Some(id_slot), Some(owner_slot), Some(stamp)) = (
            self.slots.get_mut(at),
            self.ids.get_mut(at),
            self.owners.get_mut(at),
            self.stamp.checked_add(1),
        ) else {
            return Committed::Full;
        };
        self.stamp = stamp;
        *id_slot = id_tag(id);
        *owner_slot = owner;
        *slot = Slot {
            seen: stamp,
            record: *record,
        };
        Committed::Done
    }

    /// A slot for a new grant.
    fn room(&self, now: UnixTime) -> Option<usize> {
        if self.used < N {
            return Some(self.used);
        }
        let mut room = Room::new(now);
        for (at, record) in self.records().enumerate() {
            if let Ok(grant) = record.trusted() {
                let standing = Standing::of(&grant);
                room.offer(at, standing);
                // None is vacant, so none is better.
                if standing == Standing::Revoked {
                    break;
                }
            }
        }
        room.slot()
    }

    fn create(&mut self, now: UnixTime, id: &GrantId, record: &Record) -> Committed {
        if let Some((at, oldest)) = self.owners_oldest(now, record) {
            return match self.put(at, id, record) {
                Committed::Done => Committed::GaveWay(oldest),
                other => other,
            };
        }
        let Some(at) = self.room(now) else {
            return Committed::Full;
        };
        self.used = self.used.max(at.saturating_add(1)).min(N);
        self.put(at, id, record)
    }

    /// The slot of the oldest grant of `record`'s owner, if the owner has as
    /// many as allowed.
    fn owners_oldest(&self, now: UnixTime, record: &Record) -> Option<(usize, GrantId)> {
        let new = record.trusted().ok()?;
        let mut owner = Owner::of(&new, now);
        let tags = self.owners.get(..self.used)?;
        for at in matching(tags, owner_tag(record)) {
            if let Some(slot) = self.slots.get(at)
                && let Ok(grant) = slot.record.trusted()
            {
                owner.count(at, &grant, slot.seen);
            }
        }
        owner.gives_way()
    }
}

impl<const N: usize> Default for MemoryStore<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for MemoryStore<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} of {N})", self.used)
    }
}

impl<const N: usize> Store for MemoryStore<N> {
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        let slot = self.position(id).and_then(|at| self.slots.get(at));
        Ok(Loaded {
            record: slot.map(|slot| slot.record),
            seen: slot.map_or(Seen::ABSENT, |slot| Seen(slot.seen)),
        })
    }

    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        let at = self.position(id);
        let stamp = at
            .and_then(|at| self.slots.get(at))
            .map_or(Seen::ABSENT, |slot| Seen(slot.seen));
        if stamp != seen {
            return Committed::Conflict;
        }
        let Write::Record(record) = write else {
            return Committed::Done;
        };
        match at {
            Some(at) => self.put(at, id, record),
            None => self.create(now, id, record),
        }
    }
}
