//! The I2C bus (UM10204): two open-drain pins, driven bit by bit.
//!
//! In standard mode, 100 kHz, with this as the only controller. A transaction ends whatever the
//! devices do: one that holds the clock down may do so for [`STRETCH`] in all of it, one that holds
//! the data down is clocked until it lets go, or the bus is said to fail.

use cortex_m::asm::delay;
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

use crate::machine::{self, Registers};

const PINS: Registers = machine::I2C;

/// What is written to the first sets pins, to the second clears them; the first reads both.
const SET: usize = 0;
const CLEAR: usize = 4;

const SCL: u32 = 1 << 0;
const SDA: u32 = 1 << 1;

/// Cycles of a quarter of a bit: 2.5 µs at 25 MHz.
const QUARTER: u32 = 63;

/// How long the clock may be held down within a transaction, in quarters of a bit: 1 ms.
const STRETCH: u32 = 400;

/// Clocks that bring any device to let go of the data (UM10204 §3.1.16).
const CLEAR_CLOCKS: u32 = 9;

/// The bus. There is one.
pub struct Bus {
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

impl Bus {
    /// Both lines let go. Whoever makes two of them has them talk at once.
    #[must_use]
    pub fn start() -> Self {
        PINS.write(SET, SCL | SDA);
        Bus { patience: 0 }
    }

    fn pin(&mut self, pin: u32, high: bool) {
        PINS.write(if high { SET } else { CLEAR }, pin);
        delay(QUARTER);
    }

    fn is_high(&self, pin: u32) -> bool {
        PINS.read(SET) & pin != 0
    }

    /// Lets go of the clock, and waits until all devices have.
    fn release_clock(&mut self) -> Result<(), Stuck> {
        self.pin(SCL, true);
        while !self.is_high(SCL) {
            self.patience = self.patience.checked_sub(1).ok_or(Stuck)?;
            delay(QUARTER);
        }
        Ok(())
    }

    /// Both lines are high, or are brought to be.
    fn clear(&mut self) -> Result<(), ErrorKind> {
        self.patience = STRETCH;
        self.pin(SDA, true);
        self.release_clock()?;
        for _ in 0..CLEAR_CLOCKS {
            if self.is_high(SDA) {
                return Ok(());
            }
            self.pin(SCL, false);
            self.release_clock()?;
        }
        self.end()?;
        match self.is_high(SDA) {
            true => Ok(()),
            false => Err(ErrorKind::Bus),
        }
    }

    /// A start, or a repeated one.
    fn begin(&mut self) -> Result<(), Stuck> {
        self.pin(SDA, true);
        self.release_clock()?;
        self.pin(SDA, false);
        self.pin(SCL, false);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stuck> {
        self.pin(SDA, false);
        self.release_clock()?;
        self.pin(SDA, true);
        Ok(())
    }

    /// Drives the data line for a clock, and says what was on it.
    fn bit(&mut self, high: bool) -> Result<bool, Stuck> {
        self.pin(SDA, high);
        self.release_clock()?;
        let was_high = self.is_high(SDA);
        delay(QUARTER);
        self.pin(SCL, false);
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
        self.clear()?;
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

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        let done = self.run(address, operations);
        let ended = self.end();
        done.and(ended.map_err(ErrorKind::from))
    }
}
