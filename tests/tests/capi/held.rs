//! Programs in C about what has to hold: objects while a callback runs and after an
//! error, grants in a file through restarts, damage and a second process.

use std::path::Path;
use std::process::Command;

use smallgate_tests::c_gateway::{built, compiled, example, folder};
use smallgate_tests::packed::Image;
use smallgate_tests::suite::setups::standard;

const SANITIZED: [&str; 4] = [
    "-std=c11",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover",
];

/// Runs a program to its end: so many checks, and none failed.
fn assert_clean(command: &mut Command, checks: u32) {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, format!("{checks} checks, 0 failed\n"), "{complaint}");
    assert!(output.status.success(), "{complaint}");
}

#[test]
fn what_is_in_use_is_refused_to_callbacks() {
    let source = folder().join("tests/callbacks.c");
    let image = Image::of(&standard().whole());
    for (compiler, flags) in [
        ("gcc", &SANITIZED[..]),
        ("clang", &["-std=c11", "-O2"]),
        ("g++", &["-std=c++17", "-O2"]),
    ] {
        let name = format!("callbacks-{compiler}");
        let program = compiled(compiler, &name, flags, &[Path::new(&source)]);
        assert_clean(Command::new(program).arg(image.path()), 35);
    }
}

#[test]
fn grants_in_a_file_are_kept_or_refused() {
    let sources = [folder().join("tests/grants.c"), example("grants.c")];
    let sources = sources.each_ref().map(std::path::PathBuf::as_path);
    let program = compiled("gcc", "grants", &SANITIZED, &sources);
    assert_clean(Command::new(program).arg(built("grants.log")), 844);
}
