//! Pins by number: what a configuration can name.

use embedded_hal::digital::{InputPin, StatefulOutputPin};

use super::Fault;

/// A board's pins for devices, outputs and inputs each by a number from 0.
pub trait Pins {
    /// Drives an output.
    ///
    /// # Errors
    ///
    /// There is none of that number, or it can not be driven.
    fn set(&mut self, output: u8, high: bool) -> Result<(), Fault>;

    /// Whether an output is driven high.
    ///
    /// # Errors
    ///
    /// There is none of that number, or it does not tell.
    fn is_set_high(&mut self, output: u8) -> Result<bool, Fault>;

    /// Whether an input is high.
    ///
    /// # Errors
    ///
    /// There is none of that number, or it does not tell.
    fn is_high(&mut self, input: u8) -> Result<bool, Fault>;
}

/// Pins of `embedded-hal`.
#[derive(Debug)]
pub struct Lines<O, I, const OUTPUTS: usize, const INPUTS: usize> {
    /// The outputs, in the order of their numbers.
    pub outputs: [O; OUTPUTS],
    /// The inputs.
    pub inputs: [I; INPUTS],
}

impl<O, I, const OUTPUTS: usize, const INPUTS: usize> Pins for Lines<O, I, OUTPUTS, INPUTS>
where
    O: StatefulOutputPin,
    I: InputPin,
{
    fn set(&mut self, output: u8, high: bool) -> Result<(), Fault> {
        let pin = one(&mut self.outputs, output)?;
        pin.set_state(high.into()).map_err(|_| Fault::Bus)
    }

    fn is_set_high(&mut self, output: u8) -> Result<bool, Fault> {
        let pin = one(&mut self.outputs, output)?;
        pin.is_set_high().map_err(|_| Fault::Bus)
    }

    fn is_high(&mut self, input: u8) -> Result<bool, Fault> {
        let pin = one(&mut self.inputs, input)?;
        pin.is_high().map_err(|_| Fault::Bus)
    }
}

fn one<T>(pins: &mut [T], number: u8) -> Result<&mut T, Fault> {
    pins.get_mut(usize::from(number)).ok_or(Fault::NoPin)
}

/// A board without any.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPins;

impl Pins for NoPins {
    fn set(&mut self, _: u8, _: bool) -> Result<(), Fault> {
        Err(Fault::NoPin)
    }

    fn is_set_high(&mut self, _: u8) -> Result<bool, Fault> {
        Err(Fault::NoPin)
    }

    fn is_high(&mut self, _: u8) -> Result<bool, Fault> {
        Err(Fault::NoPin)
    }
}
