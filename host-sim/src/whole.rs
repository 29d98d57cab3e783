//! Files that are there whole or not at all.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// Makes a file that only its owner may read, and has it filled. It has its name
/// once all of it is on the disk, in the place of another one if that `replaces`
/// it.
///
/// # Errors
///
/// It can not be made, or another one has its name: then nothing is left of it.
pub(crate) fn write(
    path: &Path,
    replaces: bool,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all()?;
    match replaces {
        true => file.persist(path)?,
        false => file.persist_noclobber(path)?,
    };
    // Its name has to be on the disk too; elsewhere a folder is no file.
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}
