//! The host `smallgate`, the real binary, in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::build::executable;
use crate::host::{Clock, Host, START, Setup};
use crate::wire::{Request, Wire};

/// How long it may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `smallgate serve`.
pub struct Simulator {
    setup: Setup,
    process: Process,
    /// What processes before a restart logged.
    earlier: String,
    /// What its clock shows.
    now: u64,
}

/// A child that does not outlive its handle.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it printed after that.
    pub printed: mpsc::Receiver<String>,
    log: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

/// The binary, built as these tests were.
///
/// # Panics
///
/// It does not build.
pub fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let profile: &[&str] = match cfg!(debug_assertions) {
            true => &[],
            false => &["--release"],
        };
        let smallgate = ["--quiet", "--package", "smallgate", "--bin", "smallgate"];
        executable(&[&smallgate[..], profile].concat())
    })
}

impl Process {
    /// Starts `smallgate serve` with these arguments on a free port, and reads
    /// until it says that it listens.
    ///
    /// # Panics
    ///
    /// It does not start in time.
    pub fn serve(arguments: &[&str]) -> Self {
        Self::serve_under(&[], arguments)
    }

    /// The same, started by the program that `words` are, which becomes it or
    /// watches it.
    ///
    /// # Panics
    ///
    /// It does not start in time.
    pub fn serve_under(words: &[&str], arguments: &[&str]) -> Self {
        let binary = binary().to_str().expect("a path of text");
        let words = [words, &[binary]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "json"]);
        Self::listening(command.args(arguments))
    }

    /// The same with these arguments alone.
    ///
    /// # Panics
    ///
    /// It does not start in time.
    pub fn run(arguments: &[&str]) -> Self {
        Self::listening(Command::new(binary()).args(arguments))
    }

    /// Starts a server, and reads until it says that it listens.
    ///
    /// # Panics
    ///
    /// It does not start in time.
    pub fn listening(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (say, printed) = mpsc::channel();
        let stdout = child.stdout.take().expect("it is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    break;
                }
            }
        });
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut stderr = child.stderr.take().expect("it is piped");
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                let mut room = [0; 4096];
                while let Ok(length @ 1..) = stderr.read(&mut room) {
                    log.lock()
                        .expect("nobody panics with it")
                        .extend(&room[..length]);
                }
            }
        });
        let mut process = Process {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            printed,
            log,
            reader: Some(reader),
        };
        let line = process.printed.recv_timeout(PATIENCE);
        let address = line
            .as_ref()
            .ok()
            .and_then(|line| line.strip_prefix("listening on "))
            .and_then(|url| url.split_once("://"))
            .and_then(|(_, address)| address.parse().ok());
        match address {
            Some(address) => process.address = address,
            None => {
                // Its output ends before the last of its log is read.
                process.kill();
                panic!("{line:?} instead of an address; {}", process.log())
            }
        }
        process
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        let log = self.log.lock().expect("nobody panics with it");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until the log's whole lines satisfy `wanted`, and gives them:
    /// what a process wrote before it answered may be read after the answer.
    ///
    /// # Panics
    ///
    /// It does not.
    pub fn log_with(&self, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut log = self.log();
            log.truncate(log.rfind('\n').map_or(0, |end| end + 1));
            if wanted(&log) {
                return log;
            }
            assert!(Instant::now() < deadline, "not in the log: {log}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself; its exit code.
    ///
    /// # Panics
    ///
    /// It does not.
    pub fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it, and waits for the last of its log.
    pub fn kill(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _panicked = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Simulator {
    fn spawn(setup: &Setup) -> Process {
        // The file is read before the address is announced.
        let file = Temporary::new(&setup.toml);
        let clock = match setup.clock_set {
            true => "2026-01-01T00:00:00Z",
            false => "unset",
        };
        Process::serve(&["--config", file.path(), "--clock", clock])
    }

    fn step(&mut self, body: &str) {
        turn_clock(self.process.address, body);
    }
}

/// Turns the clock of the `smallgate` at `address`.
///
/// # Panics
///
/// It does not take it.
pub(crate) fn turn_clock(address: SocketAddr, body: &str) {
    let request = Request::new("POST", "/sim/clock").body("application/json", body);
    let response = Wire::open(address).ask(&request);
    assert_eq!(response.status, 204, "{}", response.text());
}

/// Turns a part of the simulation of the `smallgate` at `address`.
///
/// # Panics
///
/// It does not take it.
pub(crate) fn turn(address: SocketAddr, path: &str, body: &str) {
    let request = Request::new("PUT", &format!("/sim/{path}")).body("application/json", body);
    let response = Wire::open(address).ask(&request);
    assert_eq!(response.status, 204, "{path} {body}: {}", response.text());
}

/// Makes the methods of a [`Host`] that turn what is around it, for a
/// `smallgate` that listens at its address.
macro_rules! turned_by_requests {
    () => {
        fn set_temperature(&mut self, name: &str, degrees: u8) {
            let body = format!(r#"{{"value":{degrees}}}"#);
            $crate::simulator::turn(self.address(), &format!("devices/{name}"), &body);
        }

        fn unplug(&mut self, name: &str) {
            let path = format!("devices/{name}");
            $crate::simulator::turn(self.address(), &path, r#"{"value":null}"#);
        }

        fn is_high(&self, name: &str, _pin: u8) -> bool {
            let request = $crate::wire::Request::new("GET", &format!("/sim/devices/{name}"));
            let shown = $crate::wire::Wire::open(self.address()).ask(&request);
            assert_eq!(shown.status, 200, "{}", shown.text());
            shown.text() == r#"{"value":true}"#
        }

        fn press(&mut self, name: &str, pressed: bool) -> bool {
            let body = format!(r#"{{"value":{pressed}}}"#);
            $crate::simulator::turn(self.address(), &format!("devices/{name}"), &body);
            true
        }

        fn turn_bus(&mut self, bus: $crate::host::Bus) -> bool {
            let state = format!("{bus:?}").to_lowercase();
            let body = format!(r#"{{"state":"{state}"}}"#);
            $crate::simulator::turn(self.address(), "bus", &body);
            true
        }

        fn turn_noise(&mut self, noise: $crate::host::Noise) {
            let state = format!("{noise:?}").to_lowercase();
            let body = format!(r#"{{"state":"{state}"}}"#);
            $crate::simulator::turn(self.address(), "entropy", &body);
        }
    };
}
pub(crate) use turned_by_requests;

impl Host for Simulator {
    turned_by_requests!();

    fn start(setup: &Setup) -> Self {
        Simulator {
            setup: setup.clone(),
            process: Self::spawn(setup),
            earlier: String::new(),
            now: START,
        }
    }

    fn address(&self) -> SocketAddr {
        self.process.address
    }

    fn clock(&mut self) -> Option<&mut dyn Clock> {
        Some(self)
    }

    fn lose_clock(&mut self, lost: bool) -> bool {
        match lost {
            true => self.step(r#"{"unset":true}"#),
            false => self.set(self.now),
        }
        true
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn restart(&mut self) {
        self.process.kill();
        self.earlier += &self.process.log();
        self.process = Self::spawn(&self.setup);
        self.now = START;
    }

    fn log(&self) -> String {
        self.earlier.clone() + &self.process.log()
    }
}

impl Clock for Simulator {
    fn advance(&mut self, seconds: u64) {
        self.now += seconds;
        self.step(&format!(r#"{{"advance":"{seconds}s"}}"#));
    }

    fn set(&mut self, time: u64) {
        self.now = time;
        self.step(&format!(r#"{{"set":"{}"}}"#, rfc3339(time)));
    }
}

/// A time as RFC 3339 has it (the days by Hinnant's civil_from_days).
pub(crate) fn rfc3339(time: u64) -> String {
    let (days, second) = (time / 86_400 + 719_468, time % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A file that goes when its handle does.
pub struct Temporary(PathBuf);

impl Temporary {
    /// Writes `text` to a file of its own.
    ///
    /// # Panics
    ///
    /// There is no room for it.
    pub fn new(text: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "smallgate-{}-{}.toml",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("a temporary file");
        Temporary(path)
    }

    /// Where it is.
    ///
    /// # Panics
    ///
    /// The folder for temporary files has a name that is not text.
    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path of text")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_written_as_rfc3339_has_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(crate::host::START + 3_661), "2026-01-01T01:01:01Z");
    }
}
