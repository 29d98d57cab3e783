//! Where grants are kept: in memory, in a file that is a simulated flash chip,
//! the same on it as on a board's, or in a bucket that several gateways share.

mod file;
mod geometry;
mod nats;
mod show;
mod visit;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use smallgate_core::oauth::Configuration;
use smallgate_core::store::{MemoryStore, StoreUnavailable};
use smallgate_core::time::UnixTime;
use smallgate_firmware::store::{FlashStore, Kept as _};
use tracing::info;

use file::{Durability, FileFlash};
pub(crate) use geometry::Geometry;
use nats::Nats;
pub(crate) use nats::{Cluster, Settings, fingerprint};
pub(crate) use show::Show;
pub(crate) use visit::Visit;

use crate::log;

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
    Nats(Cluster),
}

impl Place {
    /// Reads `memory`, `file:PATH` or `nats://…`.
    pub(crate) fn parse(text: &str, geometry: Geometry) -> Result<Self, String> {
        if let Some(cluster) = Cluster::parse(text) {
            return cluster.map(Place::Nats);
        }
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Place::File {
                path: path.into(),
                geometry,
            }),
            None if text == "memory" => Ok(Place::Memory),
            _ => Err("use memory, file:PATH or nats://HOST:PORT,…".to_owned()),
        }
    }
}

/// A store that is open. There is one in a process.
pub(crate) enum Store {
    Memory,
    File(Durability),
    Nats(Box<Nats>),
}

impl Store {
    /// Opens it, with the newest time that is in it. Of a bucket that is not known:
    /// each record tells when it is read.
    pub(crate) async fn open(
        place: &Place,
        settings: &Settings,
        configuration: &Configuration<'_>,
    ) -> Result<(Self, UnixTime), String> {
        let (path, geometry) = match place {
            Place::Memory => return Ok((Store::Memory, UnixTime(0))),
            Place::Nats(cluster) => {
                let nats = Nats::open(cluster, settings, configuration).await?;
                return Ok((Store::Nats(Box::new(nats)), UnixTime(0)));
            }
            Place::File { path, geometry } => (path, geometry),
        };
        let is_new = !path.exists();
        let mut store = lock(&FILE);
        let durability = open(&mut store, path, Some(geometry))?;
        // A slip in the path is a new store.
        info!(event = "store_opened", path = %path.display(), new = is_new);
        Ok((Store::File(durability), store.newest()))
    }

    /// Whether other gateways write to it too, over a network that is waited for.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self, Store::Nats(_))
    }

    /// What an exchange asks it through.
    pub(crate) const fn visit(&self) -> Visit<'_> {
        Visit::new(self)
    }

    /// Looks whether the store works again. A shared one is asked by its beat alone.
    pub(crate) fn probe(&self) -> Result<(), StoreUnavailable> {
        match self {
            Store::Memory => Ok(()),
            Store::Nats(_) => Err(StoreUnavailable),
            Store::File(durability) => {
                let resumed = in_file(|store| store.resume());
                resumed.map_err(|_| StoreUnavailable)?;
                durability.reached().map_err(|_| StoreUnavailable)
            }
        }
    }

    /// Tells every second whether a shared store works; never ends. Any other is
    /// only looked at when it is asked.
    pub(crate) async fn beat(&self, mut tell: impl FnMut(Result<(), StoreUnavailable>)) {
        let Store::Nats(nats) = self else { return };
        nats.keep_beating(&mut tell).await;
    }
}

/// Asks the store in the file, and logs that grants can not be read any more, once
/// for each of them.
fn in_file<T>(ask: impl FnOnce(&mut FlashStore<FileFlash, IN_FILE>) -> T) -> T {
    static TOLD: AtomicU16 = AtomicU16::new(0);
    let mut store = lock(&FILE);
    let answer = ask(&mut store);
    let spoiled = store.spoiled();
    if TOLD.swap(spoiled, Ordering::Relaxed) < spoiled {
        log::store_spoiled(spoiled);
    }
    answer
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
    let measures = geometry
        .unwrap_or(&Geometry::default())
        .suited(size, written);
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
