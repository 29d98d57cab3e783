//! The CMSDK watchdog, which resets the board when it was not fed for 20 s.
//!
//! It counts down from 10 s. At the first zero it interrupts, by an NMI that
//! nobody here handles: the board stands still from then on. At the second one
//! it resets.

use crate::machine::{Registers, WATCHDOG};

const LOAD: usize = 0x000;
const CONTROL: usize = 0x008;
const CLEAR: usize = 0x00C;
const LOCK: usize = 0xC00;

/// 10 s at 25 MHz.
const CYCLES: u32 = 250_000_000;

/// It counts, and it resets.
const COUNTS_AND_RESETS: u32 = 0b11;

/// Whoever writes this may write the other registers, until anything else is
/// written.
const KEY: u32 = 0x1ACC_E551;

/// Starts it.
pub fn start() {
    unlocked(|watchdog| {
        watchdog.write(LOAD, CYCLES);
        watchdog.write(CONTROL, COUNTS_AND_RESETS);
    });
}

/// Has it begin anew.
pub fn feed() {
    unlocked(|watchdog| watchdog.write(CLEAR, 1));
}

/// A program that runs wild does not feed it by chance.
fn unlocked(write: impl FnOnce(Registers)) {
    WATCHDOG.write(LOCK, KEY);
    write(WATCHDOG);
    WATCHDOG.write(LOCK, 0);
}
