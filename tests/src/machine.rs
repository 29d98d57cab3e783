//! The emulated board as a process: QEMU's `mps2-an386` with a firmware and a
//! provisioning image, its port, its log, its memory. It ends with its handle.

mod debugger;
pub mod eeprom;
mod elf;
mod network;
mod qmp;
mod uart;

use std::fs::{DirBuilder, File};
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

pub use eeprom::Eeprom;
pub use elf::{Elf, Piece};
pub use network::UserNetwork;
use qmp::Qmp;
pub use uart::Line;
use uart::Uart;

/// The symbol of the place where the firmware looks for its provisioning image.
const IMAGE_AT: &str = "__provision_start";
/// What the firmware paints its stack with before it uses it.
pub const PAINT: u32 = 0xC5A5_5A3C;

/// What the temperature sensor is called.
const SENSOR: &str = "temperature";

/// The debugger's socket, in the machine's folder.
const STUB: &str = "gdb.sock";

/// How long QEMU may take to be asked something.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The firmware.
    pub firmware: Arc<Elf>,
    /// The provisioning image, whatever it holds; none leaves the region empty.
    pub image: Vec<u8>,
    /// What the real-time clock says at the start, in Unix seconds; the board
    /// has no such clock otherwise.
    pub clock: Option<u64>,
    /// What keeps its grants.
    pub eeprom: Eeprom,
    /// The port of this machine that leads to the board's port 80; 0 is any.
    pub port: u16,
    /// One instruction takes one nanosecond, so that times can be compared.
    pub counts: bool,
    /// The network it is in; QEMU's own, with DHCP, otherwise.
    pub network: Option<UserNetwork>,
    /// It is killed when the thread ends that started it, however that ends;
    /// only where there is `setpriv`.
    pub dies_with_thread: bool,
}

/// A running machine.
pub struct Machine {
    child: Child,
    address: SocketAddr,
    firmware: Arc<Elf>,
    qmp: Mutex<Qmp>,
    uart: Mutex<Uart>,
    complaints: Arc<Mutex<Vec<u8>>>,
    folder: Folder,
}

impl Machine {
    /// Starts QEMU; the firmware begins to run.
    ///
    /// # Errors
    ///
    /// QEMU is missing, does not start, or does not say which port it took.
    pub fn start(plan: &Plan) -> Result<Self, String> {
        let folder = Folder::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let image = folder.0.join("image.bin");
        std::fs::write(&image, &plan.image).map_err(|error| format!("no image: {error}"))?;
        let log = folder.0.join("uart.bin");
        File::create(&log).map_err(|error| format!("no log: {error}"))?;
        let eeprom = plan.eeprom.file(&folder.0);
        let eeprom = eeprom.map_err(|error| format!("no EEPROM: {error}"))?;
        let mut command = command(plan, &image, &log, &folder.0.join(STUB))?;
        if let Some(file) = eeprom {
            eeprom::attach(&mut command, &file);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("qemu-system-arm does not start: {error}"))?;
        let complaints = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            collect(stderr, Arc::clone(&complaints));
        }
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err("QEMU has no pipes".to_owned());
        };
        let mut machine = Machine {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            firmware: Arc::clone(&plan.firmware),
            qmp: Mutex::new(Qmp::new(stdin, stdout)),
            uart: Mutex::new(Uart::new(log)),
            complaints,
            folder,
        };
        machine.address.set_port(
            machine
                .port()
                .map_err(|error| format!("{error}; {}", machine.said()))?,
        );
        // QEMU has read it by now, and it holds keys.
        std::fs::remove_file(&image).map_err(|error| format!("the image stays: {error}"))?;
        Ok(machine)
    }

    /// Where the board's port 80 is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything logged so far.
    ///
    /// # Errors
    ///
    /// What came is no log of this firmware.
    pub fn log(&self) -> Result<Vec<Line>, String> {
        let mut uart = held(&self.uart);
        uart.read(&self.firmware)?;
        Ok(uart.lines().to_vec())
    }

    /// Waits until `wanted` of the log; whether it came to that in time.
    ///
    /// # Errors
    ///
    /// What came is no log of this firmware, or QEMU has ended.
    pub fn wait_for(
        &mut self,
        limit: Duration,
        wanted: impl Fn(&[Line]) -> bool,
    ) -> Result<bool, String> {
        let deadline = Instant::now() + limit;
        loop {
            if wanted(&self.log()?) {
                return Ok(true);
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            if let Some(status) = self.ended() {
                return Err(format!("QEMU has ended, {status}; {}", self.said()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// How QEMU ended, if it has.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it at once, whatever it is doing: `kill -9`.
    pub fn kill(&mut self) {
        // Both fail where it is gone already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// What QEMU itself complained about.
    pub fn said(&self) -> String {
        let complaints = held(&self.complaints);
        format!("QEMU said: {:?}", String::from_utf8_lossy(&complaints))
    }

    /// Octets of the board's memory, as they are now.
    ///
    /// # Errors
    ///
    /// QEMU does not give them.
    pub fn memory(&self, at: u32, length: usize) -> Result<Vec<u8>, String> {
        let file = self.folder.0.join("memory.bin");
        let mut qmp = held(&self.qmp);
        qmp.ask(
            "pmemsave",
            &json!({"val": at, "size": length, "filename": file}),
            PATIENCE,
        )?;
        let octets = std::fs::read(&file).map_err(|error| format!("no memory: {error}"))?;
        drop(qmp);
        match octets.len() == length {
            true => Ok(octets),
            false => Err(format!("{} octets of {length}", octets.len())),
        }
    }

    /// Has the board's memory hold other octets, code or not, until its next reset.
    ///
    /// # Errors
    ///
    /// QEMU does not take them.
    pub fn write(&self, at: u32, octets: &[u8]) -> Result<(), String> {
        debugger::write(&self.folder.0.join(STUB), at, octets)
    }

    /// Brings the sensor to a temperature.
    ///
    /// # Errors
    ///
    /// QEMU does not take it.
    pub fn set_temperature(&self, degrees: u8) -> Result<(), String> {
        let arguments = json!({
            "path": format!("/machine/peripheral/{SENSOR}"),
            "property": "temperature0",
            // In thousandths of a degree.
            "value": u32::from(degrees) * 1000,
        });
        held(&self.qmp)
            .ask("qom-set", &arguments, PATIENCE)
            .map(drop)
    }

    /// How deep the stack was at most, and how much of it was never touched.
    ///
    /// # Errors
    ///
    /// The firmware has no stack with known bounds, or did not paint it.
    pub fn stack(&self) -> Result<Stack, String> {
        let bound = |name: &str| {
            let at = self.firmware.symbol(name);
            at.ok_or_else(|| format!("the firmware has no symbol {name}"))
        };
        let (end, top) = (bound("__sheap")?, bound("_stack_start")?);
        let room = top
            .checked_sub(end)
            .ok_or("a stack that ends above its top")?;
        let octets = self.memory(end, room as usize)?;
        let (words, _) = octets.as_chunks::<4>();
        let untouched = words
            .iter()
            .take_while(|word| u32::from_le_bytes(**word) == PAINT)
            .count() as u64
            * 4;
        Ok(Stack {
            room: u64::from(room),
            untouched,
        })
    }

    /// Paints the stack anew, up to where it is now: what is deepest from then on can be told.
    ///
    /// # Errors
    ///
    /// As with [`stack`](Self::stack); QEMU does not take it.
    pub fn repaint_stack(&self) -> Result<(), String> {
        let end = self
            .firmware
            .symbol("__sheap")
            .ok_or("the firmware has no symbol __sheap")?;
        // What still has its paint needs none, and nobody may write to its guarded end.
        let untouched = u32::try_from(self.stack()?.untouched).unwrap_or(0);
        debugger::fill_below_stack(&self.folder.0.join(STUB), end + untouched, PAINT)
    }

    /// The processor time that QEMU took so far.
    ///
    /// # Errors
    ///
    /// This system does not tell.
    pub fn processor_time(&self) -> Result<Duration, String> {
        /// `USER_HZ`, the same on every Linux.
        const TICKS: u64 = 100;
        let path = format!("/proc/{}/stat", self.id());
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // The second field, the name in brackets, may hold anything; user and
        // system time are the 14th and 15th.
        let ticks = text.rsplit_once(") ").and_then(|(_, fields)| {
            let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
            Some(times.next()?.ok()? + times.next()?.ok()?)
        });
        let ticks = ticks.ok_or_else(|| format!("{path}: {text:?}"))?;
        Ok(Duration::from_millis(ticks * (1000 / TICKS)))
    }

    fn port(&self) -> Result<u16, String> {
        let mut qmp = held(&self.qmp);
        qmp.ask("qmp_capabilities", &json!({}), PATIENCE)?;
        let said = qmp.ask(
            "human-monitor-command",
            &json!({"command-line": "info usernet"}),
            PATIENCE,
        )?;
        forwarded(said.as_str().unwrap_or_default())
            .ok_or_else(|| format!("no forwarded port in {said}"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What became of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack {
    /// All of it, from its top down to the static variables, in octets.
    pub room: u64,
    /// What still has its paint, from the end on.
    pub untouched: u64,
}

impl Stack {
    /// The octets from the top to the deepest one ever written. Where none is
    /// untouched, it went further than there is room for.
    pub fn deepest(self) -> u64 {
        match self.untouched {
            0 => self.room + 1,
            untouched => self.room.saturating_sub(untouched),
        }
    }
}

fn command(plan: &Plan, image: &Path, log: &Path, stub: &Path) -> Result<Command, String> {
    let mut command = match plan.dies_with_thread && has_setpriv() {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "qemu-system-arm"]);
            command
        }
        false => Command::new("qemu-system-arm"),
    };
    command.args(["-M", "mps2-an386", "-cpu", "cortex-m4"]);
    command.args(["-nodefaults", "-display", "none", "-monitor", "none"]);
    command.args(["-semihosting-config", "enable=on,target=native"]);
    command.args(["-qmp", "stdio"]);
    command
        .arg("-gdb")
        .arg(format!("unix:{},server=on,wait=off", stub.display()));
    command
        .arg("-serial")
        .arg(format!("file:{}", log.display()));
    command.arg("-nic").arg(format!(
        "user,id=n0{},hostfwd=tcp:127.0.0.1:{}-:80",
        plan.network.map(UserNetwork::option).unwrap_or_default(),
        plan.port
    ));
    command.arg("-kernel").arg(plan.firmware.path());
    if !plan.image.is_empty() {
        let at = plan.firmware.symbol(IMAGE_AT);
        let at = at.ok_or_else(|| format!("the firmware has no symbol {IMAGE_AT}"))?;
        command.arg("-device").arg(format!(
            "loader,file={},addr={at:#x},force-raw=on",
            image.display()
        ));
    }
    if let Some(time) = plan.clock {
        command
            .arg("-rtc")
            .arg(format!("base={},clock=host", date(time)));
        command.args(["-device", "ds1338,address=0x68"]);
    }
    command
        .arg("-device")
        .arg(format!("emc1413,id={SENSOR},address=0x4c"));
    if plan.counts {
        command.args(["-icount", "shift=0"]);
    }
    Ok(command)
}

/// Whether this system can have a process die with its parent.
fn has_setpriv() -> bool {
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The port in what QEMU tells of its network: the line of the forwarding has
/// protocol, descriptor, address, port.
fn forwarded(text: &str) -> Option<u16> {
    let line = text.lines().find(|line| line.contains("HOST_FORWARD"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// A time as `-rtc base=` takes it, in UTC.
fn date(time: u64) -> String {
    crate::simulator::rfc3339(time)
        .trim_end_matches('Z')
        .to_owned()
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut room = [0; 1024];
        while let Ok(length @ 1..) = from.read(&mut room) {
            held(&into).extend(room.iter().take(length));
        }
    });
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder for its owner alone, since images hold keys; it goes with its
/// handle.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "smallgate-board-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Stack, date, forwarded};

    #[test]
    fn the_forwarded_port_is_found() {
        let text = "Hub -1 (n0):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n  TCP[HOST_FORWARD]  12       127.0.0.1 34567       10.0.2.15    80     0     0\r\n";
        assert_eq!(forwarded(text), Some(34567));
        assert_eq!(forwarded("nothing"), None);
    }

    #[test]
    fn a_time_is_written_as_qemu_takes_it() {
        assert_eq!(date(crate::host::START + 61), "2026-01-01T00:01:01");
    }

    #[test]
    fn what_is_not_untouched_was_used() {
        let stack = Stack {
            room: 20_000,
            untouched: 12_000,
        };
        assert_eq!(stack.deepest(), 8_000);
        let through = Stack {
            untouched: 0,
            ..stack
        };
        assert!(through.deepest() > through.room);
    }
}
