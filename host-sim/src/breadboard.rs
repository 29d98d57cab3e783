//! What a board would be wired to, simulated: an I2C bus with sensors, pins. The
//! firmware's devices are on it, and `/sim/…` turns it.

use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use embedded_hal::digital::{self, InputPin, OutputPin, StatefulOutputPin};
use embedded_hal::i2c::{self, ErrorKind, I2c, NoAcknowledgeSource, Operation};
use smallgate_firmware::devices::{Celsius, Device, Kind, Lines};

use crate::config::LAST_PIN;

/// How many outputs there are, and how many inputs.
const PINS: usize = LAST_PIN as usize + 1;

/// What it is at the start: 21.5 degrees.
const MILD: Celsius = Celsius::of_eighths(172);

/// How long a transaction hangs at most.
const HANGING: Duration = Duration::from_secs(60);

/// The parts, for whoever turns them and for the devices.
#[derive(Clone, Default)]
pub(crate) struct Breadboard(Arc<Parts>);

#[derive(Default)]
struct Parts {
    state: Mutex<State>,
    /// The bus changed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    sensors: Vec<Sensor>,
    bus: BusState,
    outputs: [bool; PINS],
    inputs: [bool; PINS],
}

/// How the bus is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BusState {
    #[default]
    Works,
    /// Every transaction fails at once.
    Broken,
    /// Every transaction waits until the bus is another one.
    Hangs,
}

/// An EMC1413.
struct Sensor {
    address: u8,
    is_there: bool,
    temperature: Celsius,
    pointer: u8,
    configuration: u8,
}

/// The pins, as the devices have them.
pub(crate) type SimulatedLines = Lines<Output, Input, PINS, PINS>;

/// What a thing shows, or is to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    Temperature(Celsius),
    State(bool),
    /// It is not plugged in.
    Nothing,
}

impl Breadboard {
    /// With all that `devices` need.
    pub(crate) fn of(devices: &[Device<'_>]) -> Self {
        let breadboard = Breadboard::default();
        let mut state = breadboard.state();
        for device in devices {
            match device.kind {
                Kind::Emc1413 { address } => state.sensors.push(Sensor {
                    address,
                    is_there: true,
                    temperature: MILD,
                    pointer: 0,
                    configuration: 0,
                }),
                // Nobody presses it.
                Kind::Input(pin) => {
                    if let Some(level) = state.inputs.get_mut(usize::from(pin.number)) {
                        *level = pin.active_low;
                    }
                }
                Kind::Output(_) => {}
            }
        }
        drop(state);
        breadboard
    }

    /// The bus. As many of it as are wanted talk in turn.
    pub(crate) fn bus(&self) -> Bus {
        Bus(self.clone())
    }

    /// All pins.
    pub(crate) fn lines(&self) -> SimulatedLines {
        Lines {
            outputs: std::array::from_fn(|number| Output(self.clone(), number)),
            inputs: std::array::from_fn(|number| Input(self.clone(), number)),
        }
    }

    pub(crate) fn bus_state(&self) -> BusState {
        self.state().bus
    }

    pub(crate) fn set_bus_state(&self, bus: BusState) {
        self.state().bus = bus;
        self.0.changed.notify_all();
    }

    /// What is at `device`, whatever its driver makes of it.
    pub(crate) fn shown(&self, device: &Device<'_>) -> Shown {
        let state = self.state();
        let level = |levels: &[bool; PINS], number: u8| levels.get(usize::from(number)).copied();
        let (level, active_low) = match device.kind {
            Kind::Emc1413 { address } => {
                let sensor = state
                    .sensors
                    .iter()
                    .find(|sensor| sensor.address == address);
                return match sensor {
                    Some(sensor) if sensor.is_there => Shown::Temperature(sensor.temperature),
                    _ => Shown::Nothing,
                };
            }
            Kind::Output(pin) => (level(&state.outputs, pin.number), pin.active_low),
            Kind::Input(pin) => (level(&state.inputs, pin.number), pin.active_low),
        };
        level.map_or(Shown::Nothing, |level| Shown::State(level != active_low))
    }

    /// Makes the thing at `device` show this; false if it can not.
    pub(crate) fn show(&self, device: &Device<'_>, shown: Shown) -> bool {
        let mut state = self.state();
        match (device.kind, shown) {
            (Kind::Emc1413 { address }, shown) => {
                let mut sensors = state.sensors.iter_mut();
                let Some(sensor) = sensors.find(|sensor| sensor.address == address) else {
                    return false;
                };
                sensor.is_there = shown != Shown::Nothing;
                match shown {
                    Shown::Temperature(temperature) => sensor.temperature = temperature,
                    Shown::Nothing => {}
                    Shown::State(_) => return false,
                }
                true
            }
            (Kind::Input(pin), Shown::State(on)) => {
                let level = state.inputs.get_mut(usize::from(pin.number));
                level.map(|level| *level = on != pin.active_low).is_some()
            }
            _ => false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sensor {
    /// The register that the pointer is at, as the data sheet has it.
    fn register(&self) -> u8 {
        let extended = self.configuration & 1 << 2 != 0;
        let beginning = if extended { -512 } else { 0 };
        // It ends at the ends of its range.
        let eighths = (self.temperature.eighths().saturating_sub(beginning)).clamp(0, 0x7FF);
        match self.pointer {
            0x00 => u8::try_from(eighths >> 3).unwrap_or(u8::MAX),
            0x29 => u8::try_from((eighths & 7) << 5).unwrap_or(0),
            0x03 => self.configuration,
            0xFD => 0x21,
            0xFE => 0x5D,
            _ => 0,
        }
    }

    fn run(&mut self, operations: &mut [Operation<'_>]) {
        for operation in operations {
            match operation {
                Operation::Write(octets) => {
                    if let [pointer, values @ ..] = &**octets {
                        self.pointer = *pointer;
                        if let (0x03, Some(value)) = (pointer, values.last()) {
                            self.configuration = *value;
                        }
                    }
                }
                Operation::Read(octets) => octets.fill(self.register()),
            }
        }
    }
}

/// The I2C bus.
pub(crate) struct Bus(Breadboard);

impl i2c::ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        let parts = &self.0.0;
        let (mut state, _) = parts
            .changed
            .wait_timeout_while(self.0.state(), HANGING, |state| {
                state.bus == BusState::Hangs
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.bus != BusState::Works {
            return Err(ErrorKind::Bus);
        }
        let mut sensors = state.sensors.iter_mut();
        match sensors.find(|sensor| sensor.address == address && sensor.is_there) {
            Some(sensor) => {
                sensor.run(operations);
                Ok(())
            }
            None => Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)),
        }
    }
}

/// A pin that is driven, by its number.
pub(crate) struct Output(Breadboard, usize);

impl digital::ErrorType for Output {
    type Error = Infallible;
}

impl OutputPin for Output {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.set_state(digital::PinState::Low)
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.set_state(digital::PinState::High)
    }

    fn set_state(&mut self, state: digital::PinState) -> Result<(), Infallible> {
        if let Some(level) = self.0.state().outputs.get_mut(self.1) {
            *level = state == digital::PinState::High;
        }
        Ok(())
    }
}

impl StatefulOutputPin for Output {
    fn is_set_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.0.state().outputs.get(self.1) == Some(&true))
    }

    fn is_set_low(&mut self) -> Result<bool, Infallible> {
        self.is_set_high().map(|is_high| !is_high)
    }
}

/// A pin that is read, by its number.
pub(crate) struct Input(Breadboard, usize);

impl digital::ErrorType for Input {
    type Error = Infallible;
}

impl InputPin for Input {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.0.state().inputs.get(self.1) == Some(&true))
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|is_high| !is_high)
    }
}

#[cfg(test)]
mod tests {
    use smallgate_firmware::devices::{Fault, Pin, sample};

    use super::*;

    const SENSOR: Device<'static> = Device {
        name: "t",
        kind: Kind::Emc1413 { address: 0x4C },
        read: "",
        write: "",
    };

    #[test]
    fn the_firmwares_driver_reads_the_sensor_in_both_of_its_ranges() {
        let breadboard = Breadboard::of(&[SENSOR]);
        let mut bus = breadboard.bus();
        // The first reading is the last one that begins at 0.
        assert_eq!(sample(&SENSOR, &mut bus), Some(Ok(MILD)));
        for eighths in [-512, -1, 0, 1, 172, 1535] {
            let temperature = Celsius::of_eighths(eighths);
            assert!(breadboard.show(&SENSOR, Shown::Temperature(temperature)));
            assert_eq!(sample(&SENSOR, &mut bus), Some(Ok(temperature)));
        }
        assert!(breadboard.show(&SENSOR, Shown::Nothing));
        assert_eq!(sample(&SENSOR, &mut bus), Some(Err(Fault::Absent)));
        breadboard.set_bus_state(BusState::Broken);
        assert_eq!(sample(&SENSOR, &mut bus), Some(Err(Fault::Bus)));
    }

    #[test]
    fn a_hanging_bus_holds_up_who_reads_and_nobody_else() {
        let breadboard = Breadboard::of(&[SENSOR]);
        breadboard.set_bus_state(BusState::Hangs);
        let mut bus = breadboard.bus();
        let reading = std::thread::spawn(move || sample(&SENSOR, &mut bus));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!reading.is_finished());
        assert_eq!(breadboard.shown(&SENSOR), Shown::Temperature(MILD));
        breadboard.set_bus_state(BusState::Works);
        assert_eq!(reading.join().unwrap(), Some(Ok(MILD)));
    }

    #[test]
    fn pins_that_are_on_when_low_are_off_at_the_start() {
        let active_low = Pin {
            number: 3,
            active_low: true,
        };
        let button = Device {
            kind: Kind::Input(active_low),
            ..SENSOR
        };
        let breadboard = Breadboard::of(&[button]);
        assert_eq!(breadboard.shown(&button), Shown::State(false));
        let mut lines = breadboard.lines();
        assert!(lines.inputs[3].is_high().unwrap());
        assert!(breadboard.show(&button, Shown::State(true)));
        assert!(lines.inputs[3].is_low().unwrap());
        // An output is the firmware's to switch.
        let relay = Device {
            kind: Kind::Output(active_low),
            ..SENSOR
        };
        assert!(!breadboard.show(&relay, Shown::State(true)));
        lines.outputs[3].set_low().unwrap();
        assert_eq!(breadboard.shown(&relay), Shown::State(true));
    }
}
