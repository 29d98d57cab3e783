//! The board's two lamps and two buttons, in the registers of its FPGA (AN386, section 4.4).

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType, InputPin, OutputPin, PinState, StatefulOutputPin};
use smallgate_firmware::devices::Lines;

use crate::machine::{self, Registers};

const PINS: Registers = machine::FPGAIO;
/// One bit a lamp.
const LED0: usize = 0x00;
/// One bit a button, set while it is pressed. QEMU has nobody who presses one.
const BUTTON: usize = 0x08;

/// How many lamps there are, and how many buttons.
const COUNT: usize = 2;

/// What devices can be at: outputs 0 and 1 are lamps, inputs 0 and 1 buttons.
pub type Pins = Lines<Lamp, Button, COUNT, COUNT>;

/// All of them; the lamps are dark. Whoever makes two of them has them switch the same lamps.
#[must_use]
pub fn pins() -> Pins {
    PINS.write(LED0, 0);
    Lines {
        outputs: [Lamp(1), Lamp(2)],
        inputs: [Button(1), Button(2)],
    }
}

/// A lamp, by its bit.
#[derive(Debug)]
pub struct Lamp(u32);

/// A button, by its bit.
#[derive(Debug)]
pub struct Button(u32);

impl ErrorType for Lamp {
    type Error = Infallible;
}

impl OutputPin for Lamp {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::Low)
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set_state(PinState::High)
    }

    fn set_state(&mut self, state: PinState) -> Result<(), Infallible> {
        // No interrupt touches this register.
        let others = PINS.read(LED0) & !self.0;
        let own = if state == PinState::High { self.0 } else { 0 };
        PINS.write(LED0, others | own);
        Ok(())
    }
}

impl StatefulOutputPin for Lamp {
    fn is_set_high(&mut self) -> Result<bool, Infallible> {
        Ok(PINS.read(LED0) & self.0 != 0)
    }

    fn is_set_low(&mut self) -> Result<bool, Infallible> {
        self.is_set_high().map(|is_high| !is_high)
    }
}

impl ErrorType for Button {
    type Error = Infallible;
}

impl InputPin for Button {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(PINS.read(BUTTON) & self.0 != 0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|is_high| !is_high)
    }
}
