//! The peers' processes, built as this one is: with optimisation.

use std::path::PathBuf;
use std::process::Command;

use smallgate_turns::child::Process;
use smallgate_turns::peers::{MANIFEST, PROCESSES, TARGET, features};
use smallgate_turns::turns::Lane;

/// Builds and starts them; they wait for their turns.
pub(crate) fn start(only: Option<&str>) -> Result<Vec<Box<dyn Lane>>, String> {
    let program = build()?;
    let start = |words: &str| {
        let mut command = Command::new(&program);
        command.args(words.split(' '));
        if let Some(text) = only {
            command.args(["--case", text]);
        }
        let process = Process::start(&mut command).map_err(|error| format!("{words}: {error}"))?;
        Ok(Box::new(process) as Box<dyn Lane>)
    };
    PROCESSES.into_iter().map(start).collect()
}

fn build() -> Result<PathBuf, String> {
    let repository = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // That folder is in the workspace's own `target`.
    let target = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/..")).join(TARGET);
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--manifest-path",
        ])
        .arg(repository.join(MANIFEST))
        .arg("--target-dir")
        .arg(&target)
        .args(features());
    let built = cargo.status().map_err(|error| error.to_string())?;
    if !built.success() {
        return Err(format!("{MANIFEST} does not build: {built}"));
    }
    Ok(target.join("release").join("smallgate-peers"))
}
