//! `cargo xtask fuzz`: libFuzzer over the targets of `tests/fuzz`, in cargo-fuzz's layout, without cargo-fuzz.
//!
//! Instrumenting is one LLVM pass that a stable compiler has too, so no nightly toolchain is needed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde_json::Value;

use crate::process::{cargo, root, succeed, target, within};
use crate::test::Tally;
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// The target; without one, each in turn
    target: Option<String>,
    /// How long each runs
    #[arg(long, default_value_t = 300)]
    seconds: u64,
}

/// The target with a planted fault, which shows that faults are found.
const TWIN: &str = "twin";
const TWIN_SECONDS: u64 = 120;

/// What the compiler must do so that libFuzzer sees which edges and comparisons an input reached.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure(&[Need::Host, Need::Proof])?;
    let mut names = targets()?;
    if let Some(one) = &options.target {
        if one != TWIN && !names.contains(one) {
            bail!("no fuzz target `{one}`; there are: {}", names.join(", "));
        }
        names = vec![one.clone()];
    }
    let tally = fuzz(&names, options.seconds, None)?;
    if tally.failed > 0 || tally.passed == 0 {
        bail!("{} of {} fuzz targets failed", tally.failed, names.len());
    }
    Ok(())
}

/// Every target for so many seconds, each from the same seed at every run, so that a tree which passed
/// passes again; each counts as a test, and so does that the twin's fault is found. New ground is for
/// `cargo xtask fuzz`.
pub(crate) fn all(seconds: u64) -> Result<Tally> {
    let mut tally = fuzz(&targets()?, seconds, Some(1))?;
    println!("running 1 fuzz target that has to fail, {TWIN_SECONDS} s at most");
    let seen = match fuzz_one(TWIN, &host_triple()?, TWIN_SECONDS, Some(1)) {
        Ok(executions) => Err(anyhow!("nothing found in {executions} executions")),
        Err(error) if format!("{error:#}").contains("the planted fault") => {
            Ok("its fault was found".to_owned())
        }
        Err(error) => Err(error.context("another failure than the planted one")),
    };
    let mut twin = Tally::default();
    count(&mut twin, TWIN, seen);
    close(&twin);
    tally.add(twin);
    Ok(tally)
}

/// What `cargo metadata` says.
pub(crate) fn metadata(command: &mut Command) -> Result<Value> {
    let end = within(Duration::from_secs(120), command)?;
    if !end.status.success() {
        bail!("cargo metadata: {}", end.stderr);
    }
    serde_json::from_str(&end.stdout).context("cargo metadata")
}

fn manifest() -> PathBuf {
    root().join("tests/fuzz/Cargo.toml")
}

/// The names of the fuzz targets but the twin's; none while there is no `tests/fuzz`.
fn targets() -> Result<Vec<String>> {
    if !manifest().exists() {
        return Ok(Vec::new());
    }
    let metadata = metadata(
        cargo()
            .args([
                "metadata",
                "--no-deps",
                "--format-version=1",
                "--manifest-path",
            ])
            .arg(manifest()),
    )?;
    let names = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|package| package["targets"].as_array().into_iter().flatten())
        .filter(|target| target["kind"][0] == "bin")
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .filter(|name| name != TWIN)
        .collect();
    Ok(names)
}

fn fuzz(names: &[String], seconds: u64, seed: Option<u32>) -> Result<Tally> {
    if names.is_empty() {
        return Ok(Tally::default());
    }
    let host = host_triple()?;
    succeed(
        cargo()
            .args(["build", "--release", "--bins", "--manifest-path"])
            .arg(manifest())
            // A named target keeps the flags from build scripts, which could not link with them.
            .args(["--target", &host, "--target-dir"])
            .arg(target().join("fuzz"))
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", FLAGS.join(" ")),
    )?;
    println!("running {} fuzz targets, {seconds} s each", names.len());
    let mut tally = Tally::default();
    for name in names {
        let done = fuzz_one(name, &host, seconds, seed);
        count(
            &mut tally,
            name,
            done.map(|number| format!("{number} executions")),
        );
    }
    close(&tally);
    Ok(tally)
}

/// A runner's line for a test, which is counted.
fn count(tally: &mut Tally, name: &str, done: Result<String>) {
    match done {
        Ok(how) => {
            println!("test fuzz {name} ... ok ({how})");
            tally.passed += 1;
        }
        Err(error) => {
            println!("test fuzz {name} ... FAILED\n{error:#}");
            tally.failed += 1;
        }
    }
}

/// A runner's closing line.
fn close(tally: &Tally) {
    let result = if tally.failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {result}. {} passed; {} failed; 0 ignored",
        tally.passed, tally.failed
    );
}

/// Runs one target and says how many inputs it tried.
fn fuzz_one(name: &str, host: &str, seconds: u64, seed: Option<u32>) -> Result<u64> {
    let folder = target().join("fuzz");
    // What earlier runs found is where a run goes on from, unless it is to be the same every time.
    let corpus = match seed {
        None => folder.join("corpus").join(name),
        Some(_) => folder.join("corpus-of-tests").join(name),
    };
    if seed.is_some() && corpus.exists() {
        fs::remove_dir_all(&corpus)?;
    }
    let artifacts = folder.join("artifacts").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(folder.join(host).join("release").join(name));
    command
        .arg(format!("-max_total_time={seconds}"))
        .args(["-timeout=10", "-print_final_stats=1"])
        .args(seed.map(|seed| format!("-seed={seed}")))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(&corpus);
    let seeds = root().join("tests/fuzz/seeds").join(name);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let end = within(Duration::from_secs(seconds + 60), &mut command)?;
    if !end.status.success() {
        let lines: Vec<&str> = end.stderr.lines().collect();
        let last = lines.len().saturating_sub(80);
        bail!("{}\n{}", end.status, lines[last..].join("\n"));
    }
    match executions(&end.stderr) {
        Some(number) if number > 0 => Ok(number),
        _ => bail!("it tried no input"),
    }
}

fn executions(log: &str) -> Option<u64> {
    log.lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?
        .trim()
        .parse()
        .ok()
}

fn host_triple() -> Result<String> {
    let end = within(Duration::from_secs(20), Command::new("rustc").arg("-vV"))?;
    end.stdout
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not say what it runs on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_the_final_statistics() {
        let log = "#2 INITED\nstat::number_of_executed_units: 123456\nstat::new_units_added: 3";
        assert_eq!(executions(log), Some(123_456));
        assert_eq!(executions("Done 0 runs"), None);
    }
}
