//! `cargo xtask supply`: what others wrote that is built here, under which licences, from where, and
//! what is shipped in two versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::board::BOARDS;
use crate::measure::{Measurement, table, to_json};
use crate::process::{cargo, line};

#[derive(Args)]
pub(crate) struct Options {
    /// Print a list of `{name, value, unit, limit}`
    #[arg(long)]
    json: bool,
}

/// Licences that ask for no more than that somebody is named.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Where packages come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What is shipped in two versions or more, in what, and why.
const TWICE: &[(&str, &[&str], &str)] = &[
    (
        "smallgate",
        &["getrandom", "rand", "rand_core"],
        "ring and async-nats's names of subscriptions are a release behind",
    ),
    (
        "w5500-evb-pico2",
        &[
            "embassy-hal-internal",
            "embedded-io",
            "embedded-io-async",
            "rand_core",
        ],
        "embassy-rp is a release behind embassy-net, and implements the traits of older ones too",
    ),
    (
        "w5500-evb-pico2",
        &["embedded-hal", "nb"],
        "embassy-rp implements the traits of 0.2 too",
    ),
    (
        "mps2-an386",
        &["embedded-hal", "nb"],
        "cortex-m implements the traits of 0.2",
    ),
];

/// A package that is built or run somewhere in here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Package {
    name: String,
    version: String,
    license: String,
    /// None is this project's.
    source: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let packages = packages()?;
    let mut complaints = Vec::new();
    let licences = refused_licences(&packages);
    complaints.extend(licences.iter().map(|one| format!("licence: {one}")));
    let sources = foreign_sources(&packages);
    complaints.extend(sources.iter().map(|one| format!("source: {one}")));
    let mut measured = vec![
        told("packages", packages.len(), None),
        told("licences that are not accepted", licences.len(), Some(0)),
        told("sources other than crates.io", sources.len(), Some(0)),
    ];
    for shipped in shipped() {
        let tree = tree(&shipped)?;
        let twice = twice(&tree);
        let unexplained = unexplained(shipped.name, &twice);
        let at = |what: &str| format!("{}: {what}", shipped.name);
        complaints.extend(
            unexplained
                .iter()
                .map(|one| at(&format!("shipped twice: {one}"))),
        );
        measured.push(told(&at("packages shipped"), tree.len(), None));
        measured.push(told(&at("in two versions"), twice.len(), None));
        measured.push(told(
            &at("of these unexplained"),
            unexplained.len(),
            Some(0),
        ));
    }
    match options.json {
        true => println!("{:#}", to_json(&measured)),
        false => print!("{}", table(&measured)),
    }
    match complaints.as_slice() {
        [] => Ok(()),
        some => bail!("{}", some.join("\n")),
    }
}

fn told(name: &str, value: usize, limit: Option<u64>) -> Measurement {
    Measurement {
        name: name.to_owned(),
        build: String::new(),
        value: value as u64,
        unit: "",
        limit,
    }
}

/// Every package in every lock file.
fn packages() -> Result<BTreeSet<Package>> {
    let boards = BOARDS.iter().map(|board| board.path().join("Cargo.toml"));
    let manifests = [
        "Cargo.toml",
        "tests/fuzz/Cargo.toml",
        smallgate_turns::peers::MANIFEST,
    ];
    let mut all = BTreeSet::new();
    for manifest in manifests.map(PathBuf::from).into_iter().chain(boards) {
        let mut command = cargo();
        command
            .args([
                "metadata",
                "--locked",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(manifest);
        let output = command.output().context("cargo does not start")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}`: {}\n{said}", line(&command), output.status);
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        all.extend(listed(&metadata));
    }
    Ok(all)
}

fn listed(metadata: &Value) -> impl Iterator<Item = Package> {
    let packages = metadata["packages"].as_array();
    packages.into_iter().flatten().map(|package| {
        let text = |name: &str| package[name].as_str().map(str::to_owned);
        Package {
            name: text("name").unwrap_or_default(),
            version: text("version").unwrap_or_default(),
            license: text("license").unwrap_or_default(),
            source: text("source"),
        }
    })
}

/// Those under licences that are not accepted, or that say none.
fn refused_licences(packages: &BTreeSet<Package>) -> Vec<String> {
    packages
        .iter()
        .filter(|package| !is_accepted(&package.license))
        .map(|package| format!("{} {} `{}`", package.name, package.version, package.license))
        .collect()
}

fn is_accepted(license: &str) -> bool {
    // Older packages write MIT/Apache-2.0.
    let expression = Expression::parse_mode(license, ParseMode::LAX);
    expression.is_ok_and(|expression| {
        expression.evaluate(|needed| {
            let name = needed.license.id().map(|id| id.name);
            // An exception takes nothing away.
            name.is_some_and(|name| ACCEPTED.contains(&name))
        })
    })
}

fn foreign_sources(packages: &BTreeSet<Package>) -> Vec<String> {
    packages
        .iter()
        .filter_map(|package| {
            let source = package
                .source
                .as_deref()
                .filter(|source| *source != REGISTRY)?;
            Some(format!("{} {} {source}", package.name, package.version))
        })
        .collect()
}

/// What leaves this project.
struct Shipped {
    name: &'static str,
    arguments: Vec<String>,
}

fn shipped() -> Vec<Shipped> {
    let hosted = ["smallgate", "smallgate-capi"].map(|name| Shipped {
        name,
        arguments: vec!["--package".to_owned(), name.to_owned()],
    });
    let boards = BOARDS.iter().map(|board| Shipped {
        name: board.name,
        arguments: vec![
            "--manifest-path".to_owned(),
            board.path().join("Cargo.toml").display().to_string(),
            "--target".to_owned(),
            board.target.to_owned(),
        ],
    });
    hosted.into_iter().chain(boards).collect()
}

/// The packages that it is made of, each version once, without what only the compiler runs.
fn tree(shipped: &Shipped) -> Result<BTreeSet<(String, String)>> {
    let mut command = cargo();
    command
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}"])
        .args(["--edges", "normal,no-proc-macro"])
        .args(&shipped.arguments);
    let output = command.output().context("cargo does not start")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}`: {}\n{said}", line(&command), output.status);
    }
    Ok(listed_in_tree(&String::from_utf8_lossy(&output.stdout)))
}

/// `name v1.2.3 (where)`, a line each.
fn listed_in_tree(text: &str) -> BTreeSet<(String, String)> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect()
}

/// The names that are there in more than one version.
fn twice(tree: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in tree {
        *versions.entry(name).or_default() += 1;
    }
    let more = versions.into_iter().filter(|(_, versions)| *versions > 1);
    more.map(|(name, _)| name.to_owned()).collect()
}

/// Those for which no reason is given.
fn unexplained<'t>(shipped: &str, twice: &'t [String]) -> Vec<&'t str> {
    let is_explained = |name: &str| {
        let mut reasons = TWICE.iter();
        reasons.any(|(within, names, _)| *within == shipped && names.contains(&name))
    };
    let names = twice.iter().map(String::as_str);
    names.filter(|name| !is_explained(name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(license: &str, source: &str) -> BTreeSet<Package> {
        let metadata = json!({"packages": [
            {"name": "a", "version": "1.0.0", "license": license, "source": source},
            {"name": "ours", "version": "0.1.0", "license": "MIT", "source": null},
        ]});
        listed(&metadata).collect()
    }

    #[test]
    fn what_is_built_is_accepted() {
        let options = Options { json: true };
        run(&options).expect("licences, sources and versions are as they should be");
    }

    #[test]
    fn a_licence_that_asks_for_more_is_refused() {
        for license in [
            "GPL-3.0-only",
            "MIT AND GPL-2.0",
            "",
            "no expression at all",
        ] {
            let refused = refused_licences(&package(license, REGISTRY));
            assert_eq!(refused, [format!("a 1.0.0 `{license}`")]);
        }
        for license in [
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(
                refused_licences(&package(license, REGISTRY)).is_empty(),
                "{license}"
            );
        }
    }

    #[test]
    fn a_package_from_elsewhere_is_refused() {
        assert!(foreign_sources(&package("MIT", REGISTRY)).is_empty());
        let git = "git+https://example.com/a#0123";
        assert_eq!(
            foreign_sources(&package("MIT", git)),
            [format!("a 1.0.0 {git}")]
        );
    }

    #[test]
    fn a_second_version_needs_a_reason() {
        let tree = listed_in_tree(
            "nb v1.1.0\nnb v0.1.3\na v1.0.0 (/a)\na v1.0.0 (*)\nb v1.0.0\nb v2.0.0\n",
        );
        let twice = twice(&tree);
        assert_eq!(twice, ["b", "nb"]);
        assert_eq!(unexplained("mps2-an386", &twice), ["b"]);
        assert_eq!(unexplained("smallgate", &twice), ["b", "nb"]);
    }
}
