//! Where grants are kept, and the two kinds that need nothing but memory.

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
    counters: Counters,
    ids: [u16; N],
    owners: [u16; N],
    slots: [GrantSlot; N],
}

/// As many grants as the caller lends slots for; otherwise a [`MemoryStore`].
///
/// ```
/// use smallgate_core::store::{GrantSlot, SliceStore};
///
/// let (mut ids, mut owners) = ([0; 8], [0; 8]);
/// let mut slots = [GrantSlot::VACANT; 8];
/// let store = SliceStore::new(&mut ids, &mut owners, &mut slots);
/// assert!(store.is_empty());
/// ```
pub struct SliceStore<'s> {
    counters: Counters,
    ids: &'s mut [u16],
    owners: &'s mut [u16],
    slots: &'s mut [GrantSlot],
}

/// Room for one grant in memory.
#[derive(Clone, Copy)]
pub struct GrantSlot {
    seen: u64,
    record: Record,
}

impl GrantSlot {
    /// Nothing is in it.
    pub const VACANT: GrantSlot = GrantSlot {
        seen: 0,
        record: Record::VACANT,
    };
}

impl fmt::Debug for GrantSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GrantSlot").field(&self.record).finish()
    }
}

#[derive(Clone, Copy)]
struct Counters {
    /// How many of the slots are in use: the first ones.
    used: usize,
    /// The last stamp that was given out.
    stamp: u64,
}

impl Counters {
    const NONE: Counters = Counters { used: 0, stamp: 0 };
}

impl<const N: usize> MemoryStore<N> {
    /// An empty store.
    #[must_use]
    pub const fn new() -> Self {
        MemoryStore {
            counters: Counters::NONE,
            ids: [0; N],
            owners: [0; N],
            slots: [GrantSlot::VACANT; N],
        }
    }

    /// How many grants are kept, live or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.counters.used
    }

    /// Whether nothing is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.counters.used == 0
    }

    /// All records that are kept, in no order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        let used = self.slots.iter().take(self.counters.used);
        used.map(|slot| &slot.record)
    }

    fn table(&mut self) -> Table<'_> {
        Table {
            counters: &mut self.counters,
            ids: &mut self.ids,
            owners: &mut self.owners,
            slots: &mut self.slots,
        }
    }
}

impl<'s> SliceStore<'s> {
    /// An empty store in `slots`, whatever is in them. Each needs a place in
    /// `ids` and in `owners`: of three lengths the shortest counts.
    #[must_use]
    pub fn new(ids: &'s mut [u16], owners: &'s mut [u16], slots: &'s mut [GrantSlot]) -> Self {
        let length = ids.len().min(owners.len()).min(slots.len());
        SliceStore {
            counters: Counters::NONE,
            ids: ids.get_mut(..length).unwrap_or_default(),
            owners: owners.get_mut(..length).unwrap_or_default(),
            slots: slots.get_mut(..length).unwrap_or_default(),
        }
    }

    /// How many grants are kept, live or not.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.counters.used
    }

    /// Whether nothing is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.counters.used == 0
    }

    fn table(&mut self) -> Table<'_> {
        Table {
            counters: &mut self.counters,
            ids: self.ids,
            owners: self.owners,
            slots: self.slots,
        }
    }
}

/// What both kinds of store in memory are made of.
struct Table<'t> {
    counters: &'t mut Counters,
    ids: &'t mut [u16],
    owners: &'t mut [u16],
    slots: &'t mut [GrantSlot],
}

impl Table<'_> {
    fn position(&self, id: &GrantId) -> Option<usize> {
        let tags = self.ids.get(..self.counters.used)?;
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
            self.counters.stamp.checked_add(1),
        ) else {
            return Committed::Full;
        };
        self.counters.stamp = stamp;
        *id_slot = id_tag(id);
        *owner_slot = owner;
        *slot = GrantSlot {
            seen: stamp,
            record: *record,
        };
        Committed::Done
    }

    /// A slot for a new grant.
    fn room(&self, now: UnixTime) -> Option<usize> {
        if self.counters.used < self.slots.len() {
            return Some(self.counters.used);
        }
        let mut room = Room::new(now);
        for (at, slot) in self.slots.iter().enumerate() {
            if let Ok(grant) = slot.record.trusted() {
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
        let used = self.counters.used.max(at.saturating_add(1));
        self.counters.used = used.min(self.slots.len());
        self.put(at, id, record)
    }

    /// The slot of the oldest grant of `record`'s owner, if the owner has as
    /// many as allowed.
    fn owners_oldest(&self, now: UnixTime, record: &Record) -> Option<(usize, GrantId)> {
        let new = record.trusted().ok()?;
        let mut owner = Owner::of(&new, now);
        let tags = self.owners.get(..self.counters.used)?;
        for at in matching(tags, owner_tag(record)) {
            if let Some(slot) = self.slots.get(at)
                && let Ok(grant) = slot.record.trusted()
            {
                owner.count(at, &grant, slot.seen);
            }
        }
        owner.gives_way()
    }

    fn load(&self, id: &GrantId) -> Loaded {
        let slot = self.position(id).and_then(|at| self.slots.get(at));
        Loaded {
            record: slot.map(|slot| slot.record),
            seen: slot.map_or(Seen::ABSENT, |slot| Seen(slot.seen)),
        }
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

impl<const N: usize> Default for MemoryStore<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for MemoryStore<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} of {N})", self.len())
    }
}

impl fmt::Debug for SliceStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SliceStore({} of {})", self.len(), self.slots.len())
    }
}

impl<const N: usize> Store for MemoryStore<N> {
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        Ok(self.table().load(id))
    }

    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        self.table().commit(now, id, seen, write)
    }
}

impl Store for SliceStore<'_> {
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        Ok(self.table().load(id))
    }

    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        self.table().commit(now, id, seen, write)
    }
}
