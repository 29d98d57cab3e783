//! An EEPROM of the 24C series, from 32 to 512 Kbit, as flash for a store.
//!
//! It needs no erasure, but a store does: what it finds blank after one it may
//! write to. An erasure here is a write of ones, and takes a write cycle (5 ms)
//! for each page. Everything waits for the chip.
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

use core::future::{Future, ready};

use embedded_hal::i2c::{I2c, Operation};
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// The octets that are written at once: each of these chips takes as many, and
/// larger ones more.
const PAGE: u32 = 32;

/// How often a chip is addressed until it answers. While it writes it does not,
/// for 5 ms, and an address takes 20 µs at least.
const PATIENCE: u16 = 1000;

/// A 24C32 to 24C512 on an I2C bus, in sectors of `SECTOR` octets.
///
/// A store that begins a sector has everything wait for `SECTOR / 32` write
/// cycles: 80 ms for 512 octets, which is four grants.
pub struct Eeprom<I, const SECTOR: usize> {
    bus: I,
    /// The chip's address on the bus.
    address: u8,
    size: u32,
}

/// Why a chip does not do what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EepromError {
    /// Nobody answers at its address, or does not in time.
    Silent,
    /// It has no such octets.
    OutOfBounds,
}

impl core::fmt::Display for EepromError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            EepromError::Silent => "the EEPROM does not answer",
            EepromError::OutOfBounds => "the EEPROM has no such octets",
        })
    }
}

impl core::error::Error for EepromError {}

impl NorFlashError for EepromError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            EepromError::Silent => NorFlashErrorKind::Other,
            EepromError::OutOfBounds => NorFlashErrorKind::OutOfBounds,
        }
    }
}

impl<I: I2c, const SECTOR: usize> Eeprom<I, SECTOR> {
    /// The chip at `address` with `size` octets, 65,536 at most.
    pub const fn new(bus: I, address: u8, size: u32) -> Self {
        Eeprom { bus, address, size }
    }

    /// The chip's own address of an octet, if there are `length` from there.
    fn within(&self, offset: u32, length: usize) -> Result<[u8; 2], EepromError> {
        let length = u32::try_from(length).map_err(|_| EepromError::OutOfBounds)?;
        let end = offset.checked_add(length);
        let size = self.size.min(65_536);
        end.filter(|end| *end <= size)
            .and_then(|_| u16::try_from(offset).ok())
            .map(u16::to_be_bytes)
            .ok_or(EepromError::OutOfBounds)
    }

    /// Repeats a transaction until the chip has time for it.
    fn insist(
        &mut self,
        mut ask: impl FnMut(&mut I, u8) -> Result<(), I::Error>,
    ) -> Result<(), EepromError> {
        for _ in 0..PATIENCE {
            if ask(&mut self.bus, self.address).is_ok() {
                return Ok(());
            }
        }
        Err(EepromError::Silent)
    }

    fn read_now(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), EepromError> {
        if octets.is_empty() {
            return Ok(());
        }
        let at = self.within(offset, octets.len())?;
        self.insist(|bus, address| bus.write_read(address, &at, octets))
    }

    /// Writes what the `length` octets from `offset` are to be, page by page,
    /// and waits until the chip has them.
    fn write_now<'o>(
        &mut self,
        offset: u32,
        mut left: usize,
        mut next: impl FnMut(usize) -> &'o [u8],
    ) -> Result<(), EepromError> {
        let mut offset = offset;
        self.within(offset, left)?;
        while left > 0 {
            let to_end = PAGE.wrapping_sub(offset % PAGE);
            let length = usize::try_from(to_end).unwrap_or(0).min(left);
            let page = next(length);
            let at = self.within(offset, page.len())?;
            self.insist(|bus, address| {
                bus.transaction(
                    address,
                    &mut [Operation::Write(&at), Operation::Write(page)],
                )
            })?;
            offset = offset.saturating_add(to_end);
            left = left.saturating_sub(length);
        }
        // It answers when it has written.
        self.insist(|bus, address| bus.write(address, &[0, 0]))
    }
}

impl<I: I2c, const SECTOR: usize> ErrorType for Eeprom<I, SECTOR> {
    type Error = EepromError;
}

impl<I: I2c, const SECTOR: usize> ReadNorFlash for Eeprom<I, SECTOR> {
    const READ_SIZE: usize = 1;

    fn read(
        &mut self,
        offset: u32,
        octets: &mut [u8],
    ) -> impl Future<Output = Result<(), EepromError>> {
        ready(self.read_now(offset, octets))
    }

    fn capacity(&self) -> usize {
        usize::try_from(self.size).unwrap_or(0)
    }
}

impl<I: I2c, const SECTOR: usize> NorFlash for Eeprom<I, SECTOR> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> impl Future<Output = Result<(), EepromError>> {
        const BLANK: [u8; 32] = [0xFF; 32];
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        ready(self.write_now(from, length, |length| BLANK.get(..length).unwrap_or(&BLANK)))
    }

    fn write(
        &mut self,
        offset: u32,
        octets: &[u8],
    ) -> impl Future<Output = Result<(), EepromError>> {
        let mut rest = octets;
        let next = |length: usize| match rest.split_at_checked(length) {
            Some((page, left)) => {
                rest = left;
                page
            }
            None => core::mem::take(&mut rest),
        };
        ready(self.write_now(offset, octets.len(), next))
    }
}
