//! The header and the library say the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use smallgate_tests::c_gateway::{WARNINGS, built, folder, library};

pub(crate) fn header() -> String {
    std::fs::read_to_string(folder().join("include/smallgate.h")).expect("a header")
}

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    let declares = |line: &&str| line.starts_with("int ") || line.contains("*smallgate_strerror(");
    let other = |line: &&str| line.starts_with("uint32_t ") || line.starts_with("size_t ");
    header()
        .lines()
        .filter(|line| declares(line) || other(line))
        .filter_map(|line| {
            let start = line.find("smallgate_")?;
            let end = line.find('(')?;
            Some(line.get(start..end)?.to_owned())
        })
        .collect()
}

/// The functions that the library exports.
pub(crate) fn exported() -> BTreeSet<String> {
    let shared = library().with_extension("so");
    let output = Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(&shared)
        .output()
        .expect("nm runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned))
        .collect()
}

#[test]
fn what_is_exported_is_what_is_declared() {
    let exported = exported();
    assert!(exported.len() > 25, "{exported:?}");
    assert_eq!(exported, declared());
}

/// Each way to read the header by itself, with every warning.
#[test]
fn the_header_is_c11_and_cpp17_to_both_compilers() {
    let alone = built("alone.c");
    std::fs::write(
        &alone,
        "#include \"smallgate.h\"\nint main(void) { return 0; }\n",
    )
    .expect("a file");
    for (compiler, arguments) in [
        ("gcc", &["-std=c11"][..]),
        ("clang", &["-std=c11"]),
        ("g++", &["-std=c++17"]),
        ("clang++", &["-std=c++17", "-x", "c++"]),
    ] {
        let output = Command::new(compiler)
            .args(WARNINGS)
            .args(arguments)
            .args(["-fsyntax-only", "-I"])
            .arg(folder().join("include"))
            .arg(&alone)
            .output()
            .unwrap_or_else(|error| panic!("{compiler}: {error}"));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{compiler}: {complaint}");
    }
}

/// A size in the header that is too small for the type, or a number that is gone:
/// the library does not build.
#[test]
fn a_header_out_of_step_does_not_build() {
    let copy = built("out-of-step");
    let _none_yet = std::fs::remove_dir_all(&copy);
    let root = folder().join("../..");
    for (from, to) in [
        (
            "#define SMALLGATE_KEY_SIZE 400",
            "#define SMALLGATE_KEY_SIZE 64",
        ),
        (
            "#define SMALLGATE_ERROR_EXPIRED (-56)",
            "#define SMALLGATE_ERROR_OVER (-56)",
        ),
    ] {
        let changed = header().replace(from, to);
        assert_ne!(changed, header(), "{from}");
        copied(&root.join("core/capi"), &copy.join("core/capi"));
        std::fs::write(copy.join("core/capi/include/smallgate.h"), changed).expect("a file");
        let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
        let members = manifest.find("members = ").expect("members");
        let end = members + manifest[members..].find('\n').expect("a line");
        let alone = manifest
            .replace(&manifest[members..end], "members = [\"core/capi\"]")
            .replace("default-members = [\"host-sim\"]", "")
            .replace(
                "path = \"core\"",
                &format!("path = {:?}", root.join("core")),
            )
            .replace(
                "path = \"firmware\"",
                &format!("path = {:?}", root.join("firmware")),
            );
        std::fs::write(copy.join("Cargo.toml"), alone).expect("a file");
        let capi = copy.join("core/capi/Cargo.toml");
        let text = std::fs::read_to_string(&capi).expect("a manifest");
        let absolute = format!("path = {:?}", root.join("firmware/cortex-m"));
        std::fs::write(
            &capi,
            text.replace("path = \"../../firmware/cortex-m\"", &absolute),
        )
        .expect("a file");
        std::fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock")).expect("a lock file");
        let output = Command::new(env!("CARGO"))
            .args([
                "check",
                "--quiet",
                "--package",
                "smallgate-capi",
                "--target-dir",
            ])
            .arg(copy.with_file_name("out-of-step-target"))
            .current_dir(&copy)
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{to}");
        let why = ["the header's size is too small", "ERROR_EXPIRED"];
        assert!(why.iter().any(|why| said.contains(why)), "{said}");
    }
}

/// Copies a folder, over what is there.
pub(crate) fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
