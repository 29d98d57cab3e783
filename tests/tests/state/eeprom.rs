//! The store on an EEPROM.

use embassy_futures::block_on as block;
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
use smallgate_core::oauth::{Grant, GrantId, Origin, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::eeprom::{Eeprom, EepromError};
use smallgate_firmware::store::FlashStore;

const SIZE: usize = 8192;
const ADDRESS: u8 = 0x50;
/// How often it does not answer after a write.
const BUSY: u32 = 7;

/// A 24C64: a write wraps around in its page of 32 octets.
struct Chip {
    octets: Vec<u8>,
    pointer: usize,
    busy: u32,
    writes: u64,
}

impl ErrorType for Chip {
    type Error = ErrorKind;
}

impl I2c for Chip {
    fn transaction(&mut self, address: u8, steps: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        if address != ADDRESS || self.busy > 0 {
            self.busy = self.busy.saturating_sub(1);
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        // Writes in a row are one.
        let mut sent = Vec::new();
        for step in steps {
            match step {
                Operation::Write(octets) => sent.extend_from_slice(octets),
                Operation::Read(octets) => {
                    self.pointer = usize::from(u16::from_be_bytes([sent[0], sent[1]]));
                    let found = &self.octets[self.pointer..self.pointer + octets.len()];
                    octets.copy_from_slice(found);
                    return Ok(());
                }
            }
        }
        let (at, octets) = sent.split_at(2);
        let at = usize::from(u16::from_be_bytes([at[0], at[1]]));
        for (within, octet) in octets.iter().enumerate() {
            self.octets[at / 32 * 32 + (at + within) % 32] = *octet;
        }
        if !octets.is_empty() {
            self.busy = BUSY;
            self.writes += 1;
        }
        Ok(())
    }
}

fn chip() -> Chip {
    Chip {
        // As it comes from the factory.
        octets: vec![0xFF; SIZE],
        pointer: 0,
        busy: 0,
        writes: 0,
    }
}

fn grant(number: u8, generation: u32) -> Grant {
    let now = UnixTime(1_800_000_000);
    Grant {
        id: GrantId([number; 12]),
        state: State::Active { generation },
        client: Tag([number; 8]),
        user: None,
        refreshable: true,
        reuse: false,
        origin: Origin::Direct,
        scope: ScopeSet::from_bits(1),
        scope_names: [0; 4],
        nonce: generation.to_le_bytes(),
        created: now,
        touched: 0,
        ends: UnixTime(now.0 + 1000),
        keep_until: UnixTime(now.0 + 1000),
    }
}

#[test]
fn store_on_an_eeprom_is_there_when_it_is_opened_again() {
    let mut chip = chip();
    let mut kept = [0; 16];
    for round in 0..5 {
        let flash = Eeprom::<_, 512>::new(&mut chip, ADDRESS, SIZE as u32);
        let mut store = FlashStore::<_, 64>::new(flash);
        store.open().expect("it opens");
        for (number, generation) in kept.iter().enumerate().filter(|(_, kept)| **kept > 0) {
            let expected = grant(number as u8, *generation);
            let record = store.load(&expected.id).expect("it works").record;
            assert_eq!(record.expect("it is there").grant(), Ok(expected));
        }
        for turn in 0..100 {
            let number = (turn * 7 + round) % 16;
            kept[number] += 1;
            let record = Record::new(&grant(number as u8, kept[number]));
            let id = record.id();
            let seen = store.load(&id).expect("it works").seen;
            let done = store.commit(UnixTime(0), &id, seen, Write::Record(&record));
            assert_eq!(done, Committed::Done);
        }
    }
    assert!(chip.writes > 2000, "{}", chip.writes);
}

#[test]
fn chip_that_is_not_there_is_unavailable() {
    let mut other = Eeprom::<_, 512>::new(chip(), ADDRESS + 1, SIZE as u32);
    assert_eq!(block(other.read(0, &mut [0; 4])), Err(EepromError::Silent));
    assert_eq!(block(other.write(0, &[0; 4])), Err(EepromError::Silent));
    let mut here = Eeprom::<_, 512>::new(chip(), ADDRESS, SIZE as u32);
    let end = SIZE as u32 - 4;
    assert_eq!(block(here.write(end, &[1, 2, 3, 4])), Ok(()));
    assert_eq!(
        block(here.write(end, &[0; 8])),
        Err(EepromError::OutOfBounds)
    );
    let mut octets = [0; 4];
    assert_eq!(block(here.read(end, &mut octets)), Ok(()));
    assert_eq!(octets, [1, 2, 3, 4]);
}
