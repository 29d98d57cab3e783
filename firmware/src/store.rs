//! Grants on flash, through power cuts.
//!
//! A grant has a slot, and a slot's newest record is what counts. A record is
//! appended to a log of cells, each of 96 octets and a slot's number, in units of
//! its own; when that one operation is over, the commit is, so an answer that leaves after
//! [`Store::commit`] says nothing that a power cut takes back.
//!
//! ```text
//! commit ─→ index (RAM) ─→ compare ─→ append ─→ read back ─→ index
//! ```
//!
//! It works while the exchange waits: nothing else runs on the board then, so
//! neither a client that hangs up nor a deadline comes between compare and
//! append. A record takes what the flash takes for 100 octets, in whole units;
//! once a sector it takes an erasure more, and a copy of what still lives in the oldest one.
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
mod index;
mod kept;
mod log;
mod place;
mod shape;

use embedded_storage_async::nor_flash::NorFlash;
use smallgate_core::oauth::{Grant, GrantId, Record};
use smallgate_core::store::slots::{Owner, Room, Standing, id_tag, matching, owner_tag};
use smallgate_core::store::{Committed, Loaded, Seen, Store, StoreUnavailable, Write};
use smallgate_core::time::UnixTime;

use cell::GRAVE;
use index::{Index, position};
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
    /// A slot of which the flash may have another record than is known: its commit
    /// failed, or it was the last one before the power did.
    doubtful: Option<u16>,
    /// A place is [`Place::SPOILED`].
    has_spoiled: bool,
    index: Index<SLOTS>,
    places: [Place; SLOTS],
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
            doubtful: None,
            has_spoiled: false,
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
    /// It reads each octet once, or twice where it is blank, and what is torn up to six
    /// times; it writes nothing but the last sector's head on blank flash.
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
        let mut last = None;
        self.log.open(slots, wanted, |slot, place, record| {
            let at = usize::from(slot);
            if let (Some(kept), Ok(grant)) = (places.get_mut(at), record.grant()) {
                *kept = place;
                last = Some(slot);
                *newest = grant.touched_at().max(*newest);
                index.note(at, &grant, record);
            }
        })?;
        self.limit = self.log.shape.half().min(usize::from(self.log.slots));
        // No store uses more, nor would it find room to go on.
        if self.index.used > self.limit {
            return Err(OpenError::Foreign);
        }
        // It may have been programmed just so far that it is read today: it is
        // written anew before anything else is.
        self.doubtful = last;
        self.is_open = true;
        Ok(())
    }

    fn close(&mut self) {
        self.is_open = false;
        self.index.used = 0;
        self.newest = UnixTime(0);
        self.doubtful = None;
        self.has_spoiled = false;
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

    /// Records that were whole when the store was opened, and can not be read any
    /// more: those grants are gone.
    pub const fn spoiled(&self) -> u16 {
        self.log.spoiled
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
                && grant.id != GRAVE
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

    /// The record in the slot `at`. One that was whole before and is not now is
    /// gone: its tokens are refused as those of a grant that never was, and
    /// everybody else is served.
    fn read(&mut self, at: usize) -> Result<Option<Record>, Failed> {
        let place = self.places.get_mut(at);
        let Some(place) = place.filter(|place| place.is_cell()) else {
            return Ok(None);
        };
        let found = self.log.known(*place)?;
        if found.is_none() {
            *place = Place::SPOILED;
            self.has_spoiled = true;
        }
        Ok(found.map(|(_, _, record)| record))
    }

    /// Looks whether the flash works. After a commit that failed it has to take
    /// what is known of that slot anew: then it is seen to be written to, and what
    /// was answered is what is on it.
    fn settle(&mut self) -> Result<(), Failed> {
        if let Some(slot) = self.doubtful {
            match self.read(usize::from(slot))? {
                Some(record) => self.log.append(slot, &record, &mut self.places)?,
                None => self.bury(slot)?,
            }
            self.doubtful = None;
        } else {
            self.log.probe()?;
        }
        while self.has_spoiled {
            let at = self.places.iter().position(|at| *at == Place::SPOILED);
            match at.and_then(|at| u16::try_from(at).ok()) {
                Some(slot) => self.bury(slot)?,
                None => self.has_spoiled = false,
            }
        }
        Ok(())
    }

    /// Has nothing in a slot come back: an older record than the one that is gone,
    /// or one that nobody was to hear of.
    fn bury(&mut self, slot: u16) -> Result<(), Failed> {
        let grave = cell::tombstone();
        let record = Record::new(&grave);
        self.log.append(slot, &record, &mut self.places)?;
        self.index.note(usize::from(slot), &grave, &record);
        Ok(())
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
            (Some(&Place::SPOILED), _) => Standing::Revoked,
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
        if self.doubtful.is_some() || self.has_spoiled {
            self.settle()?;
        }
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
        self.doubtful = Some(slot);
        self.log.append(slot, record, &mut self.places)?;
        self.doubtful = None;
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
