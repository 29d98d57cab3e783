//! `cargo xtask lint`: formatting, clippy and documentation, with every warning an error.

use anyhow::{Result, bail};
use clap::Args;

use crate::board::BOARDS;
use crate::process::{cargo, root, succeed, target};
use crate::toolchain::{Road, Toolchain};
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// Which Rust lints the board's crates; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
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
            "--features",
            "smallgate-tests/board,smallgate-tests/proof",
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

    let toolchain = Toolchain::choose(options.toolchain)?;
    for board in BOARDS {
        step(
            &format!("format of {board}"),
            succeed(
                cargo()
                    .args(["fmt", "--check", "--manifest-path"])
                    .arg(root().join(board).join("Cargo.toml")),
            ),
        );
        // Its backends exclude each other, so each is a build of its own.
        for backend in ["asm", "p256"] {
            let target_dir = target().join("board-lint").join(toolchain.road.name());
            step(
                &format!("clippy of {board} ({backend})"),
                succeed(
                    toolchain
                        .cargo("clippy", &root().join(board), &target_dir)
                        .args([
                            "--all-targets",
                            "--no-default-features",
                            "--features",
                            backend,
                        ])
                        .args(["--", "-D", "warnings"]),
                ),
            );
        }
    }

    if !failed.is_empty() {
        bail!("lint failed: {}", failed.join(", "));
    }
    println!("lint: ok");
    Ok(())
}
