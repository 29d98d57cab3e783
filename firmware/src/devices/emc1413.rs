//! The temperature sensor EMC1413 of Microchip (once SMSC), over
//! `embedded-hal`'s I2C.

use embedded_hal::i2c::{Error, ErrorKind, I2c};

use super::Fault;

/// An EMC1413; its siblings EMC1412 and EMC1414 have the same registers. It is
/// its internal diode that is read.
#[derive(Debug)]
pub struct Emc1413<B> {
    bus: B,
    address: u8,
}

/// A temperature in eighths of a degree Celsius, from −64 to 191.875.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Celsius(i16);

/// Whole degrees of the internal diode. Reading it holds back the eighths that
/// belong to it.
const HIGH: u8 = 0x00;
/// Eighths of a degree, in the three upper bits.
const LOW: u8 = 0x29;
const CONFIGURATION: u8 = 0x03;

/// In the configuration: whole degrees count from −64 and not from 0.
const EXTENDED: u8 = 1 << 2;
/// What is zero in [`LOW`].
const NOTHING: u8 = 0x1F;

impl<B: I2c> Emc1413<B> {
    /// The sensor at this address of 7 bits.
    pub const fn new(bus: B, address: u8) -> Self {
        Emc1413 { bus, address }
    }

    /// The temperature. A sensor that begins to count at 0 is told to begin at
    /// −64, from the next conversion on; QEMU's goes on at 0, and knows no
    /// eighths.
    ///
    /// # Errors
    ///
    /// It does not answer, the bus fails, or what it says is no temperature.
    pub fn read(&mut self) -> Result<Celsius, Fault> {
        let configuration = self.register(CONFIGURATION)?;
        let degrees = i16::from(self.register(HIGH)?);
        let low = self.register(LOW)?;
        if low & NOTHING != 0 {
            return Err(Fault::Nonsense);
        }
        let beginning = match configuration & EXTENDED {
            0 => {
                let setting = [CONFIGURATION, configuration | EXTENDED];
                self.bus.write(self.address, &setting).map_err(failed)?;
                0
            }
            _ => 64,
        };
        Ok(Celsius::of_eighths(
            (degrees.wrapping_sub(beginning) << 3) | i16::from(low >> 5),
        ))
    }

    /// One octet at a time: the registers do not follow one another by
    /// themselves.
    fn register(&mut self, register: u8) -> Result<u8, Fault> {
        let mut octet = [0];
        self.bus
            .write_read(self.address, &[register], &mut octet)
            .map_err(failed)?;
        let [octet] = octet;
        Ok(octet)
    }
}

fn failed<E: Error>(error: E) -> Fault {
    match error.kind() {
        ErrorKind::NoAcknowledge(_) => Fault::Absent,
        _ => Fault::Bus,
    }
}

impl Celsius {
    /// The longest text: `-999.875` and room to spare.
    pub const LENGTH: usize = 10;

    /// So many eighths of a degree.
    #[must_use]
    pub const fn of_eighths(eighths: i16) -> Self {
        Celsius(eighths)
    }

    /// How many eighths of a degree.
    #[must_use]
    pub const fn eighths(self) -> i16 {
        self.0
    }

    /// As a JSON number, such as `21.5`.
    pub fn text(self, out: &mut [u8; Celsius::LENGTH]) -> &[u8] {
        let size = self.0.unsigned_abs();
        let (whole, eighths) = (size >> 3, size & 7);
        let digit = |number: u16| b'0'.wrapping_add(u8::try_from(number % 10).unwrap_or(0));
        let sign: &[u8] = if self.0 < 0 { b"-" } else { b"" };
        let digits = [
            digit(whole / 1000),
            digit(whole / 100),
            digit(whole / 10),
            digit(whole),
        ];
        let fraction: &[u8] = match eighths {
            0 => b"",
            1 => b".125",
            2 => b".25",
            3 => b".375",
            4 => b".5",
            5 => b".625",
            6 => b".75",
            _ => b".875",
        };
        let zeros = digits.iter().take(3).take_while(|digit| **digit == b'0');
        let digits = digits.get(zeros.count()..).unwrap_or_default();
        let text = sign.iter().chain(digits).chain(fraction);
        let mut length: usize = 0;
        for (place, octet) in out.iter_mut().zip(text) {
            *place = *octet;
            length = length.wrapping_add(1);
        }
        out.get(..length).unwrap_or_default()
    }
}
