//! `cargo xtask lint`: formatting, clippy and documentation, with every warning an error.

use anyhow::{Result, bail};

use crate::process::{cargo, root, succeed, target};
use crate::tools::{Need, ensure};

pub(crate) fn run() -> Result<()> {
    ensure(&[Need::Host, Need::Lint])?;
    let mut failed = Vec::new();
    let mut step = |name: &str, done: Result<()>| {
        if let Err(error) = done {
            eprintln!("xtask: {error:#}");
            failed.push(name.to_owned());
        }
    };

    step("format", succeed(cargo().args(["fmt", "--all", "--check"])));
    step(
        "clippy",
        succeed(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])),
    );
    step(
        "documentation",
        succeed(
            cargo()
                .args(["doc", "--no-deps", "--package", "smallgate-core"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        ),
    );

    let fuzz = root().join("tests/fuzz/Cargo.toml");
    if fuzz.exists() {
        step(
            "format of the fuzz targets",
            succeed(
                cargo()
                    .args(["fmt", "--check", "--manifest-path"])
                    .arg(&fuzz),
            ),
        );
        step(
            "clippy of the fuzz targets",
            succeed(
                cargo()
                    .args(["clippy", "--all-targets", "--manifest-path"])
                    .arg(&fuzz)
                    .arg("--target-dir")
                    .arg(target().join("fuzz-lint"))
                    .args(["--", "-D", "warnings"]),
            ),
        );
    }

    if !failed.is_empty() {
        bail!("lint failed: {}", failed.join(", "));
    }
    println!("lint: ok");
    Ok(())
}
