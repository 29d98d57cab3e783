//! What tests and measuring programs have cargo build.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs `cargo build` with these arguments; what it says of each thing that it
/// built.
///
/// # Panics
///
/// It does not build.
pub fn built(arguments: &[&str]) -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--message-format", "json"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit());
    // What the outer cargo says about this package. Build scripts that look at it would run again,
    // here and then elsewhere.
    for (name, _) in std::env::vars_os() {
        let outer = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        let is_outer = |name: &str| outer.iter().any(|start| name.starts_with(start));
        if name.to_str().is_some_and(is_outer) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{arguments:?} does not build");
    let messages = String::from_utf8(output.stdout).expect("JSON lines");
    let messages = messages.lines().map(serde_json::from_str);
    messages.filter_map(Result::ok).collect()
}

/// The same for a program: where it is.
///
/// # Panics
///
/// It does not build.
pub fn executable(arguments: &[&str]) -> PathBuf {
    let messages = built(arguments);
    let mut paths = messages
        .iter()
        .filter_map(|message| message["executable"].as_str());
    paths.next().expect("cargo names the executable").into()
}
