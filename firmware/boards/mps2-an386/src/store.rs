//! Where grants are kept: a 24C512 on the I2C bus, in sectors of 4 KiB, as the simulator's chip of
//! 64 KiB is if nobody says otherwise.

use smallgate_firmware::eeprom::Eeprom;
use smallgate_firmware::store::FlashStore;

use crate::i2c::{self, Bus};

/// The EEPROM.
pub type Chip = Eeprom<Bus, 0x50, 65_536, 4096>;

/// Grants on it.
pub type Grants = FlashStore<Chip, 256>;

/// What is on the EEPROM, not open yet: all zeros.
#[must_use]
pub const fn grants() -> Grants {
    FlashStore::new(Eeprom::new(i2c::bus()))
}
