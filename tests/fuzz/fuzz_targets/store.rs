//! Any octets on a flash: opening ends without a panic, and a store that opens
//! works.
#![no_main]

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use libfuzzer_sys::fuzz_target;
use smallgate_core::oauth::{GrantId, Record};
use smallgate_core::store::{Committed, Seen, Store, Write};
use smallgate_core::time::UnixTime;
use smallgate_firmware::store::FlashStore;

const SECTOR: usize = 256;
const SECTORS: usize = 6;

/// Each octet can be programmed as often as one likes, and makes zeros alone.
struct Chip([u8; SECTOR * SECTORS]);

#[derive(Debug)]
struct Outside;

impl NorFlashError for Outside {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::OutOfBounds
    }
}

impl ErrorType for Chip {
    type Error = Outside;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), Outside> {
        let from = self.0.get(offset as usize..).ok_or(Outside)?;
        octets.copy_from_slice(from.get(..octets.len()).ok_or(Outside)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Outside> {
        let sectors = self.0.get_mut(from as usize..to as usize);
        sectors.ok_or(Outside)?.fill(0xFF);
        Ok(())
    }

    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), Outside> {
        let room = self.0.get_mut(offset as usize..).ok_or(Outside)?;
        let room = room.get_mut(..octets.len()).ok_or(Outside)?;
        for (old, new) in room.iter_mut().zip(octets) {
            *old &= new;
        }
        Ok(())
    }
}

fuzz_target!(|octets: &[u8]| {
    let mut chip = Chip([0xFF; SECTOR * SECTORS]);
    for (to, from) in chip.0.iter_mut().zip(octets) {
        *to = *from;
    }
    let mut store = FlashStore::<_, 32>::new(chip);
    // As the simulator opens a file: by what it says of itself.
    if let Some(measures) = store.written().expect("the flash works") {
        store.measured(measures);
    }
    if store.open().is_err() {
        assert!(store.load(&GrantId([0; 12])).is_err());
        return;
    }
    let mut kept: Vec<Record> = Vec::new();
    store
        .each(|grant| kept.push(Record::new(grant)))
        .expect("the flash works");
    for record in &kept {
        let id = record.id();
        let loaded = store.load(&id).expect("the flash works");
        let write = Write::Record(record);
        let done = store.commit(UnixTime(0), &id, loaded.seen, write);
        // Octets that no store wrote may leave no room.
        assert!(
            matches!(done, Committed::Done | Committed::Unavailable),
            "{done:?}"
        );
        assert_ne!(loaded.seen, Seen::ABSENT);
    }
});
