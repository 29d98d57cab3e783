//! The I2C bus (UM10204): two open-drain pins, driven bit by bit.
//!
//! In standard mode, 100 kHz. No device here stretches the clock, and none but this is a controller.

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

/// The bus. There is one.
pub struct Bus(());

impl Bus {
    /// Both lines let go. Whoever makes two of them has them talk at once.
    #[must_use]
    pub fn start() -> Self {
        PINS.write(SET, SCL | SDA);
        Bus(())
    }

    fn pin(&mut self, pin: u32, high: bool) {
        PINS.write(if high { SET } else { CLEAR }, pin);
        delay(QUARTER);
    }

    /// A start, or a repeated one.
    fn begin(&mut self) {
        self.pin(SDA, true);
        self.pin(SCL, true);
        self.pin(SDA, false);
        self.pin(SCL, false);
    }

    fn end(&mut self) {
        self.pin(SDA, false);
        self.pin(SCL, true);
        self.pin(SDA, true);
    }

    /// Drives the data line for a clock, and says what was on it.
    fn bit(&mut self, high: bool) -> bool {
        self.pin(SDA, high);
        self.pin(SCL, true);
        let was_high = PINS.read(SET) & SDA != 0;
        delay(QUARTER);
        self.pin(SCL, false);
        was_high
    }

    fn send(&mut self, octet: u8, to: NoAcknowledgeSource) -> Result<(), ErrorKind> {
        for place in (0..8).rev() {
            self.bit(octet >> place & 1 != 0);
        }
        match self.bit(true) {
            false => Ok(()),
            true => Err(ErrorKind::NoAcknowledge(to)),
        }
    }

    fn receive(&mut self, is_last: bool) -> u8 {
        let octet = (0..8).fold(0, |octet, _| octet << 1 | u8::from(self.bit(true)));
        self.bit(is_last);
        octet
    }

    fn run(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut reading = None;
        let mut operations = operations.iter_mut().peekable();
        while let Some(operation) = operations.next() {
            let reads = matches!(operation, Operation::Read(_));
            // Operations of a kind follow each other without another start.
            if reading.replace(reads) != Some(reads) {
                self.begin();
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
                        *octet = self.receive(octets.peek().is_none() && !goes_on);
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
        self.end();
        done
    }
}
