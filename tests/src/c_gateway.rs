//! The host `gateway.c`: the C interface behind libmicrohttpd, with its grants in
//! a file. What passes here was said across the ABI.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::build;
use crate::host::{Bus, Clock, Host, Noise, Setup};
use crate::packed::Image;
use crate::simulator::{Process, Temporary};
use crate::wire::Response;

/// Every warning is an error, in C and in C++.
pub const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// The folder of the C interface.
pub fn folder() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.with_file_name("core").join("capi")
}

/// A place for what is built here.
///
/// # Panics
///
/// There is none.
pub fn built(name: &str) -> PathBuf {
    let folder = library().with_file_name("capi");
    std::fs::create_dir_all(&folder).expect("a folder to build in");
    folder.join(name)
}

/// The static library, built as it is installed. Beside it is the shared one.
///
/// # Panics
///
/// It does not build.
pub fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = ["--quiet", "--release", "--package", "smallgate-capi"];
        build::built(&library)
            .iter()
            .filter_map(|message| message["filenames"].as_array())
            .flatten()
            .filter_map(|name| name.as_str().map(PathBuf::from))
            .find(|name| name.ends_with("libsmallgate.a"))
            .expect("cargo names the library")
    })
}

/// Compiles C or C++ and links it with the library, under a name of its own.
///
/// # Panics
///
/// It does not compile.
pub fn compiled(compiler: &str, name: &str, arguments: &[&str], sources: &[&Path]) -> PathBuf {
    let out = built(name);
    let output = Command::new(compiler)
        .args(WARNINGS)
        .args(arguments)
        .arg("-I")
        .arg(folder().join("include"))
        .args(sources)
        .arg(library())
        .args(["-lmicrohttpd", "-lpthread", "-o"])
        .arg(&out)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler} {name}: {complaint}");
    out
}

/// One of the examples.
pub fn example(name: &str) -> PathBuf {
    folder().join("examples").join(name)
}

/// The gateway.
pub fn gateway() -> &'static PathBuf {
    static GATEWAY: OnceLock<PathBuf> = OnceLock::new();
    GATEWAY.get_or_init(|| {
        let sources = ["gateway.c", "grants.c", "watch.c"].map(example);
        let sources = sources.each_ref().map(PathBuf::as_path);
        compiled("gcc", "gateway", &["-std=c11", "-O1", "-g"], &sources)
    })
}

/// A running `gateway`.
pub struct CGateway {
    image: Image,
    clock: &'static str,
    grants: Temporary,
    process: Process,
    /// What processes before a restart logged.
    earlier: String,
}

impl CGateway {
    fn serve(image: &Image, clock: &str, grants: &Temporary) -> Process {
        Process::listening(
            Command::new(gateway())
                .args(["--image", image.path(), "--clock", clock, "--port", "0"])
                .args(["--grants", grants.path()]),
        )
    }

    /// Ends it at once, and starts it anew with the grants that it has.
    pub fn crash(&mut self) {
        self.process.kill();
        self.earlier += &self.process.log();
        self.process = Self::serve(&self.image, self.clock, &self.grants);
    }

    /// The lock of the grants stays where they were.
    fn forget_lock(&self) {
        let _gone = std::fs::remove_file(format!("{}.lock", self.grants.path()));
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Drop for CGateway {
    fn drop(&mut self) {
        self.forget_lock();
    }
}

const NO_DEVICES: &str = "a C program brings its own devices";

impl Host for CGateway {
    fn start(setup: &Setup) -> Self {
        let image = Image::of(setup);
        let clock = if setup.clock_set { "real" } else { "unset" };
        let grants = Temporary::new("");
        CGateway {
            process: Self::serve(&image, clock, &grants),
            image,
            clock,
            grants,
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

    /// With no grants, as the hosts that keep them in memory.
    fn restart(&mut self) {
        self.forget_lock();
        self.grants = Temporary::new("");
        self.crash();
    }

    fn log(&self) -> String {
        self.earlier.clone() + &self.process.log()
    }

    fn says_when_a_body_is_late(&self) -> bool {
        false
    }

    /// libmicrohttpd's date is in front, its length at the end, with capitals, and
    /// and its reason phrases are RFC 9110's.
    fn framed_as_others(mut answer: Response) -> Response {
        answer.line = answer
            .line
            .replace("413 Content Too Large", "413 Payload Too Large");
        let mut framing = Vec::new();
        answer.headers.retain(|(name, value)| {
            let lower = name.to_ascii_lowercase();
            let place = ["connection", "content-length", "date"]
                .iter()
                .position(|known| *known == lower);
            framing.extend(place.map(|place| (place, lower, value.clone())));
            place.is_none()
        });
        framing.sort();
        let framing = framing.into_iter().map(|(_, name, value)| (name, value));
        answer.headers.extend(framing);
        answer
    }

    fn out_of_reach() -> &'static [&'static str] {
        &[
            "r20: a code lives for 60 seconds by default",
            "r46: a form is good for 10 minutes",
            "r40: a clock that is set, and unset again, while it serves",
            "r40: a clock that goes back while it serves",
        ]
    }

    fn set_temperature(&mut self, _: &str, _: u8) {
        panic!("{NO_DEVICES}");
    }

    fn unplug(&mut self, _: &str) {
        panic!("{NO_DEVICES}");
    }

    fn is_high(&self, _: &str, _: u8) -> bool {
        panic!("{NO_DEVICES}");
    }

    fn press(&mut self, _: &str, _: bool) -> bool {
        panic!("{NO_DEVICES}");
    }

    fn turn_bus(&mut self, _: Bus) -> bool {
        panic!("{NO_DEVICES}");
    }

    fn turn_noise(&mut self, _: Noise) {
        panic!("{NO_DEVICES}");
    }

    fn lose_clock(&mut self, _: bool) -> bool {
        false
    }
}
