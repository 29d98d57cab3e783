//! The measures of a simulated chip, as the command line says.

use clap::Args;
use smallgate_firmware::store::Measures;

/// What a chip is like that is made, and what one has to be like that is there.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Geometry {
    /// Octets of the chip: whole sectors, three at least. Half of it is for grants,
    /// of 100 octets each, 256 in 64 KiB (232 of 128 octets in units of that) and
    /// 8192 at most [default: the file's, or 65536]
    #[arg(long = "store-size", value_name = "OCTETS")]
    size: Option<u32>,
    /// Octets that the chip programs at once: 128 is a board's EEPROM of 64 KiB
    /// [default: the file's, or 4]
    #[arg(long = "store-unit", value_name = "1|2|4|8|16|32|64|128", value_parser = unit)]
    unit: Option<u16>,
    /// Octets that the chip erases at once: a power of two from 256 to 65536
    /// [default: the file's, or 4096]
    #[arg(long = "store-sector", value_name = "OCTETS", value_parser = sector)]
    sector: Option<u32>,
}

/// The largest chip.
const LARGEST: u32 = 1 << 24;

fn unit(text: &str) -> Result<u16, String> {
    let unit = text.parse().ok();
    unit.filter(|unit: &u16| unit.is_power_of_two() && *unit <= 128)
        .ok_or_else(|| "use a power of two from 1 to 128".to_owned())
}

fn sector(text: &str) -> Result<u32, String> {
    let sector = text.parse().ok();
    sector
        .filter(|sector: &u32| sector.is_power_of_two() && (256..=65_536).contains(sector))
        .ok_or_else(|| "use a power of two from 256 to 65536".to_owned())
}

impl Geometry {
    /// The octets of a chip that is made.
    pub(super) fn size(&self) -> u64 {
        self.size.unwrap_or(65_536).into()
    }

    fn measures(&self) -> Measures {
        Measures {
            unit: self.unit.unwrap_or(4),
            sector: self.sector.unwrap_or(4096),
        }
    }

    /// Refuses a chip that can not be made.
    pub(super) fn check(&self) -> Result<(), String> {
        let sector = self.measures().sector;
        // Sectors are numbered in 16 bits.
        let largest = LARGEST.min(sector * 65_534) / sector * sector;
        match u32::try_from(self.size()) {
            Ok(size) if size.is_multiple_of(sector) && (3 * sector..=largest).contains(&size) => {
                Ok(())
            }
            _ => Err(format!(
                "--store-size: use a multiple of {sector} from {} to {largest}",
                3 * sector
            )),
        }
    }

    /// The measures to open a chip of `size` octets with, where `written` are those
    /// of what is on it.
    pub(super) fn suited(&self, size: u64, written: Option<Measures>) -> Result<Measures, String> {
        if let Some(wanted) = self.size.filter(|wanted| u64::from(*wanted) != size) {
            return Err(format!("--store-size {wanted}: it has {size} octets"));
        }
        let Some(written) = written else {
            return Ok(self.measures());
        };
        // What is there is the same for all units up to 4.
        if let Some(unit) = self.unit.filter(|unit| unit.max(&4) != &written.unit) {
            return Err(format!(
                "--store-unit {unit}: it was made with {}",
                written.unit
            ));
        }
        if let Some(sector) = self.sector.filter(|sector| *sector != written.sector) {
            return Err(format!(
                "--store-sector {sector}: it was made with {}",
                written.sector
            ));
        }
        Ok(written)
    }
}
