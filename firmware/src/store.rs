//! Grants on flash, through power cuts.
//!
//! A grant has a slot, and a slot's newest record is what counts. A record is
//! appended to a log of cells, each of 96 octets and a slot's number; when that
//! one operation is over, the commit is, so an answer that leaves after
//! [`Store::commit`] says nothing that a power cut takes back.
//!
//! ```text
//! commit ─→ index (RAM) ─→ compare ─→ append ─→ read back ─→ index
//! ```
//!
//! It works while the exchange waits: nothing else runs on the board then, so
//! neither a client that hangs up nor a deadline comes between compare and
//! append. A record takes what the flash takes for 100 octets; once a sector it
//! takes an erasure more, and a copy of what still lives in the oldest one.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod cell;
mod kept;
mod log;
mod place;
mod shape;

use embedded_storage_async::nor_flash::NorFlash;
use smallgate_core::oauth::{Grant, GrantId, Record};
use smallgate_core::store::slots::{Owner, Room, Standing, id_tag, matching, owner_tag};
use smallgate_core::store::{Committed, Loaded, Seen, Store, StoreUnavailable, Write};
use smallgate_core::time::UnixTime;

pub use kept::Kept;
pub use log::OpenError;
use log::{Failed, Log};
use place::Place;
pub use shape::Measures;

/// Up to `SLOTS` grants on a flash, and 16 octets of RAM for each of them.
///
/// A flash of `n` sectors keeps `(n - 1) / 2` sectors' cells of grants at most,
/// if that is less: so rotation and revocation find room however full it is.
#[derive(Clone)]
pub struct FlashStore<F, const SLOTS: usize> {
    log: Log<F>,
    is_open: bool,
    /// How many slots blank flash is made ready for; 0 is as many as there are.
    wanted: u16,
    /// How many slots may be in use.
    limit: usize,
    /// The newest time that is in a record.
    newest: UnixTime,
    index: Index<SLOTS>,
    places: [Place; SLOTS],
}

/// What is known of the slots without reading them.
#[derive(Clone)]
struct Index<const SLOTS: usize> {
    /// How many slots are in use: the first ones.
    used: usize,
    /// The last stamp that was given out.
    stamp: u32,
    ids: [u16; SLOTS],
    owners: [u16; SLOTS],
    /// When a live grant ends; 0 where it is revoked.
    ends: [u32; SLOTS],
    stamps: [u32; SLOTS],
}

impl<const SLOTS: usize> Index<SLOTS> {
    const EMPTY: Self = Index {
        used: 0,
        stamp: 0,
        ids: [0; SLOTS],
        owners: [0; SLOTS],
        ends: [0; SLOTS],
        stamps: [0; SLOTS],
    };

    /// The slot `at` has this record now.
    fn note(&mut self, at: usize, grant: &Grant, record: &Record) {
        let (Some(id), Some(owner), Some(end), Some(stamp)) = (
            self.ids.get_mut(at),
            self.owners.get_mut(at),
            self.ends.get_mut(at),
            self.stamps.get_mut(at),
        ) else {
            return;
        };
        self.used = at.saturating_add(1).max(self.used);
        self.stamp = next_stamp(self.stamp);
        (*id, *owner, *end) = (id_tag(&grant.id), owner_tag(record), end_of(grant));
        *stamp = self.stamp;
    }
}

/// How full and how worn a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Usage {
    /// Slots with a grant, live or not.
    pub used: usize,
    /// Slots that may be in use.
    pub slots: usize,
    /// Sectors that were begun since the flash was new, of all sectors together.
    pub begun: u32,
    /// How many sectors there are.
    pub sectors: u16,
    /// Cells until the next sector is begun.
    pub left: u16,
}

impl Usage {
    /// How often the most worn sector was erased, but for erasures that the
    /// power cut off.
    #[must_use]
    pub fn erasures(&self) -> u32 {
        self.begun.div_ceil(u32::from(self.sectors.max(1)))
    }
}

impl<F: NorFlash, const SLOTS: usize> FlashStore<F, SLOTS> {
    /// A store on all of `flash`, not open yet: nothing is found in it, and
    /// whoever asks hears that it is not available. It is all zeros but for the
    /// flash, so in a `static` it costs no image.
    pub const fn new(flash: F) -> Self {
        FlashStore {
            log: Log::new(flash),
            is_open: false,
            wanted: 0,
            limit: 0,
            newest: UnixTime(0),
            index: Index::EMPTY,
            places: [Place::NONE; SLOTS],
        }
    }

    /// Makes blank flash ready for at most so many grants. What is on flash that
    /// is not blank stays the limit.
    pub const fn at_most(&mut self, slots: u16) {
        self.wanted = slots;
    }

    /// Has it program and erase more at once than the flash does, as it would on
    /// another one.
    pub const fn measured(&mut self, measures: Measures) {
        self.log.measures = measures;
    }

    /// The measures of what is on the flash, if a store is.
    ///
    /// # Errors
    ///
    /// The flash fails.
    pub fn written(&mut self) -> Result<Option<Measures>, OpenError> {
        Ok(self.log.written()?)
    }

    /// Finds what is on the flash, whatever it was doing when the power went.
    /// It reads each octet once, or twice on blank flash, and writes nothing
    /// but the first sector's head on that.
    ///
    /// # Errors
    ///
    /// The flash fails, does not suit, or holds something else; the store stays
    /// closed.
    pub fn open(&mut self) -> Result<(), OpenError> {
        self.close();
        let slots = u16::try_from(SLOTS).unwrap_or(u16::MAX);
        let wanted = match self.wanted {
            0 => slots,
            wanted => wanted.min(slots),
        };
        let (index, places, newest) = (&mut self.index, &mut self.places, &mut self.newest);
        self.log.open(slots, wanted, |slot, place, record| {
            let at = usize::from(slot);
            if let (Some(kept), Ok(grant)) = (places.get_mut(at), record.grant()) {
                *kept = place;
                *newest = grant.touched_at().max(*newest);
                index.note(at, &grant, record);
            }
        })?;
        self.limit = self.log.shape.half().min(usize::from(self.log.slots));
        self.is_open = true;
        Ok(())
    }

    fn close(&mut self) {
        self.is_open = false;
        self.index.used = 0;
        self.newest = UnixTime(0);
        self.places = [Place::NONE; SLOTS];
    }

    /// The newest time at which a grant on the flash was made or used, as it was
    /// opened: the clock can not be behind it.
    pub const fn newest(&self) -> UnixTime {
        self.newest
    }

    /// How full and how worn it is.
    pub fn usage(&self) -> Usage {
        let used = self.places.iter().filter(|place| **place != Place::NONE);
        Usage {
            used: used.count(),
            slots: self.limit,
            begun: self.log.sequence,
            sectors: self.log.shape.sectors,
            left: self.log.left(),
        }
    }

    /// Hands each grant that is kept, live or not, to `look`, in no order.
    ///
    /// # Errors
    ///
    /// The flash fails.
    pub fn each(&mut self, mut look: impl FnMut(&Grant)) -> Result<(), StoreUnavailable> {
        for at in 0..self.index.used {
            if let Some(record) = self.read(at).map_err(|Failed| StoreUnavailable)?
                && let Ok(grant) = record.grant()
            {
                look(&grant);
            }
        }
        Ok(())
    }

    /// What it is on.
    pub const fn flash(&self) -> &F {
        self.log.flash()
    }

    /// The same, to be written past the store, which has to be opened again then.
    pub const fn flash_mut(&mut self) -> &mut F {
        self.log.flash_mut()
    }

    /// The record in the slot `at`.
    fn read(&mut self, at: usize) -> Result<Option<Record>, Failed> {
        match self.places.get(at) {
            None | Some(&Place::NONE) => Ok(None),
            Some(place) => {
                // What was whole before and is not now is a broken flash.
                let found = self.log.read(*place)?;
                found.map(|(_, record)| Some(record)).ok_or(Failed)
            }
        }
    }

    /// The slot of the grant `id`, with its record.
    fn find(&mut self, id: &GrantId) -> Result<Option<(usize, Record)>, Failed> {
        let mut from = 0;
        while let Some(at) = position(&self.index.ids, from, self.index.used, id_tag(id)) {
            if let Some(record) = self.read(at)?
                && record.id() == *id
            {
                return Ok(Some((at, record)));
            }
            from = at.saturating_add(1);
        }
        Ok(None)
    }

    fn seen(&self, at: usize) -> Seen {
        self.index
            .stamps
            .get(at)
            .map_or(Seen::ABSENT, |stamp| Seen(u64::from(*stamp)))
    }

    fn standing(&self, at: usize) -> Standing {
        match (self.places.get(at), self.index.ends.get(at)) {
            (None | Some(&Place::NONE), _) | (_, None) => Standing::Vacant,
            (_, Some(0)) => Standing::Revoked,
            (_, Some(&u32::MAX)) => Standing::Until(UnixTime(u64::MAX)),
            (_, Some(end)) => Standing::Until(UnixTime(u64::from(*end))),
        }
    }

    fn swap(
        &mut self,
        now: UnixTime,
        id: &GrantId,
        seen: Seen,
        write: Write<'_>,
    ) -> Result<Committed, Failed> {
        let at = self.find(id)?.map(|(at, _)| at);
        if at.map_or(Seen::ABSENT, |at| self.seen(at)) != seen {
            return Ok(Committed::Conflict);
        }
        let Write::Record(record) = write else {
            return Ok(Committed::Done);
        };
        // What can not be read back as a grant would be lost.
        let new = record.grant().map_err(|_| Failed)?;
        if let Some(at) = at {
            return self.put(at, &new, record).map(|()| Committed::Done);
        }
        if let Some((at, oldest)) = self.owners_oldest(now, &new, record)? {
            self.put(at, &new, record)?;
            return Ok(Committed::GaveWay(oldest));
        }
        match self.room(now) {
            Some(at) => self.put(at, &new, record).map(|()| Committed::Done),
            None => Ok(Committed::Full),
        }
    }

    fn put(&mut self, at: usize, grant: &Grant, record: &Record) -> Result<(), Failed> {
        let slot = u16::try_from(at).map_err(|_| Failed)?;
        self.log.append(slot, record, &mut self.places)?;
        self.index.note(at, grant, record);
        Ok(())
    }

    /// A slot for a new grant.
    fn room(&self, now: UnixTime) -> Option<usize> {
        let mut room = Room::new(now);
        for at in 0..self.limit {
            if room.offer(at, self.standing(at)) {
                break;
            }
        }
        room.slot()
    }

    /// The slot of the oldest grant of `new`'s owner, if the owner has as many
    /// as allowed.
    fn owners_oldest(
        &mut self,
        now: UnixTime,
        new: &Grant,
        record: &Record,
    ) -> Result<Option<(usize, GrantId)>, Failed> {
        let tag = owner_tag(record);
        let mut owner = Owner::of(new, now);
        let alike = matching(
            self.index.owners.get(..self.index.used).unwrap_or_default(),
            tag,
        );
        let alike = alike.filter(|at| self.standing(*at).is_live(now));
        // The tags tell of most owners that they have fewer.
        if alike.count() < owner.limit() {
            return Ok(None);
        }
        let mut from = 0;
        while let Some(at) = position(&self.index.owners, from, self.index.used, tag) {
            if self.standing(at).is_live(now)
                && let Some(record) = self.read(at)?
                && let Ok(grant) = record.grant()
            {
                owner.count(at, &grant, self.seen(at).0);
            }
            from = at.saturating_add(1);
        }
        Ok(owner.gives_way())
    }
}

impl<F: NorFlash, const SLOTS: usize> Store for FlashStore<F, SLOTS> {
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        if !self.is_open {
            return Err(StoreUnavailable);
        }
        let found = self.find(id).map_err(|Failed| StoreUnavailable)?;
        Ok(Loaded {
            seen: found.map_or(Seen::ABSENT, |(at, _)| self.seen(at)),
            record: found.map(|(_, record)| record),
        })
    }

    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        if !self.is_open {
            return Committed::Unavailable;
        }
        match self.swap(now, id, seen, write) {
            Ok(committed) => committed,
            Err(Failed) => Committed::Unavailable,
        }
    }
}

/// The first of `tags` from `from` and before `to` that is `tag`.
fn position(tags: &[u16], from: usize, to: usize, tag: u16) -> Option<usize> {
    let first = matching(tags.get(from..to)?, tag).next()?;
    Some(from.saturating_add(first))
}

/// The stamp after `stamp`. It would have to go round between a load and its
/// commit to be taken for another; 0 is nobody's.
const fn next_stamp(stamp: u32) -> u32 {
    match stamp.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

/// When a grant gives way, as far as 32 bits tell; 0 if it does at once.
fn end_of(grant: &Grant) -> u32 {
    match Standing::of(grant) {
        Standing::Until(end) => u32::try_from(end.0).unwrap_or(u32::MAX),
        Standing::Vacant | Standing::Revoked => 0,
    }
}
