//! A program of this package in its release build, run under valgrind's
//! callgrind: how many instructions its functions called `…_counted` took.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub(crate) struct Run {
    pub(crate) instructions: u64,
    pub(crate) output: String,
}

/// Runs the program `subject` with these arguments.
pub(crate) fn count(subject: &str, arguments: &[&str]) -> Run {
    let name = format!("callgrind.{subject}.{}", arguments.join("."));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let run = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg("--toggle-collect=*_counted*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(built(subject))
        .args(arguments)
        .output()
        .expect("valgrind is missing: sudo apt-get install -y valgrind");
    let complaints = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{complaints}");
    let profile = std::fs::read_to_string(&out).expect("callgrind wrote its profile");
    let instructions = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))
        .and_then(|total| total.trim().parse().ok())
        .expect("callgrind's profile has totals");
    assert!(instructions > 0, "no function called *_counted* was met");
    Run {
        instructions,
        output: String::from_utf8(run.stdout).expect("text"),
    }
}

/// The release build of the one program that a test asks for, made once.
fn built(subject: &str) -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let build = Command::new(env!("CARGO"))
            .args(["build", "--release", "--features", "proof"])
            .args(["--bin", subject, "--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(build.status.success(), "the release build failed");
        String::from_utf8(build.stdout)
            .expect("text")
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo names the executable")
    })
}
