//! Which Rust compiles a board's image: rustup's, with its prebuilt `core`, or Debian's, which builds
//! `core` from source.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::process::within;
use crate::tools::{DEBIAN_CARGO, DEBIAN_CLIPPY, DEBIAN_RUSTC, Need, ensure};

/// How much an image logs: what happened, and what went wrong. defmt's default is errors alone.
const LOGGED: &str = "info";

/// How long rustup may take to look for a target, or to fetch one.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Road {
    /// The toolchain that runs this, with rustup's target
    Rustup,
    /// Debian's rustc, with `core` from source
    Debian,
}

impl Road {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        }
    }
}

/// A toolchain that can build for `target`.
pub(crate) struct Toolchain {
    pub(crate) road: Road,
    pub(crate) target: &'static str,
    version: String,
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.road {
            Road::Rustup => write!(f, "{}, rustup's core", self.version),
            Road::Debian => write!(f, "{}, Debian's, core from source", self.version),
        }
    }
}

impl Toolchain {
    /// The one asked for; else rustup's if it has the target or can fetch it, and Debian's if not.
    pub(crate) fn choose(forced: Option<Road>, target: &'static str) -> Result<Self> {
        let road = match forced {
            Some(Road::Rustup) => {
                add_target(target).context("rustup's target was asked for")?;
                Road::Rustup
            }
            Some(Road::Debian) => Road::Debian,
            None => match add_target(target) {
                Ok(()) => Road::Rustup,
                Err(error) => {
                    eprintln!("xtask: {error:#}; falling back on Debian's Rust");
                    Road::Debian
                }
            },
        };
        if road == Road::Debian {
            ensure(&[Need::DebianToolchain])?;
        }
        let rustc = match road {
            Road::Rustup => "rustc",
            Road::Debian => DEBIAN_RUSTC,
        };
        let end = within(PATIENCE, Command::new(rustc).arg("--version"))?;
        let version = end
            .stdout
            .split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ");
        Ok(Self {
            road,
            target,
            version,
        })
    }

    /// `cargo SUBCOMMAND` for the board whose crate is in `board`, in an environment that only this
    /// file decides.
    ///
    /// An outer `RUSTFLAGS` would replace flags that a build needs, and the variables that the outer
    /// cargo set would lead Debian's to rustup's compiler. Variables about fetching crates stay.
    pub(crate) fn cargo(&self, subcommand: &str, board: &Path, target_dir: &Path) -> Command {
        let mut command = Command::new(match (self.road, subcommand) {
            (Road::Rustup, _) => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            // Debian's cargo would look for it in CARGO_HOME first, and find rustup's.
            (Road::Debian, "clippy") => DEBIAN_CLIPPY.into(),
            (Road::Debian, _) => DEBIAN_CARGO.into(),
        });
        command.current_dir(board).env("DEFMT_LOG", LOGGED);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_none_or(|name| self.clears(name)) {
                command.env_remove(name);
            }
        }
        if self.road == Road::Debian {
            command
                .env("CARGO", DEBIAN_CARGO)
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env(linker_of(self.target), "arm-none-eabi-ld");
        }
        command.arg(subcommand);
        if self.road == Road::Debian {
            command.args(["-Z", "build-std=core"]);
        }
        command
            .args(["--target", self.target, "--target-dir"])
            .arg(target_dir);
        command
    }

    /// Whether a build must not see the environment variable.
    fn clears(&self, name: &str) -> bool {
        const KEPT: &[&str] = &[
            "CARGO_HOME",
            "CARGO_HTTP_",
            "CARGO_NET_",
            "CARGO_REGISTR",
            "CARGO_SOURCE_",
        ];
        const KEPT_FOR_RUSTUP: &[&str] = &["RUSTUP_"];
        let kept = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let ours =
            name.starts_with("CARGO") || name.starts_with("RUST") || name == "LD_LIBRARY_PATH";
        ours && !kept(KEPT) && !(self.road == Road::Rustup && kept(KEPT_FOR_RUSTUP))
    }
}

/// The variable that tells cargo the linker of a target.
fn linker_of(target: &str) -> String {
    let name = target.to_ascii_uppercase().replace(['-', '.'], "_");
    format!("CARGO_TARGET_{name}_LINKER")
}

/// Whether rustup has the target, without fetching it.
pub(crate) fn has_target(target: &str) -> Result<bool> {
    let installed = within(
        PATIENCE,
        Command::new("rustup").args(["target", "list", "--installed"]),
    )?;
    Ok(installed
        .stdout
        .lines()
        .any(|installed| installed == target))
}

fn add_target(target: &str) -> Result<()> {
    if has_target(target)? {
        return Ok(());
    }
    let added = within(
        PATIENCE,
        Command::new("rustup").args(["target", "add", target]),
    )?;
    if !added.status.success() {
        bail!(
            "`rustup target add {target}` failed: {}",
            added.stderr.lines().last().unwrap_or_default()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolchain(road: Road) -> Toolchain {
        Toolchain {
            road,
            target: "thumbv8m.main-none-eabihf",
            version: "rustc 1.95.0".to_owned(),
        }
    }

    #[test]
    fn the_linker_of_a_target_is_named_as_cargo_does() {
        assert_eq!(
            linker_of("thumbv8m.main-none-eabihf"),
            "CARGO_TARGET_THUMBV8M_MAIN_NONE_EABIHF_LINKER"
        );
    }

    #[test]
    fn a_board_is_built_without_what_the_outer_cargo_set() {
        for road in [Road::Rustup, Road::Debian] {
            let toolchain = toolchain(road);
            for name in [
                "RUSTFLAGS",
                "CARGO_ENCODED_RUSTFLAGS",
                "RUSTC",
                "RUSTC_WRAPPER",
                "LD_LIBRARY_PATH",
                "CARGO_BUILD_TARGET",
                "CARGO_MANIFEST_DIR",
                "CARGO_PROFILE_RELEASE_LTO",
            ] {
                assert!(toolchain.clears(name), "{name}");
            }
            for name in ["PATH", "HOME", "CARGO_HOME", "CARGO_NET_OFFLINE"] {
                assert!(!toolchain.clears(name), "{name}");
            }
        }
        assert!(!toolchain(Road::Rustup).clears("RUSTUP_TOOLCHAIN"));
        assert!(toolchain(Road::Debian).clears("RUSTUP_TOOLCHAIN"));
    }
}
