//! A flash chip in a file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Error, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

use crate::whole;

/// What erased flash reads as.
const BLANK: u8 = 0xFF;

/// The least that is erased at once; a store may take more at once.
const ERASED: u64 = 256;

/// A chip that programs and erases what a store's measures say.
pub(crate) struct FileFlash(Option<Chip>);

struct Chip {
    shared: Arc<Shared>,
    size: u64,
}

/// What a chip and those who wait for it have in common.
struct Shared {
    file: File,
    /// Counts up with each write.
    written: AtomicU64,
    progress: Mutex<Progress>,
    changed: Condvar,
}

struct Progress {
    /// The writes up to this are on the disk.
    durable: u64,
    /// Somebody brings more there.
    is_syncing: bool,
    /// What was not brought there may be lost: nothing is promised any more.
    has_failed: bool,
}

/// Says when what was written is on the disk.
pub(crate) struct Durability(Arc<Shared>);

/// The file fails.
#[derive(Debug)]
pub(crate) struct Failed;

impl NorFlashError for Failed {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl From<Error> for Failed {
    fn from(_: Error) -> Self {
        Failed
    }
}

impl FileFlash {
    /// No chip: all that is asked of it fails.
    pub(crate) const NONE: FileFlash = FileFlash(None);

    /// Opens the chip in the file at `path`, or makes one of `size` octets;
    /// without a size it is read and not written. Nobody else can open it then.
    pub(crate) fn open(path: &Path, size: Option<u64>) -> io::Result<(Self, Durability)> {
        if let Some(size) = size
            && !path.try_exists()?
        {
            make(path, size)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(size.is_some())
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::other("another process has it open"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let found = file.metadata()?.len();
        if !found.is_multiple_of(ERASED) || found > u64::from(u32::MAX) {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "no chip is of this size",
            ));
        }
        let shared = Arc::new(Shared {
            file,
            written: AtomicU64::new(0),
            progress: Mutex::new(Progress {
                durable: 0,
                is_syncing: false,
                has_failed: false,
            }),
            changed: Condvar::new(),
        });
        let chip = Chip {
            shared: Arc::clone(&shared),
            size: found,
        };
        Ok((FileFlash(Some(chip)), Durability(shared)))
    }

    /// The octets of the chip.
    pub(crate) fn size(&self) -> u64 {
        self.0.as_ref().map_or(0, |chip| chip.size)
    }

    fn chip(&self) -> Result<&Chip, Failed> {
        self.0.as_ref().ok_or(Failed)
    }
}

/// Makes a chip as it leaves the factory.
fn make(path: &Path, size: u64) -> io::Result<()> {
    let blank = [BLANK; ERASED as usize];
    let fill = |file: &mut File| (0..size / ERASED).try_for_each(|_| file.write_all(&blank));
    match whole::write(path, false, fill) {
        // Somebody else was faster, and who locks it first has it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

impl Chip {
    fn read_at(&self, offset: u32, octets: &mut [u8]) -> io::Result<()> {
        let mut file = &self.shared.file;
        file.seek(SeekFrom::Start(u64::from(offset)))?;
        file.read_exact(octets)
    }

    fn write_at(&self, offset: u32, octets: &[u8]) -> io::Result<()> {
        let mut file = &self.shared.file;
        file.seek(SeekFrom::Start(u64::from(offset)))?;
        let done = file.write_all(octets);
        // Counted when it is over, or somebody else's fdatasync would be taken for
        // its own; also if it failed, since some of it may be written.
        self.shared.written.fetch_add(1, Ordering::SeqCst);
        done
    }
}

impl ErrorType for FileFlash {
    type Error = Failed;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), Failed> {
        Ok(self.chip()?.read_at(offset, octets)?)
    }

    fn capacity(&self) -> usize {
        usize::try_from(self.size()).unwrap_or(usize::MAX)
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = ERASED as usize;

    /// What was written before is on the disk before anything is erased, since
    /// it may be what makes this sector's records dead; and the erasure is there
    /// before anything is written to it.
    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Failed> {
        let chip = self.chip()?;
        chip.shared.reach()?;
        let length = to.checked_sub(from).ok_or(Failed)?;
        chip.write_at(from, &vec![BLANK; length as usize])?;
        Ok(chip.shared.reach()?)
    }

    /// Programming makes zeros, and no ones.
    async fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), Failed> {
        let chip = self.chip()?;
        let mut programmed = vec![BLANK; octets.len()];
        chip.read_at(offset, &mut programmed)?;
        for (old, new) in programmed.iter_mut().zip(octets) {
            *old &= new;
        }
        Ok(chip.write_at(offset, &programmed)?)
    }
}

impl Durability {
    /// Waits until all that was written before is on the disk. One of those who
    /// wait brings it there, for all of them.
    pub(crate) fn reached(&self) -> io::Result<()> {
        let target = self.0.written.load(Ordering::SeqCst);
        match self.0.is_durable(target) {
            true => Ok(()),
            // Other requests go on meanwhile.
            false => tokio::task::block_in_place(|| self.0.reach()),
        }
    }
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_durable(&self, target: u64) -> bool {
        let progress = self.progress();
        progress.durable >= target && !progress.has_failed
    }

    fn reach(&self) -> io::Result<()> {
        let target = self.written.load(Ordering::SeqCst);
        let mut progress = self.progress();
        loop {
            if progress.has_failed {
                return Err(Error::other("what was written did not reach the disk"));
            }
            if progress.durable >= target {
                return Ok(());
            }
            if progress.is_syncing {
                progress = self
                    .changed
                    .wait(progress)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            progress.is_syncing = true;
            drop(progress);
            let covered = self.written.load(Ordering::SeqCst);
            let outcome = self.file.sync_data();
            progress = self.progress();
            progress.is_syncing = false;
            match outcome {
                Ok(()) => progress.durable = progress.durable.max(covered),
                Err(_) => progress.has_failed = true,
            }
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody else's fdatasync begins, and ends, while a long write goes on.
    #[test]
    fn r30_a_write_that_goes_on_is_not_durable() {
        const LENGTH: usize = 1 << 26;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chip");
        let (flash, durability) = FileFlash::open(&path, Some(LENGTH as u64)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let octets = vec![0; LENGTH];
                flash.chip().unwrap().write_at(0, &octets).unwrap();
            });
            while !durability.0.is_durable(1) {
                durability.0.reach().unwrap();
            }
            let mut file = File::open(&path).unwrap();
            file.seek(SeekFrom::End(-1)).unwrap();
            let mut last = [BLANK];
            file.read_exact(&mut last).unwrap();
            assert_eq!(last, [0], "all of it is there");
        });
    }
}
