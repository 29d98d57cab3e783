//! The RP2350's peripherals as the firmware wants them: each call is back after a bounded time,
//! whatever the hardware does.

use core::future::{Future, ready};
use core::pin::pin;
use core::task::Poll;

use defmt_rtt as _;
use embassy_futures::poll_once;
use embassy_rp::flash::{self, Blocking, Flash};
use embassy_rp::i2c::I2c;
use embassy_rp::otp;
use embassy_rp::peripherals::{FLASH, I2C0, TRNG};
use embassy_rp::trng::Trng;
use embassy_time::{Duration, Instant};
use embedded_hal::i2c::{Error, ErrorKind, ErrorType, Operation};
use embedded_hal_async::i2c::I2c as AsyncI2c;
use embedded_storage_async::nor_flash::{self, NorFlash, ReadNorFlash};
use smallgate_firmware::entropy::{EntropyFailed, EntropySource};

/// The chip's source of noise, conditioned: two milliseconds for 24 octets.
pub(crate) struct Noise(pub(crate) Trng<'static, TRNG>);

impl EntropySource for Noise {
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
        // Ten times what 512 octets take.
        const LONGEST: Duration = Duration::from_millis(500);
        within(LONGEST, self.0.fill_bytes(octets)).ok_or(EntropyFailed::NoOctets)
    }
}

/// The I2C bus of devices, at 100 kHz.
pub(crate) struct Bus(pub(crate) I2c<'static, I2C0, embassy_rp::i2c::Async>);

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl embedded_hal::i2c::I2c for Bus {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        // A page of an EEPROM, 128 octets and three of addresses, takes 12 ms.
        const LONGEST: Duration = Duration::from_millis(20);
        let transaction = AsyncI2c::transaction(&mut self.0, address, operations);
        match within(LONGEST, transaction) {
            Some(done) => done.map_err(|error| error.kind()),
            None => Err(ErrorKind::Bus),
        }
    }
}

/// The chip's flash, whose region `STORE` of `memory.x` is a flash of its own here.
pub(crate) struct Region(pub(crate) Flash<'static, FLASH, Blocking, { 2 * 1024 * 1024 }>);

impl Region {
    /// Where it begins, from the flash's start.
    const START: u32 = 0x11_0000;
    const SIZE: u32 = 64 * 1024;

    /// The flash's own offset, if so much is within the region: the program is next to it.
    fn at(offset: u32, length: usize) -> Result<u32, flash::Error> {
        let length = u32::try_from(length).ok();
        let end = length.and_then(|length| offset.checked_add(length));
        end.filter(|end| *end <= Self::SIZE)
            .and_then(|_| offset.checked_add(Self::START))
            .ok_or(flash::Error::OutOfBounds)
    }
}

impl nor_flash::ErrorType for Region {
    type Error = flash::Error;
}

impl ReadNorFlash for Region {
    const READ_SIZE: usize = 1;

    fn read(
        &mut self,
        offset: u32,
        octets: &mut [u8],
    ) -> impl Future<Output = Result<(), flash::Error>> {
        let at = Self::at(offset, octets.len());
        ready(at.and_then(|at| self.0.blocking_read(at, octets)))
    }

    fn capacity(&self) -> usize {
        64 * 1024
    }
}

/// Nothing else runs while the flash is written to, interrupts neither: the program is in it.
impl NorFlash for Region {
    // The controller could write one; a store's cells are the same on every board so.
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = flash::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> impl Future<Output = Result<(), flash::Error>> {
        let ends = Self::at(from, 0).and_then(|from| Ok((from, Self::at(to, 0)?)));
        ready(ends.and_then(|(from, to)| self.0.blocking_erase(from, to)))
    }

    fn write(
        &mut self,
        offset: u32,
        octets: &[u8],
    ) -> impl Future<Output = Result<(), flash::Error>> {
        let at = Self::at(offset, octets.len());
        ready(at.and_then(|at| self.0.blocking_write(at, octets)))
    }
}

/// What `operation` yields, if that is within `time`. Nothing else runs meanwhile.
fn within<T>(time: Duration, operation: impl Future<Output = T>) -> Option<T> {
    let mut operation = pin!(operation);
    let begun = Instant::now();
    while begun.elapsed() < time {
        if let Poll::Ready(done) = poll_once(operation.as_mut()) {
            return Some(done);
        }
    }
    None
}

/// An address for the network that no other board has: of the chip's serial number, and marked as
/// given by whoever runs the network, not by a manufacturer (IEEE 802, 8.4).
pub(crate) fn address() -> Option<[u8; 6]> {
    const LOCAL: u8 = 0x02;
    let [_, _, _, a, b, c, d, e] = otp::get_chipid().ok()?.to_be_bytes();
    Some([LOCAL, a, b, c, d, e])
}
