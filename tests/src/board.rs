//! The host `board`: the firmware, as it would be flashed, in QEMU.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::host::{Bus, Clock, Host, Noise, START, Setup};
use crate::machine::{Eeprom, Elf, Line, Machine, Plan, eeprom};
use crate::simulator::{Temporary, binary};

/// Names the firmware to test: the gateway's ELF file, as `cargo xtask` builds
/// it.
pub const FIRMWARE: &str = "SMALLGATE_BOARD_IMAGE";
/// What the firmware logs once it answers.
pub const LISTENING: &str = "listening";
/// What it logs instead of that: its image, a key in it, or what they say is
/// refused.
pub const NOT_STARTED: [&str; 3] = [
    "\"image_refused\"",
    "\"key_refused\"",
    "\"configuration_refused\"",
];
/// The deepest that a stack may be after whatever was asked, in octets; there is room for 12 KiB.
pub const STACK: u64 = 10 * 1024;
/// How long it may take from a reset to that.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running board.
pub struct Board {
    setup: Setup,
    image: Vec<u8>,
    /// Its EEPROM, which outlives a reset.
    chip: Temporary,
    machine: Machine,
    /// When the first of its machines was started: time goes on from there.
    since: Instant,
    /// What machines before a restart logged.
    earlier: String,
}

/// The firmware that is tested.
///
/// # Panics
///
/// The environment does not name one, or it can not be read.
pub fn firmware() -> Arc<Elf> {
    static READ: OnceLock<Arc<Elf>> = OnceLock::new();
    let read = || {
        let path = std::env::var_os(FIRMWARE).unwrap_or_else(|| {
            panic!("{FIRMWARE} names no firmware: run `cargo xtask test --only board`")
        });
        Arc::new(Elf::read(Path::new(&path)).unwrap_or_else(|error| panic!("{error}")))
    };
    Arc::clone(READ.get_or_init(read))
}

/// Packs a configuration with `smallgate provision`.
///
/// # Errors
///
/// What it said.
pub fn provision(arguments: &[&str]) -> Result<Vec<u8>, String> {
    provisioned(arguments).map(|(image, _)| image)
}

/// Packs a configuration, and what `smallgate provision` said of it, without
/// the file's name.
///
/// # Errors
///
/// What it said.
pub fn provisioned(arguments: &[&str]) -> Result<(Vec<u8>, String), String> {
    let image = Temporary::new("");
    let output = Command::new(binary())
        .arg("provision")
        .args(arguments)
        .args(["--force", "--output", image.path()])
        .output()
        .map_err(|error| format!("smallgate does not start: {error}"))?;
    let said = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    if !output.status.success() {
        let error = said(&output.stderr);
        return Err(error.trim().trim_start_matches("error: ").to_owned());
    }
    let packed = std::fs::read(image.path()).map_err(|error| format!("no image: {error}"))?;
    let summary = said(&output.stdout).replace(&format!("{}: ", image.path()), "image: ");
    Ok((packed, summary))
}

/// The image of a setup, made when the setups' time begins: a board believes no
/// clock that is behind that.
///
/// # Panics
///
/// There is none.
pub fn image(setup: &Setup) -> Vec<u8> {
    /// Where an image says when it was made.
    const MADE_AT: usize = 17;
    let file = Temporary::new(&setup.toml);
    let image = provision(&[file.path()]).unwrap_or_else(|error| panic!("{error}"));
    with(image, MADE_AT, &START.to_le_bytes())
}

/// The same image with other octets at a place, and its checksum made good.
///
/// # Panics
///
/// It is shorter than that.
pub fn with(mut image: Vec<u8>, at: usize, octets: &[u8]) -> Vec<u8> {
    image[at..at + octets.len()].copy_from_slice(octets);
    let end = image.len() - 4;
    let checksum = crc32(&image[..end]);
    image[end..].copy_from_slice(&checksum.to_le_bytes());
    image
}

/// CRC-32 as in IEEE 802.3, bit by bit.
fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0xEDB8_8320,
            _ => crc >> 1,
        })
    })
}

/// A file with these octets on it: an EEPROM for machines, one after the other.
///
/// # Panics
///
/// There is no room for it.
pub fn chip(octets: &[u8]) -> Temporary {
    let file = Temporary::new("");
    std::fs::write(file.path(), octets).expect("a temporary file");
    file
}

/// A machine with this image whose clock, if any, stands at `clock`.
///
/// # Panics
///
/// QEMU does not start.
pub fn machine(image: Vec<u8>, clock: Option<u64>) -> Machine {
    machine_with(image, clock, Eeprom::Begun)
}

/// The same with this EEPROM.
///
/// # Panics
///
/// QEMU does not start.
pub fn machine_with(image: Vec<u8>, clock: Option<u64>, eeprom: Eeprom) -> Machine {
    let plan = Plan {
        firmware: firmware(),
        image,
        clock,
        eeprom,
        port: 0,
        counts: false,
        network: None,
        dies_with_thread: false,
    };
    Machine::start(&plan).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether one of the lines says `what`.
pub fn says(lines: &[Line], what: &str) -> bool {
    lines.iter().any(|line| line.message.contains(what))
}

impl Board {
    /// A board with this image, when it answers.
    ///
    /// # Panics
    ///
    /// It does not, in time.
    pub fn with_image(image: Vec<u8>) -> Self {
        let setup = Setup {
            toml: String::new(),
            clock_set: true,
        };
        Self::new(setup, image)
    }

    fn new(setup: Setup, image: Vec<u8>) -> Self {
        let since = Instant::now();
        let chip = chip(&eeprom::begun());
        Board {
            machine: listening(&setup, &image, &chip, since),
            setup,
            image,
            chip,
            since,
            earlier: String::new(),
        }
    }

    /// Takes it off the power, whatever it is doing, until it is restarted; what is
    /// on its EEPROM then.
    ///
    /// # Panics
    ///
    /// The file is gone.
    pub fn kill(&mut self) -> Vec<u8> {
        self.machine.kill();
        std::fs::read(self.chip.path()).expect("the chip is there")
    }

    /// Writes these octets to its EEPROM, while it is killed.
    ///
    /// # Panics
    ///
    /// There is no room for it.
    pub fn write_chip(&mut self, octets: &[u8]) {
        std::fs::write(self.chip.path(), octets).expect("the chip is there");
    }

    /// The file that is its EEPROM.
    pub fn chip(&self) -> &str {
        self.chip.path()
    }

    /// The machine it is.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The stack was within its limit, whatever was asked: the same for every test. A machine that is
    /// off tells nothing.
    fn check_stack(&self) {
        if let Ok(stack) = self.machine.stack() {
            let deepest = stack.deepest();
            let thread = std::thread::current();
            println!(
                "stack {deepest} octets: {}",
                thread.name().unwrap_or_default()
            );
            assert!(deepest <= STACK, "a stack of {deepest} octets");
        }
    }

    fn said(&self) -> String {
        let lines = self.machine.log().unwrap_or_else(|error| panic!("{error}"));
        let lines = lines.iter();
        lines
            .map(|line| format!("{} {}\n", line.level, line.message))
            .collect()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check_stack();
        }
    }
}

/// A machine that answers.
fn listening(setup: &Setup, image: &[u8], chip: &Temporary, since: Instant) -> Machine {
    // A second more, so that time never goes back.
    let passed = match since.elapsed().as_secs() {
        0 => 0,
        seconds => seconds + 1,
    };
    let clock = setup.clock_set.then_some(START + passed);
    let eeprom = Eeprom::File(chip.path().into());
    let mut machine = machine_with(image.to_vec(), clock, eeprom);
    match machine.wait_for(PATIENCE, |lines| says(lines, LISTENING)) {
        Ok(true) => machine,
        Ok(false) => panic!(
            "it does not listen: {:?}, {}",
            machine.log(),
            machine.said()
        ),
        Err(error) => panic!("{error}"),
    }
}

/// Whether the lamp at output `pin` is lit.
///
/// # Errors
///
/// QEMU does not tell.
pub fn is_lit(machine: &Machine, pin: u8) -> Result<bool, String> {
    /// The FPGA's register of lamps.
    const LAMPS: u32 = 0x4002_8000;
    let lamps = machine.memory(LAMPS, 4)?;
    Ok(lamps.first().is_some_and(|lit| lit & 1 << pin != 0))
}

/// Whether a wire of the board's bus is high: bit 0 of its argument is the clock,
/// bit 1 the data.
pub const IS_HIGH: &str = "smallgate_mps2_an386::i2c::is_high";

/// A wire that is held low holds up everybody: `movs r0, #0`, `bx lr`.
pub const BOTH_LOW: [u8; 4] = [0x00, 0x20, 0x70, 0x47];

/// The clock is high and the data stays low: `movs r1, #1`, `ands r0, r1`, `bx lr`.
const DATA_LOW: [u8; 6] = [0x01, 0x21, 0x08, 0x40, 0x70, 0x47];

/// Where the firmware has its entropy from, as it stands in the image.
pub const SOURCE: &[u8; 13] = b"/dev/urandom\0";

/// Gives the same octet always.
pub const ZEROS: &[u8; 13] = b"/dev/zero\0\0\0\0";

/// Gives no octet.
const NO_SOURCE: &[u8; 13] = b"/dev/null\0\0\0\0";

/// A file in the folder that tests run in. It is opened anew for each 512 octets,
/// so they are always the same, and no health test but that for repetition minds.
pub const SAME_AGAIN: &[u8; 13] = b"Cargo.toml\0\0\0";

impl Host for Board {
    fn set_temperature(&mut self, _name: &str, degrees: u8) {
        let set = self.machine.set_temperature(degrees);
        set.unwrap_or_else(|error| panic!("{error}"));
    }

    /// There is a sensor at 0x4c alone, and it stays.
    fn unplug(&mut self, _name: &str) {}

    fn is_high(&self, _name: &str, pin: u8) -> bool {
        is_lit(&self.machine, pin).unwrap_or_else(|error| panic!("{error}"))
    }

    /// QEMU has no buttons.
    fn press(&mut self, _name: &str, _pressed: bool) -> bool {
        false
    }

    /// The firmware is told other things of its wires than there are.
    fn turn_bus(&mut self, bus: Bus) -> bool {
        let firmware = firmware();
        let told = || {
            let at = firmware.function(IS_HIGH)?;
            let instructions = match bus {
                Bus::Works => firmware.octets(at, DATA_LOW.len())?,
                Bus::Broken => &DATA_LOW,
                Bus::Hangs => &BOTH_LOW,
            };
            self.machine.write(at, instructions)
        };
        told().unwrap_or_else(|error| panic!("{error}"));
        true
    }

    /// The firmware reads another file of this machine.
    fn turn_noise(&mut self, noise: Noise) {
        let path = match noise {
            Noise::Works => SOURCE,
            Noise::Starved => NO_SOURCE,
            Noise::Repeats => SAME_AGAIN,
        };
        let at = firmware().constant(SOURCE);
        let turned = at.and_then(|at| self.machine.write(at, path));
        turned.unwrap_or_else(|error| panic!("{error}"));
    }

    fn lose_clock(&mut self, _lost: bool) -> bool {
        false
    }

    fn start(setup: &Setup) -> Self {
        Self::new(setup.clone(), image(setup))
    }

    fn address(&self) -> SocketAddr {
        self.machine.address()
    }

    fn now(&self) -> u64 {
        // QEMU goes by the host's whole seconds, and may be one ahead.
        START + self.since.elapsed().as_secs() + 1
    }

    fn clock(&mut self) -> Option<&mut dyn Clock> {
        None
    }

    fn restart(&mut self) {
        self.check_stack();
        self.earlier += &self.said();
        self.machine.kill();
        // Its clock may have been a second ahead, and the next one's must not be behind what
        // was committed then.
        std::thread::sleep(Duration::from_secs(1));
        self.machine = listening(&self.setup, &self.image, &self.chip, self.since);
    }

    fn keeps_grants() -> bool {
        true
    }

    fn log(&self) -> String {
        self.earlier.clone() + &self.said()
    }

    fn connections(&self) -> usize {
        8
    }

    /// QEMU's network shows every address of the loopback as that one, and
    /// others as they are.
    fn elsewhere(&self) -> Option<IpAddr> {
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        // Nothing is sent: it only picks the address that would be used.
        socket.connect("192.0.2.1:9").ok()?;
        let address = socket.local_addr().ok()?.ip();
        (!address.is_loopback()).then_some(address)
    }

    fn longest_field(&self) -> usize {
        1000
    }

    fn takes_chunks(&self) -> bool {
        false
    }

    /// The gateway of QEMU's network.
    fn seen_as() -> IpAddr {
        IpAddr::from([10, 0, 2, 2])
    }

    fn out_of_reach() -> &'static [&'static str] {
        &[
            "r20: a code lives for 60 seconds by default",
            "r46: a form is good for 10 minutes",
            "r40: a clock that is set, and unset again, while it serves",
            "r40: a clock that goes back while it serves",
            "devices: a button that is pressed",
        ]
    }
}
