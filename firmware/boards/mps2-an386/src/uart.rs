//! The UART that defmt's frames leave by.

use crate::machine::UART;

const CONTROL: usize = 0x08;
const DIVIDER: usize = 0x10;

/// Starts it, at 115,200 baud.
pub fn start() {
    const TRANSMIT: u32 = 1;
    const CYCLES_PER_BIT: u32 = 25_000_000 / 115_200;
    UART.write(DIVIDER, CYCLES_PER_BIT);
    UART.write(CONTROL, TRANSMIT);
}
