//! Where grants are kept: in memory, or in a file that is a simulated flash
//! chip, the same on it as on a board's.

mod file;
mod geometry;
mod show;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use smallgate_core::oauth::{Commit, GrantId};
use smallgate_core::store::{Committed, Loaded, MemoryStore, Store as _, StoreUnavailable};
use smallgate_core::time::UnixTime;
use smallgate_firmware::store::FlashStore;

use file::{Durability, FileFlash};
pub(crate) use geometry::Geometry;
pub(crate) use show::Show;

/// Grants that are kept in memory.
const IN_MEMORY: usize = 65_536;

/// Grants that are kept in a file at most; its size may say less.
const IN_FILE: usize = 8192;

/// As many as a board keeps on a chip of 64 KiB.
const ON_A_BOARD: u16 = 256;

/// All grants: 7 MB of zeros, which cost nothing until they are written to.
static MEMORY: Mutex<MemoryStore<IN_MEMORY>> = Mutex::new(MemoryStore::new());

/// What is in a file.
static FILE: Mutex<FlashStore<FileFlash, IN_FILE>> = Mutex::new(FlashStore::new(FileFlash::NONE));

/// Where grants are kept, as the command line says.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Memory,
    File { path: PathBuf, geometry: Geometry },
}

/// A store that is open. There is one in a process.
pub(crate) enum Store {
    Memory,
    File(Durability),
}

impl Store {
    /// Opens it, with the newest time that is in it.
    pub(crate) fn open(place: &Place) -> Result<(Self, UnixTime), String> {
        let (path, geometry) = match place {
            Place::Memory => return Ok((Store::Memory, UnixTime(0))),
            Place::File { path, geometry } => (path, geometry),
        };
        let mut store = lock(&FILE);
        let durability = open(&mut store, path, Some(geometry))?;
        Ok((Store::File(durability), store.newest()))
    }

    /// Reads a record. What it says is durable.
    pub(crate) fn load(&self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        match self {
            Store::Memory => lock(&MEMORY).load(id),
            Store::File(durability) => {
                let loaded = lock(&FILE).load(id);
                durability.reached().map_err(|_| StoreUnavailable)?;
                loaded
            }
        }
    }

    /// Writes or confirms a record. It is durable when this returns.
    pub(crate) fn commit(&self, commit: &Commit<'_>) -> Committed {
        let (now, id, seen, write) = (commit.now(), commit.id(), commit.seen(), commit.write());
        match self {
            Store::Memory => lock(&MEMORY).commit(now, id, seen, write),
            Store::File(durability) => {
                let committed = lock(&FILE).commit(now, id, seen, write);
                match durability.reached() {
                    Ok(()) => committed,
                    Err(_) => Committed::Unavailable,
                }
            }
        }
    }

    /// Writes what is there already, to see whether the store works.
    pub(crate) fn probe(&self) -> Result<(), StoreUnavailable> {
        match self {
            Store::Memory => Ok(()),
            Store::File(durability) => {
                let written = lock(&FILE).flash().rewrite();
                written
                    .and_then(|()| durability.reached())
                    .map_err(|_| StoreUnavailable)
            }
        }
    }
}

/// Opens the file at `path`, or makes it; without a geometry it is only read.
fn open<const SLOTS: usize>(
    store: &mut FlashStore<FileFlash, SLOTS>,
    path: &Path,
    geometry: Option<&Geometry>,
) -> Result<Durability, String> {
    let told = |error: &dyn std::fmt::Display| format!("the store {}: {error}", path.display());
    if let Some(geometry) = geometry
        && !path.exists()
    {
        geometry.check()?;
    }
    let size = geometry.map(Geometry::size);
    let (flash, durability) = FileFlash::open(path, size).map_err(|error| told(&error))?;
    let size = flash.size();
    if size <= 64 * 1024 {
        store.at_most(ON_A_BOARD);
    }
    *store.flash_mut() = flash;
    let written = store.written().map_err(|error| told(&error))?;
    let measures = geometry.unwrap_or(&Geometry::default()).suited(written);
    let measures = measures.map_err(|error| told(&error))?;
    if !size.is_multiple_of(measures.sector.into()) {
        return Err(told(&"not whole sectors"));
    }
    store.measured(measures);
    store.open().map_err(|error| told(&error))?;
    // What was made ready now is there when the first answer is.
    durability.reached().map_err(|error| told(&error))?;
    Ok(durability)
}

fn lock<T>(store: &Mutex<T>) -> MutexGuard<'_, T> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Filled one by one it takes minutes: each new grant looks for its owner's.
    /// That a store has as many slots as its type says is tested with few.
    #[test]
    fn memory_has_65536_slots() {
        let kept = size_of_val(&*lock(&MEMORY));
        assert_eq!(kept, size_of::<MemoryStore<65_536>>());
        assert!(kept > size_of::<MemoryStore<65_535>>());
    }
}
