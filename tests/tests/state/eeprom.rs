//! The store on an EEPROM.

use embassy_futures::block_on as block;
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
use smallgate_core::oauth::{Grant, GrantId, Origin, Record, State, Tag};
use smallgate_core::scope::ScopeSet;
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::eeprom::{Eeprom, EepromError, Fram};
use smallgate_firmware::store::{FlashStore, OpenError};
use smallgate_tests::powercut::{Chip as _, OnBus, TEARS, Tear};

const SIZE: usize = 8192;
const ADDRESS: u8 = 0x50;
/// How often it does not answer after a write.
const BUSY: u32 = 7;

/// A chip whose writes wrap around in a page, as a 24C64's do.
struct Chip {
    octets: Vec<u8>,
    page: usize,
    pointer: usize,
    busy: u32,
    writes: u64,
    /// What every transaction ends with, if it does not go well.
    fails: Option<ErrorKind>,
    transactions: u32,
}

impl ErrorType for Chip {
    type Error = ErrorKind;
}

impl I2c for Chip {
    fn transaction(&mut self, address: u8, steps: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        self.transactions += 1;
        if let Some(error) = self.fails {
            return Err(error);
        }
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
            let page = at / self.page * self.page;
            self.octets[page + (at + within) % self.page] = *octet;
        }
        if !octets.is_empty() {
            self.busy = BUSY;
            self.writes += 1;
        }
        Ok(())
    }
}

fn chip() -> Chip {
    chip_of(SIZE, 32)
}

/// As it comes from the factory.
fn chip_of(size: usize, page: usize) -> Chip {
    Chip {
        octets: vec![0xFF; size],
        page,
        pointer: 0,
        busy: 0,
        writes: 0,
        fails: None,
        transactions: 0,
    }
}

type Eeprom64<I> = Eeprom<I, ADDRESS, { SIZE as u32 }, 512>;

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
        let flash = Eeprom64::new(&mut chip);
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
    let mut other = Eeprom::<_, { ADDRESS + 1 }, { SIZE as u32 }, 512>::new(chip());
    assert_eq!(block(other.read(0, &mut [0; 4])), Err(EepromError::Silent));
    assert_eq!(block(other.write(0, &[0; 4])), Err(EepromError::Silent));
    let mut here = Eeprom64::new(chip());
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

/// Everything waits while a chip is asked: one that fails is not asked often.
#[test]
fn chip_that_fails_is_asked_twice() {
    for error in [
        ErrorKind::Bus,
        ErrorKind::Other,
        ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data),
    ] {
        let mut broken = chip();
        broken.fails = Some(error);
        let mut flash = Eeprom64::new(&mut broken);
        assert_eq!(block(flash.write(0, &[0; 4])), Err(EepromError::Failed));
        assert_eq!(broken.transactions, 2, "{error:?}");
    }
}

/// Larger chips take longer pages, and a write of one is one cycle.
#[test]
fn pages_are_as_long_as_the_chip_has_them() {
    fn fills<const LENGTH: u32>(page: usize) {
        let mut chip = chip_of(LENGTH as usize, page);
        let pattern: Vec<u8> = (0..1000_u32).map(|at| at as u8 ^ 0xA5).collect();
        // It is what a store programs at once.
        assert_eq!(Eeprom::<Chip, ADDRESS, LENGTH, 512>::WRITE_SIZE, page);
        let mut flash = Eeprom::<_, ADDRESS, LENGTH, 512>::new(&mut chip);
        block(flash.write(20, &pattern)).expect("it writes");
        assert_eq!(chip.octets[20..1020], pattern);
        assert_eq!(chip.writes, 1020_u64.div_ceil(page as u64));
    }
    fills::<4096>(32);
    fills::<8192>(32);
    fills::<16_384>(64);
    fills::<32_768>(64);
    fills::<65_536>(128);
}

/// The power fails while a new chip is made ready, wherever, and again.
#[test]
fn r30_chip_whose_first_erasure_was_cut_off_is_no_other_ones() {
    type New = OnBus<8192, 32, 512>;
    let opened = |chip: New| {
        let mut store = FlashStore::<_, 64>::new(chip);
        let done = store.open();
        (store, done)
    };
    let (store, done) = opened(New::new());
    assert_eq!(done, Ok(()));
    let (operations, _, _) = store.flash().counts();
    assert!(
        operations > 16,
        "{operations}: a sector's pages, and its head"
    );
    for after in 0..operations {
        for tear in TEARS {
            let mut chip = New::new();
            chip.cut_after(after, tear);
            let (store, done) = opened(chip);
            assert_eq!(done, Err(OpenError::Failed));
            let mut chip = store.flash().clone();
            chip.revive();
            let (mut store, done) = opened(chip);
            assert_eq!(done, Ok(()), "{after}, {tear:?}");
            let record = Record::new(&grant(7, 1));
            let write = Write::Record(&record);
            let done = store.commit(UnixTime(0), &record.id(), Seen::ABSENT, write);
            assert_eq!(done, Committed::Done);
        }
    }
}

/// FRAM comes with zeros on it, and takes 4 octets as flash does.
#[test]
fn chip_of_zeros_is_blank() {
    type Fram64<I> = Fram<I, ADDRESS, { SIZE as u32 }, 512>;
    let mut chip = chip();
    chip.octets.fill(0);
    assert_eq!(Fram64::<Chip>::WRITE_SIZE, 4);
    for generation in 1..4 {
        let mut store = FlashStore::<_, 64>::new(Fram64::new(&mut chip));
        store.open().expect("it opens");
        let record = Record::new(&grant(7, generation));
        let id = record.id();
        let loaded = store.load(&id).expect("it works");
        let before = loaded.record.and_then(|record| record.grant().ok());
        assert_eq!(before, (generation > 1).then(|| grant(7, generation - 1)));
        let done = store.commit(UnixTime(0), &id, loaded.seen, Write::Record(&record));
        assert_eq!(done, Committed::Done);
    }
}

/// The power fails while a chip from the factory is made ready, and then again.
#[test]
fn first_start_that_is_cut_off_twice_is_no_other_stores_chip() {
    type New = OnBus<8192, 32, 512>;
    for first in 0..17 {
        for second in 0..17 {
            let mut chip = New::new();
            for after in [first, second] {
                chip.cut_after(after, Tear::Half);
                let mut store = FlashStore::<_, 64>::new(chip);
                let _cut = store.open();
                chip = store.flash().clone();
                chip.revive();
            }
            let opened = FlashStore::<_, 64>::new(chip).open();
            assert_eq!(opened, Ok(()), "{first}, then {second}");
        }
    }
}
