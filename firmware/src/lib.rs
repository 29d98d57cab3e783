//! What every Smallgate board shares.
#![no_std]

#[cfg(feature = "app")]
pub mod app;
pub mod clock;
pub mod devices;
pub mod eeprom;
pub mod entropy;
pub mod events;
pub mod http;
pub mod i2c;
pub mod image;
#[cfg(feature = "net")]
pub mod net;
pub mod progress;
pub mod queue;
pub mod rtc;
pub mod sntp;
pub mod store;
pub mod vitals;
