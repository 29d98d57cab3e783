//! How a flash is divided.

use embedded_storage_async::nor_flash::NorFlash;

use super::cell::{CELL, HEAD, Head, MAX_CELL};

/// What a store programs and erases at once, in octets; 0 where that is as much
/// as its flash does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Measures {
    /// Programmed at once: up to 32, 64 or 128.
    pub unit: u16,
    /// Erased at once.
    pub sector: u32,
}

impl Measures {
    /// The flash's own.
    pub(super) const FLASH: Measures = Measures { unit: 0, sector: 0 };

    /// Those that a head on a flash of `size` octets tells of. What is written in
    /// units of 4 or less is the same.
    pub(super) fn of(head: Head, size: usize) -> Option<Self> {
        let unit = match (head.cell, head.unit) {
            (100, 0) => 4,
            (104, 0) => 8,
            (112, 0) => 16,
            (128, 0) => 32,
            (128, unit @ (64 | 128)) => unit,
            _ => return None,
        };
        let size = u32::try_from(size).ok()?;
        let sector = size.checked_div(u32::from(head.sectors))?;
        let is_whole = size.checked_rem(sector) == Some(0);
        is_whole.then_some(Measures { unit, sector })
    }
}

/// The measures of a store, in octets where nothing else is said.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) sector: u32,
    /// How many sectors.
    pub(super) sectors: u16,
    pub(super) head: u16,
    pub(super) cell: u16,
    /// As much of a head and of a cell as is read: less than there is, where most
    /// is to fill a unit up.
    pub(super) head_read: u16,
    pub(super) cell_read: u16,
    /// How many cells a sector has.
    pub(super) cells: u16,
}

impl Shape {
    pub(super) const NONE: Shape = Shape {
        sector: 0,
        sectors: 0,
        head: 0,
        cell: 0,
        head_read: 0,
        cell_read: 0,
        cells: 0,
    };

    /// Of a flash, where `measures` may have more than it programs and erases at
    /// once.
    pub(super) fn of<F: NorFlash>(flash: &F, measures: Measures) -> Option<Self> {
        let unit = usize::from(measures.unit).max(F::WRITE_SIZE);
        let unit = unit.max(F::READ_SIZE);
        let erased = usize::try_from(measures.sector).ok()?.max(F::ERASE_SIZE);
        let suits = |size: usize, of: usize| size.checked_rem(of) == Some(0);
        // Others have heads and cells of no length that a head could tell.
        let suits_all = matches!(unit, 0..=32 | 64 | 128)
            && suits(erased, unit)
            && suits(erased, F::ERASE_SIZE)
            && suits(unit, F::WRITE_SIZE)
            && suits(unit, F::READ_SIZE);
        let head = HEAD.checked_next_multiple_of(unit)?;
        let cell = CELL.checked_next_multiple_of(unit)?;
        let head_read = HEAD.checked_next_multiple_of(F::READ_SIZE)?;
        let cell_read = CELL.checked_next_multiple_of(F::READ_SIZE)?;
        let cells = erased.checked_sub(head)?.checked_div(cell)?;
        let sectors = flash.capacity().checked_div(erased)?;
        let shape = Shape {
            sector: u32::try_from(erased).ok()?,
            sectors: u16::try_from(sectors).ok().filter(|n| *n < u16::MAX)?,
            head: u16::try_from(head).ok()?,
            cell: u16::try_from(cell).ok()?,
            head_read: u16::try_from(head_read).ok()?,
            cell_read: u16::try_from(cell_read).ok()?,
            cells: u16::try_from(cells).ok().filter(|n| *n < u16::MAX)?,
        };
        let is_large = shape.sectors >= 3 && shape.cells >= 1;
        (suits_all && is_large && cell <= MAX_CELL && head <= MAX_CELL).then_some(shape)
    }

    /// What a head says of the unit. A unit of more than 32 is as long as a head;
    /// of the others cells tell.
    pub(super) const fn told_unit(&self) -> u16 {
        match self.head {
            64.. => self.head,
            _ => 0,
        }
    }

    /// Half of what all sectors but the spare one hold.
    pub(super) fn half(&self) -> usize {
        usize::from(self.sectors.saturating_sub(1)).saturating_mul(usize::from(self.cells)) / 2
    }

    /// The sector `steps` after `sector` in the ring.
    pub(super) fn after(&self, sector: u16, steps: u16) -> u16 {
        let sum = u32::from(sector).saturating_add(u32::from(steps));
        let around = sum.checked_rem(u32::from(self.sectors)).unwrap_or(0);
        u16::try_from(around).unwrap_or(0)
    }

    pub(super) fn start(&self, sector: u16) -> u32 {
        u32::from(sector).saturating_mul(self.sector)
    }
}
