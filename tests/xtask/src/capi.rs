//! `cargo xtask capi`: the C library, installed, or linked into C firmware and measured there beside
//! the same in Rust.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::board::{self, BUILDS, MEASURED};
use crate::image;
use crate::measure::{Measurement, table, to_json};
use crate::process::{cargo, root, succeed, target};
use crate::qemu::{Report, run};
use crate::test::Tally;
use crate::toolchain::{Road, Toolchain};
use crate::tools::{Need, ensure};

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Build the library and install it with its header and its file for pkg-config
    Install(InstallOptions),
    /// Sizes, instructions and panics of C programs on the emulated board, beside Rust's
    Measure(MeasureOptions),
}

#[derive(Args)]
pub(crate) struct InstallOptions {
    /// The folder that gets `include` and `lib`
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
}

#[derive(Args)]
pub(crate) struct MeasureOptions {
    /// Print the measurements as JSON
    #[arg(long)]
    json: bool,
    /// Which Rust compiles the library; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

pub(crate) fn task(task: &Task) -> Result<()> {
    match task {
        Task::Install(options) => install(&options.prefix),
        Task::Measure(options) => tell(options),
    }
}

fn folder() -> PathBuf {
    root().join("core/capi")
}

/// What pkg-config says. A static library needs what Rust's `std` needs.
fn pkg_config(prefix: &Path, version: &str) -> String {
    format!(
        "prefix={}\n\
         libdir=${{prefix}}/lib\n\
         includedir=${{prefix}}/include\n\n\
         Name: smallgate\n\
         Description: OAuth 2.0 authorization server and JWT validator\n\
         Version: {version}\n\
         Libs: -L${{libdir}} -lsmallgate\n\
         Libs.private: -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc\n\
         Cflags: -I${{includedir}}\n",
        prefix.display()
    )
}

/// The number of a `#define` in the header.
fn defined(header: &str, name: &str) -> Result<String> {
    let start = format!("#define {name} ");
    let line = header.lines().find_map(|line| line.strip_prefix(&start));
    let value = line.with_context(|| format!("the header has no {name}"))?;
    Ok(value.trim().to_owned())
}

fn install(prefix: &Path) -> Result<()> {
    ensure(&[Need::Host])?;
    succeed(cargo().args(["build", "--release", "--package", "smallgate-capi"]))?;
    let prefix = std::path::absolute(prefix)?;
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    let pkg = lib.join("pkgconfig");
    for folder in [&include, &pkg] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let header = fs::read_to_string(folder().join("include/smallgate.h"))?;
    let shared = format!(
        "libsmallgate.so.{}",
        defined(&header, "SMALLGATE_ABI_VERSION")?
    );
    let built = target().join("release");
    for (from, to) in [
        (
            folder().join("include/smallgate.h"),
            include.join("smallgate.h"),
        ),
        (built.join("libsmallgate.a"), lib.join("libsmallgate.a")),
        (built.join("libsmallgate.so"), lib.join(&shared)),
    ] {
        // Not written over: a program may have it open.
        if to.exists() {
            fs::remove_file(&to)?;
        }
        fs::copy(&from, &to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
        println!("{}", to.display());
    }
    let link = lib.join("libsmallgate.so");
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(&shared, &link)?;
    let file = pkg.join("smallgate.pc");
    fs::write(&file, pkg_config(&prefix, env!("CARGO_PKG_VERSION")))?;
    println!("{}\n{}", link.display(), file.display());
    Ok(())
}

/// The programs in C, and what of the library is in each.
const PROGRAMS: [(&str, &str); 4] = [
    ("empty", ""),
    ("verify", "validate only"),
    ("issue", "issue only"),
    ("serve", "all"),
];

/// How much more than in Rust an operation may take.
const PER_CENT: u64 = 3;

/// What C is compiled with for the board's processor.
const FLAGS: [&str; 17] = [
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pedantic",
    "-Os",
    "-mcpu=cortex-m4",
    "-mthumb",
    "-mfloat-abi=hard",
    "-mfpu=fpv4-sp-d16",
    // No libc: nothing may become a call of it.
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",
    "-ffunction-sections",
    "-fdata-sections",
    "-nostdlib",
    "-Wl,--gc-sections",
    "-Wl,--nmagic",
];

/// The static library for the board's processor, with ES256 in assembly.
fn library(toolchain: &Toolchain) -> Result<PathBuf> {
    eprintln!("xtask: building libsmallgate with {toolchain}");
    let target_dir = target().join("capi").join(toolchain.road.name());
    succeed(
        toolchain
            .cargo("rustc", &folder(), &target_dir)
            .args([
                "--quiet",
                "--lib",
                "--profile",
                "bare",
                "--crate-type",
                "staticlib",
            ])
            .args(["--no-default-features", "--features", "asm"]),
    )?;
    Ok(target_dir
        .join(toolchain.target)
        .join("bare/libsmallgate.a"))
}

/// A demonstration's provisioning image, as `serve.c` includes it.
fn write_image_header(out: &Path) -> Result<()> {
    let image = out.join("image.bin");
    let mut provision = cargo();
    provision
        .args([
            "run",
            "--quiet",
            "--package",
            "smallgate",
            "--",
            "provision",
        ])
        .args(["--demo", "standard", "--issuer", "https://as.example"])
        .args(["--made-at", "2026-01-01T00:00:00Z", "--force", "--output"])
        .arg(&image)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    succeed(&mut provision)?;
    let octets: Vec<String> = fs::read(&image)?.iter().map(u8::to_string).collect();
    // demo:demo-secret-demo-secret-demo-secret, as HTTP Basic has it.
    let authorization = "Basic ZGVtbzpkZW1vLXNlY3JldC1kZW1vLXNlY3JldC1kZW1vLXNlY3JldA==";
    let text = format!(
        "#include <stdint.h>\n#define AUTHORIZATION \"{authorization}\"\n\
         static const uint8_t image[] = {{{}}};\n",
        octets.join(",")
    );
    fs::write(out.join("image.h"), text)?;
    Ok(())
}

/// Compiles a program and links it.
fn link(program: &str, library: &Path, out: &Path) -> Result<PathBuf> {
    let source = folder().join("examples/baremetal");
    let elf = out.join(program);
    let mut gcc = Command::new("arm-none-eabi-gcc");
    gcc.args(FLAGS)
        // The assembly says nothing of its stack; there is none that could be executed.
        .args(["-Wl,--no-warn-execstack", "-T"])
        .arg(source.join("link.ld"))
        .arg("-I")
        .arg(folder().join("include"))
        .arg("-I")
        .arg(out)
        .arg(source.join(format!("{program}.c")))
        .arg(source.join("bench.c"))
        .arg(library)
        .args(["-lgcc", "-o"])
        .arg(&elf);
    succeed(&mut gcc)?;
    image::require_vector_table(&elf)?;
    Ok(elf)
}

/// All that was measured, and the reports of the programs in C.
struct All {
    measured: Vec<Measurement>,
    reports: Vec<(&'static str, Report)>,
    panics: Vec<String>,
}

fn measure(toolchain: &Toolchain) -> Result<All> {
    let library = library(toolchain)?;
    let out = target()
        .join("capi")
        .join(toolchain.road.name())
        .join("images");
    fs::create_dir_all(&out)?;
    write_image_header(&out)?;
    // The first build is the boards' own: assembly, and optimised for size.
    let of = *BUILDS.first().context("no build")?;
    let rust = board::build(toolchain, of, &["verify", "issue"])?;

    let mut all = All {
        measured: Vec::new(),
        reports: Vec::new(),
        panics: Vec::new(),
    };
    let mut add = |name: &str, build: &str, value, unit, limit| {
        all.measured.push(Measurement {
            name: name.to_owned(),
            build: build.to_owned(),
            value,
            unit,
            limit,
        });
    };
    let mut empty = 0;
    for (program, what) in PROGRAMS {
        let elf = link(program, &library, &out)?;
        let flash = image::flash(&elf)?;
        let report = run(&elf)?;
        if program == "empty" {
            empty = flash;
        } else {
            let found = image::panics(&elf)?;
            add(
                &format!("flash: {what}"),
                "C",
                flash.saturating_sub(empty),
                "octets",
                None,
            );
            add(
                &format!("panics: {what}"),
                "C",
                image::count(&found),
                "symbols",
                Some(0),
            );
            let lines = found.into_iter();
            all.panics
                .extend(lines.map(|one| format!("{program}: {} <- {}", one.symbol, one.caller)));
            let same = match program {
                "serve" => Report::default(),
                _ => run(&rust.join(program))?,
            };
            for (name, value, unit) in &report.measured {
                let beside = same.value(name);
                let limit = beside.map(|beside| beside + beside * PER_CENT / 100);
                add(name, "C", *value, unit, limit);
                if let Some(beside) = beside {
                    add(name, "Rust", beside, unit, None);
                }
            }
        }
        all.reports.push((program, report));
    }
    Ok(all)
}

fn tell(options: &MeasureOptions) -> Result<()> {
    ensure(&[Need::Host, Need::Board])?;
    let toolchain = Toolchain::choose(options.toolchain, MEASURED.target)?;
    let all = measure(&toolchain)?;
    if options.json {
        println!("{:#}", to_json(&all.measured));
    } else {
        println!("mps2-an386 (Cortex-M4F), opt \"s\", fat LTO; {toolchain}\n");
        print!("{}", table(&all.measured));
        for line in &all.panics {
            println!("{line}");
        }
    }
    let wrong = wrong(&all);
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(())
}

fn wrong(all: &All) -> Vec<String> {
    let past = all
        .measured
        .iter()
        .filter(|one| !one.holds())
        .map(|one| format!("{} is past its limit", one.full_name()));
    let failed = all
        .reports
        .iter()
        .filter(|(_, report)| !report.done)
        .map(|(program, report)| format!("{program} failed: {:?}", report.checks));
    past.chain(failed).collect()
}

/// The programs' checks and the limits, each as a test.
pub(crate) fn test(road: Option<Road>) -> Result<Tally> {
    let toolchain = Toolchain::choose(road, MEASURED.target)?;
    let all = measure(&toolchain)?;
    print!("{}", table(&all.measured));
    let wrong = wrong(&all);
    for line in all.panics.iter().chain(&wrong) {
        println!("{line}");
    }
    let checks = all.reports.iter().map(|(_, report)| report.checks.len());
    let limits = all
        .measured
        .iter()
        .filter(|one| one.limit.is_some())
        .count();
    let of_all = (checks.sum::<usize>() + limits) as u64;
    let failed = wrong.len() as u64;
    Ok(Tally {
        passed: of_all.saturating_sub(failed),
        failed,
        ignored: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_the_header_is_found() {
        let header = "#define SMALLGATE_A 1\n#define SMALLGATE_AB 23\n";
        assert_eq!(defined(header, "SMALLGATE_AB").unwrap(), "23");
        assert!(defined(header, "SMALLGATE_B").is_err());
    }

    #[test]
    fn a_program_that_does_not_end_is_wrong() {
        let all = |done| All {
            measured: Vec::new(),
            reports: vec![(
                "verify",
                Report {
                    done,
                    ..Report::default()
                },
            )],
            panics: Vec::new(),
        };
        assert!(wrong(&all(true)).is_empty());
        assert_eq!(wrong(&all(false)).len(), 1);
    }
}
