//! The EEPROM that keeps a board's grants: a file of its 65,536 octets, which
//! QEMU writes to at the end of each transaction.

use std::path::{Path, PathBuf};
use std::process::Command;

use smallgate_firmware::store::FlashStore;

use crate::powercut::Model;

/// How many octets it has.
pub const SIZE: usize = 65_536;
/// Where it is on the bus.
const ADDRESS: u8 = 0x50;

/// What a board keeps on it, over a file's octets.
pub type Grants = FlashStore<Model<128, 4096>, 256>;

/// What is behind a machine's EEPROM.
#[derive(Clone, Debug)]
pub enum Eeprom {
    /// Nobody answers at its address.
    Absent,
    /// A chip that goes with the machine, and on which a store was begun.
    Begun,
    /// A file that stays, of [`SIZE`] octets. While a machine has it, nobody else
    /// should.
    File(PathBuf),
}

impl Eeprom {
    /// The file, made in `folder` if it goes with the machine.
    pub(super) fn file(&self, folder: &Path) -> std::io::Result<Option<PathBuf>> {
        match self {
            Eeprom::Absent => Ok(None),
            Eeprom::Begun => {
                let file = folder.join("eeprom.bin");
                std::fs::write(&file, begun())?;
                Ok(Some(file))
            }
            Eeprom::File(file) => Ok(Some(file.clone())),
        }
    }
}

/// A chip as it leaves the factory.
#[must_use]
pub fn blank() -> Vec<u8> {
    vec![0xFF; SIZE]
}

/// A chip on which a store was begun: a board need not look whether all of it is
/// blank.
///
/// # Panics
///
/// The store does not take it.
#[must_use]
pub fn begun() -> Vec<u8> {
    let mut store = Grants::new(Model::holding(blank()));
    store.open().expect("a blank chip opens");
    store.flash().octets().to_vec()
}

/// What QEMU is told of it.
pub(super) fn attach(command: &mut Command, file: &Path) {
    // A comma would begin another option.
    let path = file.display().to_string().replace(',', ",,");
    command
        .arg("-drive")
        .arg(format!("if=none,id=eeprom,format=raw,file={path}"))
        .arg("-device")
        .arg(format!(
            "at24c-eeprom,address={ADDRESS:#x},rom-size={SIZE},drive=eeprom"
        ));
}
