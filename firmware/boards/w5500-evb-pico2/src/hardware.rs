//! The RP2350's peripherals as the firmware wants them: each call is back after a bounded time,
//! whatever the hardware does.

use core::future::Future;
use core::pin::pin;
use core::task::Poll;

use defmt_rtt as _;
use embassy_futures::poll_once;
use embassy_rp::i2c::I2c;
use embassy_rp::otp;
use embassy_rp::peripherals::{I2C0, TRNG};
use embassy_rp::trng::Trng;
use embassy_time::{Duration, Instant};
use embedded_hal::i2c::{Error, ErrorKind, ErrorType, Operation};
use embedded_hal_async::i2c::I2c as AsyncI2c;
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
        // A hundred octets.
        const LONGEST: Duration = Duration::from_millis(10);
        let transaction = AsyncI2c::transaction(&mut self.0, address, operations);
        match within(LONGEST, transaction) {
            Some(done) => done.map_err(|error| error.kind()),
            None => Err(ErrorKind::Bus),
        }
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
