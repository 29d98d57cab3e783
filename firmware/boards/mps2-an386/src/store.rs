//! Where grants are kept: a 24C512 on the I2C bus, in sectors of 4 KiB. The simulator's chip of 64 KiB
//! is the same with `--store-unit 128`.

use smallgate_firmware::eeprom::Eeprom;
use smallgate_firmware::store::FlashStore;

use crate::i2c::{self, Bus};

/// The EEPROM.
pub type Chip = Eeprom<Bus, 0x50, 65_536, 4096>;

/// Grants on it: room for 256, of which the chip keeps 232.
pub type Grants = FlashStore<Chip, 256>;

/// What is on the EEPROM, not open yet: all zeros.
#[must_use]
pub const fn grants() -> Grants {
    FlashStore::new(Eeprom::new(i2c::bus()))
}
