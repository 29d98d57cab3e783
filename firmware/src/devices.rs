//! Devices behind tokens: sensors, outputs and inputs over `embedded-hal`.
//!
//! | request | scope, unless configured otherwise | answer |
//! | --- | --- | --- |
//! | `GET /devices` | `read` | `{"devices":[…]}`: those that the token may read |
//! | `GET /devices/NAME` | `read` | `{"name":"cellar","kind":"temperature","value":21.5,"unit":"Cel","age":0}` |
//! | `PUT /devices/NAME` with `{"value":true}` | `write` | the same, after it was done |
//!
//! The token comes first: whoever has none is told nothing, not even which
//! devices there are. A device that fails is 502, and in the list has `error`
//! and no `value`; the others are there all the same.
//!
//! No request waits for a bus. Sensors are read one after another by whoever
//! owns the bus, once in [`INTERVAL`] seconds, with [`sample`]; a request gets
//! the last reading and its age, and after [`STALE`] seconds an error. So a
//! sensor that is slow or hangs its bus delays no answer. Pins are looked at when
//! they are asked for.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod ask;
mod emc1413;
mod list;
mod pins;

use core::cell::RefCell;
use core::fmt;

use embedded_hal::i2c::I2c;
use smallgate_core::codec::json::Writer;

pub use ask::Ask;
pub use emc1413::{Celsius, Emc1413};
pub use list::DeviceList;
pub use pins::{Lines, NoPins, Pins};

/// How often sensors are read, in seconds.
pub const INTERVAL: u32 = 1;

/// A reading that is older than this, in seconds, is none.
pub const STALE: u32 = 5;

/// The most devices.
pub const MAX_DEVICES: usize = 8;

/// A device, as it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device<'a> {
    /// What it is called in paths: 1 to 32 of `a-z 0-9 - _`.
    pub name: &'a str,
    /// What it is, and where.
    pub kind: Kind,
    /// The scopes that it takes to read it, separated by spaces; none of them
    /// for any good token.
    pub read: &'a str,
    /// The scopes that it takes to write it.
    pub write: &'a str,
}

/// What a device is, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An [`Emc1413`] on the I2C bus.
    Emc1413 {
        /// Its address of 7 bits.
        address: u8,
    },
    /// A relay, a lamp.
    Output(Pin),
    /// A button, a contact.
    Input(Pin),
}

/// A pin, by the number that its board gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The number, from 0.
    pub number: u8,
    /// It is on when the pin is low.
    pub active_low: bool,
}

/// Why a device has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// Nobody answers at its address.
    Absent,
    /// Its bus fails: a line is stuck, or a pin can not be driven.
    Bus,
    /// It says what no such device says.
    Nonsense,
    /// It was not heard of for [`STALE`] seconds: its bus hangs.
    Silent,
    /// The board has no such pin.
    NoPin,
}

impl Fault {
    /// A sentence about it.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Fault::Absent => "The device does not answer.",
            Fault::Bus => "The device's bus fails.",
            Fault::Nonsense => "The device says nothing that makes sense.",
            Fault::Silent => "The device was not heard of for some time.",
            Fault::NoPin => "The board has no such pin.",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

impl core::error::Error for Fault {}

impl Device<'_> {
    /// Whether it can be.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let is_name = |octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let is_there = match self.kind {
            // The others are reserved (UM10204 §3.1.12).
            Kind::Emc1413 { address } => (0x08..=0x77).contains(&address),
            Kind::Output(_) | Kind::Input(_) => true,
        };
        (1..=32).contains(&self.name.len()) && self.name.bytes().all(is_name) && is_there
    }

    /// What it is, in an answer.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Emc1413 { .. } => "temperature",
            Kind::Output(_) => "output",
            Kind::Input(_) => "input",
        }
    }
}

/// The devices of a board, and what is known of them.
pub struct Devices<'d, P> {
    list: DeviceList<'d>,
    samples: [Sample; MAX_DEVICES],
    pins: P,
}

/// The last that was heard of a sensor.
#[derive(Clone, Copy)]
struct Sample {
    /// In seconds since the board started.
    at: u32,
    reading: Result<Celsius, Fault>,
}

/// What a device shows.
enum Value {
    Temperature { reading: Celsius, age: u32 },
    State(bool),
}

impl<'d, P: Pins> Devices<'d, P> {
    /// Of the sensors nothing is known yet, and the outputs are off: one that is
    /// on when its pin is low would not be by itself.
    #[must_use]
    pub fn new(list: DeviceList<'d>, mut pins: P) -> Self {
        const UNKNOWN: Sample = Sample {
            at: 0,
            reading: Err(Fault::Silent),
        };
        for device in list.clone() {
            if let Kind::Output(pin) = device.kind {
                // Who can not be driven says so when asked.
                let _ = pins.set(pin.number, pin.active_low);
            }
        }
        Devices {
            list,
            samples: [UNKNOWN; MAX_DEVICES],
            pins,
        }
    }

    /// All of them, in the order of the configuration.
    #[must_use]
    pub fn list(&self) -> DeviceList<'d> {
        self.list.clone()
    }

    /// The pins that they are at.
    pub const fn pins(&mut self) -> &mut P {
        &mut self.pins
    }

    /// The device at this position.
    fn at(&self, position: u8) -> Option<Device<'d>> {
        self.list().nth(position.into())
    }

    /// Takes what [`sample`] found of the sensor at `position`, at `uptime`
    /// seconds since the start. Says how it is, if that changed.
    pub fn note(
        &mut self,
        position: u8,
        reading: Result<Celsius, Fault>,
        uptime: u32,
    ) -> Option<Result<(), Fault>> {
        let sample = self.samples.get_mut(usize::from(position))?;
        let before = sample.reading.map(|_| ());
        *sample = Sample {
            at: uptime,
            reading,
        };
        let after = reading.map(|_| ());
        (before != after).then_some(after)
    }

    fn value(&mut self, position: u8, device: &Device<'_>, uptime: u32) -> Result<Value, Fault> {
        match device.kind {
            Kind::Emc1413 { .. } => {
                let sample = self.samples.get(usize::from(position));
                let Sample { at, reading } = *sample.ok_or(Fault::Silent)?;
                let age = uptime.saturating_sub(at);
                match age <= STALE {
                    true => reading.map(|reading| Value::Temperature { reading, age }),
                    false => Err(Fault::Silent),
                }
            }
            Kind::Output(pin) => {
                let is_high = self.pins.is_set_high(pin.number)?;
                Ok(Value::State(is_high != pin.active_low))
            }
            Kind::Input(pin) => {
                let is_high = self.pins.is_high(pin.number)?;
                Ok(Value::State(is_high != pin.active_low))
            }
        }
    }

    /// Switches an output.
    fn switch(&mut self, device: &Device<'_>, on: bool) -> Result<(), Fault> {
        match device.kind {
            Kind::Output(pin) => self.pins.set(pin.number, on != pin.active_low),
            Kind::Input(_) | Kind::Emc1413 { .. } => Err(Fault::NoPin),
        }
    }
}

/// Reads a sensor; `None` if `device` is none. It takes as long as the bus does:
/// three or four short transactions, each below a millisecond at 100 kHz.
pub fn sample(device: &Device<'_>, bus: &mut impl I2c) -> Option<Result<Celsius, Fault>> {
    match device.kind {
        Kind::Emc1413 { address } => Some(Emc1413::new(bus, address).read()),
        Kind::Output(_) | Kind::Input(_) => None,
    }
}

/// Reads the sensor at `position`, if one is there, for devices that the tasks
/// of one executor share. `changed` is told its name and how it is, if that is
/// not as it was. False after the last device.
pub fn tend<P: Pins>(
    devices: &RefCell<Devices<'_, P>>,
    position: u8,
    bus: &mut impl I2c,
    uptime: u32,
    changed: fn(&str, Result<(), Fault>),
) -> bool {
    let device = devices.try_borrow().ok().and_then(|all| all.at(position));
    let Some(device) = device else {
        return false;
    };
    if let Some(reading) = sample(&device, bus)
        && let Ok(mut devices) = devices.try_borrow_mut()
        && let Some(health) = devices.note(position, reading, uptime)
    {
        changed(device.name, health);
    }
    true
}

impl Value {
    fn write(&self, json: &mut Writer<'_>) {
        match self {
            Value::Temperature { reading, age } => {
                let mut text = [0; Celsius::LENGTH];
                json.member_raw("value", reading.text(&mut text));
                // "Cel" is degrees Celsius in RFC 8428 §12.1.
                json.member_text("unit", "Cel");
                json.member_u64("age", (*age).into());
            }
            Value::State(on) => json.member_bool("value", *on),
        }
    }
}
