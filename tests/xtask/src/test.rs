//! `cargo xtask test`: every part that has tests, what each ran, and how long it took.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::process::{cargo, stream};
use crate::toolchain::Road;
use crate::tools::{Need, ensure};
use crate::{board_test, capi, fuzz, requirements};

#[derive(Args)]
pub(crate) struct Options {
    /// Run this part alone
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Of the board's tests, run only the cases whose names have this in them, and neither programs
    /// nor limits
    #[arg(value_name = "NAME", requires = "only")]
    name: Option<String>,
    /// Which Rust compiles the board's images; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

/// A part of the tests: what runs together because it needs the same tools.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Part {
    /// The workspace's tests, on this machine
    Host,
    /// The board's images in QEMU, within their limits
    Board,
    /// The store, through power cuts and races
    State,
    /// The C interface
    Capi,
    /// Several gateways on one store
    Fleet,
    /// Constant time and memory under valgrind, and a short run of every fuzz target
    Proof,
}

/// How many seconds each fuzz target runs within the tests; `cargo xtask fuzz` is the long form.
const FUZZ_SECONDS: u64 = 10;

/// What a part ran.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    /// Adds what a test runner's closing line says; any other line says nothing.
    pub(crate) fn add_line(&mut self, line: &str) {
        let Some((_, counts)) = line
            .trim_start()
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split(';') {
            let mut words = count.split_whitespace();
            let (Some(Ok(number)), Some(what)) =
                (words.next().map(str::parse::<u64>), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// How a part is run.
type Runner = fn(&Options) -> Result<Tally>;

impl Part {
    fn runner(self) -> (&'static [Need], Runner) {
        match self {
            Self::Host => (&[Need::Host, Need::State], host),
            Self::Board => (&[Need::Host, Need::Board], board),
            Self::State => (&[Need::Host, Need::State], state),
            Self::Capi => (&[Need::Host, Need::Capi, Need::Board], capi_part),
            Self::Fleet => (&[Need::Host, Need::Fleet], fleet),
            Self::Proof => (&[Need::Host, Need::Proof], proof),
        }
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A part that was run, for the closing table.
struct Ran {
    part: Part,
    tally: Tally,
    time: Duration,
    error: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let (Some(name), Some(part)) = (&options.name, options.only)
        && part != Part::Board
    {
        bail!(
            "`{name}`: only the part `board` runs by name; for others `cargo test {name}`, part `{}`",
            part.name()
        );
    }
    let parts: Vec<(Part, &[Need], Runner)> = Part::value_variants()
        .iter()
        .filter(|part| options.only.is_none_or(|only| only == **part))
        .map(|&part| {
            let (needs, runner) = part.runner();
            (part, needs, runner)
        })
        .collect();
    let needs: Vec<Need> = parts
        .iter()
        .flat_map(|(_, needs, _)| *needs)
        .copied()
        .collect();
    ensure(&needs)?;

    let ran: Vec<Ran> = parts
        .into_iter()
        .map(|(part, _, runner)| run_part(part, runner, options))
        .collect();

    println!();
    println!(
        "{:<8}{:>8}{:>8}{:>9}{:>10}  result",
        "part", "passed", "failed", "ignored", "time"
    );
    for Ran {
        part,
        tally,
        time,
        error,
    } in &ran
    {
        println!(
            "{:<8}{:>8}{:>8}{:>9}{:>9.1}s  {}",
            part.name(),
            tally.passed,
            tally.failed,
            tally.ignored,
            time.as_secs_f64(),
            error.as_deref().unwrap_or("ok")
        );
    }
    let failed = ran.iter().filter(|ran| ran.error.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} parts failed", ran.len());
    }
    Ok(())
}

fn run_part(part: Part, runner: Runner, options: &Options) -> Ran {
    println!("== {}", part.name());
    let start = Instant::now();
    let (tally, error) = match runner(options) {
        Ok(tally) => (tally, verdict(tally)),
        Err(error) => (Tally::default(), Some(format!("{error:#}"))),
    };
    let time = start.elapsed();
    println!(
        "== {}: {} tests in {:.1} s",
        part.name(),
        tally.passed + tally.failed,
        time.as_secs_f64()
    );
    Ran {
        part,
        tally,
        time,
        error,
    }
}

/// Why a part that ran to its end failed all the same.
fn verdict(tally: Tally) -> Option<String> {
    if tally.failed > 0 {
        Some(format!("{} failed", tally.failed))
    } else if tally.passed == 0 {
        Some("no test ran".to_owned())
    } else {
        None
    }
}

/// The workspace's tests, and that they are all that is asked for: that counts as one more.
fn host(_: &Options) -> Result<Tally> {
    let mut tally = cargo_test(&["--workspace"])?;
    match requirements::check() {
        Ok(()) => tally.passed += 1,
        Err(error) => {
            println!("requirements: {error:#}");
            tally.failed += 1;
        }
    }
    Ok(tally)
}

fn state(_: &Options) -> Result<Tally> {
    cargo_test(&["--package", TESTS, "--test", "state"])
}

fn fleet(_: &Options) -> Result<Tally> {
    let mut tally = cargo_test(&["--package", TESTS, "--lib", "fleet"])?;
    // Each has servers and gateways of its own.
    let arguments = ["--package", TESTS, "--features", "fleet", "--test", "fleet"];
    tally.add(cargo_test(
        &[&arguments[..], &["--", "--test-threads=2"]].concat(),
    )?);
    Ok(tally)
}

fn capi_part(options: &Options) -> Result<Tally> {
    let arguments = ["--package", TESTS, "--features", "capi", "--test", "capi"];
    let mut tally = cargo_test(&arguments)?;
    tally.add(capi::test(options.toolchain)?);
    Ok(tally)
}

fn board(options: &Options) -> Result<Tally> {
    match &options.name {
        None => board_test::run(options.toolchain),
        Some(name) => board_test::cases(options.toolchain, name),
    }
}

/// The tests behind the `board` feature, or those with `name` in theirs, against this firmware.
pub(crate) fn against_firmware(firmware: &Path, name: Option<&str>) -> Result<Tally> {
    run_tests(
        cargo()
            .args(["test", "--no-fail-fast", "--package", TESTS])
            .args(["--features", "board", "--lib", "--test", "board"])
            .args(name)
            .env(FIRMWARE, firmware),
    )
}

/// The tests behind the `proof` feature of the tests' package, then each fuzz target for a moment.
fn proof(_: &Options) -> Result<Tally> {
    let mut tally = Tally::default();
    let metadata = fuzz::metadata(cargo().args(["metadata", "--no-deps", "--format-version=1"]))?;
    if let Some(arguments) = proof_arguments(&metadata) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        tally.add(cargo_test(&arguments)?);
    }
    tally.add(fuzz::all(FUZZ_SECONDS)?);
    Ok(tally)
}

/// Runs `cargo test` with these arguments and counts. A failing test is in the tally; an error is
/// what kept tests from running, such as code that does not compile.
fn cargo_test(arguments: &[&str]) -> Result<Tally> {
    run_tests(cargo().args(["test", "--no-fail-fast"]).args(arguments))
}

fn run_tests(command: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    let status = stream(command, |line| tally.add_line(line))?;
    if !status.success() && tally.failed == 0 {
        bail!("`cargo test` failed: {status}");
    }
    Ok(tally)
}

/// Names the firmware to the tests.
pub(crate) const FIRMWARE: &str = "SMALLGATE_BOARD_IMAGE";

/// The package of the integration tests, and its feature for those that need more than a compiler.
pub(crate) const TESTS: &str = "smallgate-tests";
const PROOF: &str = "proof";

/// The arguments that run the tests behind the `proof` feature and no others; nothing without one.
pub(crate) fn proof_arguments(metadata: &Value) -> Option<Vec<String>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let names: Vec<String> = list(&metadata["packages"])
        .into_iter()
        .filter(|package| package["name"] == TESTS)
        .flat_map(|package| list(&package["targets"]))
        .filter(|target| list(&target["kind"]).contains(&"test".into()))
        .filter(|target| list(&target["required-features"]).contains(&PROOF.into()))
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect();
    if names.is_empty() {
        return None;
    }
    let mut arguments = ["--package", TESTS, "--features", PROOF]
        .map(str::to_owned)
        .to_vec();
    arguments.extend(
        names
            .into_iter()
            .flat_map(|name| ["--test".to_owned(), name]),
    );
    Some(arguments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn closing_lines_are_summed_and_other_lines_are_not() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 4 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "said: test result: ok. 9 passed; 0 failed",
        ] {
            tally.add_line(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 4,
                failed: 2,
                ignored: 4
            }
        );
    }

    #[test]
    fn the_proof_is_the_tests_behind_its_feature() {
        let target = |kind: &str, name: &str, features: &[&str]| json!({"kind": [kind], "name": name, "required-features": features});
        let metadata = |targets: Value| {
            json!({"packages": [
                {"name": "other", "targets": [target("test", "theirs", &["proof"])]},
                {"name": "smallgate-tests", "targets": targets},
            ]})
        };
        let arguments = proof_arguments(&metadata(json!([
            target("test", "plain", &[]),
            target("bin", "subject", &["proof"]),
            target("test", "callgrind", &["proof"]),
        ])));
        let expected = "--package smallgate-tests --features proof --test callgrind";
        assert_eq!(
            arguments.map(|words| words.join(" ")).as_deref(),
            Some(expected)
        );
        assert_eq!(
            proof_arguments(&metadata(json!([target("test", "plain", &[])]))),
            None
        );
    }

    #[test]
    fn a_part_without_a_test_fails() {
        assert!(verdict(Tally::default()).is_some());
        assert!(
            verdict(Tally {
                ignored: 3,
                ..Tally::default()
            })
            .is_some()
        );
        assert!(
            verdict(Tally {
                passed: 3,
                failed: 1,
                ignored: 0
            })
            .is_some()
        );
        assert_eq!(
            verdict(Tally {
                passed: 1,
                failed: 0,
                ignored: 0
            }),
            None
        );
    }

    #[test]
    fn a_name_is_for_the_boards_cases_alone() {
        let end = run(&Options {
            only: Some(Part::Host),
            name: Some("r07".to_owned()),
            toolchain: None,
        });
        assert!(end.unwrap_err().to_string().contains("cargo test r07"));
    }
}
