//! The store of grants on flash: power cuts, room, and flash that fails.

mod cuts;
mod eeprom;
mod file;
mod flash_store;
mod kill;
mod outage;
