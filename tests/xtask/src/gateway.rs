//! The whole firmware: run for a person, or measured while it answers.
//!
//! What talks to QEMU is in the tests' package, a program of its own: this one stays quick to build.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::board::{Backend, Build, MEASURED, Opt, build};
use crate::image::{self, Panic};
use crate::measure::Measurement;
use crate::process::{cargo, within};
use crate::test::TESTS;
use crate::toolchain::{Road, Toolchain};
use crate::tools::{Need, ensure};

/// The program that is flashed.
pub(crate) const GATEWAY: &str = "gateway";

/// The build that is flashed, and that runs for people.
pub(crate) const FLASHED: Build = Build {
    backend: Backend::Asm,
    opt: Opt::Size,
};

/// How long all figures of one image may take, with what has to be built for them.
const PATIENCE: Duration = Duration::from_secs(900);

#[derive(Args)]
pub(crate) struct RunOptions {
    /// The configuration to run with
    #[arg(long, value_name = "FILE.toml", conflicts_with = "demo")]
    config: Option<String>,
    /// The demonstration to run instead
    #[arg(long, alias = "profile", value_name = "PROFILE", value_parser = ["standard", "drillster", "teen-quotes", "dressipi", "breakout"])]
    demo: Option<String>,
    /// An image to run instead, as it is, damaged or not
    #[arg(long, value_name = "FILE.bin", conflicts_with_all = ["config", "demo"])]
    image: Option<String>,
    /// The file behind its EEPROM, which keeps grants; made if it is not there. Without it they go
    /// with the board
    #[arg(long, value_name = "FILE")]
    eeprom: Option<String>,
    /// The port of 127.0.0.1 to answer at; 0 picks one. Without it, that of an issuer on this
    /// machine, or 8080, or another if that is taken
    #[arg(long, alias = "port", value_name = "PORT")]
    listen: Option<u16>,
    /// Which Rust compiles the image; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

/// Builds the firmware and becomes the program that runs it, so that Ctrl-C is that one's alone.
///
/// What is wrong with the configuration is said first: the firmware takes a minute to build.
pub(crate) fn run(options: &RunOptions) -> Result<()> {
    ensure(&[Need::Host, Need::Board])?;
    let mut words: Vec<OsString> = Vec::new();
    for (name, file) in [
        ("--config", &options.config),
        ("--image", &options.image),
        ("--eeprom", &options.eeprom),
    ] {
        if let Some(file) = file {
            words.extend([name.into(), std::path::absolute(file)?.into()]);
        }
    }
    if let Some(demo) = &options.demo {
        words.extend(["--demo".into(), demo.into()]);
    }
    if let Some(port) = options.listen {
        words.extend(["--listen".into(), port.to_string().into()]);
    }
    let checked = tests_program("check")
        .args(&words)
        .status()
        .context("cargo does not start")?;
    if !checked.success() {
        // It has said why.
        std::process::exit(1);
    }
    let toolchain = Toolchain::choose(options.toolchain, MEASURED.target)?;
    let images = build(&toolchain, FLASHED, &[GATEWAY])?;
    become_it(program("run", &images.join(GATEWAY)).args(&words))
}

#[derive(Args)]
pub(crate) struct TranscriptOptions {
    /// Which Rust compiles the image; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

/// Builds the firmware and becomes the program that asks it.
pub(crate) fn transcript(options: &TranscriptOptions) -> Result<()> {
    ensure(&[Need::Host, Need::Board])?;
    let toolchain = Toolchain::choose(options.toolchain, MEASURED.target)?;
    let images = build(&toolchain, FLASHED, &[GATEWAY])?;
    become_it(&mut program("transcript", &images.join(GATEWAY)))
}

#[cfg(unix)]
fn become_it(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("cargo does not start")
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> Result<()> {
    crate::process::succeed(command)
}

/// The tests' program `board`, which starts QEMU, to do `task` with `firmware`.
fn program(task: &str, firmware: &Path) -> Command {
    let mut command = tests_program(task);
    command.arg("--firmware").arg(firmware);
    command
}

/// The same without a firmware.
fn tests_program(task: &str) -> Command {
    let mut command = cargo();
    command.args(["run", "--package", TESTS]).args([
        "--features",
        "board",
        "--bin",
        "board",
        "--",
        task,
    ]);
    command
}

/// What there is to know of the whole firmware in one build.
pub(crate) struct Measured {
    pub(crate) build: Build,
    pub(crate) panics: Vec<Panic>,
    pub(crate) measurements: Vec<Measurement>,
}

/// Builds it, weighs it, and lets it answer.
pub(crate) fn measure(toolchain: &Toolchain, of: Build) -> Result<Measured> {
    let firmware = build(toolchain, of, &[GATEWAY])?.join(GATEWAY);
    let panics = image::panics(&firmware)?;
    let mut values = vec![
        (
            "flash: the whole image".to_owned(),
            image::flash(&firmware)?,
            "octets",
        ),
        (
            format!("panics {GATEWAY}"),
            image::count(&panics),
            "symbols",
        ),
    ];
    values.extend(figures("measure", &firmware)?);
    let measurements = values
        .into_iter()
        .map(|(name, value, unit)| Measurement {
            limit: of.limit(&name),
            build: of.name(),
            name,
            value,
            unit,
        })
        .collect();
    Ok(Measured {
        build: of,
        panics,
        measurements,
    })
}

/// Name, value and unit of all that the program tells of an image that runs.
pub(crate) fn figures(task: &str, firmware: &Path) -> Result<Vec<(String, u64, &'static str)>> {
    let end = within(PATIENCE, &mut program(task, firmware))?;
    if !end.status.success() {
        bail!("{}: {}{}", firmware.display(), end.stdout, end.stderr);
    }
    end.stdout.lines().map(figure).collect()
}

fn figure(line: &str) -> Result<(String, u64, &'static str)> {
    const UNITS: &[&str] = &["octets", "ms", "µs", "1/s", "‰"];
    let mut words = line.splitn(3, ' ');
    let (Some(value), Some(unit), Some(name)) = (words.next(), words.next(), words.next()) else {
        bail!("no figure: {line:?}");
    };
    let unit = UNITS.iter().find(|known| **known == unit);
    Ok((
        name.to_owned(),
        value.parse().with_context(|| line.to_owned())?,
        unit.with_context(|| line.to_owned())?,
    ))
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn a_figure_is_a_value_a_unit_and_a_name() {
        let read = figure("410 1/s token requests, 1 connection kept").unwrap();
        assert_eq!(
            read,
            ("token requests, 1 connection kept".to_owned(), 410, "1/s")
        );
        for line in ["", "12", "12 octets", "x octets y", "12 miles y"] {
            assert!(figure(line).is_err(), "{line}");
        }
    }
}
