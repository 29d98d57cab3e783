//! A NOR flash in memory that is strict, and loses its power when it is told.

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use smallgate_core::codec::crc::crc32;

use super::power::{Dead, Power, Tear};

/// What erased flash reads as.
const BLANK: u8 = 0xFF;

/// A flash that programs `UNIT` octets at once and erases `SECTOR`.
#[derive(Clone)]
pub struct Model<const UNIT: usize, const SECTOR: usize> {
    octets: Vec<u8>,
    /// Units that must be erased before they are programmed.
    spent: Vec<bool>,
    /// Its operations are program units and erasures.
    power: Power,
    /// Octets programmed so far.
    pub programmed: u64,
    /// How often it was read.
    pub reads: u64,
    /// Octets read so far.
    pub read: u64,
    /// How often each sector was erased.
    pub erasures: Vec<u32>,
}

impl NorFlashError for Dead {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl<const UNIT: usize, const SECTOR: usize> Model<UNIT, SECTOR> {
    /// A flash as it leaves the factory.
    #[must_use]
    pub fn new(sectors: usize) -> Self {
        Self::holding(vec![BLANK; sectors * SECTOR])
    }

    /// A flash with these octets on it, of which none can be programmed that is
    /// not blank.
    #[must_use]
    pub fn holding(octets: Vec<u8>) -> Self {
        Model {
            spent: octets
                .chunks(UNIT)
                .map(|unit| unit.iter().any(|octet| *octet != BLANK))
                .collect(),
            power: Power::on(),
            programmed: 0,
            reads: 0,
            read: 0,
            erasures: vec![0; octets.len() / SECTOR],
            octets,
        }
    }

    /// Lets the power fail at the operation after `operations` others.
    pub fn cut_after(&mut self, operations: u64, tear: Tear) {
        self.power.cut_after(operations, tear);
    }

    /// Whether the power failed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.power.is_dead
    }

    /// Program units and erasures so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.power.operations
    }

    /// The power is back.
    pub fn revive(&mut self) {
        self.power.revive();
    }

    /// What is on it.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// What is on it, to be meddled with.
    pub fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.octets
    }
}

impl<const UNIT: usize, const SECTOR: usize> ErrorType for Model<UNIT, SECTOR> {
    type Error = Dead;
}

impl<const UNIT: usize, const SECTOR: usize> ReadNorFlash for Model<UNIT, SECTOR> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), Dead> {
        if self.power.is_dead {
            return Err(Dead);
        }
        self.reads += 1;
        self.read += octets.len() as u64;
        let from = offset as usize;
        octets.copy_from_slice(&self.octets[from..from + octets.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.octets.len()
    }
}

impl<const UNIT: usize, const SECTOR: usize> NorFlash for Model<UNIT, SECTOR> {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = SECTOR;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Dead> {
        let (from, to) = (from as usize, to as usize);
        assert!(
            from.is_multiple_of(SECTOR) && to.is_multiple_of(SECTOR),
            "an erasure of whole sectors"
        );
        for sector in from / SECTOR..to / SECTOR {
            if self.power.is_dead {
                return Err(Dead);
            }
            self.erasures[sector] += 1;
            let tear = self.power.burn();
            for at in sector * SECTOR..(sector + 1) * SECTOR {
                let is_done = match tear {
                    None | Some(Tear::Whole) => true,
                    Some(Tear::Unseen) => false,
                    Some(Tear::Half) => self.power.random() & 1 == 0,
                };
                if is_done {
                    self.octets[at] = BLANK;
                }
                self.spent[at / UNIT] = !matches!(tear, None | Some(Tear::Whole));
            }
            if tear.is_some() {
                return Err(Dead);
            }
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), Dead> {
        let offset = offset as usize;
        assert!(
            offset.is_multiple_of(UNIT) && octets.len().is_multiple_of(UNIT),
            "whole units are programmed"
        );
        for (unit, fresh) in octets.chunks(UNIT).enumerate() {
            if self.power.is_dead {
                return Err(Dead);
            }
            let at = offset + unit * UNIT;
            assert!(!self.spent[at / UNIT], "{at} is programmed twice");
            self.spent[at / UNIT] = true;
            self.programmed += UNIT as u64;
            let tear = self.power.burn();
            for (within, octet) in fresh.iter().enumerate() {
                let left_alone = match tear {
                    None | Some(Tear::Whole) => 0,
                    Some(Tear::Unseen) => BLANK,
                    Some(Tear::Half) => self.power.random(),
                };
                // Programming makes zeros, and no ones.
                self.octets[at + within] &= octet | left_alone;
            }
            if tear.is_some() {
                return Err(Dead);
            }
        }
        Ok(())
    }
}

/// What a life can be led on.
pub trait Chip: NorFlash + Clone {
    /// A new one.
    fn factory(sectors: usize) -> Self;
    /// See [`Model::cut_after`].
    fn cut_after(&mut self, operations: u64, tear: Tear);
    /// See [`Model::is_dead`].
    fn is_dead(&self) -> bool;
    /// See [`Model::revive`].
    fn revive(&mut self);
    /// Program units and erasures, octets programmed, the most erasures of one
    /// sector.
    fn counts(&self) -> (u64, u64, u32);
}

impl<const UNIT: usize, const SECTOR: usize> Chip for Model<UNIT, SECTOR> {
    fn factory(sectors: usize) -> Self {
        Model::new(sectors)
    }

    fn cut_after(&mut self, operations: u64, tear: Tear) {
        Model::cut_after(self, operations, tear);
    }

    fn is_dead(&self) -> bool {
        self.power.is_dead
    }

    fn revive(&mut self) {
        Model::revive(self);
    }

    fn counts(&self) -> (u64, u64, u32) {
        let most = self.erasures.iter().copied().max();
        (self.power.operations, self.programmed, most.unwrap_or(0))
    }
}

/// A flash on which each cell has a good checksum, whatever else is in it: the
/// store on it is one that does not check.
#[derive(Clone)]
pub struct Unchecked<C>(pub C);

impl<C: ErrorType> ErrorType for Unchecked<C> {
    type Error = C::Error;
}

impl<C: ReadNorFlash> ReadNorFlash for Unchecked<C> {
    const READ_SIZE: usize = C::READ_SIZE;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), C::Error> {
        self.0.read(offset, octets).await?;
        let is_cell = octets.len() >= 100 && octets[..100].iter().any(|octet| *octet != BLANK);
        if is_cell {
            (octets[2], octets[3]) = (!octets[0], !octets[1]);
            let checksum = crc32(&octets[4..96]).to_le_bytes();
            octets[96..100].copy_from_slice(&checksum);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<C: NorFlash> NorFlash for Unchecked<C> {
    const WRITE_SIZE: usize = C::WRITE_SIZE;
    const ERASE_SIZE: usize = C::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), C::Error> {
        self.0.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), C::Error> {
        self.0.write(offset, octets).await
    }
}

impl<C: Chip> Chip for Unchecked<C> {
    fn factory(sectors: usize) -> Self {
        Unchecked(C::factory(sectors))
    }

    fn cut_after(&mut self, operations: u64, tear: Tear) {
        self.0.cut_after(operations, tear);
    }

    fn is_dead(&self) -> bool {
        self.0.is_dead()
    }

    fn revive(&mut self) {
        self.0.revive();
    }

    fn counts(&self) -> (u64, u64, u32) {
        self.0.counts()
    }
}
