//! The I2C bus of the second shield: two pins of Arm's SBCon, in fast mode, 400 kHz at most.

use cortex_m::asm::delay;
use smallgate_firmware::i2c::{BitBanged, Wires};

use crate::machine::{self, Registers};

const PINS: Registers = machine::I2C;

/// What is written to the first sets pins, to the second clears them; the first reads both.
const SET: usize = 0;
const CLEAR: usize = 4;

const SCL: u32 = 1 << 0;
const SDA: u32 = 1 << 1;

/// Cycles of a quarter of a bit that are waited for. With what the pins take besides a bit is some
/// 70 instructions, hence 360 kHz at most: what is on this bus (DS1338, EMC1413, a 24C512) stands 400.
const QUARTER: u32 = 8;

/// The bus, or one of several that share its wires.
pub type Bus = BitBanged<Pins>;

/// Its pins.
#[derive(Debug)]
pub struct Pins(());

/// The bus. There may be two of it: a transaction begins and ends within one call, no interrupt
/// talks, and tasks take turns, so none comes into another.
#[must_use]
pub const fn bus() -> Bus {
    BitBanged::new(Pins(()))
}

fn drive(pin: u32, high: bool) {
    PINS.write(if high { SET } else { CLEAR }, pin);
}

// Not inlined: a test holds the wires low by putting another function in its place.
#[inline(never)]
fn is_high(pin: u32) -> bool {
    PINS.read(SET) & pin != 0
}

impl Wires for Pins {
    fn clock(&mut self, high: bool) {
        drive(SCL, high);
    }

    fn data(&mut self, high: bool) {
        drive(SDA, high);
    }

    fn is_clock_high(&mut self) -> bool {
        is_high(SCL)
    }

    fn is_data_high(&mut self) -> bool {
        is_high(SDA)
    }

    fn wait(&mut self) {
        delay(QUARTER);
    }
}
