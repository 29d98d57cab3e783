//! An EEPROM in memory, under the driver that boards have for it: it writes whole
//! pages, counts how often, and loses its power when it is told.

use embedded_hal::i2c::{self, ErrorKind, I2c, NoAcknowledgeSource, Operation};
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use smallgate_firmware::eeprom::{Eeprom, EepromError};

use super::flash::Chip;
use super::power::{Power, Tear};

const ADDRESS: u8 = 0x50;

/// A chip that is never busy.
#[derive(Clone)]
struct Memory {
    octets: Vec<u8>,
    /// The octets that it writes at once, whatever part of them it is told.
    page: usize,
    /// How often each page was written.
    written: Vec<u64>,
    power: Power,
}

impl Memory {
    /// As it comes from the factory.
    fn new(size: usize, page: usize) -> Self {
        Memory {
            octets: vec![0xFF; size],
            page,
            written: vec![0; size / page],
            power: Power::on(),
        }
    }

    fn write(&mut self, at: usize, octets: &[u8]) -> Result<(), ErrorKind> {
        let from = at / self.page * self.page;
        let mut fresh = self.octets[from..from + self.page].to_vec();
        for (within, octet) in octets.iter().enumerate() {
            fresh[(at + within) % self.page] = *octet;
        }
        self.written[at / self.page] += 1;
        let tear = self.power.burn();
        for (old, new) in self.octets[from..].iter_mut().zip(&fresh) {
            *old = match tear {
                None | Some(Tear::Whole) => *new,
                Some(Tear::Unseen) => *old,
                Some(Tear::Half) => match self.power.random() & 3 {
                    0 => *old,
                    1 => *new,
                    _ => self.power.random(),
                },
            };
        }
        match tear {
            None => Ok(()),
            Some(_) => Err(ErrorKind::Other),
        }
    }
}

impl i2c::ErrorType for Memory {
    type Error = ErrorKind;
}

impl I2c for Memory {
    fn transaction(&mut self, address: u8, steps: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        if self.power.is_dead {
            return Err(ErrorKind::Other);
        }
        if address != ADDRESS {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        // Writes in a row are one.
        let mut sent = Vec::new();
        for step in steps {
            match step {
                Operation::Write(octets) => sent.extend_from_slice(octets),
                Operation::Read(octets) => {
                    let at = usize::from(u16::from_be_bytes([sent[0], sent[1]]));
                    octets.copy_from_slice(&self.octets[at..at + octets.len()]);
                    return Ok(());
                }
            }
        }
        let (at, octets) = sent.split_at(2);
        let at = usize::from(u16::from_be_bytes([at[0], at[1]]));
        match octets.is_empty() {
            true => Ok(()),
            false => self.write(at, octets),
        }
    }
}

/// A chip of `SIZE` octets in pages of `PAGE`, and its driver; without `HAS_PAGES`
/// that takes it for an FRAM.
#[derive(Clone)]
pub struct OnBus<
    const SIZE: u32,
    const PAGE: usize,
    const SECTOR: usize,
    const HAS_PAGES: bool = true,
> {
    chip: Memory,
    /// Octets written so far, without what is erased.
    pub programmed: u64,
    /// How often each sector was erased.
    erasures: Vec<u32>,
}

type Driver<'c, const SIZE: u32, const SECTOR: usize, const HAS_PAGES: bool> =
    Eeprom<&'c mut Memory, ADDRESS, SIZE, SECTOR, HAS_PAGES>;

impl<const SIZE: u32, const PAGE: usize, const SECTOR: usize, const HAS_PAGES: bool>
    OnBus<SIZE, PAGE, SECTOR, HAS_PAGES>
{
    /// As it comes from the factory.
    #[must_use]
    pub fn new() -> Self {
        let size = SIZE as usize;
        OnBus {
            chip: Memory::new(size, PAGE),
            programmed: 0,
            erasures: vec![0; size / SECTOR],
        }
    }

    /// How often the page was written that was written most often.
    #[must_use]
    pub fn most_written(&self) -> u64 {
        self.chip.written.iter().copied().max().unwrap_or(0)
    }

    fn driver(&mut self) -> Driver<'_, SIZE, SECTOR, HAS_PAGES> {
        Eeprom::new(&mut self.chip)
    }
}

impl<const SIZE: u32, const PAGE: usize, const SECTOR: usize, const HAS_PAGES: bool> Default
    for OnBus<SIZE, PAGE, SECTOR, HAS_PAGES>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const SIZE: u32, const PAGE: usize, const SECTOR: usize, const HAS_PAGES: bool> ErrorType
    for OnBus<SIZE, PAGE, SECTOR, HAS_PAGES>
{
    type Error = EepromError;
}

impl<const SIZE: u32, const PAGE: usize, const SECTOR: usize, const HAS_PAGES: bool> ReadNorFlash
    for OnBus<SIZE, PAGE, SECTOR, HAS_PAGES>
{
    const READ_SIZE: usize = Driver::<SIZE, SECTOR, HAS_PAGES>::READ_SIZE;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), EepromError> {
        self.driver().read(offset, octets).await
    }

    fn capacity(&self) -> usize {
        SIZE as usize
    }
}

impl<const SIZE: u32, const PAGE: usize, const SECTOR: usize, const HAS_PAGES: bool> NorFlash
    for OnBus<SIZE, PAGE, SECTOR, HAS_PAGES>
{
    const WRITE_SIZE: usize = Driver::<SIZE, SECTOR, HAS_PAGES>::WRITE_SIZE;
    const ERASE_SIZE: usize = Driver::<SIZE, SECTOR, HAS_PAGES>::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), EepromError> {
        self.erasures[from as usize / SECTOR] += 1;
        self.driver().erase(from, to).await
    }

    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), EepromError> {
        self.programmed += octets.len() as u64;
        self.driver().write(offset, octets).await
    }
}

impl<const SIZE: u32, const PAGE: usize, const SECTOR: usize, const HAS_PAGES: bool> Chip
    for OnBus<SIZE, PAGE, SECTOR, HAS_PAGES>
{
    fn factory(sectors: usize) -> Self {
        assert_eq!(
            sectors * SECTOR,
            SIZE as usize,
            "a chip is as large as it is"
        );
        Self::new()
    }

    fn cut_after(&mut self, operations: u64, tear: Tear) {
        self.chip.power.cut_after(operations, tear);
    }

    fn is_dead(&self) -> bool {
        self.chip.power.is_dead
    }

    fn revive(&mut self) {
        self.chip.power.revive();
    }

    fn counts(&self) -> (u64, u64, u32) {
        let most = self.erasures.iter().copied().max();
        (
            self.chip.power.operations,
            self.programmed,
            most.unwrap_or(0),
        )
    }
}
