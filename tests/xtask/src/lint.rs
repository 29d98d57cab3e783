//! `cargo xtask lint`: formatting, clippy and documentation, with every warning an error.

use anyhow::{Result, bail};
use clap::Args;
use smallgate_turns::peers;

use crate::board::{BOARDS, MEASURED};
use crate::process::{self, cargo, root, succeed};
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
            "smallgate-tests/board,smallgate-tests/capi,smallgate-tests/proof",
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
                    .arg(process::target().join("fuzz-lint"))
                    .args(["--", "-D", "warnings"]),
            ),
        );
    }

    // As the benchmark builds it, so that what is in C is built once.
    let peers = root().join(peers::MANIFEST);
    step(
        "format of the benchmark's peers",
        succeed(
            cargo()
                .args(["fmt", "--check", "--manifest-path"])
                .arg(&peers),
        ),
    );
    step(
        "clippy of the benchmark's peers",
        succeed(
            cargo()
                .args(["clippy", "--release", "--locked", "--manifest-path"])
                .arg(&peers)
                .arg("--target-dir")
                .arg(process::target().join(peers::TARGET))
                .args(peers::features())
                .args(["--", "-D", "warnings"]),
        ),
    );

    // The workspace's is without what only boards turn on.
    step(
        "clippy of what boards share",
        succeed(
            cargo()
                .args(["clippy", "--package", "smallgate-firmware"])
                .args(["--features", "app", "--", "-D", "warnings"]),
        ),
    );

    let toolchain = Toolchain::choose(options.toolchain, MEASURED.target)?;
    let target_dir = process::target().join("board-lint");
    step(
        "clippy of the C library for bare metal",
        succeed(
            toolchain
                .cargo(
                    "clippy",
                    &root().join("core/capi"),
                    &target_dir.join(toolchain.road.name()),
                )
                .args(["--lib", "--no-deps", "--profile", "bare"])
                .args(["--no-default-features", "--features", "asm"])
                .args(["--", "-D", "warnings"]),
        ),
    );

    // What is linked for boards alone: a crate that they share, and each of them.
    let shared = root().join("firmware/cortex-m");
    let shared = (shared, MEASURED.target, &["asm"][..]);
    let boards = BOARDS
        .iter()
        // Its backends exclude each other, so each is a build of its own.
        .map(|board| (board.path(), board.target, &["asm", "p256"][..]));
    for (path, target, backends) in std::iter::once(shared).chain(boards) {
        let toolchain = Toolchain::choose(options.toolchain, target)?;
        let board = path.file_name().unwrap_or_default().display();
        step(
            &format!("format of {board}"),
            succeed(
                cargo()
                    .args(["fmt", "--check", "--manifest-path"])
                    .arg(path.join("Cargo.toml")),
            ),
        );
        for backend in backends {
            let target_dir = process::target()
                .join("board-lint")
                .join(toolchain.road.name());
            step(
                &format!("clippy of {board} ({backend})"),
                succeed(
                    toolchain
                        .cargo("clippy", &path, &target_dir)
                        .args([
                            "--all-targets",
                            // What it shares with the desktop was linted there.
                            "--no-deps",
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
