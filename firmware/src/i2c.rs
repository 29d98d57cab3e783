//! An I2C bus (UM10204) on two open-drain pins, driven bit by bit, for boards
//! without a controller for it.
//!
//! A transaction ends whatever the devices do: one that holds the clock down may
//! do so for [`STRETCH`] in all of it, one that holds the data down is clocked
//! until it lets go, or the bus is said to fail. This is the only controller on
//! the bus.
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

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

/// The two wires of a bus, each low as long as anybody holds it low.
pub trait Wires {
    /// Lets go of the clock, or holds it low.
    fn clock(&mut self, high: bool);
    /// Lets go of the data, or holds it low.
    fn data(&mut self, high: bool);
    /// Whether nobody holds the clock low.
    fn is_clock_high(&mut self) -> bool;
    /// Whether nobody holds the data low.
    fn is_data_high(&mut self) -> bool;
    /// Takes a quarter of a bit: 2.5 µs at 100 kHz.
    fn wait(&mut self);
}

/// How long devices may hold the clock down within a transaction, in quarters of
/// a bit: 1 ms at 100 kHz.
pub const STRETCH: u32 = 400;

/// Clocks that bring any device to let go of the data (UM10204 §3.1.16).
const CLEAR_CLOCKS: u32 = 9;

/// A bus on these wires.
#[derive(Debug)]
pub struct BitBanged<W> {
    wires: W,
    /// What is left of [`STRETCH`].
    patience: u32,
}

/// A device holds the clock down.
struct Stuck;

impl From<Stuck> for ErrorKind {
    fn from(_: Stuck) -> Self {
        ErrorKind::Bus
    }
}

impl<W: Wires> BitBanged<W> {
    /// A bus at rest. No wire is touched before a transaction, which begins by
    /// letting go of both: so a bus can stand in a `static`.
    #[must_use]
    pub const fn new(wires: W) -> Self {
        BitBanged { wires, patience: 0 }
    }

    fn hold_clock(&mut self) {
        self.wires.clock(false);
        self.wires.wait();
    }

    /// Lets go of the clock, and waits until all devices have.
    fn release_clock(&mut self) -> Result<(), Stuck> {
        self.wires.clock(true);
        self.wires.wait();
        while !self.wires.is_clock_high() {
            self.patience = self.patience.checked_sub(1).ok_or(Stuck)?;
            self.wires.wait();
        }
        Ok(())
    }

    fn data(&mut self, high: bool) {
        self.wires.data(high);
        self.wires.wait();
    }

    /// Both lines are high, or are brought to be.
    fn clear(&mut self) -> Result<(), ErrorKind> {
        self.patience = STRETCH;
        self.data(true);
        self.release_clock()?;
        for _ in 0..CLEAR_CLOCKS {
            if self.wires.is_data_high() {
                return Ok(());
            }
            self.hold_clock();
            self.release_clock()?;
        }
        match self.wires.is_data_high() {
            true => Ok(()),
            false => Err(ErrorKind::Bus),
        }
    }

    /// A start, or a repeated one.
    fn begin(&mut self) -> Result<(), Stuck> {
        self.data(true);
        self.release_clock()?;
        self.data(false);
        self.hold_clock();
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stuck> {
        self.data(false);
        self.release_clock()?;
        self.data(true);
        Ok(())
    }

    /// Drives the data line for a clock, and says what was on it.
    fn bit(&mut self, high: bool) -> Result<bool, Stuck> {
        self.data(high);
        self.release_clock()?;
        let was_high = self.wires.is_data_high();
        self.wires.wait();
        self.hold_clock();
        Ok(was_high)
    }

    fn send(&mut self, octet: u8, to: NoAcknowledgeSource) -> Result<(), ErrorKind> {
        for place in (0..8).rev() {
            self.bit(octet >> place & 1 != 0)?;
        }
        match self.bit(true)? {
            false => Ok(()),
            true => Err(ErrorKind::NoAcknowledge(to)),
        }
    }

    fn receive(&mut self, is_last: bool) -> Result<u8, Stuck> {
        let mut octet = 0;
        for _ in 0..8 {
            octet = octet << 1 | u8::from(self.bit(true)?);
        }
        self.bit(is_last)?;
        Ok(octet)
    }

    fn run(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut reading = None;
        let mut operations = operations.iter_mut().peekable();
        while let Some(operation) = operations.next() {
            let reads = matches!(operation, Operation::Read(_));
            // Operations of a kind follow each other without another start.
            if reading.replace(reads) != Some(reads) {
                self.begin()?;
                self.send(address << 1 | u8::from(reads), NoAcknowledgeSource::Address)?;
            }
            match operation {
                Operation::Write(octets) => {
                    for octet in &**octets {
                        self.send(*octet, NoAcknowledgeSource::Data)?;
                    }
                }
                Operation::Read(octets) => {
                    let goes_on = matches!(operations.peek(), Some(Operation::Read(_)));
                    let mut octets = octets.iter_mut().peekable();
                    while let Some(octet) = octets.next() {
                        *octet = self.receive(octets.peek().is_none() && !goes_on)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<W> ErrorType for BitBanged<W> {
    type Error = ErrorKind;
}

impl<W: Wires> I2c for BitBanged<W> {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        self.clear()?;
        let done = self.run(address, operations);
        let ended = self.end();
        done.and(ended.map_err(ErrorKind::from))
    }
}
