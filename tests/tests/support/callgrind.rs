//! A program of this package in its release build, run under valgrind's
//! callgrind: how many instructions its functions called `…_counted` took.

#[path = "subject.rs"]
mod subject;

use std::path::Path;
use std::process::Command;

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
        .arg(subject::built(subject, "release"))
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
