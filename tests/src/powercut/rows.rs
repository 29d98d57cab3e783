//! An EEPROM in memory that counts how often each of its rows is written.

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

/// A 24C512.
pub(super) const SIZE: usize = 65_536;
pub(super) const ADDRESS: u8 = 0x50;
/// The octets that it writes at once, whatever part of them it is told.
const ROW: usize = 128;

/// A chip that is never busy.
pub(super) struct Rows {
    octets: Vec<u8>,
    written: Vec<u64>,
}

impl Rows {
    /// As it comes from the factory.
    pub(super) fn new() -> Self {
        Rows {
            octets: vec![0xFF; SIZE],
            written: vec![0; SIZE / ROW],
        }
    }

    /// How often the row was written that was written most often.
    pub(super) fn most_written(&self) -> u64 {
        self.written.iter().copied().max().unwrap_or(0)
    }
}

impl ErrorType for Rows {
    type Error = ErrorKind;
}

impl I2c for Rows {
    fn transaction(&mut self, address: u8, steps: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        if address != ADDRESS {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        // Writes in a row are one.
        let mut sent = Vec::new();
        for step in steps {
            match step {
                Operation::Write(octets) => sent.extend_from_slice(octets),
                Operation::Read(octets) => {
                    let at = usize::from(u16::from_be_bytes([sent[0], sent[1]]));
                    octets.copy_from_slice(&self.octets[at..at + octets.len()]);
                    return Ok(());
                }
            }
        }
        let (at, octets) = sent.split_at(2);
        let at = usize::from(u16::from_be_bytes([at[0], at[1]]));
        for (within, octet) in octets.iter().enumerate() {
            self.octets[at / ROW * ROW + (at + within) % ROW] = *octet;
        }
        self.written[at / ROW] += u64::from(!octets.is_empty());
        Ok(())
    }
}
