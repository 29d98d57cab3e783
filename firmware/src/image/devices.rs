//! Devices in an image.

use core::fmt;

use smallgate_core::scope::ScopeNames;

use super::entries::{Entries, Entry};
use super::error::{ImageError, Place};
use super::fields::Reader;
use super::kind;
use crate::devices::{Device, Kind, MAX_DEVICES, Pin};

/// The devices of an image, which are read there.
#[derive(Clone, Copy)]
pub struct PackedDevices<'a>(Entries<'a, Device<'a>>);

impl<'a> PackedDevices<'a> {
    pub(super) fn read(from: &mut Reader<'a>, scopes: &ScopeNames<'_>) -> Result<Self, ImageError> {
        let mut names = heapless::Vec::<&str, MAX_DEVICES>::new();
        let are_known = |rule: &str| rule.is_empty() || scopes.parse(rule).is_ok();
        let good = |device: &Device<'a>| {
            device.is_possible()
                && are_known(device.read)
                && are_known(device.write)
                && !names.contains(&device.name)
                && names.push(device.name).is_ok()
        };
        let devices = Entries::read(from, MAX_DEVICES, Place::Devices, Place::Device, good)?;
        Ok(PackedDevices(devices))
    }
}

impl<'a> Iterator for PackedDevices<'a> {
    type Item = Device<'a>;

    fn next(&mut self) -> Option<Device<'a>> {
        self.0.next()
    }
}

impl fmt::Debug for PackedDevices<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedDevices({})", self.0.count_left())
    }
}

impl<'a> Entry<'a> for Device<'a> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let name = from.text()?;
        let sort = from.u8()?;
        let number = from.u8()?;
        let active_low = from.flag()?;
        let pin = Pin { number, active_low };
        let kind = match sort {
            kind::EMC1413 if !active_low => Kind::Emc1413 { address: number },
            kind::OUTPUT => Kind::Output(pin),
            kind::INPUT => Kind::Input(pin),
            _ => return None,
        };
        Some(Device {
            name,
            kind,
            read: from.text()?,
            write: from.text()?,
        })
    }
}
