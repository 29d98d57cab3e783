//! An EEPROM of the 24C series, from 32 to 512 Kbit, as flash for a store.
//!
//! It needs no erasure, but a store does: what it finds blank after one it may
//! write to. An erasure here is a write of ones, and takes a write cycle (5 ms)
//! for each page. Everything waits for the chip.
//!
//! Whatever few octets of a page are sent, the chip erases and programs all of it
//! in that cycle. If the power fails meanwhile, any octet of the page may be
//! lost, also one that was written long ago. So pages are what it programs at
//! once, and nothing shares one with what is written at another time.
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

use embedded_hal::i2c::{Error, ErrorKind, I2c, NoAcknowledgeSource, Operation};
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// How often a chip is addressed until it answers. While it writes it does not,
/// for 5 ms, and an address takes 20 µs at least.
const PATIENCE: u16 = 1000;

/// How often anything else is tried that fails: noise on the bus passes, and
/// everything waits meanwhile.
const TRIES: u16 = 2;

/// The 24C32 to 24C512 of `SIZE` octets at `ADDRESS` of an I2C bus, in sectors of
/// `SECTOR` octets. It is its bus alone, so what is all zeros in a `static` stays
/// so around it.
///
/// A store that begins a sector has everything wait for a write cycle of each
/// page: 160 ms for 4,096 octets in pages of 128, which are 31 grants.
///
/// One without pages is [`Fram`].
pub struct Eeprom<
    I,
    const ADDRESS: u8,
    const SIZE: u32,
    const SECTOR: usize,
    const HAS_PAGES: bool = true,
> {
    bus: I,
}

/// FRAM with two octets of address (FM24C64, MB85RC256 and others). It is spoken
/// to in the same way, and has no pages and no write cycle: it writes each octet
/// as it comes, and no other. So it programs 4 at once, as flash does, and a
/// grant takes 100.
pub type Fram<I, const ADDRESS: u8, const SIZE: u32, const SECTOR: usize> =
    Eeprom<I, ADDRESS, SIZE, SECTOR, false>;

/// Why a chip does not do what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EepromError {
    /// Nobody answers at its address, or does not in time.
    Silent,
    /// The bus fails, or it takes no data.
    Failed,
    /// It has no such octets.
    OutOfBounds,
}

impl core::fmt::Display for EepromError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            EepromError::Silent => "the EEPROM does not answer",
            EepromError::Failed => "the EEPROM or its bus fails",
            EepromError::OutOfBounds => "the EEPROM has no such octets",
        })
    }
}

impl core::error::Error for EepromError {}

impl NorFlashError for EepromError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            EepromError::Silent | EepromError::Failed => NorFlashErrorKind::Other,
            EepromError::OutOfBounds => NorFlashErrorKind::OutOfBounds,
        }
    }
}

impl<I: I2c, const ADDRESS: u8, const SIZE: u32, const SECTOR: usize, const HAS_PAGES: bool>
    Eeprom<I, ADDRESS, SIZE, SECTOR, HAS_PAGES>
{
    /// The octets that are written at once: what all makers' chips of that size
    /// take. A write that went on would begin again at the page's start.
    const PAGE: u32 = match SIZE {
        65_536.. => 128,
        16_384.. => 64,
        _ => 32,
    };

    /// The chip on this bus.
    pub const fn new(bus: I) -> Self {
        const {
            assert!(SIZE <= 65_536, "an address has two octets");
            assert!(
                SECTOR.is_multiple_of(Self::WRITE_SIZE),
                "sectors are of whole pages"
            );
        }
        Eeprom { bus }
    }

    /// The chip's own address of an octet, if there are `length` from there.
    fn within(offset: u32, length: usize) -> Result<[u8; 2], EepromError> {
        let length = u32::try_from(length).map_err(|_| EepromError::OutOfBounds)?;
        let end = offset.checked_add(length);
        end.filter(|end| *end <= SIZE)
            .and_then(|_| u16::try_from(offset).ok())
            .map(u16::to_be_bytes)
            .ok_or(EepromError::OutOfBounds)
    }

    /// Repeats a transaction until the chip has time for it.
    // Not inlined: it is called from three places.
    #[inline(never)]
    fn insist(&mut self, operations: &mut [Operation<'_>]) -> Result<(), EepromError> {
        use NoAcknowledgeSource::{Address, Unknown};
        let mut failures = 0_u16;
        for _ in 0..PATIENCE {
            match self.bus.transaction(ADDRESS, operations) {
                Ok(()) => return Ok(()),
                Err(error) => match error.kind() {
                    // It is writing.
                    ErrorKind::NoAcknowledge(Address | Unknown) => {}
                    _ => failures = failures.saturating_add(1),
                },
            }
            if failures >= TRIES {
                return Err(EepromError::Failed);
            }
        }
        Err(EepromError::Silent)
    }

    fn read_now(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), EepromError> {
        if octets.is_empty() {
            return Ok(());
        }
        let at = Self::within(offset, octets.len())?;
        self.insist(&mut [Operation::Write(&at), Operation::Read(octets)])
    }

    /// Writes `length` octets from `offset`, page by page, and waits until the chip
    /// has them: these, or ones if there are none.
    #[inline(never)]
    fn write_now(
        &mut self,
        mut offset: u32,
        length: usize,
        octets: Option<&[u8]>,
    ) -> Result<(), EepromError> {
        /// The longest page.
        const BLANK: [u8; 128] = [0xFF; 128];
        Self::within(offset, length)?;
        let mut done = 0;
        while done < length {
            let within = offset.checked_rem(Self::PAGE).unwrap_or(0);
            let to_end = Self::PAGE.saturating_sub(within);
            let room = usize::try_from(to_end).unwrap_or(0);
            let end = length.min(done.saturating_add(room));
            let page = match octets {
                Some(octets) => octets.get(done..end),
                None => BLANK.get(..end.saturating_sub(done)),
            };
            let page = page.ok_or(EepromError::OutOfBounds)?;
            let at = Self::within(offset, page.len())?;
            self.insist(&mut [Operation::Write(&at), Operation::Write(page)])?;
            offset = offset.saturating_add(to_end);
            done = end;
        }
        // It answers when it has written.
        self.insist(&mut [Operation::Write(&[0, 0])])
    }
}

impl<I: I2c, const ADDRESS: u8, const SIZE: u32, const SECTOR: usize, const HAS_PAGES: bool>
    ErrorType for Eeprom<I, ADDRESS, SIZE, SECTOR, HAS_PAGES>
{
    type Error = EepromError;
}

impl<I: I2c, const ADDRESS: u8, const SIZE: u32, const SECTOR: usize, const HAS_PAGES: bool>
    ReadNorFlash for Eeprom<I, ADDRESS, SIZE, SECTOR, HAS_PAGES>
{
    const READ_SIZE: usize = 1;

    fn read(
        &mut self,
        offset: u32,
        octets: &mut [u8],
    ) -> impl Future<Output = Result<(), EepromError>> {
        ready(self.read_now(offset, octets))
    }

    fn capacity(&self) -> usize {
        usize::try_from(SIZE).unwrap_or(0)
    }
}

impl<I: I2c, const ADDRESS: u8, const SIZE: u32, const SECTOR: usize, const HAS_PAGES: bool>
    NorFlash for Eeprom<I, ADDRESS, SIZE, SECTOR, HAS_PAGES>
{
    const WRITE_SIZE: usize = match HAS_PAGES {
        true => Self::PAGE as usize,
        false => 4,
    };
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> impl Future<Output = Result<(), EepromError>> {
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        ready(self.write_now(from, length, None))
    }

    fn write(
        &mut self,
        offset: u32,
        octets: &[u8],
    ) -> impl Future<Output = Result<(), EepromError>> {
        ready(self.write_now(offset, octets.len(), Some(octets)))
    }
}
