//! The host `smallgate serve --image`: a setup packed as for a board, with a
//! clock that no test turns. What passes here was packed and can be waited for.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::host::{Clock, Host, Setup};
use crate::simulator::{Process, Temporary, binary, turn};

/// A running `smallgate serve --image`.
pub struct Packed {
    image: Image,
    clock_set: bool,
    process: Process,
    /// What processes before a restart logged.
    earlier: String,
}

/// An image's file, which goes with its handle.
pub struct Image(String);

impl Image {
    /// Packs a setup.
    ///
    /// # Panics
    ///
    /// It is refused.
    pub fn of(setup: &Setup) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("smallgate-{}-{number}.bin", std::process::id());
        let path = std::env::temp_dir().join(name);
        let path = path.to_str().expect("a path of text").to_owned();
        let config = Temporary::new(&setup.toml);
        let packed = Command::new(binary())
            .args(["provision", config.path(), "-o", &path])
            .output()
            .expect("smallgate runs");
        let complaint = String::from_utf8_lossy(&packed.stderr);
        assert!(packed.status.success(), "{complaint}");
        Image(path)
    }

    /// Where the file is.
    pub fn path(&self) -> &str {
        &self.0
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

impl Packed {
    fn serve(image: &Image, clock_set: bool) -> Process {
        let process = Process::serve(&["--image", &image.0]);
        if !clock_set {
            turn(process.address, "clock", r#"{"unset":true}"#);
        }
        process
    }
}

impl Host for Packed {
    crate::simulator::turned_by_requests!();

    fn start(setup: &Setup) -> Self {
        let image = Image::of(setup);
        Packed {
            process: Self::serve(&image, setup.clock_set),
            image,
            clock_set: setup.clock_set,
            earlier: String::new(),
        }
    }

    fn address(&self) -> SocketAddr {
        self.process.address
    }

    fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs()
    }

    fn clock(&mut self) -> Option<&mut dyn Clock> {
        None
    }

    fn lose_clock(&mut self, lost: bool) -> bool {
        turn(
            self.process.address,
            "clock",
            &format!(r#"{{"unset":{lost}}}"#),
        );
        true
    }

    fn restart(&mut self) {
        self.process.kill();
        self.earlier += &self.process.log();
        self.process = Self::serve(&self.image, self.clock_set);
    }

    fn log(&self) -> String {
        self.earlier.clone() + &self.process.log()
    }

    fn out_of_reach() -> &'static [&'static str] {
        &[
            "r20: a code lives for 60 seconds by default",
            "r46: a form is good for 10 minutes",
            "r40: a clock that goes back while it serves",
        ]
    }
}
