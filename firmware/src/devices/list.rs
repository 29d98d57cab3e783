//! Where devices are listed: in an image, which is read in place, or in a slice.

use super::Device;
use crate::image::PackedDevices;

/// Devices, in the order of the configuration.
#[derive(Clone)]
pub struct DeviceList<'d>(Source<'d>);

#[derive(Clone)]
enum Source<'d> {
    Image(PackedDevices<'d>),
    Slice(core::slice::Iter<'d, Device<'d>>),
}

impl<'d> From<PackedDevices<'d>> for DeviceList<'d> {
    fn from(devices: PackedDevices<'d>) -> Self {
        DeviceList(Source::Image(devices))
    }
}

impl<'d> From<&'d [Device<'d>]> for DeviceList<'d> {
    fn from(devices: &'d [Device<'d>]) -> Self {
        DeviceList(Source::Slice(devices.iter()))
    }
}

impl<'d> Iterator for DeviceList<'d> {
    type Item = Device<'d>;

    fn next(&mut self) -> Option<Device<'d>> {
        match &mut self.0 {
            Source::Image(devices) => devices.next(),
            Source::Slice(devices) => devices.next().copied(),
        }
    }
}
