//! `cargo xtask board measure`: the programs of a board, built, run in QEMU, and held to their limits.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use smallgate_uf2::Family;

use crate::flash;
use crate::gateway;
use crate::image::{self, Panic};
use crate::measure::{Measurement, table, to_json};
use crate::process::{root, succeed, target};
use crate::qemu::{Report, run};
use crate::toolchain::{Road, Toolchain};
use crate::tools::{Need, ensure};

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Flash, memory, instructions, panics and speed of the firmware and its parts
    Measure(Options),
    /// Build the gateway for a board that can be bought, and the files to flash
    Build(flash::BuildOptions),
    /// Run the firmware with a configuration or a demonstration, until Ctrl-C
    Run(gateway::RunOptions),
    /// Requests and answers, from a token by each grant to a refusal for each reason; fails where
    /// one is not as it should be
    Transcript(gateway::TranscriptOptions),
}

#[derive(Args)]
pub(crate) struct Options {
    /// Print the measurements as JSON
    #[arg(long)]
    json: bool,
    /// Which Rust compiles the board's images; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

/// A board.
pub(crate) struct Board {
    /// Its crate's folder in [`Board::FOLDER`].
    pub(crate) name: &'static str,
    /// What Rust calls its processor.
    pub(crate) target: &'static str,
    /// Whom the drive takes files for that it shows to be flashed, if it shows one.
    pub(crate) drive: Option<Family>,
    /// The most octets that its image may take, by what is weighed; the measured board has its limits
    /// in [`LIMITS`].
    pub(crate) at_most: &'static [(&'static str, u64)],
}

impl Board {
    /// Where the boards are, below the root.
    const FOLDER: &str = "firmware/boards";

    pub(crate) fn path(&self) -> PathBuf {
        root().join(Self::FOLDER).join(self.name)
    }
}

/// Every board.
pub(crate) const BOARDS: &[&Board] = &[&MEASURED, &PICO2];

/// The board that QEMU emulates: a Cortex-M4F.
pub(crate) const MEASURED: Board = Board {
    name: "mps2-an386",
    target: "thumbv7em-none-eabihf",
    drive: None,
    at_most: &[],
};

/// WIZnet's board with an RP2350: a Cortex-M33.
const PICO2: Board = Board {
    name: "w5500-evb-pico2",
    target: "thumbv8m.main-none-eabihf",
    drive: Some(Family::Rp2350ArmSecure),
    at_most: &[(flash::FLASH, 224 * 1024), (flash::RAM, 96 * 1024)],
};

/// The boards that nothing here can run.
pub(crate) fn not_run() -> impl Iterator<Item = &'static Board> {
    let boards = BOARDS.iter().copied();
    boards.filter(|board| board.name != MEASURED.name)
}

/// The programs that measure.
pub(crate) const PROGRAMS: &[&str] = &[
    "empty", "hmac", "es256", "verify", "issue", "request", "store",
];

/// The most that a measurement may be, where ES256 is in assembly.
const LIMITS: &[(&str, u64)] = &[
    ("hmac 1 KiB", 52_000),
    ("verify hs256", 75_000),
    ("verify es256", 800_000),
    ("verify es256, again", 30_000),
    ("issue es256", 450_000),
    ("token request hs256", 150_000),
    ("token request es256", 550_000),
    // Two and a half seconds at 25 MHz, most of them on the bus.
    ("open a full 64 KiB store", 62_500_000),
    ("stack verify es256", 6 * 1024),
    ("stack issue es256", 6 * 1024),
    ("stack token request hs256", 10 * 1024),
    ("stack token request es256", 10 * 1024),
    ("panics verify", 0),
    ("panics issue", 0),
    ("panics request", 0),
    ("panics store", 0),
    ("ram: static plus deepest stack", 64 * 1024),
    // As the board's tests hold for all that they ask.
    ("stack of the deepest request", 10 * 1024),
];

/// And where the compiler optimises for size besides.
const LIMITS_OF_SIZE: &[(&str, u64)] = &[
    ("flash verify only", 40 * 1024),
    // 2 of them for the store of grants.
    ("flash: the whole image", 162 * 1024),
];

/// The names of all that is limited.
pub(crate) fn limited() -> impl Iterator<Item = &'static str> {
    LIMITS.iter().chain(LIMITS_OF_SIZE).map(|(name, _)| *name)
}

/// Where the arithmetic of ES256 comes from: a feature of the board's crate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Backend {
    Asm,
    P256,
}

/// What the compiler optimises for: a profile of the board's crate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opt {
    Size,
    Speed,
}

/// One way to build the programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Build {
    pub(crate) backend: Backend,
    pub(crate) opt: Opt,
}

pub(crate) const BUILDS: &[Build] = &[
    Build {
        backend: Backend::Asm,
        opt: Opt::Size,
    },
    Build {
        backend: Backend::Asm,
        opt: Opt::Speed,
    },
    Build {
        backend: Backend::P256,
        opt: Opt::Size,
    },
    Build {
        backend: Backend::P256,
        opt: Opt::Speed,
    },
];

impl Build {
    pub(crate) fn name(self) -> String {
        let opt = match self.opt {
            Opt::Size => "s",
            Opt::Speed => "3",
        };
        format!("{}, {opt}", self.feature())
    }

    pub(crate) fn feature(self) -> &'static str {
        match self.backend {
            Backend::Asm => "asm",
            Backend::P256 => "p256",
        }
    }

    pub(crate) fn profile(self) -> &'static str {
        match self.opt {
            Opt::Size => "release",
            Opt::Speed => "fast",
        }
    }

    /// The limit of a measurement in this build; pure Rust's figures are told, not limited.
    pub(crate) fn limit(self, name: &str) -> Option<u64> {
        let of_size: &[(&str, u64)] = match self.opt {
            Opt::Size => LIMITS_OF_SIZE,
            Opt::Speed => &[],
        };
        let limits: Vec<&(&str, u64)> = match self.backend {
            Backend::Asm => LIMITS.iter().chain(of_size).collect(),
            Backend::P256 => Vec::new(),
        };
        limits
            .into_iter()
            .find(|(limited, _)| *limited == name)
            .map(|&(_, limit)| limit)
    }
}

/// Builds the programs and says in which folder their images are.
pub(crate) fn build(toolchain: &Toolchain, build: Build, programs: &[&str]) -> Result<PathBuf> {
    eprintln!(
        "xtask: building {} ({}) with {toolchain}",
        programs.join(" "),
        build.name()
    );
    let target_dir = target().join("board").join(toolchain.road.name());
    let mut command = toolchain.cargo("build", &MEASURED.path(), &target_dir);
    command.args(["--quiet", "--profile", build.profile()]);
    command.args(["--no-default-features", "--features", build.feature()]);
    for program in programs {
        command.args(["--bin", program]);
    }
    succeed(&mut command)?;
    // The next build, of another backend, puts its images in the same place.
    let images = target_dir
        .join("images")
        .join(format!("{}-{}", build.feature(), build.profile()));
    fs::create_dir_all(&images)?;
    for program in programs {
        let image = images.join(program);
        fs::copy(
            target_dir
                .join(toolchain.target)
                .join(build.profile())
                .join(program),
            &image,
        )
        .with_context(|| format!("no image of {program}"))?;
        image::require_vector_table(&image)?;
    }
    Ok(images)
}

/// What there is to know of one program in one build.
pub(crate) struct Measured {
    pub(crate) program: &'static str,
    pub(crate) build: Build,
    pub(crate) report: Report,
    /// A second run said the same, to the instruction.
    pub(crate) repeatable: bool,
    pub(crate) panics: Vec<Panic>,
    pub(crate) measurements: Vec<Measurement>,
}

/// Builds, runs twice, and weighs every program in every build.
pub(crate) fn measure(toolchain: &Toolchain) -> Result<Vec<Measured>> {
    let mut all = Vec::new();
    for &of in BUILDS {
        let images = build(toolchain, of, PROGRAMS)?;
        let baseline = image::flash(&images.join("empty"))?;
        for program in PROGRAMS {
            all.push(measure_one(program, of, &images.join(program), baseline)?);
        }
    }
    Ok(all)
}

fn measure_one(
    program: &'static str,
    build: Build,
    image: &Path,
    baseline: u64,
) -> Result<Measured> {
    let report = run(image)?;
    let repeatable = run(image)? == report;
    let panics = image::panics(image)?;
    let flash = image::flash(image)?;
    let mut values = report.measured.clone();
    if program == "empty" {
        values.clear();
        values.push((format!("flash {program}"), flash, "octets"));
    } else {
        values.push((format!("flash {program} only"), flash, "octets"));
        values.push((
            format!("flash {program} over empty"),
            flash.saturating_sub(baseline),
            "octets",
        ));
    }
    values.push((
        format!("panics {program}"),
        image::count(&panics),
        "symbols",
    ));
    let measurements = values
        .into_iter()
        .map(|(name, value, unit)| Measurement {
            limit: build.limit(&name),
            build: build.name(),
            name,
            value,
            unit,
        })
        .collect();
    Ok(Measured {
        program,
        build,
        report,
        repeatable,
        panics,
        measurements,
    })
}

pub(crate) fn task(task: &Task) -> Result<()> {
    match task {
        Task::Measure(options) => tell(options),
        Task::Build(options) => flash::run(options),
        Task::Run(options) => gateway::run(options),
        Task::Transcript(options) => gateway::transcript(options),
    }
}

fn tell(options: &Options) -> Result<()> {
    ensure(&[Need::Host, Need::Board])?;
    let toolchain = Toolchain::choose(options.toolchain, MEASURED.target)?;
    let all = measure(&toolchain)?;
    let whole = BUILDS
        .iter()
        .map(|&of| gateway::measure(&toolchain, of))
        .collect::<Result<Vec<_>>>()?;
    let others = not_run()
        .map(|board| flash::measure(options.toolchain, board))
        .collect::<Result<Vec<_>>>()?;
    let of_programs = all.iter().flat_map(|one| &one.measurements);
    let measurements: Vec<Measurement> = of_programs
        .chain(whole.iter().flat_map(|one| &one.measurements))
        .chain(others.iter().flatten())
        .cloned()
        .collect();
    if options.json {
        println!("{:#}", to_json(&measurements));
    } else {
        println!("mps2-an386 (Cortex-M4F), fat LTO; {toolchain}\n");
        print!("{}", table(&measurements));
        println!("\npanic symbol <- caller");
        let of_programs = all.iter().map(|one| (one.program, one.build, &one.panics));
        let of_gateway = whole
            .iter()
            .map(|one| (gateway::GATEWAY, one.build, &one.panics));
        for (program, build, panics) in of_programs.chain(of_gateway) {
            for Panic { symbol, caller } in panics {
                println!("{program} ({}): {symbol} <- {caller}", build.name());
            }
        }
    }
    let mut wrong: Vec<String> = measurements
        .iter()
        .filter(|one| !one.holds())
        .map(|one| format!("{} is past its limit", one.full_name()))
        .collect();
    for one in &all {
        let name = format!("{} ({})", one.program, one.build.name());
        if !one.report.done {
            wrong.push(format!("{name} failed: {:?}", one.report.checks));
        }
        if !one.repeatable {
            wrong.push(format!("{name} said something else the second time"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pure_rust_has_no_limits() {
        let build = |backend| Build {
            backend,
            opt: Opt::Size,
        };
        assert_eq!(build(Backend::Asm).limit("verify es256"), Some(800_000));
        assert_eq!(build(Backend::P256).limit("verify es256"), None);
        assert_eq!(
            build(Backend::Asm).limit("flash verify only"),
            Some(40 * 1024)
        );
        assert_eq!(
            Build {
                backend: Backend::Asm,
                opt: Opt::Speed
            }
            .limit("flash verify only"),
            None
        );
        assert_eq!(build(Backend::Asm).limit("nothing"), None);
    }
}
