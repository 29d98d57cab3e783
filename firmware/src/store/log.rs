//! Cells in a ring of sectors.
//!
//! ```text
//!          ┌─ victim ─┐ ┌──────────┐ ┌── head ──┐ ┌─ spare ──┐
//!  ring  … │ oldest   │ │ …        │ │ newest … │ │ all dead │ …
//! ```
//!
//! A record is appended to the head, and from then on the older one of its slot
//! is dead: that one program operation is the commit. The sector after the head
//! is spare: nothing in it lives. When the head is full the spare sector is
//! erased, what lives in the sector after it (the oldest) is copied there, and
//! *then* its head is written, with the next number. Until that is whole, the
//! sector does not count and nothing was moved; afterwards the oldest is the
//! spare one. So wherever the power fails, the sectors that count hold each
//! slot's newest record that was acknowledged, and each sector is erased once a
//! turn of the ring.
//!
//! While at most half of the cells live, a turn of the ring finds room.
//!
//! It is not `sequential-storage` 8: fetch and store of that, with the pointers
//! of 256 keys, are 8.5 KB of Cortex-M4 code at `opt-level = "s"` and keep five
//! panics after fat LTO (`panic_bounds_check`, `assert_failed` and others). The
//! whole store, with its rules about room, is 5.2 KB and has none of its own.

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::NorFlash;
use smallgate_core::oauth::Record;

use super::cell::{self, HEAD, Head, MAX_CELL};
use super::place::Place;
use super::shape::{Measures, Shape};

/// The flash did not do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// Why a flash can not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OpenError {
    /// The flash fails.
    Failed,
    /// The flash is too small, or its units do not suit a record.
    Geometry,
    /// What is on it was not written by a store.
    Foreign,
    /// What is on it was written by a store with other measures.
    Measures,
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            OpenError::Failed => "the flash fails",
            OpenError::Geometry => "the flash is too small or its units do not suit",
            OpenError::Foreign => "something else is on the flash",
            OpenError::Measures => "the store on the flash has other measures",
        })
    }
}

impl core::error::Error for OpenError {}

impl From<Failed> for OpenError {
    fn from(_: Failed) -> Self {
        OpenError::Failed
    }
}

/// How often a record is appended until the flash counts as broken.
const TRIES: u8 = 2;

/// How often a record or a head is read until it counts as spoiled, and then the
/// last two readings have to be the same: what noise makes of an octet, it does
/// not make of it again and again.
const READINGS: u8 = 6;

/// A cell's octets, its slot and its record.
type Cell = ([u8; MAX_CELL], u16, Record);

/// What is on a flash.
#[derive(Clone)]
pub(super) struct Log<F> {
    flash: F,
    pub(super) measures: Measures,
    pub(super) shape: Shape,
    pub(super) slots: u16,
    head: u16,
    pub(super) sequence: u32,
    /// The head's next free cell.
    next: u16,
    /// Records that could not be read any more since it was opened.
    pub(super) spoiled: u16,
}

impl<F: NorFlash> Log<F> {
    pub(super) const fn new(flash: F) -> Self {
        Log {
            flash,
            measures: Measures::FLASH,
            shape: Shape::NONE,
            slots: 0,
            head: 0,
            sequence: 0,
            next: 0,
            spoiled: 0,
        }
    }

    pub(super) const fn flash(&self) -> &F {
        &self.flash
    }

    pub(super) const fn flash_mut(&mut self) -> &mut F {
        &mut self.flash
    }

    /// How many cells the head has left.
    pub(super) const fn left(&self) -> u16 {
        self.shape.cells.saturating_sub(self.next)
    }

    /// Finds the records of at most `slots` slots, each of them once or more,
    /// the newest last. Blank flash is made ready for `wanted` of them.
    pub(super) fn open(
        &mut self,
        slots: u16,
        wanted: u16,
        mut found: impl FnMut(u16, Place, &Record),
    ) -> Result<(), OpenError> {
        self.shape = Shape::of(&self.flash, self.measures).ok_or(OpenError::Geometry)?;
        self.slots = wanted;
        self.spoiled = 0;
        let Some((head, newest)) = self.newest()? else {
            return self.begin();
        };
        if newest.slots > slots {
            return Err(OpenError::Measures);
        }
        // No store gets there, and there is no next one.
        if newest.sequence == u32::MAX {
            return Err(OpenError::Foreign);
        }
        self.slots = newest.slots;
        if newest != self.head_of(newest.sequence) {
            return Err(OpenError::Measures);
        }
        self.head = head;
        self.sequence = newest.sequence;
        // The one after the head is the spare one: nothing in it lives.
        let back = (0..self.shape.sectors.saturating_sub(1)).rev();
        for distance in back {
            let steps = self.shape.sectors.saturating_sub(distance);
            let sector = self.shape.after(head, steps);
            let Some(number) = newest.sequence.checked_sub(u32::from(distance)) else {
                continue;
            };
            if self.head_at(sector)? != Some(self.head_of(number)) {
                continue;
            }
            for cell in 0..self.shape.cells {
                let place = Place::new(sector, cell);
                if let Some((_, slot, record)) = self.read(place)?
                    && slot < self.slots
                {
                    found(slot, place, &record);
                }
            }
        }
        // A cell whose writing was cut off at once may read as if it were blank,
        // and so may another after it, if that happened more than once. So
        // nothing is programmed that was not erased since: the first record
        // begins a sector.
        self.next = self.shape.cells;
        Ok(())
    }

    /// The measures that the first whole head tells of. A sector whose erasure
    /// was cut off has none, so any may be the first.
    pub(super) fn written(&mut self) -> Result<Option<Measures>, Failed> {
        let size = self.flash.capacity();
        for at in (0..size).step_by(F::ERASE_SIZE) {
            let at = u32::try_from(at).map_err(|_| Failed)?;
            let length = HEAD.checked_next_multiple_of(F::READ_SIZE).ok_or(Failed)?;
            let octets = self.read_at(at, u16::try_from(length).map_err(|_| Failed)?)?;
            let found = Head::read(&octets).and_then(|head| Measures::of(head, size));
            if let Some(found) = found
                && at.checked_rem(found.sector) == Some(0)
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn head_of(&self, sequence: u32) -> Head {
        Head {
            cell: self.shape.cell,
            sectors: self.shape.sectors,
            slots: self.slots,
            unit: self.shape.told_unit(),
            sequence,
        }
    }

    fn newest(&mut self) -> Result<Option<(u16, Head)>, Failed> {
        let mut newest: Option<(u16, Head)> = None;
        for sector in 0..self.shape.sectors {
            if let Some(head) = self.head_at(sector)?
                && newest.is_none_or(|(_, other)| head.sequence > other.sequence)
            {
                newest = Some((sector, head));
            }
        }
        Ok(newest)
    }

    /// Looks whether the head is still where it was written.
    pub(super) fn probe(&mut self) -> Result<(), Failed> {
        match self.head_at(self.head)? == Some(self.head_of(self.sequence)) {
            true => Ok(()),
            false => Err(Failed),
        }
    }

    /// Makes blank flash ready, from its last sector on. The power may have failed
    /// while this was done before, and an erasure that is cut off leaves anything: so
    /// there anything may be. It is the last one since what others keep on a chip
    /// is at its beginning.
    fn begin(&mut self) -> Result<(), OpenError> {
        let last = self.shape.sectors.saturating_sub(1);
        for sector in 0..last {
            let head = self.head_octets(sector)?;
            let mut is_blank = cell::is_blank(self.head_part(&head));
            for cell in 0..self.shape.cells {
                let octets = self.octets(Place::new(sector, cell))?;
                is_blank &= cell::is_blank(self.trimmed(&octets));
            }
            if !is_blank {
                return Err(OpenError::Foreign);
            }
        }
        // But what is begun with other measures: the least sector has 256 octets.
        let mut at = self.shape.start(last);
        while at < self.shape.start(self.shape.sectors) {
            if Head::read(&self.read_at(at, self.shape.head_read)?).is_some() {
                return Err(OpenError::Measures);
            }
            at = at.saturating_add(256);
        }
        self.erase(last)?;
        self.write_head(last, 1)?;
        self.head = last;
        self.sequence = 1;
        self.next = 0;
        Ok(())
    }

    /// The cell at `place`, with its slot and its record, unless it is not whole.
    pub(super) fn read(&mut self, place: Place) -> Result<Option<Cell>, Failed> {
        let at = self.shape.address(place);
        self.settled(at, self.shape.cell_read, |octets| {
            cell::unseal(octets).map(|(slot, record)| (*octets, slot, record))
        })
    }

    /// The same of a cell that was whole before. It counts as spoiled if it is not
    /// when it is looked at anew, and something else can be read in between.
    pub(super) fn known(&mut self, place: Place) -> Result<Option<Cell>, Failed> {
        if let Some(cell) = self.read(place)? {
            return Ok(Some(cell));
        }
        self.probe()?;
        let again = self.read(place)?;
        if again.is_none() {
            self.spoiled = self.spoiled.saturating_add(1);
        }
        Ok(again)
    }

    /// What `whole` makes of the octets there, read again and again while it makes
    /// nothing of them; nothing if they are blank twice, or stay the same.
    fn settled<T>(
        &mut self,
        at: u32,
        length: u16,
        whole: impl Fn(&[u8; MAX_CELL]) -> Option<T>,
    ) -> Result<Option<T>, Failed> {
        let mut before = [0; MAX_CELL];
        let mut is_steady = false;
        for _ in 0..READINGS {
            let octets = self.read_at(at, length)?;
            if let Some(found) = whole(&octets) {
                return Ok(Some(found));
            }
            is_steady = before == octets;
            before = octets;
            let read = octets.get(..usize::from(length)).unwrap_or_default();
            if is_steady && cell::is_blank(read) {
                break;
            }
        }
        match is_steady {
            true => Ok(None),
            false => Err(Failed),
        }
    }

    /// Appends `record` as the newest of `slot`, and says so in `places`, which
    /// holds the place of each slot. It is kept when this returns.
    pub(super) fn append(
        &mut self,
        slot: u16,
        record: &Record,
        places: &mut [Place],
    ) -> Result<(), Failed> {
        let octets = cell::seal(slot, record);
        for _ in 0..TRIES {
            self.make_room(places)?;
            let place = Place::new(self.head, self.next);
            self.next = self.next.saturating_add(1);
            if self.write(place, &octets).is_ok() {
                let entry = places.get_mut(usize::from(slot)).ok_or(Failed)?;
                *entry = place;
                return Ok(());
            }
        }
        Err(Failed)
    }

    /// Goes on to the next sector until there is a free cell.
    fn make_room(&mut self, places: &mut [Place]) -> Result<(), Failed> {
        for _ in 0..=self.shape.sectors {
            if self.next < self.shape.cells {
                return Ok(());
            }
            self.turn(places)?;
        }
        Err(Failed)
    }

    /// Makes the spare sector the head, and the oldest the spare one. What can not
    /// be read any more is nowhere from then on: an older one of its slot was erased.
    fn turn(&mut self, places: &mut [Place]) -> Result<(), Failed> {
        let target = self.shape.after(self.head, 1);
        let victim = self.shape.after(self.head, 2);
        let sequence = self.sequence.checked_add(1).ok_or(Failed)?;
        self.erase(target)?;
        let mut next = 0;
        for place in places.iter_mut().filter(|place| place.sector() == victim) {
            let Some((octets, _, _)) = self.known(*place)? else {
                *place = Place::NONE;
                continue;
            };
            next = self.copy(target, next, &octets)?;
        }
        self.write_head(target, sequence)?;
        for cell in 0..next {
            let place = Place::new(target, cell);
            if let Some((_, slot, _)) = self.read(place)?
                && let Some(entry) = places.get_mut(usize::from(slot))
                && entry.sector() == victim
            {
                *entry = place;
            }
        }
        // What is not found again is in a sector that is erased next.
        if places.iter().any(|place| place.sector() == victim) {
            return Err(Failed);
        }
        self.head = target;
        self.sequence = sequence;
        self.next = next;
        Ok(())
    }

    /// Writes a cell to `sector`, at `next` or after it where that is worn; where
    /// the next one goes.
    fn copy(&mut self, sector: u16, next: u16, octets: &[u8; MAX_CELL]) -> Result<u16, Failed> {
        for cell in next..self.shape.cells {
            if self.write(Place::new(sector, cell), octets).is_ok() {
                return Ok(cell.saturating_add(1));
            }
        }
        Err(Failed)
    }

    fn erase(&mut self, sector: u16) -> Result<(), Failed> {
        let from = self.shape.start(sector);
        let to = from.saturating_add(self.shape.sector);
        block_on(self.flash.erase(from, to)).map_err(|_| Failed)
    }

    fn write_head(&mut self, sector: u16, sequence: u32) -> Result<(), Failed> {
        let octets = self.head_of(sequence).octets();
        let at = self.shape.start(sector);
        let octets = self.head_part(&octets);
        block_on(self.flash.write(at, octets)).map_err(|_| Failed)?;
        match self.head_at(sector)? {
            Some(head) if head.sequence == sequence => Ok(()),
            _ => Err(Failed),
        }
    }

    /// Writes a cell and reads it back.
    fn write(&mut self, place: Place, octets: &[u8; MAX_CELL]) -> Result<(), Failed> {
        let at = self.shape.address(place);
        block_on(self.flash.write(at, self.shape.trim(octets))).map_err(|_| Failed)?;
        let kept = self.octets(place)?;
        match self.trimmed(&kept) == self.trimmed(octets) {
            true => Ok(()),
            false => Err(Failed),
        }
    }

    fn head_at(&mut self, sector: u16) -> Result<Option<Head>, Failed> {
        let at = self.shape.start(sector);
        self.settled(at, self.shape.head_read, |octets| Head::read(octets))
    }

    fn head_octets(&mut self, sector: u16) -> Result<[u8; MAX_CELL], Failed> {
        self.read_at(self.shape.start(sector), self.shape.head)
    }

    fn octets(&mut self, place: Place) -> Result<[u8; MAX_CELL], Failed> {
        self.read_at(self.shape.address(place), self.shape.cell)
    }

    fn read_at(&mut self, at: u32, length: u16) -> Result<[u8; MAX_CELL], Failed> {
        let mut octets = [0xFF; MAX_CELL];
        let room = octets.get_mut(..usize::from(length)).ok_or(Failed)?;
        block_on(self.flash.read(at, room)).map_err(|_| Failed)?;
        Ok(octets)
    }

    fn head_part<'o>(&self, octets: &'o [u8]) -> &'o [u8] {
        octets.get(..usize::from(self.shape.head)).unwrap_or(octets)
    }

    fn trimmed<'o>(&self, octets: &'o [u8]) -> &'o [u8] {
        self.shape.trim(octets)
    }
}

impl Shape {
    fn address(&self, place: Place) -> u32 {
        let within = u32::from(place.cell()).saturating_mul(u32::from(self.cell));
        self.start(place.sector())
            .saturating_add(u32::from(self.head))
            .saturating_add(within)
    }

    /// As many octets as a cell has.
    fn trim<'o>(&self, octets: &'o [u8]) -> &'o [u8] {
        octets.get(..usize::from(self.cell)).unwrap_or(octets)
    }
}
