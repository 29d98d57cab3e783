//! `cargo xtask requirements`: which tests hold each requirement. A test carries the numbers of its
//! requirements at the beginning of its name: `r18_r19_…`. With `--readme`, the README's table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::process::{cargo, line, root};
use crate::readme;
use crate::test::proof_arguments;

#[derive(Args)]
pub(crate) struct Options {
    /// For machines: one JSON array with all tests
    #[arg(long)]
    json: bool,
    /// Write the README's table of what works, from the profiles and the tests of its cells
    #[arg(long, conflicts_with = "json")]
    readme: bool,
    /// Write nothing, and fail if the README is out of step
    #[arg(long, requires = "readme")]
    check: bool,
}

/// What the requirements are about, the first one first.
const SUBJECTS: [&str; 51] = [
    "POST alone",
    "nothing in the URI query",
    "content type, escapes, UTF-8",
    "repeated, unknown and empty parameters",
    "bounds",
    "no-store",
    "descriptions reflect nothing",
    "nothing secret said or logged",
    "confidential clients authenticate on every grant",
    "one method a request",
    "failed Basic is 401",
    "unknown client and wrong secret are alike",
    "secrets are compared whole, in constant time",
    "client secrets: random, hashed",
    "Basic, encoded and raw",
    "throttle",
    "unauthorized_client",
    "codes: single use, in parallel too",
    "codes: a second use revokes",
    "codes: lifetime",
    "codes: bound to client and redirect URI",
    "PKCE",
    "codes can not be guessed",
    "refresh: bound to client, user, scope",
    "refresh: rotation, reuse revokes",
    "refresh: one lineage, in parallel too",
    "refresh: grace",
    "refresh: scope narrows",
    "refresh: idle and absolute end",
    "power loss",
    "the algorithm belongs to the key",
    "claims of access tokens",
    "verification of claims",
    "crit, b64 and keys in headers",
    "sizes of signatures and keys",
    "strict base64url",
    "strict JSON",
    "the signature first",
    "two keys at once",
    "clock unset or gone back",
    "the token in the header alone",
    "challenges",
    "redirect URIs match exactly",
    "no redirect for a bad client or URI",
    "state, iss, 303",
    "no framing, CSRF",
    "subjects do not collide",
    "metadata and JWKS",
    "revocation",
    "introspection",
    "events",
];

/// The tests of each requirement, by number; as `target: test`.
type Held = BTreeMap<usize, BTreeSet<String>>;

/// The tests that there are, as `target: test`.
#[derive(Default)]
struct Found {
    all: BTreeSet<String>,
    held: Held,
}

/// What the part `host` holds: every requirement has a test there, and every cell of the README's
/// table. The tests are built already.
pub(crate) fn check() -> Result<()> {
    let mut found = Found::default();
    gather(&["--workspace".to_owned()], &mut found)?;
    complete(&found.held)?;
    readme::check(&found.all)
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut found = Found::default();
    gather(&["--workspace".to_owned()], &mut found)?;
    if options.readme {
        return match options.check {
            true => readme::check(&found.all),
            false => readme::write(&found.all),
        };
    }
    let metadata =
        crate::fuzz::metadata(cargo().args(["metadata", "--no-deps", "--format-version=1"]))?;
    if let Some(arguments) = proof_arguments(&metadata) {
        gather(&arguments, &mut found)?;
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report(&found.held))?);
    } else {
        print!("{}", table(&found.held));
    }
    complete(&found.held)
}

/// Fails if a requirement has no test.
fn complete(held: &Held) -> Result<()> {
    let unheld = unheld(held);
    if !unheld.is_empty() {
        bail!("no test for {}", unheld.join(", "));
    }
    Ok(())
}

/// Builds the tests that `arguments` choose, and asks each program for its list.
fn gather(arguments: &[String], found: &mut Found) -> Result<()> {
    let mut build = cargo();
    build
        .arg("test")
        .args(arguments)
        .args(["--no-run", "--message-format", "json"])
        .stderr(Stdio::inherit());
    for message in said(&mut build)?.lines() {
        let Ok(message) = serde_json::from_str::<Value>(message) else {
            continue;
        };
        let (Some(program), Some(target)) = (
            message["executable"].as_str().map(PathBuf::from),
            message["target"]["name"].as_str(),
        ) else {
            continue;
        };
        if message["profile"]["test"] == true {
            let mut list = Command::new(program);
            list.current_dir(root())
                .args(["--list", "--format", "terse"]);
            add(target, &said(&mut list)?, found);
        }
    }
    Ok(())
}

fn said(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{}` did not start", line(command)))?;
    if !output.status.success() {
        bail!("`{}`: {}", line(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Adds the tests of a program's list.
fn add(target: &str, list: &str, found: &mut Found) {
    for test in list.lines().filter_map(|line| line.strip_suffix(": test")) {
        let name = format!("{target}: {test}");
        for number in numbers(test) {
            found.held.entry(number).or_default().insert(name.clone());
        }
        found.all.insert(name);
    }
}

/// The numbers that a test's name begins with, or the name of a module around it.
fn numbers(test: &str) -> impl Iterator<Item = usize> {
    test.split("::")
        .flat_map(|part| part.split('_').map_while(number))
}

fn number(word: &str) -> Option<usize> {
    let digits = word.strip_prefix('r').filter(|digits| digits.len() == 2)?;
    let number = digits.parse().ok()?;
    (1..=SUBJECTS.len()).contains(&number).then_some(number)
}

fn rows(held: &Held) -> impl Iterator<Item = (usize, &'static str, Vec<&str>)> {
    (1..).zip(SUBJECTS).map(|(number, subject)| {
        let tests = held.get(&number).into_iter().flatten();
        (number, subject, tests.map(String::as_str).collect())
    })
}

/// Those without a test.
fn unheld(held: &Held) -> Vec<String> {
    rows(held)
        .filter(|(.., tests)| tests.is_empty())
        .map(|(number, ..)| format!("R{number}"))
        .collect()
}

fn report(held: &Held) -> Value {
    let row = |(number, subject, tests)| json!({"requirement": number, "subject": subject, "tests": tests});
    rows(held).map(row).collect()
}

/// A row each: the number, what it is about, how many tests, and one of them.
fn table(held: &Held) -> String {
    let row = |(number, subject, tests): (usize, &str, Vec<&str>)| {
        let count = tests.len();
        let first = tests.first().copied().unwrap_or("none");
        format!("R{number:<3} {subject:<48} {count:>3}  {first}\n")
    };
    rows(held).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_beginning_of_a_name() {
        let of = |test| numbers(test).collect::<Vec<_>>();
        assert_eq!(of("codes::r18_r19_of_forty"), [18, 19]);
        assert_eq!(of("r07_tests::any"), [7]);
        assert_eq!(of("jose::r_and_s_in_range"), [0; 0]);
        assert_eq!(of("of_r18_r19"), [0; 0]);
        assert_eq!(of("r52_r00_r1_r018_x"), [0; 0]);
    }

    #[test]
    fn a_requirement_without_a_test_is_told() {
        let mut found = Found::default();
        let names: Vec<_> = (1..=51)
            .map(|number| format!("r{number:02}_x: test"))
            .collect();
        add("t", &names.join("\n"), &mut found);
        assert_eq!(unheld(&found.held), [""; 0]);
        assert_eq!(found.all.len(), 51);
        found.held.remove(&30);
        found.held.remove(&18);
        assert_eq!(unheld(&found.held), ["R18", "R30"]);
        add("t", "r18_bench: benchmark\n1 test, 1 benchmark", &mut found);
        assert_eq!(unheld(&found.held), ["R18", "R30"]);
        assert!(complete(&found.held).is_err());
    }

    #[test]
    fn the_report_has_all_requirements_and_their_tests() {
        let mut found = Found::default();
        add("suite", "a::r02_query: test\n\n", &mut found);
        let report = report(&found.held);
        assert_eq!(report.as_array().map(Vec::len), Some(51));
        assert_eq!(report[1]["tests"], json!(["suite: a::r02_query"]));
        assert_eq!(report[0]["tests"], json!([]));
        assert!(
            table(&found.held)
                .lines()
                .nth(1)
                .is_some_and(|row| row.ends_with("1  suite: a::r02_query"))
        );
    }
}
