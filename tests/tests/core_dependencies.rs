//! What the core is built on: nothing that needs std or alloc, and the crates
//! that the design names, used and not only listed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Every package below the core with its active features, as cargo resolves
/// them for the core alone.
fn tree(arguments: &[&str]) -> BTreeMap<String, Vec<String>> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", "smallgate-core"])
        .args(["-e", "normal,no-proc-macro", "--prefix", "none"])
        .args(["--format", "{p}|{f}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let complaints = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{complaints}");
    String::from_utf8(tree.stdout)
        .expect("text")
        .lines()
        .map(|line| {
            let (package, features) = line.split_once('|').expect("a bar in each line");
            let name = package.split(' ').next().expect("a name");
            let features = features.trim_end_matches(" (*)").split(',');
            let features = features.filter(|feature| !feature.is_empty());
            (name.to_owned(), features.map(str::to_owned).collect())
        })
        .collect()
}

/// Whether a feature brings in the standard library, a heap, or a system.
fn needs_a_system(feature: &str) -> bool {
    ["std", "alloc", "getrandom", "os_rng", "sys_rng"].contains(&feature)
        || ["use_std", "use_alloc"].contains(&feature)
        || ["-std", "_std", "-alloc", "_alloc"]
            .iter()
            .any(|end| feature.ends_with(end) && !feature.starts_with("no"))
}

fn offenders(tree: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    tree.iter()
        .flat_map(|(package, features)| {
            let features = features.iter().filter(|feature| needs_a_system(feature));
            features.map(move |feature| format!("{package}/{feature}"))
        })
        .collect()
}

#[test]
fn core_needs_neither_std_nor_alloc() {
    for arguments in [&[][..], &["--all-features"], &["--no-default-features"]] {
        for target in ["x86_64-unknown-linux-gnu", "thumbv7em-none-eabi"] {
            let tree = tree(&[arguments, &["--target", target]].concat());
            assert!(tree.contains_key("smallgate-core"), "{tree:?}");
            let offenders = offenders(&tree);
            assert!(
                offenders.is_empty(),
                "{arguments:?}, {target}: {offenders:?}"
            );
        }
    }
}

/// The check can fail.
#[test]
fn a_dependency_with_std_is_seen() {
    let with = |feature: &str| BTreeMap::from([("dep".to_owned(), vec![feature.to_owned()])]);
    for feature in ["std", "alloc", "getrandom", "use_std", "serde_std"] {
        assert_eq!(offenders(&with(feature)), [format!("dep/{feature}")]);
    }
    for feature in ["zeroize", "no_std", "default", "arithmetic"] {
        assert!(offenders(&with(feature)).is_empty(), "{feature}");
    }
    // The tests themselves need it, and cargo says so in the same words.
    let ours = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", "smallgate-tests", "-e", "normal"])
        .args(["--prefix", "none", "--format", "{p}|{f}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let ours = String::from_utf8_lossy(&ours.stdout).into_owned();
    assert!(
        ours.lines()
            .any(|line| line.starts_with("serde_json ") && line.contains("std")),
        "{ours}"
    );
}

/// The packages that hold states of SHA-256 and do not wipe them.
fn unwiped<'t>(tree: &BTreeMap<String, Vec<String>>, packages: &[&'t str]) -> Vec<&'t str> {
    let wipes = |name: &str| tree[name].iter().any(|feature| feature == "zeroize");
    let packages = packages.iter().copied();
    packages.filter(|name| !wipes(name)).collect()
}

#[test]
fn states_of_hashes_are_wiped() {
    let hashes = ["sha2", "hmac", "digest"];
    for arguments in [&[][..], &["--all-features"], &["--no-default-features"]] {
        let mut tree = tree(arguments);
        assert!(unwiped(&tree, &hashes).is_empty(), "{arguments:?}");
        // The check can fail.
        tree.insert("sha2".to_owned(), Vec::new());
        assert_eq!(unwiped(&tree, &hashes), ["sha2"]);
    }
}

#[test]
fn the_crates_of_the_design_are_there_and_used() {
    const CRATES: [&str; 6] = [
        "heapless",
        "serde-json-core",
        "hmac",
        "sha2",
        "base64ct",
        "p256",
    ];
    let default = tree(&[]);
    for name in CRATES {
        assert!(default.contains_key(name), "no {name}");
        assert!(is_used(name), "{name} is not used");
    }
    assert!(!default.contains_key("defmt"), "defmt is not optional");
    assert!(tree(&["--all-features"]).contains_key("defmt"), "no defmt");
    assert!(is_used("defmt"), "defmt is not used");
    assert!(!is_used("no-such-crate"));
}

/// Whether a path in the core's sources begins with this crate.
fn is_used(package: &str) -> bool {
    let path = format!("{}::", package.replace('-', "_"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut folders = vec![sources];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry").path();
            if entry.is_dir() {
                folders.push(entry);
            } else if std::fs::read_to_string(&entry)
                .expect("a source file")
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(&path))
            {
                return true;
            }
        }
    }
    false
}
