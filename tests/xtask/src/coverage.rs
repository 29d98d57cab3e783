//! `cargo xtask coverage`: lines and branches of the core that the suites reach which mutants are tested with.
//!
//! Counting branches is behind a flag that a stable compiler has too, if told that it may.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Deserializer, Value};

use crate::measure::{Measurement, judge, to_json};
use crate::mutants::{FIRST, SECOND};
use crate::process::{cargo, line, root, succeed, target};
use crate::test::TESTS;
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// Print a list of `{name, value, unit, limit}`
    #[arg(long)]
    json: bool,
    /// Show the source of what is not reached, each line with how often it ran
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    show: Option<PathBuf>,
}

/// What the compiler must do so that each line and each branch is counted.
const FLAGS: &str = "-Cinstrument-coverage -Zcoverage-options=branch";

/// The part of the repository that is looked at.
const PART: &str = "core/src";

/// How many lines and branches of it may be out of reach: what a compiler works out, what is for words of
/// 32 bits, and what stands where a panic would. A few more than there are, as some tests draw lots.
const LINES: u64 = 130;
const BRANCHES: u64 = 50;

/// What a file has of something, and how much of that was reached.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Reached {
    of: u64,
    reached: u64,
}

impl Reached {
    fn read(summary: &Value) -> Result<Self> {
        let number = |name: &str| summary[name].as_u64().context("no summary");
        Ok(Self {
            of: number("count")?,
            reached: number("covered")?,
        })
    }

    fn missing(self) -> u64 {
        self.of.saturating_sub(self.reached)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            of: self.of + other.of,
            reached: self.reached + other.reached,
        }
    }
}

#[derive(PartialEq, Eq, Debug)]
struct File {
    name: String,
    lines: Reached,
    branches: Reached,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure(&[Need::Host, Need::Coverage])?;
    let programs = built()?;
    let profile = counted()?;
    let report = |task: &[&str]| {
        let mut command = Command::new("llvm-cov-22");
        command
            .args(task)
            .arg(format!("--instr-profile={}", profile.display()))
            .args(programs.iter().map(|program| format!("--object={program}")))
            .arg("--sources")
            .current_dir(root());
        command
    };
    if let Some(file) = &options.show {
        return succeed(report(&["show", "--show-branches=count"]).arg(file));
    }
    let mut export = report(&["export", "--summary-only"]);
    let output = export.arg(PART).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("`{}`: {}", line(&export), output.status);
    }
    let files = read(&serde_json::from_slice(&output.stdout)?)?;
    let measured = measured(&files, LINES, BRANCHES);
    match options.json {
        true => println!("{:#}", to_json(&measured)),
        false => print!("{}", table(&files)),
    }
    judge(&measured, |one| {
        format!("{}: {} of {}", one.name, one.value, one.limit.unwrap_or(0))
    })
}

fn folder() -> PathBuf {
    target().join("coverage")
}

/// The suites, built so that they count, and what they count written to `counts`.
fn suites(counts: &str) -> Command {
    let mut command = cargo();
    command
        .args(["test", "--package=smallgate-core"])
        .arg(format!("--package={TESTS}"))
        .args(FIRST)
        .args(SECOND)
        // For the suites too that build a program.
        .env("CARGO_TARGET_DIR", folder())
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", FLAGS)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("LLVM_PROFILE_FILE", folder().join(counts));
    command
}

/// The programs that the suites are.
fn built() -> Result<BTreeSet<String>> {
    // Building runs programs that count too, which nobody asked about.
    let mut build = suites("build/%m.profraw");
    build
        .args(["--no-run", "--message-format=json"])
        .stderr(Stdio::inherit());
    let output = build.output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("`{}`: {}", line(&build), output.status);
    }
    let mut programs = BTreeSet::new();
    for message in Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        programs.extend(message?["executable"].as_str().map(str::to_owned));
    }
    Ok(programs)
}

/// Runs them, and puts together what they counted.
fn counted() -> Result<PathBuf> {
    let raw = folder().join("raw");
    if raw.exists() {
        fs::remove_dir_all(&raw)?;
    }
    succeed(suites("raw/%p-%m.profraw").stdout(Stdio::null()))?;
    let mut merge = Command::new("llvm-profdata-22");
    merge.args(["merge", "--sparse"]);
    for entry in fs::read_dir(&raw)? {
        merge.arg(entry?.path());
    }
    let profile = folder().join("all.profdata");
    succeed(merge.arg("--output").arg(&profile))?;
    Ok(profile)
}

/// What llvm-cov exported of each file, worst first.
fn read(exported: &Value) -> Result<Vec<File>> {
    let list = exported["data"][0]["files"]
        .as_array()
        .context("no files")?;
    let root = root();
    let mut files = Vec::new();
    for file in list {
        let path = PathBuf::from(file["filename"].as_str().context("no name")?);
        let name = path.strip_prefix(&root).unwrap_or(&path);
        // Tests reach themselves.
        if name.ends_with("tests.rs") {
            continue;
        }
        files.push(File {
            name: name.display().to_string(),
            lines: Reached::read(&file["summary"]["lines"])?,
            branches: Reached::read(&file["summary"]["branches"])?,
        });
    }
    if files.is_empty() {
        bail!("nothing of {PART} was counted");
    }
    let missing = |file: &File| file.lines.missing() + file.branches.missing();
    files.sort_by_key(|file| std::cmp::Reverse(missing(file)));
    Ok(files)
}

fn sums(files: &[File]) -> (Reached, Reached) {
    let sum =
        |of: fn(&File) -> Reached| files.iter().map(of).fold(Reached::default(), Reached::plus);
    (sum(|file| file.lines), sum(|file| file.branches))
}

/// How many lines and branches are out of reach, of each file and of all.
fn measured(files: &[File], lines: u64, branches: u64) -> Vec<Measurement> {
    let one = |name: &str, what, value, limit| Measurement {
        name: format!("{name}: {what} not reached"),
        build: String::new(),
        value,
        unit: what,
        limit,
    };
    let mut measured = Vec::new();
    for file in files {
        measured.push(one(&file.name, "lines", file.lines.missing(), None));
        measured.push(one(&file.name, "branches", file.branches.missing(), None));
    }
    let (all_lines, all_branches) = sums(files);
    measured.push(one(PART, "lines", all_lines.missing(), Some(lines)));
    measured.push(one(
        PART,
        "branches",
        all_branches.missing(),
        Some(branches),
    ));
    measured
}

fn table(files: &[File]) -> String {
    let row = |name: &str, lines: Reached, branches: Reached| {
        let cells = [lines, branches].map(|one| format!("{:>7} of {:>5}", one.reached, one.of));
        format!("{name:<44}{}  {}\n", cells[0], cells[1])
    };
    let (lines, branches) = sums(files);
    let mut text = format!("{:<44}{:>16}  {:>16}\n", "reached", "lines", "branches");
    for file in files {
        text += &row(&file.name, file.lines, file.branches);
    }
    text + &row(PART, lines, branches)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exported() -> Value {
        let file = |name: &str, lines: [u64; 2], branches: [u64; 2]| {
            json!({"filename": root().join(name), "summary": {
                "lines": {"count": lines[0], "covered": lines[1]},
                "branches": {"count": branches[0], "covered": branches[1]},
            }})
        };
        let files = [
            file("core/src/good.rs", [10, 10], [4, 4]),
            file("core/src/bad.rs", [10, 8], [4, 3]),
            file("core/src/bad/tests.rs", [10, 1], [4, 1]),
        ];
        json!({"data": [{"files": files}]})
    }

    #[test]
    fn the_worst_file_comes_first_and_tests_are_left_out() {
        let files = read(&exported()).unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["core/src/bad.rs", "core/src/good.rs"]);
        assert!(table(&files).ends_with("18 of    20        7 of     8\n"));
        assert!(read(&json!({"data": [{"files": []}]})).is_err());
    }

    #[test]
    fn a_line_too_many_is_past_the_limit() {
        let files = read(&exported()).unwrap();
        let past = |lines, branches| {
            let measured = measured(&files, lines, branches);
            let past = measured.into_iter().filter(|one| !one.holds());
            past.map(|one| one.name).collect::<Vec<_>>()
        };
        assert!(past(2, 1).is_empty());
        assert_eq!(past(1, 1), ["core/src: lines not reached"]);
        assert_eq!(past(2, 0), ["core/src: branches not reached"]);
    }
}
