//! `cargo xtask mutants`: the core with one thing wrong in it at a time, by cargo-mutants. A mutant that
//! no test sees fails the command, unless `argued` says why none can.

mod argued;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use self::argued::argued;
use crate::process::{cargo, line, root, target};
use crate::test::TESTS;
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct Options {
    /// Mutate this file alone, or what matches this glob; can be said more than once
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,
    /// Of the mutants, those of one part: 0/8 is every eighth
    #[arg(long, value_name = "K/N", value_parser = shard, default_value = "0/1")]
    shard: (usize, usize),
    /// How many are built and tested at once
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Print a list of `{name, value, unit, limit}`
    #[arg(long)]
    json: bool,
}

/// The suites that find nearly every mutant, in seconds.
pub(crate) const FIRST: &[&str] = &[
    "--lib",
    "--test=authorize",
    "--test=bearer",
    "--test=codec_json_oracle",
    "--test=codec_properties",
    "--test=exchange",
    "--test=inspect",
    "--test=jose_properties",
    "--test=jwt",
    "--test=keys",
    "--test=lifecycle",
    "--test=texts",
    "--test=token_cache",
];

/// Those that see the core from further off: for what the first did not find.
pub(crate) const SECOND: &[&str] = &[
    "--test=hostile_tokens",
    "--test=jose_vectors",
    "--test=profiles",
    "--test=sizes",
    "--test=wycheproof_p256",
    "--test=model",
    "--test=domains",
    "--test=firmware_events",
];

/// Those that ask programs, and first build them.
const THIRD: &[&str] = &["--test=simulator", "--test=demonstration"];

/// A mutant, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mutant {
    file: String,
    /// With its line and column, as cargo-mutants writes it.
    name: String,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Found,
    /// No test failed.
    Missed,
    /// The tests did not end, which is to be found too.
    TimedOut,
    /// It does not compile.
    Unviable,
}

impl Mutant {
    /// What is replaced with what and where: no line, which drifts.
    fn mutation(&self) -> &str {
        self.name
            .splitn(4, ':')
            .last()
            .unwrap_or_default()
            .trim_start()
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure(&[Need::Host, Need::Mutants])?;
    let source = written_tree()?;
    for job in 0..options.jobs {
        check_out(&source, job)?;
    }
    let files = options.file.iter().map(|glob| format!("--file={glob}"));
    let mut mutants = tested(options, options.shard, FIRST, &files.collect::<Vec<_>>())?;
    if mutants.is_empty() {
        bail!("there is nothing to mutate");
    }
    let missed = mutants.iter().filter(|mutant| mutant.end == End::Missed);
    let again: BTreeSet<String> = missed.flat_map(alone).collect();
    if !again.is_empty() {
        let again: Vec<String> = again.into_iter().collect();
        let suites = [SECOND, THIRD].concat();
        take_over(&mut mutants, &tested(options, (0, 1), &suites, &again)?);
    }
    let argued = argued();
    let rows = rows(&mutants, &argued);
    match options.json {
        true => println!("{:#}", to_json(&rows)),
        false => print!("{}", table(&rows)),
    }
    let unargued = unargued(&mutants, &argued);
    if !unargued.is_empty() {
        bail!("no test sees\n{}", unargued.join("\n"));
    }
    Ok(())
}

/// The arguments that leave this mutant in, and of its file those that no expression can leave out:
/// to cargo-mutants, a field that is left away is always wanted.
fn alone(mutant: &Mutant) -> [String; 2] {
    [
        format!("--file={}", mutant.file),
        format!("--re=^{}$", escaped(&mutant.name)),
    ]
}

/// What later suites say of mutants that earlier ones missed; of others it does not count.
fn take_over(mutants: &mut [Mutant], later: &[Mutant]) {
    for mutant in mutants.iter_mut().filter(|one| one.end == End::Missed) {
        if let Some(later) = later.iter().find(|later| later.name == mutant.name) {
            mutant.end = later.end;
        }
    }
}

/// Each job has a copy of the repository to mutate, and keeps what it built there for the next time.
fn folder(job: usize) -> PathBuf {
    target().join(format!("mutation/tree-{job}"))
}

/// Writes the repository as it is now, with what is not committed, as a tree of git.
fn written_tree() -> Result<String> {
    let index = target().join("mutation/index");
    fs::create_dir_all(target().join("mutation"))?;
    git(&["add", "--all"], &index, &root())?;
    git(&["write-tree"], &index, &root())
}

/// Makes the job's copy the same as the tree, whatever became of it before.
fn check_out(tree: &str, job: usize) -> Result<()> {
    fs::create_dir_all(folder(job))?;
    let index = target().join(format!("mutation/index-{job}"));
    git(&["read-tree", "--reset", "-u", tree], &index, &folder(job))?;
    Ok(())
}

fn git(arguments: &[&str], index: &Path, work_tree: &Path) -> Result<String> {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(root())
        .env("GIT_INDEX_FILE", index)
        .env("GIT_WORK_TREE", work_tree);
    let output = command.output().context("git does not start")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}`: {said}", line(&command));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Lets the suites loose on the part's mutants, as many at once as there are jobs.
fn tested(
    options: &Options,
    (part, parts): (usize, usize),
    suites: &[&str],
    which: &[String],
) -> Result<Vec<Mutant>> {
    let jobs = options.jobs;
    let ends: Vec<Result<Vec<Mutant>>> = thread::scope(|scope| {
        let started: Vec<_> = (0..jobs)
            .map(|job| {
                // Every `parts`-th mutant from `part` on, dealt out to the jobs in turn.
                let shard = format!("{}/{}", part + job * parts, parts * jobs);
                scope.spawn(move || one_job(job, &shard, suites, which))
            })
            .collect();
        started
            .into_iter()
            .map(|job| job.join().unwrap_or_else(|_| bail!("a job panicked")))
            .collect()
    });
    let ends: Result<Vec<Vec<Mutant>>> = ends.into_iter().collect();
    Ok(ends?.concat())
}

fn one_job(job: usize, shard: &str, suites: &[&str], which: &[String]) -> Result<Vec<Mutant>> {
    let out = target().join(format!("mutation/out-{job}"));
    fs::create_dir_all(&out)?;
    let outcomes = out.join("mutants.out/outcomes.json");
    if outcomes.exists() {
        fs::remove_file(&outcomes)?;
    }
    let mut command = cargo();
    command
        .current_dir(folder(job))
        .args(["mutants", "--in-place", "--package=smallgate-core"])
        .args(["--profile=mutants", "--minimum-test-timeout=60"])
        .args(["--colors=never", "--no-times"])
        .args(["--sharding=round-robin", "--shard", shard])
        .arg(format!("--cargo-arg=--package={TESTS}"))
        .args(suites.iter().map(|suite| format!("--cargo-arg={suite}")))
        .args(which)
        .arg("--output")
        .arg(&out)
        .stdout(Stdio::from(stderr()));
    let status = command.status().context("cargo does not start")?;
    match status.code() {
        // None was missed; some were; some timed out.
        Some(0 | 2 | 3) => {}
        _ => bail!("`cargo mutants --shard {shard}`: {status}"),
    }
    match fs::read(&outcomes) {
        Ok(text) => read(&serde_json::from_slice(&text)?),
        // A part without a mutant is not written about.
        Err(_) => Ok(Vec::new()),
    }
}

/// What cargo-mutants wrote about each mutant.
fn read(outcomes: &Value) -> Result<Vec<Mutant>> {
    let list = outcomes["outcomes"].as_array().context("no outcomes")?;
    list.iter()
        .filter(|one| one["scenario"] != "Baseline")
        .map(|one| {
            let mutant = &one["scenario"]["Mutant"];
            let text = |name: &str| mutant[name].as_str().map(str::to_owned);
            Ok(Mutant {
                file: text("file").context("a mutant without a file")?,
                name: text("name").context("a mutant without a name")?,
                end: match one["summary"].as_str() {
                    Some("CaughtMutant") => End::Found,
                    Some("MissedMutant") => End::Missed,
                    Some("Timeout") => End::TimedOut,
                    Some("Unviable") => End::Unviable,
                    _ => bail!("a mutant ended as {}", one["summary"]),
                },
            })
        })
        .collect()
}

/// A survivor for which there is a reason: its file, the mutation, how many there are of it, why.
type Argued = (&'static str, &'static str, usize, &'static str);

/// The survivors that no reason is given for. Where more of a kind survive than are
/// argued, each of them is named, as it can not be told which are meant.
fn unargued<'a>(mutants: &'a [Mutant], argued: &[Argued]) -> Vec<&'a str> {
    let missed = || mutants.iter().filter(|mutant| mutant.end == End::Missed);
    let of_kind = |file: &str, mutation: &str| {
        missed()
            .filter(|one| one.file == file && one.mutation() == mutation)
            .count()
    };
    missed()
        .filter(|mutant| {
            let known = argued.iter().find(|(file, mutation, ..)| {
                mutant.file == *file && mutant.mutation() == *mutation
            });
            known.is_none_or(|(file, mutation, most, _)| of_kind(file, mutation) > *most)
        })
        .map(|mutant| mutant.name.as_str())
        .collect()
}

/// What is counted of each file; of the last none may be.
const COLUMNS: [&str; 5] = ["found", "timed out", "unviable", "argued", "missed"];

/// Each file and its numbers, and last those of all.
fn rows(mutants: &[Mutant], argued: &[Argued]) -> Vec<(String, [usize; 5])> {
    let mut files: BTreeMap<&str, Vec<Mutant>> = BTreeMap::new();
    for mutant in mutants {
        files.entry(&mutant.file).or_default().push(mutant.clone());
    }
    let counted = |name: &str, mutants: &[Mutant]| {
        let count = |end| mutants.iter().filter(|one| one.end == end).count();
        let missed = unargued(mutants, argued).len();
        let numbers = [
            count(End::Found),
            count(End::TimedOut),
            count(End::Unviable),
            count(End::Missed) - missed,
            missed,
        ];
        (name.to_owned(), numbers)
    };
    let of_files = files.iter().map(|(file, mutants)| counted(file, mutants));
    of_files.chain([counted("all", mutants)]).collect()
}

/// A list of `{name, value, unit, limit}`.
fn to_json(rows: &[(String, [usize; 5])]) -> Value {
    let figures = rows.iter().flat_map(|(file, numbers)| {
        COLUMNS.iter().zip(numbers).map(move |(column, number)| {
            json!({
                "name": format!("{file}: {column}"),
                "value": number,
                "unit": "mutants",
                "limit": (*column == "missed").then_some(0),
            })
        })
    });
    figures.collect()
}

fn table(rows: &[(String, [usize; 5])]) -> String {
    let row = |name: &str, cells: [String; 5]| {
        let cells = cells.map(|cell| format!("{cell:>11}")).concat();
        format!("{name:<44}{cells}\n")
    };
    let files = rows
        .iter()
        .map(|(file, numbers)| row(file, numbers.map(|number| number.to_string())));
    [row("", COLUMNS.map(str::to_owned))]
        .into_iter()
        .chain(files)
        .collect()
}

/// As a regular expression that matches this and nothing else.
fn escaped(text: &str) -> String {
    let mut expression = String::new();
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            expression.push('\\');
        }
        expression.push(letter);
    }
    expression
}

fn shard(text: &str) -> Result<(usize, usize)> {
    let (part, parts) = text.split_once('/').context("K/N")?;
    let (part, parts): (usize, usize) = (part.parse()?, parts.parse()?);
    if part >= parts {
        bail!("of {parts} parts, the last is {}", parts.saturating_sub(1));
    }
    Ok((part, parts))
}
