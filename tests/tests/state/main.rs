//! The store of grants on flash: power cuts, room, and flash that fails.

mod ailing;
mod cuts;
mod durable;
mod eeprom;
mod failing;
mod file;
mod flash_store;
mod geometry;
mod grants;
mod hangup;
mod kill;
mod outage;
mod wear;
