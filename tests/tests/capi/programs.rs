//! Programs in C that check the interface from their side. `flows.c` does what the
//! suites do not come to; `misuse.c` does everything wrong, which is an error code
//! and nothing else: under sanitizers, and under valgrind. `threads.c` has eight
//! threads at one server.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use smallgate_tests::c_gateway::{compiled, folder};
use smallgate_tests::host::Setup;
use smallgate_tests::packed::Image;
use smallgate_tests::suite::setups::{breakout, standard};

fn program(compiler: &str, source: &str, flags: &[&str]) -> PathBuf {
    let path = folder().join("tests").join(source);
    let name = format!("{source}-{compiler}{}", flags.concat());
    compiled(
        compiler,
        &name.replace(',', "-"),
        flags,
        &[Path::new(&path)],
    )
}

/// Runs a program with an image of profile `breakout`, and says how it went.
fn ran(command: &mut Command) -> Output {
    ran_with(breakout(), command)
}

fn ran_with(setup: Setup, command: &mut Command) -> Output {
    let image = Image::of(&setup.whole());
    command
        .arg(image.path())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Nothing failed, and there were at least so many checks.
fn assert_clean(output: &Output, least: u32) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    let checks: u32 = said
        .strip_suffix(" checks, 0 failed\n")
        .and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{said}"));
    assert!(checks >= least, "{checks}");
}

const MISUSES: u32 = 1000;
const STEPS: u32 = 45;
const RACES: u32 = 2000;

/// Pointers that are aligned to nothing are made on purpose; nobody follows one.
const SANITIZED: [&str; 5] = [
    "-std=c11",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover",
    "-fno-sanitize=alignment",
];

#[test]
fn flows_are_the_same_in_c_and_cpp() {
    for (compiler, flags) in [("gcc", ["-std=c11", "-O2"]), ("g++", ["-std=c++17", "-O2"])] {
        let program = program(compiler, "flows.c", &flags);
        assert_clean(&ran(&mut Command::new(program)), STEPS);
    }
}

#[test]
fn flows_are_clean_under_sanitizers() {
    let program = program("gcc", "flows.c", &SANITIZED);
    assert_clean(&ran(&mut Command::new(program)), STEPS);
}

#[test]
fn misuse_is_an_error_in_c_and_cpp() {
    for (compiler, flags) in [("gcc", ["-std=c11", "-O2"]), ("g++", ["-std=c++17", "-O2"])] {
        let program = program(compiler, "misuse.c", &flags);
        assert_clean(&ran(&mut Command::new(program)), MISUSES);
    }
}

#[test]
fn misuse_is_an_error_under_sanitizers() {
    let program = program("gcc", "misuse.c", &SANITIZED);
    assert_clean(&ran(&mut Command::new(program)), MISUSES);
}

#[test]
fn programs_are_clean_under_valgrind() {
    for (source, least) in [("flows.c", STEPS), ("misuse.c", MISUSES)] {
        let program = program("clang", source, &["-std=c11", "-g"]);
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
        assert_clean(&ran(valgrind.arg(program)), least);
    }
}

#[test]
fn threads_that_share_a_server_have_one_winner() {
    for compiler in ["gcc", "clang"] {
        let program = program(compiler, "threads.c", &["-std=c11", "-O2"]);
        assert_clean(&ran_with(standard(), &mut Command::new(program)), RACES);
    }
}

/// It sees what C does, in callbacks too; the library itself is not compiled for it.
const RACES_SEEN: [&str; 3] = ["-std=c11", "-g", "-fsanitize=thread"];

#[test]
fn threads_are_clean_under_a_sanitizer() {
    let program = program("gcc", "threads.c", &RACES_SEEN);
    assert_clean(&ran_with(standard(), &mut Command::new(program)), RACES);
}

#[test]
fn a_store_without_its_lock_is_seen() {
    let flags = [&RACES_SEEN[..], &["-DNO_LOCK"]].concat();
    let program = program("gcc", "threads.c", &flags);
    let mut command = Command::new(program);
    command.env("TSAN_OPTIONS", "halt_on_error=1");
    let output = ran_with(standard(), &mut command);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{complaint}");
    assert!(complaint.contains("data race"), "{complaint}");
}
